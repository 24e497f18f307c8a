"""A program that keeps a transaction open until it is killed.

Usage: hold.py DATABASE (IMMEDIATE | EXCLUSIVE | READ)
"""

import signal
import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
if sys.argv[2] == "READ":
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
else:
    connection.execute(f"BEGIN {sys.argv[2]}")
print("holding", flush=True)
signal.pause()
