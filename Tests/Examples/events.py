"""Events and webhooks: their bodies, their signatures, and the tools for receivers."""

import base64
import datetime
import json
import re
import secrets
import socket
import sys

import standardwebhooks

from shop import stop
from support import await_, free_port, manual, problems, readme, repository, run


def provoke_events(shop, gateway):
    """Lets every type of event happen, and returns them: type and body of each."""
    for order in ["FAIL-1", "CANCEL2-1", "NEVER-1", "NEVER-2", "OK3-1"]:
        shop.execute(f"INSERT INTO refund_queue (merchant_order_no) VALUES ('{order}')")
    shop.execute(
        "INSERT INTO refund_queue (merchant_order_no, expected_amount, expected_currency)"
        " VALUES ('MISMATCH-1', '1200', 'JPY')"
    )
    shop.refundd("query", "NEVER-1")
    shop.refundd("abandon", "NEVER-1", "--reason", "enqueued by mistake")
    wanted = {f"refund.{kind}" for kind in "settled failed abandoned needs_attention processing delayed".split()}

    def seen():
        return {row[0] for row in shop.rows("SELECT DISTINCT type FROM refund_events")}

    await_("every type of event", lambda: wanted <= seen())
    cancelled = "SELECT 1 FROM refund_queue WHERE merchant_order_no = 'CANCEL2-1' AND state = 'failed'"
    await_("the cancelled refund", lambda: shop.rows(cancelled))
    stop(gateway)
    shop.start_gateway("--app-id", "wz0000000000000000")
    await_("the gateway's event", lambda: "gateway.needs_attention" in seen())
    return [(kind, json.loads(body)) for kind, body in shop.rows("SELECT type, body FROM refund_events")]


def check_bodies(where, bodies, events):
    """Compares complete bodies with those of real events: the same members in the same order."""
    for body in map(json.loads, bodies):
        real = [event for kind, event in events if kind == body["type"]]
        if not real:
            problems.append(f"{where}: there is no event {body['type']}")
        elif (list(body), list(body["data"])) != (list(real[0]), list(real[0]["data"])):
            problems.append(f"{where}: {body['type']} has the members {list(real[0]['data'])}")
        for name in ("state", "trans_status", "failure") if real and "state" in body["data"] else ():
            if not any(event["data"][name] == body["data"][name] for event in real):
                problems.append(f"{where}: no {body['type']} has such a {name}: {body['data'][name]}")


def check_manual(events):
    """The manual has the body of every type."""
    blocks = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed", manual("refund_queue.7"), re.M | re.S)
    bodies = [block for block in blocks if block.startswith("{")]
    check_bodies("refund_queue(7)", bodies, events)
    for kind in {kind for kind, _ in events} - {json.loads(body)["type"] for body in bodies}:
        problems.append(f"refund_queue(7): the event {kind} is missing")


def check_differences(events):
    """Compares what the table says about each type with real events."""
    rows = re.findall(r"^\| `([a-z_.]+)` \| .*? \| (.*\"state\".*) \|$", readme, re.M)
    for kind, cell in rows:
        for span in re.findall(r"`([^`]*)`", cell):
            members = json.loads("{" + span + "}")
            members.pop("actor", None)
            if not any(k == kind and all(e["data"].get(n) == v for n, v in members.items()) for k, e in events):
                problems.append(f"README.md: no {kind} has {span}")
    documented = {kind for kind, _ in rows} | {"refund.settled", "gateway.needs_attention"}
    for kind in {kind for kind, _ in events} - documented:
        problems.append(f"README.md: the event {kind} is missing")


def verify_example(text):
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    names = {"secret": secret}
    exec(text, names)
    for age, genuine in [(0, True), (1000, False)]:
        at = datetime.datetime.now(tz=datetime.timezone.utc) - datetime.timedelta(seconds=age)
        signature = standardwebhooks.Webhook(secret).sign("msg_1", at, "{}")
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
        for body, expected in [(b"{}", genuine), (b"{ }", False)]:
            if names["genuine"](headers, body) != expected:
                problems.append(f"README.md: genuine() is wrong about a webhook {age} s old with the body {body}")


def receivers_example(shop, text):
    """The tools for receivers: a receiver on each port of the text, and a request that was captured."""
    at, listen = free_port(), free_port()
    shop.start(sys.executable, repository / "deploy/receiver.py", shop.sim / "webhook_secret", at)
    with socket.socket() as client:
        await_("the receiver", lambda: client.connect_ex(("127.0.0.1", at)) == 0)
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    signature = standardwebhooks.Webhook((shop.sim / "webhook_secret").read_text().strip()).sign("msg_1", now, "{}")
    request = [
        "POST /refunds HTTP/1.1",
        "host: shop.example",
        "content-type: application/json",
        "content-length: 2",
        "webhook-id: msg_1",
        f"webhook-timestamp: {int(now.timestamp())}",
        f"webhook-signature: {signature}",
    ]
    (shop.folder / "captured.txt").write_bytes("\r\n".join([*request, "", "{}"]).encode())
    script = text.replace("8080", str(at)).replace("8081", str(listen)) + "kill %1\n"
    run("bash", "-eu", "-c", script, cwd=shop.folder, env=shop.environment)
