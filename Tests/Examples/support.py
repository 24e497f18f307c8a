"""What the examples' tests share: the texts, the programs, and what is wrong."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import time

programs = pathlib.Path(sys.argv[1]).resolve()
repository = pathlib.Path(__file__).resolve().parents[2]
readme = (repository / "README.md").read_text()
problems = []

# The path of the examples' database.
SHOP = "/srv/shop/shop.db"

# Every wait is this many times as long.
PATIENCE = float(os.environ.get("TEST_PATIENCE", 1))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_(what, condition):
    deadline = time.monotonic() + 30 * PATIENCE
    while not (result := condition()):
        if time.monotonic() > deadline:
            sys.exit(f"timed out waiting for {what}")
        time.sleep(0.05)
    return result


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))[:400]}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def examples():
    """The examples of README.md: kind to texts, in order. A fence without a language has a picture."""
    found = {}
    for language, kind, text in re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```", readme, re.M | re.S):
        if not kind:
            problems.append(f"README.md: an example in {language} has no kind: {text.splitlines()[0]}")
        found.setdefault(f"{language} {kind}", []).append(text)
    return found


def manual(name):
    return (repository / "deploy/man" / name).read_text()
