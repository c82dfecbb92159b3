"""postern reflect behind a real Sendmail: the mailer of conf/sendmail/reflect.mc."""

import shutil
from contextlib import ExitStack
from types import SimpleNamespace

import judges
import mail
import pytest
from ports import free_port
from postern import PROGRAM, ROOT, Key, Postern
from reflector import AUTHOR_DOMAIN, answer_to, message_of, signed, text_of
from sendmail import Sendmail
from sink import Sink

MAILER_ADDRESS = "dkim-test@reflect.example.com"

# What reflect.mc leaves to the administrator: who comes to the mailer. /tmp, where all of this lies, is open to everybody.
SETTINGS = """
define(`confDONT_BLAME_SENDMAIL', `MapInUnsafeDirPath')dnl
FEATURE(`mailertable', `text -v1 {place}/mailertable')dnl
"""


def mailer_of_sample(place):
    """reflect.mc with this test's program, user and folders. `mail` may write into the private queue of sendmail(1)."""
    text = (ROOT / "conf" / "sendmail" / "reflect.mc").read_text()
    command = f"--state {place}/state -c {place}/reflect.conf --sendmail {place}/submit"
    for old, new in (("P=/usr/local/bin/postern", f"P={place}/postern"), ("U=postern:postern", "U=mail:mail"),
                     ("A=postern reflect", f"A=postern reflect {command}")):
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def reflector(directory):
    place = directory / "reflect-sendmail"
    (place / "keys").mkdir(parents=True)
    (place / "state").mkdir(mode=0o700)
    shutil.chown(place / "state", "mail", "mail")
    shutil.copy(PROGRAM, place / "postern")
    ours = [Key(place / "keys", "example.com", "rsa", "rsa"), Key(place / "keys", "example.com", "ed", "ed25519")]
    author = Key(place / "keys", AUTHOR_DOMAIN, "author", "rsa")
    specs = tuple(f"inet:{free_port()}@127.0.0.1" for _ in range(2))
    postern = Postern(place, ours, specs)
    with postern.records_file.open("a") as records:
        records.write(author.zone_lines)
    (place / "reflect.conf").write_text(postern.configuration())
    (place / "mailertable").write_text("reflect.example.com postern-reflect:reflect.example.com\n")
    sink = Sink()
    sendmail = Sendmail(place / "sendmail", sink.port, *specs,
                        settings=SETTINGS.format(place=place) + mailer_of_sample(place))
    (place / "submit").write_text(f'#!/bin/sh\nexec {sendmail.directory}/sendmail -C {sendmail.directory}/submit.cf "$@"\n')
    (place / "submit").chmod(0o755)
    with ExitStack() as stack:
        stack.callback(sink.close)
        stack.callback(postern.stop)
        postern.start(sign="subdomains = yes")
        stack.callback(sendmail.stop)
        sendmail.start()
        yield SimpleNamespace(mta=sendmail, sink=sink, postern=postern, author=author, place=place)


def test_mailer(reflector):
    author = mail.recipient("author")
    answer = answer_to(reflector, signed(reflector, message_of(author)), author, to=MAILER_ADDRESS)
    assert "dkim=pass (2048-bit rsa)" in text_of(answer)
    both = {"rsa": True, "ed": True}
    assert judges.dkimpy(answer, reflector.postern.records) == both
    assert judges.opendkim(answer, reflector.postern.records, reflector.place) == both
    assert judges.maildkim(answer, reflector.postern.records) == {"rsa": True, "ed": False}  # it has no Ed25519


def test_mailer_explains_a_failure(reflector):
    author = mail.recipient("author")
    raw = signed(reflector, message_of(author)).replace(b"Subject: ", b"Subject: [tag] ")
    assert "would verify if" in text_of(answer_to(reflector, raw, author, to=MAILER_ADDRESS))
