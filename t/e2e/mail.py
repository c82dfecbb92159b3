"""Messages as bytes, and an SMTP client that reports codes instead of raising."""

import itertools
import re
import smtplib
import socket
import uuid
from dataclasses import dataclass

DATE = "Sat, 21 Nov 2026 10:00:00 +0000"
_numbers = itertools.count(1)


def recipient(name="to"):
    """A mailbox that no other message of this run is sent to."""
    return f"{name}-{uuid.uuid4().hex}@example.net"


def message(body=b"Hello.\r\n", sender="alice@example.com", extra=(), without=()):
    """A whole message. `extra` are raw fields (bytes, no final CRLF) put on top; `without` names fields to leave out."""
    fields = [
        ("From", f"Alice <{sender}>"),
        ("To", "Bob <bob@example.net>"),
        ("Subject", "gate test"),
        ("Date", DATE),
        ("Message-ID", f"<{next(_numbers)}.{uuid.uuid4().hex}@example.com>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=us-ascii"),
    ]
    lines = list(extra) + [f"{name}: {value}".encode() for name, value in fields if name not in without]
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def split(raw):
    """Header fields (raw, folds and final CRLF included) and body."""
    head, separator, body = raw.partition(b"\r\n\r\n")
    if not separator:
        head, body = raw.removesuffix(b"\r\n"), b""
    return re.findall(rb"[^\r\n][^\n]*(?:\n[ \t][^\n]*)*\n?", head + b"\r\n"), body


def join(fields, body):
    return b"".join(fields) + b"\r\n" + body


def name_of(field):
    return field.split(b":", 1)[0].strip().lower().decode("latin-1")


def value_of(field):
    """The value on one line."""
    return re.sub(rb"\r\n(?=[ \t])", b"", field.split(b":", 1)[1]).strip().decode("latin-1")


def values(raw, name):
    """Values of all fields called `name`, top to bottom."""
    return [value_of(field) for field in split(raw)[0] if name_of(field) == name.lower()]


def names(raw):
    return [name_of(field) for field in split(raw)[0]]


def drop(raw, *unwanted):
    """The message without the fields called so."""
    fields, body = split(raw)
    return join([field for field in fields if name_of(field) not in unwanted], body)


def tags(signature):
    """The tags of a DKIM-Signature value."""
    pairs = (item.split("=", 1) for item in re.sub(r"\s", "", signature).split(";") if item)
    return dict(pairs)


@dataclass
class Reply:
    stage: str  # connect, mail, rcpt, data (the 354) or message
    code: int
    text: str


class Client:
    """One SMTP session; may play any client through Postfix's XCLIENT, or come from another address of ours."""

    def __init__(self, port, seconds=60, xclient=None, source=""):
        self._smtp = smtplib.SMTP("127.0.0.1", port, local_hostname="client.example.org", timeout=seconds,
                                  source_address=(source, 0))
        self._smtp.command_encoding = "utf-8"
        self._smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._smtp.ehlo()
        if xclient:
            code, text = self._smtp.docmd("XCLIENT " + xclient)
            assert code == 220, text
            self._smtp.ehlo()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._smtp.close()

    def send(self, raw, to, sender="alice@example.com", parameters=""):
        """Send `raw` as it is, with these parameters of MAIL; the reply that decided."""
        for stage, command in (("mail", f"MAIL FROM:<{sender}> {parameters}".rstrip()), ("rcpt", f"RCPT TO:<{to}>"), ("data", "DATA")):
            code, text = self._smtp.docmd(command)
            if code not in (250, 354):
                return self._reply(stage, code, text)
        self.content(raw)
        return self.end()

    def begin(self, to, sender="alice@example.com"):
        """Envelope and DATA; content() and end() follow."""
        for command, wanted in ((f"MAIL FROM:<{sender}>", 250), (f"RCPT TO:<{to}>", 250), ("DATA", 354)):
            code, text = self._smtp.docmd(command)
            assert code == wanted, (command, code, text)

    def content(self, raw):
        dotted = re.sub(rb"(?m)^\.", b"..", raw)
        self._smtp.sock.sendall(dotted if dotted.endswith(b"\r\n") else dotted + b"\r\n")

    def end(self):
        self._smtp.sock.sendall(b".\r\n")
        return self._reply("message", *self._smtp.getreply())

    @staticmethod
    def _reply(stage, code, text):
        return Reply(stage, code, text.decode("latin-1"))


def send(port, raw, to, sender="alice@example.com", parameters="", **client_options):
    with Client(port, **client_options) as client:
        return client.send(raw, to, sender, parameters)
