"""postern and three other verifiers over the same generated messages.

What postern must say is known from how a message was made. Where another verifier says otherwise, a
row of known.py must explain it. JUDGES_COUNT messages are made from JUDGES_SEED; a failure names the
message, which lies beside its key records, and gives all verdicts.
"""

import collections
import os

import generator
import known
import panel
import pytest

COUNT = int(os.environ.get("JUDGES_COUNT", "3000"))
SEED = int(os.environ.get("JUDGES_SEED", str(panel.SEED)))
BLOCKS = 30  # tests per judge
CHUNKS = (1, 7, 64, 1000000)  # octets of body that postern and libopendkim get at once
SHOWN = 5  # faults told of one block

judged = {}  # block -> list of cases, so that the tests of all judges share one run
used = collections.Counter()  # rows of known.py


class Case:
    """A message and what every judge said of each of its signatures."""

    def __init__(self, index, pairs, judges):
        self.message = generator.make_message(SEED, index, pairs)
        self.raw = self.message.raw()
        self.signatures = self.message.signatures()
        answers = panel.ask_all(judges, panel.verify_line(self.raw, self.message.records, CHUNKS[index % len(CHUNKS)]))
        self.verdicts = {name: panel.per_signature(answer, self.signatures) for name, answer in answers.items()}

    def story(self, number, keep):
        signature = self.signatures[number]
        path = keep(self.message.name, self.raw, self.message.records)
        said = "\n".join(f"    {name}: {verdicts[number]}" for name, verdicts in self.verdicts.items())
        return (f"{path} signature {number}: {'; '.join(signature.traits + self.message.traits)}\n"
                f"    made for: {sorted(signature.expected) or 'PASS'}\n{said}")


def cases(block, pairs, judges):
    if block not in judged:
        judged[block] = [Case(index, pairs, judges) for index in range(block, COUNT, BLOCKS)]
    return judged[block]


def report(faults):
    if faults:
        pytest.fail(f"{len(faults)} faults\n" + "\n".join(faults[:SHOWN]), pytrace=False)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_postern_gives_the_reason_that_the_message_was_made_for(block, pairs, judges, keep):
    faults = []
    for case in cases(block, pairs, judges):
        for number, signature in enumerate(case.signatures):
            verdict = case.verdicts["postern"][number]
            if verdict["reason"] not in (signature.expected or {"PASS"}) or "as_milter" in verdict:
                faults.append(case.story(number, keep))
    report(faults)


@pytest.mark.parametrize("judge", panel.FOREIGN)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_disagreement_is_explained(block, judge, pairs, judges, keep):
    faults = []
    for case in cases(block, pairs, judges):
        for number, signature in enumerate(case.signatures):
            ours, theirs = case.verdicts["postern"][number], case.verdicts[judge][number]
            if (ours["result"] == "pass") == (theirs["result"] == "pass"):
                continue
            row = known.explanation(judge, case.message, signature, ours["reason"], theirs)
            used[row] += 1
            if not row:
                faults.append(f"no row for {judge}: " + case.story(number, keep))
    report(faults)


@pytest.mark.skipif(COUNT < 3000 or SEED != panel.SEED, reason="a row may stay unused in a smaller or another run")
@pytest.mark.parametrize("judge", panel.FOREIGN)
def test_every_row_is_needed(judge):
    if len(judged) < BLOCKS:
        pytest.skip("not all messages were judged")
    report([f"{row.judge}: {row.rule} {row.postern} {row.says}" for row in known.KNOWN
            if row.judge == judge and row.says != known.CRASHED and not used[row]])


def test_messages_are_of_all_kinds(pairs, judges):
    """Enough passes and enough failures, or agreement would mean little."""
    results = collections.Counter()
    for block in range(BLOCKS):
        for case in cases(block, pairs, judges):
            results.update(verdict["result"] for verdict in case.verdicts["postern"])
    total = sum(results.values())
    assert total >= COUNT and results["pass"] > total * 0.4
    assert all(results[result] > 0 for result in ("fail", "policy", "permerror", "neutral")) or COUNT < 1000


@pytest.mark.parametrize("block", range(10))
def test_command_agrees_with_library(block, pairs, judges, keep):
    """`postern verify --json`, a process for each message, says what the judge linked to the library says."""
    faults = []
    for case in cases(block, pairs, judges)[:5]:
        path = keep(case.message.name, case.raw, case.message.records)
        results = [signature["result"] for signature in panel.command_verdicts(path)]
        if results != [verdict["result"] for verdict in case.verdicts["postern"]]:
            faults.append(f"the command says {results}: " + case.story(0, keep))
    report(faults)
