"""What an application does with the queue."""

import sqlite3

from waiting import await_


class Queue:
    """The application's connection: it inserts, and looks at what became of it."""

    def __init__(self, database):
        self.connection = sqlite3.connect(database, isolation_level=None, timeout=60)
        self.connection.execute("PRAGMA synchronous = FULL")

    def insert(self, numbers, callback_url=lambda number: None):
        """Enqueues refunds in one transaction."""
        rows = ((f"R{number}", callback_url(number)) for number in numbers)
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO refund_queue (merchant_order_no, callback_url) VALUES (?, ?)", rows)
        self.connection.execute("COMMIT")

    def insert_background(self, numbers):
        """Enqueues refunds that are not due for some hours; the daemon must not run meanwhile."""
        ahead = "CAST(strftime('%s', 'now') AS INTEGER) * 1000 + (2 + id % 20) * 3600000"
        rows = ((f"B{number}",) for number in numbers)
        self.connection.execute("BEGIN IMMEDIATE")
        last = self.figure("SELECT ifnull(max(id), 0) FROM refund_queue")
        self.connection.executemany("INSERT INTO refund_queue (merchant_order_no) VALUES (?)", rows)
        self.connection.execute(f"UPDATE refund_queue SET next_query_at = {ahead} WHERE id > ?", (last,))
        self.connection.execute("COMMIT")

    def make_due(self):
        """Makes every open refund due."""
        self.connection.execute("UPDATE refund_queue SET next_query_at = 1 WHERE state IN ('pending', 'processing')")

    def figure(self, sql):
        return self.connection.execute(sql).fetchone()[0]

    def wait_for_settled(self, count):
        sql = "SELECT count(*) FROM refund_queue WHERE state = 'settled'"
        await_(f"{count} settled refunds", lambda: self.figure(sql) >= count, every=0.01)

    def wait_for_rest(self):
        """Waits until nothing is due or in flight."""
        due = "state = 'processing' AND next_query_at = 1 OR state = 'pending' OR leased_until IS NOT NULL"
        refunds = f"SELECT EXISTS (SELECT 1 FROM refund_queue WHERE {due})"
        webhooks = "SELECT EXISTS (SELECT 1 FROM refund_outbox WHERE state = 'pending')"
        await_("rest", lambda: not self.figure(refunds) and not self.figure(webhooks), every=0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
