"""The whole gate: an MTA with the daemon behind its milter lines, and a sink behind the MTA."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import judges
import mail
from mta import Port
from mtas import MTAS, expected
from ports import free_port
from postern import Key, Postern
from results import topmost
from sink import Sink


class Gate:
    def __init__(self, directory, mta="postfix"):
        self.directory = directory
        keys_directory = directory / "keys"
        keys_directory.mkdir(mode=0o700)
        self.keys = {kind: Key(keys_directory, "example.com", selector, kind) for kind, selector in (("rsa", "rsa"), ("ed25519", "ed"))}
        inbound, originating = (f"inet:{free_port()}@127.0.0.1" for _ in range(2))
        self.sink = Sink()
        self.postern = Postern(directory, list(self.keys.values()), (inbound, originating))
        self._sockets = Path(tempfile.mkdtemp(prefix="postern-e2e-", dir="/run"))
        self._sockets.chmod(0o755)
        self.unix = Postern(self._unix_directory(), list(self.keys.values()), self._unix_sockets())
        self.mta = MTAS[mta](directory / "mta", self.sink.port, inbound, originating, extra={
            "originating-as-is": Port([originating], as_is=True),
            "inbound-accept": Port([inbound], daemon_name="MTA", on_failure="accept"),
            "inbound-unix": Port([self.unix.inbound], daemon_name="MTA"),
            "originating-unix": Port([self.unix.originating]),
        })

    def expects(self, name):
        """What this gate's MTA makes of it: mtas.DIFFERENCES."""
        return expected(self.mta.name, name)

    def _unix_directory(self):
        path = self.directory / "unix"
        path.mkdir(mode=0o755)
        return path

    def _unix_sockets(self):
        """Not below /tmp: Sendmail refuses a socket in a path that others may write."""
        return tuple(f"unix:{self._sockets}/{name}.sock" for name in ("inbound", "originating"))

    def open(self):
        """Start all; the context that is returned stops all, whatever happens in between."""
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self._sockets)
            stack.callback(self.sink.close)
            stack.callback(self.unix.stop)
            stack.callback(self.postern.stop)
            self.postern.start()
            stack.callback(self.mta.stop)
            self.mta.start()
            return stack.pop_all()

    def pass_through(self, port, raw, **options):
        """Send through a port of the MTA; what arrived in the sink."""
        to = mail.recipient()
        reply = mail.send(port, raw, to, **options)
        assert reply.code == 250, reply
        return self.sink.wait(to).data

    def verify(self, raw, **options):
        """Send as mail from outside; what arrived."""
        return self.pass_through(self.mta.inbound, raw, **options)

    def sign(self, raw, **options):
        """Send as mail of our own users; what arrived."""
        return self.pass_through(self.mta.originating, raw, **options)

    def results(self, raw):
        """{selector: result} as our own Authentication-Results say of a message sent in from outside."""
        return {result.selector: result.result for result in topmost(self.verify(raw)).results}

    def judges(self, raw):
        """{judge: {selector: passed}} of the independent verifiers."""
        return {"dkimpy": self.dkimpy(raw), "opendkim": judges.opendkim(raw, self.postern.records, self.directory)}

    def dkimpy(self, raw):
        """{selector: passed} of dkimpy alone: opendkim knows neither NULs nor headers above 64 KB."""
        return judges.dkimpy(raw, self.postern.records)
