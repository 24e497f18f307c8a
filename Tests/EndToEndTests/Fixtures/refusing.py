"""A gateway that answers every query with one signed refusal.

Usage: refusing.py PRIVATE_KEY CODE MESSAGE
"""
import base64, http.server, json, subprocess, sys

key, code, message = sys.argv[1:]
answer = {"code": code, "msg": message, "psn": "1"}
text = "&".join(f"{name}={answer[name]}" for name in sorted(answer))
signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(), capture_output=True, check=True)
answer["sign"] = base64.b64encode(signature.stdout).decode()
body = json.dumps(answer).encode()


class Gateway(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
print("listening on", server.server_port, flush=True)
server.serve_forever()
