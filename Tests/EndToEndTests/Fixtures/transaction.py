"""A program that keeps a transaction on a PostgreSQL server open until it is killed.

Usage: transaction.py PLACE STATEMENT...
"""

import signal
import sys

import psycopg

connection = psycopg.connect(sys.argv[1], autocommit=True)
for statement in sys.argv[2:]:
    connection.execute(statement)
print("holding", flush=True)
signal.pause()
