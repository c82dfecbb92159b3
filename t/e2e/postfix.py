"""A private Postfix: own configuration, queue, log and ports; the system's own one is not touched.

What an administrator is told to add (conf/postfix/main.cf and master.cf) is
used as it stands, with other ports and socket paths put in.
"""

import os
import pwd
import re
import subprocess
from pathlib import Path

from mta import Port, filter_address, wait_for_ports
from ports import free_port

SAMPLES = Path(__file__).resolve().parents[2] / "conf" / "postfix"

MAIN = """
compatibility_level = 3.6
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/maillog
maillog_file_prefixes = {directory}
myhostname = mail.example.com
myorigin = example.com
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 0.0.0.0/0
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_peername_lookup = no
default_transport = smtp:[127.0.0.1]:{sink}
smtp_dns_support_level = disabled
smtp_host_lookup = native
message_size_limit = 30000000
header_size_limit = 102400
"""

MASTER = """
pickup     unix       n - n 60    1 pickup
cleanup    unix       n - n -     0 cleanup
qmgr       unix       n - n 300   1 qmgr
rewrite    unix       - - n -     - trivial-rewrite
bounce     unix       - - n -     0 bounce
defer      unix       - - n -     0 bounce
trace      unix       - - n -     0 bounce
flush      unix       n - n 1000? 0 flush
proxymap   unix       - - n -     - proxymap
smtp       unix       - - n -     - smtp
showq      unix       n - n -     - showq
error      unix       - - n -     - error
retry      unix       - - n -     - error
anvil      unix       - - n -     1 anvil
scache     unix       - - n -     1 scache
tlsmgr     unix       - - n 1000? 1 tlsmgr
postlog    unix-dgram n - n -     1 postlogd
"""


class Postfix:
    """
    inbound, originating  libmilter specs in place of 127.0.0.1:4443 and :4445; None: the sample has no such line
    extra                 {name: Port or options of master.cf}: further SMTP ports for the tests; a number is the port itself
    setup                 folder of conf/postfix with another set-up than the two sockets
    values                {as in its files: here}: addresses and paths that must be others; each must occur
    """

    name = "postfix"
    far_client = ("192.0.2.7", {"xclient": "NAME=mail.example.org ADDR=192.0.2.7"})  # address, options of mail.Client

    def __init__(self, directory, sink_port, inbound, originating, extra=None, setup="", values=None):
        self.directory = directory
        self._etc = directory / "etc"
        self.ports = {}
        self._etc.mkdir(parents=True)
        (directory / "queue").mkdir()
        (directory / "data").mkdir()
        os.chown(directory / "data", *owner("postfix"))
        specs = {"inet:127.0.0.1:4443": inbound, "inet:127.0.0.1:4445": originating}
        milters = {old: filter_address(new) for old, new in specs.items() if new}
        given = sample(setup, "main.cf") + "\f" + sample(setup, "master.cf")
        missing = [old for old in (values or {}) if old not in given]
        assert not missing, f"not in conf/postfix/{setup}: {missing}"
        given_main, given_master = replaced(given, {**milters, **(values or {})}).split("\f")
        main = unset(MAIN.format(directory=directory, sink=sink_port), given_main) + given_main
        master = without(MASTER, given_master) + self._on_free_ports(given_master)
        for name, port in (extra or {}).items():
            master += self._service(name, options_of(port) if isinstance(port, Port) else port)
        assert not re.search(r"127\.0\.0\.1:444[35]\b", main + master), "a milter line of the samples was not replaced"
        (self._etc / "main.cf").write_text(main)
        (self._etc / "master.cf").write_text(master)

    @property
    def inbound(self):
        return self.ports["smtp"]

    @property
    def originating(self):
        return self.ports["submission"]

    @property
    def reinjection(self):
        return self.ports["127.0.0.1:10025"]

    @property
    def etc(self):
        """Its configuration directory."""
        return self._etc

    def start(self):
        self._postfix("start")
        wait_for_ports(self)

    def stop(self):
        self._postfix("stop")

    def sendmail(self, raw, *recipients, sender="alice@example.com"):
        """Submit with sendmail(1), as a local program does."""
        lines = raw.replace(b"\r\n", b"\n")
        subprocess.run(["sendmail", "-C", self._etc, "-i", "-f", sender, *recipients], input=lines, check=True)

    def queue(self):
        """postqueue(1)'s view: (queue name, recipient) of every message that waits."""
        run = subprocess.run(["postqueue", "-c", self._etc, "-j"], capture_output=True, text=True, check=True)
        pairs = re.findall(r'"queue_name": "(\w+)".*?"address": "([^"]*)"', run.stdout)
        return pairs

    def discard_queue(self):
        subprocess.run(["postsuper", "-c", self._etc, "-d", "ALL"], capture_output=True, check=True)

    def flush(self):
        subprocess.run(["postqueue", "-c", self._etc, "-f"], check=True)

    def log(self):
        path = self.directory / "maillog"
        return path.read_text(errors="replace") if path.exists() else ""

    def queue_id(self, recipient):
        """The queue id under which a recipient was delivered or deferred."""
        return re.search(rf"(\w+): to=<{re.escape(recipient)}>", self.log()).group(1)

    def _postfix(self, command):
        run = subprocess.run(["postfix", "-c", self._etc, command], capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, f"postfix {command}: {run.stderr} {self.log()[-2000:]}"

    def _on_free_ports(self, master):
        def service(found):
            self.ports[found[1]] = free_port()
            return f"127.0.0.1:{self.ports[found[1]]} inet"

        return re.sub(r"(?m)^(\S+)\s+inet\b", service, master)

    def _service(self, name, options):
        self.ports[name] = name if isinstance(name, int) else free_port()
        lines = [f"127.0.0.1:{self.ports[name]} inet n - n - - smtpd"]
        return "\n".join(lines + [f"  -o {option}" for option in options]) + "\n"


def options_of(port):
    """What master.cf says of a port."""
    filters = ",".join(map(filter_address, port.filters))
    options = [f"smtpd_milters={filters}", f"milter_macro_daemon_name={port.daemon_name}", f"milter_default_action={port.on_failure}"]
    return options + ["local_header_rewrite_clients="] * port.as_is


def sample(setup, name):
    return (SAMPLES / setup / name).read_text()


def unset(main, others):
    """The parameters but for those that the others set. Each process of Postfix would warn of a parameter that is set
    twice, and postlogd, which reads these warnings, may hang on its own when their queue is full."""
    names = set(re.findall(r"(?m)^(\w+) *=", others))
    return "".join(line for line in main.splitlines(True) if line.split("=")[0].strip() not in names)


def without(services, others):
    """The services but for those that the others replace."""
    replacing = {tuple(line.split()[:2]) for line in others.splitlines() if line[:1].isalnum()}
    return "".join(line for line in services.splitlines(True) if tuple(line.split()[:2]) not in replacing)


def replaced(text, values):
    for old, new in values.items():
        text = text.replace(old, new)
    return text


def owner(user):
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid
