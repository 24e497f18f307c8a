"""A PostgreSQL server of the benchmarks' own, and what an application does with a queue on it."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import psycopg

import process
from daemon import PROGRAMS
from waiting import await_

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "max_connections": "50",
}


def programs():
    """The folder with PostgreSQL's programs; Debian keeps those of each version apart."""
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name))
    for folder in [*folders, *map(pathlib.Path, os.environ["PATH"].split(os.pathsep))]:
        if (folder / "initdb").exists():
            return folder
    raise SystemExit("PostgreSQL is not installed; install the Debian package postgresql")


class Server:
    """A server on a real disk, with durable commits, at a Unix socket."""

    def __init__(self, workspace):
        self._data = pathlib.Path(tempfile.mkdtemp(prefix="benchmarks-postgres-", dir=PROGRAMS.parent))
        # The path of a socket must be short.
        self.socket = pathlib.Path(tempfile.mkdtemp(prefix="benchmarks-"))
        self._user = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            for folder in [self._data, self.socket]:
                os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        command = [programs() / "postgres", "-D", self._data, "-k", self.socket, *settings]
        with open(workspace.folder / "postgres.log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self._user)
        workspace.program_started(self._process)
        await_("PostgreSQL's start", self._is_ready, every=0.05)
        self._databases = 0

    def _run(self, name, *arguments):
        subprocess.run([programs() / name, *arguments], check=True, capture_output=True, cwd="/", **self._user)

    def _is_ready(self):
        if self._process.poll() is not None:
            raise SystemExit("PostgreSQL ended")
        try:
            self.connect("postgres").close()
            return True
        except psycopg.OperationalError:
            return False

    def connect(self, database):
        return psycopg.connect(host=str(self.socket), user="postgres", dbname=database, autocommit=True)

    def database(self):
        """Makes a database; returns its name."""
        self._databases += 1
        name = f"queue{self._databases}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def url(self, database):
        return f"postgresql:///{database}?host={self.socket}&user=postgres"

    def inserts_per_second(self, database, clients, seconds):
        """What pgbench makes of single inserts."""
        script = self.socket / "insert.sql"
        script.write_text(
            "\\set n random(1, 1000000000000000)\n"
            "INSERT INTO refundd.refund_queue (merchant_order_no) VALUES ('P' || :n);\n"
        )
        command = [programs() / "pgbench", "-n", "-f", script, "-c", clients, "-j", "2", "-T", seconds]
        command += ["-M", "prepared", "-h", self.socket, "-U", "postgres", database]
        output = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
        return float(next(line for line in output.splitlines() if line.startswith("tps")).split()[2])

    def cpu_seconds(self):
        """Of all its processes that there are."""
        pids = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True)
        return sum(process.cpu_seconds(int(pid)) for pid in [self._process.pid, *pids.stdout.split()])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(60)
        for folder in [self._data, self.socket]:
            shutil.rmtree(folder, ignore_errors=True)


class ServerQueue:
    """The application's connection: it inserts, and looks at what became of it."""

    def __init__(self, server, database):
        self.connection = server.connect(database)
        self.connection.execute("SET search_path = refundd")

    def insert(self, numbers):
        """Enqueues refunds in one transaction."""
        self._insert("R", numbers)

    def insert_background(self, numbers):
        """Enqueues refunds that are not due for some hours; no daemon may run meanwhile."""
        ahead = "(extract(epoch FROM now()) * 1000)::bigint + (2 + id % 20) * 3600000"
        with self.connection.transaction():
            last = self.figure("SELECT coalesce(max(id), 0) FROM refund_queue")
            self._insert("B", numbers)
            self.connection.execute(f"UPDATE refund_queue SET next_query_at = {ahead} WHERE id > {last}")

    def _insert(self, letter, numbers):
        rows = f"SELECT '{letter}' || n FROM generate_series({numbers.start}, {numbers.stop - 1}) n"
        self.connection.execute(f"INSERT INTO refund_queue (merchant_order_no) {rows}")

    def figure(self, sql):
        return self.connection.execute(sql).fetchone()[0]

    def log_position(self):
        return int(self.figure("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))

    def wait_for_settled(self, count):
        sql = "SELECT sum(number) FROM refund_counted WHERE counted = 'refund_queue' AND state = 'settled'"
        await_(f"{count} settled refunds", lambda: self.figure(sql) >= count, every=0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
