"""A receiver of webhooks, verified by the reference library of Standard Webhooks.

Usage: receiver.py --log FILE [--certificate FILE --key FILE] SECRET_FILE...

Logs a line of JSON per request. How it answers is up to the path; what follows a behaviour is free, so that paths
can be told apart:
  /take            200
  /status/N        always status N
  /fail/N          500 for the first N requests to the path, then 200
  /flaky/PERCENT   500 for so many percent of the requests, drawn at random
  /slow/MS         200 after so many milliseconds
  /hang            never
  /redirect        302 to /take/redirected
  /garbage         bytes that are no HTTP
  /monitor/        200 to GET, which every other path refuses
  /retry-after/S   429 with Retry-After: S for the first request to the path, then 200
"""

import argparse
import json
import random
import ssl
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError
except ImportError:
    sys.exit(
        "the package standardwebhooks is missing: python3 -m venv DIR && DIR/bin/pip install standardwebhooks,"
        " then set TEST_PYTHON=DIR/bin/python"
    )

arguments = argparse.ArgumentParser()
arguments.add_argument("--log", required=True)
arguments.add_argument("--certificate")
arguments.add_argument("--key")
arguments.add_argument("secrets", nargs="*")
options = arguments.parse_args()

secrets = [open(name).read().strip() for name in options.secrets]
log = open(options.log, "a", encoding="utf-8")
lock = threading.Lock()
seen = Counter()


def verifies(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer leaves in two parts, of which the second would wait for the first to be acknowledged.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.record(b"")
        self.answer(200 if self.path.startswith("/monitor/") else 405)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        number = self.record(body)
        parts = self.path.strip("/").split("/")
        argument = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        match parts[0]:
            case "take":
                self.answer(200)
            case "status":
                self.answer(argument)
            case "fail":
                self.answer(500 if number <= argument else 200)
            case "flaky":
                self.answer(500 if random.random() * 100 < argument else 200)
            case "slow":
                threading.Event().wait(argument / 1000)
                self.answer(200)
            case "hang":
                threading.Event().wait()
            case "redirect":
                self.answer(302, {"Location": "/take/redirected"})
            case "garbage":
                self.wfile.write(b"\x00\x01 this is no HTTP \xff\r\n\r\n")
                self.close_connection = True
            case "retry-after" if number == 1:
                self.answer(429, {"Retry-After": str(argument)})
            case "retry-after":
                self.answer(200)
            case _:
                self.answer(404)

    def answer(self, status, headers={}):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def record(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        line = {
            "at": time.time_ns() // 1_000_000,
            "method": self.command,
            "path": self.path,
            "content_type": headers.get("content-type"),
            "id": headers.get("webhook-id"),
            "timestamp": headers.get("webhook-timestamp"),
            "signatures": len(headers.get("webhook-signature", "").split()),
            "verified": [verifies(secret, body, headers) for secret in secrets],
            "body": body.decode(),
        }
        with lock:
            seen[self.path] += 1
            log.write(json.dumps(line) + "\n")
            log.flush()
            return seen[self.path]


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
if options.certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
