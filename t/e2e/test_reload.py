"""Another configuration while mail goes on: nothing is refused, cut or told to come again."""

import itertools
import signal
import threading
import time
from pathlib import Path

import mail
import pytest
from load import Load
from ports import free_port, slow, wait_until
from postern import command, command_line
from results import topmost
from wire import Mta, answers

EX_UNAVAILABLE, EX_CONFIG = 69, 78


def load(gate):
    """Mail through both ports; each message must be accepted, and verified or signed."""
    numbers = itertools.count()

    def make():
        port, field = ((gate.mta.inbound, "Authentication-Results"), (gate.mta.originating, "DKIM-Signature"))[next(numbers) % 2]
        return mail.message(), port, lambda reply, arrived: reply.code == 250 and mail.values(arrived, field)

    return Load(gate.sink, make)


def test_under_load(gate):
    """Several reloads, each with other workers; every message was accepted and handled."""
    generations = []
    with load(gate) as going:
        for turn in range(5):
            going.wait(20)
            run = gate.postern.reload(workers=1 + turn % 2)
            assert run.returncode == 0, run.stderr
            generations.append(frozenset(gate.postern.workers()))
        going.wait(20)
    assert not going.wrong and going.sent >= 120
    assert len(set(generations)) == 5
    assert not gate.postern.lines(event="worker-died") and not gate.postern.lines(level="error")


def test_old_workers_end(gate):
    before = set(gate.postern.workers())
    assert gate.postern.reload().returncode == 0
    wait_until(lambda: not before & set(gate.postern.workers()), 20 * slow(), "the old workers to end")
    assert len(gate.postern.workers()) == 4


def test_message_under_way_stays(gate):
    """Begun before the reload, ended after it."""
    with Mta(gate.postern.inbound) as mta:
        mta.envelope()
        mta.header(b"From", b" Alice <alice@example.com>")
        assert gate.postern.reload(authserv_id="other.example.net").returncode == 0
        mta.ask(b"N")
        mta.ask(b"B", b"x\r\n")
        assert mta.end()[-1][0] in b"ac"
    raw = gate.verify(mail.message())
    assert topmost(raw).authserv_id == "other.example.net"


def test_sighup(gate):
    before = set(gate.postern.workers())
    gate.postern.signal(signal.SIGHUP)
    wait_until(lambda: gate.postern.lines(event="reloaded"), 20 * slow(), "the reload")
    wait_until(lambda: not before & set(gate.postern.workers()), 20 * slow(), "new workers")
    assert topmost(gate.verify(mail.message())).authserv_id == "mx.example.net"


BAD = {
    "an unknown option": (dict(verify="no-such-option = 1"), b"no-such-option"),
    "a value out of range": (dict(verify="minimum-rsa-bits = 12"), b"minimum-rsa-bits"),
    "broken syntax": (dict(verify='on-fail = "'), b"postern.conf:"),
}


@pytest.mark.parametrize("settings, words", BAD.values(), ids=BAD.keys())
def test_bad_file(gate, settings, words):
    """The file is told with its line, and nothing changes."""
    before = set(gate.postern.workers())
    try:
        run = gate.postern.reload(**settings)
        assert run.returncode == EX_CONFIG and words in run.stderr and b"postern.conf:" in run.stderr
        gate.postern.signal(signal.SIGHUP)
        wait_until(lambda: gate.postern.lines(event="not-reloaded"), 20 * slow(), "the refusal in the log")
        assert any("postern.conf:" in line["text"] for line in gate.postern.lines(event="reload"))
        assert set(gate.postern.workers()) == before
        assert topmost(gate.verify(mail.message())).authserv_id == "mx.example.net"
    finally:
        assert gate.postern.reload().returncode == 0


def test_fault_that_workers_find(gate, tmp_path):
    """A records file that is not there: the new workers cannot start, the old ones go on."""
    before = set(gate.postern.workers())
    try:
        run = gate.postern.reload(records=tmp_path / "missing")
        assert run.returncode == EX_CONFIG and b"missing" in run.stderr
        wait_until(lambda: set(gate.postern.workers()) == before, 20 * slow(), "the new workers to end")
        assert topmost(gate.verify(mail.message())).authserv_id == "mx.example.net"
    finally:
        assert gate.postern.reload().returncode == 0


def listener(spec):
    return f'listener third {{ socket = "{spec}" role = verify workers = 1 socket-mode = 0666 }}'


@pytest.mark.parametrize("kind", ["inet", "unix"])
def test_listener_comes_and_goes(gate, directory, kind):
    spec = f"inet:{free_port()}@127.0.0.1" if kind == "inet" else f"unix:{directory}/third.sock"
    assert gate.postern.reload(more=listener(spec)).returncode == 0
    assert answers(spec)
    assert gate.postern.reload().returncode == 0
    wait_until(lambda: not answers(spec), 20 * slow(), "the socket to close")
    assert answers(gate.postern.inbound)
    assert not (directory / "third.sock").exists()


def test_socket_that_is_taken(gate):
    """What is in use by somebody else is told, and nothing changes."""
    spec = "inet:%d@127.0.0.1" % gate.sink.port
    run = gate.postern.reload(more=listener(spec))
    assert run.returncode == EX_CONFIG and b"listener third" in run.stderr and b"in use" in run.stderr
    assert topmost(gate.verify(mail.message()))
    assert gate.postern.reload().returncode == 0


def test_mode_of_a_unix_socket_changes(gate, directory):
    path = directory / "mode.sock"
    section = 'listener third {{ socket = "unix:{}" role = verify workers = 1 socket-mode = {} }}'
    assert gate.postern.reload(more=section.format(path, "0600")).returncode == 0
    node = path.stat().st_ino
    assert gate.postern.reload(more=section.format(path, "0666")).returncode == 0
    assert path.stat().st_mode & 0o777 == 0o666 and path.stat().st_ino == node
    assert gate.postern.reload().returncode == 0


def test_status_socket_moves(gate, directory):
    """Who asked at the old place is answered there, when the new one is open."""
    old, new = gate.postern.status_socket, directory / "moved"
    gate.postern.status_socket = new
    gate.postern.file.write_text(gate.postern.configuration())
    run = command("reload", "--socket", old)
    assert run.returncode == 0, run.stderr
    assert new.exists() and not old.exists()
    assert gate.postern.status()[0] == 0
    gate.postern.status_socket = old
    gate.postern.file.write_text(gate.postern.configuration())
    assert command("reload", "--socket", new).returncode == 0


def test_many_at_once(gate):
    """Each who asks is answered, and at the end the workers are as many as they should be."""
    results = []
    threads = [threading.Thread(target=lambda: results.append(command("reload", "-c", gate.postern.file).returncode)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0] * 6
    wait_until(lambda: len(gate.postern.workers()) == 4, 20 * slow(), "the old workers to end")


def test_stop_during_reload(gate):
    """SIGTERM wins."""
    gate.postern.signal(signal.SIGHUP)
    time.sleep(0.02)
    assert gate.postern.stop() == 0
    assert not answers(gate.postern.inbound)


def test_no_daemon(gate):
    gate.postern.stop()
    run = command("reload", "-c", gate.postern.file)
    assert run.returncode == EX_UNAVAILABLE and b"wanted a running daemon" in run.stderr
    run = command("status", "-c", gate.postern.file)
    assert run.returncode == EX_UNAVAILABLE and b"wanted a running daemon" in run.stderr


def test_children_are_gone(gate):
    """Neither the child that looks at a file nor an old worker is left behind."""
    assert gate.postern.reload().returncode == 0

    def only_workers():
        children = Path(f"/proc/{gate.postern.pid}/task/{gate.postern.pid}/children").read_text().split()
        return len(children) == 4 and all(" worker " in command_line(pid) for pid in children)

    wait_until(only_workers, 20 * slow(), "everything else to end")
