"""Our Authentication-Results, read by a parser that is not ours (python3-authres, RFC 8601).

That parser keeps a quoted value only where nothing follows it, so that rows with such a value look
at the last property alone.
"""

import authres
import pytest

from postern import command

ID = "mx.example.net"
BODY_HASH = "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
REST = b"From: alice@example.com\r\nSubject: peer\r\n\r\n"


def signature(d="example.com", s="sel", a="rsa-sha256", b="AAAABBBBCCCC", **more):
    tags = {"v": "1", "a": a, "d": d, "s": s, "h": "from", "bh": BODY_HASH, **more, "b": b}
    return "; ".join(f"{name}={value}" for name, value in tags.items())


def judged(tmp_path, *signatures):
    """(method, result, reason, properties) of each result that the peer finds in what we say."""
    message = tmp_path / "message"
    records = tmp_path / "records"
    fields = "".join(f"DKIM-Signature: {value}\r\n" for value in signatures)
    message.write_bytes(fields.encode("utf-8", "surrogateescape") + REST)
    records.write_text("other._domainkey.example.com TXT \"v=DKIM1; p=\"\n")
    run = command("verify", "--authserv-id", ID, "--records", str(records), str(message))
    assert run.returncode == 1, run.stderr
    name, value = run.stdout.decode("ascii").split(":", 1)
    assert name == "Authentication-Results"
    assert max(len(line) for line in run.stdout.splitlines()) <= 998
    field = authres.AuthenticationResultsHeader.parse_value(value.strip())
    assert field.authserv_id == ID
    return [(r.method, r.result, r.reason, {p.name: p.value for p in r.properties}) for r in field.results or []]


ROWS = [
    ("R83 no key", signature(),
     ("permerror", "no key for signature",
      {"d": "example.com", "i": "@example.com", "s": "sel", "a": "rsa-sha256", "b": "AAAABBBB"})),
    ("R83 a revoked key", signature(s="other"), ("permerror", "key revoked", {"s": "other"})),
    ("R84 d= and s= of several labels", signature(d="a.b.example.com", s="x.y_z"),
     ("permerror", "no key for signature", {"d": "a.b.example.com", "i": "@a.b.example.com", "s": "x.y_z"})),
    ("R84 i= with a local part", signature(i="j.q+tag@sub.example.com"),
     ("permerror", "no key for signature", {"i": "j.q+tag@sub.example.com"})),
    ("R85 b= with a slash and equals signs", signature(b="A/+Z1234AAA="), ("permerror", None, {"b": "A/+Z1234"})),
    ("R83 a required tag is missing", "v=1; a=rsa-sha256; d=example.com; b=AAAABBBB",
     ("permerror", "a required tag is missing or empty", {})),
    ("R83 a broken tag list", "v=1;; d=example.com", ("neutral", "tag list is malformed", {})),
    ("R83 nothing at all", "", ("neutral", "tag list is malformed", {})),
    ("R85 an algorithm with quotes and comments", signature(a='x"(y\\'), ("permerror", "a= is not supported", {"b": "AAAABBBB"})),
    ("R85 a result inside i=", signature(i='"; spf=pass smtp.mailfrom=x"@example.com'), (None, None, {})),
    ("R108 octets that are no UTF-8 in i=", signature(i="\udcff\udcfe@example.com"), (None, None, {"b": "AAAABBBB"})),
    ("R85 an endless i=", signature(i="a" * 5000 + "@example.com"), (None, None, {"b": "AAAABBBB"})),
]


@pytest.mark.parametrize("field, want", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_one_signature(tmp_path, field, want):
    (method, result, reason, properties), = judged(tmp_path, field)
    want_result, want_reason, want_properties = want
    assert method == "dkim"
    assert want_result in (None, result)
    assert want_reason in (None, reason)
    assert want_properties.items() <= properties.items()


def test_no_signature(tmp_path):
    """R87"""
    assert judged(tmp_path) == [("dkim", "none", None, {})]


def test_header_b_is_unique(tmp_path):
    """R86"""
    found = judged(tmp_path, signature(b="AAAABBBBCCCC"), signature(b="AAAABBBBCDAA"), signature(b="ZAAABBBBCCCC"))
    assert [properties["b"] for *_, properties in found] == ["AAAABBBBCC", "AAAABBBBCD", "ZAAABBBB"]
