"""The whole gate: Postfix with the daemon behind its milter lines, and a sink behind Postfix."""

from contextlib import ExitStack

import judges
import mail
from results import topmost
from ports import free_port
from postern import Key, Postern
from postfix import Postfix
from sink import Sink


class Gate:
    def __init__(self, directory):
        self.directory = directory
        keys_directory = directory / "keys"
        keys_directory.mkdir(mode=0o700)
        self.keys = {kind: Key(keys_directory, "example.com", selector, kind) for kind, selector in (("rsa", "rsa"), ("ed25519", "ed"))}
        inbound, originating = free_port(), free_port()
        self.sink = Sink()
        self.postern = Postern(directory, list(self.keys.values()), (f"inet:{inbound}@127.0.0.1", f"inet:{originating}@127.0.0.1"))
        self.unix = Postern(self._socket_directory(), list(self.keys.values()), self._unix_sockets())
        self.postfix = Postfix(
            directory / "postfix", self.sink.port, f"inet:127.0.0.1:{inbound}", f"inet:127.0.0.1:{originating}",
            extra={
                "originating-as-is": [f"smtpd_milters=inet:127.0.0.1:{originating}", "local_header_rewrite_clients="],
                "inbound-accept": [f"smtpd_milters=inet:127.0.0.1:{inbound}", "milter_default_action=accept"],
                "inbound-unix": [f"smtpd_milters={self.unix.inbound}", "milter_macro_daemon_name=MTA"],
                "originating-unix": [f"smtpd_milters={self.unix.originating}"],
            })

    def _socket_directory(self):
        path = self.directory / "unix"
        path.mkdir(mode=0o755)
        return path

    def _unix_sockets(self):
        return tuple(f"unix:{self.directory}/unix/{name}.sock" for name in ("inbound", "originating"))

    def open(self):
        """Start all; the context that is returned stops all, whatever happens in between."""
        with ExitStack() as stack:
            stack.callback(self.sink.close)
            stack.callback(self.unix.stop)
            stack.callback(self.postern.stop)
            self.postern.start()
            stack.callback(self.postfix.stop)
            self.postfix.start()
            return stack.pop_all()

    def pass_through(self, port, raw, sender="alice@example.com", xclient=None, parameters=""):
        """Send through a port of Postfix; what arrived in the sink."""
        to = mail.recipient()
        reply = mail.send(port, raw, to, sender, xclient, parameters)
        assert reply.code == 250, reply
        return self.sink.wait(to).data

    def verify(self, raw, **options):
        """Send as mail from outside; what arrived."""
        return self.pass_through(self.postfix.inbound, raw, **options)

    def sign(self, raw, **options):
        """Send as mail of our own users; what arrived."""
        return self.pass_through(self.postfix.originating, raw, **options)

    def results(self, raw):
        """{selector: result} as our own Authentication-Results say of a message sent in from outside."""
        return {result.selector: result.result for result in topmost(self.verify(raw)).results}

    def judges(self, raw):
        """{judge: {selector: passed}} of the independent verifiers."""
        return {"dkimpy": self.dkimpy(raw), "opendkim": judges.opendkim(raw, self.postern.records, self.directory)}

    def dkimpy(self, raw):
        """{selector: passed} of dkimpy alone: opendkim knows neither NULs nor headers above 64 KB."""
        return judges.dkimpy(raw, self.postern.records)
