"""A receiver of webhooks in the standard library alone: checks signature and time, remembers ids.

WEBHOOK_SECRET=whsec_… python examples/webhook_receiver.py 8900
"""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
SEEN: set[str] = set()  # a real receiver keeps these with what it does, in one transaction


def is_genuine(headers: dict[str, str], body: bytes) -> bool:
    """Whether the platform that has the secret sent this body within five minutes."""
    stamp = headers.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > 300:
        return False
    content = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.digest(SECRET, content, "sha256")).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(wanted.encode(), each.encode()) for each in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), 65_536))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not is_genuine(headers, body):
            self.send_error(401)
            return
        if headers["webhook-id"] not in SEEN:  # the same message may come twice
            SEEN.add(headers["webhook-id"])
            event = json.loads(body)
            print(event["timestamp"], event["type"], event["data"]["identifier"], flush=True)
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
