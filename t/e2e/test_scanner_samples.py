"""Files of many kinds, as ClamAV's authors collected them (package clamav-testfiles), through sealed scan children: no parser makes a
system call that the filter does not know."""

import os
from pathlib import Path

import pytest

from scanner import EICAR, FILE, MESSAGE, RECEIVED, SCANNER, Queue, Scanner, signature

SAMPLES = sorted(path for path in Path("/usr/share/clamav-testfiles").glob("**/*") if path.is_file())

pytestmark = pytest.mark.skipif(not SCANNER.exists(), reason="built without the scanner")


@pytest.fixture(scope="module")
def scanner(directory):
    folder = directory / "samples"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "test.ndb").write_text(signature("Eicar-Pattern", EICAR))
    queue = Queue()
    scanner = Scanner(folder, folder, queue, scanners=1, av="macros = yes phishing-urls = yes").ready()
    yield scanner
    scanner.close()
    queue.close()


def test_samples_are_there():
    assert len(SAMPLES) > 30


def as_mail(path, octets):
    """The sample as an attachment, eight-bit octets as they are."""
    return (RECEIVED + b"From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n--b0\r\n"
            b"Content-Type: application/octet-stream; name=\"" + os.fsencode(path.name) + b"\"\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            + octets + b"\r\n--b0--\r\n")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sample_kills_nobody(scanner, path):
    octets = path.read_bytes()
    assert scanner.queue.scan(octets, kind=FILE, seconds=60) is not None, scanner.texts("E")
    assert scanner.queue.scan(as_mail(path, octets), kind=MESSAGE, seconds=60) is not None, scanner.texts("E")
    assert not scanner.texts("E")


# Loaded at start, not loaded at start, unknown: converting from it may fail, and does no more.
@pytest.mark.parametrize("charset", ["utf-16le", "windows-1252", "iso-2022-jp", "gb18030", "ibm1047", "armscii-8", "../../etc/passwd", "x"])
def test_character_set_kills_nobody(scanner, charset):
    body = f"<html><head><meta charset={charset}></head><body>a&#233;</body></html>\r\n".encode()
    octets = (RECEIVED + f"From: =?{charset}?B?6eg=?= <a@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; "
              f"charset=\"{charset}\"; name=\"=?{charset}?B?6eg=?=.html\"\r\n\r\n".encode() + body)
    assert scanner.queue.scan(octets) is not None, scanner.texts("E")
    assert scanner.queue.scan(body, kind=FILE) is not None, scanner.texts("E")
    assert not scanner.texts("E")
