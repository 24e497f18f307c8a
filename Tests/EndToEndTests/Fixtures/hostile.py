"""A gateway and a receiver of webhooks whose answers are made to be obeyed by the terminal that shows them.

Usage: hostile.py
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORDERS = "\x1b[31m\x1b]0;title\x07\x9b2J\x7f\u202e\u2066\r\n2026-01-01T00:00:00.000Z notice started"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/api/entry"):
            body = json.dumps({"code": "SYS002", "msg": "no " + ORDERS, "psn": ORDERS})
            self.send_response(200)
        else:
            body = ORDERS
            self.send_response_only(500, "bad \x1b[31m\x9b2J")
        body = body.encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
