"""Asking another region: its signed status list, at the address that its trust list names.

The answer is as good as its signature; who carried it does not matter. Bounded in size and time;
an unreachable region is INDETERMINATE.
"""

import re
import time
from datetime import datetime, timedelta

import httpx

from certificates import evidence
from certificates.evidence import UntrustedList
from trust import lists
from trust.anchors import Anchors
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.lists import ServiceType, TrustList
from trust.report import Check, unknown
from trust.validation import TrustStore

ANSWER_MAX = 4 * 1024 * 1024
TIMEOUT = httpx.Timeout(2.0, connect=2.0)
SECONDS_MAX = 5.0
_PLAIN = {"Accept-Encoding": "identity"}
KEEP = timedelta(seconds=10)


class AskedStatus:
    """A `StatusSource` that asks the regions of the trust lists at hand, and weighs the answer
    with the lists that came with the anchors."""

    def __init__(self, anchors: Anchors, store: TrustStore, *, client: httpx.Client) -> None:
        self._store, self._client = store, client
        self._anchors = anchors
        self._answers: dict[str, tuple[datetime, str]] = {}

    def state(self, region: str, number: int, index: int, *, at: datetime) -> Check:
        """By the newest signed list there is: an answer that was recorded earlier and is played
        again does not beat one that came with the anchors."""
        address = self._address(region, at=at)
        token = self._fetch(f"{address}/{number}", at=at) if address is not None else None
        tokens = [*self._anchors.status_lists, *([token] if token is not None else [])]
        found = evidence.ListedStatus(tokens, self._store).state(region, number, index, at=at)
        if address is None and found.code == "state_unknown":
            detail = ("没有该地区的信任列表", f"no trust list of region {region}")
            return unknown("state", "state_unknown", detail)
        return found

    def _address(self, region: str, *, at: datetime) -> str | None:
        """Where the region's trust list, if it is at hand and good, says that status is told."""
        for data in self._anchors.trust_lists:
            try:
                listed = check_trust_list(data, self._store, now=at)
            except (Malformed, InvalidSignature, UnknownAlgorithm):
                continue
            services = listed.of_kind(ServiceType.STATUS)
            if listed.region == region and services and at <= listed.next_update:
                uri = services[0].uri
                return uri if re.match(r"https?://", uri) else None
        return None

    def _fetch(self, url: str, *, at: datetime) -> str | None:
        kept = self._answers.get(url)
        if kept and at - kept[0] < KEEP:
            return kept[1]
        body = self._read(url)
        if body is None:
            return None
        token = body.decode("ascii", "replace").strip()
        self._answers[url] = (at, token)
        return token

    def _read(self, url: str) -> bytes | None:
        """The body, or nothing: whole within SECONDS_MAX and ANSWER_MAX, however it drips."""
        body, began = bytearray(), time.monotonic()
        try:
            with self._client.stream("GET", url, timeout=TIMEOUT, headers=_PLAIN) as answer:
                # Unpacked, a small answer could be a huge one.
                if answer.status_code != httpx.codes.OK or "content-encoding" in answer.headers:
                    return None
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > ANSWER_MAX or time.monotonic() - began > SECONDS_MAX:
                        return None
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        return bytes(body)


def check_trust_list(data: bytes, store: TrustStore, *, now: datetime) -> TrustList:
    """A trust list signed by the list signer of the region it speaks for.

    Malformed, InvalidSignature, UnknownAlgorithm or UntrustedList.
    """
    listed = lists.parse(data)
    region = evidence.check_signer(
        listed.jws, store, purpose="list-signer", at=listed.issued_at, now=now
    )
    if region != listed.region:
        raise UntrustedList("the list's signer belongs to another region")
    return listed
