"""postern scan: files before the scanner of the running daemon, or before one of its own."""

import json
import os

import pytest
from ports import slow, wait_until
from postern import command
from scanning import EICAR, EICAR_NAME, database, encrypted, infected, zipped

FOUND, NOT_SCANNED, EX_NOINPUT, EX_UNAVAILABLE, EX_CONFIG = 1, 2, 66, 69, 78


@pytest.fixture
def place(open_path):
    """A database, and files: two of them bad, at three depths."""
    database(open_path / "database")
    deep = open_path / "files" / "one" / "two"
    deep.mkdir(parents=True)
    (open_path / "files" / "bad.com").write_bytes(EICAR)
    (deep / "bad.zip").write_bytes(zipped("invoice.exe", EICAR))
    (deep / "good\nname.txt").write_bytes(b"nothing in it\n")
    (open_path / "files" / "link").symlink_to("/etc/passwd")
    os.mkfifo(open_path / "files" / "pipe")
    return open_path


def scan(*arguments, **options):
    return command("scan", *arguments, **options)


def own(place, *arguments, **options):
    return scan("--database", place / "database", *arguments, **options)


def test_folder(place):
    run = own(place, place / "files")
    lines = run.stdout.decode().splitlines()
    assert run.returncode == FOUND and run.stderr == b""
    assert lines[:-1] == [f"{place}/files/bad.com: infected ({EICAR_NAME})",
                          f"{place}/files/one/two/bad.zip: infected ({EICAR_NAME})" + lines[1].partition(f"({EICAR_NAME})")[2],
                          f"{place}/files/one/two/good\\nname.txt: clean"]
    assert lines[-1] == "3 files, 2 found, 0 not scanned"


def test_json(place):
    run = own(place, "--json", "--found", place / "files")
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(row["class"], row["findings"][0]["name"]) for row in rows] == [("infected", EICAR_NAME)] * 2


@pytest.mark.parametrize("octets, code, word", [(EICAR, FOUND, "infected"), (b"good\n", 0, "clean"), (b"", 0, "clean"),
                                                (infected(), FOUND, "infected"), (encrypted(), FOUND, "encrypted")],
                         ids=["a known file", "a clean one", "nothing", "an infected mail", "an encrypted archive"])
def test_standard_input(place, octets, code, word):
    run = own(place, "-", input=octets)
    assert run.returncode == code and run.stdout.decode().startswith(f"-: {word}")


def test_codes(place):
    assert own(place, place / "files" / "one" / "two" / "good\nname.txt").returncode == 0
    assert own(place, place / "missing").returncode == NOT_SCANNED
    assert own(place, place / "files" / "pipe").returncode == NOT_SCANNED
    assert own(place, place / "files" / "bad.com", place / "missing").returncode == FOUND
    assert scan("--database", place / "missing", place / "files").returncode == EX_NOINPUT
    assert scan("--socket", place / "missing", place / "files").returncode == EX_UNAVAILABLE
    assert scan("-c", place / "missing", place / "files").returncode == EX_NOINPUT


def test_database_that_cannot_be_loaded(place):
    (place / "database" / "broken.ndb").write_text("this is no signature\n")
    run = own(place, place / "files")
    assert run.returncode == EX_UNAVAILABLE and b"broken.ndb" in run.stderr


def test_running_daemon(gate, place):
    """Its own limits hold, and it goes on as before."""
    gate.postern.start(listener="scan = yes", av=f'database = "{place}/database" max-size = 2K')
    wait_until(lambda: gate.postern.lines(event="scanner-ready"), 60 * slow(), "the scanner")
    (place / "files" / "large").write_bytes(b"large\n" * 1000)
    run = scan("-c", gate.postern.file, "--found", place / "files")
    assert run.returncode == FOUND
    assert b"5 files" not in run.stdout and b"4 files, 2 found, 1 not scanned" in run.stdout and b"large: unscannable" in run.stdout
    assert scan("-c", gate.postern.file, "--own", place / "files" / "bad.com").returncode == FOUND
    gate.postern.start()
    run = scan("-c", gate.postern.file, place / "files")
    assert run.returncode == EX_UNAVAILABLE and b"no listener" in run.stderr


def test_many_files(gate, place):
    """More than fit on the way at one time, in the order of their names."""
    for number in range(200):
        (place / "files" / f"{number:03}").write_bytes(EICAR if number % 50 == 7 else b"%d\n" % number)
    run = own(place, "--json", place / "files")
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(rows) == 203
    assert [row["file"].rsplit("/", 1)[1] for row in rows][:200] == [f"{number:03}" for number in range(200)]
    assert sum(row["class"] == "infected" for row in rows) == 6
