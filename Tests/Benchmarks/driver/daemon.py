"""refundd itself: the daemon on a database of its own, and the commands beside it."""

import contextlib
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time

from waiting import await_

PROGRAMS = pathlib.Path(__file__).resolve().parents[3] / ".build/release"

# As in refundd.service.
ENVIRONMENT = {**os.environ, "MALLOC_ARENA_MAX": "2"}

CONFIGURATION = """
[database]
{database}
[gateway]
url = "{gateway_url}"
app_id = "wz715fc0d10ee9d156"
merchant_no = "312100007235"
private_key_file = "{keys}/app.pem"
public_key_files = ["{keys}/gateway_public.pem"]
ca_file = "{keys}/certificate.pem"
max_in_flight = {in_flight}
max_queries_per_second = {rate}
timeout = "{timeout}"
[polling]
initial_interval = "{initial_interval}"
max_interval = "1h"
slow_interval = "30d"
[webhook]
url = "{webhook_url}"
secret_files = ["{keys}/webhook_secret"]
max_in_flight = {webhooks_in_flight}
timeout = "{webhook_timeout}"
allow_hosts = ["127.0.0.1"]
ca_file = "{keys}/certificate.pem"
[admin]
listen = "127.0.0.1:{admin}"
[log]
level = "{level}"
"""


class Refundd:
    """The daemon on a database, and the commands beside it."""

    def __init__(self, workspace, name, settings):
        self._workspace = workspace
        self._configuration = workspace.folder / f"{name}.conf"
        self._output = workspace.folder / f"{name}.log"
        self._process = None
        self.program = PROGRAMS / "refundd"
        self.database = workspace.folder / f"{name}.db"
        self.admin_port = free_port()
        defaults = {
            "in_flight": 128,
            # The most that refundd gives, and more than a few cores can sign.
            "rate": 10_000.0,
            "timeout": "10s",
            "webhook_timeout": "15s",
            "webhook_url": "",
            "webhooks_in_flight": 64,
            "gateway_url": workspace.peer.gateway_url,
            "initial_interval": "5s",
            "level": "info",
        }
        values = {"keys": workspace.folder, "database": f'path = "{self.database}"'}
        values = {**values, "admin": self.admin_port, **defaults, **settings}
        self._configuration.write_text(CONFIGURATION.format(**values))

    @property
    def pid(self):
        return self._process.pid

    def command(self, name, *arguments):
        return [self.program, name, "--config", self._configuration, *arguments]

    def run(self, name, *arguments):
        """Runs a command; returns how long that took, in milliseconds."""
        begin = time.perf_counter()
        subprocess.run(self.command(name, *arguments), check=True, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - begin) * 1e3

    def get(self, path):
        """Asks the admin address; returns the status and how long that took, in milliseconds."""
        begin = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response.status, (time.perf_counter() - begin) * 1e3
        finally:
            connection.close()

    @contextlib.contextmanager
    def running(self, *prefix):
        """Runs the daemon, ready once this yields how long that took in milliseconds, and ends it.

        With a prefix, such as `strace` and its options, `pid` is that of the program that it names.
        """
        begin = time.perf_counter()
        with open(self._output, "ab") as output:
            self._process = subprocess.Popen([*prefix, *self.command("run")], stdout=output, stderr=output, env=ENVIRONMENT)
        self._workspace.program_started(self._process)
        try:
            await_("refundd's readiness", self._is_ready, every=0.002)
            yield (time.perf_counter() - begin) * 1e3
        finally:
            self._process.terminate()
            self._process.wait(60)

    @contextlib.contextmanager
    def halted(self):
        """Halts the running daemon, so that rows that become due meanwhile are all due when it goes on."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def _is_ready(self):
        if self._process.poll() is not None:
            raise SystemExit(f"refundd ended: {self._output.read_text()}")
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
