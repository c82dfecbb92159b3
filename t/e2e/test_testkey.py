"""postern testkey: one key or all of a configuration, against real answers of DNS."""

import json

import pytest
from nameserver import Nameserver
from ports import free_port
from postern import Key, command, records_of

NAME = "{}._domainkey.example.com"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("testkey")
    return {selector: Key(directory, "example.com", selector, kind) for selector, kind in (("rsa", "rsa"), ("ed", "ed25519"))}


@pytest.fixture(scope="module")
def nameserver(tmp_path_factory, keys):
    server = Nameserver(tmp_path_factory.mktemp("dns") / "dns")
    text = {selector: strings(records_of(key.zone_lines)[NAME.format(selector)]) for selector, key in keys.items()}
    server.publish(
        f"{NAME.format('rsa')} 300 TXT {text['rsa']}", f"{NAME.format('ed')} 300 TXT {text['ed']}",
        f"{NAME.format('alias')} 300 CNAME rsa.keys.example.net", f"rsa.keys.example.net 200 TXT {text['rsa']}",
        f"{NAME.format('two')} 300 TXT \"v=DKIM1; p=\"", f"{NAME.format('two')} 300 TXT {text['ed']}",
        f"{NAME.format('revoked')} 300 TXT \"v=DKIM1; p=\"", f"{NAME.format('broken')} SERVFAIL", f"{NAME.format('silent')} DROP",
        "example.org SIGNED", f"good._domainkey.example.org 300 TXT {text['ed']}",
        f"bogus._domainkey.example.org 300 TXT {text['ed']}", "bogus._domainkey.example.org BOGUS")
    yield server
    server.stop()


def strings(text):
    return " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))


def testkey(nameserver, *arguments, code=0):
    run = command("testkey", "--timeout", "1", "--server", f"127.0.0.1@{nameserver.port}", *map(str, arguments))
    assert run.returncode == code, (run.stdout, run.stderr)
    return run.stdout.decode()


testkey.__test__ = False


def test_answer_and_match(nameserver, keys):
    out = testkey(nameserver, "example.com", "rsa", keys["rsa"].file)
    assert out.splitlines()[0] == "rsa._domainkey.example.com"
    assert f"{keys['rsa'].file}: 2048-bit RSA, changed 0 minutes ago\n" in out
    assert f"found, from server 127.0.0.1@{nameserver.port}, TTL 300 s, not validated by DNSSEC" in out
    assert '"v=DKIM1; k=rsa; p=' in out and '" (2048 bits)\n' in out
    assert out.endswith(f"result   good: DNS has the other half of {keys['rsa'].file}\n")


def test_cname(nameserver, keys):
    assert "CNAMEs lead to rsa.keys.example.net\n" in testkey(nameserver, "example.com", "alias", keys["rsa"].file)


@pytest.mark.parametrize("selector, key, code, words", [
    ("rsa", None, 0, "good: DNS has a key that can be used"),
    ("two", "ed", 0, " of 2 records; one alone is safer"),
    ("rsa", "ed", 78, "not good: DNS has another key than the other half of"),
    ("none", None, 68, "not good: there is no TXT record at none._domainkey.example.com"),
    ("revoked", None, 65, "cannot be used: key revoked"),
    ("broken", None, 75, "DNS gave no answer about broken._domainkey.example.com: query failed"),
    ("silent", None, 75, "DNS gave no answer about silent._domainkey.example.com: timed out"),
])
def test_verdicts(nameserver, keys, selector, key, code, words):
    assert words in testkey(nameserver, "example.com", selector, *([keys[key].file] if key else []), code=code)


def test_dnssec(nameserver, keys):
    """R65"""
    anchor = nameserver.anchor
    testkey(nameserver, "example.org", "good")  # the server has read its rules, and written the anchor
    out = testkey(nameserver, "example.org", "good", keys["ed"].file, "--trust-anchor", anchor)
    assert "TTL 300 s, validated by DNSSEC" in out
    out = testkey(nameserver, "example.org", "bogus", keys["ed"].file, "--trust-anchor", anchor, code=76)
    assert "failed DNSSEC: it was altered" in out


def test_dead_server():
    run = command("testkey", "--timeout", "1", "--server", f"127.0.0.1@{free_port()}", "example.com", "rsa")
    assert run.returncode == 75 and b"DNS gave no answer" in run.stdout


def test_json(nameserver, keys):
    key = json.loads(testkey(nameserver, "--json", "example.com", "alias", keys["rsa"].file))["keys"][0]
    assert (key["name"], key["good"], key["code"]) == ("alias._domainkey.example.com", True, 0)
    assert (key["answer"]["canonical_name"], key["answer"]["ttl"], key["answer"]["records"][0]["bits"]) == ("rsa.keys.example.net", 200, 2048)
    assert (key["key"]["type"], key["key"]["bits"], key["key"]["dns_agrees"]) == ("rsa", 2048, True)
    key = json.loads(testkey(nameserver, "--json", "example.com", "none", code=68))["keys"][0]
    assert (key["good"], key["code"], "key" in key) == (False, 68, False)


@pytest.mark.parametrize("change, code, words", [
    (lambda path: path.unlink(), 66, "No such file"),
    (lambda path: path.chmod(0o644), 65, "wanted no access for others"),
    (lambda path: path.write_text("x"), 65, "private key"),
], ids=["missing", "open to others", "no key"])
def test_key_file(nameserver, tmp_path, change, code, words):
    path = Key(tmp_path, "example.com", "rsa", "ed25519").file
    change(path)
    assert words in testkey(nameserver, "example.com", "rsa", path, code=code)


@pytest.mark.parametrize("arguments", [(), ("example.com",), ("a..b", "rsa"), ("example.com", "a..b"), ("-c", "x", "a", "b"),
                                       ("-c", "x", "-r", "y"), ("a", "b", "c", "d")])
def test_wrong_command_lines(arguments):
    run = command("testkey", *arguments)
    assert run.returncode == 64 and run.stdout == b"" and b"wanted" in run.stderr


def test_name_beyond_DNS():
    """R71"""
    run = command("testkey", ".".join(["a" * 60] * 4), "s" * 60)
    assert run.returncode == 65 and b"is no possible name in DNS" in run.stdout


def test_international_domain(tmp_path):
    """R108"""
    (tmp_path / "records").write_text('s._domainkey.xn--bcher-kva.example TXT "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="\n')
    run = command("testkey", "-r", tmp_path / "records", "bücher.example", "s")
    assert run.returncode == 0 and run.stdout.startswith(b"s._domainkey.xn--bcher-kva.example\n")


class TestConfiguration:
    @pytest.fixture
    def file(self, tmp_path, keys, nameserver):
        table, senders, path = tmp_path / "keys", tmp_path / "senders", tmp_path / "postern.conf"
        table.write_text(f"row example.com:ed:{keys['ed'].file}\nany %:ed:{keys['ed'].file}\n")
        senders.write_text("*@example.com row\n*@example.net any\n")
        path.write_text(f"""
            listener out {{ socket = "inet:{free_port()}@127.0.0.1" role = sign }}
            dns {{ servers = {{"127.0.0.1@{nameserver.port}"}} timeout = 1s }}
            sign {{
                key good {{ selector = rsa domain = "example.com" file = "{keys['rsa'].file}" state = retired }}
                key wrong {{ selector = alias domain = "example.com" file = "{keys['ed'].file}" state = next }}
                key-table = "{table}" signing-table = "refile:{senders}"
            }}""")
        return path

    def test_all(self, file):
        """The rows of tables too, but for those of any domain; the first fault is the exit code."""
        run = command("testkey", "-c", file, "--json")
        found = {key["key"]["name"]: (key["key"]["state"], key["code"]) for key in json.loads(run.stdout)["keys"]}
        assert found == {"good": ("retired", 0), "wrong": ("next", 78), "row": ("active", 0)}
        assert run.returncode == 78

    def test_one(self, file):
        run = command("testkey", "-c", file, "good")
        assert run.returncode == 0 and b"  key      good, state retired\n" in run.stdout and b"alias" not in run.stdout

    def test_none(self, file):
        run = command("testkey", "-c", file, "nobody")
        assert run.returncode == 78 and b'wanted a key "nobody", got none' in run.stderr

    def test_faults(self, file, tmp_path):
        assert command("testkey", "-c", tmp_path / "none").returncode == 66
        (tmp_path / "keys").write_text("x\n")
        run = command("testkey", "-c", file)
        assert run.returncode == 78 and b"keys:1:" in run.stderr
        file.write_text("foo = 1\n")
        run = command("testkey", "-c", file)
        assert run.returncode == 78 and b"foo" in run.stderr
