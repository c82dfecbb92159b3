"""One DKIM-Signature field under construction, and the ways in which it may be unusual.

A row is (name, reasons that postern may give, tags that it touches, function(rng, draft)).
Whatever the tags say, the field is signed over the octets that it has: a refusal is then
the work of the rule that the row names and of nothing else.
"""

import base64

import reference

NOW = 1700000000  # the time that every judge takes for now
SKEW = 300        # seconds that clocks may differ, where a judge can be told
DOMAIN = b"example.com"


class Draft:
    def __init__(self, key, selector, names, canon):
        self.key = key
        self.domain = DOMAIN
        self.selector = selector
        self.names = names            # h= as selected from the header, in order
        self.header_canon, self.body_canon = canon
        self.length = None            # what l= says
        self.hashed = None            # what is hashed of the body, where it is not what l= says
        self.hash = "sha256"
        self.identity_below = False   # i= is in a subdomain of d=
        self.expected = set()         # reasons to refuse it; empty: it must pass
        self.traits = []
        self.tags = [[b"v", b"1"], [b"a", key.algorithm()], [b"c", b"/".join(c.encode() for c in canon)],
                     [b"d", self.domain], [b"s", selector], [b"t", b"%d" % (NOW - 1000)],
                     [b"h", b":".join(names)], [b"bh", None], [b"b", None]]
        self.style = "plain"
        self.name = b"DKIM-Signature:"
        self.end = b""
        self.around_b = (b"", b"")    # white space around the value of b=, not hashed
        self.prefix = self.suffix = b""  # the field but for the value of b= and what is around it
        self.value = b""
        self.block = self.body_hash = None  # what was signed

    def tag(self, name):
        return next((tag for tag in self.tags if tag[0] == name), None)

    def set(self, name, value):
        if self.tag(name):
            self.tag(name)[1] = value
        else:
            self.tags.insert(len(self.tags) - 1, [name, value])

    def drop(self, name):
        self.tags = [tag for tag in self.tags if tag[0] != name]

    def relist(self, names):
        self.names = names
        self.set(b"h", b":".join(names))

    def field(self):
        return self.prefix + self.value + self.suffix + b"\r\n"

    def unsigned_field(self):
        return self.prefix + self.suffix


def white_space(rng, style, chance=0.4):
    if style in ("plain", "tight") or rng.random() > chance:
        return b""
    return rng.choice({"folded": (b"\r\n\t", b"\r\n ", b" \r\n  "), "spaced": (b" ", b"\t", b"  ")}[style])


def break_base64(rng, text, style):
    out = b""
    while text:
        step = rng.randint(8, 76)
        out += text[:step]
        text = text[step:]
        if text:
            out += {"plain": b"\r\n\t", "tight": b"", "folded": rng.choice((b"\r\n ", b"\r\n\t\t")), "spaced": b" "}[style]
    return out


def hash_body(draft, body):
    return reference.body_hash(body, draft.body_canon, draft.length if draft.hashed is None else draft.hashed, draft.hash)


def lay_out(rng, draft, body):
    """Decide on every octet of the field but those of b= ; draft.prefix and draft.suffix."""
    bh = draft.body_hash = hash_body(draft, body)
    texts = []
    for index, (name, value) in enumerate(draft.tags):
        before = {"plain": b" ", "tight": b"", "spaced": rng.choice((b" ", b"  ", b"")), "folded": rng.choice((b"\r\n\t", b" "))}[draft.style]
        if value is None and name == b"bh":
            value = break_base64(rng, bh, draft.style) if draft.style in ("folded", "spaced") else bh
        ws = [white_space(rng, draft.style) for _ in range(3)]
        if value is None:
            texts.append(before + name + ws[0] * (len(name) > 1) + b"=\0")
            continue
        texts.append(before + name + ws[0] + b"=" + ws[1] + value + ws[2])
    draft.prefix, draft.suffix = (draft.name + b";".join(texts) + draft.end).split(b"\0")
    if draft.style in ("folded", "spaced"):
        draft.around_b = (white_space(rng, draft.style), white_space(rng, draft.style))
        if not draft.suffix:
            draft.around_b = (draft.around_b[0], b"")


def sign(rng, draft, fields, own_index=None):
    block = reference.header_block(fields, draft.names, draft.header_canon, draft.unsigned_field(), own_index)
    draft.block = block
    signature = reference.sign(draft.key.private, block, draft.hash)
    text = break_base64(rng, base64.b64encode(signature), draft.style)
    draft.value = draft.around_b[0] + text + draft.around_b[1]


def move_first(draft, name):
    tag = draft.tag(name)
    draft.tags.remove(tag)
    draft.tags.insert(1, tag)


def retag(draft, name, new_name):
    draft.tag(name)[0] = new_name


def in_capitals(draft):
    draft.set(b"d", draft.domain.upper())
    draft.set(b"s", draft.selector.upper())


def set_canon(draft, text, header, body):
    draft.header_canon, draft.body_canon = header, body
    if text is None:
        draft.drop(b"c")
    else:
        draft.set(b"c", text)


def default_canon(rng, draft):
    set_canon(draft, *rng.choice(((None, "simple", "simple"), (b"relaxed", "relaxed", "simple"), (b"simple", "simple", "simple"))))


def empty_length(draft):
    """What a reader that takes nothing for 0 would verify."""
    draft.hashed = 0
    draft.set(b"l", b"")


def cut_canon(rng, draft):
    """What a reader that takes the default for what is missing would verify."""
    set_canon(draft, *rng.choice(((b"", "simple", "simple"), (b"", "simple", "simple"), (b"relaxed/", "relaxed", "simple"), (b"/relaxed", "simple", "relaxed"))))


def capital_canon(draft):
    draft.set(b"c", draft.tag(b"c")[1].title())


def identity_below(rng, draft, value):
    draft.set(b"i", value)
    draft.identity_below = True


def spaced_names(rng, draft):
    gaps = (b"", b" ", b"\r\n\t", b"  ")
    draft.set(b"h", b":".join(rng.choice(gaps) + name.title() + rng.choice(gaps) for name in draft.names).strip())


def oversigned(draft):
    draft.relist(draft.names + [b"from", b"Subject", b"X-Absent", b"x-absent"])


def without_from(draft):
    draft.relist([name for name in draft.names if name.lower() != b"from"] or [b"to"])


def empty_name(rng, draft):
    draft.set(b"h", rng.choice((b"%b:", b":%b", b"%b::x-y")) % b":".join(draft.names))


def set_algorithm_sha1(draft):
    draft.hash = "sha1"
    draft.set(b"a", b"rsa-sha1")


def empty_required(rng, draft):
    draft.set(rng.choice((b"a", b"bh", b"d", b"h", b"s")), b"")


def missing_required(rng, draft):
    draft.drop(rng.choice((b"a", b"bh", b"d", b"h", b"s")))


def other_selector(draft, selector):
    draft.selector = selector
    draft.set(b"s", selector)


def sign_for(draft, domain):
    draft.domain = domain
    draft.set(b"d", domain)


U_LABELS = ("bücher.example", "BÜCHER.example", "bu\u0308cher.example")  # the last is not in NFC
A_LABELS = b"xn--bcher-kva.example"


def sign_for_u_label(rng, draft):
    draft.domain = A_LABELS
    draft.set(b"d", rng.choice(U_LABELS).encode())


def identity_in_u_labels(rng, draft):
    draft.domain = A_LABELS
    draft.set(b"d", rng.choice((A_LABELS, U_LABELS[0].encode())))
    draft.set(b"i", rng.choice(("@", "joe@")).encode() + rng.choice(U_LABELS).encode())


def selector_in_u_labels(draft):
    name = draft.selector.decode() + "-schlüssel"
    draft.set(b"s", name.encode())
    draft.selector = name.encode("idna")


def number(value):
    return b"%d" % value


NOT_NUMBERS = (b"+5", b"-1", b"1.5", b"12a", b"0x10", b"1 2", b"now")

GOOD = "PASS"
TRAITS = [
    ("R4 unknown tags", GOOD, "foo", lambda rng, d: (d.set(b"foo", b"bar baz"), d.set(b"x_1", b""), d.set(b"B", b"AAAA"))),
    ("R5 final semicolon", GOOD, "end", lambda rng, d: setattr(d, "end", rng.choice((b";", b"; ", b";\r\n ")))),
    ("R6 blanks before the = of b", GOOD, "b", lambda rng, d: retag(d, b"b", b"b" + rng.choice((b" ", b"\t", b"\r\n\t")))),
    ("R7 b= in the middle", GOOD, "b", lambda rng, d: move_first(d, b"b")),
    ("R10 a= in capitals", GOOD, "a", lambda rng, d: d.set(b"a", d.tag(b"a")[1].upper())),
    ("R11 c= absent or of one name", GOOD, "c", default_canon),
    ("R11 c= in capitals", GOOD, "c", lambda rng, d: capital_canon(d)),
    ("R12 q= lists dns/txt", GOOD, "q", lambda rng, d: d.set(b"q", rng.choice((b"dns/txt:foo", b"foo:dns/txt", b"dns/txt : x/y", b"DNS/TXT")))),
    ("q= dns/txt", GOOD, "q", lambda rng, d: d.set(b"q", b"dns/txt")),
    ("R13 d= and s= in capitals", GOOD, "d s", lambda rng, d: in_capitals(d)),
    ("R14 i= below d=", GOOD, "i", lambda rng, d: identity_below(rng, d, rng.choice((b"@a.example.com", b"u@a.b.example.com")))),
    ("R15 i= in d=", GOOD, "i", lambda rng, d: d.set(b"i", rng.choice((b"@example.com", b"joe@example.com", b"joe@EXAMPLE.com")))),
    ("R15 i= quoted-printable", GOOD, "i", lambda rng, d: d.set(b"i", rng.choice((b"a=3Db@example.com", b"=22a=40b=22@example.com")))),
    ("R17 h= in other case, with folds", GOOD, "h", spaced_names),
    ("R19 h= oversigns", GOOD, "h", lambda rng, d: oversigned(d)),
    ("R20 h= lists DKIM-Signature", GOOD, "h", lambda rng, d: d.relist(d.names + [b"DKIM-Signature"] * 9)),
    ("R22 x= of 12 digits", GOOD, "x", lambda rng, d: d.set(b"x", b"999999999999")),
    ("R22 x= of 24 digits", GOOD, "x", lambda rng, d: d.set(b"x", b"9" * 24)),
    ("R22 t= with zeros", GOOD, "t", lambda rng, d: d.set(b"t", b"000" + number(NOW - 5))),
    ("R23 x= after t=", GOOD, "x t", lambda rng, d: d.set(b"x", number(NOW + 1000))),
    ("R24 expired within the skew", GOOD, "x t", lambda rng, d: d.set(b"x", number(NOW - 100))),
    ("R25 t= is 0", GOOD, "t", lambda rng, d: d.set(b"t", b"0")),
    ("R25 t= ahead within the skew", GOOD, "t", lambda rng, d: d.set(b"t", number(NOW + 100))),
    ("t= absent", GOOD, "t", lambda rng, d: d.drop(b"t")),
    ("R28 z= copies", GOOD, "z", lambda rng, d: d.set(b"z", b"From:joe@example.net|Subject:=20other;=3B".replace(b";", b""))),
    ("R29 UTF-8 in an unknown tag", GOOD, "u", lambda rng, d: d.set(b"u", "grün".encode())),
    ("R55 v= stands behind", GOOD, "v", lambda rng, d: d.tags.insert(rng.randint(1, len(d.tags) - 2), d.tags.pop(0))),
    ("R70 a selector of two labels", GOOD, "s", lambda rng, d: other_selector(d, d.selector + b".mail")),
    ("an underscore in the selector", GOOD, "s", lambda rng, d: other_selector(d, d.selector + b"_x")),
    ("R34 blanks before the colon of DKIM-Signature", GOOD, "name", lambda rng, d: setattr(d, "name", rng.choice((b"DKIM-Signature :", b"DKIM-Signature\t:")))),
    ("R34 DKIM-Signature in other case", GOOD, "name", lambda rng, d: setattr(d, "name", rng.choice((b"dkim-signature:", b"DKIM-SIGNATURE:")))),
    ("R31 h= lists 300 names", GOOD, "h", lambda rng, d: d.relist(d.names + [b"x-no-%d" % i for i in range(300)])),
    ("R108 d= in U-labels", GOOD, "d i", sign_for_u_label),
    ("R108 i= in U-labels", GOOD, "d i", identity_in_u_labels),
    ("R108 s= in U-labels", GOOD, "s", lambda rng, d: selector_in_u_labels(d)),
    ("R109 i= with UTF-8 before the @", GOOD, "i", lambda rng, d: d.set(b"i", "jörg@example.com".encode())),
    ("R111 r=y", GOOD, "r", lambda rng, d: d.set(b"r", b"y")),

    ("R1 v= is missing", "NO_VERSION", "v", lambda rng, d: d.drop(b"v")),
    ("R1 v= is not 1", "BAD_VERSION", "v", lambda rng, d: d.set(b"v", rng.choice((b"2", b"01", b"1.0", b"", b"DKIM1")))),
    ("R2 V= for v=", "NO_VERSION", "v", lambda rng, d: retag(d, b"v", b"V")),
    ("R2 D= for d=", "TAG_MISSING", "d", lambda rng, d: retag(d, b"d", b"D")),
    ("R3 a tag twice", "TAG_DUPLICATE", "foo", lambda rng, d: d.tags.insert(2, list(d.tag(rng.choice((b"v", b"a", b"d", b"s", b"h")))))),
    ("R3 an unknown tag twice", "TAG_DUPLICATE", "foo", lambda rng, d: d.tags.insert(2, [b"foo", b"1"]) or d.tags.insert(4, [b"foo", b"2"])),
    ("R5 an empty tag-spec", "TAG_SYNTAX", "end", lambda rng, d: setattr(d, "end", rng.choice((b";;", b"; ;")))),
    ("a tag without =", "TAG_SYNTAX", "foo", lambda rng, d: setattr(d, "end", b"; foo")),
    ("a tag name that is none", "TAG_SYNTAX", "foo", lambda rng, d: d.set(rng.choice((b"1x", b"x-y", b"_x", b"")), b"1")),
    ("a control octet in a tag", "TAG_SYNTAX", "foo", lambda rng, d: d.set(b"foo", rng.choice((b"a\x01b", b"a\x7fb")))),
    ("R9 a required tag is missing", "TAG_MISSING", "a d h s", missing_required),
    ("R9 a required tag is empty", "TAG_MISSING", "a d h s", empty_required),
    ("R10 a= unknown", "BAD_ALGORITHM", "a", lambda rng, d: d.set(b"a", rng.choice((b"rsa-sha512", b"dsa-sha256", b"rsa", b"rsa-sha256x")))),
    ("R11 c= unknown", "BAD_CANONICALIZATION", "c", lambda rng, d: d.set(b"c", rng.choice((b"nofws", b"relaxed/nofws", b"relaxed/simple/simple", b"relaxed / simple")))),
    ("R11 c= cut short", "BAD_CANONICALIZATION", "c", cut_canon),
    ("R12 q= without dns/txt", "BAD_QUERY_METHOD", "q", lambda rng, d: d.set(b"q", rng.choice((b"foo", b"dns", b"dns/txtx", b"http/x", b"")))),
    ("R14 i= outside d=", "IDENTITY_OUTSIDE", "i", lambda rng, d: d.set(b"i", rng.choice((b"a@badexample.com", b"a@com", b"a@example.org", b"@example.com.example.org")))),
    ("R15 i= without @", "BAD_IDENTITY", "i", lambda rng, d: d.set(b"i", rng.choice((b"example.com", b"a.example.com")))),
    ("R15 i= is no quoted-printable", "BAD_IDENTITY", "i", lambda rng, d: d.set(b"i", rng.choice((b"a=ZZ@example.com", b"a=@example.com")))),
    ("R16 From is not in h=", "FROM_NOT_SIGNED", "h", lambda rng, d: without_from(d)),
    ("R18 an empty name in h=", "BAD_SIGNED_HEADERS", "h", empty_name),
    ("R22 l= is empty", "BAD_LENGTH", "l", lambda rng, d: empty_length(d)),
    ("R22 l= is no number", "BAD_LENGTH", "l", lambda rng, d: d.set(b"l", rng.choice(NOT_NUMBERS))),
    ("R22 t= is no number", "BAD_TIMESTAMP", "t", lambda rng, d: d.set(b"t", rng.choice(NOT_NUMBERS))),
    ("R22 x= is no number", "BAD_EXPIRATION", "x", lambda rng, d: d.set(b"x", rng.choice(NOT_NUMBERS))),
    ("R23 x= is not after t=", "EXPIRES_BEFORE_SIGNED", "x t", lambda rng, d: (d.set(b"t", number(NOW - 5)), d.set(b"x", number(NOW - rng.choice((5, 20)))))),
    ("R24 expired", "EXPIRED", "x t", lambda rng, d: (d.drop(b"t"), d.set(b"x", number(NOW - rng.choice((301, 20000, 10000000)))))),
    ("R25 t= in the future", "IN_FUTURE", "t x", lambda rng, d: d.set(b"t", rng.choice((number(NOW + 301), number(NOW + 20000), b"999999999999", b"9" * 30)))),
    ("R44 bh= of other length", "BAD_BODY_HASH", "bh", lambda rng, d: d.set(b"bh", rng.choice((base64.b64encode(b"0" * 20), base64.b64encode(b"1" * 33))))),
    ("bh= is no base64", "BAD_BODY_HASH", "bh", lambda rng, d: d.set(b"bh", b"*" * 44)),
    ("R53 bh= of another body", "BODY_HASH_DIFFERS", "bh", lambda rng, d: d.set(b"bh", base64.b64encode(b"2" * 32))),
    ("R71 d= ends in a dot", "BAD_DOMAIN", "d", lambda rng, d: d.set(b"d", d.domain + b".")),
    ("R71 d= is no domain name", "BAD_DOMAIN", "d", lambda rng, d: d.set(b"d", rng.choice((b"example..com", b".example.com", b"exam ple.com", b"example.com/x")))),
    ("R71 a label of 64 octets", "BAD_SELECTOR", "s", lambda rng, d: d.set(b"s", b"l" * 64)),
    ("R71 a name of 254 octets", "KEY_NAME_TOO_LONG", "s", lambda rng, d: d.set(b"s", b".".join([b"l" * 60] * 3 + [b"m" * 48]))),
    ("R110 d= is no UTF-8", "BAD_DOMAIN", "d", lambda rng, d: d.set(b"d", b"b\xfccher.example")),
    ("R110 d= is no name in IDNA", "BAD_IDNA", "d", lambda rng, d: d.set(b"d", "a\u2024b.example.com".encode())),
    ("R109 i= is no UTF-8", "BAD_IDENTITY", "i", lambda rng, d: d.set(b"i", b"j\xf6rg@example.com")),
    ("R72 d= of one label", "TOP_LEVEL_DOMAIN", "d i", lambda rng, d: sign_for(d, b"com")),
]
RSA_ONLY = [
    ("R74 rsa-sha1", "SHA1", "a", lambda rng, d: set_algorithm_sha1(d)),
]


# What l= may say of a body whose canonical form has `whole` octets.
LENGTHS = (
    ("R26 l= covers all", lambda rng, whole: whole),
    ("R26 l= beyond the body", lambda rng, whole: whole + rng.choice((1, 2, 1000))),
    ("R27 l= covers a part", lambda rng, whole: rng.randint(1, max(1, whole - 1))),
    ("R27 l= is 0", lambda rng, whole: 0),
    ("R22 l= of 70 digits", lambda rng, whole: 10 ** 69),
)


def add_length(rng, draft, body):
    name, length = rng.choice(LENGTHS)
    draft.length = length(rng, len(reference.body_octets(body, draft.body_canon)))
    draft.set(b"l", number(draft.length))
    draft.traits.append(name)


def settle(draft, fields, own_index, body):
    """What became of the hashes until the message arrived: fields and body are those of the end."""
    whole = len(reference.body_octets(body, draft.body_canon))
    if draft.length is not None and draft.length != whole:
        draft.expected.add("BODY_SHORTER_THAN_L" if draft.length > whole else "BODY_NOT_COVERED")
    if hash_body(draft, body) != draft.body_hash:
        draft.expected.add("BODY_HASH_DIFFERS")
    block = reference.header_block(fields, draft.names, draft.header_canon, draft.unsigned_field(), own_index)
    if block != draft.block:
        draft.expected.add("SIGNATURE_DIFFERS")
