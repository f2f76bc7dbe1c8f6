"""Issuing licences: reserve -> make -> record, one or a block of them.

Two transactions, whatever the number. What a crash leaves behind at each step:
1. before `reserve` commits: nothing.
2. after it: a reservation of each licence (identifier, status index, log leaf, a use counted under
   the seal's grant, all burnt) and the applications in ISSUING. `recovery.recover` abandons each:
   the application is APPROVED again, the index reads void, the seal's ledger says abandoned.
3. while `make` works: besides, the files stored so far, which no licence names; the recovery
   removes them. Time-stamps handed out by our own authority stay in its register.
4. after `record` commits: licences, all of the block that could be made. A licence that takes the
   place of another ended that one in the same transaction. A caller that died before it heard asks
   again and is told AlreadyIssued.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from certificates.models import Licence
from certificates.press.make import make, make_many
from certificates.press.record import record
from certificates.press.recovery import give_up
from certificates.press.reserve import AlreadyIssued, reserve
from certificates.press.workshop import Issued, Job, Made, Refused, Workshop
from seal import use as seal_use
from trust.access import Caller
from trust.crypto import hashes
from trust.errors import TrustError

__all__ = [
    "AlreadyIssued",
    "Issued",
    "Job",
    "Made",
    "Refused",
    "Workshop",
    "issue",
    "issue_many",
    "make",
    "make_many",
    "record",
    "reserve",
]


def issue(
    workshop: Workshop, key: UUID, *, by: Caller, at: datetime, system: str | None = None
) -> Licence:
    """Issue the licence of an approved application, asked for through `system` (by default the
    platform whose token the caller brought).

    Raises NotFound, Forbidden, AlreadyIssued, Conflict, UnprintableLicence, NoTimeStamp,
    NoEvidence, SealNotInForce, LicenceNotInForce and the other refusals of `seal.use.take`.
    """
    at = at.replace(microsecond=0)
    (job,) = _reserve(workshop, [key], by=by, at=at, system=system)
    if isinstance(job, Refused):
        raise job.error
    try:
        made = make(workshop, job, at=at)
        (licence,) = _record(workshop, [made], by=by, at=at)
        if isinstance(licence, Refused):
            raise licence.error
        return licence
    except Exception as error:
        # The refusal is for the caller; what it leaves is put right first, in its own transaction.
        _give_up(workshop, job, error, by=by, at=at)
        raise


def issue_many(
    workshop: Workshop, keys: Sequence[UUID], *, by: Caller, at: datetime,
    system: str | None = None,
) -> list[Issued | Refused]:  # fmt: skip
    """Issue a block of licences; what came of each, in the order of `keys`, each named once.

    A refusal is its application's alone. A fault (anything but a TrustError) gives up all that is
    not recorded yet, and is raised.
    """
    at = at.replace(microsecond=0)
    keys = list(dict.fromkeys(keys))
    reserved = _reserve_apart(workshop, keys, by=by, at=at, system=system)
    jobs = [each for each in reserved if isinstance(each, Job)]
    found: dict[UUID, Issued | Refused] = {
        each.application: each for each in reserved if isinstance(each, Refused)
    }
    try:
        made = []
        for job, outcome in zip(jobs, make_many(workshop, jobs, at=at), strict=True):
            if isinstance(outcome, Made):
                made.append(outcome)
            else:
                found[job.application] = _refused(workshop, job, outcome, by=by, at=at)
        for each in _record_apart(workshop, made, by=by, at=at):
            found[each.application] = each
    except Exception as error:
        for job in jobs:
            if job.application not in found:
                _give_up(workshop, job, error, by=by, at=at)
        raise
    return [found[key] for key in keys]


def _reserve(
    workshop: Workshop, keys: Sequence[UUID], *, by: Caller, at: datetime, system: str | None
) -> list[Job | Refused]:
    with (
        seal_use.recording_refusals(workshop.sessions, by=by, at=at),
        workshop.sessions.begin() as session,
    ):
        return reserve(session, workshop, keys, by=by, at=at, system=system)


def _reserve_apart(
    workshop: Workshop, keys: Sequence[UUID], *, by: Caller, at: datetime, system: str | None
) -> list[Job | Refused]:
    """All in one transaction; when one is refused a seal, each in a transaction of its own."""
    try:
        with workshop.sessions.begin() as session:
            return reserve(session, workshop, keys, by=by, at=at, system=system)
    except (TrustError, seal_use.RefusedUse):
        found: list[Job | Refused] = []
        for key in keys:
            try:
                found += _reserve(workshop, [key], by=by, at=at, system=system)
            except TrustError as error:
                found.append(Refused(key, error))
        return found


def _record(
    workshop: Workshop, made: Sequence[Made], *, by: Caller, at: datetime
) -> list[Licence | Refused]:
    with workshop.sessions.begin() as session:
        return record(session, workshop, made, by=by, at=at)


def _record_apart(
    workshop: Workshop, made: Sequence[Made], *, by: Caller, at: datetime
) -> list[Issued | Refused]:
    """All in one transaction; when one may not be recorded, each in a transaction of its own."""
    if not made:
        return []
    try:
        recorded = _record(workshop, made, by=by, at=at)
    except TrustError as error:
        if len(made) == 1:
            return [_refused(workshop, made[0].job, error, by=by, at=at)]
        return [found for each in made for found in _record_apart(workshop, [each], by=by, at=at)]
    return [
        _issued(each, row) if isinstance(row, Licence)
        else _refused(workshop, each.job, row.error, by=by, at=at)
        for each, row in zip(made, recorded, strict=True)
    ]  # fmt: skip


def _issued(made: Made, row: Licence) -> Issued:
    return Issued(
        made.job.application, row.identifier, row.number, hashes.sm3(made.job.raw), made.file_digest
    )


def _refused(
    workshop: Workshop, job: Job, error: TrustError, *, by: Caller, at: datetime
) -> Refused:
    _give_up(workshop, job, error, by=by, at=at)
    return Refused(job.application, error)


def _give_up(workshop: Workshop, job: Job, error: Exception, *, by: Caller, at: datetime) -> None:
    """In a transaction of its own; a file that was stored is taken back."""
    reason = error.code if isinstance(error, TrustError) else "fault"
    give_up(workshop.sessions, workshop.store, str(job.known), by=by, at=at, reason=reason)
