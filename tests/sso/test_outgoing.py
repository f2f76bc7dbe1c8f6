"""Calls to addresses that others registered, and what they cannot be used for."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from sso import outgoing
from sso.outgoing import Outgoing, OutgoingFailed, OutgoingRefused


class _Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        status, kind, body = {
            "/good": (200, "application/json", b'{"a": 1}'),
            "/text": (200, "text/html", b'{"a": 1}'),
            "/broken": (200, "application/json", b"{"),
            "/twice": (200, "application/json", b'{"a": 1, "a": 2}'),
            "/long": (200, "application/json", b'"' + b"a" * 100_000 + b'"'),
            "/moved": (302, "application/json", b"{}"),
            "/slow": (200, "application/json", b"{}"),
        }.get(self.path, (404, "application/json", b"{}"))
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("location", "/good")
        self.end_headers()
        if self.path == "/slow":
            for _ in range(40):  # each byte well within the socket's timeout
                time.sleep(0.05)
                try:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                except OSError:
                    return
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.seen.append(f"{self.headers['content-type']} {body}")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def base() -> Iterator[str]:
    _Handler.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


OPEN = Outgoing(allow_private=True)
STRICT = Outgoing(allow_private=False)


def test_a_document_is_fetched(base: str) -> None:
    assert OPEN.fetch_json(f"{base}/good") == {"a": 1}


@pytest.mark.parametrize("path", ["text", "broken", "twice", "long", "moved", "missing"])
def test_what_is_no_document_is_refused_and_no_redirect_followed(base: str, path: str) -> None:
    with pytest.raises(OutgoingFailed):
        OPEN.fetch_json(f"{base}/{path}")
    assert _Handler.seen == [f"/{path}"]


def test_one_who_drips_is_cut_off(base: str) -> None:
    began = time.monotonic()
    with pytest.raises(OutgoingFailed):
        OPEN.fetch_json(f"{base}/slow", timeout=0.3)
    assert time.monotonic() - began < 1.5


def test_a_form_is_posted(base: str) -> None:
    assert OPEN.post_form(f"{base}/x", {"a": "1 2"}) == 204
    assert _Handler.seen == ["application/x-www-form-urlencoded a=1+2"]


def test_an_answer_is_kept_and_so_is_a_failure(base: str) -> None:
    fresh = Outgoing(allow_private=True)
    for _ in range(3):
        assert fresh.cached_json(f"{base}/good", fresh=60) == {"a": 1}
        with pytest.raises(OutgoingFailed):
            fresh.cached_json(f"{base}/missing", fresh=60)
    assert sorted(_Handler.seen) == ["/good", "/missing"]
    fresh.cached_json(f"{base}/good", fresh=0)
    assert _Handler.seen.count("/good") == 2


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",  # noqa: S104
   
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1",
    "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2001:0:1::1", "fe80::1%eth0",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_inside_is_called(address: str) -> None:
    with pytest.raises(OutgoingRefused):
        outgoing.check_public(address)


@pytest.mark.parametrize("address", ["114.114.114.114", "2400:3200::1", "::ffff:114.114.114.114"])
def test_public_addresses_are_called(address: str) -> None:
    outgoing.check_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::ffff:127.0.0.1]/",
        "http://example.cn/",
        "ftp://x/",
        "file:///etc/passwd",
        "https:///x",
        "https://user:pass@example.cn/",
        "x",
        "",
        "https://example.cn/\r\nX: y",
        "https://example.cn:99999/",
        "https://" + "a" * 3000,
    ],
)
def test_what_could_lead_inside_is_refused(url: str) -> None:
    with pytest.raises((OutgoingRefused, OutgoingFailed)):
        STRICT.fetch_json(url)


def test_an_error_names_the_host_and_nothing_of_the_path(base: str) -> None:
    with pytest.raises(OutgoingFailed) as refused:
        OPEN.fetch_json(f"{base}/missing?secret=1")
    assert "secret" not in str(refused.value)
