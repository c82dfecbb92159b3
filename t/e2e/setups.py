"""The set-ups of conf/postfix, each with its own Postfix, daemon and sink."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import judges
import mail
from ports import free_port, slow
from postern import Key, Postern
from postfix import SAMPLES, Postfix, owner, replaced
from sink import Sink


class SamplePostern(Postern):
    """The daemon with the postern.conf of a set-up instead of the one that all tests share.

    sockets    {as in the file: here}
    """

    def __init__(self, directory, keys, setup, sockets):
        specs = list(sockets.values())
        super().__init__(directory, keys, (specs[0], specs[-1]))
        self._text = replaced((SAMPLES / setup / "postern.conf").read_text(), {
            **sockets, 'user = "postern"': 'user = "nobody"', "/etc/postern/keys/rsa.example.com.pem": str(keys[0].file)})
        self._listeners = len(specs)

    def configuration(self, more="", **_):
        records = f'dns {{ servers = {{ "127.0.0.1@{self._closed_port}" }} timeout = 1s records = "{self.records_file}" }}\n'
        return 'authserv-id = "mx.example.net"\n' + self._text.replace("role =", "workers = 1 role =") + records + more + \
            f'status {{ socket = "{self.status_socket}" }}\nlog {{ target = stderr }}\n'

    def _all_ready(self):
        assert self._process.poll() is None, f"the daemon ended: {self.log()[-2000:]}"
        return len(self.lines(event="worker-ready")) >= self._listeners


class SetUp:
    """
    name       folder of conf/postfix
    postern    makes the daemon: directory, keys -> Postern; None: the usual one, on two free ports of the loopback
    extra      further SMTP ports; INBOUND and ORIGINATING in their options stand for the two sockets
    """

    def __init__(self, directory, name, values=None, extra=None, postern=None):
        self.directory = Path(tempfile.mkdtemp(prefix=name + "-", dir=directory))
        self.directory.chmod(0o755)
        (self.directory / "keys").mkdir(mode=0o700)
        self.keys = [Key(self.directory / "keys", "example.com", "rsa", "rsa")]
        self.sink = Sink()
        if postern:
            self.postern, milters = postern(self.directory, self.keys), (None, None)
        else:
            ports = free_port(), free_port()
            self.postern = Postern(self.directory, self.keys, tuple(f"inet:{port}@127.0.0.1" for port in ports))
            milters = tuple(f"inet:127.0.0.1:{port}" for port in ports)
            extra = {service: [replaced(option, {"INBOUND": milters[0], "ORIGINATING": milters[1]}) for option in options]
                     for service, options in (extra or {}).items()}
        self.postfix = Postfix(self.directory / "postfix", self.sink.port, *milters, extra=extra, setup=name, values=values)
        self.roles, self.scans = [], []
        self._stack = ExitStack()

    def start(self, *others, **settings):
        """Start all; `others` have start() and stop() and run before Postfix does. settings: of the usual daemon."""
        with ExitStack() as stack:
            stack.callback(self.sink.close)
            for server in others:
                stack.callback(server.stop)
                server.start()
            stack.callback(self.postern.stop)
            self.postern.start(**settings)
            stack.callback(self.postfix.stop)
            self.postfix.start()
            self._stack = stack.pop_all()

    def stop(self):
        self._stack.close()

    def send(self, port, raw, **options):
        """What arrived of a message sent to this port; the daemon's passes over it are in self.roles and self.scans."""
        to = mail.recipient()
        before = self.passes()
        reply = mail.send(port, raw, to, **options)
        assert reply.code == 250, (reply, self.postfix.log()[-3000:])
        return self.arrived(to, before)

    def arrived(self, to, before):
        data = self.sink.wait(to, 30 * slow()).data
        lines = self.postern.lines(event="message")[before:]
        self.roles, self.scans = [line["role"] for line in lines], [line.get("scan") for line in lines]
        return data

    def passes(self):
        """How many messages the daemon has seen: for arrived()."""
        return len(self.postern.lines(event="message"))

    def dkimpy(self, raw):
        return judges.dkimpy(raw, self.postern.records)

    @staticmethod
    def own_by_postfix(folder):
        """Let Postfix's group in."""
        os.chown(folder, 0, owner("postfix")[1])

    def jailed(self):
        """Names of this Postfix's processes whose root is its queue."""
        jail = str(self.postfix.directory / "queue")
        names = set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "root") == jail:
                    names.add((process / "comm").read_text().strip())
            except OSError:  # it has ended
                continue
        return names
