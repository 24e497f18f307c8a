"""A webhook receiver: checks the signature of each webhook and prints what it tells.

Usage: receiver.py SECRET_FILE PORT
"""
import base64, hashlib, hmac, http.server, json, sys, time

key = base64.b64decode(open(sys.argv[1]).read().strip().removeprefix("whsec_"))


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        id, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        mac = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
        wanted = "v1," + base64.b64encode(mac).decode()
        signed = any(hmac.compare_digest(s, wanted) for s in self.headers["webhook-signature"].split())
        genuine = signed and abs(time.time() - int(at)) < 300
        self.send_response(204 if genuine else 401)
        self.end_headers()
        if genuine:  # here a shop would look the id up, so as to act only once, and mark the refund in its books
            event = json.loads(body)
            print("verified", event["type"], event["data"]["merchant_order_no"], id, flush=True)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver).serve_forever()
