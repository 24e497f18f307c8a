#!/usr/bin/env python3
"""What a shop would write instead of refundd: a thread pool that asks the gateway for every open refund.

Usage: rival.py URL DATABASE APP_KEY GATEWAY_PUBLIC_KEY CA COUNT

Makes a queue of COUNT refunds, R0 and on, queries each with 32 threads, verifies the answer and commits it with its
ledger row and event. Prints as JSON what that cost, and what signature and verification alone cost it.
"""

import base64
import concurrent.futures
import json
import resource
import sqlite3
import sys
import threading
import time

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

THREADS = 32

url, database, app_key_file, gateway_key_file, ca_file, count = sys.argv[1:]
with open(app_key_file, "rb") as file:
    app_key = serialization.load_pem_private_key(file.read(), password=None)
with open(gateway_key_file, "rb") as file:
    gateway_key = serialization.load_pem_public_key(file.read())

SCHEMA = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE refunds (
        id INTEGER PRIMARY KEY, order_no TEXT UNIQUE, state TEXT DEFAULT 'pending', attempts INTEGER DEFAULT 0,
        amount TEXT, currency TEXT, trans_no TEXT, updated_at INTEGER
    );
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY, refund_id INTEGER, at INTEGER, from_state TEXT, to_state TEXT, response TEXT
    );
    CREATE TABLE events (id INTEGER PRIMARY KEY, refund_id INTEGER, at INTEGER, type TEXT, body TEXT);
"""
STATES = {0: "processing", 1: "failed", 2: "settled", 3: "failed", 9: "processing"}

db = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
db_lock = threading.Lock()
local = threading.local()


def canonical(members):
    pairs = sorted((name, str(value)) for name, value in members.items() if name != "sign" and value not in (None, ""))
    return "&".join(f"{name}={value}" for name, value in pairs).encode()


def sign(message):
    return base64.b64encode(app_key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def verify(signature, message):
    gateway_key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())


def session():
    if not hasattr(local, "session"):
        local.session = requests.Session()
    return local.session


def query(order_no):
    """Asks the gateway; returns the answer's text and data, which its signature proves."""
    members = {
        "app_id": "wz715fc0d10ee9d156",
        "method": "order.refund.query",
        "format": "JSON",
        "charset": "UTF-8",
        "sign_type": "RSA2",
        "version": "1.0",
        "timestamp": str(int(time.time() * 1000)),
        "merchant_no": "312100007235",
        "merchant_order_no": order_no,
    }
    members["sign"] = sign(canonical(members))
    response = session().post(url, json=members, timeout=10, verify=ca_file)
    response.raise_for_status()
    answer = response.json()
    verify(answer["sign"], canonical(answer))
    if answer["code"] != "0":
        raise ValueError(f"the gateway answered {answer['code']}: {answer['msg']}")
    data = json.loads(answer["data"])
    if data["merchant_order_no"] != order_no:
        raise ValueError("the answer is about another refund")
    return response.text, data


def process(refund):
    refund_id, order_no, state = refund
    text, data = query(order_no)
    new_state = STATES[data["trans_status"]]
    now = int(time.time() * 1000)
    event = json.dumps({"type": f"refund.{new_state}", "refund_id": refund_id, "order_no": order_no, "data": data})
    with db_lock:
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "UPDATE refunds SET state = ?, attempts = attempts + 1, amount = ?, currency = ?, trans_no = ?,"
            " updated_at = ? WHERE id = ?",
            (new_state, data["trans_amount"], data["price_currency"], data["trans_no"], now, refund_id),
        )
        db.execute(
            "INSERT INTO ledger (refund_id, at, from_state, to_state, response) VALUES (?, ?, ?, ?, ?)",
            (refund_id, now, state, new_state, text),
        )
        db.execute(
            "INSERT INTO events (refund_id, at, type, body) VALUES (?, ?, ?, ?)",
            (refund_id, now, f"refund.{new_state}", event),
        )
        db.execute("COMMIT")


def floor():
    """CPU seconds of one signature and one verification with this library."""
    message = b"m" * 250
    verifications = 2_000
    begin = time.process_time()
    signatures = [app_key.sign(message, padding.PKCS1v15(), hashes.SHA256()) for _ in range(verifications)]
    for signature in signatures:
        app_key_public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    return (time.process_time() - begin) / verifications


app_key_public = app_key.public_key()
db.executescript(SCHEMA)
db.execute("BEGIN")
db.executemany("INSERT INTO refunds (order_no) VALUES (?)", ((f"R{number}",) for number in range(int(count))))
db.execute("COMMIT")

floor_before = floor()
begin, cpu_begin = time.perf_counter(), time.process_time()
due = db.execute("SELECT id, order_no, state FROM refunds WHERE state IN ('pending', 'processing')").fetchall()
with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
    for future in [pool.submit(process, refund) for refund in due]:
        future.result()
seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu_begin
settled = db.execute("SELECT count(*) FROM refunds WHERE state = 'settled'").fetchone()[0]
assert settled == len(due), f"{settled} of {len(due)} refunds settled"
print(
    json.dumps(
        {
            "cpu_per_query": cpu / len(due),
            "per_second": len(due) / seconds,
            "floor": (floor_before + floor()) / 2,
            "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6,
        }
    )
)
