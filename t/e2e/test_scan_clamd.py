"""Scanning by a clamd that is there already (av.clamd)."""

import mail
import pytest
import scanning
from scanning import EICAR_NAME, Clamd


@pytest.fixture(scope="session")
def clamd(directory, scan_database):
    """A clamd that runs; a row that stops it starts it again."""
    clamd = Clamd(directory / "clamd", scan_database).start()
    yield clamd
    clamd.stop()


def started(gate, clamd, *sockets, **options):
    listed = ", ".join(f'"{socket}"' for socket in sockets)
    lines = "\n\t".join(f"{name.replace('_', '-')} = {value}" for name, value in options.items())
    gate.postern.start(listener="scan = yes", av=f"clamd = {{ {listed} }}\n\t{lines}")
    return gate


@pytest.mark.parametrize("kind", ["unix", "inet"])
def test_socket(gate, clamd, kind):
    gate = started(gate, clamd, getattr(clamd, kind))
    assert mail.values(gate.verify(mail.message()), "X-Virus-Status") == ["Clean"]
    reply = mail.send(gate.mta.inbound, scanning.infected(), mail.recipient())
    assert (reply.stage, reply.code) == ("message", 550) and EICAR_NAME in reply.text
    assert gate.postern.lines(event="message", clamd=getattr(clamd, kind))


def test_connections_are_kept(gate, clamd):
    """Of many messages each gets its own answer."""
    gate = started(gate, clamd, clamd.unix)
    for i in range(12):
        reply = mail.send(gate.mta.inbound, scanning.infected() if i % 3 == 0 else mail.message(), mail.recipient())
        assert reply.code == (550 if i % 3 == 0 else 250)


def test_the_next_clamd_is_taken(gate, clamd):
    gate = started(gate, clamd, "unix:/nonexistent/clamd.sock", "inet:1@127.0.0.1", clamd.inet)
    assert mail.values(gate.verify(mail.message()), "X-Virus-Status") == ["Clean"]


def test_no_clamd(gate, clamd):
    gate = started(gate, clamd, "unix:/nonexistent/clamd.sock", load_hold="0")
    reply = mail.send(gate.mta.inbound, mail.message(), mail.recipient())
    assert reply.code == 451 and "no scanner" in reply.text


def test_clamd_comes_back(gate, clamd):
    """Connections that died in the pool are nobody's fault."""
    gate = started(gate, clamd, clamd.unix)
    gate.verify(mail.message())
    clamd.stop()
    clamd.start()
    assert mail.values(gate.verify(mail.message()), "X-Virus-Status") == ["Clean"]


def test_suspect_and_encrypted(gate, clamd):
    gate = started(gate, clamd, clamd.unix)
    assert mail.values(gate.verify(scanning.suspect()), "X-Virus-Status") == [f"Suspect ({scanning.SUSPECT_NAME})"]
    assert mail.values(gate.verify(scanning.encrypted()), "X-Virus-Status") == ["Encrypted"]


def test_beyond_streammaxlength(gate, clamd):
    gate = started(gate, clamd, clamd.unix)
    raw = gate.verify(mail.message(body=b"x" * 70 + b"\r\n" + 45000 * (b"y" * 70 + b"\r\n")))
    assert mail.values(raw, "X-Virus-Status") == ["Not-Scanned (size)"]
    assert mail.values(raw, "X-Virus-Scanned") == []


def test_beyond_a_limit_of_clamd(gate, clamd):
    gate = started(gate, clamd, clamd.unix)
    raw = gate.verify(scanning.with_file("many.zip", scanning.zipped_many(20)))
    assert mail.values(raw, "X-Virus-Status") == ["Not-Scanned (Heuristics.Limits.Exceeded.MaxFiles)"]


def test_engine_and_database_are_told(gate, clamd):
    gate = started(gate, clamd, clamd.unix)
    (scanned,) = mail.values(gate.verify(mail.message()), "X-Virus-Scanned")
    assert scanned.startswith("postern ") and " at mx.example.net (ClamAV 1." in scanned
