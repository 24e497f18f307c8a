"""What every benchmark needs: keys, the peer, databases, and refundd on them."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = ROOT / ".build/release"
# More than any benchmark here takes; for what waits for another program.
PATIENCE = 900

CONFIGURATION = """
[database]
path = "{database}"
[gateway]
url = "https://127.0.0.1:{tls}"
app_id = "wz715fc0d10ee9d156"
merchant_no = "312100007235"
private_key_file = "{keys}/app.pem"
public_key_files = ["{keys}/gateway_public.pem"]
ca_file = "{keys}/certificate.pem"
max_in_flight = {in_flight}
max_queries_per_second = {rate}
[polling]
slow_interval = "30d"
[webhook]
url = "{webhook_url}"
secret_files = ["{keys}/webhook_secret"]
max_in_flight = {webhooks_in_flight}
allow_hosts = ["127.0.0.1"]
ca_file = "{keys}/certificate.pem"
[admin]
listen = "127.0.0.1:{admin}"
"""


class Workspace:
    """A folder on a real disk with keys, removed at the end, and the peer that every benchmark shares."""

    def __init__(self, answers, plain_ports):
        (ROOT / ".build").mkdir(exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="benchmarks-", dir=ROOT / ".build"))
        self._started = []
        self._databases = 0
        try:
            self._make_keys()
            self._start_peer(answers, plain_ports)
        except BaseException:
            self.close()
            raise

    def _make_keys(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, umask=0o077)

        for name in ["app", "gateway"]:
            openssl("genrsa", "-out", f"{name}.pem", "2048")
            openssl("rsa", "-in", f"{name}.pem", "-pubout", "-out", f"{name}_public.pem")
        names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        openssl(
            *["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names],
            *["-keyout", "certificate_key.pem", "-out", "certificate.pem"],
        )
        openssl("rand", "-base64", "-out", "random", "32")
        secret = self.folder / "webhook_secret"
        secret.touch(0o600)
        secret.write_text("whsec_" + (self.folder / "random").read_text())

    def _start_peer(self, answers, plain_ports):
        command = [PROGRAMS / "refund-benchmark-peer", "--key", "gateway.pem", "--certificate", "certificate.pem"]
        command += ["--certificate-key", "certificate_key.pem", "--answers", str(answers)]
        command += ["--plain-ports", str(plain_ports)]
        peer = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE)
        self._started.append(peer)
        ports = json.loads(peer.stdout.readline())
        self.peer = Peer(peer.pid, ports["tls"], ports["plain"])

    def refundd(self, **settings):
        """A refundd with a database of its own, which does not run yet."""
        self._databases += 1
        return Refundd(self, f"refundd-{self._databases}", settings)

    def program_started(self, process):
        """Takes note of a program that must not outlive the benchmarks."""
        self._started.append(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in self._started:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Peer:
    """The gateway and receiver."""

    def __init__(self, pid, tls_port, plain_ports):
        self.pid = pid
        self.tls_port = tls_port
        self.plain_ports = plain_ports

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


class Refundd:
    """The daemon on a database, and the commands beside it."""

    def __init__(self, workspace, name, settings):
        self._workspace = workspace
        self._configuration = workspace.folder / f"{name}.conf"
        self._output = workspace.folder / f"{name}.log"
        self._process = None
        self.database = workspace.folder / f"{name}.db"
        self.admin_port = free_port()
        defaults = {
            "in_flight": 128,
            # Beyond what any machine does, so that it does not bind.
            "rate": 100_000.0,
            "webhook_url": "",
            "webhooks_in_flight": 64,
        }
        values = {"keys": workspace.folder, "tls": workspace.peer.tls_port, "database": self.database}
        values = {**values, "admin": self.admin_port, **defaults, **settings}
        self._configuration.write_text(CONFIGURATION.format(**values))

    @property
    def pid(self):
        return self._process.pid

    def command(self, name, *arguments):
        return [PROGRAMS / "refundd", name, "--config", self._configuration, *arguments]

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
            self._process = subprocess.Popen([*prefix, *self.command("run")], stdout=output, stderr=output)
        self._workspace.program_started(self._process)
        try:
            await_("refundd's readiness", self._is_ready, every=0.002)
            yield (time.perf_counter() - begin) * 1e3
        finally:
            self._process.terminate()
            self._process.wait(60)

    def _is_ready(self):
        if self._process.poll() is not None:
            raise SystemExit(f"refundd ended: {self._output.read_text()}")
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False


class Queue:
    """The application's connection: it inserts, and looks at what became of it."""

    def __init__(self, database):
        self.connection = sqlite3.connect(database, isolation_level=None, timeout=60)
        self.connection.execute("PRAGMA synchronous = FULL")

    def insert(self, numbers, callback_url=lambda number: None):
        """Enqueues refunds in one transaction."""
        rows = ((f"R{number}", callback_url(number)) for number in numbers)
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO refund_queue (merchant_order_no, callback_url) VALUES (?, ?)", rows)
        self.connection.execute("COMMIT")

    def insert_background(self, numbers):
        """Enqueues refunds that are not due for some hours; the daemon must not run meanwhile."""
        ahead = "CAST(strftime('%s', 'now') AS INTEGER) * 1000 + (2 + id % 20) * 3600000"
        rows = ((f"B{number}",) for number in numbers)
        self.connection.execute("BEGIN IMMEDIATE")
        last = self.figure("SELECT ifnull(max(id), 0) FROM refund_queue")
        self.connection.executemany("INSERT INTO refund_queue (merchant_order_no) VALUES (?)", rows)
        self.connection.execute(f"UPDATE refund_queue SET next_query_at = {ahead} WHERE id > ?", (last,))
        self.connection.execute("COMMIT")

    def figure(self, sql):
        return self.connection.execute(sql).fetchone()[0]

    def wait_for_settled(self, count):
        sql = "SELECT count(*) FROM refund_queue WHERE state = 'settled'"
        await_(f"{count} settled refunds", lambda: self.figure(sql) >= count, every=0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def await_(what, condition, every):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come about within {PATIENCE} s")
        time.sleep(every)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
