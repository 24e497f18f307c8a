"""A webhook receiver: verifies the signature of each webhook and prints its event.

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
        if genuine:
            # A shop would look the id up here, to act only once, and update its books.
            event = json.loads(body)
            data = event["data"]
            subject = data.get("merchant_order_no") or data.get("trans_no") or data["gateway"]
            print("verified", event["type"], subject, id, flush=True)
        # Only now: what is acknowledged is never sent again.
        self.send_response(204 if genuine else 401)
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver).serve_forever()
