"""Free TCP ports and waiting for what others do."""

import os
import socket
import time


_given = set()


def free_port():
    """A loopback port that was free a moment ago, and that nobody else got from here."""
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, seconds, what):
    """Poll `condition` until it is true and return its value; a failure names `what` was awaited."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.01)


def slow():
    """Factor for time limits: sanitizers make programs several times slower."""
    return float(os.environ.get("POSTERN_TEST_SLOW", "1"))
