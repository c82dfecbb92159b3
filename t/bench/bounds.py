#!/usr/bin/python3
"""Instructions that the verifying side spends on a message that is made to cost much, counted by callgrind.

usage: bounds.py [BUILD-DIRECTORY]

Each kind of message grows past the limit that is there for it (the size at the limit is marked): the work grows in
proportion up to there; beyond, a further octet or field costs next to nothing. What is counted is all that the daemon
does for the message: header, end of header, body, verdict, log line; not its start.
"""

import base64
import re
import subprocess
import sys
import tempfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COUNTED = ("message_header", "message_eoh", "message_body", "message_finish", "message_log")

CONFIGURATION = """
authserv-id = "mx.example.net"
header-size-limit = {octets}
header-count-limit = {fields}
listener inbound {{ socket = "inet:4443@127.0.0.1" role = verify }}
dns {{ servers = {{ "127.0.0.1@1" }} timeout = 1s budget = 1s records = "{records}" }}
verify {{ max-signatures = {signatures} }}
log {{ target = stderr }}
"""

Limits = namedtuple("Limits", "octets fields signatures", defaults=(2 * 1024 * 1024, 10_000, 8))
Kind = namedtuple("Kind", "title unit make sizes")

FROM = b"From: joe@example.com\n"


def modulus(bits):
    """An RSA key record whose check takes as long as any of that size; nobody has its private half."""
    number = (1 << bits - 1 | int.from_bytes(b"postern!" * (bits // 64), "big")) | 1
    inside = der(0x30, der(0x02, number.to_bytes(bits // 8 + 1, "big")) + der(0x02, b"\x01\x00\x01"))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return base64.b64encode(der(0x30, algorithm + der(0x03, b"\0" + inside))).decode()


def der(tag, octets):
    n = len(octets)
    length = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + octets


def signature(n=0, selector="s2048", bits=2048, names=b"from", more=b""):
    """A signature over nothing that is there; its body hash is that of "Hello", so that the key is tried."""
    hash_of_body = b"Ba3gj8+xBPQLJTahTfzW6RbWQ/XPgESxkCi2B66PSQg="
    return (b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=%s; t=%d; h=%s; bh=%s;%s b=%s\n"
            % (selector.encode(), n, names, hash_of_body, more, base64.b64encode(b"\1" * (bits // 8))))


def fields_of(name, octets, each=1000):
    line = name + b": " + b"x" * (each - len(name) - 4) + b"\n"
    return [line] * (octets // each)


KINDS = [
    Kind("header octets, in fields of 1,000", "octets",
         lambda n: [FROM, signature(names=b"from:x-filler"), *fields_of(b"X-Filler", n)],
         [250_000, 500_000, 1_000_000, 2_000_000, "limit", 4_000_000, 16_000_000, 50_000_000]),
    Kind("header octets, in one field", "octets",
         lambda n: [FROM, signature(names=b"from:x-filler"), b"X-Filler: " + b"x" * n + b"\n"],
         [250_000, 500_000, 1_000_000, 2_000_000, "limit", 4_000_000, 16_000_000]),
    Kind("header octets, in one field under each of 8 signatures", "octets",
         lambda n: [FROM, *[signature(i, names=b"from:x-filler") for i in range(8)], b"X-Filler: " + b"x" * n + b"\n"],
         [250_000, 500_000, 1_000_000, 2_000_000, "limit", 4_000_000]),
    Kind("fields, all of them signed", "fields",
         lambda n: [FROM, signature(names=b":".join([b"from", *[b"to"] * n])), *[b"To: a\n"] * n],
         [1_000, 2_000, 4_000, 8_000, "limit", 16_000, 100_000]),
    Kind("signatures, one key", "fields",
         lambda n: [FROM, *[signature(i) for i in range(n)]],
         [1, 2, 4, 8, "limit", 16, 100, 1_000, 4_000, "limit of fields or octets", 20_000, 100_000]),
    Kind("forged results", "fields",
         lambda n: [FROM, *[b"Authentication-Results: mx.example.net; dkim=pass\n"] * n],
         [1_000, 2_000, 4_000, 8_000, "limit of verification; all are deleted", 16_000, 32_000]),
    Kind("tags of one signature", "tags",
         lambda n: [FROM, signature(more=b"".join(b" t%d=x;" % i for i in range(n)))],
         [7, 14, 28, 55, "limit", 110, 1_000, 10_000]),
    Kind("names of h=", "names",
         lambda n: [FROM, signature(names=b":".join([b"from", *[b"to"] * n]))],
         [10_000, 20_000, 40_000, 80_000, 500_000, "limit", 1_000_000]),
    Kind("bits of the RSA key", "bits",
         lambda n: [FROM, signature(selector=f"s{n}", bits=n)],
         [1024, 2048, 4096, 8192, "limit", 16384]),
]


class Bench:
    def __init__(self, program, directory, limits=Limits()):
        self._program, self._directory = program, directory
        records = directory / "records"
        with records.open("w") as out:
            for bits in (1024, 2048, 4096, 8192, 16384):
                text = "v=DKIM1; p=" + modulus(bits)
                strings = " ".join(f'"{text[at:at + 250]}"' for at in range(0, len(text), 250))
                out.write(f"s{bits}._domainkey.example.com TXT {strings}\n")
        self._configuration = directory / "postern.conf"
        self._configuration.write_text(CONFIGURATION.format(records=records, **limits._asdict()))

    def instructions(self, kind, size):
        """Instructions for one message of that kind and size, and the log line about it."""
        header = self._directory / f"{KINDS.index(kind)}-{size}"
        header.write_bytes(b"".join(kind.make(size)))
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *(f"--toggle-collect={name}" for name in COUNTED),
             self._program, self._configuration, header], capture_output=True, text=True, errors="replace")
        header.unlink()
        assert run.returncode == 0, run.stderr
        line = next(line for line in run.stderr.splitlines() if "event=message" in line)
        return int(re.search(r"Collected : (\d+)", run.stderr)[1]), line


def short(line):
    """What the log says that matters here."""
    words = re.findall(r'(?:limit|signatures-found|sig1\.reason|reply)=(?:"[^"]*"|\S+)', line)
    return " ".join(words)


def table(bench, kind, out):
    print(f"\n{kind.title}\n{kind.unit:>12} {'instructions':>16} {'per ' + kind.unit[:-1]:>12}  log", file=out)
    sizes = [size for size in kind.sizes if not isinstance(size, str)]
    with ThreadPoolExecutor(2) as pool:
        counts = dict(zip(sizes, pool.map(lambda size: bench.instructions(kind, size), sizes)))
    for size in kind.sizes:
        if isinstance(size, str):
            print(f"{'-' * 12} {size}", file=out)
            continue
        count, line = counts[size]
        print(f"{size:12,} {count:16,} {count / size:12,.0f}  {short(line)}", file=out, flush=True)


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "build")
    with tempfile.TemporaryDirectory(prefix="postern-bounds-") as name:
        bench = Bench(build / "t" / "verify_once", Path(name))
        for kind in KINDS:
            table(bench, kind, sys.stdout)


if __name__ == "__main__":
    main()
