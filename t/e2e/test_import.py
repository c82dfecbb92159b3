"""postern import: old command lines and files become a configuration that runs and does the same."""

import gzip
import re
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import judges
import mail
import pytest
from nameserver import Nameserver
from ports import free_port, slow, wait_until
from postern import PROGRAM, Key, command, records_of
from wire import answers

MANUALS = Path("/usr/share/man/man5")


def imported(*arguments, code=0):
    run = command("import", *arguments)
    assert run.returncode == code, run.stderr
    return run.stdout.decode(), run.stderr.decode()


@pytest.fixture(scope="module")
def site(directory):
    """A key that a name server publishes, two free sockets, and a place."""
    place = directory / "import"
    (place / "keys").mkdir(parents=True)
    key = Key(place / "keys", "example.com", "sel", "rsa")
    records = records_of(key.zone_lines)
    nameserver = Nameserver(place / "dns")
    nameserver.publish(*(f'{name} TXT "{text}"' for name, text in records.items()))
    yield SimpleNamespace(place=place, key=key, records=records, dns=f"127.0.0.1@{nameserver.port}",
                          inbound=f"inet:{free_port()}@127.0.0.1", originating=f"inet:{free_port()}@127.0.0.1")
    nameserver.stop()


def keys_by_name(site):
    return f"Domain example.com\nSelector sel\nKeyFile {site.key.file}\n"


def keys_by_tables(site):
    (site.place / "key.table").write_text(f"k example.com:sel:{site.key.file}\n")
    (site.place / "signing.table").write_text("*@example.com k\n")
    return f"KeyTable file:{site.place}/key.table\nSigningTable refile:{site.place}/signing.table\n"


@contextmanager
def running(path, *sockets):
    """The daemon with this configuration."""
    with (path.parent / "stderr").open("wb") as stderr:
        process = subprocess.Popen([PROGRAM, "run", "-c", path], stderr=stderr, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or all(answers(socket) for socket in sockets), 20 * slow(), "the daemon")
        assert process.poll() is None, (path.parent / "stderr").read_text()
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30 * slow()) == 0


def passed_through(socket, raw, *options):
    """The message as the filter leaves it."""
    run = command("probe", socket, "--apply", *options, input=raw)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("keys", [keys_by_name, keys_by_tables])
def test_two_daemons_of_dkim_milters_days(site, keys):
    """The verifier has its command line alone, the signer has a file beside it: one daemon does the same as both."""
    old = site.place / "dkim-filter.conf"
    old.write_text(f"# as it was\nCanonicalization relaxed/relaxed\nNameservers {site.dns}\nSyslog no\n{keys(site)}")
    result = site.place / f"{keys.__name__}.conf"
    _, said = imported("--output", result,
                       "--dkim-filter", f"-f -u nobody -b v -p {site.inbound}",
                       "--dkim-filter", f"dkim-filter -f -u nobody -b s -m ORIGINATING -o X-Unsigned -p {site.originating} -x {old}")
    assert re.fullmatch(r"command line 2: -m: role = sign signs all mail .*\n", said)
    assert command("check", "-c", result).returncode == 0, command("check", "-c", result).stdout
    with running(result, site.inbound, site.originating):
        raw = passed_through(site.originating, mail.message(extra=[b"X-Unsigned: x"]), "--define", "daemon_name=ORIGINATING")
        assert judges.dkimpy(raw, site.records) == {"sel": True}
        assert "x-unsigned" not in mail.tags(mail.values(raw, "DKIM-Signature")[0])["h"].lower()
        back = passed_through(site.inbound, raw)
        assert "dkim=pass" in mail.values(back, "Authentication-Results")[0]


def test_one_daemon_that_signs_and_verifies(site):
    """What opendkim asks before it signs, role auto asks: the client, the port's name, whether it has authenticated."""
    old = site.place / "opendkim.conf"
    old.write_text(f"UserID nobody\nSocket {site.inbound}\nNameservers {site.dns}\nInternalHosts 192.0.2.7/32\nMTA MSA\n{keys_by_name(site)}")
    result = site.place / "auto.conf"
    imported(old, "--output", result)
    with running(result, site.inbound):
        outside = ("--client", "mail.example.net,198.51.100.1")
        signs = {
            "internal": ("--client", "in.example.com,192.0.2.7"),
            "port": (*outside, "--define", "daemon_name=MSA"),
            "authenticated": (*outside, "--define", "auth_type=PLAIN"),
        }
        for options in signs.values():
            assert judges.dkimpy(passed_through(site.inbound, mail.message(), *options), site.records) == {"sel": True}
        raw = passed_through(site.inbound, mail.message(), *outside)
        assert mail.values(raw, "DKIM-Signature") == [] and "dkim=none" in mail.values(raw, "Authentication-Results")[0]


def checked_with_run_folders(result, *folders):
    """`postern check` where /run has these folders, and where nothing listens."""
    make = "".join(f"mkdir -p {folder} && " for folder in folders)
    return subprocess.run(["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none /run && {make} exec "$@"', "sh", PROGRAM, "check", "-c", result],
                          capture_output=True, text=True, timeout=60 * slow())


@pytest.mark.skipif(not Path("/etc/opendkim.conf").exists(), reason="no configuration of opendkim's package")
def test_opendkim_as_packaged(tmp_path):
    result = tmp_path / "postern.conf"
    imported("/etc/opendkim.conf", "-o", result)
    check = checked_with_run_folders(result, "/run/opendkim")
    assert check.returncode == 0, check.stdout
    assert 'socket = "unix:/run/opendkim/opendkim.sock"\n\trole = verify\n\tsocket-mode = 0660\n' in result.read_text()


CLAMAV = """MilterSocket {place}/clamav.sock
User nobody
ClamdSocket unix:{place}/clamd.sock
OnInfected Quarantine
OnFail Defer
AddHeader Replace
LogFile /var/log/clamav/clamav-milter.log
LogTime true
MaxFileSize 25M
"""


def test_clamav_milter_beside_it(site, tmp_path):
    """Both old filters in one: its listeners scan, by the clamd that is there."""
    old = tmp_path / "clamav-milter.conf"
    old.write_text(CLAMAV.format(place=tmp_path))
    out, said = imported("--dkim-filter", f"-b v -u nobody -p {site.inbound}", "--clamav-milter", old)
    assert 'role = verify\n\tscan = yes\n}\n' in out
    assert f'av {{\n\tmax-size = 25M\n\ttimeout = 120s\n\tclamd = {{"unix:{tmp_path}/clamd.sock"}}\n\ton-infected = quarantine\n' in out
    assert f"{old}:1: MilterSocket: listeners of the other sources scan" in said
    assert f"{old}:7: LogFile: the log goes to syslog or the journal" in said


@pytest.mark.skipif(not Path("/etc/clamav/clamav-milter.conf").exists(), reason="no configuration of clamav-milter's package")
def test_clamav_milter_as_packaged():
    out, _ = imported("--clamav-milter", "/etc/clamav/clamav-milter.conf")
    assert "scan = yes" in out and "clamd = {" in out


def names_of_manual(page, pattern):
    return re.findall(pattern, gzip.open(MANUALS / f"{page}.gz", "rt").read())


@pytest.mark.skipif(not (MANUALS / "opendkim.conf.5.gz").exists(), reason="no manual page of opendkim.conf")
def test_every_setting_of_opendkim_is_known(tmp_path):
    old = tmp_path / "opendkim.conf"
    names = [name for name in names_of_manual("opendkim.conf.5", r"(?m)^\.I ([A-Z][\w-]+) \(") if name != "Include"]
    assert len(names) > 100
    old.write_text("".join(f"{name} 1\n" for name in names))
    assert "has this name" not in command("import", old).stderr.decode()


@pytest.mark.skipif(not (MANUALS / "clamav-milter.conf.5.gz").exists(), reason="no manual page of clamav-milter.conf")
def test_every_setting_of_clamav_milter_is_known(tmp_path):
    old = tmp_path / "clamav-milter.conf"
    names = names_of_manual("clamav-milter.conf.5", r"\\fB([A-Z]\w+) (?:STRING|BOOL|SIZE|NUMBER)\\fR")
    assert len(names) > 25
    old.write_text("".join(f"{name} 1\n" for name in names))
    assert "has this name" not in command("import", "--clamav-milter", old).stderr.decode()


def test_output_is_never_overwritten(tmp_path):
    path = tmp_path / "postern.conf"
    path.write_text("mine\n")
    _, said = imported("--dkim-filter", "-b v -p inet:1@127.0.0.1", "-o", path, code=73)
    assert said == f"postern import: {path}: File exists\n" and path.read_text() == "mine\n"


def test_faults_are_told_all_at_once_and_nothing_is_written(tmp_path):
    old, path = tmp_path / "old.conf", tmp_path / "new.conf"
    old.write_text("Mode sv\nSocket nonsense:x\nClockDrift soon\nInternalHosts file:/nonexistent\nDomain example.com\n")
    _, said = imported(old, "-o", path, code=65)
    for words in (f"{old}:2: Socket: wanted inet:PORT@HOST", f"{old}:3: ClockDrift: wanted 0, or a time", 'got "soons"',
                  f"{old}:4: InternalHosts: /nonexistent: No such file", f"{old}: KeyFile: wanted Domain, Selector and KeyFile"):
        assert words in said
    assert not path.exists()


def test_includes(tmp_path):
    for number in range(6):
        (tmp_path / str(number)).write_text(f"ClockDrift {number}\nInclude {tmp_path}/{number + 1}\n")
    (tmp_path / "4").write_text("ClockDrift 4\nMode v\nSocket inet:1@127.0.0.1\n")
    assert "clock-skew = 4s" in imported(tmp_path / "0")[0]
    (tmp_path / "4").write_text(f"Include {tmp_path}/5\n")
    assert f"{tmp_path}/4:1: Include: wanted at most 5 files inside one another" in imported(tmp_path / "0", code=65)[1]


@pytest.mark.parametrize("arguments, code, said", [
    ((), 64, "wanted an opendkim.conf, --dkim-filter or --clamav-milter, got none"),
    (("/nonexistent",), 66, "/nonexistent: No such file or directory"),
    (("--clamav-milter", "/nonexistent"), 66, "/nonexistent: No such file or directory"),
    (("--dkim-filter", "-b v"), 65, "command line 1: Socket: wanted one, got none"),
    (("--dkim-filter", "-b v -p inet:1@127.0.0.1", "-o", "/nonexistent/x"), 73, "/nonexistent/x: No such file or directory"),
    (("--dkim-filter", "-b v -p inet:1@127.0.0.1", "--dkim-filter", "-b v -p inet:1@127.0.0.1"), 65, "result:"),
])
def test_what_goes_wrong(arguments, code, said):
    assert said in imported(*arguments, code=code)[1]
