"""An application with a database of its own, in which refundd keeps its queue.

Usage: application.py DATABASE create | cancel ORDER (commit | rollback)
"""

import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
if sys.argv[2] == "create":
    connection.execute("PRAGMA user_version = 7")
    connection.execute("PRAGMA application_id = 4711")
    connection.execute("CREATE TABLE orders (number TEXT PRIMARY KEY, state TEXT NOT NULL)")
    connection.execute("INSERT INTO orders VALUES ('OK-A', 'paid'), ('OK-B', 'paid')")
else:
    order, end = sys.argv[3], sys.argv[4]
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE orders SET state = 'cancelled' WHERE number = ?", (order,))
    connection.execute("INSERT INTO refund_queue (merchant_order_no) VALUES (?)", (order,))
    connection.execute(end)
