"""Costs: refundd beside a C program that does the same with nothing that could be left out (`reference`).

poll: refunds that stay in progress; settle: first answers, each with its ledger row and event; deliver: webhooks that are
sent again, so that no query is among them. Both have 64 in flight, over the same schema with all its guards, and log no
line per row. They take turns, since a machine's speed changes from minute to minute; the medians count.
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import time

import floors
import process
from application import Queue
from figures import Figure, Goal, Table
from waiting import await_

SOURCES = pathlib.Path(__file__).resolve().parents[1]
IN_FLIGHT = 64
SETTINGS = {"in_flight": IN_FLIGHT, "webhooks_in_flight": IN_FLIGHT, "level": "warning"}
GOALS = {"poll": 1.15, "settle": 1.2, "deliver": 1.35}


def numbers(options):
    return {"settled": (options.rounds + 1) * options.rows, "processing": options.rows}


class Workload:
    """Rows of one kind, in refundd's database and in that of the C program."""

    def __init__(self, workspace, name, rows, **more_settings):
        self.name = name
        self.rows = rows
        self._workspace = workspace
        self._used = 0
        url = workspace.peer.gateway_url + ("/processing" if name == "poll" else "")
        webhook_url = workspace.peer.webhook_url if name == "deliver" else ""
        settings = {**SETTINGS, "gateway_url": url, "webhook_url": webhook_url, "initial_interval": "1h"}
        settings |= more_settings
        self.daemon = workspace.refundd(**settings)
        self.other = workspace.refundd(**settings)
        self.url = webhook_url or f"{url}/api/entry/refundquery"
        self.kind = "webhooks" if name == "deliver" else "queries"

    def prepare(self):
        """Makes the rows there must be before any can be due, and leaves the daemon running."""
        self.daemon.run("init")
        if self.name != "settle":
            # The first round is that of the first answers.
            with self.daemon.running(), Queue(self.daemon.database) as queue:
                self._workspace.peer.forget()
                queue.insert(range(self.rows))
                self._workspace.peer.wait_for(self.kind, self.rows)
                queue.wait_for_rest()
        with Queue(self.daemon.database) as queue:
            queue.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.daemon.database, self.other.database)

    def make_due(self, daemon, round_number):
        with Queue(daemon.database) as queue:
            if self.name == "poll":
                queue.make_due()
            elif self.name == "settle":
                queue.insert(range(round_number * self.rows, (round_number + 1) * self.rows))
        if self.name == "deliver":
            daemon.run("redeliver", "--since", "1d")

    def ours(self, round_number):
        """Lets refundd work on the rows; returns CPU seconds and voluntary context switches per row."""
        self._workspace.peer.forget()
        with self.daemon.halted():
            self.make_due(self.daemon, round_number)
            usage, switches = process.Usage(self.daemon.pid), process.voluntary_switches(self.daemon.pid)
        self._workspace.peer.wait_for(self.kind, self.rows)
        with Queue(self.daemon.database) as queue:
            queue.wait_for_rest()
        switches = process.voluntary_switches(self.daemon.pid) - switches
        return usage.seconds() / self.rows, switches / self.rows

    def reference(self, program, round_number):
        """Lets the C program work on the rows; returns CPU seconds per row."""
        self.make_due(self.other, round_number)
        keys = [self._workspace.folder / name for name in ["app.pem", "gateway_public.pem", "webhook_secret"]]
        certificate = self._workspace.folder / "certificate.pem"
        command = [program, self.name, self.url, certificate, self.other.database, *keys, str(self.rows)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["cpu"]


def compiled(workspace, name, sources, *libraries):
    """Compiles one of the C programs."""
    program = workspace.folder / name
    command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, *SOURCES.glob(sources)]
    subprocess.run([*command, *(f"-l{library}" for library in libraries)], check=True)
    return program


def post(workspace, program, database):
    """CPU seconds of a post of libcurl's with the bodies of a database's webhooks, and nothing around it."""
    bodies = workspace.folder / "bodies"
    with open(bodies, "wb") as file, Queue(database) as queue:
        for webhook_id, body in queue.connection.execute("SELECT id, body FROM refund_webhooks"):
            file.write(webhook_id.encode() + b"\t" + bytes(body) + b"\n")
    command = [program, workspace.peer.webhook_url, workspace.folder / "certificate.pem", str(IN_FLIGHT), bodies]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["cpu_per_post"]


def run(workspace, options):
    reference = compiled(workspace, "reference", "reference/*.c", "curl", "crypto", "sqlite3", "pthread")
    plain_curl = compiled(workspace, "plain_curl", "plain_curl.c", "curl")
    figures = []
    for name in GOALS:
        workload = Workload(workspace, name, options.rows)
        workload.prepare()
        ours, theirs, least = [], [], []
        with workload.daemon.running(), process.profiled(workload.daemon.pid, options.profile, name):
            # The first round opens connections and is not counted.
            for number in range(options.rounds + 1):
                ours.append(workload.ours(number))
                theirs.append(workload.reference(reference, number))
                if name == "deliver":
                    least.append(post(workspace, plain_curl, workload.daemon.database))
                else:
                    least.append(floors.cryptography(options.floor_seconds))
        figures += figures_of(name, ours[1:], theirs[1:], least[1:])
    return Table("Costs", figures)


def figures_of(name, ours, theirs, least):
    cpu, c, floor = (statistics.median(values) * 1e6 for values in ([cpu for cpu, _ in ours], theirs, least))
    switches = statistics.median(switches for _, switches in ours)
    ratio = statistics.median(one[0] / other for one, other in zip(ours, theirs))
    beside = "plain post" if name == "deliver" else "openssl speed"
    return [
        Figure(f"{name}: CPU", cpu, "µs", c, "C", Goal("at most", GOALS[name], "ratio")),
        Figure(f"{name}: median of the rounds' ratios", ratio),
        Figure(f"{name}: CPU", cpu, "µs", floor, beside),
        Figure(f"{name}: CPU of C", c, "µs", floor, beside),
        Figure(f"{name}: voluntary context switches", switches),
    ]
