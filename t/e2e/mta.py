"""What a test may ask of a mail server, whichever it is."""

import re
from dataclasses import dataclass, field

import mail
from ports import listens, wait_until

HOST_NAME = "mail.example.com"


@dataclass
class Port:
    """One more SMTP port. `filters`: libmilter specs, in the order in which they see a message."""
    filters: list = field(default_factory=list)
    daemon_name: str = "ORIGINATING"
    on_failure: str = "tempfail"  # or accept: what becomes of mail without the filter
    as_is: bool = False           # the header is not completed before the filter


def filter_address(spec):
    """A libmilter spec (inet:PORT@HOST, unix:PATH) as Postfix writes it."""
    found = re.fullmatch(r"inet:(\d+)@(.+)", spec)
    return f"inet:{found[2]}:{found[1]}" if found else spec


def wait_for_ports(server):
    """All SMTP ports answer; a failure shows what the server has logged."""
    for name, port in server.ports.items():
        try:
            wait_until(lambda: listens(port), 30, f"{server.name} to listen for {name} on {port}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {server.log()[-2000:]}") from None


def own_received(raw):
    """The trace field of the server itself, raw."""
    own = [f for f in mail.split(raw)[0] if mail.name_of(f) == "received" and f"by {HOST_NAME}".encode() in f]
    assert own, "the server's own Received is not there"
    return own[0]


def queue_id(raw):
    """Under which id the server that delivered this message had it."""
    return re.search(rb"\bid (\w+)", own_received(raw)).group(1).decode()
