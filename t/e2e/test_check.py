"""postern check: what would go wrong at start, each thing by itself."""

import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from nameserver import Nameserver
from ports import free_port, wait_until
from postern import PROGRAM, ROOT, command, records_of
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
        self.keys = {key["name"]: key for key in report["keys"]}
        findings = {}
        for finding in report["findings"]:
            findings.setdefault((finding["what"], finding["name"]), []).append((finding["state"], finding["text"]))
        return findings


def test_all_is_right(place):
    found = place.check(0)
    assert {state for rows in found.values() for state, _ in rows} == {"ok"}
    assert {name for what, name in found if what == "library"} == {"libmilter", "OpenSSL", "libsodium", "libunbound"}
    assert found["key", "rsa"] == [("ok", "active, 2048-bit RSA for example.com, file changed 0 minutes ago; published in the records file")]
    assert found["key", "ed"] == [("ok", "active, 256-bit Ed25519 for example.com, file changed 0 minutes ago; published in the records file")]
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


def test_more_keys_of_one_zone_than_are_asked_for_at_once(place):
    """The resolver takes 64 questions about one zone at a time; the check asks no more, and misses no key."""
    record = records_of((place.path / "records").read_text())["ed._domainkey.example.com"]
    key = 'key {0} {{ selector = "{0}" domain = "example.com" file = "{1}/ed.pem" }}\n'
    server = Nameserver(place.path / "nameserver")
    try:
        server.publish_slowly("example.com", record)
        found = place.check(0, keys="".join(key.format(f"s{i}", place.path) for i in range(90)),
                            dns=f'servers = {{"127.0.0.1@{server.port}"}} timeout = 20s')
    finally:
        server.stop()
    assert {state for (what, _), rows in found.items() for state, _ in rows if what == "key"} == {"ok"}, found


def test_age_is_that_of_the_file(place):
    then = time.time() - 12 * 86400 - 60
    os.utime(place.path / "rsa.pem", (then, then))
    assert ", file changed 12 days ago;" in place.check(0)["key", "rsa"][0][1]
    key = place.keys["rsa"]
    assert (key["modified"], key["age_s"] // 86400, key["bits"], key["type"], key["dns_agrees"]) == (int(then), 12, 2048, "rsa", True)


def with_another_key(zone):
    """The selector of the RSA key has the Ed25519 key."""
    return zone.replace("rsa._domainkey", "else._domainkey").replace("ed._domainkey", "rsa._domainkey")


def test_several_records(place):
    """Each record has its own reason: the last one is no more to blame than the others."""
    text = (place.path / "records").read_text()
    (place.path / "records").write_text('rsa._domainkey.example.com TXT "v=DKIM1; p="\n'
                                        'rsa._domainkey.example.com TXT "v=spf1 -all"\n'
                                        + with_another_key(text))
    found = place.check(78)["key", "rsa"][0]
    assert found[0] == "fails" and found[1].endswith(
        "rsa._domainkey.example.com has 3 records, none of which is this key: 1: key revoked, "
        "2: key record v= is not DKIM1, 3: another key"), found


def test_record_that_refuses_mail(place):
    text = (place.path / "records").read_text()
    (place.path / "records").write_text(text.replace("k=rsa;", "k=rsa; s=other;"))
    assert place.check(78)["key", "rsa"][0][1].endswith(": key record s= is not for email")


STATES = {
    # state: what DNS has: state of the finding, end of its text
    "next": {"it": ("ok", "published in the records file"), "another": ("warning", "publishes another key"),
             "unknown": ("warning", "could not be asked for: timed out")},
    "active": {"it": ("ok", "published in the records file"), "another": ("fails", "publishes another key"),
               "unknown": ("warning", "could not be asked for: timed out")},
    "retired": {"it": ("ok", "published in the records file"), "another": ("ok", "publishes another key"),
                "unknown": ("ok", "could not be asked for: timed out")},
}


@pytest.mark.parametrize("state, published", [(state, published) for state, rows in STATES.items() for published in rows])
def test_states(place, state, published):
    records = place.path / "records"
    text = records.read_text()
    if published == "another":
        records.write_text(with_another_key(text))
    elif published == "unknown":
        records.write_text(text.replace("rsa._domainkey", "else._domainkey"))
    keys = place.parts["keys"].replace("rsa.pem\"", f'rsa.pem" state = {state}')
    wanted, end = STATES[state][published]
    found = place.check(78 if wanted == "fails" else 0, keys=keys)["key", "rsa"][0]
    assert found[0] == wanted and found[1].startswith(f"{state}, 2048-bit RSA") and found[1].endswith(end), found
    assert place.keys["rsa"]["state"] == state


def test_domain_without_active_key(place):
    keys = place.parts["keys"].replace("rsa.pem\"", 'rsa.pem" state = next').replace("ed.pem\"", 'ed.pem" state = retired')
    found = place.check(0, keys=keys)["key", "rsa"]
    assert [state for state, _ in found] == ["ok", "warning"] and "example.com has no active key" in found[1][1]


@pytest.mark.parametrize("state, wanted", [("next", "fails"), ("retired", "warning")])
def test_missing_file_of_a_key_that_does_not_sign(place, state, wanted):
    (place.path / "rsa.pem").unlink()
    keys = place.parts["keys"].replace("rsa.pem\"", f'rsa.pem" state = {state}')
    found = place.check(78 if wanted == "fails" else 0, keys=keys)["key", "rsa"][0]
    assert found[0] == wanted and "No such file" in found[1]


@pytest.mark.parametrize("bits, code, words", [(4096, 0, None), (4224, 0, "need not take"), (8320, 78, "verifiers refuse it")])
def test_long_key(place, bits, code, words):
    """R75 verifiers call a signature with more than 8,192 bits policy, ours among them."""
    path = place.path / "long.pem"
    subprocess.run(["openssl", "genrsa", "-primes", "4", "-out", path, str(bits)], check=True, capture_output=True)  # four: quickly made
    path.chmod(0o600)
    keys = f'key long {{ domain = "example.com" file = "{path}" }}'
    found = place.check(code, keys=keys)["key", "long"]
    assert found[0][0] == "warning" and [words in text for _, text in found[1:]] == [True] * (words is not None), found


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


@pytest.mark.parametrize("options, name, words", [
    ("canonicalization = simple/relaxed", "canonicalization", "Sendmail writes fields with addresses anew"),
    ('headers = {"From", "full-name"}', "headers", "full-name: Sendmail takes this field away"),
])
def test_what_sendmail_would_break(place, options, name, words):
    found = place.check(0, keys=place.parts["keys"] + options)
    [(state, text)] = found["sign", name]
    assert state == "warning" and words in text


@pytest.mark.parametrize("mode, warned", [(0o1777, True), (0o777, True), (0o770, False)])
def test_socket_below_a_directory_for_everybody(place, mode, warned):
    with tempfile.TemporaryDirectory(dir="/run") as name:
        folder = Path(name) / "open"
        folder.mkdir()
        folder.chmod(mode)
        found = place.check(0, socket=f"unix:{folder}/postern.sock")
    told = [text for state, text in found["listener", "out"] if state == "warning"]
    assert [f"Sendmail uses no socket below {folder}," in text for text in told] == [True] * warned
