"""OpenDKIM's KeyTable and SigningTable: the same files through opendkim and through us, and what comes out."""

import re
import shutil
import subprocess

import mail
import pytest
from ports import free_port, slow, wait_until
from postern import PROGRAM, Key, command
from wire import answers

KEYS = """
# name   domain:selector:file
ka  example.com:a:{path}/a.pem
kb	example.com:b:{path}/b.pem   # the second one
kc %:c:{path}/c.pem
example.org example.org:d:{path}/a.pem
"""

TABLES = {
    "file": """
joe@example.com ka
example.com kb:@example.com
 ann@.example.com ka
.example.com kb
joe@* kc
* kc
""",
    "refile": """
*@example.com ka
JOE@example.com kb:joe@example.com
*@*.example.com kb
*@example.org %
*@sub.*.example.net kb:x@example.org
j*e@*.net kc
""",
}

SENDERS = [
    "joe@example.com", "ann@EXAMPLE.com", "Joe Public <JOE@Example.Com>", "ann@sub.example.com", "joe@a.sub.example.com",
    "x@example.org", "joe@example.org", "joe@other.example.net", "x@sub.a.example.net", "joey@other.example.net",
    "nobody@example.info", '"joe"@example.com',
]


@pytest.fixture(scope="module")
def path(directory):
    path = directory / "tables"
    path.mkdir(mode=0o755)
    for selector in "abc":
        Key(path, "example.com", selector, "rsa").file.rename(path / f"{selector}.pem")
    (path / "keys").write_text(KEYS.format(path=path))
    for kind, rows in TABLES.items():
        (path / kind).write_text(rows)
    return path


def answered(process, socket):
    assert process.poll() is None, process.stderr.read() if process.stderr else "ended"
    return answers(socket)


def signatures(socket, sender):
    """[(d, s, i)] that the filter at `socket` adds, in any order."""
    raw = mail.message(without=["From"], extra=[f"From: {sender}".encode()])
    run = command("probe", "--apply", socket, input=raw)
    assert run.returncode == 0, run.stderr
    found = [mail.tags(value) for value in mail.values(run.stdout, "DKIM-Signature")]
    return sorted((tags["d"].lower(), tags["s"], tags.get("i", "")) for tags in found)


def ask(arguments, socket):
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: answered(process, socket), 20 * slow(), arguments[0])
            return {sender: signatures(socket, sender) for sender in SENDERS}
        finally:
            process.terminate()
            process.communicate()


def opendkim(path, kind, every):
    socket, file = f"inet:{free_port()}@127.0.0.1", path / "opendkim.conf"
    file.write_text(f"Mode s\nKeyTable file:{path}/keys\nSigningTable {kind}:{path}/{kind}\nSocket {socket}\n"
                    f"MultipleSignatures {'yes' if every else 'no'}\nRequireSafeKeys no\nSyslog no\n")
    return ask([shutil.which("opendkim") or "/usr/sbin/opendkim", "-f", "-x", file], socket)


def postern(path, kind, every):
    socket, file = f"inet:{free_port()}@127.0.0.1", path / "postern.conf"
    file.write_text(f'user = "root"\nlistener out {{ socket = "{socket}" role = sign workers = 1 }}\n'
                    f'sign {{ key-table = "file:{path}/keys" signing-table = "{kind}:{path}/{kind}" '
                    f'signing-table-rows = {"all" if every else "first"} }}\n')
    return ask([PROGRAM, "run", "-c", file], socket)


@pytest.mark.parametrize("every", [False, True], ids=["first row", "all rows"])
@pytest.mark.parametrize("kind", TABLES)
def test_as_opendkim_reads_them(path, kind, every):
    """But for one signature twice: opendkim makes one for each row that names the key. Of all rows of a file it takes
    the first and `*`, where its manual, and we, have every one."""
    theirs = {sender: sorted(set(found)) for sender, found in opendkim(path, kind, every).items()}
    ours = postern(path, kind, every)
    if kind == "file" and every:
        assert all(set(theirs[sender]) <= set(ours[sender]) for sender in SENDERS)
    else:
        assert ours == theirs
    assert any(len(found) > 1 for found in ours.values()) == every
    assert any(identity for found in ours.values() for _, _, identity in found) == (every or kind == "file")


@pytest.fixture
def tables(gate):
    path = gate.directory / "gate-tables"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o755)
    key = gate.keys["rsa"].file
    (path / "keys").write_text(f"k example.com:rsa:{key}\nlost example.net:x:{path}/none.pem\n")
    (path / "senders").write_text("*@news.example.com k\n*@example.com k\n*@example.net lost\n")
    return path


def options(path, more=""):
    return f'key-table = "{path}/keys" signing-table = "refile:{path}/senders" {more}'


def test_rows_beside_sections(gate, tables):
    """A sender of the sections' domain has their keys and the rows' keys, each once; others have the rows' keys."""
    gate.postern.start(sign=options(tables))
    raw = gate.sign(mail.message())
    assert gate.dkimpy(raw) == {"rsa": True, "ed": True}
    assert len(mail.values(raw, "DKIM-Signature")) == 2
    raw = gate.sign(mail.message(sender="alice@news.example.com"))
    assert gate.dkimpy(raw) == {"rsa": True}
    assert gate.results(raw) == {"rsa": "pass"}
    assert mail.values(gate.sign(mail.message(sender="alice@example.info")), "DKIM-Signature") == []


def test_tables_alone(gate, tables):
    gate.postern.start(keys=[], sign=options(tables))
    assert gate.dkimpy(gate.sign(mail.message())) == {"rsa": True}


@pytest.mark.parametrize("action, code", [("tempfail", 451), ("accept", 250)])
def test_missing_key_file(gate, tables, action, code):
    gate.postern.start(sign=options(tables, f"on-key-error = {action}"))
    assert mail.send(gate.mta.originating, mail.message(sender="alice@example.net"), mail.recipient()).code == code
    assert "key-table, line 2" in gate.postern.lines(event="key", level="error")[0]["text"]
    assert gate.dkimpy(gate.sign(mail.message())) == {"rsa": True, "ed": True}


@pytest.fixture
def place(tables):
    (tables / "keys").write_text("k example.com\nl example.com:s:k.pem\n")
    file = tables / "postern.conf"
    file.write_text(f'user = "nobody" listener out {{ socket = "inet:{free_port()}@127.0.0.1" role = sign }}\n'
                    f"sign {{ {options(tables)} }}\n")
    return file


def test_every_fault_with_its_line(place, tables):
    for run in (command("check", "-c", place), command("run", "-c", place)):
        text = (run.stdout + run.stderr).decode()
        assert run.returncode == 78, text
        assert f"{tables}/keys:1: key: wanted DOMAIN:SELECTOR:/PATH with a selector second" in text
        assert f"{tables}/keys:2: key: wanted an absolute path" in text


def test_check_shows_rows(gate, place, tables):
    (tables / "keys").write_text(f"k example.com:rsa:{gate.keys['rsa'].file}\nlost %:x:{tables}/none.pem\n"
                                 f"any %:x:{gate.keys['ed25519'].file}\n")
    text = command("check", "-c", place).stdout.decode()
    assert re.search(r"table +ok .*/keys: 3 keys; refile:.*/senders: 3 rows", text), text
    assert re.search(r"key +FAILS +lost .*No such file", text), text
    assert re.search(r"key +ok +any +active, 256-bit Ed25519 for the domain of each sender", text), text


@pytest.mark.parametrize("option", ["key-table", "signing-table"])
def test_one_table_is_not_enough(place, option):
    place.write_text(f'listener out {{ socket = "inet:1@127.0.0.1" role = sign }} sign {{ {option} = "/x" }}')
    assert command("check", "-c", place).returncode == 78


def test_other_kinds_of_tables_are_refused(place):
    place.write_text('listener out { socket = "inet:1@127.0.0.1" role = sign } sign { key-table = "db:/x" signing-table = "/x" }')
    assert b"bare or behind file: or refile:" in command("check", "-c", place).stdout
