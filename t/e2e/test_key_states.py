"""sign.key.state: a key on its way into DNS, at work, and on its way out."""

import itertools

import judges
import mail
import pytest
from nameserver import Nameserver
from ports import slow, wait_until
from postern import Key, records_of

_numbers = itertools.count(1)
TTL = 3


@pytest.fixture(scope="module")
def nameserver(directory):
    server = Nameserver(directory / "dns-states")
    yield server
    server.stop()


@pytest.fixture
def new(tmp_path):
    """A second key of example.com, of which DNS knows nothing."""
    return Key(tmp_path, "example.com", f"new{next(_numbers)}", "ed25519").to_be("next")


def record(key):
    return records_of(key.zone_lines)[f"{key.selector}._domainkey.example.com"]


def publish(nameserver, key):
    nameserver.publish(f'{key.selector}._domainkey.example.com {TTL} TXT "{record(key)}"')


def selectors(raw):
    return sorted(mail.tags(value)["s"] for value in mail.values(raw, "DKIM-Signature"))


def steps(gate, key):
    return [line["text"] for line in gate.postern.lines(event="key-next", key=f"{key.selector}.example.com")]


def test_next_signs_once_DNS_shows_it(gate, nameserver, new):
    """Until then the old key signs alone, and no message waits."""
    nameserver.publish(f"{new.selector}._domainkey.example.com 1 NXDOMAIN")
    gate.postern.start(keys=[gate.keys["rsa"], new], dns_port=nameserver.port, workers=1)
    wait_until(lambda: steps(gate, new), 20 * slow(), "the first answer")
    assert selectors(gate.sign(mail.message())) == ["rsa"]
    nameserver.withdraw()
    publish(nameserver, new)
    wait_until(lambda: len(steps(gate, new)) == 2, 20 * slow(), "the record to be seen")
    assert selectors(gate.sign(mail.message())) == ["rsa"]
    wait_until(lambda: len(steps(gate, new)) == 3, 20 * slow(), "the TTL to have passed")
    raw = gate.sign(mail.message())
    assert selectors(raw) == sorted([new.selector, "rsa"])
    published = {**gate.postern.records, f"{new.selector}._domainkey.example.com": record(new)}
    assert judges.dkimpy(raw, published) == {new.selector: True, "rsa": True}
    assert ["does not sign yet: DNS does not show its record", "does not sign yet: DNS shows its record, but not yet for its TTL",
            "signs from now on: DNS has shown its record for its TTL"] == steps(gate, new)


def test_another_key_in_its_place(gate, nameserver, new, tmp_path):
    other = Key(tmp_path, "example.com", f"other{new.selector}", "ed25519")
    nameserver.publish(f'{new.selector}._domainkey.example.com {TTL} TXT "{record(other)}"')
    gate.postern.start(keys=[gate.keys["rsa"], new], dns_port=nameserver.port, workers=1)
    wait_until(lambda: steps(gate, new), 20 * slow(), "the first answer")
    assert gate.postern.lines(event="key-next")[-1]["reason"] == "another key is published"
    assert selectors(gate.sign(mail.message())) == ["rsa"]


def test_next_in_the_records_file_signs_at_once(gate):
    gate.postern.start(keys=[gate.keys["rsa"].to_be("next")], workers=1)
    wait_until(lambda: steps(gate, gate.keys["rsa"]), 20 * slow(), "the answer")
    assert selectors(gate.sign(mail.message())) == ["rsa"]


@pytest.mark.parametrize("states, wanted", [
    (("active", "retired"), ["rsa"]),
    (("retired", "active"), ["ed"]),
    (("retired", "retired"), []),
], ids=["/".join(states) for states in (("active", "retired"), ("retired", "active"), ("retired", "retired"))])
def test_retired_does_not_sign(gate, states, wanted):
    """Nor is a domain whose keys are all retired a case of on-key-error: its mail leaves unsigned, and the log says so."""
    gate.postern.start(keys=[gate.keys["rsa"].to_be(states[0]), gate.keys["ed25519"].to_be(states[1])], sign="on-key-error = tempfail")
    assert selectors(gate.sign(mail.message())) == wanted
    line = gate.postern.lines(event="message", role="sign")[-1]
    if wanted:
        assert line["signed"] == "yes"
    else:
        assert (line["signed"], line["reason"]) == ("no", "no key for the From domain signs yet, or any more")


@pytest.mark.parametrize("state, code", [("active", 451), ("next", 250), ("retired", 250)])
def test_lost_file(gate, new, state, code):
    """on-key-error is for keys that should sign."""
    lost = new.to_be(state)
    lost.file = lost.file.with_name("none")
    gate.postern.start(keys=[lost], sign="on-key-error = tempfail")
    assert mail.send(gate.mta.originating, mail.message(), mail.recipient()).code == code
    assert [line for line in gate.postern.lines(event="key", level="error") if "No such file" in line["text"]]


def test_silent_DNS_delays_nothing(gate, nameserver, new):
    """The key cannot be asked for; mail passes at its usual speed with the other one."""
    nameserver.publish(f"{new.selector}._domainkey.example.com DROP")
    gate.postern.start(keys=[gate.keys["rsa"], new], dns_port=nameserver.port, workers=1)
    for _ in range(5):
        assert selectors(gate.sign(mail.message())) == ["rsa"]
    wait_until(lambda: steps(gate, new), 20 * slow(), "the time-out")
    assert steps(gate, new) == ["does not sign yet: DNS gave no answer"]
