"""What the tests share: one sink, one MTA in front of one daemon, keys and records.

Every test that takes the gate runs once for each MTA of mtas.MTAS, or only for
those that POSTERN_TEST_MTA names.
"""

import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import judges  # noqa: E402
import mail  # noqa: E402
import scanning  # noqa: E402
from gate import Gate  # noqa: E402
from mtas import MTAS, expected  # noqa: E402
from postern import PROGRAM  # noqa: E402

os.environ.setdefault("POSTERN", str(PROGRAM))


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(name): not for an MTA of which mtas.DIFFERENCES says no")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pytest_collection_modifyitems(config, items):
    unfit = [item for item in items if "session_gate" in getattr(item, "fixturenames", ()) and
             not all(expected(item.callspec.params["session_gate"], mark.args[0]) for mark in item.iter_markers("needs"))]
    config.hook.pytest_deselected(items=unfit)
    items[:] = [item for item in items if item not in unfit]


@pytest.fixture(scope="session")
def directory():
    """A folder that the users postfix and nobody can look into; POSTERN_TEST_KEEP=1 leaves it."""
    path = Path(tempfile.mkdtemp(prefix="postern-e2e-"))
    path.chmod(0o755)
    yield path
    if os.environ.get("POSTERN_TEST_KEEP"):
        print(f"left for a look: {path}")
    else:
        shutil.rmtree(path)


@pytest.fixture
def open_path(directory):
    """A folder of the test's own that every user can look into, unlike tmp_path."""
    path = Path(tempfile.mkdtemp(dir=directory))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session", params=os.environ.get("POSTERN_TEST_MTA", " ".join(MTAS)).split())
def session_gate(request, directory):
    place = directory / request.param
    place.mkdir(mode=0o755)
    gate = Gate(place, request.param)
    with gate.open():
        yield gate


@pytest.fixture
def gate(session_gate):
    """The gate with its default configuration, whatever the test before did."""
    session_gate.postern.start()
    return session_gate


@pytest.fixture(scope="session")
def scan_database(directory):
    return scanning.database(directory / "database")


@pytest.fixture
def signed(gate):
    """A message as it left through the originating port."""
    to = mail.recipient()
    reply = mail.send(gate.mta.originating, mail.message(body=b"Line one.\r\nLine two.\r\n"), to)
    assert reply.code == 250, reply
    raw = gate.sink.wait(to).data
    assert judges.dkimpy(raw, gate.postern.records) == {"rsa": True, "ed": True}
    return raw
