"""The gateway and the receiver beside refundd."""

import http.client
import json

from waiting import await_


class Peer:
    """The gateway and receiver."""

    def __init__(self, pid, tls_port, plain_ports):
        self.pid = pid
        self.tls_port = tls_port
        self.plain_ports = plain_ports

    @property
    def gateway_url(self):
        return f"https://127.0.0.1:{self.tls_port}"

    @property
    def webhook_url(self):
        return f"https://127.0.0.1:{self.tls_port}/webhooks"

    def count(self):
        return json.loads(self._ask("GET", "/count"))

    def arrivals(self, kind):
        """When each refund's query or webhook arrived first, in nanoseconds of `time.monotonic_ns`."""
        arrivals = {}
        for line in self._ask("GET", f"/{kind}").decode().splitlines():
            number, nanoseconds = line.split()
            arrivals.setdefault(int(number), int(nanoseconds))
        return arrivals

    def forget(self):
        self._ask("DELETE", "/")

    def wait_for(self, kind, count):
        await_(f"{count} {kind} at the peer", lambda: self.count()[kind] >= count, every=0.05)

    def _ask(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.plain_ports[0], timeout=60)
        connection.request(method, path)
        try:
            return connection.getresponse().read()
        finally:
            connection.close()
