"""What bounds refundd on this machine: the cryptography and the disk."""

import os
import re
import subprocess
import time


def cryptography(seconds, processes=1):
    """CPU seconds of one RSA-2048 signature and one verification, as `openssl speed` has them.

    With several processes at once, what each of them needs while the others keep the other cores busy.
    """
    command = ["openssl", "speed", "-seconds", str(seconds), "rsa2048"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(processes)]
    return sum(_seconds_of_both(process.communicate()[0]) for process in running) / processes


def _seconds_of_both(output):
    # rsa 2048 bits 0.000258s 0.000017s   3876.2  58433.3
    sign, verify = re.search(r"^rsa +2048 bits +\S+ +\S+ +(\S+) +(\S+)$", output, re.MULTILINE).groups()
    return 1 / float(sign) + 1 / float(verify)


def disk_sync(folder, count):
    """How long each of so many small writes takes to reach the disk, in milliseconds."""
    path = folder / "sync"
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    times = []
    try:
        # What a commit of a few rows writes, in a log that has its full length already.
        pages, length = b"\1" * 16_480, 256
        os.write(file, pages * length)
        os.fsync(file)
        for number in range(count):
            os.pwrite(file, pages, number % length * len(pages))
            begin = time.perf_counter()
            os.fdatasync(file)
            times.append((time.perf_counter() - begin) * 1e3)
    finally:
        os.close(file)
        path.unlink()
    return times
