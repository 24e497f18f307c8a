"""An application that enqueues refunds, one commit each.

Usage: insert.py DATABASE COUNT MILLISECONDS_BETWEEN

Prints a JSON object: for each order number the Unix milliseconds at which its commit had returned.
"""

import json
import sqlite3
import sys
import time

database, count, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) / 1000
connection = sqlite3.connect(database, timeout=10, isolation_level=None)
committed = {}
for number in range(count):
    order = f"OK-{number}"
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO refund_queue (merchant_order_no) VALUES (?)", (order,))
    connection.execute("COMMIT")
    committed[order] = time.time_ns() / 1e6
    time.sleep(pause)
print(json.dumps(committed))
