"""Independent verifiers: dkimpy, opendkim and Mail::DKIM judge what the daemon signed."""

import json
import re
import subprocess
import time
from pathlib import Path

import dkim

MAILDKIM = Path(__file__).resolve().parents[1] / "judges" / "maildkim_judge.pl"


def dkimpy(raw, records):
    """{selector: passed} for every DKIM-Signature of the message."""
    verdicts = {}
    verifier = dkim.DKIM(raw, minkey=1024)
    for index, (_, value) in enumerate(signatures(verifier)):
        selector = re.search(rb"(?:^|;)\s*s\s*=\s*([^;\s]+)", value).group(1).decode()
        verdicts[selector] = dkimpy_one(raw, index, records)
    return verdicts


def signatures(verifier):
    return [field for field in verifier.headers if field[0].lower() == b"dkim-signature"]


def dkimpy_one(raw, index, records):
    def answer(name, timeout=5):
        return records.get(name.decode().rstrip(".").lower(), "").encode()

    try:
        return dkim.DKIM(raw, minkey=1024).verify(idx=index, dnsfunc=answer)
    except dkim.DKIMException:
        return False


def opendkim(raw, records, directory):
    """{selector: passed} as opendkim's own test mode sees the message."""
    dns = directory / "opendkim-dns"
    dns.write_text("".join(f"{name} {text}\n" for name, text in records.items()))
    settings = directory / "opendkim.conf"
    settings.write_text(f"Mode v\nSocket inet:1@127.0.0.1\nTestDNSData file:{dns}\n")
    mail = directory / "opendkim.eml"
    mail.write_bytes(raw)
    run = subprocess.run(["opendkim", "-x", settings, "-vv", "-t", mail], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    found = re.findall(r"dkim=(\w+).*?header\.s=([^\s;]+)", run.stdout, re.S)
    return {selector: result == "pass" for result, selector in found}


def maildkim(raw, records):
    """{selector: passed} as Mail::DKIM sees the message; t/judges/judge_line.h has the form of the question."""
    items = ["verify", str(int(time.time())), "0", raw.hex(), *(f"{name}={text.encode().hex()}" for name, text in records.items())]
    run = subprocess.run(["perl", MAILDKIM], input="\t".join(items) + "\n", capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return {found["selector"]: found["result"] == "pass" for found in json.loads(run.stdout)["signatures"]}
