"""What happens to mail that does not verify: nothing by default, otherwise what verify.on-... says (RFC 7372)."""

import mail
import pytest
from wire import ACTIONS, Mta

CHANGE_HEADERS, QUARANTINE = 0x10, 0x20

UNREACHABLE_KEY = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=away; h=from;\r\n\tbh=" + b"A" * 43 + b"=; b=" + b"A" * 342 + b"==\r\n"
WITHOUT_FROM = UNREACHABLE_KEY.replace(b"h=from", b"h=to")


def broken(signed):
    return signed.replace(b"Line two.", b"Line twO.")


def inbound(gate, raw):
    to = mail.recipient()
    return to, mail.send(gate.mta.inbound, raw, to)


def test_by_default_nothing_is_refused(gate, signed):
    for raw in (broken(signed), mail.message(), UNREACHABLE_KEY + mail.message(), WITHOUT_FROM + mail.message()):
        to, reply = inbound(gate, raw)
        assert reply.code == 250
        gate.sink.wait(to)


CASES = {
    "on-fail = reject": (broken, 550, "5.7.20", "body hash did not verify"),
    "on-fail = tempfail": (broken, 451, "4.7.5", "body hash did not verify"),
    "on-permerror = reject": (lambda signed: WITHOUT_FROM + mail.message(), 550, "5.7.20", "From field not signed"),
    "on-permerror = tempfail": (lambda signed: WITHOUT_FROM + mail.message(), 451, "4.7.5", "From field not signed"),
    "on-temperror = tempfail": (lambda signed: UNREACHABLE_KEY + mail.message(), 451, "4.7.5", "key query"),
}


@pytest.mark.parametrize("setting", CASES)
def test_refused(gate, signed, setting):
    make, code, enhanced, reason = CASES[setting]
    raw = make(signed)
    gate.postern.start(verify=setting)
    to, reply = inbound(gate, raw)
    assert (reply.stage, reply.code) == ("message", code), reply
    assert reply.text.startswith(enhanced), reply
    assert reason in reply.text
    assert "example." in reply.text, "names the signing domain"
    assert not gate.sink.has(to)


def test_unsigned_mail_refused(gate):
    gate.postern.start(verify="on-none = reject")
    _, reply = inbound(gate, mail.message())
    assert reply.code == 550
    assert reply.text.startswith("5.7.20"), reply


def test_policy_refused(gate, signed):
    """A signature without a fault of its own that we do not accept: here, a key below our own minimum."""
    gate.postern.start(keys=[gate.keys["rsa"]])
    raw = gate.sign(mail.message())
    gate.postern.start(verify="on-policy = reject minimum-rsa-bits = 4096")
    _, reply = inbound(gate, raw)
    assert reply.code == 550
    assert reply.text.startswith("5.7.21"), reply


def test_one_passing_signature_is_enough(gate, signed):
    gate.postern.start(verify="on-fail = reject on-permerror = reject on-temperror = reject")
    fields, body = mail.split(signed)
    one_broken = [field.replace(b"bh=", b"bh=A") if b"ed25519" in field else field for field in fields]
    to, reply = inbound(gate, UNREACHABLE_KEY + mail.join(one_broken, body))
    assert reply.code == 250, reply
    gate.sink.wait(to)


def test_passing_mail_is_not_touched_by_strict_settings(gate, signed):
    gate.postern.start(verify="on-fail = reject on-none = reject on-permerror = reject on-temperror = tempfail on-policy = reject")
    to, reply = inbound(gate, signed)
    assert reply.code == 250, reply
    gate.sink.wait(to)


def test_quarantine_ends_in_the_hold_queue(gate, signed):
    gate.postern.start(verify="on-fail = quarantine")
    to, reply = inbound(gate, broken(signed))
    assert reply.code == 250, reply
    assert ("hold", to) in gate.mta.queue()
    assert not gate.sink.has(to)
    gate.mta.discard_queue()


@pytest.mark.parametrize("setting, actions, served", [
    ("", ACTIONS & ~QUARANTINE, True),
    ("on-fail = quarantine", ACTIONS & ~QUARANTINE, False),
    ("on-fail = quarantine", ACTIONS, True),
    ("", ACTIONS & ~CHANGE_HEADERS, False),
])
def test_an_mta_must_be_able_to_do_what_is_configured(gate, setting, actions, served):
    gate.postern.start(verify=setting)
    try:
        Mta(gate.postern.inbound, actions=actions).socket.close()
    except AssertionError:
        assert not served
        assert gate.postern.lines(event="negotiate", level="error")
    else:
        assert served


def test_settings_do_not_reach_the_originating_side(gate):
    gate.postern.start(verify="on-fail = reject on-none = reject on-permerror = reject")
    assert mail.values(gate.sign(mail.message()), "DKIM-Signature")
