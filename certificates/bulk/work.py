"""Working off a released bulk job, a block of rows at a time, by any number of processes.

The rows are the queue: a worker takes a block by one UPDATE, under a lease, and enters, approves
and issues its applications. What a crash leaves behind, and what becomes of it:
1. before the block is taken: nothing.
2. after: rows WORKING under the lease of a process that is gone, their applications APPROVED.
   `settle.reclaim` makes the rows WAITING again; the applications are found by their keys.
3. while issuing: what `certificates.issue` says; `reclaim` has `recovery.recover` give it up.
4. after issuing, before the receipts: licences whose rows are WORKING. The next worker finds the
   application ISSUED and writes the receipt.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from certificates import issue
from certificates.bulk import enter, jobs, settle
from certificates.bulk.bench import Bench
from certificates.bulk.check import check_content, fault_of, row_context, taken_numbers
from certificates.bulk.columns import Row
from certificates.bulk.enter import Entry, Hand
from certificates.bulk.models import BulkJob, BulkRow, BulkState, RowState
from certificates.bulk.settle import Done, Fault
from certificates.issue import Issued, Refused
from certificates.licence_types import registry as type_registry
from certificates.models import Application, ApplicationState, Licence
from certificates.press import recovery
from trust.access import Caller
from trust.clock import CHINA
from trust.errors import Conflict, Forbidden, TrustError, Unavailable

#: Rows to a block: small enough that a crash burns little, large enough to share a commit.
BLOCK: Final = 25
#: A row that was tried so often is refused. From SINGLE on it is tried alone, so that a row that
#: kills its worker takes no other row with it.
ATTEMPTS_MAX: Final = 30
SINGLE: Final = 2


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows taken: those whose applications can be issued (`keys`), and what became of the others;
    `busy` ones are in somebody else's hands."""

    keys: dict[UUID, int]
    issued: dict[int, str]
    faults: dict[int, Fault]
    busy: tuple[int, ...]
    by: Caller


def work(bench: Bench, key: UUID, *, span: range | None = None) -> Done | None:
    """Take and issue one block of the job, of the rows in `span` if given; None when there is no
    row to take. Forbidden when whoever released the job may do so no more."""
    owner, at = recovery.process_name(), bench.clock()
    with bench.sessions.begin() as session:
        block = _take(session, bench, key, span=span, owner=owner, at=at)
    if block is None:
        return None
    found = _issue(bench, key, block, owner=owner, at=at)
    issued, faults, again = dict(block.issued), dict(block.faults), dict[int, Fault]()
    for each in found:
        number = block.keys[each.application]
        if isinstance(each, Issued):
            issued[number] = each.identifier
        elif _passes(each.error):
            again[number] = fault_of(each.error)
        else:
            faults[number] = fault_of(each.error)
    with bench.sessions.begin() as session:
        settle.put_back(session, key, block.busy, owner, counted=0)
        return settle.settle(session, key, issued, faults, again, owner=owner, at=bench.clock())


def _issue(
    bench: Bench, key: UUID, block: _Block, *, owner: str, at: datetime
) -> Sequence[Issued | Refused]:
    if not block.keys:
        return ()
    try:
        return issue.issue_many(bench.workshop(at=at), list(block.keys), by=block.by, at=at)
    except Exception:
        # Nothing of the block is half-done; its rows wait for the next worker, or the next try.
        held = (*block.keys.values(), *block.issued, *block.faults, *block.busy)
        with bench.sessions.begin() as session:
            settle.put_back(session, key, held, owner)
        raise


def _passes(error: TrustError) -> bool:
    """Whether a later try may do better: somebody else is at it, or something is not there now."""
    return (
        isinstance(error, Unavailable)
        or type(error) is Conflict
        or isinstance(error, issue.AlreadyIssued)
    )


# --- taking ------------------------------------------------------------------------------------


def _take(
    session: Session, bench: Bench, key: UUID, *, span: range | None, owner: str, at: datetime
) -> _Block | None:
    rows = _claim(session, key, span=span, owner=owner, until=at + bench.lease)
    if not rows:
        return None
    job = session.get_one(BulkJob, key)
    by = bench.caller(session, job.released_by or "")
    if by.authority != job.authority:
        raise Forbidden(f"{by.account} acts for the job's authority no more")
    there = _applications(session, [row.application for row in rows])
    issued: dict[int, str] = {}
    faults: dict[int, Fault] = {}
    keys: dict[UUID, int] = {}
    busy, fresh = [], []
    for row in rows:
        state, licence = there.get(row.application, (None, None))
        if licence is not None:
            issued[row.number] = licence
        elif state == ApplicationState.ISSUING:
            busy.append(row.number)
        elif row.attempts > ATTEMPTS_MAX:
            said = f"{row.code}: {row.message}" if row.code else "its worker died each time"
            faults[row.number] = (row.field, "bulk_gave_up", said[:300])
        elif state is None:
            fresh.append(row)
        else:
            keys[row.application] = row.number
    entered, refused = _enter(session, bench, job, fresh, by=by, at=at)
    return _Block(keys | entered, issued, faults | refused, tuple(busy), by)


def _claim(
    session: Session, key: UUID, *, span: range | None, owner: str, until: datetime
) -> Sequence[Any]:
    """Rows taken by one statement: of two workers one gets each row. The job must be RUNNING."""
    running = select(BulkJob.id).where(BulkJob.id == key, BulkJob.state == BulkState.RUNNING)
    waiting = (
        select(BulkRow.number)
        .where(BulkRow.job == key, BulkRow.state == RowState.WAITING, running.exists())
        .order_by(BulkRow.number)
        .with_for_update(skip_locked=True, of=BulkRow)
    )
    if span is not None:
        waiting = waiting.where(BulkRow.number >= span.start, BulkRow.number < span.stop)
    fresh = waiting.where(BulkRow.attempts < SINGLE).limit(BLOCK)
    tried = waiting.where(BulkRow.attempts >= SINGLE).limit(1)
    numbers = session.scalars(fresh).all() or session.scalars(tried).all()
    if not numbers:
        return ()
    return session.execute(
        update(BulkRow)
        .where(
            BulkRow.job == key, BulkRow.number.in_(numbers), BulkRow.state == RowState.WAITING
        )
        .values(
            state=RowState.WORKING, owner=owner, lease_until=until, attempts=BulkRow.attempts + 1
        )
        .returning(
            BulkRow.number, BulkRow.content_box, BulkRow.application, BulkRow.attempts,
            BulkRow.field, BulkRow.code, BulkRow.message,
        )
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip


def _applications(
    session: Session, keys: Sequence[UUID]
) -> dict[UUID, tuple[ApplicationState, str | None]]:
    """Which applications are there: their state, and their licence."""
    rows = session.execute(
        select(Application.id, Application.state, Licence.identifier)
        .join(Licence, Licence.application == Application.id, isouter=True)
        .where(Application.id.in_(keys))
    )
    return {row.id: (ApplicationState(row.state), row.identifier) for row in rows}


def _enter(
    session: Session, bench: Bench, job: BulkJob, rows: Sequence[Any], *, by: Caller, at: datetime
) -> tuple[dict[UUID, int], dict[int, Fault]]:
    """Applications of rows that have none yet: keys to row numbers. Rows that were checked on
    another day, or by another version of the type, are checked anew; those that fail it now."""
    if not rows:
        return {}, {}
    licence_type = type_registry.current(session, job.type_code)
    today, entries = at.astimezone(CHINA).date(), []
    checked_on = job.checked_at.astimezone(CHINA).date() if job.checked_at is not None else None
    fresh = (job.type_version, checked_on) == (licence_type.version, today)
    keys: dict[UUID, int] = {}
    given = {row.number: _opened(bench, job, row) for row in rows}
    faults: dict[int, Fault] = taken_numbers(session, job.type_code, list(given.values()))
    for row in rows:
        said = given[row.number]
        if row.number in faults:
            continue
        try:
            content = (
                dict(said.content)
                if fresh
                else check_content(
                    licence_type, job.kind, said, today=today, fallback=bench.fallback
                )
            )
        except TrustError as error:
            faults[row.number] = fault_of(error)
            continue
        entries.append(Entry(row.application, content, **said.about))
        keys[row.application] = row.number
    clerk = Caller(job.entered_by, job.authority, frozenset())
    enter.enter_approved(
        session, entries, licence_type, authority=job.authority, kind=job.kind, system=job.system,
        entered=Hand(clerk, job.entered_at), approved=Hand(by, job.released_at or at),
        vault=bench.vault, at=at,
    )  # fmt: skip
    return keys, faults


def _opened(bench: Bench, job: BulkJob, row: Any) -> Row:
    plain = bench.vault.unseal(row.content_box, context=row_context(job.id, row.number))
    said = json.loads(plain)
    return Row(row.number, said["content"], said["about"])


def finish(bench: Bench, key: UUID) -> bool:
    """Close the job if its last row is done (`jobs.close`)."""
    with bench.sessions.begin() as session:
        return jobs.close(session, key, vault=bench.vault, at=bench.clock())
