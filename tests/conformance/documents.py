"""What a relying party publishes on its own host: a real HTTP server on the loopback interface.

Key sets, sector documents and request objects are fetched from it; logout notices arrive at it.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from joserfc import jwk

#: Application/JOSE would be as good; what the certification suite answers for a request object.
JOSE = "application/oauth-authz-req+jwt"


@dataclass(frozen=True)
class Notice:
    """Something posted to the host."""

    path: str
    content_type: str
    form: list[tuple[str, str]]


@dataclass
class Documents:
    """`base` is the host's origin. Unknown paths are 404; every POST is kept and answered 200."""

    base: str
    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.base}{path}"

    def put(self, path: str, document: object) -> str:
        """Publish JSON; the URL. What was there before is replaced."""
        self.answers[path] = ("application/json", json.dumps(document).encode())
        return self.url(path)

    def put_text(self, path: str, text: str, *, content_type: str = JOSE) -> str:
        self.answers[path] = (content_type, text.encode("ascii"))
        return self.url(path)

    def put_key(self, path: str, key: jwk.RSAKey | jwk.ECKey) -> str:
        """Publish the public half of one key as a JWK set."""
        return self.put(path, {"keys": [key.as_dict(private=False)]})

    def notice(self, path: str, *, seconds: float = 10) -> Notice:
        """The first thing posted to a path; fails when nothing comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for each in self.notices:
                if each.path == path:
                    return each
            time.sleep(0.02)
        raise AssertionError(f"nothing was posted to {path}")


@contextmanager
def published() -> Iterator[Documents]:
    """A host for as long as the block runs."""
    documents = Documents("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            documents.fetched.append(self.path)
            kind, body = documents.answers.get(self.path, ("text/plain", b""))
            self._answer(200 if self.path in documents.answers else 404, kind, body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            form = parse_qsl(body.decode("ascii"), keep_blank_values=True)
            kind = self.headers.get_content_type()
            documents.notices.append(Notice(self.path, kind, form))
            self._answer(200, "text/plain", b"")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal of a test run."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    documents.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield documents
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
