"""Against a script: the same refunds queried by Python's requests, cryptography and sqlite3 with 32 threads.

Both talk to the same peer on the same cores, one after the other. Each has its own floor: for refundd `openssl speed`,
for the script a loop of signature and verification with its own library.
"""

import json
import pathlib
import os
import subprocess
import sys
import time

import floors
import process
from application import Queue
from figures import Figure, Goal, Table

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "rival.py"


def numbers(options):
    return {"settled": options.refunds}


def measure(workspace, options):
    """Lets refundd query so many refunds that are due at once; returns CPU seconds per query and the rest."""
    workspace.peer.forget()
    daemon = workspace.refundd(in_flight=options.in_flight)
    before = floors.cryptography(options.floor_seconds)
    with daemon.running(), Queue(daemon.database) as queue:
        usage = process.Usage(daemon.pid)
        queue.insert(range(options.refunds))
        begin = time.perf_counter()
        workspace.peer.wait_for("queries", options.refunds)
        queue.wait_for_settled(options.refunds)
        seconds = time.perf_counter() - begin
        cpu, memory = usage.seconds() / options.refunds, process.peak_memory(daemon.pid)
    floor = (before + floors.cryptography(options.floor_seconds)) / 2
    return {"cpu_per_query": cpu, "per_second": options.refunds / seconds, "peak_memory": memory, "floor": floor}


def run(workspace, options):
    ours = measure(workspace, options)
    # It is slower by far, and its cost per query does not depend on how many there are.
    count = min(options.refunds, options.rival_refunds)
    keys = ["app.pem", "gateway_public.pem", "certificate.pem"]
    url = f"https://127.0.0.1:{workspace.peer.tls_port}/api/entry"
    command = [sys.executable, SCRIPT, url, workspace.folder / "script.db"]
    command += [workspace.folder / name for name in keys] + [str(count)]
    theirs = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    our_excess = ours["cpu_per_query"] - ours["floor"]
    their_excess = theirs["cpu_per_query"] - theirs["floor"]
    figures = [
        Figure("CPU of a query", ours["cpu_per_query"] * 1e6, "µs", theirs["cpu_per_query"] * 1e6, "the script"),
        Figure("its floor", ours["floor"] * 1e6, "µs", theirs["floor"] * 1e6, "the script's own"),
        Figure(
            *("CPU of a query beyond the floor", our_excess * 1e6, "µs", their_excess * 1e6, "the script"),
            Goal("at most", 1 / 5, "ratio"),
        ),
        Figure(
            *("queries per second", ours["per_second"], "", theirs["per_second"], "the script"),
            Goal("at least", 4, "ratio"),
        ),
        Figure(
            *("refundd's queries per second", ours["per_second"], ""),
            *(os.cpu_count() / ours["floor"], f"floor on {os.cpu_count()} cores"),
        ),
        Figure("peak memory", ours["peak_memory"], "MB", theirs["peak_memory"], "the script"),
    ]
    return Table("Against a script", figures)
