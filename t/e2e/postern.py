"""The daemon under test: keys, records file, configuration, processes, log."""

import copy
import json
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from ports import free_port, slow, wait_until
from wire import answers

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("POSTERN", ROOT / "build" / "milter" / "postern"))

AUTHSERV_ID = "mx.example.net"
SANITIZED = any(name in PROGRAM.read_bytes() for name in (b"__asan_init", b"__tsan_init")) if PROGRAM.exists() else False
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")

CONFIGURATION = """
authserv-id = "{authserv_id}"
user = "nobody"
drain-timeout = 10s
listener inbound {{
	socket = "{inbound}"
	role = verify
	workers = {workers}
	{listener}
}}
listener originating {{
	socket = "{originating}"
	role = sign
	workers = {workers}
	{listener}
}}
dns {{
	servers = {{ "127.0.0.1@{dns_port}" }}
	timeout = 1s
	budget = 2s
	records = "{records}"
}}
sign {{
{keys}
	{sign}
}}
verify {{
	{verify}
}}
av {{
	{av}
}}
status {{
	socket = "{status}"
}}
log {{
	target = stderr
}}
{more}
"""


def command(*arguments, **options):
    """Run `postern ARGUMENTS` to its end."""
    options.setdefault("timeout", 60 * slow())
    return subprocess.run([PROGRAM, *arguments], capture_output=True, **options)


class Key:
    state = None

    def __init__(self, directory, domain, selector, kind):
        self.domain, self.selector, self.kind = domain, selector, kind
        self.file = directory / f"{selector}.{domain}.key"
        run = command("keygen", "--type", kind, "--domain", domain, "--selector", selector, "--output", self.file)
        assert run.returncode == 0, run.stderr
        self.zone_lines = run.stdout.decode()

    def section(self):
        return (f'\tkey "{self.selector}.{self.domain}" {{ selector = "{self.selector}" '
                f'domain = "{self.domain}" file = "{self.file}" {f"state = {self.state}" if self.state else ""} }}')

    def to_be(self, state):
        """The same key in another state."""
        key = copy.copy(self)
        key.state = state
        return key


def records_of(zone_text):
    """{name: text} from lines of `name TXT "..." ...`, for the judges."""
    joined = re.sub(r"\(([^)]*)\)", lambda found: found[1].replace("\n", " "), re.sub(r"(?m)^\s*[;#].*$", "", zone_text))
    records = {}
    for name, strings in re.findall(r'(?m)^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?TXT\s+(.*)$', joined):
        records[name.rstrip(".").lower()] = "".join(re.findall(r'"([^"]*)"', strings))
    return records


class Postern:
    """One running daemon. `sockets` are libmilter specs of the inbound and the originating socket."""

    def __init__(self, directory, keys, sockets):
        self._directory = directory
        self._keys = keys
        self.inbound, self.originating = sockets
        self.records_file = directory / "records"
        self.records_file.write_text("".join(key.zone_lines for key in keys))
        self.records = records_of(self.records_file.read_text())
        self.stderr = directory / "stderr"
        self.file = directory / "postern.conf"
        self.status_socket = directory / "status"
        self._closed_port = free_port()
        self._process = None
        self._settings = None
        self._log_start = 0

    def configuration(self, authserv_id=AUTHSERV_ID, workers=2, sign="", verify="", listener="", keys=None, dns_port=None,
                      records=None, av="", more=""):
        return CONFIGURATION.format(
            authserv_id=authserv_id, workers=workers, sign=sign, verify=verify, listener=listener, av=av,
            inbound=self.inbound, originating=self.originating, dns_port=dns_port or self._closed_port,
            records=records or self.records_file, status=self.status_socket, more=more,
            keys="\n".join(key.section() for key in (self._keys if keys is None else keys)))

    def start(self, **settings):
        """Run with these settings; a daemon that already does so goes on."""
        if self._process and self._process.poll() is None and settings == self._settings:
            self.wait_ready()
            return
        self.stop()
        self.file.write_text(self.configuration(**settings))
        with self.stderr.open("ab") as stderr:
            self._log_start = stderr.tell()
            self._process = subprocess.Popen([PROGRAM, "run", "-c", self.file], stderr=stderr, stdin=subprocess.DEVNULL)
        self._settings = settings
        self.wait_ready()

    def reload(self, **settings):
        """Write these settings and have them read: `postern reload`."""
        self.file.write_text(self.configuration(**settings))
        run = command("reload", "-c", self.file, timeout=120 * slow())
        if run.returncode == 0:
            self._settings = settings
        return run

    def status(self):
        """`postern status --json`: exit code and data."""
        run = command("status", "-c", self.file, "--json")
        return run.returncode, json.loads(run.stdout or "null")

    def wait_ready(self):
        """All workers have dropped their privileges and serve."""
        wait_until(self._all_ready, 20 * slow(), "all workers to be ready")
        for spec in (self.inbound, self.originating):
            assert answers(spec), f"wanted a filter on {spec}: {self.log()[-2000:]}"

    def _all_ready(self):
        assert self._process.poll() is None, f"the daemon ended: {self.log()[-2000:]}"
        ready = {line["worker"] for line in self.lines(event="worker-ready")}
        workers = {str(pid) for pid in self.workers()}
        return len(workers) == 2 * self._settings.get("workers", 2) and workers <= ready

    def stop(self):
        """Stop in order; the exit code."""
        if not self._process:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(30 * slow())
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process = None
        found = SANITIZER.search(self.log())
        assert not found, self.log()[found.start():][:8000]
        return code

    def kill(self):
        """End supervisor and workers at once, without ceremony."""
        pids = [self._process.pid, *self.workers()]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, seconds):
        return self._process.wait(seconds)

    def workers(self, listener=""):
        """Process ids of the workers (of one listener)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in children if f" worker {listener}" in command_line(pid)]

    def log(self):
        """What the daemon has said since its last start."""
        return self.stderr.read_bytes()[self._log_start:].decode(errors="replace")

    def lines(self, **wanted):
        """Log lines as dictionaries, those whose values are as wanted."""
        likely = (line for line in self.log().splitlines() if all(value in line for value in wanted.values()))
        return [line for line in map(pairs, likely) if all(line.get(key) == value for key, value in wanted.items())]


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def pairs(line):
    """key=value or key="value" of one log line."""
    try:
        words = shlex.split(line)
    except ValueError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)
