#!/usr/bin/python3
"""A synthetic ClamAV database of any size, for measuring: make_database.py FOLDER HASHES PATTERNS LOGICAL

Some 3500000 100000 20000 come near to what freshclam brings in cost for each scanned layer (the real one is larger).
The contents are random and the same in every run; nothing matches anything.
"""
import pathlib
import random
import sys


def hashes(count):
    """Of files of sizes that occur."""
    for i in range(count):
        yield f"{random.getrandbits(128):032x}:{random.randint(500, 5000000)}:Bench.Hash-{i}"


def pattern(octets):
    return f"{random.getrandbits(8 * octets):0{2 * octets}x}"


def patterns(count):
    """Programs for the most part, some HTML and mail, few in files of any type."""
    targets = [1] * 70 + [3] * 10 + [4] * 3 + [0] * 7 + [2] * 5 + [6] * 5
    for i in range(count):
        yield f"Bench.Pattern-{i}:{random.choice(targets)}:*:{pattern(random.randint(12, 40))}"


def logical(count):
    targets = [1] * 70 + [0] * 12 + [3] * 6 + [2] * 6 + [7] * 6
    for i in range(count):
        parts = [pattern(random.randint(8, 20)) for _ in range(random.randint(2, 4))]
        wanted = "&".join(str(n) for n in range(len(parts)))
        yield f"Bench.Logical-{i};Engine:81-255,Target:{random.choice(targets)};{wanted};{';'.join(parts)}"


def main():
    folder, *counts = sys.argv[1:]
    random.seed(1)
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for name, rows, count in zip(("bench.hdb", "bench.ndb", "bench.ldb"), (hashes, patterns, logical), map(int, counts)):
        with open(pathlib.Path(folder) / name, "w", encoding="ascii") as file:
            file.writelines(row + "\n" for row in rows(count))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main()
