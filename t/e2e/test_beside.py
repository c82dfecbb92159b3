"""Beside other filters, with the files of conf/postfix: whatever stands before or behind, mail is verified once, signed
once, and whole at the end (dkimpy judges)."""

import time

import judges
import mail
import neighbours
import pytest
import scanning
from neighbours import MARKER, Amavisd, ClamavMilter, Clamsmtpd, PolicyService
from peers import Opendkim
from ports import free_port, slow, wait_until
from postern import Key, records_of
from setups import SetUp

BODY = "Grüße, 8-bit.\r\n. a dot\r\n..two\r\n \r\ntrailing \t\r\n\r\n".encode() + b"x" * 900 + b"\r\n"


def body_of(raw):
    return mail.split(raw)[1]


def amavis(directory):
    """Behind the queue: content_filter."""
    program = Amavisd(directory)
    values = {f"amavis:[127.0.0.1]:{old}": f"amavis:[127.0.0.1]:{new}" for old, new in ((10024, program.inbound), (10026, program.originating))}
    back = free_port()
    setup = SetUp(directory, "amavis", values, extra={
        "filter twice": ["smtpd_milters=INBOUND", f"content_filter=smtp:[127.0.0.1]:{back}"],
        back: ["smtpd_milters=INBOUND", "content_filter=", "milter_macro_daemon_name=MTA"]})
    program.back = setup.postfix.ports["127.0.0.1:10025"], setup.postfix.ports["127.0.0.1:10027"]
    return setup, [program]


def amavis_proxy(directory):
    """Before the queue: smtpd_proxy_filter."""
    program = Amavisd(directory)
    values = {f"proxy_filter=127.0.0.1:{old}": f"proxy_filter=127.0.0.1:{new}" for old, new in ((10024, program.inbound), (10026, program.originating))}
    setup = SetUp(directory, "amavis-proxy", values,
                  extra={"filter in front": [f"smtpd_proxy_filter=127.0.0.1:{program.inbound}", "smtpd_milters=INBOUND"]})
    program.back = setup.postfix.ports["127.0.0.1:10025"], setup.postfix.ports["127.0.0.1:10027"]
    return setup, [program]


def clamsmtp(directory):
    clamd = neighbours.clamd(directory)
    inbound, originating = (Clamsmtpd(directory, direction, clamd) for direction in ("inbound", "originating"))
    values = {f"proxy_filter=127.0.0.1:{old}": f"proxy_filter=127.0.0.1:{program.port}" for old, program in ((10024, inbound), (10026, originating))}
    setup = SetUp(directory, "clamsmtp", values)
    inbound.back, originating.back = setup.postfix.ports["127.0.0.1:10025"], setup.postfix.ports["127.0.0.1:10027"]
    return setup, [clamd, inbound, originating]


def milters(directory):
    clamd = neighbours.clamd(directory)
    program = ClamavMilter(directory, clamd)
    return SetUp(directory, "milters", {"inet:127.0.0.1:8894": f"inet:127.0.0.1:{program.port}"}), [clamd, program]


def policy(directory):
    program = PolicyService()
    return SetUp(directory, "policy", {"inet:127.0.0.1:10023": f"inet:127.0.0.1:{program.port}"}), [program]


SETUPS = {"amavis": amavis, "amavis-proxy": amavis_proxy, "clamsmtp": clamsmtp, "milters": milters, "policy": policy}


def start(name, directory):
    folder = directory / f"beside-{name}"
    folder.mkdir()
    folder.chmod(0o755)
    setup, programs = SETUPS[name](folder)
    setup.sees_local_mail = name in ("amavis", "milters")  # proxies and policy services are smtpd's
    setup.neighbours = [program for program in programs if hasattr(program, "seen")]
    setup.start(*programs, listener="scan = yes", av=f'database = "{scanning.database(folder / "database")}" scanners = 1')
    return setup


@pytest.fixture(scope="module")
def running():
    """{name: set-up}: those that a test has asked for."""
    setups = {}
    yield setups
    for setup in setups.values():
        setup.stop()


@pytest.fixture(params=SETUPS)
def setup(request, running, directory):
    if request.param not in running:
        running[request.param] = start(request.param, directory)
    return running[request.param]


def seen(setup):
    """How many messages the program beside us has let pass."""
    return sum(program.seen() for program in setup.neighbours)


def seen_so_far(setup):
    """When it has said all that it had to say of messages before."""
    now, former = seen(setup), None
    while now != former:
        time.sleep(0.5)
        now, former = seen(setup), now
    return now


def assert_seen_once(setup, role, before):
    """By the program beside us, and by our filter, which scans it too."""
    wait_until(lambda: seen(setup) > before, 10 * slow(), "the program beside ours to have seen the message")
    assert (seen(setup), setup.roles, setup.scans) == (before + 1, [role], ["clean"])


def assert_signed_once(setup, raw, before):
    assert_seen_once(setup, "sign", before)
    assert len(mail.values(raw, "DKIM-Signature")) == 1
    assert setup.dkimpy(raw) == {"rsa": True}


def test_mail_of_our_own_users(setup):
    before = seen_so_far(setup)
    raw = setup.send(setup.postfix.originating, mail.message(body=BODY), parameters="BODY=8BITMIME")
    assert_signed_once(setup, raw, before)
    assert body_of(raw) == BODY
    assert not mail.values(raw, "Authentication-Results")


def test_mail_from_outside(setup):
    """Signed by somebody, with a forged result of ours in it, and whole when it arrives."""
    signed = setup.send(setup.postfix.originating, mail.message(body=BODY), parameters="BODY=8BITMIME")
    forged = b"Authentication-Results: mx.example.net; dkim=pass header.d=bank.example\r\n" + signed
    before = seen_so_far(setup)
    raw = setup.send(setup.postfix.inbound, forged, parameters="BODY=8BITMIME")
    assert_seen_once(setup, "verify", before)
    assert len(mail.values(raw, "X-Virus-Status")) == 1
    results = mail.values(raw, "Authentication-Results")
    assert len(results) == 1 and "dkim=pass" in results[0] and "bank" not in results[0]
    assert setup.dkimpy(raw) == {"rsa": True} and body_of(raw) == BODY


def test_altered_mail_from_outside(setup):
    signed = setup.send(setup.postfix.originating, mail.message(body=b"Hello.\r\n"))
    raw = setup.send(setup.postfix.inbound, signed.replace(b"Hello", b"Hallo"))
    assert setup.roles == ["verify"]
    assert ["dkim=fail" in value for value in mail.values(raw, "Authentication-Results")] == [True]


def test_local_mail(setup):
    to, before, passes = mail.recipient(), seen_so_far(setup), setup.passes()
    setup.postfix.sendmail(mail.message(), to)
    raw = setup.arrived(to, passes)
    if setup.sees_local_mail:
        assert_signed_once(setup, raw, before)
    else:
        assert setup.roles == ["sign"] and setup.dkimpy(raw) == {"rsa": True}


def test_bounce(setup):
    author, before = mail.recipient("author").replace("example.net", "example.com"), setup.passes()
    assert mail.send(setup.postfix.originating, mail.message(sender=author), mail.recipient("refused"), sender=author).code == 250
    bounce = setup.sink.wait_bounce(author).data
    roles = [line["role"] for line in setup.postern.lines(event="message")[before:]]
    assert roles == ["sign", "sign"], "the message, and the report about it"
    assert setup.dkimpy(bounce) == {"rsa": True} and len(mail.values(bounce, "DKIM-Signature")) == 1


@pytest.mark.parametrize("setup", ["clamsmtp", "milters"], indirect=True)
def test_infected_mail_is_refused_by_the_neighbour(setup):
    for port in (setup.postfix.inbound, setup.postfix.originating):
        assert mail.send(port, mail.message(body=MARKER + b"\r\n"), mail.recipient()).code in (550, 554)


@pytest.mark.parametrize("setup", ["policy"], indirect=True)
def test_greylisted_mail(setup):
    to, before = mail.recipient("greylisted"), setup.passes()
    assert mail.send(setup.postfix.inbound, mail.message(), to).code == 450
    assert setup.passes() == before, "refused before any content: nothing for a filter to see"
    assert mail.send(setup.postfix.inbound, mail.message(), to).code == 250
    setup.arrived(to, before)
    assert setup.roles == ["verify"]


@pytest.mark.parametrize("setup", ["amavis-proxy"], indirect=True)
def test_filter_in_front_of_a_proxy_sees_no_content(setup):
    """What the finding proxy-filter of postern check --postfix says: only the port behind the proxy verifies."""
    raw = setup.send(setup.postfix.ports["filter in front"], mail.message())
    assert setup.roles == ["verify"]
    assert len(mail.values(raw, "Authentication-Results")) == 1


@pytest.mark.parametrize("setup", ["amavis"], indirect=True)
def test_filter_on_the_way_back_sees_mail_twice(setup):
    """What double-pass says: without no_milters on the port behind the content filter."""
    setup.send(setup.postfix.ports["filter twice"], mail.message())
    assert setup.roles == ["verify", "verify"]


@pytest.fixture(scope="module")
def opendkim(directory):
    """opendkim before and behind ours, signing and verifying, in one Postfix."""
    folder = directory / "beside-opendkim"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "keys").mkdir(mode=0o700)
    key = Key(folder / "keys", "example.com", "peer", "rsa")
    signer, verifier = free_port(), free_port()
    theirs = {"sign": f"inet:127.0.0.1:{signer}", "verify": f"inet:127.0.0.1:{verifier}"}
    setup = SetUp(folder, "", extra={
        "sign first": [f"smtpd_milters=ORIGINATING,{theirs['sign']}"],
        "sign last": [f"smtpd_milters={theirs['sign']},ORIGINATING"],
        "verify first": [f"smtpd_milters=INBOUND,{theirs['verify']}", "milter_macro_daemon_name=MTA"],
        "verify last": [f"smtpd_milters={theirs['verify']},INBOUND", "milter_macro_daemon_name=MTA"],
    })
    setup.records = {**setup.postern.records, **records_of(key.zone_lines)}
    setup.start(Opendkim(folder / "signer", f"inet:{signer}@127.0.0.1", "s", setup.records, key),
                Opendkim(folder / "verifier", f"inet:{verifier}@127.0.0.1", "v", setup.records))
    yield setup
    setup.stop()


@pytest.mark.parametrize("order", ["first", "last"])
def test_opendkim_signs_too(opendkim, order):
    raw = opendkim.send(opendkim.postfix.ports[f"sign {order}"], mail.message(body=BODY), parameters="BODY=8BITMIME")
    assert opendkim.roles == ["sign"]
    assert judges.dkimpy(raw, opendkim.records) == {"rsa": True, "peer": True}
    assert len(mail.values(raw, "DKIM-Signature")) == 2


@pytest.mark.parametrize("order", ["first", "last"])
def test_opendkim_verifies_too(opendkim, order):
    signed = opendkim.send(opendkim.postfix.originating, mail.message(body=BODY), parameters="BODY=8BITMIME")
    raw = opendkim.send(opendkim.postfix.ports[f"verify {order}"], signed, parameters="BODY=8BITMIME", xclient="ADDR=192.0.2.7 NAME=client.example.org")
    assert opendkim.roles == ["verify"]
    results = mail.values(raw, "Authentication-Results")
    assert sorted(value.split(";")[0] for value in results) == ["mx.example.net", "peer.example.net"]
    assert all("dkim=pass" in value for value in results)
    assert opendkim.dkimpy(raw) == {"rsa": True}
