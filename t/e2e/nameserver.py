"""The DNS server of t/dns_server.py, for keys that must come from the net."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[1] / "dns_server.py"


class Nameserver:
    def __init__(self, directory):
        directory.mkdir(exist_ok=True)
        self._rules = directory / "rules"
        self._log = directory / "rules.log"
        self._log.unlink(missing_ok=True)
        self._rules.write_text("")
        self._process = subprocess.Popen([sys.executable, PROGRAM, "0", self._rules], stdout=subprocess.PIPE, text=True)
        self.port = int(self._process.stdout.readline().split()[1])

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()

    def publish(self, *rules):
        """These rules beside those that stand already."""
        self._rules.write_text(self._rules.read_text() + "".join(rule + "\n" for rule in rules))

    def publish_slowly(self, domain, record):
        """This key record under every selector, each answer so late that the questions meet."""
        self.publish(f"*._domainkey.{domain} DELAY 0.2", f'*._domainkey.{domain} TXT "{record}"')

    def withdraw(self):
        """No rule stands any more."""
        self._rules.write_text("")

    @property
    def anchor(self):
        """The trust anchor of zones that are SIGNED, once the server has answered after that was published."""
        return self._rules.with_name("rules.anchor")

    def queries(self, name):
        """How often a name's TXT record was asked for."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return sum(line.split()[1].rstrip(".") == name and line.split()[2] == "TXT" for line in lines)
