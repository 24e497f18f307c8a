"""PostgreSQL: the same queue on a server, served by one daemon or several, all on this machine.

Wake: from an application's insert to the query's arrival at the gateway. Inserts: pgbench with 8 clients, without the
trigger that wakes daemons, with it while all are awake, and while one sleeps, in turns. Growth: at each size and number
of daemons, refunds fall due at once, some rounds of it; the medians count.
"""

import contextlib
import random
import statistics
import time

import process
from figures import Figure, Goal, Table, latencies
from idle import measured
from server import Server, ServerQueue

ROUNDS = 2
FLEETS = [1, 2, 4]
CLIENTS = 8


def named(count):
    return "1 daemon" if count == 1 else f"{count} daemons"


def numbers(options):
    return {"settled": max(options.inserts, len(options.sizes) * len(FLEETS) * ROUNDS * options.due)}


def run(workspace, options):
    with Server(workspace) as server:
        figures = [*idle(workspace, server, options)]
        for daemons in [1, 3]:
            figures += wake(workspace, server, options, daemons)
        figures += inserts(workspace, server, options)
        figures += growth(workspace, server, options)
    return Table("PostgreSQL", figures)


def fleet(workspace, server, database, count, **settings):
    """So many daemons, which do not run yet, over a queue that is there."""
    place = f'url = "{server.url(database)}"'
    daemons = [workspace.refundd(database=place, **settings) for _ in range(count)]
    daemons[0].run("init")
    return daemons


@contextlib.contextmanager
def entered(contexts):
    """Enters some contexts, and leaves all of them."""
    with contextlib.ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


def idle(workspace, server, options):
    [daemon] = fleet(workspace, server, server.database(), 1)
    cpu, wake_ups, (memory, share, anonymous) = measured(daemon, options)
    return [
        Figure("idle: CPU", cpu * 100, "% of a core"),
        Figure("idle: wake-ups per second", wake_ups),
        Figure("idle: memory", memory, "MB", goal=Goal("at most", 40, unit="MB")),
        Figure("idle: its share of what others use too", share, "MB"),
        Figure("idle: of it not of files", anonymous, "MB"),
    ]


def wake(workspace, server, options, count):
    workspace.peer.forget()
    database = server.database()
    draw, commits = random.Random(1), []
    daemons = fleet(workspace, server, database, count)
    with entered(daemon.running() for daemon in daemons), ServerQueue(server, database) as queue:
        for number in range(options.inserts):
            # Daemons sleep, as between the inserts of a small shop, or are awake.
            time.sleep(draw.uniform(0.002, 0.1))
            queue.insert(range(number, number + 1))
            commits.append(time.monotonic_ns())
        workspace.peer.wait_for("queries", options.inserts)
    queries = workspace.peer.arrivals("queries")
    times = [(queries[number] - commit) / 1e6 for number, commit in enumerate(commits)]
    return latencies(f"{named(count)}: after COMMIT to query", times, p99=Goal("at most", 50, unit="ms"))


def inserts(workspace, server, options):
    database = server.database()
    fleet(workspace, server, database, 1)
    seconds = max(options.floor_seconds, 2)
    rates = {"without": [], "awake": [], "asleep": []}
    with ServerQueue(server, database) as queue:
        # Stands for a daemon, which would take its share of the processors.
        queue.connection.execute("LISTEN refund_queue")
        queue.connection.execute(
            "INSERT INTO refund_daemons (id, host, pid, version, started, seen) VALUES (1, 'here', 1, '', 0, 0)"
        )
        for _ in range(3):
            for name, values in rates.items():
                verb = "DISABLE" if name == "without" else "ENABLE"
                queue.connection.execute(f"ALTER TABLE refund_queue {verb} TRIGGER refund_queue_wake")
                wakes_at = 2**60 if name == "asleep" else 0
                queue.connection.execute(f"UPDATE refund_daemons SET wakes_at = {wakes_at}")
                values.append(server.inserts_per_second(database, CLIENTS, seconds))
    without, awake, asleep = (statistics.median(values) for values in rates.values())
    beside = (without, "without the trigger")
    return [
        Figure(f"{CLIENTS} clients: inserts per second, daemons awake", awake, "", *beside, Goal("at least", 0.67, "ratio")),
        Figure(f"{CLIENTS} clients: inserts per second, one asleep", asleep, "", *beside),
    ]


def growth(workspace, server, options):
    workspace.peer.forget()
    database, figures, settled = server.database(), [], 0
    daemons = fleet(workspace, server, database, max(FLEETS), in_flight=options.in_flight)
    with ServerQueue(server, database) as queue:
        have = 0
        for size in options.sizes:
            for first in range(have, size, 50_000):
                queue.insert_background(range(first, min(first + 50_000, size)))
            have = size
            queue.connection.execute("VACUUM ANALYZE refund_queue")
            queue.connection.execute("CHECKPOINT")
            for count in FLEETS:
                rounds = []
                with entered(daemon.running() for daemon in daemons[:count]):
                    # Their first cycles prepare statements.
                    time.sleep(1)
                    for _ in range(ROUNDS):
                        rounds.append(at_once(workspace, server, queue, daemons[:count], settled, options.due))
                        settled += options.due
                figures += figures_of(f"{size:,} pending, {named(count)}", rounds)
    return figures


def at_once(workspace, server, queue, daemons, settled, due):
    """Lets so many refunds fall due at once; returns queries per second, and per query CPU seconds and bytes of WAL."""
    with entered(daemon.halted() for daemon in daemons):
        queue.insert(range(settled, settled + due))
        usages, cpu = [process.Usage(daemon.pid) for daemon in daemons], server.cpu_seconds()
        log, begin = queue.log_position(), time.perf_counter()
    workspace.peer.wait_for("queries", settled + due)
    queue.wait_for_settled(settled + due)
    seconds = time.perf_counter() - begin
    costs = [sum(usage.seconds() for usage in usages), server.cpu_seconds() - cpu, queue.log_position() - log]
    return [due / seconds, *(cost / due for cost in costs)]


def figures_of(name, rounds):
    rate, daemons, server, log = (statistics.median(values) for values in zip(*rounds))
    return [
        Figure(f"{name}: queries per second", rate),
        Figure(f"{name}: daemons' CPU of a query", daemons * 1e6, "µs"),
        Figure(f"{name}: server's CPU of a query", server * 1e6, "µs"),
        Figure(f"{name}: WAL of a query", log / 1e3, "kB"),
    ]
