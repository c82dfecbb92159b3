"""RFC 6376 canonicalization, hashing and signing, as plainly as the text reads.

Slow on purpose: whole messages in memory, one regular expression per sentence of the RFC.
Nothing here is shared with the library under test.
"""

import base64
import hashlib
import re

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding


def simple_field(field):
    """Section 3.4.1: no change. A field has its final CRLF."""
    return field


def relaxed_field(field):
    """Section 3.4.2, its five steps in order."""
    name, value = field.split(b":", 1)
    name = name.lower()
    value = re.sub(rb"\r\n(?=[ \t])", b"", value)
    value = re.sub(rb"[ \t]+", b" ", value)
    value = re.sub(rb" (?=(\r\n)?\Z)", b"", value)
    return name.rstrip(b" \t") + b":" + value.lstrip(b" \t")


def without_empty_lines_at_end(lines):
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def simple_body(body):
    """Section 3.4.3: "*CRLF" at the end becomes one CRLF."""
    return b"\r\n".join(without_empty_lines_at_end(body.split(b"\r\n"))) + b"\r\n"


def relaxed_body(body):
    """Section 3.4.4."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    lines = without_empty_lines_at_end(lines)
    return b"\r\n".join(lines) + b"\r\n" if lines else b""


FIELD = {"simple": simple_field, "relaxed": relaxed_field}
BODY = {"simple": simple_body, "relaxed": relaxed_body}


def name_of(field):
    return field.split(b":", 1)[0].rstrip(b" \t").lower()


def select(fields, names, skip):
    """Section 5.4.2: for each name the lowest field of that name not taken yet; none when all are taken."""
    left = [field for i, field in enumerate(fields) if i != skip]
    for name in names:
        for i in range(len(left) - 1, -1, -1):
            if name_of(left[i]) == name.lower():
                yield left.pop(i)
                break


def header_block(fields, names, canon, unsigned_field, skip=None):
    """Section 3.7: the selected fields, then the signature field, its b= empty, without the final CRLF.

    skip is the index of the signature field in fields, if it stands there.
    """
    block = b"".join(FIELD[canon](field) for field in select(fields, names, skip))
    own = FIELD[canon](unsigned_field + b"\r\n")
    return block + own[:-2]


def body_octets(body, canon, length=None):
    octets = BODY[canon](body)
    return octets if length is None else octets[:length]


def body_hash(body, canon, length=None, algorithm="sha256"):
    digest = hashlib.new(algorithm, body_octets(body, canon, length)).digest()
    return base64.b64encode(digest)


def sign(key, block, algorithm="sha256"):
    """Section 3.3; RFC 8463 section 3 for Ed25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(hashlib.sha256(block).digest())
    method = {"sha256": hashes.SHA256(), "sha1": hashes.SHA1()}[algorithm]
    return key.sign(block, padding.PKCS1v15(), method)
