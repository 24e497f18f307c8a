"""The trial, as a newcomer types it."""

import os
import pathlib
import re
import signal
import subprocess

from support import PATIENCE, free_port, problems, programs, readme, repository


def trial_example(folder, text):
    """The trial as a newcomer types it, on other ports; ends once the receiver has printed what the text says."""
    folder = pathlib.Path(folder)
    (folder / ".build").mkdir()
    (folder / ".build/debug").symlink_to(programs)
    (folder / "deploy").symlink_to(repository / "deploy")
    text = text.replace("8080", str(free_port()))
    text = text.replace("init --directory sim", f"init --directory sim --port {free_port()}")
    environment = {**os.environ, "REFUNDD_ADMIN_LISTEN": f"127.0.0.1:{free_port()}"}
    ending = re.search(r"`(kill %1 %2 %3)`", readme)[1]
    session = subprocess.Popen(
        ["bash", "-eu", "-c", f"{text}\nread -r line\n{ending}\nwait"],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    seen = ""
    wanted = re.search(r"`(verified [^`]*)`", readme)[1]
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(session.pid, signal.SIGKILL))
    signal.alarm(int(60 * PATIENCE))
    for line in session.stdout:
        seen += line
        if line.startswith(wanted):
            session.stdin.write("\n")
            session.stdin.flush()
    signal.alarm(0)
    if wanted not in seen or session.wait() != 0:
        problems.append(f"README.md: the trial fails:\n{seen}")
