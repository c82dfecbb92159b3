"""Mail that the MTA makes or takes itself (Postfix: non_smtpd_milters; Sendmail: submit.cf): sendmail(1) and bounces."""

import mail

BOTH = {"rsa": True, "ed": True}


def test_sendmail_command(gate):
    to = mail.recipient()
    gate.mta.sendmail(mail.message(), to)
    assert gate.judges(gate.sink.wait(to).data) == {"dkimpy": BOTH, "opendkim": BOTH}


def test_sendmail_command_with_fields_left_to_the_mta(gate):
    """From, Date and Message-ID are there before the filter sees the header: Sendmail's part for submission adds them too."""
    to = mail.recipient()
    gate.mta.sendmail(b"Subject: cron\r\n\r\noutput\r\n", to)
    raw = gate.sink.wait(to).data
    assert gate.dkimpy(raw) == BOTH
    listed = mail.tags(mail.values(raw, "DKIM-Signature")[0])["h"].lower().split(":")
    assert {"from", "date", "message-id", "subject"} <= set(listed)


def test_bounce(gate):
    """A recipient refused by the next hop: the MTA's own report, null sender, is signed if a filter can see it."""
    author = mail.recipient("author").replace("example.net", "example.com")
    reply = mail.send(gate.mta.originating, mail.message(sender=author), mail.recipient("refused"), sender=author)
    assert reply.code == 250, reply
    bounce = gate.sink.wait_bounce(author)
    assert b"MAILER-DAEMON@" in mail.join(mail.split(bounce.data)[0], b"")
    if not gate.expects("a bounce passes the filter"):
        assert mail.values(bounce.data, "DKIM-Signature") == []
        return
    assert gate.judges(bounce.data) == {"dkimpy": BOTH, "opendkim": BOTH}
