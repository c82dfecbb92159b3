"""R107 sign.broken-signatures: a list manager hands in what it has changed."""

import mail
import pytest

FOOTER = b"-- \r\nTo leave the list, write to leave@example.net\r\n"


def selectors(raw):
    return sorted(mail.tags(value)["s"] for value in mail.values(raw, "DKIM-Signature"))


def from_list(signed):
    """Sent on with a footer by a list whose domain is not ours."""
    return signed.replace(b"From: Alice <alice@example.com>", b"From: Alice <alice@example.org>") + FOOTER


@pytest.mark.parametrize("setting, broken", [("keep", 2), ("strip", 0)])
def test_R107_lists(gate, signed, setting, broken):
    assert b"alice@example.org" in from_list(signed)
    gate.postern.start(sign=f"broken-signatures = {setting}")
    raw = gate.sign(from_list(signed), sender="list@example.net")
    assert len(selectors(raw)) == broken and raw.endswith(FOOTER)
    line = gate.postern.lines(event="message", role="sign")[-1]
    assert line.get("broken-signatures-removed") == ("2" if setting == "strip" else None)
    assert (line["signed"], line["reason"]) == ("no", "no key for the From domain")


def test_R107_our_own_take_their_place(gate, signed):
    """The author's domain is ours: what was broken goes, what leaves verifies."""
    gate.postern.start(sign="broken-signatures = strip")
    raw = gate.sign(signed + FOOTER)
    assert len(selectors(raw)) == 2 and gate.dkimpy(raw) == {"rsa": True, "ed": True}


def test_R107_good_ones_stay(gate, signed):
    gate.postern.start(sign="broken-signatures = strip")
    raw = gate.sign(signed)
    assert len(selectors(raw)) == 4
    assert "broken-signatures-removed" not in gate.postern.lines(event="message", role="sign")[-1]


def test_R107_silent_dns_strips_nothing(gate, signed):
    """No key, no verdict; and no message is lost."""
    empty = gate.directory / "no-records"
    empty.write_text("")
    empty.chmod(0o644)
    gate.postern.start(sign="broken-signatures = strip", records=empty)
    assert len(selectors(gate.sign(from_list(signed)))) == 2
