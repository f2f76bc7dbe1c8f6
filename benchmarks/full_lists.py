"""Trust lists and status lists at the size of a nation: their weight, and what reading them takes.

Trust lists: 34 provinces, each with a list of 400 departments (a licence issuer by its code and the
claim signer that signs for it, with a certificate of its own). Status lists: ten million licences,
every hundredth void, scattered by a generator that is not random, in lists of 1,048,576.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

from certificates.status import cwt as status_cwt
from certificates.status import lists as status_list
from certificates.status.lists import Status
from tests.trust.listing import DAY, Publisher, make_key
from trust import list_accept, list_sources
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto.algorithms import Algorithm
from trust.crypto.hashes import sha256
from trust.db import Base, open_engine, open_reading, open_sessions
from trust.list_store import ListStore
from trust.lists_model import Service, ServiceType

Row = tuple[str, float, str]
PROVINCES, DEPARTMENTS = 34, 400
LICENCES, VOID_OF = 10_000_000, 100
_OWN = "990000"
_Made = TypeVar("_Made")


def rows(home: Path) -> Iterator[Row]:
    yield from _trust_lists(home)
    yield from _status_lists()


def _cpu(work: Callable[[], _Made]) -> tuple[float, _Made]:
    """CPU seconds, and what came of it."""
    began = time.process_time()
    made = work()
    return time.process_time() - began, made


def _trust_lists(home: Path) -> Iterator[Row]:
    now = utc_now().replace(microsecond=0)
    regions = [Publisher(f"{number}0000", make_key(f"{number}0000", since=now - 100 * DAY))
               for number in range(11, 11 + PROVINCES)]  # fmt: skip
    lists = [region.list(at=now, services=_services(region)) for region in regions]
    engine = open_engine(f"sqlite:///{home / 'lists.db'}")
    Base.metadata.create_all(engine)
    sessions, reading = open_sessions(engine), open_reading(engine)
    with sessions.begin() as session:
        for region in regions:
            list_sources.add(session, region.code, name=region.code, uri=region.uri,
                             signers=(region.key.der,), by=SYSTEM, at=now)  # fmt: skip

    def take() -> None:
        for region, data in zip(regions, lists, strict=True):
            taken = list_accept.take(sessions, region.code, data, own=_OWN, at=now)
            if taken.refused:
                raise RuntimeError(f"{taken.code}: {taken.detail}")

    taken, _ = _cpu(take)
    loaded, found = _cpu(lambda: ListStore(reading).regions())
    if sum(len(one.services(ServiceType.ISSUER)) for one in found) != PROVINCES * DEPARTMENTS:
        raise RuntimeError("not all departments were read")
    engine.dispose()
    size = sum(map(len, lists)) / 1e6
    yield "trust lists: CPU s to judge and store", taken, f"34 x 400 departments, {size:.1f} MB"
    yield "trust lists: CPU s to load", loaded, "from the database, as a process begins"


def _services(region: Publisher) -> tuple[Service, ...]:
    """The list signer, and each department with the claim signer of its own."""
    signer = region.service(since=utc_now().replace(microsecond=0) - 50 * DAY)
    since = signer.since
    return (signer, *(
        Service(ServiceType.ISSUER, f"department {number}", since,
                code=f"11{region.code}{number:010d}")
        for number in range(DEPARTMENTS)
    ), *(
        # The same key under as many names: its length is what counts, making 13,600 is not.
        Service(ServiceType.CLAIM_SIGNER, f"signer {number}", since, region.key.der)
        for number in range(DEPARTMENTS)
    ))  # fmt: skip


def _status_lists() -> Iterator[Row]:
    now, key = utc_now().replace(microsecond=0), make_key("542500")
    lists = -(-LICENCES // status_list.CAPACITY)
    packed = status_list.pack(_void(), capacity=status_list.CAPACITY)

    def sign() -> bytes:
        return status_cwt.write(
            packed, subject="https://ali.example/status/1", at=now, lifetime=timedelta(hours=24),
            ttl=timedelta(minutes=10), algorithm=Algorithm.ES256, x5c=(key.der,), sign=key.sign,
        )  # fmt: skip

    signed, token = _cpu(sign)
    total = lists * len(token)
    yield (
        "status lists: kB for ten million licences", total / 1000,
        f"{lists} lists, the last one counted as full; aim 200",
    )  # fmt: skip

    def read() -> status_cwt.SignedList:
        listed = status_cwt.parse(token)
        listed.require_signature(key.certificate.spki)
        return listed

    taken, listed = _cpu(read)
    yield "status lists: CPU ms to read and check all", 1000 * lists * taken, "signatures included"
    yield "status lists: CPU ms to sign all", 1000 * lists * signed, "packed with zlib, level 9"
    looked, void = _cpu(lambda: sum(
        listed.packed[index // 4] >> 2 * (index % 4) & 3 == Status.VOID for index in range(100_000)
    ))  # fmt: skip
    if not void:
        raise RuntimeError("nothing is void")
    yield "status lists: µs to look one licence up", 10 * looked, "in a list that is at hand"


def _void() -> dict[int, Status]:
    """Every hundredth place on the average, scattered as a keyed shuffle scatters them."""
    places: set[int] = set()
    for number in count():
        if len(places) == status_list.CAPACITY // VOID_OF:
            break
        drawn = sha256(number.to_bytes(8, "big"))
        places.add(int.from_bytes(drawn[:8], "big") % status_list.CAPACITY)
    return dict.fromkeys(places, Status.VOID)
