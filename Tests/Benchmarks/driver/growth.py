"""Growth: one database with ever more pending refunds, most of which are not due for hours.

At each size refundd starts anew, then a fixed number of further refunds falls due at once, some rounds of it; the
medians count. The commands run beside the daemon, each as a whole process.
"""

import statistics
import time

import process
from application import Queue
from figures import Figure, Goal, Table

ROUNDS = 3
COMMANDS = [("status",), ("list",), ("show", "B0")]


def numbers(options):
    return {"settled": len(options.sizes) * ROUNDS * options.due}


def run(workspace, options):
    workspace.peer.forget()
    daemon = workspace.refundd(in_flight=options.in_flight)
    daemon.run("init")
    steps = []
    with Queue(daemon.database) as queue:
        for index, size in enumerate(options.sizes):
            have = options.sizes[index - 1] if index else 0
            bytes_each = grow(queue, have, size)
            with daemon.running() as start:
                step = at_size(workspace, daemon, queue, index * ROUNDS * options.due, options.due)
            steps.append({**step, "size": size, "start": start, "bytes": bytes_each})
    return Table("Growth", [figure for step in steps for figure in figures_of(step, steps[0])])


def grow(queue, have, size):
    """Adds pending refunds; returns the bytes that each of them takes."""
    before = queue.figure("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    for first in range(have, size, 50_000):
        queue.insert_background(range(first, min(first + 50_000, size)))
    queue.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    after = queue.figure("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    return (after - before) / (size - have)


def at_size(workspace, daemon, queue, settled, due):
    rounds = []
    for number in range(settled, settled + ROUNDS * due, due):
        usage = process.Usage(daemon.pid)
        queue.insert(range(number, number + due))
        begin = time.perf_counter()
        workspace.peer.wait_for("queries", number + due)
        queue.wait_for_settled(number + due)
        seconds = time.perf_counter() - begin
        rounds.append((due / seconds, usage.seconds() / due))
    times = {" ".join(command): [daemon.run(*command) for _ in range(5)] for command in COMMANDS}
    times["GET /metrics"] = [daemon.get("/metrics")[1] for _ in range(5)]
    return {
        "per_second": statistics.median(rate for rate, _ in rounds),
        "cpu": statistics.median(cpu for _, cpu in rounds),
        "memory": process.peak_memory(daemon.pid),
        "times": {name: statistics.median(values) for name, values in times.items()},
    }


def figures_of(step, first):
    def name(what):
        return f"{step['size']:,}: {what}"

    beside = f"at {first['size']:,}"
    times = [
        Figure(name(f"refundd {what}" if not what.startswith("GET") else what), time, "ms", goal=time_goal())
        for what, time in step["times"].items()
    ]
    return [
        Figure(
            *(name("queries per second"), step["per_second"], "", first["per_second"], beside),
            Goal("at least", 0.9, "ratio"),
        ),
        Figure(name("CPU of a query"), step["cpu"] * 1e6, "µs", first["cpu"] * 1e6, beside),
        Figure(name("start to ready"), step["start"], "ms", goal=Goal("at most", 1_000, unit="ms")),
        Figure(name("peak memory"), step["memory"], "MB", goal=Goal("at most", 64, unit="MB")),
        Figure(name("database per refund"), step["bytes"], "bytes"),
        *times,
    ]


def time_goal():
    return Goal("at most", 100, unit="ms")
