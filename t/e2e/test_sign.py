"""Mail of our own users, through the ORIGINATING port: what leaves is signed and others can verify it."""

import mail
import pytest

BOTH = {"rsa": True, "ed": True}
NEITHER = {"rsa": False, "ed": False}


def both_judges(verdict):
    return {"dkimpy": verdict, "opendkim": verdict}


def signatures(raw):
    return [mail.tags(value) for value in mail.values(raw, "DKIM-Signature")]


def test_both_keys_sign_and_both_judges_verify(gate, signed):
    assert gate.judges(signed) == both_judges(BOTH)


def test_judges_refuse_a_changed_body(gate, signed):
    assert gate.judges(signed.replace(b"Line two.", b"Line twO.")) == both_judges(NEITHER)


def test_judges_refuse_a_changed_signed_field(gate, signed):
    assert gate.judges(signed.replace(b"Subject: gate test", b"Subject: gate tess")) == both_judges(NEITHER)


def test_signature_tags(signed):
    algorithms = {tags["s"]: tags["a"] for tags in signatures(signed)}
    assert algorithms == {"rsa": "rsa-sha256", "ed": "ed25519-sha256"}
    for tags in signatures(signed):
        assert tags["v"] == "1"
        assert tags["d"] == "example.com"
        assert tags["c"] == "relaxed/relaxed"
        assert tags["t"].isdigit()
        assert "l" not in tags


def test_R42_received_is_not_signed(signed):
    """The MTA adds its own below or above ours, later hops add more."""
    assert "received" in mail.names(signed)
    assert all("received" not in tags["h"].lower().split(":") for tags in signatures(signed))


def test_signed_fields(signed):
    for tags in signatures(signed):
        listed = tags["h"].lower().split(":")
        assert listed.count("from") == 2, "From is oversigned"
        for name in ("to", "subject", "date", "message-id", "mime-version", "content-type"):
            assert name in listed
        for name in ("received", "return-path", "bcc", "dkim-signature", "authentication-results"):
            assert name not in listed


def test_R102_signatures_stand_on_top_of_the_message(signed):
    assert mail.names(signed)[:2] == ["dkim-signature", "dkim-signature"]


def test_an_added_second_from_breaks_the_signature(gate, signed):
    forged = b"From: Bank <support@example.org>\r\n" + signed
    assert gate.judges(forged) == both_judges(NEITHER)


def test_fields_absent_when_signed_may_be_added_later(gate):
    """A later hop adds what was missing: only From may be oversigned when absent (R98)."""
    raw = gate.sign(mail.message(without=["MIME-Version", "Content-Type"]))
    assert gate.judges(b"Content-Type: text/plain\r\n" + raw) == both_judges(BOTH)


BODIES = {
    "empty": b"",
    "only blank lines": b"\r\n\r\n\r\n",
    "trailing blank lines": b"text\r\n\r\n\r\n",
    "blanks at line ends": b"a \t \r\n \r\n\tb  c\r\n",
    "R104 8-bit octets and dots leave as they came": b".dot\r\n..\r\n\xe4\xf6\xfc\xff\r\n",
    "chunks that end in the middle of a line": b"0123456789abcdef\r\n" * 20000,
    "chunk border between CR and LF": b"x" * 900 + b"\r\n" + (b"y" * 897 + b"\r\n") * 200,
    "5 MB": (b"z" * 76 + b"\r\n") * 67000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_body(gate, body):
    raw = gate.sign(mail.message(body=body))
    assert mail.split(raw)[1].endswith(body)
    assert gate.judges(raw) == both_judges(BOTH)
    assert gate.results(raw) == {"rsa": "pass", "ed": "pass"}


def test_body_with_nuls(gate):
    """opendkim's test mode reads lines as C strings and is no judge here."""
    raw = gate.sign(mail.message(body=b"a\0b\r\n\0\r\n"))
    assert mail.split(raw)[1] == b"a\0b\r\n\0\r\n"
    assert gate.dkimpy(raw) == BOTH
    assert gate.results(raw) == {"rsa": "pass", "ed": "pass"}


def references(count):
    return b"References: <start@example.com>" + b"".join(b"\r\n\t<%060d@example.com>" % n for n in range(count))


def test_header_of_90_kb(gate):
    fields = [references(570), b"X-Long: start" + (b"\r\n\t" + b"h" * 70) * 620]
    assert sum(map(len, fields)) > 85000
    raw = gate.sign(mail.message(extra=fields))
    assert all(field in raw for field in fields)
    assert gate.dkimpy(raw) == BOTH
    assert gate.results(raw) == {"rsa": "pass", "ed": "pass"}


def test_field_of_90_kb(gate):
    """Postfix cuts one field after 60,000 octets, before the filter: signed is what leaves."""
    raw, to = mail.message(extra=[references(1150)]), mail.recipient()
    reply = mail.send(gate.mta.originating, raw, to)
    assert reply.code == gate.expects("reply to a field of 90 kB"), reply
    if reply.code != 250:
        return
    raw = gate.sink.wait(to).data
    assert len(raw) > 60000
    assert gate.dkimpy(raw) == BOTH
    assert gate.results(raw) == {"rsa": "pass", "ed": "pass"}


def test_null_sender_is_signed(gate):
    assert gate.judges(gate.sign(mail.message(), sender="")) == both_judges(BOTH)


def test_R102_signatures_stand_above_those_of_others(gate):
    theirs = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x; h=from; bh=YQ==; b=YQ=="
    raw = gate.sign(mail.message(extra=[theirs]))
    assert [tags["d"] for tags in signatures(raw)] == ["example.com", "example.com", "example.org"]
    assert theirs in raw


UNSIGNED = {
    "two From fields": mail.message(extra=[b"From: Mallory <mallory@example.com>"]),
    "another domain": mail.message(sender="alice@example.org"),
    "a subdomain, which is an option": mail.message(sender="alice@sub.example.com"),
    "a domain that only ends alike": mail.message(sender="alice@badexample.com"),
    "a From without a mailbox": mail.message(extra=[b"From: nobody in particular"], without=["From"]),
    "no From": mail.message(without=["From"]),
}


@pytest.mark.parametrize("raw", UNSIGNED.values(), ids=UNSIGNED.keys())
def test_not_signed(gate, raw):
    """Through a port where the MTA does not complete From before the filter."""
    arrived = gate.pass_through(gate.mta.ports["originating-as-is"], raw)
    assert mail.values(arrived, "DKIM-Signature") == []


def test_domain_of_from_in_any_case(gate):
    assert gate.dkimpy(gate.sign(mail.message(sender="Alice@EXAMPLE.Com"))) == BOTH


def test_subdomains_by_option(gate):
    gate.postern.start(sign="subdomains = yes")
    assert gate.dkimpy(gate.sign(mail.message(sender="alice@sub.example.com"))) == BOTH


def test_omit_headers(gate):
    gate.postern.start(sign='omit-headers = { "Subject", "To" }')
    raw = gate.sign(mail.message())
    for tags in signatures(raw):
        assert not {"subject", "to"} & set(tags["h"].lower().split(":"))
    assert gate.dkimpy(raw.replace(b"gate test", b"other test")) == BOTH


def test_simple_canonicalization(gate):
    gate.postern.start(sign='canonicalization = "simple/simple"')
    raw = gate.sign(mail.message(body=b"a  b \r\n\r\n\r\n", extra=[b"x-ODD: a  \r\n b "]))
    assert b"x-ODD: a  \r\n b \r\n" in raw
    assert {tags["c"] for tags in signatures(raw)} == {"simple/simple"}
    assert gate.judges(raw) == both_judges(BOTH)


@pytest.mark.parametrize("canonicalization", ["simple/simple", "relaxed/relaxed"])
def test_address_field_with_odd_blanks(gate, canonicalization):
    gate.postern.start(sign=f'canonicalization = "{canonicalization}"')
    field = b"reply-TO: Alice  \r\n <alice@example.com> "
    raw = gate.sign(mail.message(extra=[field]))
    kept = gate.expects("address fields stay as they are")
    assert (field + b"\r\n" in raw) == kept
    fine = kept or canonicalization == "relaxed/relaxed"
    assert gate.judges(raw) == both_judges(BOTH if fine else NEITHER)


@pytest.mark.parametrize("blanks", [b"\r\n\t", b" \t", b"", b"  "], ids=["fold", "blank and tab", "none", "two"])
def test_simple_field_with_odd_blanks_after_its_colon(gate, blanks):
    """opendkim's test mode takes these blanks away and is no judge here."""
    gate.postern.start(sign='canonicalization = "simple/simple"')
    raw = gate.sign(mail.message(extra=[b"X-Odd:" + blanks + b"Alice"]))
    assert b"X-Odd:" + blanks + b"Alice" in raw
    assert gate.dkimpy(raw) == BOTH
    assert gate.results(raw) == {"rsa": "pass", "ed": "pass"}


def test_one_key_alone(gate):
    gate.postern.start(keys=[gate.keys["ed25519"]])
    assert gate.dkimpy(gate.sign(mail.message())) == {"ed": True}


def test_reinjected_mail_passes_no_filter(gate, signed):
    """A content filter hands mail back on a port without milters: neither signed nor verified twice."""
    again = gate.pass_through(gate.mta.reinjection, signed)
    assert len(signatures(again)) == 2
    assert mail.values(again, "Authentication-Results") == []
    assert gate.judges(again) == both_judges(BOTH)
