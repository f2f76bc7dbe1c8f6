"""Calls that this platform makes to addresses others have registered (jwks_uri, sector,
back-channel logout), so that nobody can send it into its own network.

The host is resolved here, every address it has is judged, and the connection goes to the very
address that was judged: a name that changes its answer in between (DNS rebinding) gains nothing.
https only, no redirects, bounded in size and in total time.
"""

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlencode, urlsplit

from trust.errors import Invalid, TrustError, Unavailable

URL_MAX: Final = 2000
ANSWER_MAX: Final = 64 * 1024
SECONDS: Final = 5.0
#: Documents kept for `cached_json`; the one used longest ago goes first.
KEPT: Final = 500
_USER_AGENT: Final = "trust-platform"
_JSON_TYPES: Final = frozenset({"application/json", "application/jwk-set+json"})
#: IPv6 networks that carry an IPv4 address: NAT64 (RFC 6052) and its local use (RFC 8215).
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL: Final = ipaddress.ip_network("64:ff9b:1::/48")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutgoingRefused(Invalid):
    """The URL is one this platform does not call: not https, or inside its own network."""

    code = "outgoing_refused"


class OutgoingFailed(Unavailable):
    """The other side could not be reached, was too slow, too long, or answered something else."""

    code = "outgoing_failed"


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a call goes: `address` was judged, `host` is who must prove itself there by TLS."""

    secure: bool
    host: str
    port: int
    address: str
    path: str


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    media_type: str
    body: bytes


def _json(url: str, answer: "_Answer") -> Any:
    if answer.status != 200:
        raise OutgoingFailed(f"{_host(url)} answered {answer.status}")
    if answer.media_type not in _JSON_TYPES:
        raise OutgoingFailed(f"{_host(url)} did not answer with JSON")
    try:
        return json.loads(answer.body, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise OutgoingFailed(f"{_host(url)} did not answer with JSON") from error


class Outgoing:
    """Calls to others. `allow_private`: http and private addresses too, for development."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._tls = ssl.create_default_context()
        self._kept: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._held = threading.Lock()

    def fetch_json(
        self, url: str, *, cap: int = ANSWER_MAX, timeout: float = SECONDS,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        """A JSON document; OutgoingRefused or OutgoingFailed. Duplicate keys are refused."""
        sent = {"Accept": "application/json", **(headers or {})}
        return _json(url, self._call("GET", url, b"", sent, cap, timeout))

    def fetch_text(self, url: str, *, accept: str, cap: int, timeout: float = SECONDS) -> str:
        """An ASCII document of any media type; OutgoingRefused or OutgoingFailed."""
        answer = self._call("GET", url, b"", {"Accept": accept}, cap, timeout)
        if answer.status != 200 or not answer.body.isascii():
            raise OutgoingFailed(f"{_host(url)} did not answer with text")
        return answer.body.decode("ascii")

    def exchange(
        self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str],
        timeout: float = SECONDS,
    ) -> Any:  # fmt: skip
        """Post a form for a JSON answer; OutgoingRefused, or OutgoingFailed for a refusal too."""
        sent = {
            "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
            **headers,
        }  # fmt: skip
        body = urlencode(dict(fields)).encode()
        return _json(url, self._call("POST", url, body, sent, ANSWER_MAX, timeout))

    def cached_json(self, url: str, *, fresh: float) -> Any:
        """`fetch_json`, or what it answered less than `fresh` seconds ago. A failure is remembered
        like an answer, so that a dead address costs its timeout at most so often."""
        with self._held:
            kept = self._kept.get(url)
            if kept is not None and time.monotonic() - kept[0] < fresh:
                self._kept.move_to_end(url)
                if isinstance(kept[1], TrustError):
                    raise OutgoingFailed(str(kept[1])) from kept[1]
                return kept[1]
        found: Any
        try:
            found = self.fetch_json(url)
        except TrustError as error:
            self._keep(url, error)
            raise
        self._keep(url, found)
        return found

    def _keep(self, url: str, found: Any) -> None:
        with self._held:
            self._kept[url] = (time.monotonic(), found)
            self._kept.move_to_end(url)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def post_form(self, url: str, fields: Mapping[str, str], *, timeout: float = SECONDS) -> int:
        """Post a form and return the status, whatever it is; OutgoingRefused or OutgoingFailed."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(dict(fields)).encode()
        return self._call("POST", url, body, headers, ANSWER_MAX, timeout).status

    def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str], cap: int = ANSWER_MAX,
        timeout: float = SECONDS,
    ) -> tuple[int, bytes]:  # fmt: skip
        """Post bytes; the status, whatever it is, and the body. OutgoingRefused, OutgoingFailed."""
        answer = self._call("POST", url, body, headers, cap, timeout)
        return answer.status, answer.body

    def _call(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], cap: int,
        timeout: float,
    ) -> _Answer:  # fmt: skip
        target = self._target(url)
        connection = _Connection(target, timeout=timeout, tls=self._tls)
        try:
            connection.request(method, target.path, body or None, _headers(headers))
            response = connection.getresponse()
            content = response.read(cap + 1)
            kind = response.headers.get_content_type()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise OutgoingFailed(f"{target.host} could not be reached") from error
        finally:
            connection.finish()
        if connection.late:
            raise OutgoingFailed(f"{target.host} took more than {timeout:g} seconds")
        if len(content) > cap:
            raise OutgoingFailed(f"{target.host} answered more than {cap} bytes")
        return _Answer(response.status, kind, content)

    def _target(self, url: str) -> _Target:
        parts = _split(url)
        secure = parts.scheme == "https"
        if not secure and not (parts.scheme == "http" and self._allow_private):
            raise OutgoingRefused("only https addresses are called")
        host = parts.hostname or ""
        port = parts.port or (443 if secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _Target(secure, host, port, self._resolve(host, port), path)

    def _resolve(self, host: str, port: int) -> str:
        """One address of the host; OutgoingRefused if any of them is not a public one."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise OutgoingFailed(f"{host} is not known") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not self._allow_private:
            for address in addresses:
                check_public(address)
        return addresses[0]


class _Connection(http.client.HTTPConnection):
    """HTTP/1.1 to an address already judged. A timer ends the socket when the whole call takes too
    long: a timeout of the socket alone would begin anew with each byte."""

    def __init__(self, target: _Target, *, timeout: float, tls: ssl.SSLContext) -> None:
        super().__init__(target.host, target.port, timeout=timeout)
        self._target, self._tls = target, tls
        self._timer = threading.Timer(timeout, self._give_up)
        self._timer.daemon = True
        self._wire: socket.socket | None = None
        self.late = False
        self._timer.start()

    def connect(self) -> None:
        plain = socket.create_connection((self._target.address, self.port), self.timeout)
        self.sock = self._wire = plain
        if self._target.secure:
            wrapped = self._tls.wrap_socket(
                plain, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            self.sock = self._wire = wrapped
            wrapped.do_handshake()

    def _give_up(self) -> None:
        self.late = True
        if self._wire is not None:
            # Not SSLSocket's own, which would take the TLS state away under a reading thread.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)

    def finish(self) -> None:
        """Not `close`: the library calls that as soon as it has read the header of an answer that
        ends with the connection, while its body is still to come."""
        self._timer.cancel()
        self.close()


def check_public(address: str) -> None:
    """OutgoingRefused unless packets to the address leave for the public internet."""
    found: _Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.is_site_local:  # fec0::/10 is no private network to Python
            raise OutgoingRefused("the address is not on the public internet")
        found = _carried(found)
    if not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified:
        raise OutgoingRefused("the address is not on the public internet")


def _carried(address: ipaddress.IPv6Address) -> _Address:
    """The IPv4 address that an IPv6 address leads to in the end, where there is one."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None or address in _NAT64_LOCAL:
        return ipaddress.IPv4Address(0)  # a tunnel to anywhere: refused
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _split(url: str) -> SplitResult:
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise OutgoingRefused(f"an address is at most {URL_MAX} printable ASCII characters")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise OutgoingRefused("not an address") from error
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise OutgoingRefused("an address has a host and no user name")
    return parts


def _headers(more: Mapping[str, str]) -> dict[str, str]:
    return {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **more}


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a JSON key stands twice")
    return found
