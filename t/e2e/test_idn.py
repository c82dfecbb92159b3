"""International domains through a real MTA: U-labels in mail, A-labels in DNS and on the wire (RFC 8616)."""

import re
import subprocess

import dkim
import judges
import mail
import pytest
from postern import Key, command, records_of
from results import topmost

U_DOMAIN, A_DOMAIN = "bücher.example", "xn--bcher-kva.example"
UTF8 = {"sender": f"jörg@{U_DOMAIN}", "parameters": "SMTPUTF8"}
NOW = "1800000000"
smtputf8 = pytest.mark.needs("SMTPUTF8")


@pytest.fixture(scope="module", params=[U_DOMAIN, A_DOMAIN], ids=["configured as U-label", "configured as A-label"])
def keys(request, tmp_path_factory):
    """An RSA and an Ed25519 key of the domain, the second under a selector with a U-label."""
    directory = tmp_path_factory.mktemp("idn")
    return [Key(directory, request.param, selector, kind) for selector, kind in (("rsa", "rsa"), ("schlüssel", "ed25519"))]


@pytest.fixture
def records(keys):
    return records_of("".join(key.zone_lines for key in keys))


@pytest.fixture
def international(session_gate, keys):
    """The gate with these keys instead of its own."""
    file = session_gate.directory / "idn-records"
    file.write_text("".join(key.zone_lines for key in keys))
    session_gate.postern.start(keys=keys, records=file)
    return session_gate


def author(local_part, domain, **options):
    return mail.message(sender=f"{local_part}@{domain}", **options)


def signatures(raw):
    return [mail.tags(value) for value in mail.values(raw, "DKIM-Signature")]


def results(raw):
    """{selector: (result, domain)} of our own field, and that field as text."""
    value = mail.values(raw, "Authentication-Results")[0].encode("latin-1").decode()
    found = re.findall(r'dkim=(\w+)[^;]*?header\.d="?([^"\s;]*)"?[^;]*?header\.s="?([^"\s;]*)', value)
    return {selector: (result, domain) for result, domain, selector in found}, value


def test_keygen_publishes_a_labels(records):
    assert set(records) == {f"rsa._domainkey.{A_DOMAIN}", f"xn--schlssel-95a._domainkey.{A_DOMAIN}"}


@smtputf8
@pytest.mark.parametrize("domain", [U_DOMAIN, A_DOMAIN, "BÜCHER.example", "bu\u0308cher.example"])
def test_R108_from_finds_the_key_of_its_domain_in_any_form(international, records, domain):
    raw = international.sign(author("joe", domain), parameters="SMTPUTF8")
    assert judges.dkimpy(raw, records) == {"rsa": True, "xn--schlssel-95a": True}


def test_R108_a_label_in_from_without_smtputf8(international, records):
    raw = international.sign(author("joe", A_DOMAIN))
    assert judges.dkimpy(raw, records) == {"rsa": True, "xn--schlssel-95a": True}
    found, _ = results(international.verify(raw))
    assert found == {"rsa": ("pass", A_DOMAIN), "xn--schlssel-95a": ("pass", A_DOMAIN)}


@smtputf8
def test_R100_a_labels_on_the_wire(international):
    raw = international.sign(author("jörg", U_DOMAIN), **UTF8)
    assert [tags["d"] for tags in signatures(raw)] == [A_DOMAIN, A_DOMAIN]
    assert {tags["s"] for tags in signatures(raw)} == {"rsa", "xn--schlssel-95a"}


@smtputf8
def test_R108_another_u_label_is_not_signed(international):
    raw = international.sign(author("joe", "bäcker.example"), parameters="SMTPUTF8")
    assert signatures(raw) == []


@smtputf8
def test_R110_bad_idna_in_from_is_not_signed(international):
    raw = international.sign(author("joe", "\U0001f600.example"), parameters="SMTPUTF8")
    assert signatures(raw) == []
    assert international.postern.lines(event="message", reason="the mailbox of From has no domain name")


@smtputf8
def test_R108_there_and_back(international):
    raw = international.sign(author("jörg", U_DOMAIN), **UTF8)
    found, _ = results(international.verify(raw, **UTF8))
    assert found == {"rsa": ("pass", U_DOMAIN), "schlüssel": ("pass", U_DOMAIN)}


@smtputf8
def test_R108_mail_without_smtputf8_is_told_a_labels(international):
    """What the mail itself holds does not matter: the MTA has said that it may be handed to those who know ASCII alone."""
    raw = international.sign(author("jörg", U_DOMAIN), **UTF8)
    arrived = international.verify(raw, parameters="BODY=8BITMIME")
    found, value = results(arrived)
    assert found == {"rsa": ("pass", A_DOMAIN), "xn--schlssel-95a": ("pass", A_DOMAIN)}
    assert value.isascii() and {result.domain for result in topmost(arrived).results} == {A_DOMAIN}


def signed_by_dkimpy(key, raw, domain, identity):
    """By the other implementation, which puts into d=, s= and i= what it is told."""
    field = dkim.sign(raw, key.selector.encode(), domain.encode(), key.file.read_bytes(), identity=identity.encode(),
                      include_headers=[b"from", b"to", b"subject"])
    return field + raw


@smtputf8
@pytest.mark.parametrize("identity", [f"jörg@{U_DOMAIN}", f"jörg@post.{U_DOMAIN}", f"@{U_DOMAIN}"],
                         ids=["domain", "subdomain", "no local part"])
def test_R109_signature_with_u_labels_passes(international, keys, identity):
    raw = signed_by_dkimpy(keys[0], author("jörg", U_DOMAIN), U_DOMAIN, identity)
    assert f"d={U_DOMAIN};".encode() in raw
    found, value = results(international.verify(raw, **UTF8))
    assert found == {"rsa": ("pass", U_DOMAIN)}
    assert f'header.i="{identity}"' in value


@smtputf8
@pytest.mark.parametrize("bad", ["\U0001f600.example", "ｂuch.example", "\u0308x.example", "b\u200dc.example"])
def test_R110_bad_idna_is_permerror(international, keys, bad):
    raw = signed_by_dkimpy(keys[0], author("jörg", U_DOMAIN), bad, f"@{bad}")
    value = results(international.verify(raw, **UTF8))[1]
    assert "dkim=permerror" in value and "no U-label" in value and "header.d" not in value


# the commands


def run(*arguments, message=None, code=0):
    done = command(*arguments, input=message)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize("given", [U_DOMAIN, A_DOMAIN])
def test_R108_sign_and_verify_take_either_form(tmp_path, given):
    zone = run("keygen", "-d", given, "-s", "sel", "-t", "ed25519", "-D", tmp_path)
    (tmp_path / "records").write_bytes(zone)
    for domain in (U_DOMAIN, A_DOMAIN):
        raw = run("sign", "-k", f"{domain}:sel:{tmp_path}/sel.{A_DOMAIN}.pem", "--now", NOW, message=author("jörg", U_DOMAIN))
        assert signatures(raw)[0]["d"] == A_DOMAIN
        told = run("verify", "--records", tmp_path / "records", "--now", NOW, "-a", "mx.example.net", message=raw).decode()
        assert "dkim=pass" in told and f"header.d={A_DOMAIN}" in told


def test_R108_records_may_have_u_labels(tmp_path):
    zone = run("keygen", "-d", U_DOMAIN, "-s", "sel", "-t", "ed25519", "-D", tmp_path).decode()
    (tmp_path / "records").write_text(zone.replace(A_DOMAIN, U_DOMAIN))
    raw = run("sign", "-k", f"{U_DOMAIN}:sel:{tmp_path}/sel.{A_DOMAIN}.pem", "--now", NOW, message=author("jörg", U_DOMAIN))
    assert b"dkim=pass" in run("verify", "--records", tmp_path / "records", "--now", NOW, message=raw)


@pytest.mark.parametrize("arguments", [("keygen", "-s", "sel", "-d", "\U0001f600.example"), ("keygen", "-s", "\u0308", "-d", "example.com"),
                                       ("sign", "-k", "\U0001f600.example:sel:/nowhere")])
def test_R110_commands_refuse_bad_idna(arguments):
    assert b"wanted" in command(*arguments, stdin=subprocess.DEVNULL).stderr
    assert command(*arguments, stdin=subprocess.DEVNULL).returncode == 64


def test_R108_check_finds_the_record(international, keys, tmp_path):
    file = tmp_path / "postern.conf"
    file.write_text(international.postern.configuration(keys=keys, records=international.directory / "idn-records"))
    told = command("check", "-c", file).stdout.decode()
    assert len(re.findall(rf"for {re.escape(A_DOMAIN)}, .*; published in the records file", told)) == 2, told


def test_R110_configuration_with_bad_idna_is_refused(international, keys, tmp_path):
    file = tmp_path / "postern.conf"
    file.write_text(international.postern.configuration(keys=keys).replace(f'domain = "{keys[0].domain}"', 'domain = "\U0001f600.example"'))
    done = command("check", "-c", file)
    assert done.returncode != 0 and b"wanted a domain name" in done.stdout + done.stderr
