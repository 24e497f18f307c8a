"""Prints the TCP addresses that a process listens on, as /proc/net/tcp writes them.

Usage: listeners.py PROCESS
"""

import os
import sys

folder = f"/proc/{sys.argv[1]}/fd/"
sockets = set()
for name in os.listdir(folder):
    try:
        sockets.add(os.readlink(folder + name))
    except FileNotFoundError:
        pass
for table in ["tcp", "tcp6"]:
    with open(f"/proc/net/{table}") as lines:
        for line in list(lines)[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                print(fields[1])
