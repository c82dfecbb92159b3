"""Mail that goes on and on while something happens to the daemon."""

import threading

import mail
from ports import slow, wait_until


class Load:
    """Mail on connections that are new for each message, and on ones that stay, until the end of the context.

    make()            the next message: (octets, port, wanted(reply, arrived) -> bool); `arrived` is None unless it was accepted
    threads           of each of the two ways
    """

    def __init__(self, sink, make, threads=2):
        self._sink, self._make = sink, make
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.sent, self.wrong = 0, []
        self._threads = [threading.Thread(target=self._run, args=[way]) for way in [self._new_connections, self._one_connection] * threads]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait(self, count):
        """So many messages more."""
        wanted = self.sent + count
        wait_until(lambda: self.sent >= wanted or self.wrong, 120 * slow(), f"{count} messages")

    def _run(self, way):
        try:
            way()
        except Exception as error:  # of any kind: the test must hear of it
            self.wrong.append(error)

    def _new_connections(self):
        while not self._stop.is_set():
            raw, port, wanted = self._make()
            with mail.Client(port, 120) as client:
                self._one(client, raw, wanted)

    def _one_connection(self):
        clients = {}
        while not self._stop.is_set():
            raw, port, wanted = self._make()
            if port not in clients:
                clients[port] = mail.Client(port, 120)
                clients[port].__enter__()
            self._one(clients[port], raw, wanted)
        for client in clients.values():
            client.__exit__(None, None, None)

    def _one(self, client, raw, wanted):
        to = mail.recipient()
        reply = client.send(raw, to)
        good = wanted(reply, self._sink.wait(to).data if reply.code == 250 else None)
        with self._lock:
            self.sent += 1
            if not good:
                self.wrong.append(reply)
