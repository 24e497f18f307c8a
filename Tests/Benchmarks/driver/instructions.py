"""Instructions: what refundd executes per row outside libcrypto, counted by valgrind's callgrind.

Unlike times, they are the same on every machine. Under valgrind everything is slower by far and only one thread runs at
a time, so that batches and waits differ. Valgrind 3.19 cannot read the debugger's information in a Swift program, so it
gets a copy without.
"""

import re
import subprocess

from costs import Workload
from daemon import PROGRAMS
from figures import Figure, Goal, Table

# A query that times out on a busy machine would be sent again in an hour.
PATIENCE = {"timeout": "60s", "webhook_timeout": "60s"}
GOALS = {"poll": 420_000, "settle": 650_000, "deliver": 350_000}


def numbers(options):
    return {"settled": 2 * options.counted_rows, "processing": options.counted_rows}


def outside_libcrypto(path):
    """The sum of the instructions in a file of callgrind's, those of libcrypto left out."""
    names, total, part_of, is_call = {}, 0, "", False
    for line in path.read_text().splitlines():
        if line.startswith(("ob=", "cob=")):
            # A name is written out where it comes first, be it as the called object's.
            kind, _, object_ = line.partition("=")
            number, _, name = object_.partition(" ")
            names.setdefault(number, name)
            part_of = names[number] if kind == "ob" else part_of
        elif line.startswith("calls="):
            # The line after it has the cost of what is called, which is listed itself.
            is_call = True
        elif re.match(r"[+\-*\d]", line):
            if not is_call and "libcrypto" not in part_of:
                total += int(line.split()[-1])
            is_call = False
    return total


def run(workspace, options):
    program = workspace.folder / "refundd"
    subprocess.run(["strip", "-g", "-o", program, PROGRAMS / "refundd"], check=True)
    figures = []
    for name, goal in GOALS.items():
        workload = Workload(workspace, name, options.counted_rows, **PATIENCE)
        workload.prepare()
        output = workspace.folder / f"callgrind-{name}"
        valgrind = ["valgrind", "--tool=callgrind", "--fair-sched=yes"]
        valgrind += [f"--callgrind-out-file={output}", "--log-file=/dev/null"]
        workload.daemon.program = program
        with workload.daemon.running(*valgrind):
            # The first round opens connections and is not counted.
            workload.ours(0)
            control(workload.daemon.pid, "--zero")
            workload.ours(1)
            control(workload.daemon.pid, "--dump")
        if options.profile:
            subprocess.run(["cp", f"{output}.1", f"{options.profile}/{name}.callgrind"], check=True)
        count = outside_libcrypto(output.with_name(output.name + ".1")) / workload.rows
        figures.append(Figure(f"{name}: instructions outside libcrypto", count, goal=Goal("at most", goal)))
    return Table("Instructions", figures)


def control(pid, what):
    subprocess.run(["callgrind_control", what, str(pid)], check=True, stdout=subprocess.DEVNULL)
