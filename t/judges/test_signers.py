"""Signatures of postern before the other verifiers, and signatures of the others before postern.

The messages have the header and body shapes of the generator, in all four canonicalizations. A
verifier or signer that gets one wrong needs a row: of known.py where it verifies, of FAULTY where it signs.
"""

import random
import re
from typing import Callable, NamedTuple

import generator
import known
import messages
import panel
import pytest
import signatures

KINDS = ("rsa1024", "rsa2048", "rsa4096", "ed25519")
CANONS = ["/".join(canon) for canon in generator.CANONS]
MESSAGES = 8  # for each signer, key and canonicalization
SELECTOR = b"s0"


class Faulty(NamedTuple):
    """What a signer does not do, or does wrong, and how such a message is told."""

    signer: str
    says: str         # a regular expression for what it, or postern of its signature, says
    when: Callable    # of (message, signature)
    rule: str


def relaxed_control_octets(message, signature):
    return signature.header_canon == "relaxed" and known.control_octets(message, signature)


def simple_ed25519(message, signature):
    return signature.header_canon == "simple" and known.ed25519_key(message, signature)


# Beside each: the row of known.py that says the same of the verifier tells why.
FAULTY = [
    Faulty("dkimpy", "refused: Unexpected characters", known.blank_before_colon, "R34"),
    Faulty("dkimpy", "BODY_HASH_DIFFERS", known.bare_lf, "R50"),
    Faulty("dkimpy", "BODY_HASH_DIFFERS", known.blank_at_very_end, "R46"),
    Faulty("opendkim", "refused: Syntax error", known.tab_before_colon, "R34"),
    Faulty("opendkim", "refused: Syntax error", known.no_final_line_end, "R46"),
    Faulty("opendkim", "BODY_HASH_DIFFERS", known.bare_line_end, "R50"),
    Faulty("opendkim", "BODY_HASH_DIFFERS", known.no_final_line_end, "R46"),
    Faulty("opendkim", "SIGNATURE_DIFFERS", relaxed_control_octets, "R34"),
    # libopendkim and dkimpy refuse these, too: something else was hashed than what was written
    Faulty("opendkim", "SIGNATURE_DIFFERS", simple_ed25519, "R78"),
    Faulty("maildkim", "BODY_HASH_DIFFERS", known.no_final_line_end, "R46"),
    Faulty("maildkim", "refused: unsupported algorithm ed25519", known.ed25519_key, "R78"),
]


NONE_PASSES = {("maildkim", "ed25519", "simple"), ("maildkim", "ed25519", "relaxed"), ("opendkim", "ed25519", "simple")}


def make_message(canon, kind, index, pairs):
    rng = random.Random(f"sign/{canon}/{kind}/{index}")
    message = generator.Message(f"sign-{canon.replace('/', '-')}-{kind}-{index}")
    message.items, message.traits = messages.make_header(rng)
    message.body, trait = messages.make_body(rng)
    message.traits.append(trait)
    message.records[f"s0._domainkey.{signatures.DOMAIN.decode()}"] = [b"v=DKIM1; k=" + pairs[kind].type.encode() + b"; p=" + pairs[kind].data()]
    return message


class Signed:
    """Stands for a signature that another made: what rows of known.py ask for, read off its text."""

    def __init__(self, value, key, canon):
        self.octets = b"DKIM-Signature:" + value + b"\r\n"
        self.key, self.selector = key, SELECTOR
        self.header_canon, self.body_canon = canon.split("/")
        self.names = [name.strip() for name in re.search(rb"[\s;]h=([^;]*)", value).group(1).split(b":")]
        self.around_b = (b"", b"")
        self.traits = []

    def field(self):
        return self.octets


def sign(judge, message, canon, key, key_file):
    """The signature on top of the message, or None and what the signer says."""
    judge.ask(panel.sign_line(message.raw(), canon, key, SELECTOR.decode(), key_file))
    answer = judge.answer()
    if "value" not in answer:
        return None, "refused: " + answer["refused"]
    signed = Signed(answer["value"].encode("latin-1"), key, canon)
    message.items.insert(0, signed)
    return signed, ""


def story(message, signed, said, keep):
    path = keep(message.name, message.raw(), message.records)
    return f"{path} {'; '.join(message.traits)}\n    {signed.octets if signed else b''}\n    {said}"


@pytest.mark.parametrize("canon", CANONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verifier", panel.FOREIGN)
def test_others_verify_what_postern_signs(verifier, kind, canon, judges, pairs, key_files, keep):
    faults = []
    for index in range(MESSAGES):
        message = make_message(canon, kind, index, pairs)
        signed, said = sign(judges["postern"], message, canon, pairs[kind], key_files[kind])
        assert signed, said
        judges[verifier].ask(panel.verify_line(message.raw(), message.records, 1000000))
        verdict = panel.per_signature(judges[verifier].answer(), [signed])[0]
        if verdict["result"] != "pass" and not known.explanation(verifier, message, signed, "PASS", verdict):
            faults.append(story(message, signed, verdict, keep))
    report(faults)


@pytest.mark.parametrize("canon", CANONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("signer", ("postern",) + panel.FOREIGN)
def test_postern_verifies_what_others_sign(signer, kind, canon, judges, pairs, key_files, keep):
    faults, passed = [], 0
    for index in range(MESSAGES):
        message = make_message(canon, kind, index, pairs)
        signed, said = sign(judges[signer], message, canon, pairs[kind], key_files[kind])
        if signed:
            judges["postern"].ask(panel.verify_line(message.raw(), message.records, 7))
            said = panel.per_signature(judges["postern"].answer(), [signed])[0]["reason"]
        if said == "PASS":
            passed += 1
        elif not explained(signer, message, signed, said, pairs[kind], canon):
            faults.append(story(message, signed, said, keep))
    report(faults)
    assert passed or (signer, kind, canon.split("/")[0]) in NONE_PASSES


def explained(signer, message, signed, said, key, canon):
    signed = signed or Signed(b" h=", key, canon)
    return any(row.signer == signer and re.match(row.says, said) and row.when(message, signed) for row in FAULTY)


def report(faults):
    if faults:
        pytest.fail(f"{len(faults)} faults\n" + "\n".join(faults[:5]), pytrace=False)
