"""postern reflect: a mailbox that answers, behind a real Postfix, and the command alone."""

import email
import email.policy
import os
import pwd
import re
import shutil
import subprocess
import time
from contextlib import ExitStack
from types import SimpleNamespace

import judges
import mail
import pytest
from ports import free_port, wait_until
from postern import PROGRAM, Key, Postern, command
from postfix import SAMPLES, Postfix
from reflector import ADDRESS, AUTHOR_DOMAIN, answer_to, message_of, signed, text_of
from sink import Sink


def nobody(path):
    entry = pwd.getpwnam("nobody")
    os.chown(path, entry.pw_uid, entry.pw_gid)


class KnownPostfix(Postfix):
    """postdrop is set-gid: for a user other than root it takes a queue only if /etc/postfix/main.cf knows of it. This Postfix
    sees an /etc/postfix of its own that does."""

    def _postfix(self, command):
        etc = self.directory / "system"
        if not etc.exists():
            shutil.copytree("/etc/postfix", etc, symlinks=True)
            (etc / "main.cf").write_text(f"alternate_config_directories = {self.directory}/etc\n")
        run = subprocess.run(["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/postfix && exec postfix -c "$2" "$3"', "sh",
                              etc, self.directory / "etc", command], capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, f"postfix {command}: {run.stderr} {self.log()[-2000:]}"


def set_parameters(path, text):
    """Parameters of `text` take the place of those of the same name."""
    names = set(re.findall(r"(?m)^(\w[\w-]*) *=", text))
    kept = [line for line in path.read_text().splitlines() if line.split("=")[0].strip() not in names]
    path.write_text("\n".join(kept) + "\n" + text)


def reflector_lines(place, text):
    """A sample of conf/postfix with this test's program, user, folders and configuration."""
    for old, new in {
        "user=postern": "user=nobody", "/usr/local/bin/postern reflect": f"{place}/postern reflect --state {place}/state -c {place}/reflect.conf",
        "/etc/postfix/reflect.transport": f"{place}/postfix/etc/reflect.transport",
    }.items():
        text = text.replace(old, new)
    return text


def add_reflector(postfix, place):
    etc = postfix.directory / "etc"
    samples = {name: reflector_lines(place, (SAMPLES / f"reflect.{name}").read_text()) for name in ("master.cf", "main.cf", "transport")}
    broken = samples["master.cf"].replace("postern-reflect unix", "broken-reflect unix").replace("--from", "--sendmail /nonexistent --from")
    with (etc / "master.cf").open("a") as master:
        master.write(samples["master.cf"] + broken + "local unix - n n - - local\n")
    set_parameters(etc / "main.cf", samples["main.cf"] + f"mydestination = alias.example.com\nalias_maps = texthash:{etc}/aliases\n")
    (etc / "reflect.transport").write_text(samples["transport"] + "broken@example.com broken-reflect:\n")
    (etc / "aliases").write_text(f'dkim-test "|{place}/postern reflect --from dkim-test@alias.example.com '
                                 f'--state {place}/state -c {place}/reflect.conf"\n')


@pytest.fixture(scope="module")
def reflector(directory):
    place = directory / "reflect"
    (place / "keys").mkdir(parents=True)
    (place / "state").mkdir(mode=0o700)
    nobody(place / "state")
    shutil.copy(PROGRAM, place / "postern")
    ours = [Key(place / "keys", "example.com", "rsa", "rsa"), Key(place / "keys", "example.com", "ed", "ed25519")]
    author = Key(place / "keys", AUTHOR_DOMAIN, "author", "rsa")
    ports = free_port(), free_port()
    postern = Postern(place, ours, tuple(f"inet:{port}@127.0.0.1" for port in ports))
    with postern.records_file.open("a") as records:
        records.write(author.zone_lines + f'revoked._domainkey.{AUTHOR_DOMAIN}. IN TXT "v=DKIM1; p="\n')
    (place / "reflect.conf").write_text(postern.configuration())
    sink = Sink()
    postfix = KnownPostfix(place / "postfix", sink.port, *(f"inet:127.0.0.1:{port}" for port in ports))
    add_reflector(postfix, place)
    with ExitStack() as stack:
        stack.callback(sink.close)
        stack.callback(postern.stop)
        postern.start()
        stack.callback(postfix.stop)
        postfix.start()
        yield SimpleNamespace(mta=postfix, sink=sink, postern=postern, author=author, place=place)


def test_pass_and_the_answer_is_signed(reflector):
    author = mail.recipient("author")
    raw = signed(reflector, message_of(author, extra=[b"Subject: =?UTF-8?B?w7w=?= test"], without=("Subject",)))
    answer = answer_to(reflector, raw, author)
    parsed = email.message_from_bytes(answer, policy=email.policy.default)
    assert parsed["From"] == f"DKIM reflector <{ADDRESS}>"
    assert parsed["To"] == author
    assert parsed["Subject"] == "Re: \xfc test"
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert [parsed["In-Reply-To"]] == [parsed["References"]] == mail.values(raw, "Message-ID")
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/rfc822-headers"]
    assert not parsed.defects
    assert "dkim=pass (2048-bit rsa)" in text_of(answer)
    assert "by the key author._domainkey.example.net (2048 bits),\n  canonicalization relaxed/relaxed, algorithm rsa-sha256" in text_of(answer)
    both = {"rsa": True, "ed": True}
    assert judges.dkimpy(answer, reflector.postern.records) == both
    assert judges.opendkim(answer, reflector.postern.records, reflector.place) == both
    assert judges.maildkim(answer, reflector.postern.records) == {"rsa": True, "ed": False}  # it has no Ed25519


def test_header_comes_back_as_it_was_received(reflector):
    author = mail.recipient("author")
    raw = signed(reflector, message_of(author, extra=[b"X-Fold:  a\r\n\t b = c \t", b"X-Octets: \xfc \xc3\xbc"]))
    parsed = email.message_from_bytes(answer_to(reflector, raw, author))
    header = parsed.get_payload(1).get_payload(decode=True)
    fields = [field for field in mail.split(header + b"\r\n")[0]]
    for field in mail.split(raw)[0]:
        assert field in fields, fields


@pytest.mark.parametrize("canonicalization", ["simple/simple", "relaxed/relaxed"])
def test_line_ends_are_those_of_the_wire(reflector, canonicalization):
    """pipe(8) writes LF; the hash is over CRLF."""
    author = mail.recipient("author")
    raw = signed(reflector, message_of(author, body=b".\r\n..dots\r\n\r\n \t\r\ntrailing  \r\n\r\n\r\n"), options=("-c", canonicalization))
    assert "dkim=pass" in text_of(answer_to(reflector, raw, author))


def changed_body(reflector, raw):
    return signed(reflector, raw).replace(b"Hello", b"Hallo")


def list_footer(reflector, raw):
    return signed(reflector, raw) + b"-- \r\nsent by a list\r\n"


def subject_tag(reflector, raw):
    return signed(reflector, raw).replace(b"Subject: ", b"Subject: [tag] ")


def no_signature(_, raw):
    return raw


def expired(reflector, raw):
    return signed(reflector, raw, options=("--now", str(int(time.time()) - 10000), "--expire", "1000"))


def revoked(reflector, raw):
    return signed(reflector, raw, selector="revoked")


def no_key(reflector, raw):
    return signed(reflector, raw, selector="nowhere")


@pytest.mark.parametrize("make, words", [
    (changed_body, ["dkim=fail", "body hash did not verify", "no change that mail systems are known to make explains it"]),
    (list_footer, ["dkim=fail", "the body was changed on its way", "would verify if"]),
    (subject_tag, ["dkim=fail", "the header was changed on its way", "would verify if"]),
    (no_signature, ["dkim=none", "The message has no DKIM-Signature field"]),
    (expired, ["dkim=fail", "signature expired"]),
    (revoked, ["dkim=permerror", "key revoked"]),
    (no_key, ["dkim=temperror", "nowhere._domainkey.example.net"]),
], ids=lambda value: getattr(value, "__name__", ""))
def test_failures_are_explained(reflector, make, words):
    author = mail.recipient("author")
    answer = answer_to(reflector, make(reflector, message_of(author)), author)
    assert [word for word in words if word not in text_of(answer)] == [], text_of(answer)
    assert judges.dkimpy(answer, reflector.postern.records) == {"rsa": True, "ed": True}


def test_alias(reflector):
    """local(8) says the envelope sender in the "From " line and in Return-Path."""
    author = mail.recipient("author")
    answer = answer_to(reflector, signed(reflector, message_of(author)), author, to="dkim-test@alias.example.com")
    assert "dkim=pass" in text_of(answer)


def delivered(reflector, to, sender):
    """How often Postfix has handed a message of `sender` to the reflector with success."""
    log = reflector.mta.log()
    ids = {line.split("from=<" + sender + ">")[0].split(": ")[-2] for line in log.splitlines() if f"from=<{sender}>" in line and "qmgr" in line}
    return sum(f"to=<{to}>" in line and "status=sent" in line and any(f"{queue_id}: " in line for queue_id in ids) for line in log.splitlines())


@pytest.mark.parametrize("field", [
    b"List-Id: <list.example.net>", b"Precedence: bulk", b"Auto-Submitted: auto-replied", b"Return-Path: <>",
])
def test_fields_that_forbid_an_answer(reflector, field):
    author = mail.recipient("author")
    raw = signed(reflector, message_of(author, extra=[field]))
    if field.startswith(b"Return-Path"):  # Postfix removes those that come in by SMTP: the command alone
        out = reflect(reflector, raw, "--sender", author, "--print")
        assert out.returncode == 0 and out.stdout == b"" and b"a bounce" in out.stderr
        return
    assert mail.send(reflector.mta.inbound, raw, ADDRESS, sender=author).code == 250
    wait_until(lambda: delivered(reflector, ADDRESS, author), 20, "the reflector to end: " + reflector.mta.log()[-2000:])
    assert not reflector.sink.has(author)


def test_bounce_is_not_answered(reflector):
    author = mail.recipient("author")
    before = delivered(reflector, ADDRESS, "")
    assert mail.send(reflector.mta.inbound, signed(reflector, message_of(author)), ADDRESS, sender="").code == 250
    wait_until(lambda: delivered(reflector, ADDRESS, "") > before, 20, "the reflector to end: " + reflector.mta.log()[-2000:])
    assert not reflector.sink.has(author)


def test_own_answer_is_not_answered(reflector):
    """Two reflectors that write to each other fall silent at once."""
    author = mail.recipient("author")
    answer = answer_to(reflector, signed(reflector, message_of(author)), author)
    for sender in ("", author):
        out = reflect(reflector, answer, "--sender", sender, "--print")
        assert out.returncode == 0 and out.stdout == b"" and b"not answered" in out.stderr


def test_sendmail_missing_keeps_the_message(reflector):
    author = mail.recipient("author")
    assert mail.send(reflector.mta.inbound, signed(reflector, message_of(author)), "broken@example.com", sender=author).code == 250
    said = "the answer was not sent: /nonexistent: No such file or directory"
    wait_until(lambda: said in reflector.mta.log(), 20, "a deferral: " + reflector.mta.log()[-2000:])
    wait_until(lambda: ("deferred", "broken@example.com") in reflector.mta.queue(), 20, "the message to be deferred")
    reflector.mta.discard_queue()


# the command alone


def reflect(reflector, raw, *options, sender="nobody"):
    return command("reflect", "--from", ADDRESS, "-c", reflector.place / "reflect.conf", *options, input=raw)


def stand_in(tmp_path, text="cat > $0.out"):
    path = tmp_path / "sendmail"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_limit_of_an_hour(reflector, tmp_path):
    options = ("--sender", "joe@example.net", "--state", tmp_path / "state", "--sendmail", stand_in(tmp_path, "echo taken"), "--limit", "2")
    raw = signed(reflector, message_of("joe@example.net"))
    outs = [reflect(reflector, raw, *options) for _ in range(3)]
    assert [out.returncode for out in outs] == [0, 0, 0]
    assert [out.stdout for out in outs] == [b"taken\n", b"taken\n", b""]
    assert b"as many answers as an hour allows" in outs[2].stderr


def test_failed_tries_do_not_count(reflector, tmp_path):
    """An MTA that tries again for hours must still have its answer in the end."""
    raw = signed(reflector, message_of("joe@example.net"))
    options = ("--sender", "joe@example.net", "--state", tmp_path / "state", "--limit", "1")
    for _ in range(3):
        assert reflect(reflector, raw, *options, "--sendmail", stand_in(tmp_path, "exit 1")).returncode == 75
    assert reflect(reflector, raw, *options, "--sendmail", stand_in(tmp_path, "echo taken")).stdout == b"taken\n"


def test_answer_on_standard_output(reflector):
    raw = signed(reflector, message_of("joe@example.net"))
    out = reflect(reflector, raw, "--print", "--sender", "joe@example.net")
    assert out.returncode == 0 and "dkim=pass" in text_of(out.stdout)


@pytest.mark.parametrize("raw, options, code, said", [
    (b"", (), 65, "wanted a message, got 0 octets without a header field"),
    (b"\x7fELF\x02\x01\x01\0\0", (), 65, "without a header field"),
    # the MTA would send all of it back, to whomever the envelope names
    pytest.param(b"From: a@example.net\r\n" + 10000 * b"X: x\r\n" + b"\r\n", (), 0, "wanted at most 10000 fields", id="many fields"),
    pytest.param(b"From: a@example.net\r\n\r\n" + (64 << 20) * b"x", (), 0, "wanted at most 67108864 octets, got more", id="64 MB"),
    (b"From: a@example.net\r\n\r\n", ("-c", "/nonexistent"), 75, "/nonexistent: wanted a readable file, got No such file or directory"),
    (b"From: a@example.net\r\n\r\n", ("--state", "/proc/none"), 75, "/proc/none"),
    (b"From: a@example.net\r\n\r\n", ("--state", "state"), 75, "wanted absolute paths"),
    (b"From: a@example.net\r\n\r\n", ("--from", "me"), 75, "wanted the reflector's address, got me"),
    (b"From: a@example.net\r\n\r\n", ("--nonsense",), 75, "unrecognized option"),
    (b"Subject: nobody\r\n\r\n", (), 0, "no address to answer to"),
])
def test_what_goes_wrong(reflector, raw, options, code, said):
    out = reflect(reflector, raw, *options)
    assert (out.returncode, out.stdout) == (code, b"") and said in out.stderr.decode(), out
