"""A postern-scanner as its supervisor and its workers see it: control socket, job queue, replies."""

import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field

from ports import slow, wait_until
from postern import PROGRAM, SANITIZER

SCANNER = PROGRAM.parent.parent / "av" / "postern-scanner"

CONTROL, CONFIGURATION, JOBS = 3, 5, 6  # milter/child.h
F_ADD_SEALS, SEAL_GROW_AND_WRITE = 1033, 4 | 8

# struct av_job, struct av_reply (av/wire.h)
JOB = struct.Struct("=IIQ")
REPLY = struct.Struct("=II32sI4xqQI4xQII")
VERSION, STARTED, RESULT = 1, 1, 2
MESSAGE, FILE = 1, 2
FINDING = struct.Struct("=I121s121s2x")
KINDS = {1: "signature", 2: "encrypted", 3: "banned", 4: "limit", 5: "ambiguous", 6: "failure"}

CONFIGURATION_TEXT = """
user = "{user}"
listener inbound {{ socket = "inet:4443@127.0.0.1" role = verify scan = yes }}
av {{
	database = "{database}"
	scanners = {scanners}
	reload-delay = 100ms
	{av}
}}
"""

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
EICAR_NAME = "Eicar-Pattern.UNOFFICIAL"
RECEIVED = b"Received: from x by y; Sat, 21 Nov 2026 00:00:00 +0000\r\n"
CLEAN = RECEIVED + b"From: a@example.com\r\nSubject: hello\r\nMIME-Version: 1.0\r\n\r\nNothing to see.\r\n"
INFECTED = CLEAN + EICAR + b"\r\n"


def signature(name, octets):
    return f"{name}:0:*:{octets.hex()}\n"


def status_of(pid):
    return dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)


def memory_kb(pids, what="Pss"):
    """Sum over processes of a field of smaps_rollup; one that has just ended counts nothing."""
    total = 0
    for pid in pids:
        try:
            total += int(re.search(rf"^{what}:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M).group(1))
        except (FileNotFoundError, ProcessLookupError, AttributeError):
            pass
    return total


def children_of(pid):
    try:
        return [int(child) for child in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    except FileNotFoundError:
        return []


class Queue:
    """The job queue that outlives scanners, and the workers that send."""

    def __init__(self):
        self.sending, self.receiving = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sending.setsockopt(socket.SOL_SOCKET, 32, 16 << 20)  # SO_SNDBUFFORCE, as the supervisor does

    def close(self):
        self.sending.close()
        self.receiving.close()

    def send(self, octets, kind=MESSAGE, seals=SEAL_GROW_AND_WRITE, claimed=None, version=VERSION):
        memory = os.memfd_create("job", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            os.write(memory, octets)
            fcntl.fcntl(memory, F_ADD_SEALS, seals)
            size = len(octets) if claimed is None else claimed
            socket.send_fds(self.sending, [JOB.pack(version, kind, size)], [memory, theirs.fileno()])
        finally:
            os.close(memory)
            theirs.close()
        return Job(ours)

    def scan(self, octets, kind=MESSAGE, seconds=20):
        return self.send(octets, kind).result(seconds)


@dataclass
class Result:
    engine: str
    signatures: int
    parts: int
    findings: list = field(default_factory=list)  # (kind, name, part)

    def names(self, kind="signature"):
        return [name for k, name, _ in self.findings if k == kind]


def text(octets):
    return octets.split(b"\0", 1)[0].decode("ascii")


class Job:
    def __init__(self, end):
        self.end = end

    def receive(self, seconds):
        """One packet; b"" when the child is gone."""
        self.end.settimeout(seconds * slow())
        try:
            return self.end.recv(65536)
        except ConnectionResetError:
            return b""

    def started(self, seconds=20):
        packet = self.receive(seconds)
        return struct.unpack_from("=II", packet) == (VERSION, STARTED) if packet else False

    def result(self, seconds=20):
        """What was found, or None when the child died before it said so."""
        while True:
            packet = self.receive(seconds)
            if not packet:
                self.end.close()
                return None
            if struct.unpack_from("=II", packet) == (VERSION, RESULT):
                self.end.close()
                return parse(packet)


def parse(packet):
    _, _, engine, _, _, signatures, parts, _, _, count = REPLY.unpack_from(packet)
    result = Result(text(engine), signatures, parts)
    for i in range(count):
        kind, name, part = FINDING.unpack_from(packet, REPLY.size + i * FINDING.size)
        result.findings.append((KINDS[kind], text(name), text(part)))
    return result


class Scanner:
    """One process of the program; what it says on its control socket is kept in `said`."""

    def __init__(self, directory, database, queue, av="", scanners=2, user="nobody", beside=False, environment=None, wrapper=()):
        self.queue = queue
        self.file = directory / "scanner.conf"
        self.configuration = CONFIGURATION_TEXT.format(user=user, database=database, scanners=scanners, av=av)
        self.file.write_text(self.configuration)
        self.errors = open(directory / "scanner.stderr", "ab+")
        self.said = []
        memory = os.memfd_create("configuration", os.MFD_CLOEXEC)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        os.write(memory, self.configuration.encode())

        def place():
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 50) for fd in (theirs.fileno(), memory, queue.receiving.fileno())]
            for fd, wanted in zip(high, (CONTROL, CONFIGURATION, JOBS)):
                os.dup2(fd, wanted)

        arguments = [*wrapper, SCANNER] + (["--beside"] if beside else []) + [self.file]
        self.process = subprocess.Popen(arguments, preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL, stderr=self.errors,
                                        env={**os.environ, **(environment or {})})
        theirs.close()
        os.close(memory)
        self.control.setblocking(False)

    @property
    def pid(self):
        return self.process.pid

    def read(self):
        while True:
            try:
                packet = self.control.recv(4096)
            except (BlockingIOError, ConnectionResetError, OSError):
                return
            if not packet:
                return
            self.said.append((packet[:1].decode(), packet[1:].decode()))

    def texts(self, kind):
        self.read()
        return [words for k, words in self.said if k == kind]

    def wait(self, kind, seconds=20, count=1):
        """The last text of that kind, as soon as there are so many."""
        return wait_until(lambda: len(self.texts(kind)) >= count and self.texts(kind), seconds * slow(), f"{kind} of {self.said}")[-1]

    def ready(self):
        words = wait_until(lambda: self.texts("R") or self.texts("F"), 60 * slow(), "READY or FAILED")[-1]
        assert self.texts("R"), words
        return self

    def children(self):
        return children_of(self.pid)

    def end(self):
        """Told to end by the end of its control socket; returns the exit code."""
        self.read()
        self.control.close()
        return self.process.wait(60 * slow())

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.read()
        self.control.close()
        self.errors.seek(0)
        found = SANITIZER.search(self.errors.read().decode(errors="replace"))
        self.errors.close()
        assert not found, found


def pause(seconds):
    time.sleep(seconds * slow())
