"""Schedules: the default one beside others over a simulated month; a program of its own, which measures no time."""

import json
import subprocess

from daemon import PROGRAMS

PROGRAM = PROGRAMS / "refund-benchmark-schedules"


def numbers(options):
    return {}


class Month:
    """What the program says, for reading and as JSON."""

    def __init__(self, text, document):
        self.text = f"## A month in a table\n\n{text}"
        self.json = document


def run(workspace, options):
    file = workspace.folder / "schedules.json"
    command = [PROGRAM, "--json", file]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Month(text, json.loads(file.read_text()))
