"""Wake: from an application's insert to the query's arrival at the gateway, and from the answer to the webhook.

One insert at a time, a few milliseconds apart at random, synchronous FULL. The insert counts from before its COMMIT,
which includes the application's own wait for the disk, and from after it. What bounds them: each step that must be
durable takes a COMMIT, for which the application's own, in the same run, is the measure, and a query must be signed.
"""

import random
import time

import floors
from application import Queue
from figures import Goal, Table, latencies, percentile


def numbers(options):
    return {"settled": options.inserts}


def run(workspace, options):
    workspace.peer.forget()
    draw = random.Random(1)
    commits = []
    daemon = workspace.refundd(webhook_url=workspace.peer.webhook_url)
    with daemon.running(), Queue(daemon.database) as queue:
        db = queue.connection
        for number in range(options.inserts):
            time.sleep(draw.uniform(0.002, 0.012))
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO refund_queue (merchant_order_no) VALUES (?)", (f"R{number}",))
            before = time.monotonic_ns()
            db.execute("COMMIT")
            commits.append((before, time.monotonic_ns()))
        workspace.peer.wait_for("webhooks", options.inserts)
    queries, webhooks = workspace.peer.arrivals("queries"), workspace.peer.arrivals("webhooks")
    commit = percentile([(after - before) / 1e6 for before, after in commits], 0.5)
    signature = floors.cryptography(options.floor_seconds) * 1e3

    def since(starts, ends):
        return [(ends[number] - start) / 1e6 for number, start in starts]

    before = list(enumerate(before for before, _ in commits))
    after = list(enumerate(after for _, after in commits))
    goals = {"p50": Goal("at most", 5, unit="ms"), "p99": Goal("at most", 25, unit="ms")}
    figures = [
        *latencies(
            *("before COMMIT to query", since(before, queries)),
            *(2 * commit + signature, "two commits, RSA"),
            **goals,
        ),
        *latencies("after COMMIT to query", since(after, queries), commit + signature, "a commit, RSA", **goals),
        *latencies("answer to webhook", since(queries.items(), webhooks), commit, "a commit", **goals),
    ]
    return Table("Wake", figures)
