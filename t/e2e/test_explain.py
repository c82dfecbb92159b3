"""postern verify --explain: what a verdict rests on, as text and as data."""

import base64
import hashlib
import json
import quopri
import re
import subprocess

import mail
import pytest
from postern import PROGRAM
from postfix import Postfix
from sink import Sink

NOW = "1795255200"
FIELDS = (b"From: Joe Doe <joe@example.com>\r\nTo: bob@example.net\r\nSubject: dinner?\r\n"
          b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
          b"Content-Transfer-Encoding: 8bit\r\n")
BODY = "Café\r\n\r\nJoe\r\n".encode()


def run(*arguments, octets, code):
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=octets, capture_output=True, timeout=60)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("explain")
    records = b""
    for selector, kind in (("rsa", "rsa"), ("ed", "ed25519")):
        records += run("keygen", "-d", "example.com", "-s", selector, "-t", kind, "-D", directory, octets=b"", code=0)
    (directory / "records").write_bytes(records)
    return directory


def signed(keys, *options, selectors=("rsa",), fields=FIELDS, body=BODY):
    each = [part for s in selectors for part in ("-k", f"example.com:{s}:{keys}/{s}.example.com.pem")]
    return run("sign", *each, "--now", NOW, *options, octets=fields + b"\r\n" + body, code=0)


def explain(keys, octets, code=1, *options):
    out = run("verify", "-r", keys / "records", "--now", NOW, "--explain", "--json", *options, octets=octets, code=code)
    return [signature["explanation"] for signature in json.loads(out)["signatures"]]


def names(explanation):
    return [guess["name"] for guess in explanation["would_verify_if"]]


def text(keys, octets, code, *options):
    return run("verify", "-r", keys / "records", "--now", NOW, *options, octets=octets, code=code).decode()


def test_facts_of_a_good_signature(keys):
    told, = explain(keys, signed(keys), 0)
    assert {tag["name"]: tag["value"] for tag in told["tags"]}["d"] == "example.com"
    key = told["key"]
    assert (key["name"], key["status"], key["ttl"], key["from_records"]) == ("rsa._domainkey.example.com", "found", 3600, True)
    assert key["records"][0]["bits"] == 2048 and key["records"][0]["text"].startswith("v=DKIM1; k=rsa; p=")
    block = told["header"]["block"].encode("latin-1")
    assert block.startswith(b"from:Joe Doe <joe@example.com>\r\n") and block.endswith(b"b=")
    assert told["header"]["octets"] == len(block) and told["header"]["state"] == "good"
    assert told["header"]["computed"] == told["header"]["claimed"] == base64.b64encode(hashlib.sha256(block).digest()).decode()
    body = told["body"]
    assert body["computed"] == body["claimed"] == base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    assert body["octets"] == body["octets_hashed"] == len(BODY)
    assert names(told) == [] and told["tries"] == 0


def test_text(keys):
    changed = signed(keys).replace(b"Subject: ", b"Subject: [list] ") + b"____\r\nlist\r\n"
    shown = text(keys, changed, 1, "--explain")
    assert shown.startswith("Authentication-Results: ") and "\nsignature 1 of 1\n" in shown
    for line in ("result   fail: body hash did not verify", "rule     R53, RFC 6376 section 6.1.3", "tags     v=1",
                 "key      rsa._domainkey.example.com", "would verify if a tag had not been put into the subject: Subject",
                 "would verify if a footer had not been added to the body: the last 12 octets of its canonical form"):
        assert f"  {line}\n" in shown
    assert re.search(r"found, from the records file, TTL 3600 s, not validated by DNSSEC, \d+ ms\n", shown)
    assert r"dinner?\r\n" not in shown
    assert r"subject:[list] dinner?\r\n" in text(keys, changed, 1, "--header-block")


def test_result_without_explanation_is_as_before(keys):
    octets = signed(keys)
    plain = text(keys, octets, 0)
    assert text(keys, octets, 0, "--explain").startswith(plain)
    assert "explanation" not in text(keys, octets, 0, "--json")


def test_two_signatures(keys):
    octets = signed(keys, selectors=("rsa", "ed")).replace(b"dinner", b"supper")
    told = explain(keys, octets)
    assert [names(one) for one in told] == [[], []]
    assert sorted(one["key"]["name"].split(".")[0] for one in told) == ["ed", "rsa"]
    assert text(keys, octets, 1, "--explain").count("no change that mail systems are known to make explains it") == 2


# What was signed (options, fields and body) and what came in.
CHANGES = {
    "subject-tag": ((), (b"Subject: ", b"Subject: [list] ")),
    "footer": ((), (b"Joe\r\n", b"Joe\r\n-- \r\nthe list\r\n")),
    "names-quoted": ((), (b"Joe Doe", b'"Joe Doe"')),
    "trailing-blanks": (("-c", "simple/simple"), (b"dinner?", b"dinner? ")),
    "leading-blank": (("-c", "simple/simple"), (b"To: bob", b"To:bob")),
    "fold": (("-c", "simple/simple"), (b"Nov 2026 ", b"Nov 2026\r\n ")),
    "encoding-8bit": ((), (b"8bit", b"7bit")),
    "field-added": ((), (b"From: ", b"From: eve@example.org\r\nFrom: ")),
    "line-ends": (("-c", "simple/simple"), (b"\r\n\r\nJoe", b"\n\nJoe")),
}
NAMED = {"names-quoted": "names-unquoted", "fold": "unfolded", "line-ends": "body-lf-was-crlf"}


@pytest.mark.parametrize("change", CHANGES)
def test_change_is_named(keys, change):
    options, (was, now) = CHANGES[change]
    octets = signed(keys, *options)
    assert was in octets
    told, = explain(keys, octets.replace(was, now))
    assert names(told) == [NAMED.get(change, change)]


@pytest.mark.parametrize("was, now", [(b"dinner", b"supper"), (b"Joe\r\n", b"Jim\r\n"), (b"joe@", b"eve@")])
def test_tampering_is_no_guess(keys, was, now):
    told, = explain(keys, signed(keys).replace(was, now))
    assert names(told) == [] and told["tries"] > 0 and told["not_searched"] is None


def test_quoted_printable(keys):
    octets = signed(keys)
    head, body = octets.split(b"\r\n\r\n", 1)
    lines = [quopri.encodestring(line) for line in body.split(b"\r\n")]
    told, = explain(keys, head.replace(b"8bit", b"quoted-printable") + b"\r\n\r\n" + b"\r\n".join(lines))
    assert sorted(names(told)) == ["body-quoted-printable", "encoding-8bit"]


def test_claimed_header_hash(keys):
    """An RSA signature tells which hash it was made over; a foreign key's does not."""
    octets = signed(keys)
    good, = explain(keys, octets, 0)
    changed, = explain(keys, octets.replace(b"dinner", b"supper"))
    assert changed["header"]["claimed"] == good["header"]["computed"] != changed["header"]["computed"]
    broken = re.sub(rb"(\sb=)(....)", rb"\1AAAA", octets, count=1)
    told, = explain(keys, broken)
    assert told["header"]["claimed"] is None
    assert "not made by this key" in text(keys, broken, 1, "--explain")


def test_without_key(keys, tmp_path):
    (tmp_path / "none").write_text("")
    out = run("verify", "-r", tmp_path / "none", "--now", NOW, "--explain", octets=signed(keys), code=1).decode()
    assert "permerror: no key for signature" in out and "R65, RFC 6376 section 6.1.2" in out
    assert "no key to try the signature with" in out


def test_unreadable_signature(keys):
    octets = signed(keys).replace(b"; d=example.com", b"; d=example.com; d=example.com", 1)
    told, = explain(keys, octets)
    assert told["tags"] == [] and "d=example.com" in told["bad_tag"] and "header" not in told
    assert (told["rule"], told["clause"]) == ("R3", "RFC 6376 section 3.2")


def test_unsigned(keys):
    assert explain(keys, FIELDS + b"\r\n" + BODY) == []


def test_hostile_octets_stay_off_the_terminal(keys):
    octets = signed(keys, "-c", "simple/simple", fields=FIELDS.replace(b"dinner?", b"\x1b[31mred\x9b"))
    out = run("verify", "-r", keys / "records", "--now", NOW, "--header-block", octets=octets, code=0)
    assert b"\x1b" not in out and b"\x9b" not in out and rb"\x1b[31mred\x9b" in out


def test_large_message_is_not_searched(keys):
    octets = signed(keys) + b"x\r\n" * 2_000_000
    told, = explain(keys, octets)
    assert told["tries"] == 0 and "too large" in told["not_searched"] and told["body"]["state"] == "differs"
    shown = text(keys, octets, 1, "--explain")
    assert "the search for causes: the message is too large" in shown and "tries" not in shown


# With a real Postfix between: the next server does not offer 8BITMIME.


@pytest.fixture(scope="module")
def relay(directory):
    """Sends a message through Postfix to a server without 8BITMIME; what came out."""
    sink = Sink()
    postfix = Postfix(directory / "seven-bit", sink.port, "inet:1@127.0.0.1", "inet:1@127.0.0.1")
    with open(directory / "seven-bit" / "etc" / "main.cf", "a") as main:
        main.write("smtp_discard_ehlo_keywords = 8bitmime, smtputf8\n")

    def through(octets):
        to = mail.recipient()
        reply = mail.send(postfix.reinjection, octets, to)
        assert reply.code == 250, reply
        return sink.wait(to).data

    postfix.start()
    yield through
    postfix.stop()
    sink.close()


PLAIN = FIELDS.split(b"MIME-Version")[0] + b"Message-ID: <1@example.com>\r\n"
PART = "--bb\r\nContent-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nCafé = {}\r\n\r\n"
MULTIPART = PLAIN + (b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="bb"\r\n'
                     b"Content-Transfer-Encoding: 8bit\r\n")
RELAYED = {
    "8bit": (FIELDS, BODY, {"body-quoted-printable", "encoding-8bit"}),
    "multipart": (MULTIPART, (PART.format("plain", 1) + PART.format("html", 2) + "--bb--\r\n").encode(),
                  {"part-quoted-printable", "encoding-8bit"}),
    "long-line": (PLAIN, b"a" * 3000 + b"\r\nb\r\n", {"body-line-cut"}),
    "long-field": (PLAIN.replace(b"dinner?", b"x" * 2500), b"Hello\r\n", {"header-line-cut"}),
    "bare-lf": (PLAIN, b"a\nb\r\nc\r\n", {"body-one-bare-lf"}),
    "blank-before-colon": (PLAIN.replace(b"Message-ID:", b"Message-ID :"), b"Hello\r\n", {"name-blank"}),
}


@pytest.mark.parametrize("what", RELAYED)
@pytest.mark.parametrize("canonicalization", ["relaxed/relaxed", "simple/simple"])
def test_what_postfix_changes_is_named(keys, relay, what, canonicalization):
    fields, body, wanted = RELAYED[what]
    came = relay(signed(keys, "-c", canonicalization, fields=fields, body=body))
    harmless = what == "blank-before-colon" and canonicalization == "relaxed/relaxed"
    told, = explain(keys, came, 0 if harmless else 1)
    assert set(names(told)) == (set() if harmless else wanted)
