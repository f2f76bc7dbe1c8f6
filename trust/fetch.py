"""Fetching what another CA or authority publishes: bounded in size and in the whole time.

The addresses are the operator's, or stand in certificates that an operator has imported. No
redirects are followed and no proxy of the environment is used. What comes is as good as its
signature; who carried it does not matter.
"""

import time
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx

from trust.errors import Invalid, Unavailable

URL_MAX: Final = 400
SECONDS: Final = 10.0
#: A CRL of a large CA; an OCSP answer or a time-stamp has a few kilobytes.
ANSWER_MAX: Final = 16 * 1024 * 1024
_STEP: Final = httpx.Timeout(4.0, connect=3.0)


class FetchFailed(Unavailable):
    """The other side could not be reached, was too slow, too long, or answered with an error."""

    code = "fetch_failed"


class AnswerTooLong(FetchFailed):
    """Cut off at the cap; the rest was not read."""

    code = "answer_too_long"


class BadAddress(Invalid):
    code = "bad_address"


class Fetch(Protocol):
    """GET, or with a body POST. FetchFailed or BadAddress."""

    def __call__(
        self, url: str, *, body: bytes | None = None, media_type: str = "",
        cap: int = ANSWER_MAX,
    ) -> bytes: ...  # fmt: skip


def check_address(url: str) -> None:
    """BadAddress unless it is a plain http(s) URL of at most `URL_MAX` characters."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress("not a URL") from error
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_MAX
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or port == 0:
        raise BadAddress(f"not an http(s) address of at most {URL_MAX} characters")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("an address carries no user name")


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches; `seconds` bounds the whole of a call, however slowly its parts come."""

    seconds: float = SECONDS

    def __call__(
        self, url: str, *, body: bytes | None = None, media_type: str = "",
        cap: int = ANSWER_MAX,
    ) -> bytes:  # fmt: skip
        check_address(url)
        headers = {"Accept-Encoding": "identity"}  # unpacked, a small answer could be a huge one
        if media_type:
            headers["Content-Type"] = media_type
        try:
            with httpx.Client(follow_redirects=False, trust_env=False, timeout=_STEP) as client:
                return self._read(client, url, body, headers, cap)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchFailed(f"{_host(url)}: {type(error).__name__}") from error

    def _read(
        self, client: httpx.Client, url: str, body: bytes | None, headers: dict[str, str], cap: int
    ) -> bytes:
        method, began, found = "GET" if body is None else "POST", time.monotonic(), bytearray()
        with client.stream(method, url, content=body, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK or "content-encoding" in answer.headers:
                raise FetchFailed(f"{_host(url)} answered {answer.status_code}")
            for chunk in answer.iter_bytes(8192):
                found += chunk
                if len(found) > cap:
                    raise AnswerTooLong(f"{_host(url)} answered more than {cap} bytes")
                if time.monotonic() - began > self.seconds:
                    raise FetchFailed(f"{_host(url)} took more than {self.seconds:.0f} seconds")
        return bytes(found)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the address"
