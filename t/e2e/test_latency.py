"""Over TCP, neither side's packets wait for the other's delayed acknowledgement (44 ms each time)."""

import time

import mail
import pytest
from ports import slow

STALL_MS = 40


def quickest_ms(gate, port):
    """A stall happens to every message; a busy machine delays some."""
    spent = []
    for _ in range(15):
        to = mail.recipient()
        with mail.Client(port) as client:
            start = time.perf_counter()
            assert client.send(mail.message(), to).code == 250
            spent.append((time.perf_counter() - start) * 1000)
        gate.sink.wait(to)
    return min(spent)


@pytest.mark.skipif(slow() > 1, reason="a sanitizer takes as long as a stall")
@pytest.mark.parametrize("side", ["inbound", "originating"])
def test_no_stall(gate, side):
    added = quickest_ms(gate, getattr(gate.mta, side)) - quickest_ms(gate, gate.mta.reinjection)
    assert added < STALL_MS / 2
