"""Status lists in their other forms: as CWT, and as what changed since a time.

Both are kept like the JWT (`certificates.publish.StatusPublisher`): signed again when a state
changed, or after an hour. A delta begins at a multiple of STEP, so that a cache in front of many
verifiers sees few different addresses.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import signers
from certificates import publish, registry
from certificates.models import Licence, Reservation, StateChange
from certificates.status import cwt as status_cwt
from certificates.status import delta as status_delta
from certificates.status import lists
from certificates.status.lists import Status
from trust.allowance import Allowance, AllowanceSpent
from trust.anchors import key_id
from trust.db import Sessions
from trust.errors import NotFound
from trust.keys import KeyStore

STEP: Final = timedelta(minutes=10)
#: A list older than its own life is fetched whole.
LONGEST: Final = timedelta(days=2)
#: A reservation is given up within its lease and the next round of upkeep.
_GIVEN_UP_WITHIN: Final = timedelta(hours=1)
_KEPT_MAX: Final = 512
#: Deltas that are made anew, for all who ask; then the whole list is the answer, which is kept.
DELTAS_AT_ONCE: Final = 100
DELTAS_EVERY: Final = timedelta(seconds=2)


class NoDelta(NotFound):
    """No delta reaches back that far, or begins at that time: the whole list is to be fetched."""

    code = "no_delta"


def sign_cwt(
    session: Session, number: int, *, keys: KeyStore, at: datetime, lifetime: timedelta
) -> bytes:
    """The list of that number as CWT; NotFound."""
    subject, packed = _packed(session, number)
    signer = signers.active(session, "status-signer", keys=keys, at=at)
    return status_cwt.write(
        packed, subject=subject, at=at, lifetime=lifetime, ttl=publish.TTL,
        algorithm=signer.algorithm, x5c=(signer.certificate.der,), sign=signer.sign,
    )  # fmt: skip


def sign_delta(
    session: Session, number: int, since: datetime, *, keys: KeyStore, at: datetime,
    lifetime: timedelta,
) -> str:  # fmt: skip
    """What changed in the list since a multiple of STEP; NotFound, or NoDelta."""
    if since.timestamp() % STEP.total_seconds() or not timedelta() < at - since <= LONGEST:
        raise NoDelta("a delta begins at a whole ten minutes of the last two days")
    subject, packed = _packed(session, number)
    changes = _changes(session, number, since, packed)
    if len(changes) > status_delta.CHANGES_MAX:
        raise NoDelta("too much has changed: fetch the whole list")
    signer = signers.active(session, "status-signer", keys=keys, at=at)
    return status_delta.write(
        changes, packed, since=since, subject=subject, at=at, lifetime=lifetime,
        algorithm=signer.algorithm, kid=key_id(signer.certificate.spki).hex(),
        x5c=(signer.certificate.der,), sign=signer.sign,
    )  # fmt: skip


def _packed(session: Session, number: int) -> tuple[str, bytes]:
    if number not in registry.list_numbers(session):
        raise NotFound(f"no status list {number}")
    base_url = registry.region(session).base_url
    states = registry.states_of_list(session, number)
    packed = lists.pack(states, capacity=registry.capacity_of(session, number))
    return lists.subject(base_url, number), packed


def _changes(session: Session, number: int, since: datetime, packed: bytes) -> dict[int, Status]:
    """Every index that may read otherwise than at `since`, as it reads now."""
    changed = set(session.scalars(
        select(Licence.status_index)
        .join(StateChange, StateChange.licence == Licence.identifier)
        .where(Licence.status_list == number, StateChange.at >= since)
    ))  # fmt: skip
    changed |= set(session.scalars(
        select(Reservation.status_index).where(
            Reservation.status_list == number, Reservation.state == registry.ABANDONED,
            Reservation.reserved_at >= since - _GIVEN_UP_WITHIN,
        )
    ))  # fmt: skip
    return {index: Status(packed[index // 4] >> 2 * (index % 4) & 3) for index in changed}


@dataclass(frozen=True, slots=True)
class _Kept:
    document: bytes
    signed_at: datetime
    changes: object


class StatusForms:
    """CWTs and deltas ready to be served."""

    def __init__(self, sessions: Sessions, keys: KeyStore, *, lifetime: timedelta) -> None:
        self._sessions, self._keys, self._lifetime = sessions, keys, lifetime
        self._kept: OrderedDict[tuple[int, datetime | None], _Kept] = OrderedDict()
        self._deltas = Allowance(DELTAS_AT_ONCE, DELTAS_EVERY)
        self._lock = Lock()

    def cwt(self, number: int, *, at: datetime) -> bytes:
        """The signed list as CWT; NotFound."""
        return self._document(
            number, None, at,
            lambda session: sign_cwt(
                session, number, keys=self._keys, at=at, lifetime=self._lifetime
            ),
        )  # fmt: skip

    def delta(self, number: int, since: int, *, at: datetime) -> bytes:
        """What changed since a time in seconds; NotFound or NoDelta."""
        try:
            begins = datetime.fromtimestamp(since, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise NoDelta("not a time") from error
        return self._document(
            number, begins, at,
            lambda session: sign_delta(
                session, number, begins, keys=self._keys, at=at, lifetime=self._lifetime
            ).encode(),
        )  # fmt: skip

    def _document(
        self, number: int, since: datetime | None, at: datetime, sign: Callable[[Session], bytes]
    ) -> bytes:
        with self._sessions() as session:
            kept = self._fresh(number, since, at, publish.changes_of(session, number))
        if kept is not None:
            return kept
        # Of many who ask at once one signs, the others find what it made.
        with self._lock, self._sessions() as session:
            changes = publish.changes_of(session, number)
            kept = self._fresh(number, since, at, changes)
            if kept is not None:
                return kept
            if since is not None:
                self._spend(at)
            document = sign(session)
            self._kept[number, since] = _Kept(document, at, changes)
            self._kept.move_to_end((number, since))
            while len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        return document

    def _fresh(
        self, number: int, since: datetime | None, at: datetime, changes: object
    ) -> bytes | None:
        kept = self._kept.get((number, since))
        if kept is None or kept.changes != changes or at - kept.signed_at >= publish.REFRESH:
            return None
        return kept.document

    def _spend(self, at: datetime) -> None:
        """Two days of tens of minutes, times the lists, are more addresses than are kept: whoever
        asks for all of them in turn must not have a list packed and signed for each."""
        try:
            self._deltas.spend(at=at)
        except AllowanceSpent as error:
            raise NoDelta("enough deltas were made lately: fetch the whole list") from error
