#!/usr/bin/python3
"""Messages per second and CPU time of the daemon, with one worker and with two.

usage: workers.py [SECONDS]

Eight connections over unix sockets send a message of 2 KB, each as one burst of packets, as fast as
the daemon answers, SECONDS long (default 5) for each row. "CPU" is what the daemon's processes used
per 1,000 messages: steadier than messages/s, in which the senders' own share of the machine counts.
"""

import multiprocessing
import os
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import mail  # noqa: E402
from postern import Key, Postern, command  # noqa: E402
from wire import FINAL, Mta  # noqa: E402

CONNECTIONS = 8
ROUNDS = 3


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        keys = [Key(directory, "example.com", "rsa", "rsa"), Key(directory, "example.com", "ed", "ed25519")]
        postern = Postern(directory, keys, (f"unix:{directory}/in.sock", f"unix:{directory}/out.sock"))
        try:
            measure(postern, keys, seconds)
        finally:
            postern.stop()


def measure(postern, keys, seconds):
    unsigned = mail.message(body=(b"x" * 70 + b"\r\n") * 20)
    print(f"{'':<16}{'workers':>8}{'messages/s':>12}{'CPU s per 1,000':>17}   (median of {ROUNDS})")
    for workers in (1, 2):
        for what, chosen in (("sign RSA", keys[:1]), ("sign RSA + Ed", keys), ("verify RSA", keys[:1])):
            postern.start(workers=workers, keys=chosen)
            raw = unsigned
            if what.startswith("verify"):
                raw = command("probe", postern.originating, "--apply", input=unsigned).stdout
            spec = postern.inbound if what.startswith("verify") else postern.originating
            rounds = sorted(one_round(postern, spec, raw, seconds) for _ in range(ROUNDS))
            rate, cpu = rounds[ROUNDS // 2]
            print(f"{what:<16}{workers:>8}{rate:>12.0f}{cpu:>17.2f}", flush=True)


def one_round(postern, spec, raw, seconds):
    before, start = cpu_seconds(postern), time.monotonic()
    with multiprocessing.Pool(CONNECTIONS) as pool:
        count = sum(pool.starmap(send, [(spec, raw, seconds)] * CONNECTIONS))
    spent = time.monotonic() - start
    return count / spent, (cpu_seconds(postern) - before) / count * 1000


def send(spec, raw, seconds):
    """Messages sent over one connection until the time is up; each must come back signed, or passed."""
    count, end = 0, time.monotonic() + seconds
    burst = packets(raw)
    with Mta(spec) as mta:
        mta.envelope()
        while time.monotonic() < end:
            mta.socket.sendall(burst)
            inserted = inserts(mta)
            assert b"DKIM-Signature\0" in inserted or b"dkim=pass" in inserted, inserted
            mta.packet(b"M", b"<alice@example.com>\0")
            count += 1
    return count


def packets(raw):
    """Header, body and end of a message as the MTA sends them when no replies in between were agreed upon."""
    fields, body = mail.split(raw)
    parts = [(b"L", field.removesuffix(b"\r\n").replace(b"\r\n", b"\n").replace(b":", b"\0", 1) + b"\0") for field in fields]
    parts += [(b"N", b""), (b"B", body), (b"E", b"")]
    return b"".join(struct.pack("!I", len(data) + 1) + name + data for name, data in parts)


def inserts(mta):
    """What the daemon inserts before its verdict."""
    found = b""
    command, data = mta.answer()
    while command not in FINAL:
        if command == b"i":
            found += data
        command, data = mta.answer()
    return found


def cpu_seconds(postern):
    ticks = 0
    for pid in postern.workers():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


main()
