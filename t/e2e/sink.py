"""An SMTP server that keeps every message byte for byte.

Line ends, NULs and 8-bit octets stay as the client sent them: the only octets
removed are the dots of RFC 5321 section 4.5.2 and the final "." line. A
recipient whose local part begins with "refused" gets a 550, so that the
client has to make a bounce.
"""

import re
import socket
import threading
import time
from dataclasses import dataclass


@dataclass
class Delivery:
    sender: str
    recipients: list
    data: bytes


class Sink:
    def __init__(self):
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self._listening.getsockname()[1]
        self._arrived = threading.Condition()
        self._deliveries = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listening.close()

    def wait(self, recipient, seconds=30):
        """The delivery to `recipient`; it leaves the sink."""
        return self._take(lambda d: recipient in d.recipients, seconds, recipient)

    def wait_bounce(self, recipient, seconds=30):
        """The delivery status notification (null sender) to `recipient`."""
        return self._take(lambda d: d.sender == "" and recipient in d.recipients, seconds, "bounce to " + recipient)

    def has(self, recipient):
        with self._arrived:
            return any(recipient in d.recipients for d in self._deliveries)

    def _take(self, wanted, seconds, what):
        end = time.monotonic() + seconds
        with self._arrived:
            while True:
                for delivery in self._deliveries:
                    if wanted(delivery):
                        self._deliveries.remove(delivery)
                        return delivery
                if not self._arrived.wait(end - time.monotonic()):
                    raise AssertionError(f"nothing delivered within {seconds} s: {what}")

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                Session(connection, self._keep).run()
            except OSError:
                pass

    def _keep(self, delivery):
        with self._arrived:
            self._deliveries.append(delivery)
            self._arrived.notify_all()


class Session:
    """One SMTP connection. Lines end with CRLF and nothing else."""

    def __init__(self, connection, keep):
        self._connection = connection
        self._keep = keep
        self._input = connection.makefile("rb")
        self._sender = None
        self._recipients = []

    def run(self):
        self._answer("220 sink.example.net ESMTP")
        while True:
            line = self._line()
            if line is None:
                return
            verb = line[:4].upper()
            if verb == b"QUIT":
                self._answer("221 bye")
                return
            self._command(verb, line)

    def _command(self, verb, line):
        if verb == b"EHLO":
            self._answer("250-sink.example.net\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 100000000\r\n250 PIPELINING")
        elif verb == b"MAIL":
            self._sender, self._recipients = address(line), []
            self._answer("250 2.1.0 ok")
        elif verb == b"RCPT":
            self._recipient(address(line))
        elif verb == b"DATA":
            self._data()
        else:
            self._answer("250 2.0.0 ok")

    def _recipient(self, recipient):
        if recipient.startswith("refused"):
            self._answer("550 5.1.1 no such mailbox here")
            return
        self._recipients.append(recipient)
        self._answer("250 2.1.5 ok")

    def _data(self):
        self._answer("354 go on")
        lines = []
        while True:
            line = self._line()
            if line is None:
                return
            if line == b".":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        data = b"".join(line + b"\r\n" for line in lines)
        self._keep(Delivery(self._sender, self._recipients, data))
        self._answer("250 2.0.0 kept")

    def _line(self):
        line = b""
        while not line.endswith(b"\r\n"):
            more = self._input.readline()
            if not more:
                return None
            line += more
        return line[:-2]

    def _answer(self, text):
        self._connection.sendall(text.encode() + b"\r\n")


def address(line):
    return re.search(rb"<([^>]*)>", line).group(1).decode()
