"""Mail from outside, through the inbound port: one Authentication-Results that says what was found."""

import re
import time

import dkim
import mail
import pytest
from milter import Milter, change, insert
from mta import Port
from results import topmost

PASS = {"rsa": "pass", "ed": "pass"}
FAIL = {"rsa": "fail", "ed": "fail"}


def test_signed_mail_passes(gate, signed):
    arrived = gate.verify(signed)
    field = topmost(arrived)
    assert field.authserv_id == "mx.example.net"
    assert {r.selector: r.result for r in field.results} == PASS
    assert {r.algorithm for r in field.results} == {"rsa-sha256", "ed25519-sha256"}
    assert {r.domain for r in field.results} == {"example.com"}
    assert len(mail.values(arrived, "Authentication-Results")) == 1


def test_message_itself_is_left_alone(gate, signed):
    arrived = gate.verify(signed)
    assert arrived.endswith(signed)


def test_unsigned_mail_is_none(gate):
    assert [r.result for r in topmost(gate.verify(mail.message())).results] == ["none"]


def test_changed_octet_in_the_body_fails(gate, signed):
    field = topmost(gate.verify(signed.replace(b"Line two.", b"Line twO.")))
    assert {r.selector: r.result for r in field.results} == FAIL
    assert {r.reason for r in field.results} == {"body hash did not verify"}


CHANGES = {
    "From": (rb"From: Alice", rb"From: Alicf"),
    "To": (rb"To: Bob", rb"To: Bop"),
    "Subject": (rb"Subject: gate", rb"Subject: date"),
    "Date": (rb"Date: Sat", rb"Date: Sun"),
    "Message-ID": (rb"Message-ID: <", rb"Message-ID: <0"),
    "the signature's own t=": (rb"([;\s])t=1", rb"\1t=2"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changed_octet_in_the_header_fails(gate, signed, change):
    changed, count = re.subn(*change, signed)
    assert count > 0
    assert set(gate.results(changed).values()) <= {"fail", "policy"}


def test_white_space_and_case_do_not_matter_when_relaxed(gate, signed):
    assert gate.results(signed.replace(b"Subject: gate test", b"SUBJECT:  gate  \r\n\ttest ")) == PASS


def test_unsigned_field_may_come_and_go(gate, signed):
    assert gate.results(b"X-Hop: somewhere\r\n" + signed) == PASS


def test_each_signature_has_its_own_result(gate, signed):
    fields, body = mail.split(signed)
    broken = [f.replace(b"bh=", b"bh=AAAA", 1) if b"ed25519" in f else f for f in fields]
    results = gate.results(mail.join(broken, body))
    assert results["rsa"] == "pass"
    assert results["ed"] in ("fail", "permerror")


@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
def test_signature_by_dkimpy(gate, header, body):
    raw = mail.message(body=b" two  blanks \r\n\r\n\r\n", extra=[b"Reply-To:\r\n\tAlice  <alice@example.com>"])
    assert gate.results(dkimpy_sign(gate, raw, canonicalize=(header, body)) + raw) == {"rsa": "pass"}


def sign_received(gate, raw):
    """dkimpy leaves Received out (section 5.4.1) unless it is made to list it."""
    signer = dkim.DKIM(raw)
    signer.should_not_sign = set()
    return signer.sign(b"rsa", b"example.com", gate.keys["rsa"].file.read_bytes(), include_headers=[b"from", b"received"])


def test_R42_received_of_the_mta_itself_is_not_seen(gate):
    """Oversigned, it would break if the verifier took the one that the MTA puts on top."""
    raw = mail.message()
    assert "received" not in mail.names(raw)
    signature = sign_received(gate, raw)
    arrived = gate.verify(signature + raw)
    assert "received" in mail.names(arrived)
    assert {r.selector: r.result for r in topmost(arrived).results} == {"rsa": "pass"}


def test_R42_received_of_an_earlier_hop_is_seen(gate):
    raw = mail.message(extra=[b"Received: from a.example.org by b.example.org; " + mail.DATE.encode()])
    signature = sign_received(gate, raw)
    assert gate.results(signature + raw) == {"rsa": "pass"}
    assert gate.results(signature + raw.replace(b"a.example.org", b"c.example.org")) == {"rsa": "fail"}


EARLIER = {
    "R43 a field of a name that is oversigned": (insert(0, b"From", b" eve@example.org"), "fail"),
    "R43 a trace field on top": (insert(0, b"Received-SPF", b" pass"), "pass"),
    "R43 a signed field that was changed": (change(1, b"Subject", b" changed"), "fail"),
    "R43 a signed field that was deleted": (change(1, b"To", b""), "fail"),
}


@pytest.fixture(scope="module")
def earlier_filter(session_gate):
    """An MTA with another filter before ours."""
    place = session_gate.directory / "earlier"
    place.mkdir(mode=0o755)
    other = Milter(place / "milter", {})
    inbound = session_gate.postern.inbound
    both = Port([f"inet:{other.port}@127.0.0.1", inbound])
    mta = type(session_gate.mta)(place / "mta", session_gate.sink.port, inbound, inbound, extra={"both": both})
    mta.start()
    yield other, mta.ports["both"]
    mta.stop()


@pytest.mark.parametrize("edit, want", EARLIER.values(), ids=EARLIER.keys())
def test_edits_of_an_earlier_filter(session_gate, signed, earlier_filter, edit, want):
    other, port = earlier_filter
    other.replies = {b"E": [edit, b"c"]}
    arrived = session_gate.pass_through(port, signed)
    assert {r.selector: r.result for r in topmost(arrived).results} == {"rsa": want, "ed": want}


def test_l_tag_that_leaves_text_uncovered_is_policy(gate):
    raw = mail.message(body=b"signed\r\n")
    appended = dkimpy_sign(gate, raw, length=True) + raw + b"added later\r\n"
    assert gate.results(appended) == {"rsa": "policy"}


def test_key_in_no_reachable_dns_is_temperror(gate):
    raw = mail.message(sender="alice@example.org")
    stray = dkimpy_sign(gate, raw, domain=b"example.org")
    assert gate.results(stray + raw) == {"rsa": "temperror"}


def test_expired(gate):
    gate.postern.start(sign="expire = 1s", verify="clock-skew = 0s")
    raw = gate.sign(mail.message())
    assert set(tags["x"] for tags in map(mail.tags, mail.values(raw, "DKIM-Signature"))).pop().isdigit()
    time.sleep(2.1)
    assert gate.results(raw) == FAIL


def test_more_signatures_than_are_looked_at(gate, signed):
    junk = b"".join(b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YQ==; b=%04d\r\n" % n for n in range(40))
    field = topmost(gate.verify(junk + signed))
    assert 1 <= len(field.results) <= 9


def dkimpy_sign(gate, raw, domain=b"example.com", **options):
    key = gate.keys["rsa"].file.read_bytes()
    return dkim.sign(raw, b"rsa", domain, key, **options)
