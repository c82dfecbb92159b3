"""One line per message, key=value: enough to say afterwards what was done and why."""

import mail
import mta
from ports import wait_until


def line_of(gate, delivered):
    """The log line of this message, found by the MTA's queue id."""
    queue_id = mta.queue_id(delivered)
    lines = wait_until(lambda: gate.postern.lines(qid=queue_id), 5, f"a log line with qid={queue_id}")
    assert len(lines) == 1, lines
    return lines[0]


def through(gate, port, raw, **options):
    to = mail.recipient()
    reply = mail.send(port, raw, to, **options)
    assert reply.code == 250, reply
    return line_of(gate, gate.sink.wait(to).data)


def test_signed_message(gate):
    line = through(gate, gate.mta.originating, mail.message(), sender="alice@example.com")
    assert line["event"] == "message"
    assert line["role"] == "sign"
    assert line["from"] == "alice@example.com"
    assert line["signed"] == "yes"
    assert {line["sig1.s"]: line["sig1.a"], line["sig2.s"]: line["sig2.a"]} == {"rsa": "rsa-sha256", "ed": "ed25519-sha256"}
    assert {line["sig1.d"], line["sig2.d"]} == {"example.com"}


def test_unsigned_message_says_why(gate):
    line = through(gate, gate.mta.originating, mail.message(sender="alice@example.org"))
    assert line["signed"] == "no"
    assert "reason" in line


def test_two_from_fields_say_why(gate):
    line = through(gate, gate.mta.originating, mail.message(extra=[b"From: Mallory <mallory@example.com>"]))
    assert line["signed"] == "no"
    assert "From" in line["reason"]


def test_verified_message(gate, signed):
    address, options = gate.mta.far_client
    line = through(gate, gate.mta.inbound, signed, **options)
    assert line["role"] == "verify"
    assert line["client"] == address
    results = {line[f"sig{n}.s"]: (line[f"sig{n}.result"], line[f"sig{n}.bits"]) for n in (1, 2)}
    assert results == {"rsa": ("pass", "2048"), "ed": ("pass", "256")}


def test_failed_signature_says_why(gate, signed):
    line = through(gate, gate.mta.inbound, signed.replace(b"Line two.", b"Line twO."))
    assert {line["sig1.reason"], line["sig2.reason"]} == {"body hash did not verify"}


def test_dns_time_is_told(gate):
    stray = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=away; h=from; bh=" + b"A" * 43 + b"=; b=" + b"A" * 342 + b"==\r\n"
    line = through(gate, gate.mta.inbound, stray + mail.message())
    assert line["sig1.result"] == "temperror"
    assert int(line["sig1.dns-ms"]) >= 0


def test_local_mail_has_its_queue_id(gate):
    to = mail.recipient()
    gate.mta.sendmail(mail.message(), to)
    assert line_of(gate, gate.sink.wait(to).data)["signed"] == "yes"


def test_a_message_cannot_forge_a_line(gate):
    """What a message says stands escaped within its value."""
    forged = b'DKIM-Signature: v=1; a=rsa-sha256; d=x" event=message qid=FORGED; s="\\\t; h=from; bh=YQ==; b=YQ=='
    line = through(gate, gate.mta.inbound, mail.message(extra=[forged]))
    assert line["event"] == "message"
    assert gate.postern.lines(qid="FORGED") == []


def test_nothing_to_complain_about(gate, signed):
    """Neither we nor libmilter log an error over mail as it should be."""
    gate.postern.stop()
    gate.postern.start()
    through(gate, gate.mta.inbound, signed)
    through(gate, gate.mta.originating, mail.message())
    assert gate.postern.lines(level="error") == gate.postern.lines(level="warning") == []


def test_R55_record_with_v_behind_another_tag_is_told(gate, directory, signed):
    text = gate.postern.records_file.read_text()
    records = directory / "records-v-behind"
    records.write_text(text.replace("v=DKIM1; k=rsa;", "k=rsa; v=DKIM1;"))
    assert records.read_text() != text
    gate.postern.start(records=records)
    line = through(gate, gate.mta.inbound, signed)
    told = {line[f"sig{n}.s"]: (line[f"sig{n}.result"], line.get(f"sig{n}.version-not-first")) for n in (1, 2)}
    assert told == {"rsa": ("pass", "record"), "ed": ("pass", None)}


def test_R55_signature_with_v_behind_another_tag_is_told(gate, signed):
    line = through(gate, gate.mta.inbound, signed.replace(b" v=1; a=rsa-sha256;", b" a=rsa-sha256; v=1;"))
    assert {line.get(f"sig{n}.version-not-first") for n in (1, 2)} == {"signature", None}
