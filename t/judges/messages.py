"""Header and body shapes. Each row is (name, function(rng)); a name that matters to a rule begins with its number."""

import re

FOLDS = (b"\r\n ", b"\r\n\t", b"\r\n  ", b" \r\n\t ", b"\t\r\n \t")
WORDS = (b"alpha", b"beta", b"gamma", b"delta", b"lorem", b"ipsum", b"x", b"=?utf-8?Q?caf=C3=A9?=", b"12:30", b"a=b;c", b"<id@example.net>")


def words(rng, low=1, high=8):
    return [rng.choice(WORDS) for _ in range(rng.randint(low, high))]


def folded_text(rng):
    parts = words(rng, 2, 9)
    text = parts[0]
    for part in parts[1:]:
        text += rng.choice((b" ", b" ", b"  ", b"\t", rng.choice(FOLDS))) + part
    return text


def case_of(rng, name):
    return rng.choice((name, name, name.lower(), name.upper(), name.swapcase()))


def field(name, value):
    return name + b":" + value + b"\r\n"


def eight_bit(rng):
    return bytes(rng.randrange(0x80, 0x100) for _ in range(rng.randint(1, 30)))


ODD_NAMES = (b"X-A!#$%&'*+-/=?^_`{|}~.", b"x", b"X_Y", b"1-2", b"X-Very-" + b"Long-" * 20 + b"Name")

# What one more field may look like; they are appended to the header at random places.
FIELDS = [
    ("plain", lambda rng: field(b"Subject", b" " + b" ".join(words(rng)))),
    ("folded", lambda rng: field(b"References", b" " + folded_text(rng))),
    ("name in other case", lambda rng: field(case_of(rng, b"Message-Id"), b" <1.2@example.com>")),
    ("R31 several of one name", lambda rng: b"".join(field(case_of(rng, b"X-Copy"), b" %d" % i) for i in range(rng.randint(2, 4)))),
    ("R34 blanks before the colon", lambda rng: field(b"X-Gap" + rng.choice((b" ", b"\t", b"  \t")), b" " + folded_text(rng))),
    ("R34 blanks of all kinds", lambda rng: field(b"X-Blanks", rng.choice((b"", b"  ", b"\t", b" \t ")) + folded_text(rng) + rng.choice((b"", b" ", b"\t ")))),
    ("R35 folded behind the colon", lambda rng: field(b"X-Fold", rng.choice(FOLDS) + folded_text(rng))),
    ("R36 empty value", lambda rng: field(b"X-Empty", b"")),
    ("R36 blank value", lambda rng: field(b"X-Blank", rng.choice((b" ", b"\t", b"   ", b" \t")))),
    ("R36 folded blank value", lambda rng: field(b"X-Blank-Fold", rng.choice((b"\r\n ", b" \r\n\t")))),
    ("R34 a fold line of blanks only", lambda rng: field(b"X-Gap-Line", b" one\r\n \t\r\n two")),
    ("R38 8-bit octets", lambda rng: field(b"X-Eight", b" " + eight_bit(rng))),
    ("R38 NUL", lambda rng: field(b"X-Nul", b" a\0b")),
    ("R38 control octets", lambda rng: field(b"X-Control", b" a\x01b\x0b\x0cc\x1b\x7f \x0b d")),
    ("R38 no-break space at the end", lambda rng: field(b"X-Nbsp", b"\xa0 text \xa0")),
    ("R41 a long line", lambda rng: field(b"X-Long", b" " + b"0123456789abcdef" * rng.randint(64, 400))),
    ("R41 more than 64 KiB", lambda rng: field(b"X-Huge", b" " + b"\r\n\t".join([b"y" * 900] * 75))),
    ("odd name", lambda rng: field(rng.choice(ODD_NAMES), b" odd")),
    ("value begins with a colon", lambda rng: field(b"X-Colon", rng.choice((b":", b" :", b": :x")))),
    ("R31 a second From", lambda rng: field(b"From", b" ann@example.net")),
    ("trace", lambda rng: field(b"Received", b" from a.example.net by b.example.net;\r\n\tMon, 1 Jan 2024 00:00:00 +0000")),
    ("mime", lambda rng: field(b"MIME-Version", b" 1.0") + field(b"Content-Type", b' text/plain; charset="utf-8"')),
]
RARE_FIELDS = {"R34 blanks before the colon": 0.4, "R41 more than 64 KiB": 0.05, "R41 a long line": 0.4, "R38 NUL": 0.3}

FROM_VALUES = (
    b" joe@example.com", b" Joe <joe@example.com>", b"joe@example.com", b" \"Joe, a\" <joe@example.com>",
    b"\r\n\tJoe <joe@example.com>", b" J\xc3\xb6 <joe@example.com>", b"  Joe\r\n <joe@example.com>  ",
)


def lines(rng, low=1, high=12):
    return [b" ".join(words(rng)) for _ in range(rng.randint(low, high))]


def text(rng):
    return b"\r\n".join(lines(rng)) + b"\r\n"


BLANK_ENDS = (b" \r\n", b"\t\r\n", b" \r\n\r\n", b"\r\n \t\r\n", b" ")


def blank_runs(rng):
    return re.sub(rb" ", lambda m: rng.choice((b" ", b"  ", b"\t", b" \t ")), text(rng))


BODIES = [
    ("text", text),
    ("text", text),
    ("R44 empty", lambda rng: b""),
    ("R45 line ends only", lambda rng: b"\r\n" * rng.randint(1, 4)),
    ("R45 blank lines only", lambda rng: b"".join(rng.choice((b" \r\n", b"\t\r\n", b"\r\n")) for _ in range(rng.randint(1, 4))) + b" \r\n"),
    ("R45 blanks without a line end", lambda rng: rng.choice((b" ", b"\t", b"\r\n ", b" \r\n\t"))),
    ("R46 no final line end", lambda rng: text(rng) + b"last"),
    ("R46 blanks and no final line end", lambda rng: text(rng) + rng.choice((b"last ", b"last\t ", b"last\r\n "))),
    ("R47 empty lines at the end", lambda rng: text(rng) + b"\r\n" * rng.randint(1, 5)),
    ("R47 empty lines at the start", lambda rng: b"\r\n" * rng.randint(1, 3) + text(rng)),
    ("R48 blank lines at the end", lambda rng: text(rng) + b"".join(rng.choice(BLANK_ENDS[:4]) for _ in range(3))),
    ("R48 blanks at line starts and ends", lambda rng: b"".join(rng.choice((b"", b" ", b"\t", b"   ")) + line + rng.choice((b"", b" ", b"\t ", b"   ")) + b"\r\n" for line in lines(rng))),
    ("R48 runs of blanks", blank_runs),
    ("R50 bare CR", lambda rng: b"one\rtwo\r\n" + text(rng)),
    ("R50 bare LF", lambda rng: b"one\ntwo\r\n" + text(rng)),
    ("R50 CR CR LF", lambda rng: b"one\r\r\n" + text(rng)),
    ("R50 bare LF at the end", lambda rng: text(rng) + rng.choice((b"x\n", b"\n", b"x\n\n"))),
    ("R50 bare CR at the end", lambda rng: text(rng) + rng.choice((b"x\r", b"\r"))),
    ("R50 blank before a bare line end", lambda rng: b"a \nb \rc\r\n"),
    ("R51 NUL", lambda rng: b"a\0b\r\n" + text(rng)),
    ("R51 lines of 5,000 octets", lambda rng: b"z" * 5000 + b"\r\n" + text(rng)),
    ("R51 dots", lambda rng: b".\r\n..\r\n.x\r\n" + text(rng)),
    ("R51 8-bit octets", lambda rng: bytes(b for b in range(128, 256)) + b"\r\n"),
    ("R51 form feed and vertical tab", lambda rng: b"a\x0b \r\nb\x0c\r\n \x0b\r\n\x0c\r\n"),
    ("R51 no-break space at line ends", lambda rng: b"a\xa0\r\nb \xa0 \r\n"),
    ("a line that looks like a field", lambda rng: b"DKIM-Signature: v=1\r\nFrom x\r\n"),
    ("large", lambda rng: b"".join(lines(rng, 400, 800)) + b"\r\n"),
]


def make_header(rng):
    """The fields of a message, and the names of the shapes in it."""
    fields, traits = [], []
    for name, make in rng.sample(FIELDS, rng.randint(1, 5)):
        if rng.random() >= RARE_FIELDS.get(name, 1):
            continue
        made = re.split(rb"(?<=\r\n)(?![ \t])", make(rng))
        fields += [one for one in made if one]
        traits.append("header: " + name)
    rng.shuffle(fields)
    fields.insert(rng.randint(0, len(fields)), field(b"Date", b" Mon, 1 Jan 2024 00:00:00 +0000"))
    fields.insert(rng.randint(0, len(fields)), field(rng.choice((b"From", b"From", b"from", b"FROM")), rng.choice(FROM_VALUES)))
    fields.insert(rng.randint(0, len(fields)), field(b"To", b" " + rng.choice((b"ann@example.org", b"ann@example.org,\r\n bob@example.net"))))
    return fields, traits


def make_body(rng):
    name, make = rng.choice(BODIES)
    return make(rng), "body: " + name
