#!/usr/bin/python3
"""dkimpy as a judge: one request per line, one answer of JSON per line (judge_line.h says how)."""

import json
import sys
import time

import dkim


def at(now):
    """dkimpy asks for the time by itself: it gets that of the request."""
    time.time = lambda: now


def signatures(verifier):
    return [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]


def selector(value):
    try:
        return dkim.util.parse_tag_value(value).get(b"s", b"").decode("latin-1")
    except dkim.util.InvalidTagValueList:
        return ""


def judge_one(raw, index, answer):
    try:
        passed = dkim.DKIM(raw).verify(idx=index, dnsfunc=answer)
        return ("pass", "") if passed else ("fail", "signature")
    except Exception as error:  # a crash is a refusal too, and its name tells it from others
        return "fail", f"{type(error).__name__}: {error}"


def verify(now, chunk, message, *records):
    at(int(now))
    texts = {}
    for record in records:
        name, text = record.split("=")
        texts.setdefault(name, bytes.fromhex(text))  # of several records dkimpy looks at the first

    def answer(name, timeout=5):
        return texts.get(name.decode("latin-1").rstrip(".").lower())

    raw = bytes.fromhex(message)
    try:
        values = signatures(dkim.DKIM(raw))
    except dkim.DKIMException as error:
        return {"message": str(error), "signatures": []}
    results = []
    for index, value in enumerate(values):
        result, reason = judge_one(raw, index, answer)
        results.append({"selector": selector(value), "result": result, "reason": reason})
    return {"signatures": results}


def sign(now, canon, algorithm, domain, name, key_file, message):
    at(int(now))
    key = open(key_file, "rb").read()
    if algorithm == "ed25519-sha256":
        # PKCS#8: the seed is the last 32 octets; dkimpy wants those alone, in base64
        octets = dkim.crypto.base64.b64decode(b"".join(key.split(b"\n")[1:-2]))
        key = dkim.crypto.base64.b64encode(octets[-32:])
    try:
        field = dkim.DKIM(bytes.fromhex(message), signature_algorithm=algorithm.encode()).sign(
            name.encode(), domain.encode(), key, canonicalize=tuple(canon.encode().split(b"/")))
    except dkim.DKIMException as error:
        return {"refused": str(error)}
    return {"value": field.split(b":", 1)[1].rstrip(b"\r\n").decode("latin-1")}


def main():
    for line in sys.stdin:
        verb, *items = line.rstrip("\n").split("\t")
        print(json.dumps({"verify": verify, "sign": sign}[verb](*items)), flush=True)


main()
