"""An outside time-stamp authority, asked by HTTP (RFC 3161, 3.4).

What comes back is judged by `seal.long_term`; who carried it does not matter. Bounded in size and
in time, however it drips; redirects are not followed.
"""

import time
from typing import Final
from urllib.parse import urlsplit

import httpx

from seal.long_term import NoTimeStamp
from trust.crypto import tst
from trust.errors import Invalid

SECONDS_MAX: Final = 5.0
_TIMEOUT: Final = httpx.Timeout(3.0, connect=2.0)
_HEADERS: Final = {
    "Content-Type": "application/timestamp-query", "Accept-Encoding": "identity",
}  # fmt: skip
_ANSWER: Final = "application/timestamp-reply"


class OutsideAuthority:
    """Asks one authority; `answer` is what `Stamps` takes."""

    def __init__(self, url: str, *, client: httpx.Client) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid("a time-stamp authority has an http or https address")
        self._url, self._client = url, client

    def answer(self, request: bytes) -> bytes:
        """The TimeStampResp; NoTimeStamp when there is none within the bounds."""
        body, began = bytearray(), time.monotonic()
        try:
            with self._client.stream(
                "POST", self._url, content=request, timeout=_TIMEOUT, headers=_HEADERS,
                follow_redirects=False,
            ) as found:  # fmt: skip
                kind = found.headers.get("content-type", "").partition(";")[0].strip().lower()
                if found.status_code != httpx.codes.OK or kind != _ANSWER:
                    raise NoTimeStamp("the time-stamp authority answered something else")
                # Unpacked, a small answer could be a huge one.
                if "content-encoding" in found.headers:
                    raise NoTimeStamp("the time-stamp authority answered in another encoding")
                for chunk in found.iter_bytes():
                    body += chunk
                    if len(body) > tst.RESPONSE_MAX or time.monotonic() - began > SECONDS_MAX:
                        raise NoTimeStamp("the time-stamp authority's answer takes too much")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoTimeStamp("the time-stamp authority cannot be reached") from error
        return bytes(body)
