"""Work per message has limits: t/bench/bounds.py in small. Instructions are the same in every run."""

import os
import sys
from pathlib import Path

import pytest
from postern import PROGRAM, ROOT, SANITIZED

sys.path.insert(0, str(ROOT / "t" / "bench"))

import bounds  # noqa: E402

VERIFY_ONCE = Path(os.environ.get("POSTERN_UNIT", PROGRAM.resolve().parents[1] / "t")) / "verify_once"
LIMITS = bounds.Limits(octets=65536, fields=200, signatures=2)

# Two sizes below the limit, one far beyond.
SIZES = {
    "header octets, in one field": (16_000, 60_000, 1_000_000),
    "fields, all of them signed": (50, 190, 5_000),
    "signatures, one key": (1, 2, 100),
}


@pytest.mark.skipif(SANITIZED, reason="callgrind counts no program with a sanitizer")
@pytest.mark.parametrize("title", SIZES)
def test_R93_work_grows_in_proportion_and_ends_at_the_limit(tmp_path, title):
    kind = next(kind for kind in bounds.KINDS if kind.title == title)
    bench = bounds.Bench(VERIFY_ONCE, tmp_path, LIMITS)
    (small, _), (large, _), (beyond, _) = (bench.instructions(kind, size) for size in SIZES[title])
    assert large < small * SIZES[title][1] / SIZES[title][0] * 1.1
    assert beyond < large * 1.2
