"""Key pairs, made anew in each run, and the key records that publish them."""

import base64
import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

EXPONENTS = {"rsa2048e3": 3}  # else 65537
KINDS = ("rsa768", "rsa1024", "rsa2048", "rsa2048e3", "rsa4096", "ed25519")


class Key:
    def __init__(self, kind):
        self.kind = kind
        self.type = "ed25519" if kind == "ed25519" else "rsa"
        if self.type == "ed25519":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(EXPONENTS.get(kind, 65537), int(kind[3:].split("e")[0]))

    def algorithm(self):
        return b"ed25519-sha256" if self.type == "ed25519" else b"rsa-sha256"

    def public(self, encoding, form):
        return self.private.public_key().public_bytes(encoding, form)

    def data(self):
        """p= : 32 octets for Ed25519 (RFC 8463 section 4), SubjectPublicKeyInfo for RSA."""
        if self.type == "ed25519":
            raw = self.public(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        else:
            raw = self.public(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(raw)

    def other_data(self):
        """The key in the form that is not the usual one: PKCS#1 for RSA, SubjectPublicKeyInfo for Ed25519."""
        form = serialization.PublicFormat
        form = form.SubjectPublicKeyInfo if self.type == "ed25519" else form.PKCS1
        return base64.b64encode(self.public(serialization.Encoding.DER, form))

    def longer_data(self):
        return base64.b64encode(base64.b64decode(self.data()) + b"\0\0\0")

    def write_pem(self, path):
        """A file that every signer under test can read; theirs alone."""
        form = serialization.PrivateFormat
        form = form.PKCS8 if self.type == "ed25519" else form.TraditionalOpenSSL
        text = self.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)


def make_keys():
    return {kind: Key(kind) for kind in KINDS}


class Record:
    """One key record under construction: tags in order, then the TXT texts around it."""

    def __init__(self, key):
        self.key = key
        self.tags = [[b"v", b"DKIM1"], [b"k", key.type.encode()], [b"p", key.data()]]
        self.equals = b"="
        self.end = b""
        self.before = []
        self.after = []
        self.published = True

    def set(self, name, value):
        for tag in self.tags:
            if tag[0] == name:
                tag[1] = value
                return
        self.tags.insert(len(self.tags) - 1, [name, value])

    def drop(self, name):
        self.tags = [tag for tag in self.tags if tag[0] != name]

    def texts(self):
        if not self.published:
            return []
        text = b"; ".join(name + self.equals + value for name, value in self.tags) + self.end
        return self.before + [text] + self.after


def folded(rng, text):
    """White space inside base64."""
    at = rng.randrange(1, len(text))
    return text[:at] + rng.choice([b" ", b"  ", b"\t"]) + text[at:]


def strict_identity(rng, record, draft):
    record.set(b"t", rng.choice([b"s", b"y:s", b"s:y", b"x : s"]))
    if not draft.tag(b"i") and rng.random() < 0.5:
        draft.set(b"i", b"joe@mail." + draft.domain)
        draft.identity_below = True
    draft.expected |= {"KEY_STRICT_IDENTITY"} if draft.identity_below else set()


# (name, reasons that postern may give, function(rng, record, draft)). "PASS" rows leave the signature good,
# unless the function adds a reason to draft.expected.
TRAITS = [
    ("R55 v= absent", "PASS", lambda rng, r, d: r.drop(b"v")),
    ("R55 v= stands behind", "PASS", lambda rng, r, d: r.tags.append(r.tags.pop(0))),
    ("R55 v= is DKIM2", "KEY_BAD_VERSION", lambda rng, r, d: r.set(b"v", b"DKIM2")),
    ("R55 v= in small letters", "KEY_BAD_VERSION", lambda rng, r, d: r.set(b"v", b"dkim1")),
    ("R56 k= absent", "PASS", lambda rng, r, d: k_absent(r, d)),
    ("R56 k= in capitals", "PASS", lambda rng, r, d: r.set(b"k", r.key.type.upper().encode())),
    ("R56 k= unknown", "KEY_BAD_TYPE", lambda rng, r, d: r.set(b"k", rng.choice([b"dsa", b"rsa2"]))),
    ("R56 k= empty", "KEY_BAD_TYPE", lambda rng, r, d: r.set(b"k", b"")),
    ("R57 h= lists sha256", "PASS", lambda rng, r, d: r.set(b"h", rng.choice([b"sha256", b"sha1:sha256", b"sha1 : sha256", b"foo:sha256"]))),
    ("R57 h= without sha256", "KEY_HASH_REFUSED", lambda rng, r, d: r.set(b"h", rng.choice([b"sha1", b"sha512", b"sha1:foo"]))),
    ("R58 s= allows email", "PASS", lambda rng, r, d: r.set(b"s", rng.choice([b"*", b"email"]))),
    ("R58 s= is a list with email", "PASS", lambda rng, r, d: r.set(b"s", rng.choice([b"tlsrpt:email", b"email : foo", b"foo:*"]))),
    ("R58 s= without email", "KEY_SERVICE_REFUSED", lambda rng, r, d: r.set(b"s", rng.choice([b"tlsrpt", b"foo", b"foo:bar", b"emails"]))),
    ("R59 p= is missing", "KEY_MISSING_DATA", lambda rng, r, d: r.drop(b"p")),
    ("R59 p= is empty", "KEY_REVOKED", lambda rng, r, d: r.set(b"p", rng.choice([b"", b" "]))),
    ("R59 white space inside p=", "PASS", lambda rng, r, d: r.set(b"p", folded(rng, r.key.data()))),
    ("R59 p= is not base64", "KEY_BAD_DATA", lambda rng, r, d: r.set(b"p", r.key.data()[:-8] + rng.choice([b"*", b"!!!!", b"."]))),
    ("R59 p= is cut short", "KEY_BAD_DATA", lambda rng, r, d: r.set(b"p", r.key.data()[:-16])),
    ("R60 an empty p= before the key", "KEY_DUPLICATE_TAG", lambda rng, r, d: r.tags.insert(0, [b"p", b""])),
    ("R60 an empty p= after the key", "KEY_DUPLICATE_TAG", lambda rng, r, d: r.tags.append([b"p", b""])),
    ("R60 t= twice", "KEY_DUPLICATE_TAG", lambda rng, r, d: r.tags.extend([[b"t", b"y"], [b"t", b"y"]])),
    ("R60 v= twice", "KEY_DUPLICATE_TAG", lambda rng, r, d: r.tags.insert(0, [b"v", b"DKIM1"])),
    ("R61 test mode", "PASS", lambda rng, r, d: r.set(b"t", rng.choice([b"y", b"y:x", b" y "]))),
    ("R62 strict identity", "PASS", strict_identity),
    ("R63 notes, unknown flags and tags", "PASS", lambda rng, r, d: unknown_parts(r)),
    ("R63 g= is of no account", "PASS", lambda rng, r, d: r.set(b"g", rng.choice([b"*", b"nobody", b""]))),
    ("R64 a zone file's escape", "KEY_ESCAPED_SEMICOLON KEY_BAD_VERSION KEY_BAD_TYPE", lambda rng, r, d: escape_leaked(r)),
    ("R65 no record", "NO_KEY", lambda rng, r, d: setattr(r, "published", False)),
    ("R65 an empty record", "KEY_SYNTAX", lambda rng, r, d: r.tags.clear()),
    ("R67 another TXT before", "PASS", lambda rng, r, d: r.before.append(b"v=spf1 -all")),
    ("R67 another TXT after", "PASS", lambda rng, r, d: r.after.append(b"v=spf1 -all")),
    ("R67 a revoked record before", "PASS", lambda rng, r, d: r.before.append(b"v=DKIM1; p=")),
    ("R69 the other encoding of the key", "PASS", lambda rng, r, d: other_encoding(r, d)),
    ("R5 final semicolon", "PASS", lambda rng, r, d: setattr(r, "end", rng.choice([b";", b"; ", b" ;"]))),
    ("R5 an empty tag-spec", "KEY_SYNTAX", lambda rng, r, d: setattr(r, "end", b";;")),
    ("R6 blanks around =", "PASS", lambda rng, r, d: setattr(r, "equals", rng.choice([b" = ", b"= ", b" =", b"\t=\t"]))),
    ("R59 octets behind the key", "KEY_BAD_DATA", lambda rng, r, d: r.set(b"p", r.key.longer_data())),
    ("R6 a tag without =", "KEY_SYNTAX", lambda rng, r, d: setattr(r, "end", b"; foo")),
]


def k_absent(record, draft):
    """The default is rsa: an Ed25519 key is then no RSA key."""
    record.drop(b"k")
    if record.key.type == "ed25519":
        draft.expected.add("KEY_BAD_DATA")


def other_encoding(record, draft):
    record.set(b"p", record.key.other_data())
    if record.key.type == "ed25519":
        draft.expected.add("KEY_BAD_DATA")


def unknown_parts(record):
    record.set(b"n", b"a=20note, rotated in spring")
    record.set(b"t", b"foo:bar")
    record.set(b"x_new", b"1:2:3")


def escape_leaked(record):
    record.set(b"v", b"DKIM1\\")
