"""A filter of a few lines: it answers each command from a table of packets and keeps what it was sent."""

import socket
import struct
import threading


def insert(index, name, value):
    return b"i" + struct.pack(">I", index) + name + b"\0" + value + b"\0"


def change(index, name, value):
    return b"m" + struct.pack(">I", index) + name + b"\0" + value + b"\0"


def add(name, value):
    return b"h" + name + b"\0" + value + b"\0"


class Milter:
    """
    path     of its unix socket; it also listens on a TCP port
    replies  {command: [packets]}; no entry: continue; None: hang up
    """

    def __init__(self, path, replies, actions=0x1ff, protocol=0x100400):
        self.replies = replies
        self.commands = []
        self._answer = b"O" + struct.pack(">III", 6, actions, protocol)
        self.spec = f"unix:{path}"
        local = socket.socket(socket.AF_UNIX)
        local.bind(str(path))
        local.listen()
        inet = socket.create_server(("127.0.0.1", 0))
        self.port = inet.getsockname()[1]
        for listener in (local, inet):
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def sent(self, command):
        return [c for c in self.commands if c[:1] == command]

    def _accept(self, listener):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while header := stream.read(4):
                packet = stream.read(struct.unpack(">I", header)[0])
                self.commands.append(packet)
                if packet[:1] in (b"D", b"A", b"Q"):
                    continue
                replies = [self._answer] if packet[:1] == b"O" else self.replies.get(packet[:1], [b"c"])
                if replies is None:
                    return
                try:
                    connection.sendall(b"".join(struct.pack(">I", len(reply)) + reply for reply in replies))
                except OSError:  # the probe has seen enough
                    return
