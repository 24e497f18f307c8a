"""Runs a command on a terminal of its own and copies what it shows to standard output.

Usage: terminal.py COLUMNS COMMAND [ARGUMENT...]
"""

import fcntl
import os
import pty
import struct
import sys
import termios

columns, command = int(sys.argv[1]), sys.argv[2:]
process, terminal = pty.fork()
if process == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execvp(command[0], command)
output = b""
while True:
    try:
        shown = os.read(terminal, 65536)
    except OSError:
        # What Linux says once nobody has the other end open.
        break
    if not shown:
        break
    output += shown
sys.stdout.buffer.write(output.replace(b"\r\n", b"\n"))
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
