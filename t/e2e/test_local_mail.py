"""Mail that Postfix makes or takes itself (non_smtpd_milters): sendmail(1) and bounces."""

import mail

BOTH = {"rsa": True, "ed": True}


def test_sendmail_command(gate):
    to = mail.recipient()
    gate.postfix.sendmail(mail.message(), to)
    assert gate.judges(gate.sink.wait(to).data) == {"dkimpy": BOTH, "opendkim": BOTH}


def test_sendmail_command_with_fields_left_to_postfix(gate):
    """Postfix adds From, Date and Message-ID before the filter sees the header."""
    to = mail.recipient()
    gate.postfix.sendmail(b"Subject: cron\r\n\r\noutput\r\n", to)
    raw = gate.sink.wait(to).data
    assert gate.dkimpy(raw) == BOTH
    listed = mail.tags(mail.values(raw, "DKIM-Signature")[0])["h"].lower().split(":")
    assert {"from", "date", "message-id", "subject"} <= set(listed)


def test_bounce(gate):
    """A recipient refused by the next hop: Postfix's own report, null sender, is signed."""
    author = mail.recipient("author").replace("example.net", "example.com")
    reply = mail.send(gate.postfix.originating, mail.message(sender=author), mail.recipient("refused"), sender=author)
    assert reply.code == 250, reply
    bounce = gate.sink.wait_bounce(author)
    assert b"MAILER-DAEMON@example.com" in mail.join(mail.split(bounce.data)[0], b"")
    assert gate.judges(bounce.data) == {"dkimpy": BOTH, "opendkim": BOTH}
