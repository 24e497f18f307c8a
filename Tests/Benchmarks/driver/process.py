"""What the kernel says of a running program."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def _fields(path):
    """The fields of a `stat` file behind the name, which may hold blanks itself; `utime` is the 12th."""
    return pathlib.Path(path).read_text().rsplit(")", 1)[1].split()


def cpu_seconds(pid):
    """Time on a processor in nanoseconds, threads included that have ended."""
    # The clock that clock_getcpuclockid(3) gives, which Python does not offer.
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def _threads(pid):
    return pathlib.Path(f"/proc/{pid}/task").iterdir()


def cpu_by_thread_name(pid):
    """Time on a processor of the threads there are, in ticks of the system, by name."""
    seconds = {}
    for thread in _threads(pid):
        try:
            fields = _fields(thread / "stat")
            name = (thread / "comm").read_text().strip()
        except OSError:  # The thread has ended meanwhile.
            continue
        seconds[name] = seconds.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICK
    return seconds


@contextlib.contextmanager
def profiled(pid, folder, name):
    """Records where a program spends its time, for `perf report`, where a folder for that is given."""
    if folder is None:
        yield
        return
    command = ["perf", "record", "--quiet", "-F", "499", "-g", "-p", str(pid), "-o", f"{folder}/{name}.perf"]
    perf = subprocess.Popen(command)
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


def memory(pid):
    """Resident memory in MB, and the part of it that is not of files, such as of programs and libraries."""
    return [_status(f"/proc/{pid}/status", name) * 1_024 / 1e6 for name in ["VmRSS", "RssAnon"]]


def peak_memory(pid):
    """The most resident memory there was so far, in MB."""
    return _status(f"/proc/{pid}/status", "VmHWM") * 1_024 / 1e6
