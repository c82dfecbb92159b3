"""`postern probe --apply` against what a real Postfix delivers for the same changes."""

import os
import re
import subprocess

import mail
import pytest
from milter import Milter, add, change, insert
from postfix import Postfix
from sink import Sink

POSTERN = os.environ.get("POSTERN", "postern")
MESSAGE = (b"A: 1\r\nB: 2\r\na: 3\r\n\tfold\r\nFrom: alice@example.com\r\nTo: bob@example.net\r\n"
           b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nbody\r\n")

CHANGES = {
    "add": [add(b"X", b" v")],
    "add without a blank": [add(b"X", b"v")],
    "add an empty value": [add(b"X", b"")],
    "a fold": [add(b"X", b" a\n\tb")],
    "a fold of CRLF": [add(b"X", b" a\r\n\tb")],
    "a line without a blank": [add(b"X", b" a\nb")],
    "empty lines and an end": [add(b"X", b" a\n\nb\n")],
    "a fold at once": [add(b"X", b"\n b")],
    "insert at 0": [insert(0, b"X", b" v")],
    "insert at 1": [insert(1, b"X", b" v")],
    "insert at 2": [insert(2, b"X", b" v")],
    "insert far below": [insert(99, b"X", b" v")],
    "insert at 0 twice": [insert(0, b"X", b" 1"), insert(0, b"X", b" 2")],
    "insert at 0 and 1": [insert(0, b"X", b" 1"), insert(1, b"X", b" 2")],
    "insert at 0 and 2": [insert(0, b"X", b" 1"), insert(2, b"X", b" 2")],
    "insert at 1 and 0": [insert(1, b"X", b" 1"), insert(0, b"X", b" 2")],
    "change at 0": [change(0, b"A", b" new")],
    "change the second": [change(2, b"A", b" new")],
    "change beyond the last": [change(3, b"A", b" new")],
    "change in another case": [change(1, b"a", b" new")],
    "change a field inserted above": [insert(0, b"A", b" v"), change(2, b"A", b" new")],
    "delete beyond the last": [change(3, b"A", b"")],
    "delete in ascending order": [change(1, b"A", b""), change(2, b"A", b"")],
    "delete in descending order": [change(2, b"A", b""), change(1, b"A", b"")],
    "delete, then insert": [change(1, b"A", b""), insert(2, b"X", b" v")],
    "change Received": [change(1, b"Received", b" x")],
    "change Received below an insert": [insert(0, b"X", b" v"), change(1, b"Received", b" x")],
    "delete Received below another": [insert(0, b"Received", b" v"), change(2, b"Received", b"")],
    "a new body": [b"bone\r", b"b\ntwo\r\n"],
    "a new body with bare LF": [b"bone\ntwo"],
    "an empty new body": [b"b"],
}


@pytest.fixture(scope="module")
def peer(directory):
    """A Postfix with one filter on its inbound port."""
    place = directory / "probe"
    place.mkdir(mode=0o755)
    milter = Milter(place / "milter", {})
    sink = Sink()
    postfix = Postfix(place / "postfix", sink.port, f"inet:{milter.port}@127.0.0.1", f"inet:{milter.port}@127.0.0.1")
    postfix.start()
    yield type("Peer", (), {"milter": milter, "sink": sink, "postfix": postfix})
    postfix.stop()
    sink.close()


def without_own_received(raw):
    """The field that Postfix adds, which the probe leaves out."""
    fields = re.split(rb"\r\n(?![ \t])", raw)
    own = [f for f in fields if f.startswith(b"Received: from ") and b"by mail.example.com" in f]
    assert len(own) == 1, "no change may take Postfix's own Received away"
    return b"\r\n".join(f for f in fields if f is not own[0])


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_applied_as_postfix_does(peer, changes):
    peer.milter.replies = {b"E": [*changes, b"c"]}
    to = mail.recipient()
    assert mail.send(peer.postfix.inbound, MESSAGE, to).code == 250
    delivered = without_own_received(peer.sink.wait(to).data)
    probed = subprocess.run([POSTERN, "probe", peer.milter.spec, "--apply", "-q"], input=MESSAGE, capture_output=True, check=True)
    assert probed.stdout == delivered
