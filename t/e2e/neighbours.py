"""Other programs of Debian that see the mail beside the daemon, each private: own configuration, folders and ports.

Their files of conf/postfix are used as they stand, with addresses and paths put in.
"""

import os
import re
import socketserver
import subprocess
import threading

from ports import free_port, listens, slow, wait_until
from postfix import SAMPLES, owner, replaced
from scanning import Clamd

MARKER = b"POSTERN-TEST-MARKER-" + b"7f3a91c2"


class Program:
    """A server in the foreground; what it says goes to a file. `marks` is what it says once for each message."""

    def __init__(self, directory, name, marks):
        self._marks = marks
        self.directory = directory / name
        self.directory.mkdir()
        self.directory.chmod(0o755)
        self._process = None

    def run(self, *command, ready, seconds=60):
        with (self.directory / "output").open("wb") as output:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.directory)
        wait_until(lambda: self._process.poll() is not None or ready(), seconds * slow(), f"{command[0]}: {self.output()}")
        assert self._process.poll() is None, f"{command[0]} ended: {self.output()}"

    def pid(self):
        return self._process.pid

    def output(self):
        return (self.directory / "output").read_text(errors="replace")[-2000:]

    def seen(self):
        """How many messages it has let pass."""
        return len(re.findall(self._marks, (self.directory / "output").read_bytes()))

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def folder(self, name, user):
        path = self.directory / name
        path.mkdir()
        os.chown(path, *owner(user))
        return path


class Amavisd(Program):
    """amavisd-new on two ports; `back` are Postfix's ports to which it hands mail back."""

    def __init__(self, directory):
        super().__init__(directory, "amavisd", rb"Passed CLEAN \{")
        self.inbound, self.originating = free_port(), free_port()
        self.back = None

    def start(self):
        home = self.folder("home", "amavis")
        text = (SAMPLES / "amavis" / "amavisd.conf").read_text()
        ports = {"10024": self.inbound, "10025": self.back[0], "10026": self.originating, "10027": self.back[1]}
        private = (f"use strict; $daemon_user = 'amavis'; $daemon_group = 'amavis'; $MYHOME = '{home}'; $TEMPBASE = '{home}';\n"
                   "$ENV{TMPDIR} = $TEMPBASE; $myhostname = 'mail.example.com'; $mydomain = 'example.com'; $max_servers = 2;\n"
                   f"$pid_file = '{home}/pid'; $lock_file = '{home}/lock'; $QUARANTINEDIR = undef; $DO_SYSLOG = 0;\n"
                   "$enable_db = 0; $enable_global_cache = 0; $log_level = 0; @inet_acl = ('127.0.0.1');\n")
        settings = self.directory / "amavisd.conf"
        settings.write_text(private + replaced(text, {old: str(new) for old, new in ports.items()}))
        self.run("amavisd", "-c", settings, "foreground", ready=lambda: listens(self.inbound) and listens(self.originating))


def clamd(directory):
    """The neighbours' own, with a signature that postern's scanner has not: MARKER."""
    database = directory / "marker-database"
    database.mkdir(mode=0o755)
    (database / "marker.ndb").write_text(f"Test.Marker:0:*:{MARKER.hex()}\n")
    return Clamd(directory / "neighbours-clamd", database)


def path_of(clamd):
    return clamd.unix.removeprefix("unix:")


class Clamsmtpd(Program):
    """clamsmtpd for one direction: "inbound" or "originating"; `back` is Postfix's port behind it."""

    def __init__(self, directory, direction, clamd):
        super().__init__(directory, f"clamsmtpd-{direction}", rb"status=CLEAN")
        self._direction, self._clamd = direction, clamd
        self.port, self.back = free_port(), None

    def start(self):
        ports = {"inbound": ("10024", "10025"), "originating": ("10026", "10027")}[self._direction]
        text = (SAMPLES / "clamsmtp" / f"clamsmtpd-{self._direction}.conf").read_text()
        settings = self.directory / "clamsmtpd.conf"
        settings.write_text(replaced(text, {
            ports[0]: str(self.port), ports[1]: str(self.back), "/var/run/clamav/clamd.ctl": path_of(self._clamd),
            "/var/spool/clamsmtp": str(self.folder("spool", "clamsmtp")),
            "/var/run/clamsmtp/": f"{self.folder('run', 'clamsmtp')}/"}))
        self.run("clamsmtpd", "-d", "4", "-f", settings, ready=lambda: listens(self.port))


class ClamavMilter(Program):
    def __init__(self, directory, clamd):
        super().__init__(directory, "clamav-milter", rb"(?m)Clean message")
        self._clamd, self.port = clamd, free_port()

    def start(self):
        text = (SAMPLES / "milters" / "clamav-milter.conf").read_text()
        settings = self.directory / "clamav-milter.conf"
        settings.write_text("Foreground yes\nLogClean Full\n" + replaced(text, {"8894": str(self.port), "/run/clamav/clamd.ctl": path_of(self._clamd)}))
        self.run("clamav-milter", "-c", settings, ready=lambda: listens(self.port))

    def stop(self):
        """Its orderly end takes libmilter five seconds."""
        self._process.kill()
        self._process.wait()


class PolicyService:
    """Greylists recipients whose name begins so, once each; marks all other mail with a field."""

    def __init__(self):
        self._seen, self._passed = set(), 0
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def start(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def seen(self):
        return self._passed

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _action(self, recipient):
        if recipient.startswith("greylisted") and recipient not in self._seen:
            self._seen.add(recipient)
            return "DEFER_IF_PERMIT come again"
        self._passed += 1
        return "PREPEND X-Policy: seen"

    def _handler(self):
        service = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                request = {}
                for line in self.rfile:
                    name, _, value = line.decode().rstrip("\n").partition("=")
                    request[name] = value
                    if not name:
                        self.wfile.write(f"action={service._action(request['recipient'])}\n\n".encode())
                        request = {}

        return Handler
