"""Unix sockets beside TCP ones."""

import grp
import stat
from pathlib import Path

import mail
import pytest

PASS = {"rsa": "pass", "ed": "pass"}


@pytest.fixture
def unix_gate(session_gate):
    session_gate.unix.start(listener="socket-mode = 0660 socket-group = \"postfix\"")
    yield session_gate
    session_gate.unix.stop()


def paths(gate):
    return [Path(spec.removeprefix("unix:")) for spec in (gate.unix.inbound, gate.unix.originating)]


def test_round_trip(unix_gate):
    raw = unix_gate.pass_through(unix_gate.mta.ports["originating-unix"], mail.message())
    assert unix_gate.dkimpy(raw) == {"rsa": True, "ed": True}
    arrived = unix_gate.pass_through(unix_gate.mta.ports["inbound-unix"], raw)
    assert mail.values(arrived, "Authentication-Results")[0].count("dkim=pass") == 2


def test_libmilter_has_nothing_to_complain_of(unix_gate):
    """Here most commands have no reply, and libmilter says so each time that it gets one from us."""
    unix_gate.pass_through(unix_gate.mta.ports["originating-unix"], mail.message(body=b"Line one.\r\n"))
    assert unix_gate.unix.lines(event="message")
    assert not unix_gate.unix.lines(event="library")


def test_mode_and_group(unix_gate):
    for path in paths(unix_gate):
        status = path.stat()
        assert stat.S_IMODE(status.st_mode) == 0o660
        assert grp.getgrgid(status.st_gid).gr_name == "postfix"


def test_sockets_left_by_a_killed_daemon_are_taken_over(unix_gate):
    unix_gate.unix.kill()
    assert all(path.exists() for path in paths(unix_gate))
    unix_gate.unix.start(listener="socket-mode = 0660 socket-group = \"postfix\"")
    unix_gate.pass_through(unix_gate.mta.ports["originating-unix"], mail.message())


def test_sockets_go_with_an_orderly_stop(unix_gate):
    assert unix_gate.unix.stop() == 0
    assert not any(path.exists() for path in paths(unix_gate))
