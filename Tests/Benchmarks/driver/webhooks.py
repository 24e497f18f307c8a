"""Webhooks: whether one endpoint that hangs holds up others."""

import time

from application import Queue
from figures import Goal, Table, latencies, percentile

ENDPOINTS = 1_000
# Seconds between inserts, so that delays are not those of a full machine.
PACE = 0.004


def numbers(options):
    return {"settled": options.endpoint_webhooks}


def run(workspace, options):
    without = delays(workspace, options.endpoint_webhooks, hanging=False)
    beside = delays(workspace, options.endpoint_webhooks, hanging=True)
    hanging = latencies("answer to webhook, 1 of 1,000 endpoints hangs", beside)
    for figure, part in zip(hanging, [0.5, 0.99, 1]):
        figure.beside, figure.beside_name = percentile(without, part), "none hangs"
    hanging[1].goal = Goal("at most", 1.5, "ratio")
    return Table("Webhooks", hanging)


def delays(workspace, count, hanging):
    """Milliseconds from each answer to its webhook, those of the endpoint that may hang left out."""
    workspace.peer.forget()
    urls = [f"http://127.0.0.1:{port}/webhooks" for port in workspace.peer.plain_ports[:ENDPOINTS]]
    if hanging:
        urls[0] = urls[0].replace("/webhooks", "/hang")
    others = [number for number in range(count) if number % len(urls) != 0]
    # As many in flight as by default: the fewer, the more of them the one that hangs could take.
    daemon = workspace.refundd(webhooks_in_flight=16)
    with daemon.running(), Queue(daemon.database) as queue:
        for number in range(count):
            queue.insert([number], callback_url=lambda number: urls[number % len(urls)])
            time.sleep(PACE)
        workspace.peer.wait_for("webhooks", len(others) if hanging else count)
        queries, webhooks = workspace.peer.arrivals("queries"), workspace.peer.arrivals("webhooks")
    return [(webhooks[number] - queries[number]) / 1e6 for number in others]
