"""t/RULES.md is complete and true: every rule has code that keeps it and tests that hold it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from postern import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "t"))

import rules  # noqa: E402

UNIT_PROGRAMS = Path(os.environ.get("POSTERN_UNIT", PROGRAM.resolve().parents[1] / "t"))


def test_numbers_run_without_a_gap():
    assert [rule.number for rule in rules.RULES] == list(range(1, 112))


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: f"R{rule.number}")
def test_rule_is_kept_and_held(rule):
    defined = re.search(rf"(?m)^\w[^;\n]*\b{rule.function}\(", (ROOT / rule.file).read_text())
    assert defined, f"wanted {rule.function}() in {rule.file}"
    assert [test for test in rules.tests() if test.rule == rule.number], f"wanted a test named R{rule.number} ..."


@pytest.mark.parametrize("rule", [rule for rule in rules.RULES if "(decided)" in rule.words], ids=lambda rule: f"R{rule.number}")
def test_decision_stands_in_the_code(rule):
    """Where two readings exist, the one taken is told where it is carried out."""
    assert re.search(rf"\bR{rule.number}\b", (ROOT / rule.file).read_text())


def test_no_test_names_a_rule_that_is_none():
    known = {rule.number for rule in rules.RULES}
    assert [test for test in rules.tests() if test.rule not in known] == []


def test_table_is_up_to_date():
    assert (ROOT / "t" / "RULES.md").read_text() == rules.table(), "run t/rules.py > t/RULES.md"


def run_by_unit_programs(file):
    """The names of the tests that the program of this source runs."""
    program = UNIT_PROGRAMS / file.stem
    listing = subprocess.run([program], env={**os.environ, "TEST_NAMES": "1", "POSTERN_SOURCE": str(ROOT)},
                             capture_output=True, text=True, timeout=60)
    assert listing.returncode == 0, listing.stderr
    return set(listing.stdout.splitlines())


def test_named_unit_tests_run():
    named = [test for test in rules.tests() if test.file.suffix == ".c"]
    run = {file: run_by_unit_programs(file) for file in {test.file for test in named}}
    assert [test for test in named if test.name not in run[test.file]] == []


def test_named_end_to_end_tests_run():
    collected = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", "-c", "pytest.ini", "-o", "addopts=", "."],
                               cwd=ROOT / "t" / "e2e", capture_output=True, text=True, timeout=120,
                               env={name: value for name, value in os.environ.items() if name != "POSTERN_TEST_MTA"})
    assert collected.returncode == 0, collected.stdout
    ids = collected.stdout.splitlines()

    def runs(test):
        inside = [node for node in ids if node.startswith(f"{test.file.name}::")]
        return any(node.endswith(f"::{test.name}") or f"::{test.name}[" in node or
                   node.endswith((f"[{test.name}]", f"-{test.name}]")) for node in inside)

    assert [test for test in rules.tests() if test.file.suffix == ".py" and not runs(test)] == []
