"""What the tests of scanning share: a database of a few signatures, samples that it knows, a private clamd."""

import io
import os
import subprocess
import time
import zipfile
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import mail
from postern import PROGRAM
from ports import free_port, listens, slow, wait_until

SCANNER = PROGRAM.parent.parent / "av" / "postern-scanner"

# Halves: no scanner shall find the file in this tree.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STAND" + b"ARD-ANTIVIRUS-TEST-FILE!$H+H*"
EICAR_NAME = "Eicar-Pattern.UNOFFICIAL"
SUSPECT = b"a text that the test's database calls unwanted"
SUSPECT_NAME = "PUA.Test.Unwanted.UNOFFICIAL"
IGNORED = b"a text that the test's database should not know"
IGNORED_NAME = "Test.FalsePositive.UNOFFICIAL"


def database(directory):
    """A folder with the signatures of the samples, readable by everybody."""
    directory.mkdir(mode=0o755)
    rows = (("Eicar-Pattern", EICAR), ("PUA.Test.Unwanted", SUSPECT), ("Test.FalsePositive", IGNORED))
    path = directory / "test.ndb"
    path.write_text("".join(f"{name}:0:*:{octets.hex()}\n" for name, octets in rows))
    path.chmod(0o644)
    return directory


def with_file(name, octets, text="See the file.\n"):
    """A message with one file."""
    whole = MIMEMultipart()
    whole["From"], whole["To"], whole["Subject"] = "Alice <alice@example.com>", "bob@example.net", "a file"
    whole["Date"], whole["Message-ID"] = mail.DATE, f"<{time.monotonic_ns()}@example.com>"
    whole.attach(MIMEText(text))
    part = MIMEApplication(octets)
    part.add_header("Content-Disposition", "attachment", filename=name)
    whole.attach(part)
    return whole.as_bytes().replace(b"\n", b"\r\n")


def with_parts(count):
    """A message of so many texts."""
    whole = MIMEMultipart()
    whole["From"], whole["Subject"], whole["Date"] = "Alice <alice@example.com>", "parts", mail.DATE
    for number in range(count):
        whole.attach(MIMEText(f"part {number}\n"))
    return whole.as_bytes().replace(b"\n", b"\r\n")


def zipped(name, octets, encrypted=False):
    """An archive of one file. `encrypted` sets the flag alone, which is what scanners look at."""
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w") as archive:
        archive.writestr(name, octets)
    data = bytearray(room.getvalue())
    if encrypted:
        data[data.index(b"PK\3\4") + 6] |= 1
        data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def zipped_many(count):
    """An archive of so many small files."""
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.txt", f"file number {number}\n" * 10)
    return room.getvalue()


def infected():
    return with_file("invoice.zip", zipped("eicar.com", EICAR))


def encrypted():
    return with_file("secret.zip", zipped("secret.txt", os.urandom(200), encrypted=True))


def suspect():
    return mail.message(body=SUSPECT + b"\r\n")


CLAMD = """
Foreground yes
DatabaseDirectory {database}
LocalSocket {directory}/clamd.sock
LocalSocketMode 666
TCPSocket {port}
TCPAddr 127.0.0.1
TemporaryDirectory {directory}
StreamMaxLength 2M
AlertEncrypted yes
AlertExceedsMax yes
MaxFiles 5
MaxThreads 4
"""


class Clamd:
    """A clamd of our own: unix and TCP socket."""

    def __init__(self, directory, database_directory):
        directory.mkdir(mode=0o755)
        self.unix = f"unix:{directory}/clamd.sock"
        self._port = free_port()
        self.inet = f"inet:{self._port}@127.0.0.1"
        self._conf = directory / "clamd.conf"
        self._conf.write_text(CLAMD.format(database=database_directory, directory=directory, port=self._port))
        self._directory = directory
        self._process = None

    def start(self):
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(["clamd", "-c", self._conf], stdout=log, stderr=log)
        wait_until(lambda: listens(self._port), 30 * slow(), "clamd to listen")
        return self

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
