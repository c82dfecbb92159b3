"""Scanning by the own scanner, through a real MTA: every class, every action, both ports."""

import concurrent.futures
import json
import re
import shutil
import subprocess

import mail
import pytest
import scanning
from ports import free_port, slow, wait_until
from postern import command
from scanning import EICAR_NAME

DATABASE = 'database = "{}"'


@pytest.fixture
def scanner(gate, scan_database):
    """A function that runs the daemon with scanning on both ports and these options of section av."""
    if not scanning.SCANNER.exists():
        pytest.skip("built without postern-scanner (-Dav=disabled)")

    def start(*options, database=scan_database):
        gate.postern.start(listener="scan = yes", av="\n\t".join((DATABASE.format(database), *options)))
        return gate

    return start


def status(raw):
    return mail.values(raw, "X-Virus-Status")


def refused(gate, raw, port=None, **options):
    """The reply to a message that must not be taken."""
    reply = mail.send(port or gate.mta.inbound, raw, mail.recipient(), **options)
    assert reply.stage == "message" and reply.code >= 400, reply
    return reply


def held(gate, recipient):
    return any(address == recipient and queue == "hold" for queue, address in gate.mta.queue())


@pytest.mark.parametrize("port", ["inbound", "originating"])
def test_infected_mail_is_refused_before_it_is_queued(scanner, port):
    gate = scanner()
    reply = refused(gate, scanning.infected(), getattr(gate.mta, port))
    assert re.search(r"5\.7\.1 .*infected \(" + re.escape(EICAR_NAME), f"{reply.text}"), reply
    assert reply.code in (550, 554)


def test_clean_mail_says_so(scanner):
    raw = scanner().verify(mail.message())
    assert status(raw) == ["Clean"]
    (scanned,) = mail.values(raw, "X-Virus-Scanned")
    assert re.fullmatch(r"postern [0-9.]+ at mx\.example\.net \(ClamAV 1\.[0-9.]+\)", scanned)


def test_fields_of_ours_stand_on_top(scanner):
    names = mail.names(scanner().verify(mail.message()))
    assert names[:3] == ["authentication-results", "x-virus-scanned", "x-virus-status"]


def test_signatures_verify_beside_the_fields(scanner):
    """Made on the one port, verified by others and, scanned again, by our own other port."""
    gate = scanner()
    raw = gate.sign(mail.message(extra=[b"X-Virus-Status: forged"]))
    assert status(raw) == ["Clean"] and set(gate.dkimpy(raw).values()) == {True}
    listed = mail.tags(mail.values(raw, "DKIM-Signature")[0])["h"].lower()
    assert "x-virus" not in listed
    assert set(gate.results(raw).values()) == {"pass"}


def test_forged_fields_go_after_they_were_verified(scanner):
    """They are part of what was signed elsewhere, and may not stay."""
    gate = scanner()
    forged = [b"X-Virus-Status: Clean", b"X-Virus-Scanned: by somebody", b"x-virus-flag: no", b"X-Virus-Status: Clean (really)"]
    raw = gate.verify(mail.message(extra=forged))
    assert status(raw) == ["Clean"] and len(mail.values(raw, "X-Virus-Scanned")) == 1
    assert mail.values(raw, "X-Virus-Flag") == []
    assert b"really" not in raw and b"somebody" not in raw


CLASSES = {
    "suspect": (scanning.suspect, f"Suspect ({scanning.SUSPECT_NAME})", []),
    "encrypted": (scanning.encrypted, "Encrypted", []),
    "unscannable": (lambda: scanning.with_parts(5), "Not-Scanned (parts)", ["max-parts = 4"]),
    "banned": (lambda: scanning.with_file("a.exe", b"harmless"), "Banned (exe)", ['ban-extensions = {"exe"}']),
    "infected": (scanning.infected, f"Infected ({EICAR_NAME})", []),
}


@pytest.mark.parametrize("name", CLASSES)
def test_header(scanner, name):
    """on-CLASS = header: the message goes on, and says what it is."""
    make, wanted, options = CLASSES[name]
    gate = scanner(f"on-{name} = header", *options)
    raw = gate.verify(make())
    assert status(raw) == [wanted] and len(mail.values(raw, "X-Virus-Scanned")) == 1
    (line,) = gate.postern.lines(event="message", scan=name)
    assert line["scan-action"] == "header" and re.fullmatch("[0-9a-f]{64}", line["sha256"])


@pytest.mark.parametrize("name", CLASSES)
def test_accept(scanner, name):
    make, _, options = CLASSES[name]
    raw = scanner(f"on-{name} = accept", *options).verify(make())
    assert status(raw) == [] and mail.values(raw, "X-Virus-Scanned") == []


@pytest.mark.parametrize("name", CLASSES)
def test_quarantine(scanner, name):
    make, _, options = CLASSES[name]
    gate = scanner(f"on-{name} = quarantine", *options)
    to = mail.recipient()
    assert mail.send(gate.mta.inbound, make(), to).code == 250
    wait_until(lambda: held(gate, to), 20 * slow(), "the message to be held")
    gate.mta.discard_queue()


@pytest.mark.parametrize("name", CLASSES)
def test_tempfail(scanner, name):
    make, _, options = CLASSES[name]
    reply = refused(scanner(f"on-{name} = tempfail", *options), make())
    assert reply.code == 451 and "4.7.1" in reply.text and name in reply.text


@pytest.mark.parametrize("name", CLASSES)
def test_reject(scanner, name):
    make, _, options = CLASSES[name]
    reply = refused(scanner(f"on-{name} = reject", 'reject-text = "no %c here: %v 100%%"', *options), make())
    assert reply.code in (550, 554) and f"no {name} here: " in reply.text and reply.text.endswith("100%")


@pytest.mark.parametrize("name", CLASSES)
def test_discard(scanner, name):
    """The client is told that all is well, and nobody gets the message."""
    make, _, options = CLASSES[name]
    gate = scanner(f"on-{name} = discard", *options)
    to = mail.recipient()
    assert mail.send(gate.mta.inbound, make(), to).code == 250
    gate.verify(mail.message())
    assert not gate.sink.has(to)
    assert gate.postern.lines(event="message", scan=name, action="discard")


def test_local_mail_is_held(scanner):
    """Postfix's sendmail(1) has left when pickup hands the message in: nobody could be told of a refusal."""
    gate = scanner()
    to = mail.recipient()
    if gate.expects("sendmail(1) hears of a refusal"):
        with pytest.raises(subprocess.CalledProcessError):
            gate.mta.sendmail(scanning.infected(), to)
        assert gate.postern.lines(event="message", role="sign", action="reject")
        return
    gate.mta.sendmail(scanning.infected(), to)
    wait_until(lambda: held(gate, to), 20 * slow(), "the message to be held")
    gate.mta.discard_queue()


def test_infected_mail_is_not_signed_over(scanner):
    gate = scanner("on-infected = header")
    raw = gate.sign(scanning.infected())
    assert status(raw) == [f"Infected ({EICAR_NAME})"] and set(gate.dkimpy(raw).values()) == {True}


def test_too_large(scanner):
    raw = scanner("max-size = 10K").verify(mail.message(body=300 * (b"x" * 70 + b"\r\n")))
    assert status(raw) == ["Not-Scanned (size)"] and mail.values(raw, "X-Virus-Scanned") == []


def test_twenty_megabytes(scanner):
    """The last octets count as the first ones do."""
    gate = scanner()
    large = bytes(i * 7919 % 251 for i in range(1 << 20)) * 15
    assert status(gate.verify(scanning.with_file("large.bin", large))) == ["Clean"]
    assert refused(gate, scanning.with_file("large.bin", large + scanning.EICAR)).code in (550, 554)


def test_messages_in_parallel(scanner):
    """Each gets its own verdict."""
    gate = scanner()

    def one(number):
        bad = number % 4 == 0
        reply = mail.send(gate.mta.inbound, scanning.infected() if bad else mail.message(body=b"%d\r\n" % number), mail.recipient())
        return reply.code == (550 if bad else 250) or (bad and reply.code == 554)

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert all(pool.map(one, range(96)))


def test_ignore_and_class_map(scanner, directory):
    path = directory / "class-map"
    path.write_text("# ours\nEicar-* suspect\nPUA.* ignore\n")
    gate = scanner(f'class-map = "{path}"', f'ignore = {{"{scanning.IGNORED_NAME}"}}', "on-suspect = header")
    assert status(gate.verify(scanning.infected())) == [f"Suspect ({EICAR_NAME})"]
    assert status(gate.verify(scanning.suspect())) == ["Clean"]
    assert status(gate.verify(mail.message(body=scanning.IGNORED + b"\r\n"))) == ["Clean"]


SKIPS = {
    "skip-networks": ('skip-networks = {"192.0.2.0/24", "127.0.0.7"}', "far client", {}, "network"),
    "skip-senders": ('skip-senders = {"*@lists.example.org"}', {"sender": "news@lists.example.org"}, {}, "sender"),
    "skip-authenticated": ("skip-authenticated = yes", {"xclient": "LOGIN=alice"}, {}, "authenticated"),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.needs("XCLIENT")] * (name == "skip-authenticated")) for name in SKIPS])
def test_skip(scanner, name):
    option, options, others, word = SKIPS[name]
    gate = scanner(option)
    if options == "far client":
        options = gate.mta.far_client[1]
    raw = gate.verify(scanning.infected(), **options)
    assert status(raw) == [] and gate.postern.lines(event="message", scan=f"skipped:{word}")
    refused(gate, scanning.infected(), **others)


def test_skip_header(scanner):
    gate = scanner('skip-senders = {"*@lists.example.org"}', "skip-header = yes")
    assert status(gate.verify(scanning.infected(), sender="news@lists.example.org")) == ["Not-Scanned (policy)"]


@pytest.mark.parametrize("unix", [False, True])
def test_skip_recipients(scanner, scan_database, unix):
    """Recipients are asked for where they matter, also over unix sockets, where they are not otherwise."""
    gate = scanner('skip-recipients = {"abuse*@example.net"}')
    port = gate.mta.inbound
    if unix:
        gate.unix.start(listener="scan = yes\n\tsocket-mode = 0660\n\tsocket-group = postfix", av=f'{DATABASE.format(scan_database)}\n\tskip-recipients = {{"abuse*@example.net"}}')
        port = gate.mta.ports["inbound-unix"]
    to = mail.recipient("abuse")
    assert mail.send(port, scanning.infected(), to).code == 250
    gate.sink.wait(to)
    refused(gate, scanning.infected(), port)
    gate.unix.stop()


def test_copy(scanner, open_path):
    folder = open_path
    shutil.chown(folder, "nobody")
    gate = scanner('copy = {"infected"}', f'copy-directory = "{folder}"')
    to = mail.recipient()
    raw = scanning.infected()
    assert mail.send(gate.mta.inbound, raw, to, sender="joe@example.org").code in (550, 554)
    (facts,) = (json.loads(path.read_text()) for path in folder.glob("??/*.json"))
    (copy,) = folder.glob("??/*.eml")
    assert copy.read_bytes() == raw and copy.stat().st_mode & 0o777 == 0o600
    assert (facts["from"], facts["recipients"], facts["class"]) == ("joe@example.org", [to], "infected")
    (line,) = gate.postern.lines(event="message", scan="infected")
    assert line["sha256"] == facts["sha256"] and line["copy"] == str(copy)
    gate.verify(mail.message())
    assert len(list(folder.glob("??/*.eml"))) == 1


@pytest.mark.parametrize("action, wanted", [("tempfail", None), ("header", ["Not-Scanned (no scanner)"]), ("accept", [])])
def test_no_database(scanner, directory, action, wanted):
    """A scanner that has nothing to scan with."""
    gate = scanner(f"on-error = {action}", "load-hold = 0", database=directory / "absent")
    if wanted is None:
        reply = refused(gate, mail.message())
        assert reply.code == 451 and "no scanner" in reply.text
    else:
        assert status(gate.verify(mail.message())) == wanted


def test_the_log_tells_all(scanner):
    gate = scanner("on-infected = header")
    gate.verify(scanning.infected())
    (line,) = gate.postern.lines(event="message", scan="infected")
    assert EICAR_NAME in line["scan-names"].split(",") and line["engine"].startswith("1.")
    assert line["scan-part"] and int(line["scan-ms"]) < 60000 and int(line["scan-wait-ms"]) < 60000


CHECKS = {
    "no database": ('database = "/nonexistent"', "fails", "scanner", "wanted a ClamAV database"),
    "a clamd that does not answer": ('clamd = {"unix:/nonexistent/clamd.sock"}', "fails", "clamd", "wanted one that answers, got none"),
    "a class map with a fault": ('class-map = "DIRECTORY/faulty"', "fails", "class-map", "faulty:2: wanted PATTERN CLASS"),
    "no folder for copies": ('copy = {"infected"} copy-directory = "/nonexistent"', "warning", "copies", "no copies would be kept"),
    "a database": ('database = "DATABASE"', "ok", "scanner", "signatures"),
}


@pytest.mark.parametrize("name", CHECKS)
def test_check(directory, scan_database, name):
    """postern check says what is wrong before a message does."""
    option, state, what, text = CHECKS[name]
    if what == "scanner" and not scanning.SCANNER.exists():
        pytest.skip("built without postern-scanner (-Dav=disabled)")
    (directory / "faulty").write_text("# ours\nEicar\n")
    path = directory / "check-scan.conf"
    path.write_text('user = "nobody"\nlistener in { socket = "inet:%d@127.0.0.1" role = verify scan = yes }\n'
                    % free_port() + "av { " + option.replace("DIRECTORY", str(directory)).replace("DATABASE", str(scan_database)) + " }\n")
    findings = json.loads(command("check", "-c", path, "--json").stdout)["findings"]
    assert [f for f in findings if f["what"] == what and f["state"] == state and text in f["text"]], findings
