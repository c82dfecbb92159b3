"""What the MTA will change behind us is said when the message is signed, and it does change it."""

import re

import mail
import pytest
from postern import command
from sendmail import Sendmail
from sink import Sink

CASES = {
    "nothing": (b"plain\r\n", [], None, True),
    "a line of 990": (b"x" * 990 + b"\r\n", [], None, True),
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


LINES = (990, 991, 998, 999, 2040, 2041)


@pytest.mark.parametrize("octets", LINES)
def test_long_line(gate, octets):
    raw = gate.sign(mail.message(body=b"x" * octets + b"\r\n"))
    warned = gate.postern.lines(event="message", role="sign")[-1].get("warn") == "long-lines"
    survives = octets <= gate.expects("longest line that is delivered whole")
    assert gate.dkimpy(raw) == {"rsa": survives, "ed": survives}
    assert warned or survives
    assert warned == (octets > gate.expects("longest line without a warning"))


# From as it was sent; does Sendmail change it, with its own settings and with those of postern.mc; the warning.
NAMES = {
    "a name": (b"From: Alice <alice@example.com>", False, False, None),
    "a quoted name": (b'From: "A. Smith, B" <alice@example.com>', False, False, None),
    "a comment": (b"From: alice@example.com (A. Smith)", False, False, None),
    "encoded words": (b"From: =?utf-8?Q?J=C3=B6rg?= =?utf-8?Q?_M=2E?= <alice@example.com>", False, False, None),
    "a dot in a name": (b"From: A. Smith <alice@example.com>", True, False, "unquoted-name"),
    "an apostrophe in a name": (b"From: O'Neil <alice@example.com>", True, False, "unquoted-name"),
    "brackets in a name": (b"From: Alice [x] <alice@example.com>", True, True, "unquoted-name"),
    "a list": (b"From: alice@example.com, bob@example.com", False, False, None),
    "a list without a blank": (b"From: alice@example.com,bob@example.com", True, True, "tight-address-list"),
    "a list that folds": (b"From: Alice <alice@example.com>,\r\n\tBob <bob@example.com>", False, False, None),
}


@pytest.mark.parametrize("field, by_default, changed, words", NAMES.values(), ids=NAMES.keys())
def test_address_field(gate, field, by_default, changed, words):
    assert by_default or not changed
    raw = gate.sign(mail.message(extra=[field], without=["From"]))
    rewrites = not gate.expects("address fields stay as they are")
    line = gate.postern.lines(event="message", role="sign")[-1]
    if line["signed"] == "no":  # two authors: not what this is about
        raw = gate.sign(mail.message(extra=[field.replace(b"From", b"To")], without=["To"]))
        line = gate.postern.lines(event="message", role="sign")[-1]
    assert line.get("warn") == (words if rewrites else None)
    survives = not (changed and rewrites)
    assert gate.dkimpy(raw) == {"rsa": survives, "ed": survives}


UNDEFINED = "undefine(`confMUST_QUOTE_CHARS')dnl\nundefine(`SMTP_MAILER_LL')dnl\n"
TO_NO_RELAY = "define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl\ndefine(`ESMTP_MAILER_ARGS', `TCP $h {port}')dnl\n"


@pytest.fixture(scope="module", params=[UNDEFINED, ""], ids=["its own settings", "postern.mc"])
def direct(request, tmp_path_factory):
    """Mail through a Sendmail that takes the sink for a recipient's server, with and without what postern.mc sets."""
    place = tmp_path_factory.mktemp("sendmail")
    sink = Sink()
    mta = Sendmail(place / "mta", sink.port, "inet:1@127.0.0.1", "inet:1@127.0.0.1", settings=request.param + TO_NO_RELAY.format(port=sink.port))

    def through(raw):
        to = mail.recipient()
        assert mail.send(mta.reinjection, raw, to).code == 250
        return sink.wait(to).data

    mta.start()
    yield through, bool(request.param)
    mta.stop()
    sink.close()


@pytest.mark.parametrize("octets", LINES)
def test_sendmail_breaks_lines(direct, octets):
    through, own_settings = direct
    body = b"x" * octets + b"\r\n"
    assert mail.split(through(mail.message(body=body)))[1].endswith(body) == (octets <= (990 if own_settings else 998))


@pytest.mark.parametrize("field, by_default, changed, _", NAMES.values(), ids=NAMES.keys())
def test_sendmail_writes_address_fields_anew(direct, field, by_default, changed, _):
    through, own_settings = direct
    [arrived] = mail.values(through(mail.message(extra=[field], without=["From"])), "From")
    sent = mail.value_of(field + b"\r\n")
    assert (re.sub(r"\s+", " ", arrived) != re.sub(r"\s+", " ", sent)) == (by_default if own_settings else changed)


def test_fields_that_sendmail_takes_away_are_not_signed(gate):
    raw = gate.sign(mail.message(extra=[b"Content-Length: 7", b"Return-Path: <a@example.com>", b"Bcc: x@example.net", b"Full-Name: Alice"]))
    assert gate.dkimpy(raw) == {"rsa": True, "ed": True}


def test_missing_fields_are_added_before_or_behind_us(gate):
    raw = gate.sign(mail.message(without=["Date", "Message-ID"]))
    line = gate.postern.lines(event="message", role="sign")[-1]
    before = gate.expects("the header is completed before the filter")
    assert line.get("warn") == (None if before else "no-date,no-message-id")
    signed = mail.tags(mail.values(raw, "DKIM-Signature")[0])["h"].lower().split(":")
    assert {"date", "message-id"} <= set(mail.names(raw))
    assert [name in signed for name in ("date", "message-id")] == [before, before]
    assert gate.dkimpy(raw) == {"rsa": True, "ed": True}


def test_missing_fields_of_an_mta_that_adds_them_later(gate):
    """probe plays an MTA of any name."""
    raw = mail.message(without=["Date", "Message-ID"])
    for version, words in (("Postfix 3.7.11", None), ("8.17.1.9", "no-date,no-message-id")):
        run = command("probe", gate.postern.originating, "-D", f"v={version}", input=raw)
        assert run.returncode == 0, run.stderr
        assert gate.postern.lines(event="message", role="sign")[-1].get("warn") == words

