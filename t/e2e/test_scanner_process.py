"""postern-scanner as a process: children, their deaths, time limits, the database and its changes."""

import io
import os
import random
import shutil
import signal
import statistics
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import pytest

from ports import slow, wait_until
from postern import SANITIZED
from scanner import (CLEAN, EICAR, EICAR_NAME, FILE, INFECTED, RECEIVED, SCANNER, Queue, Scanner, children_of, memory_kb, pause, signature,
                     status_of)

pytestmark = pytest.mark.skipif(not SCANNER.exists(), reason="built without the scanner")

# A scan of some seconds: text that HTML normalization and pattern matching walk through, and limits that let them.
LONG_AV = "timeout = {timeout} max-scan-size = 4G max-files = 100000"


def zip_of(names_and_octets):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in names_and_octets:
            archive.writestr(name, octets)
    return file.getvalue()


@pytest.fixture(scope="session")
def long_scan():
    """A zip bomb: 40 files of 20 MB each, 1.5 MB packed or less; takes many seconds to scan."""
    block = (b"<p>" + bytes(random.Random(7).choices(range(32, 127), k=1021))) * 20000
    return zip_of((f"{i}.html", block[i:]) for i in range(40))


@pytest.fixture
def folder(directory):
    """A folder of this test's own that the user nobody can look into."""
    path = Path(tempfile.mkdtemp(prefix="scanner-", dir=directory))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def database(folder):
    path = folder / "database"
    path.mkdir()
    (path / "test.ndb").write_text(signature("Eicar-Pattern", EICAR))
    return path


@pytest.fixture
def queue():
    queue = Queue()
    yield queue
    queue.close()


@pytest.fixture
def start(folder, database, queue):
    """Start a scanner; all of them are ended after the test, and none may have met a sanitizer's complaint."""
    started = []

    def start_one(**options):
        started.append(Scanner(folder, options.pop("database", database), queue, **options))
        return started[-1]

    yield start_one
    for scanner in started:
        scanner.close()


def test_scans_mail_and_files(start, queue):
    scanner = start().ready()
    assert scanner.texts("R")[0].startswith("ClamAV ") and "1 signatures" in scanner.texts("R")[0]
    assert queue.scan(CLEAN).findings == []
    assert queue.scan(INFECTED).names() == [EICAR_NAME]
    assert queue.scan(EICAR, kind=FILE).names() == [EICAR_NAME]
    assert queue.scan(b"", kind=FILE).findings == []
    assert queue.scan(CLEAN).signatures == 1
    assert scanner.end() == 0


def test_children_are_sealed(start):
    scanner = start().ready()
    children = scanner.children()
    assert len(children) == 2
    wait_until(lambda: all(status_of(pid)["Seccomp"] == "2" for pid in children), 10 * slow(), "seccomp in all children")
    for pid in children:
        status = status_of(pid)
        assert status["NoNewPrivs"] == "1" and set(status["Uid"].split()) == {"65534"} and set(status["Gid"].split()) == {"65534"}
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
        assert len(os.listdir(f"/proc/{pid}/fd")) <= (4 if not SANITIZED else 6)
        assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
        assert os.readlink(f"/proc/{pid}/cwd") == "/" and os.listdir(f"/proc/{pid}/cwd") == []  # mounted nowhere, and empty
    status = status_of(scanner.pid)
    assert status["NoNewPrivs"] == "1" and status["CapEff"] == "0" * 16 and set(status["Uid"].split()) == {"65534"}


def test_works_without_root(folder, start, queue):
    os.chown(folder, 65534, 65534)
    scanner = start(wrapper=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")).ready()
    assert queue.scan(INFECTED).names() == [EICAR_NAME]
    assert not scanner.texts("W"), scanner.said
    assert scanner.end() == 0


def idle(pid):
    """Wait until a child waits for a job (it says its result before it tidies up); returns its descriptors."""
    wait_until(lambda: "recvmsg" in open(f"/proc/{pid}/syscall").read() or open(f"/proc/{pid}/syscall").read().startswith("47 "),
               10 * slow(), "an idle child")
    assert os.listdir(f"/proc/{pid}/cwd") == []
    return os.listdir(f"/proc/{pid}/fd")


def test_nothing_of_a_message_stays(start, queue):
    scanner = start(scanners=1).ready()
    pid, = scanner.children()
    before = idle(pid)
    for i in range(50):
        assert queue.scan(RECEIVED + b"\r\n" + b"x" * i + EICAR).names() == [EICAR_NAME]
        assert queue.scan(zip_of([("a.txt", EICAR), ("b.zip", zip_of([("c", b"clean")]))]), kind=FILE).names() == [EICAR_NAME]
    assert scanner.children() == [pid]
    assert idle(pid) == before
    assert "memfd" not in open(f"/proc/{pid}/maps").read()


def test_thousand_jobs_in_the_queue(start, queue):
    """All of them lie there before anybody scans."""
    jobs = [queue.send(INFECTED if i % 10 == 0 else CLEAN + b"%d\r\n" % i) for i in range(1000)]
    start().ready()
    results = [job.result(60) for job in jobs]
    assert [result.names() for result in results] == [[EICAR_NAME] if i % 10 == 0 else [] for i in range(1000)]


# What a worker would not send, and a child must not fall over.
@pytest.mark.parametrize("options", [
    {"claimed": 5}, {"claimed": 1 << 40}, {"seals": 0}, {"seals": 8}, {"seals": 4}, {"version": 2}, {"kind": 7},
], ids=["shorter than it is", "longer than it is", "not sealed", "may grow", "may be written", "another version", "unknown kind"])
def test_job_that_is_none(start, queue, options):
    scanner = start(scanners=1).ready()
    pid, = scanner.children()
    assert queue.send(CLEAN, **options).result() is None
    queue.sending.send(b"x" * 1000)
    queue.sending.send(b"x")
    assert queue.scan(INFECTED).names() == [EICAR_NAME]
    assert scanner.children() == [pid] and not scanner.texts("E")


def test_worker_that_went_away(start, queue):
    scanner = start(scanners=1).ready()
    pid, = scanner.children()
    for _ in range(20):
        queue.send(INFECTED).end.close()
    assert queue.scan(INFECTED).names() == [EICAR_NAME]
    assert scanner.children() == [pid] and not scanner.texts("E")


def test_recycled_after_its_share(start, queue):
    scanner = start(scanners=1, av="recycle = 10").ready()
    seen = set()
    for _ in range(35):
        assert queue.scan(INFECTED).names() == [EICAR_NAME]
        seen.update(scanner.children())
    assert 3 <= len(seen) <= 5
    assert not scanner.texts("E") and not scanner.texts("W")


# A sanitizer would take SIGSEGV for a fault that it has found.
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT] + ([] if SANITIZED else [signal.SIGSEGV]), ids=lambda number: number.name)
def test_child_that_dies_while_it_scans(start, queue, long_scan, number):
    scanner = start(scanners=1, av=LONG_AV.format(timeout="60s")).ready()
    victim, = scanner.children()
    job = queue.send(long_scan, kind=FILE)
    assert job.started()
    os.kill(victim, number)
    killed = time.monotonic()
    assert job.receive(20) == b""  # its worker knows at once
    assert time.monotonic() - killed < 1 * slow()
    wait_until(lambda: scanner.children() not in ([], [victim]), 5, "another child")
    assert time.monotonic() - killed < 0.1 * slow() + 0.1
    assert queue.scan(INFECTED).names() == [EICAR_NAME]
    assert f"scan process {victim} " in scanner.wait("E") and "while it scanned" in scanner.texts("E")[-1]
    wait_until(lambda: scanner.texts("K")[-1] == str(scanner.children()[0]), 5, "the new child's id")


def test_next_child_takes_jobs_at_once(start, queue):
    """The time from the death of the only child to the result of a job; 100 ms would be seen by who sends mail."""
    scanner = start(scanners=1).ready()
    times = []
    for _ in range(20):
        assert queue.scan(CLEAN).findings == []
        victim, = scanner.children()
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        result = queue.scan(INFECTED) or queue.scan(INFECTED)  # the dying one may have taken it: again, as a worker does
        assert result.names() == [EICAR_NAME]
        times.append(1000 * (time.monotonic() - began))
    print(f"killed to scanned: median {statistics.median(times):.1f} ms, longest {max(times):.1f} ms")
    assert statistics.median(times) < 100 * slow()


def test_children_that_keep_dying_are_not_started_in_a_loop(start, queue):
    scanner = start(scanners=1).ready()
    end = time.monotonic() + 2
    deaths = 0
    while time.monotonic() < end:
        for pid in scanner.children():
            os.kill(pid, signal.SIGKILL)
            deaths += 1
        time.sleep(0.005)
    seen = len(scanner.texts("E"))
    assert 3 <= seen <= 8  # at once, then after 100, 200, 400, 800, 1600 ms
    assert queue.scan(INFECTED, seconds=20).names() == [EICAR_NAME]


def test_stopped_child_is_killed_when_it_is_late(start, queue, long_scan):
    scanner = start(scanners=1, av=LONG_AV.format(timeout="2s")).ready()
    victim, = scanner.children()
    job = queue.send(long_scan, kind=FILE)
    assert job.started()
    began = time.monotonic()
    os.kill(victim, signal.SIGSTOP)
    assert job.receive(20) == b""
    assert 1.5 < time.monotonic() - began < 3.5 * slow()
    assert "took longer than timeout (2000 ms) while it scanned" in scanner.wait("W")
    assert queue.scan(INFECTED).names() == [EICAR_NAME]


def test_scan_that_takes_too_long_is_killed(start, queue, long_scan):
    """libclamav is asked to give up after two thirds of the time; it looks now and then only."""
    scanner = start(scanners=1, av=LONG_AV.format(timeout="300ms")).ready()
    began = time.monotonic()
    result = queue.send(long_scan, kind=FILE).result(20)
    assert time.monotonic() - began < 1.5 * slow()
    if result is None:
        assert "took longer than timeout (300 ms)" in scanner.wait("W")
    else:
        assert result.names() == ["Heuristics.Limits.Exceeded.MaxScanTime"]
    assert queue.scan(INFECTED).names() == [EICAR_NAME]


def test_processor_time_ends_a_scan_when_the_loader_cannot(start, queue, long_scan):
    scanner = start(scanners=1, av=LONG_AV.format(timeout="1s") + " macros = yes").ready()
    os.kill(scanner.pid, signal.SIGSTOP)
    began = time.monotonic()
    result = queue.send(long_scan, kind=FILE).result(30)
    assert time.monotonic() - began < 8 * slow()
    os.kill(scanner.pid, signal.SIGCONT)
    assert result is None or result.findings
    assert queue.scan(INFECTED).names() == [EICAR_NAME]


def test_full_temporary_files(start, queue):
    """They are a failure of that scan, and no matter of the next one: its process makes way, since libclamav may remember as clean
    what it did not see."""
    scanner = start(scanners=1, av="temp-size = 1M").ready()
    pid, = scanner.children()
    result = queue.scan(zip_of([("a.txt", random.Random(1).randbytes(3_000_000)), ("b.txt", EICAR)]), kind=FILE)
    assert result.names("failure") == ["temporary files are full"]
    wait_until(lambda: scanner.children() not in ([], [pid]), 5 * slow(), "another child")
    assert queue.scan(INFECTED).names() == [EICAR_NAME]
    idle(*scanner.children())
    assert not scanner.texts("E")


def test_told_to_end_it_finishes_the_scans_in_hand(start, queue):
    first = start(scanners=2).ready()
    jobs = [queue.send(zip_of([(f"{i}-{n}.txt", b"%d" % i + EICAR * n * 20000) for n in range(6)]), kind=FILE) for i in range(2)]
    assert all(job.started() for job in jobs)
    assert first.end() == 0
    assert [job.result().names() for job in jobs] == [[EICAR_NAME], [EICAR_NAME]]
    left = queue.send(INFECTED)  # nobody is there: it lies in the queue
    start().ready()
    assert left.result().names() == [EICAR_NAME]


def test_loader_that_dies_takes_its_children_along(start, queue, long_scan):
    scanner = start(scanners=2, av=LONG_AV.format(timeout="60s")).ready()
    children = scanner.children()
    job, waiting = queue.send(long_scan, kind=FILE), None
    assert job.started()
    os.kill(scanner.pid, signal.SIGKILL)
    scanner.process.wait()
    assert job.receive(10) == b""
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), 10, "the end of the children")
    waiting = queue.send(INFECTED)
    start().ready()
    assert waiting.result().names() == [EICAR_NAME]


def test_signals_of_a_terminal_change_nothing(start, queue):
    scanner = start().ready()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE):
        os.kill(scanner.pid, number)
        assert queue.scan(INFECTED).names() == [EICAR_NAME]
    for pid in scanner.children():
        os.kill(pid, signal.SIGTERM)
    assert queue.scan(INFECTED).names() == [EICAR_NAME]
    assert not scanner.texts("E")


# The database


@pytest.mark.parametrize("name, octets, wanted", [
    ("bad.ndb", "no colon here\n", "bad.ndb"),
    ("bad.hdb", "not-a-digest:1:x\n", "bad.hdb"),
    ("bad.ldb", "X;Target:0;(0&1);zz\n", "bad.ldb"),
    ("daily.cvd", "ClamAV-VDB:forged:1:1:90:x:y:z:1".ljust(512) + "x", "daily.cvd"),
], ids=["ndb", "hdb", "ldb", "forged cvd"])
def test_bad_database_is_named(start, database, queue, name, octets, wanted):
    """It stays until the files change, without an engine; then the supervisor starts it again."""
    (database / name).write_text(octets)
    scanner = start()
    assert wanted in scanner.wait("F") or str(database) in scanner.texts("F")[0]
    pause(0.3)
    assert scanner.process.poll() is None and scanner.children() == []
    (database / name).unlink()
    assert scanner.process.wait(20 * slow()) == os.EX_CONFIG
    again = start().ready()
    assert queue.scan(INFECTED).names() == [EICAR_NAME]
    assert again.end() == 0


def test_missing_database_is_waited_for(start, folder, queue):
    empty = folder / "empty"
    empty.mkdir()
    scanner = start(database=empty)
    assert str(empty) in scanner.wait("F")
    (empty / "test.ndb").write_text(signature("Eicar-Pattern", EICAR))
    assert scanner.process.wait(20 * slow()) == os.EX_CONFIG


def test_failed_one_is_ended_by_its_control_socket(start, database):
    (database / "bad.ndb").write_text("bad\n")
    scanner = start()
    scanner.wait("F")
    assert scanner.end() == 0


def test_killed_proof_is_not_the_databases_fault(start):
    """The kernel kills for memory: the scanner ends, to be started again, and does not wait for another database."""
    scanner = start()
    while not scanner.texts("F"):
        if scanner.texts("R"):  # it was quicker
            scanner.close()
            scanner = start()
        for child in scanner.children():
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
    assert "self-test" in scanner.wait("F")
    assert scanner.process.wait(20 * slow()) == os.EX_CONFIG


def test_unknown_user(start):
    scanner = start(user="nobody-of-this-name")
    assert 'wanted a user of this host to scan as, got "nobody-of-this-name"' in scanner.wait("F")
    assert scanner.process.wait(20 * slow()) == os.EX_CONFIG


def add_file(database):
    (database / "more.ndb").write_text(signature("More", b"another pattern"))


def change_file(database):
    (database / "test.ndb").write_text(signature("Eicar-Pattern", EICAR) + signature("More", b"another pattern"))


def remove_file(database):
    (database / "test.ndb").unlink()


def ignore_signature(database):
    (database / "local.ign2").write_text("Eicar-Pattern\n")


@pytest.mark.parametrize("change", [add_file, change_file, remove_file, ignore_signature])
@pytest.mark.parametrize("reload", ["auto", "concurrent", "sequential"])
def test_change_is_told_once(start, database, queue, change, reload):
    scanner = start(av=f"reload = {reload}").ready()
    change(database)
    said = scanner.wait("C")
    assert said.split(" ", 1)[0] == ("sequential" if reload == "sequential" else "concurrent")
    pause(0.5)
    assert len(scanner.texts("C")) == 1
    assert queue.scan(INFECTED).names() == [EICAR_NAME]  # the old engine goes on
    add_again = database / "again.ndb"
    add_again.write_text(signature("Again", b"yet another"))
    scanner.wait("C", count=2)


def test_other_files_are_no_change(start, database):
    scanner = start().ready()
    (database / "freshclam.log").write_text("x")
    (database / "freshclam.dat").write_text("x")
    pause(0.5)
    assert not scanner.texts("C")


def test_new_one_takes_over_beside_the_old(start, database, queue):
    old = start().ready()
    (database / "more.ndb").write_text(signature("More", b"another pattern"))
    old.wait("C")
    new = start(beside=True).ready()
    assert old.end() == 0
    assert queue.scan(RECEIVED + b"\r\nanother pattern\r\n").names() == ["More.UNOFFICIAL"]
    assert os.getpriority(os.PRIO_PROCESS, new.pid) == 0 and os.sched_getscheduler(new.pid) == os.SCHED_OTHER


def large_database(database, count):
    """Patterns that nothing matches, for an engine of some size and a load of some time."""
    numbers = random.Random(3)
    with open(database / "large.ndb", "w") as file:
        for i in range(count):
            file.write(signature(f"L{i}", numbers.randbytes(24)))


def test_loads_at_low_priority_and_can_be_told_to_end_meanwhile(start, database):
    large_database(database, 200_000)
    scanner = start(beside=True)
    scanner.wait("P", seconds=60)
    threads = wait_until(lambda: [int(tid) for tid in os.listdir(f"/proc/{scanner.pid}/task") if int(tid) != scanner.pid], 20,
                         "a thread that loads")
    loading = wait_until(lambda: next((tid for tid in threads if os.getpriority(os.PRIO_PROCESS, tid) == 19), None), 10 * slow(), "nice 19")
    assert os.sched_getscheduler(loading) == os.SCHED_BATCH
    assert os.getpriority(os.PRIO_PROCESS, scanner.pid) == 0
    began = time.monotonic()
    assert scanner.end() == 0
    assert time.monotonic() - began < 1 * slow()


def test_twenty_reloads_under_load_lose_nothing_and_memory_returns(start, database, queue):
    """Each new loader beside the old one, as the supervisor does it; in the end there is one engine's memory."""
    large_database(database, 15_000)
    scanner = start().ready()
    queue.scan(INFECTED)
    alone = memory_kb([scanner.pid, *scanner.children()])
    stop, wrong = threading.Event(), []

    def worker(number):
        i = 0
        while not stop.is_set():
            i += 1
            result = queue.scan(INFECTED + b"%d-%d" % (number, i), seconds=30)
            if result is None or result.names() != [EICAR_NAME]:
                wrong.append(result)

    workers = [threading.Thread(target=worker, args=(n,)) for n in range(3)]
    for thread in workers:
        thread.start()
    try:
        for i in range(20):
            (database / "more.ndb").write_text(signature(f"More{i}", b"pattern %d of reloads" % i))
            scanner.wait("C", seconds=30)
            new = start(beside=True).ready()
            assert scanner.end() == 0
            scanner = new
    finally:
        stop.set()
        for thread in workers:
            thread.join()
    assert wrong == []
    together = memory_kb([scanner.pid, *scanner.children()])
    print(f"Pss alone {alone} kB, after 20 reloads {together} kB")
    if not SANITIZED:  # which keeps freed memory for a while
        assert together < 1.25 * alone + 4096


def test_children_share_the_engine(start, database, queue):
    """Children have what they write alone; the engine is one for all of them."""
    large_database(database, 60_000)
    scanner = start(scanners=4).ready()
    jobs = [queue.send(INFECTED + b"%d" % i) for i in range(40)]
    assert all(job.result().names() == [EICAR_NAME] for job in jobs)
    private = [memory_kb([pid], "Private_Dirty") for pid in scanner.children()]
    whole = memory_kb([scanner.pid], "Rss")
    print(f"loader {whole} kB resident, children {private} kB of their own")
    if not SANITIZED:
        assert max(private) < whole / 3
    assert children_of(scanner.pid) == scanner.children()
