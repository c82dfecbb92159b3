"""The instruments themselves: what they say of mail that is known to be good or bad, without the daemon."""

from contextlib import ExitStack
from types import SimpleNamespace

import dkim
import judges
import mail
import pytest
from peers import Opendkim
from ports import free_port
from postern import Key, records_of
from postfix import Postfix
from results import parse
from sink import Sink


@pytest.fixture(scope="module")
def peer(directory):
    """A Postfix with opendkim on both sides."""
    place = directory / "peer"
    (place / "keys").mkdir(parents=True, mode=0o755)
    key = Key(place / "keys", "example.com", "peer", "rsa")
    records = records_of(key.zone_lines)
    inbound, originating = free_port(), free_port()
    filters = [
        Opendkim(place / "verify", f"inet:{inbound}@127.0.0.1", "v", records),
        Opendkim(place / "sign", f"inet:{originating}@127.0.0.1", "s", records, key),
    ]
    sink = Sink()
    postfix = Postfix(place / "postfix", sink.port, f"inet:{inbound}@127.0.0.1", f"inet:{originating}@127.0.0.1")
    with ExitStack() as stack:
        stack.callback(sink.close)
        for each in (*filters, postfix):
            stack.callback(each.stop)
            each.start()
        yield SimpleNamespace(sink=sink, postfix=postfix, key=key, records=records, directory=place)


def arrived(peer, port, raw):
    to = mail.recipient()
    assert mail.send(port, raw, to).code == 250
    return peer.sink.wait(to).data


def test_sink_keeps_every_octet(peer):
    body = b".\r\n..\r\n.x\r\na\0b\r\n\xff\xfe\r\n\r\n\t \r\n"
    raw = mail.message(body=body)
    assert arrived(peer, peer.postfix.reinjection, raw).endswith(raw)


def test_opendkim_in_front_of_postfix(peer):
    """Both milter lines of the samples reach their filter."""
    raw = arrived(peer, peer.postfix.originating, mail.message())
    assert judges.dkimpy(raw, peer.records) == {"peer": True}
    [value] = mail.values(arrived(peer, peer.postfix.inbound, raw), "Authentication-Results")
    assert "dkim=pass" in value
    assert parse(value.replace("dkim-atps=neutral", "dkim=neutral")).authserv_id == "peer.example.net"


def test_judges_tell_good_from_bad(peer):
    raw = mail.message(body=b"text\r\n")
    good = dkim.sign(raw, b"peer", b"example.com", peer.key.file.read_bytes(), canonicalize=(b"relaxed", b"relaxed")) + raw
    for judge in (judges.dkimpy, lambda raw, records: judges.opendkim(raw, records, peer.directory)):
        assert judge(good, peer.records) == {"peer": True}
        assert judge(good.replace(b"text", b"texu"), peer.records) == {"peer": False}
        assert judge(good.replace(b"gate test", b"gate tesu"), peer.records) == {"peer": False}
        assert judge(raw, peer.records) == {}
    assert judges.dkimpy(good, {}) == {"peer": False}
