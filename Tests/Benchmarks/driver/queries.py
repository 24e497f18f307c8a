"""Queries: refunds that are all due at once, each settled by the first answer, none with a webhook.

A query is claimed, signed, sent over TLS, its answer verified and written durably, with ledger and event, and told in
the log as by default. The floor is what `openssl speed` needs for one signature and one verification, measured right
before and right after on one core. The peer does not verify queries, and has signed its answers beforehand.
"""

import os
import time

import floors
import process
from application import Queue
from figures import Figure, Goal, Table, threads


def numbers(options):
    """How many refunds the peer must know."""
    return options.refunds


def measure(workspace, options):
    """Lets refundd query so many refunds; returns CPU seconds per query and queries per second, and the rest."""
    workspace.peer.forget()
    daemon = workspace.refundd(in_flight=options.in_flight)
    with daemon.running(), Queue(daemon.database) as queue:
        usage, peers_usage = process.Usage(daemon.pid), process.Usage(workspace.peer.pid)
        with process.profiled(daemon.pid, options.profile, "queries"):
            queue.insert(range(options.refunds))
            begin = time.perf_counter()
            workspace.peer.wait_for("queries", options.refunds)
            queue.wait_for_settled(options.refunds)
            seconds = time.perf_counter() - begin
        return {
            "cpu_per_query": usage.seconds() / options.refunds,
            "per_second": options.refunds / seconds,
            "threads": threads(usage, options.refunds, "per query"),
            "peer_per_query": peers_usage.seconds() / options.refunds,
            "peak_memory": process.peak_memory(daemon.pid),
        }


def measure_with_floor(workspace, options):
    """The same, with the floor of the same run: the mean of right before and right after."""
    before = floors.cryptography(options.floor_seconds)
    result = measure(workspace, options)
    after = floors.cryptography(options.floor_seconds)
    return {**result, "floor": (before + after) / 2}


def run(workspace, options):
    result = measure_with_floor(workspace, options)
    cores = os.cpu_count()
    all_cores = floors.cryptography(options.floor_seconds, processes=cores)
    cpu, floor = result["cpu_per_query"], result["floor"]
    figures = [
        Figure("CPU of 1,000 queries", cpu * 1e3, "s", floor * 1e3, "openssl speed", Goal("at most", 1.35, "ratio")),
        Figure("the same, beside all cores at once", cpu * 1e3, "s", all_cores * 1e3, f"{cores} of openssl speed"),
        Figure("CPU of a query beyond the floor", (cpu - floor) * 1e6, "µs"),
        Figure("queries per second", result["per_second"], "", cores / floor, f"floor on {cores} cores"),
        Figure("CPU of the peer per query", result["peer_per_query"] * 1e6, "µs"),
        Figure("peak memory", result["peak_memory"], "MB"),
        *result["threads"],
    ]
    return Table("Queries", figures)
