"""Processes that die, stop or are not there: what the MTA, and the message, get."""

import os
import signal
import time
from pathlib import Path

import mail
from ports import slow, wait_until
from results import topmost
from wire import Mta, connect

RESTART_SECONDS = 2


def sockets_of(pid):
    links = Path(f"/proc/{pid}/fd").iterdir()
    return {link for link in map(read_link, links) if link.startswith("socket:")}


def read_link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def open_message(gate, body=b"half of a "):
    """A message in its middle at the inbound port, and the worker that has it."""
    before = {pid: sockets_of(pid) for pid in gate.postern.workers("inbound")}
    client = mail.Client(gate.mta.inbound)
    to = mail.recipient()
    client.begin(to)
    client.content(mail.message(body=body))
    holders = [pid for pid, sockets in before.items() if sockets_of(pid) - sockets]
    assert len(holders) == 1, holders
    return client, to, holders[0]


def two_messages_in_two_workers(gate):
    first = open_message(gate)
    others = []
    for _ in range(100):
        second = open_message(gate)
        if second[2] != first[2]:
            return first, second
        others.append(second)
    raise AssertionError("one worker took all of 100 sessions")


def test_daemon_down_is_tempfail(gate):
    gate.postern.stop()
    reply = mail.send(gate.mta.inbound, mail.message(), mail.recipient())
    assert reply.code == 451, reply
    assert mail.send(gate.mta.originating, mail.message(), mail.recipient()).code == 451


def test_daemon_down_with_default_action_accept(gate):
    gate.postern.stop()
    to = mail.recipient()
    assert mail.send(gate.mta.ports["inbound-accept"], mail.message(), to).code == 250
    assert mail.values(gate.sink.wait(to).data, "Authentication-Results") == []


def test_local_mail_waits_for_the_daemon(gate):
    gate.postern.stop()
    to = mail.recipient()
    gate.mta.sendmail(mail.message(), to)
    time.sleep(0.5)
    assert not gate.sink.has(to)
    gate.postern.start()
    gate.mta.flush()
    assert mail.values(gate.sink.wait(to, 90).data, "DKIM-Signature")


def test_killed_worker_costs_its_message_alone(gate):
    (client, lost, victim), (other, kept, _) = two_messages_in_two_workers(gate)
    os.kill(victim, signal.SIGKILL)
    assert client.end().code == 451
    assert other.end().code == 250
    assert topmost(gate.sink.wait(kept).data).authserv_id == "mx.example.net"
    assert not gate.sink.has(lost)
    gate.verify(mail.message())


def test_killed_workers_are_replaced(gate):
    before = gate.postern.workers("inbound")
    assert len(before) == 2
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    start = time.monotonic()

    def replaced():
        now = gate.postern.workers("inbound")
        return len(now) == 2 and not set(now) & set(before)

    wait_until(replaced, RESTART_SECONDS * slow(), "two new workers")
    with Mta(gate.postern.inbound):
        pass
    assert time.monotonic() - start < RESTART_SECONDS * slow()


def test_sockets_stay_open_while_no_worker_lives(gate):
    """Kill all workers again and again: no connection is ever refused."""
    for _ in range(3):
        for pid in gate.postern.workers():
            os.kill(pid, signal.SIGKILL)
        for _ in range(50):
            connect(gate.postern.inbound).close()
            connect(gate.postern.originating).close()
            time.sleep(0.002)
        gate.postern.wait_ready()
    gate.verify(mail.message())


def test_sigterm_lets_a_message_finish(gate):
    client, to, _ = open_message(gate)
    gate.postern.signal(signal.SIGTERM)
    time.sleep(0.3)
    assert client.end().code == 250
    client.__exit__()
    assert topmost(gate.sink.wait(to).data).authserv_id == "mx.example.net"
    assert gate.postern.wait(30 * slow()) == 0


def test_sigterm_when_idle_is_quick(gate):
    start = time.monotonic()
    assert gate.postern.stop() == 0
    assert time.monotonic() - start < 8 * slow()


def test_drain_timeout_ends_a_session_that_never_ends(gate):
    with Mta(gate.postern.inbound):
        start = time.monotonic()
        assert gate.postern.stop() == 0
        assert time.monotonic() - start < 25 * slow()


def test_workers_end_with_a_killed_supervisor(gate):
    workers = gate.postern.workers()
    os.kill(gate.postern.pid, signal.SIGKILL)
    gate.postern.wait(10)
    wait_until(lambda: not any(alive(pid) for pid in workers), 30 * slow(), "orphaned workers to end")


def test_killed_supervisor_is_replaced_while_a_session_is_open(gate):
    with Mta(gate.postern.inbound) as mta:
        mta.envelope()
        os.kill(gate.postern.pid, signal.SIGKILL)
        gate.postern.wait(10)
        gate.postern.start()
    gate.verify(mail.message())


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_workers_run_as_the_configured_user(gate):
    for pid in gate.postern.workers():
        status = Path(f"/proc/{pid}/status").read_text()
        uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
        assert set(uids) == {"65534"}
        assert "NoNewPrivs:\t1" in status
