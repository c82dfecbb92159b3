#!/usr/bin/python3
"""What scanning costs: postern beside clamav-milter with clamd, same mails, same database, same run.

usage: scan.py DATABASE [SECONDS]

DATABASE is a folder of ClamAV signatures (make_database.py writes small and large ones); SECONDS the
length of each round (default 5). 1, 2 and 8 connections over unix sockets send mails that all differ,
as fast as the filter answers; rounds of the two alternate. "CPU" is what all processes of a set-up used per
1,000 messages: steadier than messages/s, in which the senders' own share of the machine counts.
At the end: memory of all processes, and its peak while a changed database is loaded.
"""

import base64
import io
import multiprocessing
import os
import random
import socket
import statistics
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import mail  # noqa: E402
from neighbours import Program  # noqa: E402
from ports import wait_until  # noqa: E402
from postern import Postern  # noqa: E402
from wire import FINAL, Mta, answers  # noqa: E402

ROUNDS = 3
VARIANTS = 8  # mails of each kind; a counter in each part makes every message a new one


def main():
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        database = linked_database(directory, Path(sys.argv[1]).resolve())
        filters = [PosternScan(directory, database), ClamavPair(directory, database)]
        try:
            for each in filters:
                each.start()
            measure(filters, seconds)
            for each in filters:
                report_memory(each)
            (database / "one-more.hdb").write_text("0" * 32 + ":1:One.More\n")
            for each in filters:
                report_reload(each)
        finally:
            for each in filters:
                each.stop()


def linked_database(directory, source):
    """A folder of our own with the same files, to which one can be added."""
    database = directory / "database"
    database.mkdir(mode=0o755)
    for path in source.iterdir():
        (database / path.name).symlink_to(path)
    return database


class PosternScan(Postern):
    name = "postern"

    def __init__(self, directory, database):
        super().__init__(directory, [], (f"unix:{directory}/in.sock", f"unix:{directory}/out.sock"))
        self._database = database
        self.spec = self.inbound

    def configuration(self, **_):
        """One listener, as clamav-milter has one: DKIM finds no signature to verify in these mails."""
        return f"""user = "nobody"
            listener inbound {{ socket = "{self.inbound}" role = verify scan = yes }}
            av {{ database = "{self._database}" load-hold = 10m }}
            status {{ socket = "" }}
            log {{ level = info target = stderr }}"""

    def wait_ready(self):
        wait_until(lambda: self._serves(), 300, "a scanned message")

    def _serves(self):
        try:
            return b"Clean" in one_message(self.spec, mail.message())
        except OSError:
            return False

    def processes(self):
        return descendants(self._process.pid)

    def reload_database(self):
        """It watches the folder."""

    def engines_loaded(self):
        return self.stderr.read_bytes().count(b"event=scanner-ready")


class ClamavPair:
    name = "clamav-milter + clamd"

    def __init__(self, directory, database):
        self._clamd, self._milter = Program(directory, "clamd", rb"OK"), Program(directory, "clamav-milter", rb"Clean")
        self._database = database
        self.spec = f"unix:{self._milter.directory}/milter.sock"

    def start(self):
        path = self._clamd.directory / "clamd.sock"
        self._run(self._clamd, "clamd", f"LocalSocket {path}\nDatabaseDirectory {self._database}\nAlertExceedsMax yes\n", path.exists)
        self._run(self._milter, "clamav-milter", f"MilterSocket {self.spec}\nClamdSocket unix:{path}\nAddHeader Replace\n"
                  "MaxFileSize 50M\nOnInfected Reject\nOnFail Defer\n", lambda: answers(self.spec))

    @staticmethod
    def _run(program, name, lines, ready):
        settings = program.directory / "settings"
        settings.write_text(lines + f"Foreground yes\nUser root\nTemporaryDirectory {program.directory}\n")
        program.run(name, "-c", settings, ready=ready, seconds=300)

    def reload_database(self):
        with socket.socket(socket.AF_UNIX) as clamd:
            clamd.connect(str(self._clamd.directory / "clamd.sock"))
            clamd.sendall(b"zRELOAD\0")
            assert clamd.recv(100) == b"RELOADING\0"

    def engines_loaded(self):
        return self._clamd.output().count("Database correctly reloaded")

    def processes(self):
        return descendants(self._clamd.pid()) + descendants(self._milter.pid())

    def stop(self):
        self._milter.stop()
        self._clamd.stop()


def words(random_source, octets):
    letters = "etaoinshrdlu"
    text = []
    while octets > 0:
        line = " ".join("".join(random_source.choices(letters, k=random_source.randint(2, 9))) for _ in range(10))[:76]
        text.append(line)
        octets -= len(line) + 2
    return "\r\n".join(text).encode() + b"\r\n"


def header(extra):
    return (b"From: alice@example.org\r\nTo: bob@example.net\r\nSubject: COUNTER\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
            b"Message-ID: <COUNTER@example.org>\r\nMIME-Version: 1.0\r\n" + extra + b"\r\n")


# Each function makes a mail with places for a counter in every part, so that no part comes twice.
COUNTER, COUNTER_BASE64 = b"COUNTER", b"B64/COUNTER/B64/"


def numbered(raw, counter):
    return raw.replace(COUNTER_BASE64, base64.b64encode(b"%012d" % counter)).replace(COUNTER, b"%07d" % counter)


def text_mail(source):
    return header(b"Content-Type: text/plain\r\n") + b"COUNTER\r\n" + words(source, 1500)


def alternative_mail(source):
    html = b"<html><body><p>COUNTER " + words(source, 24000).replace(b"\r\n", b"</p>\r\n<p>") + b"</p></body></html>\r\n"
    return (header(b'Content-Type: multipart/alternative; boundary="b"\r\n') + b"--b\r\nContent-Type: text/plain\r\n\r\nCOUNTER\r\n" +
            words(source, 22000) + b"--b\r\nContent-Type: text/html\r\n\r\n" + html + b"--b--\r\n")


def with_attachment(name, encoded):
    return (header(b'Content-Type: multipart/mixed; boundary="b"\r\n') + b"--b\r\nContent-Type: text/plain\r\n\r\nCOUNTER\r\n--b\r\n"
            b"Content-Type: application/octet-stream; name=" + name + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + b"--b--\r\n")


def lines_of_base64(octets):
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


def random_mail(source):
    return with_attachment(b"random.bin", COUNTER_BASE64 + b"\r\n" + lines_of_base64(source.randbytes(700_000)))


def zip_mail(source):
    """The counter is the end of the archive's comment, in a base64 line of its own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text.txt", words(source, 50_000))
    padding = -len(packed.getvalue()) % 57  # octets of a line
    octets = packed.getvalue()[:-2] + (padding + 12).to_bytes(2, "little") + b" " * padding
    return with_attachment(b"text.zip", lines_of_base64(octets) + COUNTER_BASE64 + b"\r\n")


KINDS = {"text 2 KB": text_mail, "text+html 48 KB": alternative_mail, "base64 1 MB": random_mail, "zip of text 50 KB": zip_mail}


def measure(filters, seconds):
    print(f"{'':<20}{'connections':>12}" + "".join(f"{each.name + ' /s':>20}{'CPU s/1,000':>13}" for each in filters) + f"{'CPU ratio':>12}")
    for kind, make in KINDS.items():
        source = random.Random(4711)
        mails = [make(source) for _ in range(VARIANTS)]
        for connections in (1, 2, 8):
            found = {each.name: [] for each in filters}
            for _ in range(ROUNDS):
                for each in filters:
                    found[each.name].append(one_round(each, mails, connections, seconds))
            medians = [tuple(statistics.median(column) for column in zip(*found[each.name])) for each in filters]
            print(f"{kind:<20}{connections:>12}" + "".join(f"{rate:>20.0f}{cpu:>13.2f}" for rate, cpu in medians) +
                  f"{medians[1][1] / medians[0][1]:>12.2f}", flush=True)


def one_round(each, mails, connections, seconds):
    before, start = cpu_seconds(each), time.monotonic()
    with multiprocessing.Pool(connections) as pool:
        count = sum(pool.starmap(send, [(each.spec, mails, seconds, number) for number in range(connections)]))
    spent = time.monotonic() - start
    return count / spent, (cpu_seconds(each) - before) / count * 1000


def send(spec, mails, seconds, number):
    """Mails sent over one connection until the time is up; each must come back clean."""
    count, end = 0, time.monotonic() + seconds
    with Mta(spec, seconds=120) as mta:
        while time.monotonic() < end:
            raw = numbered(mails[(count + number) % len(mails)], random.randrange(10**7))
            assert b"Clean" in one_mail(mta, raw)
            count += 1
    return count


def one_message(spec, raw):
    with Mta(spec, seconds=120) as mta:
        return one_mail(mta, raw)


def one_mail(mta, raw):
    """What the filter adds to this mail."""
    fields, body = mail.split(raw)
    mta.envelope()
    for field in fields:
        name, _, value = field.removesuffix(b"\r\n").replace(b"\r\n", b"\n").partition(b":")
        mta.header(name, value)
    mta.ask(b"N")
    for start in range(0, len(body), 65535):
        mta.ask(b"B", body[start:start + 65535])
    answers = mta.end()
    assert answers and answers[-1][0] in FINAL, answers
    return b"".join(data for command, data in answers if command in (b"i", b"h"))


def descendants(pid):
    found, left = [], [pid]
    while left:
        pid = left.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*"):
            try:
                left += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                pass  # it ended meanwhile
    return found


def cpu_seconds(each):
    """Of all its processes, and of those that have ended."""
    ticks = 0
    for pid in each.processes():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """{field of smaps_rollup: KB}"""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def report_memory(each):
    total = {"Pss": 0, "Rss": 0}
    print(f"\n{each.name}: memory in MB")
    for pid in each.processes():
        use = memory(pid)
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:60]
        print(f"  {command:<60} Rss {use['Rss'] / 1024:7.1f}  Pss {use['Pss'] / 1024:7.1f}  "
              f"private {(use['Private_Clean'] + use['Private_Dirty']) / 1024:7.1f}")
        for field in total:
            total[field] += use[field]
    print(f"  {'all':<60} Rss {total['Rss'] / 1024:7.1f}  Pss {total['Pss'] / 1024:7.1f}")


def report_reload(each):
    loaded, peak = each.engines_loaded(), 0
    each.reload_database()
    until = time.monotonic() + 120
    while each.engines_loaded() == loaded and time.monotonic() < until:
        peak = max(peak, all_pss(each))
        time.sleep(0.1)
    print(f"\n{each.name}: Pss while the changed database is loaded, peak {peak / 1024:.1f} MB", end="")
    time.sleep(5)
    print(f", afterwards {all_pss(each) / 1024:.1f} MB")


def all_pss(each):
    total = 0
    for pid in each.processes():
        try:
            total += memory(pid)["Pss"]
        except OSError:
            pass  # it ended meanwhile
    return total


main()
