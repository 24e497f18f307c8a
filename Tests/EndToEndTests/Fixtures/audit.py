"""What became of refunds, seen from outside once all is over.

Usage: audit.py PLACE SHOP_LOG RECEIVER_LOG

Compares what applications and a receiver of webhooks have seen with the database, and prints a JSON object. What is a
list should be empty, unless a server was lost whose last commits no other had.
"""

import json
import sys
from collections import Counter, defaultdict

import psycopg

ENDS = {"OK": "settled", "OK3": "settled", "FAIL": "failed", "FAIL2": "failed"}

db = psycopg.connect(sys.argv[1], autocommit=True)
told = dict(line.split() for line in open(sys.argv[2], encoding="utf-8"))
received = [json.loads(line) for line in open(sys.argv[3], encoding="utf-8") if line.endswith("\n")]

refunds = dict(db.execute("SELECT merchant_order_no, state FROM refund_queue").fetchall())
ends = db.execute(
    """
    SELECT merchant_order_no, count(t.id) FROM refund_queue q LEFT JOIN refund_transitions t ON t.refund_id = q.id
    AND t.to_state IN ('settled', 'failed', 'abandoned') AND t.from_state <> t.to_state GROUP BY merchant_order_no
    """
).fetchall()
webhooks = {
    id: {"order": order, "sequence": sequence, "type": type, "state": state, "body": bytes(body).decode()}
    for id, order, sequence, type, state, body in db.execute(
        """
        SELECT w.id, q.merchant_order_no, w.sequence, w.type, w.state, w.body FROM refund_webhooks w
        JOIN refund_queue q ON q.id = w.refund_id
        """
    )
}
arrivals = Counter(request["id"] for request in received)
bodies, ids, last = defaultdict(set), defaultdict(set), {}
overtaken = []
for request in received:
    id, body = request["id"], request["body"]
    event = json.loads(body)
    ids[event["data"]["merchant_order_no"], event["type"]].add(id)
    first = id not in bodies
    bodies[id].add(body)
    if first and id in webhooks:
        order, sequence = webhooks[id]["order"], webhooks[id]["sequence"]
        if sequence < last.get(order, 0):
            overtaken.append(f"{order}: {sequence} after {last[order]}")
        last[order] = sequence

print(
    json.dumps(
        {
            "enqueued": sum(1 for word in told.values() if word == "enqueued"),
            "unknown": sum(1 for word in told.values() if word == "unknown"),
            "unknown_written": sum(1 for order, word in told.items() if word == "unknown" and order in refunds),
            "lost": [order for order, word in told.items() if word == "enqueued" and order not in refunds],
            "wrong_end": [f"{o}: {state}" for o, state in refunds.items() if state != ENDS[o.split("-")[0]]],
            "not_ended_once": [f"{order}: {number}" for order, number in ends if number != 1],
            "untold": [
                f"{w['order']}: {w['type']} is {w['state']}"
                for id, w in webhooks.items()
                if id not in arrivals and w["state"] != "superseded" or w["state"] in ("pending", "dead")
            ],
            "unverified": [request["id"] for request in received if not all(request["verified"])],
            "changed_body": [id for id, w in webhooks.items() if id in bodies and bodies[id] != {w["body"]}],
            "overtaken": overtaken,
            "lost_events": [id for id in bodies if id not in webhooks],
            "several_ids": [f"{order}: {type}" for (order, type), all in ids.items() if len(all) > 1],
            "deliveries": len(received),
            "webhooks": len(webhooks),
            "repeated": sum(number - 1 for number in arrivals.values()),
        }
    )
)
