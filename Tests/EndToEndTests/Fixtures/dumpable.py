"""Becomes another program, which may leave a core dump of any size and is ended by any signal.

Usage: dumpable.py PROGRAM ARGUMENT...
"""

import os
import resource
import signal
import sys

_, hard = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
# Whoever starts this may have blocked them.
signal.pthread_sigmask(signal.SIG_SETMASK, [])
os.execv(sys.argv[1], sys.argv[1:])
