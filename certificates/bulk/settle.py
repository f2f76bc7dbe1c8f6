"""What becomes of rows that a worker has done with, or has left behind by dying."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from sqlalchemy import Table, insert, or_, select, update
from sqlalchemy.orm import Session

from certificates.bulk.bench import Bench
from certificates.bulk.models import BulkJob, BulkReceipt, BulkRow, BulkState, RowState
from certificates.models import Licence
from certificates.press import recovery
from trust.access import SYSTEM

#: (column, code, reason)
Fault = tuple[str, str, str]
_RECEIPT: Final = insert(cast(Table, BulkReceipt.__table__))


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one block; `put_back` rows are tried again."""

    issued: int
    refused: int
    put_back: int


def settle(
    session: Session, key: UUID, issued: Mapping[int, str], faults: Mapping[int, Fault],
    again: Mapping[int, Fault], *, owner: str, at: datetime,
) -> Done:  # fmt: skip
    """Receipts of what is issued, reasons of what is refused; both wiped. A row whose lease went to
    somebody else meanwhile is left to them: they find the licence by its application."""
    ours = _close(session, key, list(issued), RowState.ISSUED, owner)
    if ours:
        receipts = [
            {"job": key, "number": number, "licence": issued[number], "at": at} for number in ours
        ]
        session.connection().execute(_RECEIPT, receipts)
    refused = _close(session, key, list(faults), RowState.REFUSED, owner)
    put_back(session, key, list(again), owner)
    for number, (field, code, message) in {**faults, **again}.items():
        session.execute(
            update(BulkRow)
            .where(
                BulkRow.job == key, BulkRow.number == number,
                BulkRow.state.in_((RowState.REFUSED, RowState.WAITING)),
            )
            .values(field=field, code=code, message=message)
        )  # fmt: skip
    return Done(len(ours), len(refused), len(again))


def _close(
    session: Session, key: UUID, numbers: Sequence[int], state: RowState, owner: str
) -> list[int]:
    if not numbers:
        return []
    return sorted(
        session.scalars(
            update(BulkRow)
            .where(
                BulkRow.job == key, BulkRow.number.in_(numbers),
                BulkRow.state == RowState.WORKING, BulkRow.owner == owner,
            )
            .values(
                state=state, content_box=None, owner="", lease_until=None, field="", code="",
                message="",
            )
            .returning(BulkRow.number)
            .execution_options(synchronize_session=False)
        )
    )  # fmt: skip


def put_back(
    session: Session, key: UUID, numbers: Sequence[int], owner: str, *, counted: int = 1
) -> None:
    """The rows wait again; the try counts, or with 0 it does not."""
    if numbers:
        session.execute(
            update(BulkRow)
            .where(
                BulkRow.job == key, BulkRow.number.in_(numbers),
                BulkRow.state == RowState.WORKING, BulkRow.owner == owner,
            )
            .values(
                state=RowState.WAITING, owner="", lease_until=None,
                attempts=BulkRow.attempts - 1 + counted,
            )
        )  # fmt: skip


def reclaim(bench: Bench, key: UUID) -> int:
    """Give back what dead workers hold, by lease or, on this host, by their being gone; how many
    rows that were. What they had half-issued is given up first (`recovery.recover`)."""
    at = bench.clock()
    with bench.reading() as session:
        held = session.execute(
            select(BulkRow.owner, BulkRow.lease_until)
            .where(BulkRow.job == key, BulkRow.state == RowState.WORKING)
            .distinct()
        ).all()
    dead = {
        row.owner for row in held
        if (row.lease_until is not None and row.lease_until < at) or recovery.is_gone(row.owner)
    }  # fmt: skip
    if not dead:
        return 0
    workshop = bench.workshop(at=at)
    recovery.recover(workshop.sessions, workshop.store, by=SYSTEM, at=at)
    gone = [owner for owner in dead if recovery.is_gone(owner)]
    with bench.sessions.begin() as session:
        freed = session.scalars(
            update(BulkRow)
            .where(
                BulkRow.job == key, BulkRow.state == RowState.WORKING,
                or_(BulkRow.owner.in_(gone), BulkRow.lease_until < at),
            )
            .values(state=RowState.WAITING, owner="", lease_until=None)
            .returning(BulkRow.number)
            .execution_options(synchronize_session=False)
        ).all()  # fmt: skip
        _drop_if_cancelled(session, key, freed)
    return len(freed)


def _drop_if_cancelled(session: Session, key: UUID, numbers: Sequence[int]) -> None:
    """Rows of a job that was cancelled while a worker died over them: those with a licence keep it
    and get its receipt, the others are dropped."""
    job = session.get_one(BulkJob, key)
    if job.state != BulkState.CANCELLED or not numbers:
        return
    rows = session.execute(
        select(BulkRow.number, Licence.identifier, Licence.issued_at)
        .join(Licence, Licence.application == BulkRow.application, isouter=True)
        .where(BulkRow.job == key, BulkRow.number.in_(numbers))
    ).all()
    for row in rows:
        state = RowState.ISSUED if row.identifier is not None else RowState.DROPPED
        session.execute(
            update(BulkRow)
            .where(BulkRow.job == key, BulkRow.number == row.number)
            .values(state=state, content_box=None)
        )
        if row.identifier is not None:
            receipt = {"job": key, "number": row.number, "licence": row.identifier,
                       "at": row.issued_at}  # fmt: skip
            session.connection().execute(_RECEIPT, receipt)
