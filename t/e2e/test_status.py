"""postern status: what is said of a daemon that works, and of one that does not."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess

import mail
import pytest
from nameserver import Nameserver
from ports import slow, wait_until
from postern import PROGRAM, command
from scanning import database, infected
from wire import Mta

EX_TEMPFAIL, EX_UNAVAILABLE, EX_CONFIG = 75, 69, 78


def listeners(gate):
    code, status = gate.postern.status()
    assert code == 0 and status["ok"]
    return {row["name"]: row for row in status["listeners"]}


def difference(before, after):
    return {key: after[key] - before[key] for key in after if isinstance(after[key], int) and after[key] != before[key]}


@pytest.mark.parametrize("name, raw, code, wanted", [
    ("inbound", mail.message(), 250, {"messages": 1, "verified-none": 1}),
    ("originating", mail.message(), 250, {"messages": 1, "signed": 1}),
    ("originating", mail.message(sender="joe@other.example.org"), 250, {"messages": 1, "not-signed": 1}),
], ids=["nothing to verify", "signed", "another domain"])
def test_counters(gate, name, raw, code, wanted):
    before = listeners(gate)
    port = gate.mta.inbound if name == "inbound" else gate.mta.originating
    assert mail.send(port, raw, mail.recipient()).code == code
    found = difference(before[name], listeners(gate)[name])
    assert found.pop("connections") >= 1 and found == wanted


def test_pass_and_fail(gate, signed):
    before = listeners(gate)["inbound"]
    gate.verify(signed)
    gate.verify(signed + b"more\r\n")
    found = difference(before, listeners(gate)["inbound"])
    assert found["verified-pass"] == 1 and found["verified-fail"] == 1 and "rejected" not in found


def test_refusals(gate):
    gate.postern.start(verify="on-none = reject")
    assert mail.send(gate.mta.inbound, mail.message(), mail.recipient()).code == 550
    assert listeners(gate)["inbound"]["rejected"] == 1


def test_counts_outlive_workers_and_reloads(gate):
    """Those of a worker that was killed, and of a former generation."""
    with Mta(gate.postern.inbound) as mta:
        mta.envelope()
    before = listeners(gate)["inbound"]["connections"]
    for pid in gate.postern.workers():
        os.kill(pid, signal.SIGKILL)
    gate.postern.wait_ready()
    assert listeners(gate)["inbound"]["connections"] >= before
    before = listeners(gate)["inbound"]["connections"]
    assert gate.postern.reload().returncode == 0
    assert listeners(gate)["inbound"]["connections"] >= before


def workers_told(gate):
    _, status = gate.postern.status()
    return {row["pid"]: row for row in status["processes"] if row["role"] == "worker"}


def test_processes(gate):
    wait_until(lambda: set(workers_told(gate)) == set(gate.postern.workers()), 20 * slow(), "former workers to end")
    workers, (_, status) = workers_told(gate), gate.postern.status()
    assert all(row["state"] == "ready" and row["private"] > 0 and row["pss"] >= row["private"] for row in workers.values())
    assert any(row["role"] == "supervisor" and row["pid"] == gate.postern.pid for row in status["processes"])
    assert status["configuration"]["file"] == str(gate.postern.file)


def test_generation_and_restarts(gate):
    number = gate.postern.status()[1]["configuration"]["generation"]
    assert gate.postern.reload().returncode == 0
    assert gate.postern.status()[1]["configuration"]["generation"] == number + 1
    gate.postern.wait_ready()  # and the old workers have ended
    os.kill(gate.postern.workers("inbound")[0], signal.SIGKILL)
    wait_until(lambda: sum(row.get("restarts", 0) for row in gate.postern.status()[1]["processes"]) == 1, 20 * slow(), "the restart to show")


def test_not_all_ready(gate):
    """A worker that is stopped before it is ready: told by the exit code too."""
    gate.postern.start(listener="scan = yes", av='database = "/nonexistent/database" load-hold = 1s')
    wait_until(lambda: gate.postern.lines(event="scanner-failed"), 30 * slow(), "the scanner to fail")
    code, status = gate.postern.status()
    assert all(row.get("pid", 1) > 0 for row in status["processes"])
    assert code == EX_TEMPFAIL and not status["ok"] and "/nonexistent/database" in status["scanner"]["text"]


def test_scan_classes(gate, open_path):
    gate.postern.start(listener="scan = yes", av=f'database = "{database(open_path / "database")}"')
    assert mail.send(gate.mta.inbound, mail.message(), mail.recipient()).code == 250
    assert mail.send(gate.mta.inbound, infected(), mail.recipient()).code == 550
    row = listeners(gate)["inbound"]
    assert (row["scan-clean"], row["scan-infected"], row["rejected"], row["messages"]) == (1, 1, 1, 2)
    status = gate.postern.status()[1]
    assert "3 signatures" in status["scanner"]["text"] and status["queue"] == {"jobs": 0, "octets": 0}
    assert sum(row["role"] == "scan" for row in status["processes"]) > 0


def test_text(gate):
    run = command("status", "-c", gate.postern.file)
    assert run.returncode == 0
    words = run.stdout.decode()
    assert all(word in words for word in ("configuration ", "listener       inbound: ", "process        ", "supervisor", "with its share"))


def test_keys(gate):
    run = command("status", "-c", gate.postern.file, "--keys", "--json")
    rows = {row["selector"]: row for row in json.loads(run.stdout)["keys"]}
    assert run.returncode == 0 and set(rows) == {"rsa", "ed"}
    assert all(row["dns_agrees"] is True and row["state"] == "active" and row["domain"] == "example.com" for row in rows.values())
    assert b"2048-bit RSA for example.com" in command("status", "-c", gate.postern.file, "--keys").stdout


def test_more_keys_of_one_zone_than_are_asked_for_at_once(gate, tmp_path):
    """What is left out is counted; of what is not, every key has its answer."""
    ed = gate.keys["ed25519"]
    server = Nameserver(tmp_path / "nameserver")
    server.publish_slowly("example.com", gate.postern.records["ed._domainkey.example.com"])
    keys = "".join(f'key s{i} {{ domain = "example.com" file = "{ed.file}" }}\n' for i in range(90))
    file = tmp_path / "many.conf"
    file.write_text(f'listener out {{ socket = "unix:/nowhere" role = sign }}\nstatus {{ socket = "{gate.postern.status_socket}" }}\n'
                    f'dns {{ servers = {{"127.0.0.1@{server.port}"}} timeout = 20s }}\nsign {{\n{keys}}}\n')
    try:
        rows = json.loads(command("status", "-c", file, "--keys", "--json").stdout)["keys"]
        text = command("status", "-c", file, "--keys").stdout.decode()
    finally:
        server.stop()
    assert len(rows) == 64 and all(row["dns_agrees"] is True for row in rows), rows
    assert "26 more: see postern testkey" in text


def test_socket_is_for_few(gate, open_path):
    program = shutil.copy(PROGRAM, open_path)  # the tree may lie where others cannot look
    assert stat.S_IMODE(gate.postern.status_socket.stat().st_mode) == 0o600
    gate.postern.status_socket.chmod(0o666)  # even then
    try:
        run = subprocess.run([program, "status", "--socket", gate.postern.status_socket], capture_output=True, user="nobody", check=False)
        assert run.returncode == EX_UNAVAILABLE and not run.stdout
        assert gate.postern.status()[0] == 0
    finally:
        gate.postern.status_socket.chmod(0o600)


def test_no_socket_wanted(gate, tmp_path):
    path = tmp_path / "postern.conf"
    path.write_text(gate.postern.file.read_text().replace(f'socket = "{gate.postern.status_socket}"', 'socket = ""'))
    assert command("status", "-c", path).returncode == EX_CONFIG
    assert command("reload", "-c", path).returncode == EX_CONFIG


def test_idle_clients_do_not_keep_others_out(gate):
    """Who connects and says nothing is let go after a while; those who come meanwhile wait."""
    idle = []
    for _ in range(16):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(str(gate.postern.status_socket))
        idle.append(client)
    try:
        assert gate.postern.status()[0] == 0
    finally:
        for client in idle:
            client.close()
