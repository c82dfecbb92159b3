"""A private Sendmail: own configuration, queue, log and ports, from packages that .ci/install-packages unpacks.

Debian's packages of Sendmail and Postfix exclude each other, hence the
unpacking. What an administrator is told to add (conf/sendmail/postern.mc) is
used as it stands, with other ports and addresses put in.
"""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from mta import HOST_NAME, Port, wait_for_ports
from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / "build-check" / "unpacked"
CF = UNPACKED / "usr" / "share" / "sendmail" / "cf"
SAMPLE = ROOT / "conf" / "sendmail" / "postern.mc"

COMMON = """
include(`{cf}/m4/cf.m4')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confSERVICE_SWITCH_FILE', `{directory}/service.switch')dnl
define(`HELP_FILE', `')dnl
define(`confTO_IDENT', `0')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confMAX_HEADERS_LENGTH', `110000')dnl
define(`confMAX_MESSAGE_SIZE', `30000000')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {next_port}')dnl
"""

SERVER = COMMON + """
define(`QUEUE_DIR', `{directory}/queue')dnl
define(`STATUS_FILE', `{directory}/status')dnl
define(`confPID_FILE', `{directory}/pid')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`MAIL_HUB', `relay:[127.0.0.1]')dnl
undefine(`ALIAS_FILE')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
RELAY_DOMAIN(`127')dnl
{more}
MAILER(`smtp')dnl
"""

SUBMISSION = COMMON + """
define(`MSP_QUEUE_DIR', `{directory}/clientqueue')dnl
define(`confPID_FILE', `{directory}/client-pid')dnl
define(`confRUN_AS_USER', `mail:mail')dnl
define(`confTRUSTED_USER', `root')dnl
FEATURE(`msp', `[127.0.0.1]')dnl
"""

# Sendmail waits a minute for the full name of a host whose name has no dot.
AS_HOST = 'hostname "$0" && mount --bind "$1" /etc/hosts && shift && exec "$@"'


class Sendmail:
    """
    inbound, originating  libmilter specs in place of the two in postern.mc
    extra                 {name: Port}: further SMTP ports for the tests
    settings              m4 lines after those of postern.mc
    """

    name = "sendmail"
    far_client = ("127.0.0.7", {"source": "127.0.0.7"})  # address, options of mail.Client: no XCLIENT here

    def __init__(self, directory, sink_port, inbound, originating, extra=None, settings=""):
        assert CF.is_dir(), f"wanted Sendmail's files in {UNPACKED}: .ci/install-packages build test"
        self.directory = directory
        self.ports = {}
        self._process = None
        for folder, mode in ((directory, 0o755), (directory / "queue", 0o700), (directory / "clientqueue", 0o770)):
            folder.mkdir(parents=True, mode=mode)
        shutil.chown(directory / "clientqueue", "mail", "mail")
        (directory / "service.switch").write_text("hosts files\naliases files\n")
        (directory / "hosts").write_text(f"127.0.0.1 {HOST_NAME} localhost\n")
        self._program = self._own_program()
        sample = self._on_free_ports(with_filters(SAMPLE.read_text(), inbound, originating))
        more = sample + "".join(self._port(*item) for item in {"reinjection": Port(), **(extra or {})}.items()) + settings
        self._configure("sendmail.cf", SERVER, next_port=sink_port, more=more)
        self._configure("submit.cf", SUBMISSION, next_port=self.ports["10587"])

    @property
    def inbound(self):
        return self.ports["smtp"]

    @property
    def originating(self):
        return self.ports["10587"]

    @property
    def reinjection(self):
        return self.ports["reinjection"]

    def start(self):
        log = (self.directory / "log").open("ab")
        # What could not be delivered at once is tried again, as everywhere.
        self._process = self._run(["-bD", "-q5s", "-C", self.directory / "sendmail.cf", "-X", self.directory / "dialogue"],
                                  stdout=log, stderr=log, start_new_session=True)
        wait_for_ports(self)

    def stop(self):
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(60)

    def sendmail(self, raw, *recipients, sender="alice@example.com"):
        """Submit with sendmail(1), as a local program does."""
        arguments = ["-C", self.directory / "submit.cf", "-i", "-f", sender, *recipients]
        process = self._run(arguments, stdin=subprocess.PIPE)
        process.communicate(raw.replace(b"\r\n", b"\n"), timeout=60)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, "sendmail")

    def flush(self):
        """Try again what waits, in both queues."""
        for name in ("submit.cf", "sendmail.cf"):
            process = self._run(["-C", self.directory / name, "-q"])
            assert process.wait(60) == 0, name

    def queue(self):
        """(queue name, recipient) of every message that waits; "hold" has what was put into quarantine."""
        found = []
        for file in [*self.directory.glob("queue/[qh]f*"), *self.directory.glob("clientqueue/[qh]f*")]:
            recipients = re.findall(r"(?m)^R[^:\n]*:<?([^>\n]*)", file.read_text(errors="replace"))
            found += [("hold" if file.name[0] == "h" else "deferred", recipient) for recipient in recipients]
        return found

    def discard_queue(self):
        for file in [*self.directory.glob("queue/?f*"), *self.directory.glob("clientqueue/?f*")]:
            file.unlink()

    def log(self):
        return "".join((self.directory / name).read_text(errors="replace") for name in ("log", "dialogue") if (self.directory / name).exists())

    def _own_program(self):
        """Set-gid as it is packaged, it would not be a private one."""
        program = self.directory / "sendmail"
        shutil.copyfile(UNPACKED / "usr" / "libexec" / "sendmail" / "sendmail", program)
        program.chmod(0o755)
        return program

    def _run(self, arguments, **options):
        command = ["unshare", "--mount", "--uts", "sh", "-c", AS_HOST, HOST_NAME, self.directory / "hosts", self._program, *arguments]
        return subprocess.Popen(command, **options)

    def _configure(self, name, text, **values):
        text = text.format(cf=CF, host=HOST_NAME, directory=self.directory, **values)
        run = subprocess.run(["m4", f"-D_CF_DIR_={CF}/", "-"], input=text, capture_output=True, text=True, check=True)
        assert not run.stderr, run.stderr
        (self.directory / name).write_text(run.stdout)

    def _on_free_ports(self, sample):
        def option(found):
            self.ports[found[1]] = free_port()
            return f"Addr=127.0.0.1, Port={self.ports[found[1]]}"

        # M=a would want a password.
        return re.sub(r"(?:Addr=127\.0\.0\.1, )?Port=(\w+)", option, sample).replace("M=Ea", "M=E")

    def _port(self, name, port):
        self.ports[name] = free_port()
        filters = [f"{name.replace(' ', '-')}-{number}" for number in range(len(port.filters))]
        lines = [f"MAIL_FILTER(`{filter_name}', `S={spec}{', F=T' if port.on_failure == 'tempfail' else ''}')dnl"
                 for filter_name, spec in zip(filters, port.filters)]
        lines.append(f"DAEMON_OPTIONS(`Name={port.daemon_name}, Addr=127.0.0.1, Port={self.ports[name]}, InputMailFilters={';'.join(filters)}')dnl")
        return "\n".join(lines) + "\n"


def with_filters(sample, inbound, originating):
    for old, new in (("inet:4443@127.0.0.1", inbound), ("inet:4445@127.0.0.1", originating)):
        assert f"S={old}" in sample, f"no filter {old} in {SAMPLE}"
        sample = sample.replace(f"S={old}", f"S={new}")
    return sample
