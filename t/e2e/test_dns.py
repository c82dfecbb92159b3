"""Keys that come from DNS: what its answers, and its silence, make of a signature."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import dkim
import mail
import pytest
from nameserver import Nameserver
from ports import slow
from results import topmost
from wire import FINAL, Mta

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def nameserver(tmp_path_factory):
    server = Nameserver(tmp_path_factory.mktemp("nameserver") / "dns")
    yield server
    server.stop()


@pytest.fixture
def gate(session_gate, nameserver):
    session_gate.postern.start(dns_port=nameserver.port)
    return session_gate


@pytest.fixture
def selector():
    """One that no cache knows."""
    return f"s{next(_numbers)}"


def name_of(selector):
    return f"{selector}._domainkey.example.org"


def record(gate):
    return gate.postern.records["rsa._domainkey.example.com"]


def strings(text):
    return " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))


def signed_mail(gate, selector):
    raw = mail.message(sender="alice@example.org")
    key = gate.keys["rsa"].file.read_bytes()
    return dkim.sign(raw, selector.encode(), b"example.org", key, canonicalize=(b"relaxed", b"relaxed")) + raw


def result_of(gate, selector):
    [result] = topmost(gate.verify(signed_mail(gate, selector))).results
    return result.result, result.reason


def test_published_key(gate, nameserver, selector):
    nameserver.publish(f"{name_of(selector)} TXT {strings(record(gate))}")
    assert result_of(gate, selector) == ("pass", None)


@pytest.mark.parametrize("rule, result", [
    ("NXDOMAIN", "permerror"), ("NODATA", "permerror"),
    ("SERVFAIL", "temperror"), ("REFUSED", "temperror"), ("DROP", "temperror"), ("GARBAGE", "temperror"),
])
def test_answer_without_a_key(gate, nameserver, selector, rule, result):
    """R65: no key is permerror, no answer temperror; never mixed."""
    nameserver.publish(f"{name_of(selector)} {rule}")
    assert result_of(gate, selector)[0] == result


def test_silent_server_ends_with_the_budget(gate, nameserver, selector):
    nameserver.publish(f"{name_of(selector)} DROP")
    raw = signed_mail(gate, selector)
    start = time.monotonic()
    assert topmost(gate.verify(raw)).results[0].result == "temperror"
    assert time.monotonic() - start < 4 * slow()


def test_late_answer_within_the_time_out(gate, nameserver, selector):
    nameserver.publish(f"{name_of(selector)} DELAY 0.2", f"{name_of(selector)} TXT {strings(record(gate))}")
    assert result_of(gate, selector) == ("pass", None)


def test_answer_truncated_over_udp(gate, nameserver, selector):
    nameserver.publish(f"{name_of(selector)} TRUNC", f"{name_of(selector)} TXT {strings(record(gate))}")
    assert result_of(gate, selector) == ("pass", None)


def test_key_behind_a_cname(gate, nameserver, selector):
    nameserver.publish(f"{name_of(selector)} CNAME keys-{selector}.example.net",
                       f"keys-{selector}.example.net TXT {strings(record(gate))}")
    assert result_of(gate, selector) == ("pass", None)


def test_revoked_key(gate, nameserver, selector):
    nameserver.publish(f'{name_of(selector)} TXT "v=DKIM1; p="')
    assert result_of(gate, selector) == ("permerror", "key revoked")


def test_sessions_share_one_query(gate, nameserver, selector):
    """Ten sessions that want one late key."""
    nameserver.publish(f"{name_of(selector)} DELAY 0.2", f"{name_of(selector)} TXT {strings(record(gate))}")
    raw = signed_mail(gate, selector)
    with ThreadPoolExecutor(10) as pool:
        arrived = list(pool.map(lambda _: gate.verify(raw), range(10)))
    assert [topmost(each).results[0].result for each in arrived] == ["pass"] * 10
    assert topmost(gate.verify(raw)).results[0].result == "pass"
    assert 1 <= nameserver.queries(name_of(selector)) < 10, "resent by one worker or the other, but not asked by each session"


def test_slow_keys_do_not_hold_up_others(gate, nameserver, selector):
    """A hundred messages that wait for DNS leave their workers free for the next one."""
    nameserver.publish(f"{name_of(selector)} DROP")
    with ExitStack() as stack:
        waiting = [stack.enter_context(Mta(gate.postern.inbound)) for _ in range(100)]
        for mta in waiting:
            hand_over(mta, b"DKIM-Signature", b" v=1; a=rsa-sha256; d=example.org; s=%s; h=from; bh=%s; b=%s" % (
                selector.encode(), b"A" * 43 + b"=", b"A" * 342 + b"=="))
            mta.packet(b"E")
        start = time.monotonic()
        with Mta(gate.postern.inbound) as mta:
            hand_over(mta, b"Subject", b" no signature")
            assert mta.end()[-1][0] in FINAL
        assert time.monotonic() - start < 0.5 * slow()


def hand_over(mta, name, value):
    """A message up to its end."""
    mta.envelope()
    mta.header(b"From", b" Alice <alice@example.org>")
    mta.header(name, value)
    mta.ask(b"N")
    mta.ask(b"B", b"text\r\n")
