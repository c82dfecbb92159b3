"""What happens to a message on its way. Whether a signature survives it is for the reference to say.

A row is (name, function(rng, message)); it changes message.items (fields as octets, signatures as
drafts) or message.body. A function that finds nothing to change does nothing.
"""

import base64
import re

import signatures


def plain_indexes(message):
    return [i for i, item in enumerate(message.items) if isinstance(item, bytes)]


def change_field(rng, message, change):
    i = rng.choice(plain_indexes(message))
    message.items[i] = change(message.items[i])


def insert_at(text, at, what):
    return text[:at] + what + text[at:]


def flip_body_octet(rng, message):
    if message.body:
        at = rng.randrange(len(message.body))
        message.body = message.body[:at] + bytes([message.body[at] ^ 1]) + message.body[at + 1:]


def drop_final_line_end(rng, message):
    if message.body.endswith(b"\r\n"):
        message.body = message.body[:-2]


def widen_blank(rng, message):
    message.body = message.body.replace(b" ", rng.choice((b"  ", b"\t", b" \t")), 1)


def blanks_at_line_end(rng, message):
    message.body = message.body.replace(b"\r\n", rng.choice((b" \r\n", b"\t\r\n")), 1)


def leading_blank(rng, message):
    message.body = b" " + message.body


def refold(rng, message):
    """A line end before a blank between words."""
    change_field(rng, message, lambda field: re.sub(rb"(:[^\r\n]*[!-~])( [!-~])", rb"\1\r\n\2", field, 1))


def swap_case_of_name(rng, message):
    def change(field):
        name, value = field.split(b":", 1)
        return name.swapcase() + b":" + value
    change_field(rng, message, change)


def trailing_blank(rng, message):
    change_field(rng, message, lambda field: field[:-2] + b" \r\n")


def change_value(rng, message):
    change_field(rng, message, lambda field: field[:-2] + b"!\r\n")


def remove_field(rng, message):
    keep = [i for i in plain_indexes(message) if not message.items[i].lower().startswith(b"from")]
    del message.items[rng.choice(keep)]


def copy_name(rng, message, at):
    field = message.items[rng.choice(plain_indexes(message))]
    message.items.insert(at, field.split(b":", 1)[0] + b": another\r\n")


def swap_fields(rng, message):
    a, b = rng.choice(plain_indexes(message)), rng.choice(plain_indexes(message))
    message.items[a], message.items[b] = message.items[b], message.items[a]


def drafts(message):
    return [item for item in message.items if isinstance(item, signatures.Draft)]


def refold_signature(rng, message):
    draft = rng.choice(drafts(message))
    at = rng.randrange(1, len(draft.value))
    if draft.value[at - 1:at + 1].isalnum():
        draft.value = insert_at(draft.value, at, rng.choice((b" ", b"\r\n\t", b"\r\n ", b"\t\t")))


def other_signature(rng, message, change):
    """Other octets in b=, well-formed base64."""
    draft = rng.choice(drafts(message))
    octets = base64.b64decode(b"".join(draft.value.split()))
    draft.value = base64.b64encode(change(octets))
    draft.expected.add("SIGNATURE_DIFFERS")


def flip_signature_bit(rng, message):
    at = rng.randrange(16)
    other_signature(rng, message, lambda s: s[:at] + bytes([s[at] ^ 4]) + s[at + 1:])


def spoil_base64(rng, message):
    draft = rng.choice(drafts(message))
    draft.value = rng.choice((b"*", b"-_")) + draft.value
    draft.expected.add("BAD_SIGNATURE_DATA")


def drop_padding(rng, message):
    draft = rng.choice(drafts(message))
    if b"=" in draft.value:
        draft.value = draft.value.replace(b"=", b"")
        draft.expected.add("BAD_SIGNATURE_DATA")


def empty_signature(rng, message):
    draft = rng.choice(drafts(message))
    draft.value = b""
    draft.expected.add("TAG_MISSING")


def add_tag(rng, message):
    draft = rng.choice(drafts(message))
    draft.prefix = draft.prefix.replace(b":", b": late=1;", 1)
    draft.expected.add("SIGNATURE_DIFFERS")


def swap_case_of_signature_name(rng, message):
    draft = rng.choice(drafts(message))
    draft.prefix = draft.prefix.replace(b"DKIM-Signature", b"dkim-signature", 1)


MUTATIONS = [
    ("a body octet is changed", flip_body_octet),
    ("a body line is added", lambda rng, m: setattr(m, "body", m.body + rng.choice((b"footer\r\n", b"\r\n-- \r\nlist\r\n")))),
    ("empty lines are added", lambda rng, m: setattr(m, "body", m.body + b"\r\n" * rng.randint(1, 3))),
    ("blank lines are added", lambda rng, m: setattr(m, "body", m.body + b" \r\n\t\r\n")),
    ("the final line end is dropped", drop_final_line_end),
    ("a blank in the body becomes more", widen_blank),
    ("blanks at a line end are added", blanks_at_line_end),
    ("a leading blank in the body", leading_blank),
    ("R50 a line end loses its CR", lambda rng, m: setattr(m, "body", m.body.replace(b"\r\n", b"\n", 1))),
    ("R50 bare line ends become whole", lambda rng, m: setattr(m, "body", re.sub(rb"\r\n|\r|\n", b"\r\n", m.body))),
    ("a field is refolded", refold),
    ("the case of a name is changed", swap_case_of_name),
    ("a blank at the end of a field", trailing_blank),
    ("a value is changed", change_value),
    ("a field is removed", remove_field),
    ("R32 a field is prepended", lambda rng, m: copy_name(rng, m, 0)),
    ("R31 a field is appended", lambda rng, m: copy_name(rng, m, len(m.items))),
    ("two fields change places", swap_fields),
    ("Received is prepended", lambda rng, m: m.items.insert(0, b"Received: from c by d; now\r\n")),
    ("R8 b= is refolded", refold_signature),
    ("R77 a bit of b= is flipped", flip_signature_bit),
    ("R77 b= is longer by a zero", lambda rng, m: other_signature(rng, m, lambda s: b"\0" + s)),
    ("R77 b= is shorter", lambda rng, m: other_signature(rng, m, lambda s: s[:-1])),
    ("b= is no base64", spoil_base64),
    ("b= lacks its padding", drop_padding),
    ("R9 b= is empty", empty_signature),
    ("a tag is added", add_tag),
    ("the case of DKIM-Signature is changed", swap_case_of_signature_name),
]
