"""Applications that enqueue refunds all along, one commit each, and remember what they were told.

Usage: shop.py PLACE COUNT SECONDS LOG

Three of them share the refunds, and connect again when the server is gone. LOG gets a line per refund: the order number,
and "enqueued" once its commit was acknowledged, else "unknown".
"""

import sys
import threading
import time

import psycopg

CLIENTS = 3
KINDS = ["OK", "OK", "OK3", "OK", "OK", "FAIL", "OK", "OK", "FAIL2", "OK"]

place, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
log = open(sys.argv[4], "a", encoding="utf-8", buffering=1)
begin = time.monotonic()


def connect():
    while True:
        try:
            return psycopg.connect(place, autocommit=True, connect_timeout=2)
        except psycopg.Error:
            time.sleep(0.05)


def enqueue(client):
    connection = connect()
    for number in range(client, count, CLIENTS):
        time.sleep(max(0, begin + number / count * seconds - time.monotonic()))
        order = f"{KINDS[number % len(KINDS)]}-{number}"
        try:
            connection.execute("INSERT INTO refund_queue (merchant_order_no) VALUES (%s)", [order])
            log.write(f"{order} enqueued\n")
        except psycopg.Error:
            log.write(f"{order} unknown\n")
            connection.close()
            connection = connect()


clients = [threading.Thread(target=enqueue, args=[client]) for client in range(CLIENTS)]
for client in clients:
    client.start()
for client in clients:
    client.join()
