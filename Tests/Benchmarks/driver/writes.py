"""Writes: what refundd asks of the disk, and what an application feels that inserts meanwhile.

The first run measures an application that inserts every 10 ms while refundd is at full speed; the second counts the
waits for the disk with strace, which slows refundd down. In WAL mode with synchronous FULL each commit waits for the
log once; a checkpoint waits for the log and for the database, and the log that is begun anew after it waits again.
"""

import re
import threading
import time

import floors
from application import Queue
from figures import Figure, Goal, Table, latencies, percentile

INTERVAL = 0.01
# The application's refunds, which come on top of those that are due at once.
MOST_INSERTS = 6_000


def numbers(options):
    return {"settled": options.refunds + MOST_INSERTS}


def inserts(database, numbers, until):
    """Inserts a refund every 10 ms until something has come about; returns how long each took, in milliseconds."""
    times = []
    with Queue(database) as application:
        for number in numbers:
            if until():
                break
            time.sleep(INTERVAL)
            begin = time.perf_counter()
            application.insert([number])
            times.append((time.perf_counter() - begin) * 1e3)
    return times


class LogSize:
    """Looks at the length of a write-ahead log, again and again until it is told to stop."""

    def __init__(self, database):
        self.most = 0
        self._log = database.with_name(database.name + "-wal")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        while not self._stop.wait(0.005):
            self.most = max(self.most, self._log.stat().st_size)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def at_full_speed(workspace, options):
    """Returns the application's insert times and the log's greatest length in MiB."""
    workspace.peer.forget()
    daemon = workspace.refundd(in_flight=options.in_flight)
    with daemon.running(), Queue(daemon.database) as queue, LogSize(daemon.database) as log:
        queue.insert(range(options.refunds))
        queries = threading.Thread(target=workspace.peer.wait_for, args=["queries", options.refunds])
        queries.start()
        numbers = range(options.refunds, options.refunds + MOST_INSERTS)
        times = inserts(daemon.database, numbers, until=lambda: not queries.is_alive())
        queries.join()
    return times, log.most / 2**20


def alone(workspace, count):
    """The same application's insert times while no daemon runs."""
    daemon = workspace.refundd()
    daemon.run("init")
    return inserts(daemon.database, range(count), until=lambda: False)


def counted(workspace, options):
    """Commits and waits for the disk per 1,000 queries."""
    workspace.peer.forget()
    trace = workspace.folder / "trace"
    strace = ["strace", "-D", "-f", "--seccomp-bpf", "-y", "-e", "trace=fdatasync,fsync", "-o", trace]
    daemon = workspace.refundd(in_flight=options.in_flight)
    with daemon.running(*strace), Queue(daemon.database) as queue:
        begin = len(trace.read_text())
        queue.insert(range(options.refunds))
        workspace.peer.wait_for("queries", options.refunds)
        queue.wait_for_settled(options.refunds)
        text = trace.read_text()[begin:]
    files = re.findall(r"f(?:data)?sync\(\d+<(.*?)>", text)
    checkpoints = sum(1 for file in files if not file.endswith("-wal"))
    return (len(files) - 3 * checkpoints) / options.refunds * 1e3, len(files) / options.refunds * 1e3


def run(workspace, options):
    times, log_size = at_full_speed(workspace, options)
    by_itself = alone(workspace, min(len(times), 500))
    sync = floors.disk_sync(workspace.folder, options.syncs)
    commits, waits = counted(workspace, options)
    beside = {part: percentile(by_itself, float(part[1:]) / 100) for part in ["p50", "p99"]}
    application = latencies("insert at full speed", times, p99=Goal("at most", 20, unit="ms"))
    for figure, part in zip(application, beside):
        figure.beside, figure.beside_name = beside[part], "without refundd"
    figures = [
        *application,
        *latencies("the disk's own wait", sync),
        Figure("commits per 1,000 queries", commits),
        Figure("fsync and fdatasync per 1,000 queries", waits),
        Figure("longest log", log_size, "MiB", 64, "the bound"),
    ]
    return Table("Writes", figures)
