"""Asking another region: its signed status list, at the address that its trust list names.

The answer is as good as its signature; who carried it does not matter. Bounded in size and time;
an unreachable region is INDETERMINATE.
"""

import re
from datetime import datetime, timedelta

import httpx

from certificates import evidence
from certificates.evidence import StatusSource, UntrustedList
from trust import lists
from trust.anchors import Anchors
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.lists import ServiceType, TrustList
from trust.report import Check, unknown
from trust.validation import TrustStore

ANSWER_MAX = 4 * 1024 * 1024
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
KEEP = timedelta(seconds=10)


class AskedStatus:
    """A `StatusSource` that asks the regions of the trust lists at hand, and falls back to lists
    that came with the anchors."""

    def __init__(self, anchors: Anchors, store: TrustStore, *, client: httpx.Client) -> None:
        self._store, self._client = store, client
        self._fallback: StatusSource = evidence.ListedStatus(anchors.status_lists, store)
        self._anchors = anchors
        self._answers: dict[str, tuple[datetime, str]] = {}

    def state(self, region: str, number: int, index: int, *, at: datetime) -> Check:
        address = self._address(region, at=at)
        if address is not None:
            token = self._fetch(f"{address}/{number}", at=at)
            if token is not None:
                listed = evidence.ListedStatus([token], self._store)
                return listed.state(region, number, index, at=at)
        found = self._fallback.state(region, number, index, at=at)
        if address is None and found.code == "state_unknown":
            return unknown(
                "state",
                "state_unknown",
                ("没有该地区的信任列表", f"no trust list of region {region}"),
            )
        return found

    def _address(self, region: str, *, at: datetime) -> str | None:
        """Where the region's trust list, if it is at hand and good, says that status is told."""
        if self._anchors.trust_list is None:
            return None
        try:
            listed = check_trust_list(self._anchors.trust_list, self._store, now=at)
        except (Malformed, InvalidSignature, UnknownAlgorithm):
            return None
        services = listed.of_kind(ServiceType.STATUS)
        if listed.region != region or not services or at > listed.next_update:
            return None
        uri = services[0].uri
        return uri if re.match(r"https?://", uri) else None

    def _fetch(self, url: str, *, at: datetime) -> str | None:
        kept = self._answers.get(url)
        if kept and at - kept[0] < KEEP:
            return kept[1]
        try:
            with self._client.stream("GET", url, timeout=TIMEOUT) as answer:
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > ANSWER_MAX:
                        return None
                if answer.status_code != httpx.codes.OK:
                    return None
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        token = body.decode("ascii", "replace").strip()
        self._answers[url] = (at, token)
        return token


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
