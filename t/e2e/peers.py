"""Other filters for comparison: opendkim as a milter, with the same keys and records."""

import subprocess

from ports import wait_until
from wire import answers


class Opendkim:
    """opendkim on one socket; mode "s" signs with one key, "v" verifies."""

    def __init__(self, directory, spec, mode, records, key=None):
        directory.mkdir(exist_ok=True)
        self.spec = spec
        dns = directory / "dns"
        dns.write_text("".join(f"{name} {text}\n" for name, text in records.items()))
        lines = [f"Mode {mode}", f"Socket {spec}", f"TestDNSData file:{dns}", "Syslog no", "AuthservID peer.example.net", "RequireSafeKeys no",
                 "InternalHosts 192.0.2.0/24" if mode == "v" else "InternalHosts 0.0.0.0/0"]
        if key:
            lines += [f"Domain {key.domain}", f"Selector {key.selector}", f"KeyFile {key.file}", "Canonicalization relaxed/relaxed"]
        self._settings = directory / "opendkim.conf"
        self._settings.write_text("\n".join(lines) + "\n")
        self._process = None

    def start(self):
        self._process = subprocess.Popen(["opendkim", "-f", "-x", self._settings])
        wait_until(lambda: answers(self.spec), 20, f"opendkim on {self.spec}")

    def stop(self):
        self._process.terminate()
        self._process.wait(20)
