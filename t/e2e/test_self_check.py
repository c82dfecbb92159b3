"""sign.self-check: what is done when the published key is not the other half of ours."""

import mail
import pytest
from postern import Key

DNS = "self-check = dns"


@pytest.fixture
def records(gate):
    """A function that makes a records file from ours by replacing words."""
    def make(*changes):
        text = gate.postern.records_file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = gate.directory / "self-check-records"
        path.write_text(text)
        path.chmod(0o644)
        return path
    return make


@pytest.mark.parametrize("check", ["off", "local", "dns"])
def test_good_keys(gate, check):
    gate.postern.start(sign=f"self-check = {check}")
    assert gate.dkimpy(gate.sign(mail.message())) == {"rsa": True, "ed": True}
    assert gate.postern.lines(event="self-check") == []


def test_the_other_key_signs(gate, records):
    gate.postern.start(sign=DNS, records=records(("k=rsa;", "k=rsa; s=other;")))
    raw = gate.sign(mail.message())
    assert gate.dkimpy(raw) == {"ed": True}
    assert [line["s"] for line in gate.postern.lines(event="self-check", level="error")] == ["rsa"]
    line = gate.postern.lines(event="message", role="sign")[-1]
    assert line["signed"] == "yes" and "s= is not for email" in line["sig1.left-out"] + line.get("sig2.left-out", "")


def test_another_key_is_published(gate, tmp_path):
    other = Key(tmp_path, "example.com", "rsa", "rsa")
    path = gate.directory / "self-check-records"
    path.write_text(other.zone_lines + gate.keys["ed25519"].zone_lines)
    gate.postern.start(sign=DNS, records=path)
    assert gate.dkimpy(gate.sign(mail.message())) == {"ed": True}
    gate.postern.start(sign="self-check = local", records=path)
    assert gate.dkimpy(gate.sign(mail.message())) == {"rsa": True, "ed": True}


@pytest.mark.parametrize("action, code", [("tempfail", 451), ("accept", 250)])
def test_no_key_is_right(gate, records, action, code):
    gate.postern.start(sign=f"{DNS} on-key-error = {action}", records=records(("k=rsa;", "k=rsa; s=other;"), ("k=ed25519;", "k=ed25519; s=other;")))
    to = mail.recipient()
    assert mail.send(gate.mta.originating, mail.message(), to).code == code
    line = gate.postern.lines(event="message", role="sign")[-1]
    assert line["signed"] == "no" and line["reason"] == "no signature passed its self-check"
    if code == 250:
        assert mail.values(gate.sink.wait(to).data, "DKIM-Signature") == []


def test_broken_dns_is_no_reason(gate, records):
    """The name is not in the records file, and no server answers: our own key decides, and nobody waits for long."""
    gate.postern.start(sign=DNS, records=records(("rsa._domainkey", "other._domainkey")))
    raw = gate.sign(mail.message())
    assert gate.dkimpy(raw) == {"rsa": True, "ed": True}
