"""The set-ups of conf/postfix, from the very files that an administrator gets: users who authenticate, one socket for
all mail, unix sockets behind a chroot jail; and the mail that Postfix makes itself in each of them."""

import smtplib

import mail
import pytest
import sasl
from ports import free_port
from setups import SamplePostern, SetUp

SIGNED = {"rsa": True}
INNER, OUTER = "198.51.100.9", "192.0.2.7"


def make(directory, name, sockets=None):
    """sockets: {as in postern.conf: (here, as in Postfix's files, here)}"""
    folder = directory / f"{name}-files"
    folder.mkdir()
    values = sasl.values(folder)
    values.update({theirs: here for _, theirs, here in (sockets or {}).values()})
    specs = {ours: spec for ours, (spec, _, _) in (sockets or {}).items()}
    setup = SetUp(directory, name, values, postern=specs and (lambda path, keys: SamplePostern(path, keys, name, specs)))
    sasl.install(setup.postfix, folder)
    return setup


@pytest.fixture(scope="module")
def submission(directory):
    setup = make(directory, "submission")
    setup.start()
    yield setup
    setup.stop()


@pytest.fixture(scope="module")
def one_socket(directory):
    port = free_port()
    setup = make(directory, "one-socket", {"inet:4443@127.0.0.1": (f"inet:{port}@127.0.0.1", "inet:127.0.0.1:4443", f"inet:127.0.0.1:{port}")})
    setup.start()
    yield setup
    setup.stop()


@pytest.fixture(scope="module")
def chroot(directory):
    """The jail's root is the queue directory, which Postfix makes; the folder in it must be there before."""
    jail = {}

    def postern(path, keys):
        folder = path / "postfix" / "queue" / "postern"
        jail["folder"] = folder
        specs = {f"unix:/var/spool/postfix/postern/{name}": f"unix:{folder}/{name}" for name in ("inbound", "originating")}
        return SamplePostern(path, keys, "chroot", specs)

    setup = SetUp(directory, "chroot", postern=postern)
    jail["folder"].mkdir(mode=0o750)
    setup.own_by_postfix(jail["folder"])
    setup.start()
    yield setup
    setup.stop()


def submitted(setup, service, wrapped=False, **options):
    to, before = mail.recipient(), setup.passes()
    sasl.submit(setup.postfix.ports[service], mail.message(), to, wrapped=wrapped, **options)
    return setup.arrived(to, before)


def bounced(setup, send):
    """The report about a message that the next hop refuses."""
    author = mail.recipient("author").replace("example.net", "example.com")
    send(mail.message(sender=author), mail.recipient("refused"), author)
    return setup.sink.wait_bounce(author).data


def test_authenticated_users_are_signed_for(submission):
    assert submission.dkimpy(submitted(submission, "submission")) == SIGNED
    assert submission.roles == ["sign"]
    assert submission.dkimpy(submitted(submission, "submissions", wrapped=True)) == SIGNED


def test_nobody_else_is_let_in(submission):
    with pytest.raises(smtplib.SMTPAuthenticationError):
        submitted(submission, "submission", password="wrong")
    for service in ("submission", "smtp"):
        with mail.Client(submission.postfix.ports[service], xclient=f"ADDR={OUTER}") as client:
            reply = client.send(mail.message(), mail.recipient())
        assert (reply.code == 530) == (service == "submission"), reply


def test_forged_mail_from_outside_gets_no_signature(submission):
    raw = submission.send(submission.postfix.inbound, mail.message())
    assert submission.roles == ["verify"] and not mail.values(raw, "DKIM-Signature")
    assert mail.values(raw, "Authentication-Results") == ["mx.example.net;\tdkim=none"]


def test_one_socket_signs_for_who_authenticates(one_socket):
    """The port is the one for mail from outside: macro {auth_type} alone tells."""
    raw = submitted(one_socket, "smtp")
    assert one_socket.dkimpy(raw) == SIGNED and one_socket.roles == ["sign"]
    assert not mail.values(raw, "Authentication-Results")


def test_one_socket_signs_by_daemon_name(one_socket):
    assert one_socket.dkimpy(submitted(one_socket, "submission")) == SIGNED


@pytest.mark.parametrize("address, role", [(OUTER, "verify"), (INNER, "sign")])
def test_one_socket_decides_by_client(one_socket, address, role):
    raw = one_socket.send(one_socket.postfix.inbound, mail.message(), xclient=f"ADDR={address} NAME=client.example.org")
    assert one_socket.roles == [role]
    assert len(mail.values(raw, "DKIM-Signature")) == (role == "sign")
    assert len(mail.values(raw, "Authentication-Results")) == (role == "verify")


def test_one_socket_both_ways(one_socket):
    """Signed for a user, the mail comes in again from outside and verifies."""
    raw = one_socket.send(one_socket.postfix.inbound, submitted(one_socket, "smtp"), xclient=f"ADDR={OUTER}")
    assert "dkim=pass" in mail.values(raw, "Authentication-Results")[0] and one_socket.roles == ["verify"]


def test_one_socket_signs_local_mail_and_bounces(one_socket):
    to, before = mail.recipient(), one_socket.passes()
    one_socket.postfix.sendmail(mail.message(), to)
    assert one_socket.dkimpy(one_socket.arrived(to, before)) == SIGNED
    bounce = bounced(one_socket, lambda raw, to, author: sasl.submit(one_socket.postfix.ports["smtp"], raw, to, sender=author))
    assert one_socket.dkimpy(bounce) == SIGNED


def test_bounces_are_spared_where_unsigned_mail_is_refused(one_socket):
    one_socket.postern.start(more="verify { on-none = reject on-fail = reject on-permerror = reject }\n")
    try:
        outside = f"ADDR={OUTER}"
        assert mail.send(one_socket.postfix.inbound, mail.message(), mail.recipient(), xclient=outside).code == 550
        assert mail.send(one_socket.postfix.inbound, mail.message(), mail.recipient(), sender="", xclient=outside).code == 550
        bounce = bounced(one_socket, lambda raw, to, author: sasl.submit(one_socket.postfix.ports["smtp"], raw, to, sender=author))
        assert one_socket.dkimpy(bounce) == SIGNED
    finally:
        one_socket.postern.start()


def test_delivery_notification(chroot):
    """What Postfix says of success (RFC 3461) is its own mail like a bounce."""
    author = mail.recipient("author").replace("example.net", "example.com")
    with smtplib.SMTP("127.0.0.1", chroot.postfix.originating, timeout=60) as client:
        client.sendmail(author, [mail.recipient()], mail.message(sender=author), rcpt_options=["NOTIFY=SUCCESS"])
    report = chroot.sink.wait_bounce(author).data
    assert b"Success" in report and chroot.dkimpy(report) == SIGNED


def test_jail(chroot):
    """smtpd and cleanup have changed their root: the sockets are found from there, by Postfix's own group."""
    raw = chroot.send(chroot.postfix.originating, mail.message())
    assert chroot.dkimpy(raw) == SIGNED and chroot.roles == ["sign"]
    arrived = chroot.send(chroot.postfix.inbound, raw)
    assert "dkim=pass" in mail.values(arrived, "Authentication-Results")[0] and chroot.roles == ["verify"]
    assert chroot.jailed() == {"smtpd", "cleanup"}


def test_jail_with_local_mail_and_bounces(chroot):
    to, before = mail.recipient(), chroot.passes()
    chroot.postfix.sendmail(mail.message(), to)
    assert chroot.dkimpy(chroot.arrived(to, before)) == SIGNED
    bounce = bounced(chroot, lambda raw, to, author: mail.send(chroot.postfix.originating, raw, to, sender=author))
    assert chroot.dkimpy(bounce) == SIGNED
