"""What Postfix will change behind us is said when the message is signed, and it does change it."""

import mail
import pytest
from postern import command

CASES = {
    "nothing": (b"plain\r\n", [], None, True),
    "a line of 998": (b"x" * 998 + b"\r\n", [], None, True),
    "a line of 999": (b"x" * 999 + b"\r\n", [], "long-lines", False),
    "8-bit without BODY=8BITMIME": (b"\xe4\r\n", [], "8bit-body", True),  # the sink takes 8BITMIME, so here it goes well
    "a long line in the header": (b"x\r\n", [b"References: " + b"r" * 1100], "long-header-lines", None),
}


@pytest.mark.parametrize("body, extra, words, survives", CASES.values(), ids=CASES.keys())
def test_warning(gate, body, extra, words, survives):
    raw = gate.sign(mail.message(body=body, extra=extra))
    line = gate.postern.lines(event="message", role="sign")[-1]
    assert line.get("warn") == words
    if survives is not None:
        assert gate.dkimpy(raw) == {"rsa": survives, "ed": survives}


def test_missing_fields_of_an_mta_that_adds_them_later(gate):
    """probe plays an MTA of any name."""
    raw = mail.message(without=["Date", "Message-ID"])
    for version, words in (("Postfix 3.7.11", None), ("8.17.1.9", "no-date,no-message-id")):
        run = command("probe", gate.postern.originating, "-D", f"v={version}", input=raw)
        assert run.returncode == 0, run.stderr
        assert gate.postern.lines(event="message", role="sign")[-1].get("warn") == words

