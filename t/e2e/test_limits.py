"""Input that no MTA sends, or too much of it: a defined answer, and the workers live on."""

import struct
import time

import mail
import pytest
from ports import slow
from postern import command
from results import parse, topmost
from wire import ACCEPT, CONTINUE, FINAL, Mta, connect


@pytest.fixture
def unharmed(gate):
    """The same workers before and after, and mail still passes."""
    before = gate.postern.workers()
    yield gate
    assert gate.postern.workers() == before
    assert [r.result for r in topmost(gate.verify(mail.message())).results] == ["none"]
    gate.sign(mail.message())


CUT = {
    "nothing": b"",
    "half a length": b"\0\0",
    "a length alone": struct.pack("!I", 13),
    "half of a negotiation": struct.pack("!I", 13) + b"O\0\0",
    "length zero": struct.pack("!I", 0) + b"O",
    "the largest length": struct.pack("!I", 0xFFFFFFFF) + b"O" * 100,
    "an unknown command": struct.pack("!I", 5) + b"\xffabcd",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "mail before negotiation": struct.pack("!I", 5) + b"M<a>\0",
}


@pytest.mark.parametrize("octets", CUT.values(), ids=CUT.keys())
@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_broken_start_of_a_session(unharmed, side, octets):
    with connect(getattr(unharmed.postern, side)) as s:
        s.sendall(octets)


@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_macro_without_a_value(unharmed, side):
    """libmilter alone would read a pointer out of what the packets before have left in its memory."""
    for size in range(1, 128):
        with Mta(getattr(unharmed.postern, side)) as mta:
            mta.ask(b"C", b"mail.example.org\x004" + struct.pack("!H", 12345) + b"192.0.2.7\0")
            for _ in range(12):
                mta.packet(b"D", b"R" + b"A" * size + b"\0")
            mta.packet(b"D", b"Mi\0QUEUEID\0z\0")
            mta.ask(b"M", b"<alice@example.org>\0")
            mta.ask(b"R", b"<bob@example.net>\0")  # libmilter waits for one when somebody asks for recipients
            assert mta.end()[-1][0] == CONTINUE
    assert unharmed.postern.lines(event="message", qid="QUEUEID"), "the pairs before it are kept"


STAGES = ["negotiated", "envelope", "header", "eoh", "body"]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_half_a_packet_then_gone(unharmed, side, stage):
    with Mta(getattr(unharmed.postern, side)) as mta:
        reach(mta, stage)
        mta.socket.sendall(struct.pack("!I", 1000) + b"B" + b"x" * 10)


def reach(mta, stage):
    steps = {
        "envelope": mta.envelope,
        "header": lambda: mta.header(b"From", b" alice@example.com"),
        "eoh": lambda: mta.ask(b"N"),
        "body": lambda: mta.ask(b"B", b"text\r\n"),
    }
    for name in STAGES[1:STAGES.index(stage) + 1]:
        steps[name]()


@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_header_packet_of_10_mb(unharmed, side):
    """Refused or cut off, but not kept: the worker's memory does not follow the packet."""
    with Mta(getattr(unharmed.postern, side)) as mta:
        mta.envelope()
        try:
            answer = mta.header(b"X-Huge", b"x" * 10_000_000)
        except ConnectionError:
            return
        assert answer is None or answer[0] in FINAL | {CONTINUE}


@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_one_field_of_1_mb(unharmed, side):
    with Mta(getattr(unharmed.postern, side)) as mta:
        mta.envelope()
        try:
            mta.header(b"From", b" alice@example.com")
            mta.header(b"X-Big", b" " + b"x" * 1_000_000)
            mta.ask(b"N")
            mta.end()
        except ConnectionError:
            return


@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_nuls_in_header_and_body(unharmed, side):
    with Mta(getattr(unharmed.postern, side)) as mta:
        mta.envelope()
        mta.header(b"From", b" alice@example.com")
        mta.header(b"Subject", b" a\0b\0\0c")
        mta.ask(b"N")
        mta.ask(b"B", b"\0" * 60000)
        assert mta.end()[-1][0] in FINAL


@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_message_without_any_field(unharmed, side):
    with Mta(getattr(unharmed.postern, side)) as mta:
        mta.envelope()
        mta.ask(b"N")
        assert mta.end()[-1][0] in FINAL


def test_message_without_from_is_not_signed(unharmed):
    run = command("probe", unharmed.postern.originating, "--apply", input=b"Subject: nobody\r\n\r\ntext\r\n")
    assert run.returncode == 0, run.stderr
    assert b"DKIM-Signature" not in run.stdout


def send_fields(gate, fields):
    """A message with these fields to the inbound socket, faster than 20 seconds; the answers at its end."""
    start = time.monotonic()
    with Mta(gate.postern.inbound) as mta:
        mta.envelope()
        for name, value in [*fields, (b"From", b" Alice <alice@example.com>")]:
            assert mta.header(name, value) == (CONTINUE, b"")
        mta.ask(b"N")
        mta.ask(b"B", b"text\r\n")
        answers = mta.end()
    assert time.monotonic() - start < 20 * slow()
    assert answers[-1][0] in (CONTINUE, ACCEPT)
    return answers


def inserted_results(answers):
    fields = [data[4:].rstrip(b"\0").split(b"\0") for command, data in answers if command == b"i"]
    return [value.decode() for name, value in fields if name == b"Authentication-Results"]


def test_10000_signatures(unharmed):
    """Those beyond max-signatures are not looked at; the answer is one field and comes in seconds."""
    junk = [b" v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=YQ==; b=%06d" % n for n in range(10_000)]
    answers = send_fields(unharmed, [(b"DKIM-Signature", value) for value in junk])
    [value] = inserted_results(answers)
    assert len(parse(value).results) <= 9
    assert "dkim=pass" not in value


def test_10000_forged_results(unharmed):
    """More fields than header-count-limit: not verified, but no forged one may stay."""
    answers = send_fields(unharmed, [(b"Authentication-Results", b" mx.example.net; dkim=pass")] * 10_000)
    assert len(inserted_results(answers)) == 1
    changed = [data for command, data in answers if command == b"m"]
    deleted = [struct.unpack("!I", data[:4])[0] for data in changed if data[4:] == b"Authentication-Results\0\0"]
    assert deleted == list(range(10_000, 0, -1)), "highest index first"


def test_field_of_90_kb_from_the_mta(unharmed):
    """More than the 64 KB that libmilter takes unless told otherwise."""
    long = b"References: <start@example.com>" + b"".join(b"\r\n\t<%060d@example.com>" % n for n in range(1150))
    run = command("probe", unharmed.postern.originating, "--apply", input=mail.message(extra=[long]))
    assert run.returncode == 0, run.stderr
    assert long in run.stdout
    assert unharmed.dkimpy(run.stdout) == {"rsa": True, "ed": True}
    run = command("probe", unharmed.postern.inbound, "--apply", input=run.stdout)
    assert {r.selector: r.result for r in topmost(run.stdout).results} == {"rsa": "pass", "ed": "pass"}


@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_1000_silent_connections(unharmed, side):
    spec = getattr(unharmed.postern, side)
    silent = [connect(spec) for _ in range(1000)]
    try:
        start = time.monotonic()
        for _ in range(5):
            raw = unharmed.sign(mail.message())
            assert unharmed.results(raw) == {"rsa": "pass", "ed": "pass"}
        assert time.monotonic() - start < 10 * slow()
    finally:
        for s in silent:
            s.close()


@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_500_sessions_that_stop_after_the_envelope(unharmed, side):
    spec = getattr(unharmed.postern, side)
    sessions = [Mta(spec) for _ in range(500)]
    try:
        for mta in sessions:
            mta.envelope()
        assert unharmed.results(unharmed.sign(mail.message())) == {"rsa": "pass", "ed": "pass"}
    finally:
        for mta in sessions:
            mta.socket.close()
