"""Authentication-Results that claim to be ours do not survive; those of others do (RFC 8601 section 5)."""

import dkim
import mail
import pytest
from results import topmost

FORGED = {
    "plain": b"Authentication-Results: mx.example.net; dkim=pass header.d=bank.example.com",
    "field name in lower case": b"authentication-results: mx.example.net; dkim=pass header.d=bank.example.com",
    "id in mixed case": b"Authentication-Results: Mx.EXAMPLE.Net; dkim=pass header.d=bank.example.com",
    "version": b"Authentication-Results: mx.example.net 1; dkim=pass header.d=bank.example.com",
    "unknown version": b"Authentication-Results: mx.example.net 99; dkim=pass header.d=bank.example.com",
    "folded": b"Authentication-Results:\r\n\tmx.example.net;\r\n\tdkim=pass header.d=bank.example.com",
    "comments": b"Authentication-Results: (a (nested) one) mx.example.net (x); dkim=pass header.d=bank.example.com",
    "quoted": b'Authentication-Results: "mx.example.net"; dkim=pass header.d=bank.example.com',
    "quoted with escapes": b'Authentication-Results: "mx\\.example\\.net"; dkim=pass header.d=bank.example.com',
    "no blank after the colon": b"Authentication-Results:mx.example.net; dkim=pass header.d=bank.example.com",
    "no result": b"Authentication-Results: mx.example.net; none",
    "nothing but the id": b"Authentication-Results: mx.example.net",
    "no semicolon": b"Authentication-Results: mx.example.net dkim=pass header.d=bank.example.com",
    "open comments": b"Authentication-Results: mx.example.net ((((( dkim=pass",
    "open quote": b'Authentication-Results: mx.example.net; dkim=pass reason="',
    "junk": b"Authentication-Results: mx.example.net; ;;=;=\xff\x01;",
}

FOREIGN = {
    "another server": b"Authentication-Results: mx.example.org; dkim=pass header.d=example.com",
    "ours as its beginning": b"Authentication-Results: mx.example.network; spf=pass",
    "ours as its end": b"Authentication-Results: amx.example.net; spf=pass",
    "ours in a comment": b"Authentication-Results: mx.example.org (mx.example.net); spf=pass",
    "ours in a result": b"Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=mx.example.net",
}


def survivors(raw):
    """Raw Authentication-Results below our own one."""
    fields = [field for field in mail.split(raw)[0] if mail.name_of(field) == "authentication-results"]
    return [field.removesuffix(b"\r\n") for field in fields[1:]]


@pytest.mark.parametrize("field", FORGED.values(), ids=FORGED.keys())
def test_forged_field_is_removed(gate, field):
    arrived = gate.verify(mail.message(extra=[field]))
    assert survivors(arrived) == []
    assert [r.result for r in topmost(arrived).results] == ["none"]


@pytest.mark.parametrize("field", FOREIGN.values(), ids=FOREIGN.keys())
def test_foreign_field_is_kept(gate, field):
    assert survivors(gate.verify(mail.message(extra=[field]))) == [field]


@pytest.mark.parametrize("theirs", ["mx.xn--bcher-kva.example", "mx.bücher.example", "MX.BÜCHER.example", '"mx.bücher.example"'])
def test_international_name(gate, theirs):
    """R89 both forms are one name."""
    gate.postern.start(authserv_id="mx.xn--bcher-kva.example")
    forged = f"Authentication-Results: {theirs}; dkim=pass header.d=bank.example.com".encode()
    foreign = "Authentication-Results: mx.bächer.example; dkim=pass header.d=example.com".encode()
    assert survivors(gate.verify(mail.message(extra=[forged, foreign]))) == [foreign]


def test_all_forged_fields_are_removed_and_all_foreign_ones_kept(gate):
    """Many of both, mixed: deletion shifts the indexes of what follows (CVE-2022-48521)."""
    mixed = []
    for forged in FORGED.values():
        mixed += [forged, *FOREIGN.values(), forged]
    arrived = gate.verify(mail.message(extra=mixed))
    assert survivors(arrived) == [field for field in mixed if field in FOREIGN.values()]
    assert [r.result for r in topmost(arrived).results] == ["none"]


def test_forged_fields_below_and_between_other_fields(gate):
    fields, body = mail.split(mail.message())
    spread = [part for field in fields for part in (FORGED["plain"] + b"\r\n", field, FOREIGN["another server"] + b"\r\n")]
    assert survivors(gate.verify(mail.join(spread, body))) == [FOREIGN["another server"]] * len(fields)


def test_signed_forgery_is_removed_after_verification(gate):
    """The field goes, but the signature that covered it has been verified with it in place."""
    raw = mail.message(extra=[FORGED["plain"]])
    key = gate.keys["rsa"].file.read_bytes()
    signature = dkim.sign(raw, b"rsa", b"example.com", key, include_headers=[b"from", b"authentication-results"])
    arrived = gate.verify(signature + raw)
    assert {r.selector: r.result for r in topmost(arrived).results} == {"rsa": "pass"}
    assert survivors(arrived) == []
