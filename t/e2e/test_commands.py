"""The commands of postern, each run as an admin would; POSTERN names the program (default: postern in PATH)."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import dkim
import pytest
from milter import Milter, add, change, insert

POSTERN = os.environ.get("POSTERN") or shutil.which("postern") or "postern"
MESSAGE = (b"From: Alice <alice@example.com>\r\nTo: bob@example.net\r\nSubject: a  test\r\n"
           b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nX-Fold: one\r\n\ttwo\r\n\r\nHello.\r\n")
NOW = "1800000000"


def run(*arguments, message=None, code=0):
    """Run a command and hold it to its exit code; octets out and text of standard error."""
    done = subprocess.run([POSTERN, *map(str, arguments)], input=message, capture_output=True, timeout=60)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr.decode()


def record_text(zone):
    return "".join(re.findall(r'"([^"]*)"', zone))


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A directory with an RSA and an Ed25519 key of example.com and their records."""
    directory = tmp_path_factory.mktemp("keys")
    rsa, _ = run("keygen", "-d", "example.com", "-s", "rsa", "-D", directory)
    ed25519, _ = run("keygen", "-d", "example.com", "-s", "ed", "-t", "ed25519", "-D", directory)
    (directory / "records").write_bytes(rsa + ed25519)
    return directory


def key_option(keys, selector):
    return f"example.com:{selector}:{keys}/{selector}.example.com.pem"


# main


def test_overview():
    out, _ = run("--help")
    for command in (b"run", b"check", b"keygen", b"testkey", b"sign", b"verify", b"probe"):
        assert re.search(rb"^  " + command + rb" ", out, re.M)
    assert b"worker" not in out
    assert re.fullmatch(rb"postern \d+\.\d+\.\d+\n", run("--version")[0])


def test_wrong_commands():
    assert 'wanted a command, got "sing"' in run("sing", code=64)[1]
    assert "usage:" in run(code=64)[1]


@pytest.mark.parametrize("command", ["keygen", "testkey", "sign", "verify", "probe"])
def test_help_and_wrong_options(command):
    assert run(command, "--help")[0].startswith(b"usage: postern " + command.encode())
    assert "--help" in run(command, "--no-such-option", code=64)[1]
    assert "wanted" in run(command, "a", "b", "c", "d", code=64)[1]


def test_lost_output_is_an_error(keys):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([POSTERN, "sign", "-k", key_option(keys, "rsa")], input=MESSAGE, stdout=full,
                              stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 74


# keygen


def test_keygen_writes_a_private_file(keys):
    path = keys / "rsa.example.com.pem"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    checked = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], capture_output=True, check=True)
    assert base64.b64decode(record_text((keys / "records").read_text().split(")")[0]).split("p=")[1]) == checked.stdout


def test_keygen_never_overwrites(keys):
    path = keys / "rsa.example.com.pem"
    before = path.read_bytes()
    _, error = run("keygen", "-d", "example.com", "-s", "rsa", "-D", keys, code=73)
    assert "File exists" in error
    assert path.read_bytes() == before


def test_keygen_does_not_follow_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    run("keygen", "-d", "example.com", "-s", "a", "-o", tmp_path / "link", code=73)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("bits", [2048, 4096])
def test_keygen_zone_strings(tmp_path, bits):
    out, _ = run("keygen", "-d", "example.com", "-s", "s1", "-b", bits, "-D", tmp_path)
    text = out.decode()
    strings = re.findall(r'"([^"]*)"', text)
    assert text.startswith("s1._domainkey.example.com. 3600 IN TXT (")
    assert all(0 < len(s) <= 255 for s in strings) and len(strings) > 1
    assert record_text(text).startswith("v=DKIM1; k=rsa; p=")


def test_keygen_relative_name(tmp_path):
    out, _ = run("keygen", "-d", "example.com", "-s", "s1", "-t", "ed25519", "--relative", "--ttl", 60, "-D", tmp_path)
    assert out.startswith(b"s1._domainkey 60 IN TXT (")
    assert len(base64.b64decode(record_text(out.decode()).split("p=")[1])) == 32  # R78


def test_keygen_line(tmp_path):
    out, _ = run("keygen", "-d", "example.com", "-s", "s1", "-f", "line", "-D", tmp_path)
    assert re.fullmatch(rb"v=DKIM1; k=rsa; p=[A-Za-z0-9+/=]+\n", out)


def test_keygen_nsupdate(tmp_path):
    out, _ = run("keygen", "-d", "example.com", "-s", "s1", "-f", "nsupdate", "-D", tmp_path)
    lines = out.decode().splitlines()
    assert lines[0].startswith('update add s1._domainkey.example.com. 3600 TXT "v=DKIM1; ')
    assert lines[1:] == ["send"]


def test_keygen_json(tmp_path):
    out, _ = run("keygen", "-d", "example.com", "-s", "s1", "--json", "-D", tmp_path)
    made = json.loads(out)
    assert made["name"] == "s1._domainkey.example.com"
    assert "".join(made["strings"]) == made["value"]
    assert (made["type"], made["bits"], made["file"]) == ("rsa", 2048, f"{tmp_path}/s1.example.com.pem")


def test_keygen_short_keys(tmp_path):
    """R76"""
    assert "warning" in run("keygen", "-d", "example.com", "-s", "weak", "-b", 1024, "-D", tmp_path)[1]
    assert "wanted a number from 1024" in run("keygen", "-d", "example.com", "-s", "w", "-b", 1023, "-D", tmp_path, code=64)[1]


@pytest.mark.parametrize("domain, selector", [("example.com.", "s"), ("a/../b", "s"), ("example.com", "../s"), ("", "s"),
                                              ("example.com", ""), ("b\u00fccher..example", "s"), ("a" * 64 + ".com", "s"),
                                              (".".join(["a" * 60] * 4), "selector")])
def test_keygen_bad_names(tmp_path, domain, selector):
    assert "wanted" in run("keygen", "-d", domain, "-s", selector, "-D", tmp_path, code=64)[1]
    assert list(tmp_path.iterdir()) == []


# sign


def published(keys):
    """dkimpy's way of asking for the records."""
    records = {}
    for block in (keys / "records").read_text().split(")\n"):
        if block.strip():
            records[block.split()[0].encode()] = record_text(block).encode()
    return lambda name, timeout=5: records.get(name)


@pytest.mark.parametrize("canonicalization", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed", "relaxed"])
@pytest.mark.parametrize("selector", ["rsa", "ed"])
def test_sign_for_dkimpy(keys, canonicalization, selector):
    signed, _ = run("sign", "-k", key_option(keys, selector), "-c", canonicalization, message=MESSAGE)
    assert signed.endswith(MESSAGE)
    assert dkim.verify(signed, dnsfunc=published(keys))


def test_sign_with_two_keys(keys):
    """R80"""
    signed, _ = run("sign", "-k", key_option(keys, "rsa"), "-k", key_option(keys, "ed"), message=MESSAGE)
    assert signed.count(b"DKIM-Signature:") == 2
    for i in range(2):
        assert dkim.DKIM(signed).verify(idx=i, dnsfunc=published(keys))


def test_sign_text_with_lf(keys, tmp_path):
    (tmp_path / "mail").write_bytes(MESSAGE.replace(b"\r\n", b"\n"))
    signed, _ = run("sign", "-k", key_option(keys, "rsa"), tmp_path / "mail")
    assert signed.endswith(MESSAGE)
    assert dkim.verify(signed, dnsfunc=published(keys))


def test_sign_header_only(keys):
    field, _ = run("sign", "-k", key_option(keys, "ed"), "--header-only", "--now", NOW, "--expire", 60, message=MESSAGE)
    assert field.startswith(b"DKIM-Signature: v=1;") and field.endswith(b"\r\n") and b"Subject: " not in field
    unfolded = re.sub(rb"\r\n\s+", b" ", field)
    assert b" t=1800000000;" in unfolded and b" x=1800000060;" in unfolded
    assert max(map(len, field.split(b"\r\n"))) <= 78  # R99


def test_sign_chosen_headers(keys):
    field, _ = run("sign", "-k", key_option(keys, "ed"), "--headers", "Subject:X-Fold:To", "--omit", "To", "--header-only",
                   message=MESSAGE)
    names = re.search(rb"h=([^;]*);", re.sub(rb"\s", b"", field)).group(1).lower().split(b":")
    assert set(names) == {b"from", b"subject", b"x-fold"}


@pytest.mark.parametrize("header", [b"Subject: x\r\n", b"From: a@example.com\r\nFrom: b@example.com\r\n", b"From: nobody\r\n"])
def test_sign_wants_one_from(keys, header):
    """R94"""
    out, error = run("sign", "-k", key_option(keys, "ed"), message=header + b"\r\nbody\r\n", code=65)
    assert out == b"" and "wanted one From field" in error


def test_sign_too_many_fields(keys):
    header = b"From: joe@example.com\r\n" + b"".join(b"X-%0500d: x\r\n" % i for i in range(30))
    names = ":".join(f"X-{i:0500d}" for i in range(30))
    out, error = run("sign", "-k", key_option(keys, "ed"), "--headers", names, message=header + b"\r\nbody\r\n", code=65)
    assert out == b"" and "12288 octets in h=" in error


def test_sign_bad_keys(keys, tmp_path):
    assert "wanted DOMAIN:SELECTOR:FILE" in run("sign", "-k", "example.com", message=MESSAGE, code=64)[1]
    assert "got none" in run("sign", message=MESSAGE, code=64)[1]
    run("sign", "-k", f"example.com:s:{tmp_path}/missing", message=MESSAGE, code=66)
    shutil.copy(keys / "rsa.example.com.pem", tmp_path / "open")
    (tmp_path / "open").chmod(0o644)
    assert "wanted no access for others, got mode 0644" in run("sign", "-k", f"example.com:s:{tmp_path}/open", message=MESSAGE,
                                                               code=65)[1]


# verify


def test_verify_own_signatures(keys):
    signed, _ = run("sign", "-k", key_option(keys, "rsa"), "-k", key_option(keys, "ed"), message=MESSAGE)
    out, _ = run("verify", "--records", keys / "records", "--authserv-id", "mx.example.net", message=signed)
    assert out.startswith(b"Authentication-Results: mx.example.net;") and b"\r" not in out
    assert out.count(b"dkim=pass") == 2
    assert b"header.s=rsa" in out and b"header.s=ed" in out


def test_verify_of_dkimpy(keys):
    field = dkim.sign(MESSAGE, b"rsa", b"example.com", (keys / "rsa.example.com.pem").read_bytes())
    assert b"dkim=pass" in run("verify", "--records", keys / "records", message=field + MESSAGE)[0]


def test_verify_changed_body(keys):
    signed, _ = run("sign", "-k", key_option(keys, "rsa"), message=MESSAGE)
    out, _ = run("verify", "--records", keys / "records", message=signed + b"more\r\n", code=1)
    assert b"dkim=fail" in out and b"body hash did not verify" in out


def test_verify_one_pass_is_enough(keys):
    """R30"""
    first, _ = run("sign", "-k", key_option(keys, "rsa"), message=MESSAGE)
    broken = first.replace(b"bh=", b"bh=AAAA", 1)
    signed, _ = run("sign", "-k", key_option(keys, "ed"), message=broken)
    results = json.loads(run("verify", "--records", keys / "records", "--json", message=signed)[0])
    assert [s["result"] for s in results["signatures"]] == ["pass", "permerror"]


def test_verify_unsigned(keys):
    """R87"""
    assert b"dkim=none" in run("verify", "--records", keys / "records", message=MESSAGE, code=1)[0]


def test_verify_unknown_key(keys, tmp_path):
    """R65"""
    signed, _ = run("sign", "-k", key_option(keys, "rsa"), message=MESSAGE)
    (tmp_path / "empty").write_text("; nothing\n")
    out, _ = run("verify", "--records", tmp_path / "empty", message=signed, code=1)
    assert b"dkim=permerror" in out and b"no key for signature" in out


def test_verify_at_another_time(keys):
    """R24, R25"""
    signed, _ = run("sign", "-k", key_option(keys, "ed"), "--now", NOW, "--expire", 3600, message=MESSAGE)
    for now, reason, code in ((1800000010, "signature verified", 0), (1800009999, "signature expired", 1),
                              (1799990000, "t= lies in the future", 1)):
        out, _ = run("verify", "--records", keys / "records", "--now", now, "--json", message=signed, code=code)
        assert json.loads(out)["signatures"][0]["reason"] == reason


def test_verify_dead_server(keys):
    """R65: a server that does not answer is temperror, within the time given."""
    signed, _ = run("sign", "-k", key_option(keys, "ed"), message=MESSAGE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        before = time.monotonic()
        out, _ = run("verify", "--server", f"127.0.0.1@{silent.getsockname()[1]}", "--timeout", 2, message=signed, code=1)
        assert time.monotonic() - before < 10
    assert b"dkim=temperror" in out


def test_verify_bad_files(keys, tmp_path):
    (tmp_path / "bad").write_text("name TXT\n")
    assert "bad:1: wanted" in run("verify", "--records", tmp_path / "bad", message=MESSAGE, code=65)[1]
    run("verify", "--records", tmp_path / "missing", message=MESSAGE, code=66)
    run("verify", "--records", keys / "records", tmp_path / "missing", code=66)


# probe


def test_probe_reports_changes(tmp_path):
    milter = Milter(tmp_path / "s", {b"E": [insert(0, b"X-New", b" a\n\tb\x1b\xff"), b"p", b"qheld\0", b"c"]})
    out, _ = run("probe", milter.spec, message=MESSAGE)
    assert out.decode().splitlines()[1:] == [
        'insert-header 0 "X-New" " a\\n\\tb\\x1b\\xff"', "progress", 'quarantine "held"', "verdict at end-of-message: continue"]
    assert milter.sent(b"L")[-1] == b"LX-Fold\0 one\n\ttwo\0"
    assert milter.sent(b"C") == [b"Clocalhost\0" b"4\xc0\x00127.0.0.1\0"]


def test_probe_applies_changes(tmp_path):
    changes = [change(1, b"Subject", b""), insert(0, b"X-New", b" a\n\tb"), b"c"]
    out, error = run("probe", Milter(tmp_path / "s", {b"E": changes}).spec, "--apply", message=MESSAGE)
    assert out == b"X-New: a\r\n\tb\r\n" + MESSAGE.replace(b"Subject: a  test\r\n", b"")
    assert "delete-header 1" in error and "verdict at end-of-message: continue" in error


def test_probe_without_leading_space(tmp_path):
    milter = Milter(tmp_path / "s", {b"E": [add(b"X-New", b"v"), b"c"]}, protocol=0)
    out, _ = run("probe", milter.spec, "--no-leadspc", "--apply", "-q", message=MESSAGE)
    assert b"\r\nX-New: v\r\n\r\n" in out
    assert milter.sent(b"L")[0] == b"LFrom\0Alice <alice@example.com>\0"


def test_probe_json(tmp_path):
    milter = Milter(tmp_path / "s", {b"E": [add(b"X", b"\xfc"), b"y550 5.7.1 100%% no\0"]})
    report = json.loads(run("probe", milter.spec, "--json", "--time", message=MESSAGE, code=69)[0])
    assert report["changes"] == [{"change": "add-header", "name": "X", "value": "\xfc"}]
    assert (report["stage"], report["verdict"], report["reply"]) == ("end-of-message", "reject", "550 5.7.1 100% no")
    assert report["negotiated"]["leading_space"] is True
    assert report["milliseconds"]["total"] > 0


@pytest.mark.parametrize("command, reply, code", [(b"C", b"a", 0), (b"E", b"a", 0), (b"E", b"r", 69), (b"M", b"r", 69), (b"R", b"r", 69),
                                                  (b"B", b"d", 69), (b"E", b"t", 75), (b"H", b"4", 75), (b"E", b"s", 76),
                                                  (b"L", b"?", 76), (b"E", b"y250 fine\0", 76), (b"B", b"s", 0)])
def test_probe_exit_codes(tmp_path, command, reply, code):
    run("probe", Milter(tmp_path / "s", {command: [reply]}).spec, "-q", message=MESSAGE, code=code)


def test_probe_nothing_is_applied_when_rejected(tmp_path):
    assert run("probe", Milter(tmp_path / "s", {b"E": [b"r"]}).spec, "--apply", message=MESSAGE, code=69)[0] == b""


def test_probe_filter_hangs_up(tmp_path):
    assert "wanted a reply, got the end of the connection" in run(
        "probe", Milter(tmp_path / "s", {b"R": None}).spec, message=MESSAGE, code=76)[1]


def test_probe_filter_says_nothing(tmp_path):
    assert "got none in time" in run("probe", Milter(tmp_path / "s", {b"M": []}).spec, "--timeout", 1, message=MESSAGE, code=75)[1]


def test_probe_packet_above_the_maximum(tmp_path):
    milter = Milter(tmp_path / "s", {b"E": [b"b" + bytes(2 << 20), b"c"]})
    assert "wanted a packet of 1 to 1048576 octets" in run("probe", milter.spec, message=MESSAGE, code=76)[1]


def test_probe_unreachable(tmp_path):
    assert "wanted a connection" in run("probe", f"unix:{tmp_path}/none", message=MESSAGE, code=75)[1]
    assert "wanted inet:25@127.0.0.1" in run("probe", "inet:127.0.0.1:25", message=MESSAGE, code=64)[1]
    run("probe", f"unix:{tmp_path}/none", tmp_path / "missing", code=66)


def test_probe_recipients_and_macros(tmp_path):
    milter = Milter(tmp_path / "s", {b"R": [b"c"]})
    run("probe", milter.spec, "-f", "", "-r", "a@example.net", "-r", "<b@example.net>", "-D", "daemon_name=ORIGINATING",
        "--client", "mail.example.org,2001:db8::7", "--helo", "helo.example.org", message=MESSAGE)
    assert milter.sent(b"M") == [b"M<>\0"]
    assert milter.sent(b"R") == [b"R<a@example.net>\0", b"R<b@example.net>\0"]
    assert milter.sent(b"H") == [b"Hhelo.example.org\0"]
    assert milter.sent(b"C") == [b"Cmail.example.org\0" b"6\xc0\x002001:db8::7\0"]
    macros = milter.sent(b"D")
    assert macros[0].startswith(b"DCj\0") and b"\0{daemon_name}\0ORIGINATING\0" in macros[0]
    assert [m for m in macros if m[:2] == b"DR"] == [
        b"DR{rcpt_addr}\0%s\0{rcpt_mailer}\0smtp\0" % a for a in (b"a@example.net", b"b@example.net")]


def test_probe_chunks(tmp_path):
    milter = Milter(tmp_path / "s", {})
    body = bytes(range(256)) * 1024
    run("probe", milter.spec, message=b"From: a@example.com\r\n\r\n" + body)
    chunks = milter.sent(b"B")
    assert [len(c) - 1 for c in chunks] == [65535] * 4 + [4]
    assert b"".join(c[1:] for c in chunks) == body


# probe against opendkim


@pytest.fixture
def opendkim(tmp_path, keys):
    """Start opendkim in one of its modes; the socket's specification."""
    if not shutil.which("opendkim"):
        pytest.skip("opendkim is not installed")
    started = []

    def start(mode):
        config = tmp_path / "opendkim.conf"
        config.write_text(f"Socket local:{tmp_path}/opendkim\nMode {mode}\nDomain example.com\nSelector rsa\n"
                          f"KeyFile {keys}/rsa.example.com.pem\nBackground no\nCanonicalization relaxed/relaxed\n"
                          f"InternalHosts 127.0.0.1\nTestDNSData file:{tmp_path}/published\nRequireSafeKeys no\nSyslog no\n")
        (tmp_path / "published").write_text(
            "rsa._domainkey.example.com " + record_text((keys / "records").read_text().split(")")[0]) + "\n")
        process = subprocess.Popen(["opendkim", "-f", "-x", config], stderr=subprocess.DEVNULL)
        started.append(process)
        deadline = time.monotonic() + 10
        while not (tmp_path / "opendkim").exists():
            assert process.poll() is None and time.monotonic() < deadline, "opendkim does not start"
            time.sleep(0.05)
        return f"local:{tmp_path}/opendkim"

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def test_probe_opendkim_signs(opendkim, keys):
    out, error = run("probe", opendkim("s"), "--apply", "-f", "alice@example.com", message=MESSAGE)
    assert "insert-header" in error and "DKIM-Signature" in error
    assert dkim.verify(out, dnsfunc=published(keys))
    assert b"dkim=pass" in run("verify", "--records", keys / "records", message=out)[0]


def test_probe_opendkim_verifies(opendkim, keys):
    signed, _ = run("sign", "-k", key_option(keys, "rsa"), message=MESSAGE)
    out, _ = run("probe", opendkim("v"), "--client", "mail.example.org,192.0.2.7", message=signed)
    assert b"Authentication-Results" in out and b"dkim=pass" in out
