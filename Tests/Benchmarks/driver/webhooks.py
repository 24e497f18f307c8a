"""Webhooks: what a delivery costs beside plain libcurl, and whether one endpoint that hangs holds up others.

refundd's cost holds the claim, the signature (HMAC) and the durable end of each attempt; plain libcurl only posts the
same bodies, to the same receiver over TLS, with as many in flight and connections kept. To have deliveries alone, the
daemon is halted while `refundd redeliver` makes webhooks due that were delivered before.
"""

import json
import os
import pathlib
import signal
import subprocess
import time

import process
from application import Queue
from figures import Figure, Goal, Table, latencies, percentile, threads
from waiting import await_

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "plain_curl.c"
IN_FLIGHT = 64
ENDPOINTS = 1_000
# Seconds between inserts, so that delays are not those of a full machine.
PACE = 0.004


def numbers(options):
    return max(options.webhooks, options.endpoint_webhooks)


def run(workspace, options):
    ours, by_thread, bodies = deliveries(workspace, options.webhooks, options.profile)
    theirs = plain_libcurl(workspace, bodies)
    without = delays(workspace, options.endpoint_webhooks, hanging=False)
    beside = delays(workspace, options.endpoint_webhooks, hanging=True)
    hanging = latencies("answer to webhook, 1 of 1,000 endpoints hangs", beside)
    for figure, part in zip(hanging, [0.5, 0.99, 1]):
        figure.beside, figure.beside_name = percentile(without, part), "none hangs"
    hanging[1].goal = Goal("at most", 1.5, "ratio")
    figures = [
        Figure("CPU of a delivery", ours * 1e6, "µs", theirs * 1e6, "plain libcurl", Goal("at most", 1.5, "ratio")),
        Figure("deliveries per CPU second", 1 / ours, "", 1 / theirs, "plain libcurl"),
        *by_thread,
        *hanging,
    ]
    return Table("Webhooks", figures)


def deliveries(workspace, count, profile):
    """Returns refundd's CPU seconds per delivery, the figures of its threads, and a file of a line for each webhook."""
    workspace.peer.forget()
    daemon = workspace.refundd(webhook_url=workspace.peer.webhook_url, webhooks_in_flight=IN_FLIGHT)
    with daemon.running(), Queue(daemon.database) as queue:

        def wait_for_delivered():
            pending = "SELECT count(*) FROM refund_webhooks WHERE state = 'pending'"
            await_("the end of all deliveries", lambda: queue.figure(pending) == 0, every=0.01)

        queue.insert(range(count))
        workspace.peer.wait_for("webhooks", count)
        wait_for_delivered()
        os.kill(daemon.pid, signal.SIGSTOP)
        daemon.run("redeliver", "--since", "1h")
        usage = process.Usage(daemon.pid)
        with process.profiled(daemon.pid, profile, "webhooks"):
            os.kill(daemon.pid, signal.SIGCONT)
            workspace.peer.wait_for("webhooks", 2 * count)
            wait_for_delivered()
        cpu, by_thread = usage.seconds(), threads(usage, count, "per delivery")
        bodies = workspace.folder / "bodies"
        with open(bodies, "wb") as file:
            for webhook_id, body in queue.connection.execute("SELECT id, body FROM refund_webhooks"):
                file.write(webhook_id.encode() + b"\t" + bytes(body) + b"\n")
    return cpu / count, by_thread, bodies


def plain_libcurl(workspace, bodies):
    """CPU seconds of a post of libcurl's."""
    program = workspace.folder / "plain_curl"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-o", program, SOURCE, "-lcurl"], check=True)
    command = [program, workspace.peer.webhook_url, workspace.folder / "certificate.pem", str(IN_FLIGHT), bodies]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["cpu_per_post"]


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
