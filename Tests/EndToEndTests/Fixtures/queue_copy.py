"""Copies what is in refundd's tables on a PostgreSQL server to a SQLite file, once every daemon's connection has ended.

Usage: queue_copy.py PLACE FILE
"""

import sqlite3
import sys
import time

import psycopg

TABLES = [
    *["refund_queue", "refund_transitions", "refund_event_log", "refund_outbox", "refund_outbox_attempts"],
    *["refund_webhooks", "refund_webhook_attempts", "refund_incidents"],
]
KEYS = ["id", "refund_id", "webhook_id", "position"]

server = psycopg.connect(sys.argv[1], autocommit=True)
daemons = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'refundd'"
# What a killed daemon had sent is still carried out.
while server.execute(daemons).fetchone() != (0,):
    time.sleep(0.005)
file = sqlite3.connect(sys.argv[2])
for table in TABLES:
    rows = server.execute(f"SELECT * FROM {table}")
    columns = [column.name for column in rows.description]
    file.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
    file.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    # Without them, looking at a long run takes minutes.
    for key in set(KEYS).intersection(columns):
        file.execute(f"CREATE INDEX {table}_{key} ON {table} ({key})")
file.commit()
