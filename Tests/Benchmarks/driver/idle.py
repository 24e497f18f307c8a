"""Idle: what refundd takes while nothing is due, with refunds pending that are due in some hours."""

import time

import process
from application import Queue
from figures import Figure, Goal, Table


def numbers(options):
    return {}


def measured(daemon, options):
    """Runs an idle daemon: its CPU as a share of a core, its wake-ups per second, and its memory."""
    with daemon.running():
        # What the start leaves behind is not idleness.
        time.sleep(min(options.idle_seconds, 10))
        usage, begin = process.Usage(daemon.pid), time.monotonic()
        wake_ups = process.wake_ups(daemon.pid, options.idle_seconds)
        cpu, seconds = usage.seconds(), time.monotonic() - begin
        return cpu / seconds, wake_ups / seconds, process.memory(daemon.pid)


def run(workspace, options):
    daemon = workspace.refundd(webhook_url=workspace.peer.webhook_url)
    daemon.run("init")
    with Queue(daemon.database) as queue:
        queue.insert_background(range(1_000))
    cpu, wake_ups, (memory, share, anonymous) = measured(daemon, options)
    figures = [
        Figure("CPU", cpu * 100, "% of a core", goal=Goal("at most", 0.05, unit="%")),
        Figure("CPU per hour", cpu * 3_600, "s"),
        Figure("wake-ups per second", wake_ups),
        Figure("memory", memory, "MB", goal=Goal("at most", 37, unit="MB")),
        Figure("its share of what others use too", share, "MB"),
        Figure("of it not of files", anonymous, "MB"),
    ]
    return Table("Idle", figures)
