"""The judges: postern and three verifiers of other hands, each a process that answers line by line."""

import json
import os
import pathlib
import subprocess

import signatures

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_OF_ONE = 60  # seconds for one message; a judge that needs more hangs


class Judge:
    """A running judge. Requests go out before answers are read, so that all judges work at the same time."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        raise RuntimeError(f"{self.name} ended with code {self.process.wait()} in place of an answer")

    def close(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT_OF_ONE)


def build_directory():
    """Where the C judges are: given by JUDGES_BUILD."""
    return pathlib.Path(os.environ["JUDGES_BUILD"])


SEED = 3  # with which 3,000 messages need every row of known.py; JUDGES_SEED takes another
FOREIGN = ("dkimpy", "opendkim", "maildkim")


def start():
    build = build_directory()
    commands = {
        "postern": [build / "postern_judge"],
        "dkimpy": ["/usr/bin/python3", HERE / "dkimpy_judge.py"],
        "opendkim": [build / "opendkim_judge"],
        "maildkim": ["perl", HERE / "maildkim_judge.pl"],
    }
    return {name: Judge(name, command) for name, command in commands.items()}


def verify_line(raw, records, chunk):
    items = ["verify", str(signatures.NOW), str(chunk), raw.hex()]
    items += [f"{name}={text.hex()}" for name, texts in records.items() for text in texts]
    return "\t".join(items)


def sign_line(raw, canon, key, selector, key_file):
    items = ["sign", str(signatures.NOW), canon, key.algorithm().decode(), signatures.DOMAIN.decode(), selector, str(key_file), raw.hex()]
    return "\t".join(items)


def ask_all(judges, line):
    for judge in judges.values():
        judge.ask(line)
    return {name: judge.answer() for name, judge in judges.items()}


def per_signature(answer, fields):
    """The verdicts of an answer, one for each DKIM-Signature field.

    A judge may leave out a signature that it could not read: then they are told apart by the
    selector, and one that is left out did not pass.
    """
    found = answer["signatures"]
    if len(found) == len(fields):
        return found
    left_out = {"result": "fail", "reason": "left out: " + answer.get("message", "")}
    by_selector = {verdict["selector"].lower(): verdict for verdict in found}
    return [by_selector.get(field.selector.decode().lower(), left_out) for field in fields]


def zone_text(records):
    """Key records as a zone file has them."""
    lines = []
    for name, texts in records.items():
        for text in texts:
            octets = "".join(f"\\{octet:03}" for octet in text)
            lines.append(f'{name} TXT "{octets}"\n')
    return "".join(lines)


def command_verdicts(path):
    """What `postern verify --json` says of a message that lies beside its key records."""
    command = [os.environ["POSTERN"], "verify", "--json", "--now", str(signatures.NOW), "--records", path.with_suffix(".records"), path]
    run = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_OF_ONE)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"postern verify {path}: code {run.returncode}: {run.stderr}")
    return json.loads(run.stdout)["signatures"]
