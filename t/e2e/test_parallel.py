"""Many sessions at once, in several workers and their threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mail
import pytest
from postern import SANITIZED
from results import topmost
from wire import Mta

SESSIONS = 16
PASS = {"rsa": "pass", "ed": "pass"}


def round_trips(gate, session):
    """A few messages of one session's own text and size: signed, then verified, whole and broken."""
    for turn in range(4):
        body = b"%d %d\r\n" % (session, turn) * (1 + 200 * session)
        raw = gate.sign(mail.message(body=body))
        assert gate.dkimpy(raw) == {"rsa": True, "ed": True}
        assert gate.results(raw) == PASS
        assert set(gate.results(raw + b"more\r\n").values()) == {"fail"}
    return True


def test_sessions_do_not_mix(gate):
    with ThreadPoolExecutor(SESSIONS) as pool:
        assert all(pool.map(lambda session: round_trips(gate, session), range(SESSIONS)))


def one_message(mta, number):
    mta.envelope()
    mta.header(b"From", b" Alice <alice@example.com>")
    mta.header(b"Subject", b" number %d" % number)
    mta.header(b"DKIM-Signature", b" v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=" + b"A" * 43 + b"=; b=" + b"A" * 342 + b"==")
    mta.ask(b"N")
    mta.ask(b"B", b"x" * 50000)
    assert mta.end()[-1][0] in b"ac"


def resident_kb(gate):
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in gate.postern.workers()]
    return max(pages) * 4


@pytest.mark.skipif(SANITIZED, reason="sanitizers keep freed memory")
def test_memory_does_not_grow(gate):
    """What a message took is given back: 3,000 messages later a worker is as large as after 300."""
    specs = (gate.postern.inbound, gate.postern.originating)

    def send(count):
        for spec in specs:
            with Mta(spec) as mta:
                for number in range(count):
                    one_message(mta, number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, [75] * 4))
        before = resident_kb(gate)
        list(pool.map(send, [750] * 4))
    assert resident_kb(gate) < before + 1500


def test_messages_of_one_connection(gate):
    """Ten messages on one SMTP connection: nothing of one is left in the next."""
    with mail.Client(gate.mta.inbound) as client:
        for number in range(10):
            to = mail.recipient()
            fields = [b"Authentication-Results: mx.example.net; dkim=pass"] * (number % 3)
            assert client.send(mail.message(extra=fields), to).code == 250
            arrived = gate.sink.wait(to).data
            assert len(mail.values(arrived, "Authentication-Results")) == 1
            assert [result.result for result in topmost(arrived).results] == ["none"]
