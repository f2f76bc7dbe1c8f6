"""Recording: licences that are sealed and stored come into being, in the caller's transaction.

Licences, first states, holders, applications, the ledger of seals, events, audit. A licence that
takes the place of another ends that one here too: there is never a moment with two in force.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from certificates import events, holders, holders_shown, registry, states
from certificates.content import parse_date
from certificates.models import (
    Application,
    ApplicationState,
    Licence,
    LicenceHolder,
    LicenceState,
    Reservation,
    StateChange,
)
from certificates.press.recovery import RESERVED
from certificates.press.workshop import Made, Refused, Workshop
from seal import use as seal_use
from seal.use import Taken
from trust import audit
from trust.access import Caller
from trust.audit import JSON, Act
from trust.crypto import hashes
from trust.errors import Conflict

DONE = "done"
#: What ends a licence that is issued anew is the application for the new one.
_REPLACING = "换发申请 / the application for the licence that follows"
_LICENCE, _HOLDER = (
    insert(cast(Table, Licence.__table__)),
    insert(cast(Table, LicenceHolder.__table__)),
)
_CHANGE = insert(cast(Table, StateChange.__table__))


def record(
    session: Session, workshop: Workshop, made: Sequence[Made], *, by: Caller, at: datetime
) -> list[Licence | Refused]:
    """The licence or, when its reservation was given up meanwhile, the refusal of each.

    Raises SealNotInForce when a seal was frozen or made anew meanwhile, and LicenceNotInForce when
    the licence to be replaced is no more: that undoes the whole transaction.
    """
    names = [str(each.job.known) for each in made]
    open_still = registry.move_all(session, Reservation, names, before=RESERVED, after=DONE)
    kept = [each for each in made if str(each.job.known) in open_still]
    licences = {}
    if kept:
        for taken in _seals(kept):
            seal_use.require_still_in_force(session, taken)
        licences = _write(session, workshop, kept, by=by, at=at)
        _finish(session, workshop, kept, by=by, at=at)
    return [licences.get(str(each.job.known)) or _given_up(each) for each in made]


def _given_up(made: Made) -> Refused:
    error = Conflict(f"the reservation of {made.job.known} was given up meanwhile")
    return Refused(made.job.application, error)


def _seals(made: Sequence[Made]) -> list[Taken]:
    """One use of each seal, as it was taken."""
    return list({
        (sealing.taken.use.seal, sealing.taken.impression.sm2_key): sealing.taken
        for each in made for sealing in each.job.seals
    }.values())  # fmt: skip


def _write(
    session: Session, workshop: Workshop, made: Sequence[Made], *, by: Caller, at: datetime
) -> dict[str, Licence]:
    """The rows of the licences, by Core: what is returned is no part of the session."""
    rows = [_row(workshop, each, by=by, at=at) for each in made]
    connection = session.connection()
    connection.execute(_LICENCE, rows)
    connection.execute(_CHANGE, [
        {"licence": row["identifier"], "state": LicenceState.ACTIVE, "at": at, "by": by.account,
         "reason": "issued", "basis": ""}
        for row in rows
    ])  # fmt: skip
    held = [row for each in made for row in _holder_rows(workshop, each)]
    if held:
        connection.execute(_HOLDER, held)
    registry.move_all(
        session, Application, [each.job.application for each in made],
        before=ApplicationState.ISSUING, after=ApplicationState.ISSUED,
    )  # fmt: skip
    return {row["identifier"]: Licence(**row) for row in rows}


def _finish(
    session: Session, workshop: Workshop, made: Sequence[Made], *, by: Caller, at: datetime
) -> None:
    """Ledger and events, what is replaced, and last the audit log."""
    for each in made:
        name = str(each.job.known)
        for sealing, time_stamp in zip(each.job.seals, each.stamps, strict=True):
            seal_use.record(
                session, sealing.taken, digest=each.file_digest, place=sealing.place,
                time_stamp=time_stamp, by=sealing.by, at=at,
            )  # fmt: skip
        events.note(session, name, events.ISSUED, at=at)
        if each.job.replaces is not None:
            states.replace(
                session, each.job.replaces, basis=_REPLACING, reason=f"由 {name} 换发", by=by,
                at=at, vault=workshop.vault,
            )  # fmt: skip
    audit.record_all(session, [
        Act("licence.issued", str(each.job.known), by, at, _details(each)) for each in made
    ])  # fmt: skip


def _details(made: Made) -> dict[str, JSON]:
    job = made.job
    found: dict[str, JSON] = {
        "sm3": hashes.sm3(job.raw).hex(), "file_sha256": made.file_digest.hex(),
        "seals": [each.taken.use.seal for each in job.seals], "leaf": job.leaf,
    }  # fmt: skip
    return found if job.previous is None else {**found, "previous": job.previous}


def _row(workshop: Workshop, made: Made, *, by: Caller, at: datetime) -> dict[str, Any]:
    job, name = made.job, str(made.job.known)
    until = job.metadata.get("ZZYXQJZRQ")
    first = holders.of(job.metadata)[0]
    return {
        "identifier": name, "application": job.application, "type_code": job.licence_type.code,
        "type_version": job.licence_type.version, "joint": list(job.joint),
        "previous": job.previous, "paper_number": job.paper_number, "item_code": job.item_code,
        "number": job.licence_type.register_number(str(job.metadata["ZZBH"]), first.code_type),
        "authority": job.known.issuer,
        "holder_index": workshop.vault.index(first.code, column="holder"),
        "holder_public": holders_shown.shown(job.licence_type, job.metadata),
        "content_box": workshop.vault.seal(job.raw, context=f"licence/{name}"),
        "digest": hashes.sm3(job.raw), "file_digest": made.file_digest, "claim": made.claim,
        "status_list": job.place.number, "status_index": job.place.index, "leaf_index": job.leaf,
        "issued_on": job.issued, "valid_from": parse_date("ZZYXQQSRQ", job.metadata["ZZYXQQSRQ"]),
        "valid_until": parse_date("ZZYXQJZRQ", until) if until else None,
        "issued_by": by.account, "issued_at": at, "state": LicenceState.ACTIVE, "state_at": at,
    }  # fmt: skip


def _holder_rows(workshop: Workshop, made: Made) -> list[dict[str, Any]]:
    """Every holder of a licence that has several; a single one stands in the licence's own row."""
    found = holders.of(made.job.metadata)
    if len(found) == 1:
        return []
    return [
        {"licence": str(made.job.known), "position": position,
         "code_index": workshop.vault.index(each.code, column="holder")}
        for position, each in enumerate(found)
    ]  # fmt: skip
