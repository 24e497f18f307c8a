"""What the kernel says of a running program."""

import contextlib
import pathlib
import signal
import subprocess
import time


def cpu_seconds(pid):
    """Time on a processor, exact to the nanosecond, threads included that have ended."""
    # The clock that clock_getcpuclockid(3) gives, which Python does not offer.
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def _threads(pid):
    return pathlib.Path(f"/proc/{pid}/task").iterdir()


class Usage:
    """The time on a processor that a program takes from now on."""

    def __init__(self, pid):
        self._pid = pid
        self._before = cpu_seconds(pid)

    def seconds(self):
        return cpu_seconds(self._pid) - self._before


@contextlib.contextmanager
def profiled(pid, folder, name):
    """Records where a program spends its time, for `perf report`, where a folder for that is given."""
    if folder is None:
        yield
        return
    # The distribution's libraries keep no frame pointers.
    how = ["--quiet", "-F", "199", "--call-graph", "dwarf,16384"]
    perf = subprocess.Popen(["perf", "record", *how, "-p", str(pid), "-o", f"{folder}/{name}.perf"])
    try:
        yield
    finally:
        perf.send_signal(signal.SIGINT)
        perf.wait()


def _status(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise ValueError(f"{path} has no {name}")


def wake_ups(pid, seconds):
    """How often threads were woken that had gone to sleep of their own accord, in so many seconds from now."""
    first, last = {}, {}
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for thread in _threads(pid):
            try:
                last[thread.name] = _status(thread / "status", "voluntary_ctxt_switches")
            except OSError:  # The thread has ended meanwhile.
                continue
            # One that was not there at the beginning has begun from nothing.
            first.setdefault(thread.name, 0 if first.get("complete") else last[thread.name])
        first["complete"] = True
        time.sleep(min(left, 0.5))
    del first["complete"]
    return sum(last.values()) - sum(first.values())


def voluntary_switches(pid):
    """How often the threads there are have gone to sleep of their own accord."""
    return sum(_status(thread / "status", "voluntary_ctxt_switches") for thread in _threads(pid))


def memory(pid):
    """Resident memory in MB, its share where others use the same pages, and the part that is not of files."""
    resident, anonymous = (_status(f"/proc/{pid}/status", name) for name in ["VmRSS", "RssAnon"])
    return [kibibytes * 1_024 / 1e6 for kibibytes in [resident, _status(f"/proc/{pid}/smaps_rollup", "Pss"), anonymous]]


def peak_memory(pid):
    """The most resident memory there was so far, in MB."""
    return _status(f"/proc/{pid}/status", "VmHWM") * 1_024 / 1e6
