"""The scanner dies, its database changes, its options change: no message is refused for it, none passes unscanned."""

import itertools
import os
import signal
import time

import mail
import pytest
from load import Load
from ports import slow, wait_until
from postern import SANITIZED
from scanning import EICAR, EICAR_NAME, database, infected, with_file

SCAN = "scan = yes"


@pytest.fixture
def scanning(gate, open_path):
    """The gate with a scanner of its own; (gate, folder of the database)."""
    path = database(open_path / "database")
    start(gate, path)
    yield gate, path
    gate.postern.stop()


def start(gate, path, more=""):
    gate.postern.start(listener=SCAN, av=f'database = "{path}" reload-delay = 100ms scanners = 2 {more}')
    wait_until(lambda: ready(gate), 60 * slow(), "the scanner")


def ready(gate, times=1):
    return len(gate.postern.lines(event="scanner-ready")) >= times


def scanner(gate, name="serving"):
    return next((row for row in gate.postern.status()[1]["processes"] if row["role"] == "scanner" and row["name"] == name), None)


def arrived_clean(reply, arrived):
    return reply.code == 250 and mail.values(arrived, "X-Virus-Status") == ["Clean"]


def was_refused(reply, arrived):
    return reply.code == 550 and EICAR_NAME.split(".")[0] in reply.text


def load(gate, threads=2):
    """Clean and infected mail in turn."""
    numbers = itertools.count()

    def make():
        if next(numbers) % 3 == 2:
            return infected(), gate.mta.inbound, was_refused
        return mail.message(), gate.mta.inbound, arrived_clean

    return Load(gate.sink, make, threads)


def add_signature(path, name, octets):
    """As freshclam does it: a new file takes a name at once."""
    new = path / f".{name}"
    new.write_text(f"{name}:0:*:{octets.hex()}\n")
    new.chmod(0o644)
    new.rename(path / f"{name}.ndb")


def test_clean_and_infected(scanning):
    gate, _ = scanning
    for port in (gate.mta.inbound, gate.mta.originating):
        raw = gate.pass_through(port, mail.message())
        assert mail.values(raw, "X-Virus-Status") == ["Clean"]
        assert was_refused(mail.send(port, infected(), mail.recipient()), None)


def test_loader_killed_under_load(scanning):
    """Mail waits for the next one, which is there at once."""
    gate, _ = scanning
    with load(gate) as going:
        for turn in range(5):
            going.wait(10)
            os.kill(scanner(gate)["pid"], signal.SIGKILL)
            wait_until(lambda: ready(gate, turn + 2), 60 * slow(), "the next scanner")
        going.wait(10)
    assert not going.wrong
    assert gate.postern.status()[1]["scanner"]["restarts"] == 5
    assert gate.postern.workers()


def deaths(gate):
    """Mail on both ports, clean and infected in turn, large enough to be met in the middle of its scan."""
    numbers = itertools.count()

    def make():
        number = next(numbers)
        port = (gate.mta.inbound, gate.mta.originating)[number // 2 % 2]
        octets = os.urandom(300_000)
        if number % 2:
            return with_file("program.bin", octets + EICAR), port, was_refused
        return with_file("clean.bin", octets), port, arrived_clean

    return Load(gate.sink, make)


def scan_children(gate):
    """Process ids as told; never one that kill() would take for a group."""
    pids = [row["pid"] for row in gate.postern.status()[1]["processes"] if row["role"] == "scan"]
    assert all(pid > 1 for pid in pids), pids
    return pids


def two_children(gate):
    return wait_until(lambda: len(pids := scan_children(gate)) == 2 and pids, 30 * slow(), "two scan children")


def killed_in_a_scan(gate):
    return "while it scanned" in gate.postern.log()


# A sanitizer would take SIGSEGV for a fault that it has found.
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP] + ([] if SANITIZED else [signal.SIGSEGV]), ids=lambda number: number.name)
def test_children_killed_under_load(scanning, number):
    """No message is met twice, so none is refused for it, none is lost and none passes unscanned."""
    gate, path = scanning
    start(gate, path, f"timeout = {int(3 * slow())}s")
    with deaths(gate) as going:
        for turn in range(40):
            if turn >= 4 and killed_in_a_scan(gate):
                break
            going.wait(6)
            victim = two_children(gate)[turn % 2]
            os.kill(victim, number)
            if number != signal.SIGSTOP:
                wait_until(lambda: victim not in scan_children(gate), 10 * slow(), "its end to be told")
                continue
            going.wait(6)
            time.sleep(3.5 * slow())  # late by now, if it was stopped in the middle of a scan
            if victim in scan_children(gate):
                os.kill(victim, signal.SIGCONT)
    assert not going.wrong
    assert gate.postern.lines(event="scanner-died") == []
    assert killed_in_a_scan(gate), "no scan was met"


def test_killed_after_a_reload(scanning):
    """A reload that leaves the scanner as it is: what it needs to start again is still there."""
    gate, path = scanning
    for turn in range(3):
        assert gate.postern.reload(listener=SCAN, av=f'database = "{path}" reload-delay = 100ms scanners = 2').returncode == 0
        os.kill(scanner(gate)["pid"], signal.SIGKILL)
        wait_until(lambda: ready(gate, turn + 2), 60 * slow(), "the next scanner")
        assert arrived_clean(mail.send(gate.mta.inbound, mail.message(), to := mail.recipient()), gate.sink.wait(to).data)
    assert gate.postern.status()[1]["scanner"]["restarts"] == 3


def test_killed_with_mail_held(scanning):
    """While nobody scans at all: the loader is stopped with its children before it dies."""
    gate, _ = scanning
    pids = [row["pid"] for row in gate.postern.status()[1]["processes"] if row["role"] in ("scanner", "scan")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    with load(gate, 1) as going:
        wait_until(lambda: gate.postern.status()[1]["queue"]["jobs"] == 2, 30 * slow(), "mail to wait")
        for pid in reversed(pids):
            os.kill(pid, signal.SIGKILL)
        going.wait(4)
    assert not going.wrong


def test_database_reloaded_twenty_times_under_load(scanning):
    gate, path = scanning
    with load(gate) as going:
        for turn in range(20):
            add_signature(path, f"Turn-{turn}", b"signature of turn %d, which no mail has" % turn)
            wait_until(lambda: ready(gate, turn + 2), 60 * slow(), f"scanner {turn + 2}")
            going.wait(3)
    assert not going.wrong
    assert not gate.postern.lines(event="scanner-died")
    assert "23 signatures" in gate.postern.status()[1]["scanner"]["text"]


@pytest.mark.parametrize("reload", ["concurrent", "sequential"])
def test_new_signature_counts(scanning, reload):
    gate, path = scanning
    start(gate, path, f"reload = {reload}")
    words = b"words that become unwanted " + reload.encode()
    gate.pass_through(gate.mta.inbound, mail.message(body=words + b"\r\n"))
    before = scanner(gate)["pid"]
    add_signature(path, "Added", words)
    wait_until(lambda: ready(gate, 2), 60 * slow(), "the next scanner")
    assert mail.send(gate.mta.inbound, mail.message(body=words + b"\r\n"), mail.recipient()).code == 550
    wait_until(lambda: not os.path.exists(f"/proc/{before}"), 30 * slow(), "the old scanner to end")


def test_broken_database_keeps_the_old_one(scanning):
    gate, path = scanning
    before = scanner(gate)["pid"]
    (path / "broken.ndb").write_text("this is no signature\n")
    wait_until(lambda: gate.postern.lines(event="scanner-kept"), 60 * slow(), "the refusal in the log")
    assert "broken.ndb" in gate.postern.lines(event="scanner-kept")[0]["text"]
    assert scanner(gate)["pid"] == before and not scanner(gate, "coming")
    assert was_refused(mail.send(gate.mta.inbound, infected(), mail.recipient()), None)
    (path / "broken.ndb").unlink()
    add_signature(path, "Mended", b"a signature that mends all")
    wait_until(lambda: ready(gate, 2), 60 * slow(), "the next scanner")


def test_broken_at_start(gate, open_path):
    """DKIM works, mail to be scanned waits; when the database is mended, it is loaded."""
    path = database(open_path / "database")
    (path / "broken.ndb").write_text("this is no signature\n")
    gate.postern.start(listener=SCAN, av=f'database = "{path}" reload-delay = 100ms load-hold = 300ms')
    wait_until(lambda: gate.postern.lines(event="scanner-failed"), 60 * slow(), "the refusal in the log")
    code, status = gate.postern.status()
    assert code == 75 and status["scanner"]["state"] == "broken" and "broken.ndb" in status["scanner"]["text"]
    assert mail.send(gate.mta.inbound, mail.message(), mail.recipient()).code == 451
    (path / "broken.ndb").unlink()
    wait_until(lambda: ready(gate), 60 * slow(), "the scanner")
    assert arrived_clean(mail.send(gate.mta.inbound, mail.message(), to := mail.recipient()), gate.sink.wait(to).data)
    assert gate.postern.status()[0] == 0


def test_options_change(scanning):
    """A reload replaces the scanner only when one of its own options has changed."""
    gate, path = scanning
    av = f'database = "{path}" reload-delay = 100ms scanners = 2'
    before = scanner(gate)["pid"]
    with load(gate, 1) as going:
        assert gate.postern.reload(listener=SCAN, av=av, authserv_id="other.example.net").returncode == 0
        going.wait(4)
        assert scanner(gate)["pid"] == before
        assert gate.postern.reload(listener=SCAN, av=av + " recycle = 50").returncode == 0
        wait_until(lambda: ready(gate, 2), 60 * slow(), "the next scanner")
        going.wait(4)
    assert not going.wrong
    assert scanner(gate)["pid"] != before


def test_scanning_begins_and_ends_with_a_reload(gate, open_path):
    path = database(open_path / "database")
    assert gate.postern.reload(listener=SCAN, av=f'database = "{path}"').returncode == 0
    assert was_refused(mail.send(gate.mta.inbound, mail.message(body=EICAR + b"\r\n"), mail.recipient()), None)
    assert gate.postern.reload().returncode == 0
    wait_until(lambda: gate.postern.lines(event="scanner-end"), 60 * slow(), "the scanner to end")
    assert gate.pass_through(gate.mta.inbound, mail.message(body=EICAR + b"\r\n"))
