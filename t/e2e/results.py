"""Authentication-Results as an independent parser (authres) reads them."""

from dataclasses import dataclass

import authres

import mail


@dataclass
class Result:
    result: str
    domain: str
    selector: str
    algorithm: str
    reason: str


@dataclass
class Field:
    authserv_id: str
    results: list
    value: str


def parse(value):
    field = authres.AuthenticationResultsHeader.parse_value(value)
    return Field(field.authserv_id, [result(item) for item in field.results or []], value)


def result(item):
    assert item.method == "dkim", item
    properties = {p.name: p.value for p in item.properties}
    return Result(item.result, properties.get("d"), properties.get("s"), properties.get("a"), item.reason)


def topmost(raw):
    """The first field of the message, which must be an Authentication-Results."""
    assert mail.names(raw)[0] == "authentication-results", mail.names(raw)
    return parse(mail.values(raw, "Authentication-Results")[0])
