"""Fetching what other regions publish before anybody asks: so that an outage finds it at hand, and
an offline bundle can carry it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

from certificates.regions.peer_documents import PeerAnswerRefused, Read, Wanted
from certificates.regions.peer_revocation import wanted_of
from certificates.regions.peer_status import LISTS_MAX, address_of
from certificates.regions.peers import Peers
from trust.list_store import Freshness, TrustedRegion
from trust.lists_model import ServiceType

KIND: Final = "statuses"
_DIRECTORY_MAX: Final = 64 * 1024
_KEEP: Final = 60.0
#: Regions asked at once: silent ones keep nobody else waiting.
WORKERS: Final = 8


def refresh(peers: Peers, *, at: datetime) -> int:
    """Every status list and CRL of every region whose list is fresh; how many are held now."""

    def held(region: TrustedRegion) -> int:
        return len(statuses(peers, region, at=at)) + len(crls(peers, region, at=at))

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="peers") as pool:
        return sum(pool.map(held, fresh(peers, at=at)))


def fresh(peers: Peers, *, at: datetime) -> list[TrustedRegion]:
    """The other regions whose lists may be believed now."""
    return [
        each for each in peers.lists.regions()
        if each.code != peers.own_region and each.freshness(at) is Freshness.FRESH
    ]  # fmt: skip


def statuses(peers: Peers, region: TrustedRegion, *, at: datetime) -> list[bytes]:
    """The region's status lists that are within their life, as signed."""
    found = []
    for number in _numbers(peers, region, at=at):
        wanted = peers.status.wanted(region, number, at=at)
        read = peers.documents.newest(wanted, at=at) if wanted is not None else None
        if wanted is not None and read is not None and at <= read.good_until:
            document = peers.documents.document(wanted.key)
            found += [document.strip()] if document is not None else []
    return found


def crls(peers: Peers, region: TrustedRegion, *, at: datetime) -> list[bytes]:
    """The CRL of each of its CAs, within its life (DER)."""
    found = []
    for kind in (ServiceType.ROOT_CA, ServiceType.ISSUING_CA):
        for certificate in region.certificates(kind):
            wanted = wanted_of(region, certificate)
            read = peers.documents.newest(wanted, at=at) if wanted is not None else None
            if wanted is not None and read is not None and at <= read.good_until:
                document = peers.documents.document(wanted.key)
                found += [document] if document is not None else []
    return found


def _numbers(peers: Peers, region: TrustedRegion, *, at: datetime) -> tuple[int, ...]:
    """Which lists there are. Unsigned: it only says what to ask for, and each list is signed."""
    address = address_of(region)
    if address is None:
        return ()
    read = peers.documents.newest(
        Wanted(
            region.code, KIND, "all", address, region.digest,
            lambda data: _directory(data, address, at), _DIRECTORY_MAX, _KEEP,
        ),
        at=at,
    )  # fmt: skip
    return read.value if read is not None else ()


def _directory(data: bytes, address: str, at: datetime) -> Read[tuple[int, ...]]:
    try:
        named = json.loads(data)["status_lists"]
        tails = [str(each).removeprefix(f"{address}/") for each in named]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PeerAnswerRefused("not a directory of status lists") from error
    numbers = [int(tail) for tail in tails if tail.isascii() and tail.isdigit() and len(tail) < 4]
    good = tuple(sorted({each for each in numbers if 0 < each <= LISTS_MAX}))
    return Read(good, at, at)
