"""`postern-scanner --check FILE` and its command line: what a start would meet, one finding a line."""

import os
import re
import subprocess

import pytest

from postern import ROOT, SANITIZER
from scanner import CONFIGURATION_TEXT, EICAR, SCANNER, signature

pytestmark = pytest.mark.skipif(not SCANNER.exists(), reason="built without the scanner")


def run(*arguments):
    done = subprocess.run([SCANNER, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert not SANITIZER.search(done.stderr), done.stderr
    return done


@pytest.fixture
def check(tmp_path):
    """Check a configuration whose database holds these files; returns the exit code and {what: (level, text)}."""
    database = tmp_path / "database"
    database.mkdir()

    def check_one(files, **options):
        for name, octets in files.items():
            (database / name).write_text(octets)
        file = tmp_path / "postern.conf"
        values = {"user": "nobody", "database": database, "scanners": 1, "av": "", **options}
        file.write_text(CONFIGURATION_TEXT.format(**values))
        done = run("--check", file)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        assert all(len(row) == 3 and row[0] in ("ok", "note", "warning", "error") for row in rows)
        return done.returncode, {what: (level, text) for level, what, text in rows}

    return check_one


def test_all_is_well(check):
    code, found = check({"test.ndb": signature("Eicar-Pattern", EICAR) + signature("Other", b"other pattern")})
    assert code == 0 and {level for level, _ in found.values()} == {"ok"}
    assert re.search(r"ClamAV \d.*: version 0 of 20\d\d-\d\d-\d\d \(0 days old\), 2 signatures in 1 files$", found["database"][1])
    assert "MB available" in found["memory"][1]
    assert set(found) == {"database", "memory", "temporary files", "no privileges", "resource limits", "Landlock", "seccomp"}


@pytest.mark.parametrize("files, options, what, text", [
    ({}, {}, "database", "No such file or directory"),
    ({"test.ndb": "x:0:*:00\n"}, {"database": "/nonexistent"}, "database", "/nonexistent: wanted a ClamAV database"),
    ({"test.ndb": "x:0:*:00\n", "daily.cvd": "no header"}, {}, "database", "wanted a ClamAV database"),
    ({"test.ndb": "x:0:*:00\n"}, {"user": "nobody-of-this-name"}, "user", "nobody-of-this-name"),
    ({"test.ndb": "x:0:*:00\n"}, {"av": "temp-size = 1"}, "configuration", "temp-size"),
], ids=["empty folder", "no folder", "malformed header", "no such user", "configuration"])
def test_what_is_wrong_is_told(check, files, options, what, text):
    code, found = check(files, **options)
    assert code == os.EX_CONFIG
    assert found[what][0] == "error" and text in found[what][1]


def test_command_line():
    assert run("--help").returncode == 0 and "--check FILE" in run("--help").stdout
    for arguments in ((), ("--unknown",), ("--check",), ("a", "b"), ("--beside", "a", "b")):
        done = run(*arguments)
        assert done.returncode == os.EX_USAGE and "usage:" in done.stderr and done.stdout == ""


def test_manual_has_its_options():
    page = (ROOT / "conf" / "man" / "postern-scanner.8").read_text()
    of_program = set(re.findall(r"(?m)^  --([\w-]+)", run("--help").stdout)) - {"help"}
    assert of_program and set(re.findall(r"(?m)^\.It Fl Fl ([\w-]+)", page)) == of_program


def test_started_by_hand():
    """Without what the supervisor gives it says so by its exit code, and does not wait."""
    assert run("/nonexistent").returncode != 0
