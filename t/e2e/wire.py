"""The milter protocol, octet by octet: for what no real MTA would send."""

import socket
import struct

ACTIONS = 0x1FF
PROTOCOL = 0x1FFFFF
CONTINUE, ACCEPT, TEMPFAIL, PROGRESS = b"c", b"a", b"t", b"p"
FINAL = {b"a", b"c", b"d", b"r", b"t", b"y"}


class Mta:
    """One connection to a milter socket, negotiated unless told otherwise."""

    def __init__(self, spec, negotiate=True, seconds=30, actions=ACTIONS):
        self.socket = connect(spec)
        self.socket.settimeout(seconds)
        self.protocol = 0
        self._client_told = False
        if negotiate:
            self.packet(b"O", struct.pack("!III", 6, actions, PROTOCOL))
            command, data = self.answer() or (b"", b"")
            assert command == b"O", command
            _, _, self.protocol = struct.unpack("!III", data[:12])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def packet(self, command, data=b""):
        self.socket.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def answer(self):
        """(command, data) of the next packet; None when the milter closed the connection."""
        head = self._octets(4)
        if not head:
            return None
        packet = self._octets(struct.unpack("!I", head)[0])
        return packet[:1], packet[1:]

    def ask(self, command, data=b""):
        """Send a command and wait for its answer, unless it was negotiated that one or both are left out."""
        if self.protocol & NOT_WANTED.get(command, 0):
            return CONTINUE, b""
        self.packet(command, data)
        if self.protocol & NO_REPLY.get(command, 0):
            return CONTINUE, b""
        return self.answer()

    def envelope(self):
        """Of this connection's first message also the client."""
        if not self._client_told:
            self.ask(b"C", b"mail.example.org\x004" + struct.pack("!H", 12345) + b"192.0.2.7\0")
            self.ask(b"H", b"mail.example.org\0")
            self._client_told = True
        self.ask(b"M", b"<alice@example.org>\0")
        self.ask(b"R", b"<bob@example.net>\0")
        self.ask(b"T")

    def header(self, name, value):
        return self.ask(b"L", name + b"\0" + value + b"\0")

    def end(self):
        """End of message: all answers up to the verdict."""
        self.packet(b"E")
        answers = []
        while not answers or answers[-1][0] not in FINAL:
            answer = self.answer()
            if answer is None:
                return answers
            answers.append(answer)
        return answers

    def _octets(self, count):
        octets = b""
        while len(octets) < count:
            try:
                more = self.socket.recv(count - len(octets))
            except ConnectionError:
                return b""
            if not more:
                return b""
            octets += more
        return octets


# SMFIP_NO* and SMFIP_NR_* of libmilter's mfdef.h, by command.
NOT_WANTED = {b"C": 0x1, b"H": 0x2, b"M": 0x4, b"R": 0x8, b"B": 0x10, b"L": 0x20, b"N": 0x40, b"T": 0x200}
NO_REPLY = {b"L": 0x80, b"C": 0x1000, b"H": 0x2000, b"M": 0x4000, b"R": 0x8000, b"T": 0x10000, b"N": 0x40000, b"B": 0x80000}


def connect(spec):
    kind, _, rest = spec.partition(":")
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.connect(rest)
        return s
    port, _, host = rest.partition("@")
    s = socket.create_connection((host, int(port)), timeout=10)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def answers(spec):
    """Does a filter, not only a backlog, answer here?"""
    try:
        with Mta(spec, seconds=2):
            return True
    except (OSError, AssertionError, TypeError):
        return False
