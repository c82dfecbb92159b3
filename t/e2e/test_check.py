"""postern check: what would go wrong at start, each thing by itself."""

import json
import os
import socket
import subprocess

import pytest
from ports import free_port, wait_until
from postern import PROGRAM, ROOT, command
from wire import answers


@pytest.fixture
def place(tmp_path):
    """A folder with two keys, their records, and a configuration that is all right."""
    tmp_path.chmod(0o755)
    records = b""
    for selector, kind in (("rsa", "rsa"), ("ed", "ed25519")):
        run = command("keygen", "-t", kind, "-d", "example.com", "-s", selector, "-o", tmp_path / f"{selector}.pem")
        assert run.returncode == 0, run.stderr
        records += run.stdout
    (tmp_path / "records").write_bytes(records)
    return Place(tmp_path)


class Place:
    def __init__(self, path):
        self.path, self.file, self.port = path, path / "postern.conf", free_port()
        self.parts = {
            "top": 'user = "nobody"',
            "socket": f"inet:{self.port}@127.0.0.1",
            "dns": f'servers = {{"127.0.0.1@{free_port()}"}} timeout = 300ms records = "{path}/records"',
            "keys": "".join(f'key {s} {{ domain = "example.com" file = "{path}/{s}.pem" }}\n' for s in ("rsa", "ed")),
        }

    def check(self, code, **changes):
        """Findings by (what, name): [(state, text)]."""
        parts = {**self.parts, **changes}
        self.file.write_text('{top}\nlistener out {{ socket = "{socket}" role = sign }}\n'
                             "dns {{ {dns} }}\nsign {{\n{keys} }}\n".format(**parts))
        run = command("check", "-c", self.file, "--json")
        assert run.returncode == code, (run.stdout, run.stderr)
        report = json.loads(run.stdout)
        assert report["ok"] == (code == 0)
        findings = {}
        for finding in report["findings"]:
            findings.setdefault((finding["what"], finding["name"]), []).append((finding["state"], finding["text"]))
        return findings


def test_all_is_right(place):
    found = place.check(0)
    assert {state for rows in found.values() for state, _ in rows} == {"ok"}
    assert {name for what, name in found if what == "library"} == {"libmilter", "OpenSSL", "libsodium", "libunbound"}
    assert found["key", "rsa"] == [("ok", "2048-bit RSA for example.com; published in the records file")]
    assert found["key", "ed"] == [("ok", "256-bit Ed25519 for example.com; published in the records file")]
    table = command("check", "-c", place.file)
    assert table.returncode == 0 and b"FAILS" not in table.stdout
    assert not place.path.joinpath("socket").exists()


def test_every_error_of_the_file(place):
    found = place.check(78, top='user = ""\nfoo = 1\nuser = "x"')
    assert [text for _, text in found["file", ""]] == [
        f'{place.file}:1: user: wanted a user\'s name, got ""',
        f"{place.file}:2: foo: wanted a name known here, got foo",
        f"{place.file}:3: user: wanted it once, got it again (first on line 1)",
    ]


def test_no_file(place):
    run = command("check", "-c", place.path / "none")
    assert run.returncode == 66 and b"wanted a readable file" in run.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="the user counts only when root starts it")
def test_user(place):
    assert place.check(78, top='user = "no-such-user"')["user", "no-such-user"][0][0] == "fails"


def test_records_file(place):
    assert "wanted" in place.check(78, dns=f'timeout = 300ms records = "{place.path}/rsa.pem"')["records", ""][0][1]


def test_socket_that_cannot_be_bound(place):
    found = place.check(78, socket=f"inet:{place.port}@203.0.113.1")
    assert found["listener", "out"][0][0] == "fails"


def test_socket_in_postfix_order(place):
    assert "inet:PORT@HOST" in place.check(78, socket="inet:127.0.0.1:4443")["file", ""][0][1]


def test_socket_in_use_by_something_else(place):
    with socket.create_server(("127.0.0.1", place.port)):
        state, text = place.check(78)["listener", "out"][0]
    assert state == "fails" and "Address already in use" in text


@pytest.mark.parametrize("kind", ["inet", "unix"])
def test_socket_in_use_by_postern(place, kind):
    where = f"unix:{place.path}/socket" if kind == "unix" else place.parts["socket"]
    place.check(0, socket=where)
    with subprocess.Popen([PROGRAM, "run", "-c", place.file], stderr=subprocess.DEVNULL) as daemon:
        try:
            wait_until(lambda: answers(where), 20, "the daemon")
            assert "postern runs already" in place.check(0, socket=where)["listener", "out"][0][1]
        finally:
            daemon.terminate()


def test_unix_socket_is_left_as_it_was(place):
    place.check(0, socket=f"unix:{place.path}/socket")
    assert not (place.path / "socket").exists()


@pytest.mark.parametrize("change, state, text", [
    (lambda path: (path / "rsa.pem").unlink(), "fails", "No such file"),
    (lambda path: (path / "rsa.pem").chmod(0o644), "fails", "wanted no access for others"),
    (lambda path: (path / "rsa.pem").write_text("x"), "fails", "rsa.pem"),
    (lambda path: (path / "rsa.pem").write_bytes((path / "ed.pem").read_bytes()), "fails", "publishes another key"),
    (lambda path: (path / "records").write_text('rsa._domainkey.example.com TXT "v=DKIM1; p="\n'), "fails", "key revoked"),
    (lambda path: (path / "records").write_text('rsa._domainkey.example.com TXT "p=!"\n'), "fails", "is not a public key"),
    (lambda path: (path / "records").write_text(""), "warning", "could not be asked for"),
    (lambda path: (path / "records").write_text(
        (path / "records").read_text().replace("v=DKIM1;", "v=DKIM1; t=y;")), "warning", "test mode"),
], ids=["missing", "open to others", "no key", "another key", "revoked", "malformed", "no DNS", "test mode"])
def test_key(place, change, state, text):
    change(place.path)
    found = place.check(78 if state == "fails" else 0)["key", "rsa"]
    assert found[0][0] == state and text in found[0][1], found


def test_short_key(place):
    run = command("keygen", "-b", "1024", "-d", "example.com", "-s", "old", "-o", place.path / "old.pem")
    with (place.path / "records").open("ab") as records:
        records.write(run.stdout)
    keys = f'key old {{ domain = "example.com" file = "{place.path}/old.pem" }}'
    assert [state for state, _ in place.check(0, keys=keys)["key", "old"]] == ["ok", "warning"]


def test_defaults_are_a_configuration(place):
    text = command("check", "--defaults").stdout
    place.file.write_bytes(text)
    run = command("check", "-c", place.file, "--json")
    files = [row for row in json.loads(run.stdout)["findings"] if row["what"] == "file"]
    assert [row["state"] for row in files] == ["ok"]


def test_sample_is_a_configuration():
    run = command("check", "-c", ROOT / "conf" / "postern.conf", "--json")
    assert json.loads(run.stdout)["findings"][0]["state"] == "ok"
