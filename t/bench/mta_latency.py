#!/usr/bin/python3
"""Milliseconds that a filter adds to a message on its way through a real Postfix or Sendmail.

usage: mta_latency.py [postfix|sendmail [MESSAGES]]

Sends MESSAGES (default 200) one after the other through ports of one private
MTA: without a filter, with postern and with opendkim, both over inet: and on
each side (verify, sign). Times run from DATA to the reply after
the final dot; rounds alternate, so that all see the same machine.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import mail  # noqa: E402
from peers import Opendkim  # noqa: E402
from mta import Port  # noqa: E402
from mtas import MTAS  # noqa: E402
from ports import free_port  # noqa: E402
from postern import Key, Postern  # noqa: E402
from sink import Sink  # noqa: E402

ROUNDS = 10


def main():
    mta = MTAS[sys.argv[1] if len(sys.argv) > 1 else "postfix"]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        measure(mta, directory, max(1, count // ROUNDS))


def measure(kind, directory, per_round):
    key = Key(directory, "example.com", "bench", "rsa")
    ports = {name: free_port() for name in ("postern verify", "postern sign", "opendkim verify", "opendkim sign")}
    spec = {name: f"inet:{port}@127.0.0.1" for name, port in ports.items()}
    postern = Postern(directory, [key], (spec["postern verify"], spec["postern sign"]))
    peers = [
        Opendkim(directory / "verify", spec["opendkim verify"], "v", postern.records),
        Opendkim(directory / "sign", spec["opendkim sign"], "s", postern.records, key),
    ]
    sink = Sink()
    mta = kind(directory / "mta", sink.port, spec["postern verify"], spec["postern sign"],
               extra={name: Port([spec[name]]) for name in ports})
    filters = [postern, *peers]
    for each in (*filters, mta):
        each.start()
    try:
        report(rounds(mta, sink, per_round))
    finally:
        for each in (mta, *filters):
            each.stop()


def rounds(mta, sink, per_round):
    """{port name: [ms of each message]}"""
    signed = one_message(mta.ports["postern sign"], mail.message(body=b"x" * 70 + b"\r\n"), sink)[1]
    names = ["no filter", "postern verify", "opendkim verify", "postern sign", "opendkim sign"]
    times = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name in names:
            raw = mail.message() if name.endswith("sign") else signed
            port = mta.reinjection if name == "no filter" else mta.ports[name]
            times[name] += [one_message(port, raw, sink)[0] for _ in range(per_round)]
    return times


def one_message(port, raw, sink):
    to = mail.recipient()
    with mail.Client(port) as client:
        start = time.perf_counter()
        reply = client.send(raw, to)
        spent = time.perf_counter() - start
    assert reply.code == 250, reply
    return spent * 1000, sink.wait(to).data


def report(times):
    base = statistics.median(times["no filter"])
    print(f"{'milliseconds per message':<24}{'median':>8}{'mean':>8}{'added':>8}   ({len(times['postern sign'])} messages each)")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<24}{median:>8.2f}{statistics.mean(values):>8.2f}{median - base:>8.2f}")


main()
