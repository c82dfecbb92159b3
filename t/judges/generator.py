"""Messages from a seed: header and body shapes, signatures, key records, and what happens on the way.

What each signature must come to is known from how it was made: the reasons of the rows that were
used, and the reference's hashes before and after. Key pairs are new in each run; all else follows
from the seed.
"""

import random

import keys
import messages
import mutations
import signatures

KIND_WEIGHTS = {"rsa768": 2, "rsa1024": 12, "rsa2048": 44, "rsa2048e3": 4, "rsa4096": 8, "ed25519": 30}
CANONS = [(header, body) for header in ("simple", "relaxed") for body in ("simple", "relaxed")]
STYLES = {"plain": 6, "tight": 2, "folded": 3, "spaced": 3}
SELECTORS = 3  # signatures in one message, at most

JUNK = [
    ("R30 a signature that is none", b"DKIM-Signature: foo\r\n", "TAG_SYNTAX"),
    ("R30 an empty signature", b"DKIM-Signature:\r\n", "TAG_SYNTAX"),
    ("R30 a signature of v= alone", b"DKIM-Signature: v=1\r\n", "TAG_MISSING"),
]


class Junk:
    """A DKIM-Signature field that nobody made by signing."""

    def __init__(self, name, octets, reason):
        self.octets, self.expected, self.traits = octets, {reason}, [name]
        self.selector = b""

    def field(self):
        return self.octets


class Message:
    """items: fields as octets, and signatures as objects with field(), expected, traits, selector."""

    def __init__(self, name):
        self.name = name
        self.items, self.body = [], b""
        self.traits = []
        self.records = {}
        self.keep_blank_line = True

    def fields(self):
        return [item if isinstance(item, bytes) else item.field() for item in self.items]

    def signatures(self):
        """In the order in which they stand."""
        return [item for item in self.items if not isinstance(item, bytes)]

    def raw(self):
        return b"".join(self.fields()) + (b"\r\n" if self.keep_blank_line else b"") + self.body


def choose(rng, weights):
    return rng.choices(list(weights), list(weights.values()))[0]


def listed_names(rng, fields):
    """h= : From and most of the others, once for each field, in any order and case."""
    names = [field.split(b":", 1)[0].rstrip(b" \t") for field in fields]
    names = [n for n in names if n.lower() == b"from" or (rng.random() < 0.7 and b";" not in n)]
    rng.shuffle(names)
    return [rng.choice((name, name.lower())) for name in names]


def apply(rng, rows, draft, limit):
    """Use up to `limit` rows that touch different tags, of which at most one makes the signature bad."""
    touched, bad = set(), False
    for name, reasons, tags, change in rng.sample(rows, limit):
        if touched & set(tags.split()) or (bad and reasons != signatures.GOOD):
            continue
        touched |= set(tags.split())
        change(rng, draft)
        draft.traits.append(name)
        if reasons != signatures.GOOD:
            bad = True
            draft.expected |= set(reasons.split())


def mostly_good(rng, rows):
    """All rows or, as often, those that leave a signature good: most mail is, and a judge that refuses all must not agree."""
    return rows if rng.random() < 0.5 else [row for row in rows if row[1] == signatures.GOOD]


def publish(rng, message, draft):
    record = keys.Record(draft.key)
    if rng.random() < 0.3:
        name, reasons, change = rng.choice(mostly_good(rng, keys.TRAITS))
        change(rng, record, draft)
        draft.traits.append("key: " + name)
        if reasons != "PASS":
            draft.expected |= set(reasons.split())
    name = (draft.selector + b"._domainkey." + draft.domain).lower()
    message.records[name.decode("latin-1")] = record.texts()


def draft_signature(rng, message, pairs, selector):
    draft = signatures.Draft(pairs[choose(rng, KIND_WEIGHTS)], selector, listed_names(rng, plain_fields(message)), rng.choice(CANONS))
    draft.style = choose(rng, STYLES)
    rows = signatures.TRAITS + (signatures.RSA_ONLY * 2 if draft.key.type == "rsa" else [])
    apply(rng, mostly_good(rng, rows), draft, rng.choice((0, 0, 1, 1, 1, 2)))
    if draft.key.kind == "rsa768":
        draft.expected.add("WEAK_KEY")
        draft.traits.append("key: R75 RSA of 768 bits")
    if not draft.tag(b"l") and rng.random() < 0.1:
        signatures.add_length(rng, draft, message.body)
    return draft


def plain_fields(message):
    return [item for item in message.items if isinstance(item, bytes)]


def add_signature(rng, message, pairs, selector):
    draft = draft_signature(rng, message, pairs, selector)
    publish(rng, message, draft)
    at = rng.choice((0, 0, 0, rng.randint(0, len(message.items))))
    message.items.insert(at, draft)
    signatures.lay_out(rng, draft, message.body)
    signatures.sign(rng, draft, message.fields(), at)


def add_junk(rng, message):
    message.items.insert(rng.randint(0, len(message.items)), Junk(*rng.choice(JUNK)))


def settle(message):
    fields = message.fields()
    for at, item in enumerate(message.items):
        if isinstance(item, signatures.Draft):
            signatures.settle(item, fields, at, message.body)


def make_message(seed, index, pairs):
    rng = random.Random(f"{seed}/{index}")
    message = Message(f"{seed}-{index}")
    message.items, message.traits = messages.make_header(rng)
    message.body, trait = messages.make_body(rng)
    message.traits.append(trait)
    for number in range(rng.choice((1, 1, 1, 1, 1, 1, 2, 2, SELECTORS))):
        add_signature(rng, message, pairs, b"s%d" % number)
    if rng.random() < 0.05:
        add_junk(rng, message)
    if rng.random() < 0.3:
        name, mutate = rng.choice(mutations.MUTATIONS)
        mutate(rng, message)
        message.traits.append("on the way: " + name)
    if not message.body and rng.random() < 0.3:
        message.keep_blank_line = False
        message.traits.append("no line behind the header")
    settle(message)
    return message
