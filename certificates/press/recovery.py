"""Giving up what died half-way through issuing (`certificates.issue` says what a crash leaves)."""

import os
import socket
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from certificates import registry
from certificates.models import Application, ApplicationState, Authority, Licence, Reservation
from certificates.press.store import FileStore
from certificates.public_log import append_leaf
from seal import ledger
from seal.ledger import Outcome, Use
from seal.ledger_models import UseResult
from trust import audit
from trust.access import Caller
from trust.db import Sessions

RESERVED = "reserved"
#: Why, in the ledger, when nobody is left to say.
DIED = "process_gone"


def recover(sessions: Sessions, store: FileStore, *, by: Caller, at: datetime) -> list[str]:
    """Abandon what died half-way: leases that ran out, and processes of this host that are gone.

    Runs at every start. Returns the identifiers that were given up.
    """
    with sessions() as session:
        open_rows = session.execute(
            select(Reservation.identifier, Reservation.owner, Reservation.lease_until).where(
                Reservation.state == RESERVED
            )
        ).all()
    dead = [name for name, owner, until in open_rows if until < at or is_gone(owner)]
    return [name for name in dead if give_up(sessions, store, name, by=by, at=at)]


def give_up(
    sessions: Sessions, store: FileStore, name: str, *, by: Caller, at: datetime,
    reason: str = DIED,
) -> bool:  # fmt: skip
    """Abandon one reservation in a transaction of its own, then take back its file; False when it
    is open no more: recorded, or given up by somebody else, perhaps before the file was put.

    A crash between the two leaves a file, sealed at rest, that no licence names.
    """
    with sessions.begin() as session:
        done = abandon(session, name, by=by, at=at, reason=reason)
        recorded = session.get(Licence, name) is not None
    if not recorded:
        store.remove(name)
    return done


def is_gone(owner: str) -> bool:
    """Whether the process of that name (`process_name`) was on this host and is no more."""
    host, pid, started = owner.rsplit("/", 2)
    return host == socket.gethostname() and _started(int(pid)) != started


def abandon(session: Session, name: str, *, by: Caller, at: datetime, reason: str = DIED) -> bool:
    """Give up a reservation, inside the caller's transaction; False when it is open no more."""
    row = session.execute(
        update(Reservation)
        .where(Reservation.identifier == name, Reservation.state == RESERVED)
        .values(state=registry.ABANDONED)
        .returning(Reservation.application)
    ).one_or_none()
    if row is None:
        return False
    session.execute(
        update(Application)
        .where(Application.id == row[0], Application.state == ApplicationState.ISSUING)
        .values(state=ApplicationState.APPROVED)
    )
    append_leaf(session, "abandoned", name.encode(), at=at)
    _note_abandoned_use(session, row[0], name, reason=reason, by=by, at=at)
    audit.record(
        session, "licence.abandoned", subject=name, by=by, at=at,
        details={"application": str(row[0])},
    )  # fmt: skip
    return True


def _note_abandoned_use(
    session: Session, application: UUID, name: str, *, reason: str, by: Caller, at: datetime
) -> None:
    """The seals, of several authorities each, may have been applied, but no document left."""
    found = session.execute(
        select(Application.authority, Application.joint, Application.type_code)
        .where(Application.id == application)
    ).one()  # fmt: skip
    codes = [found.authority, *found.joint]
    seals = session.execute(
        select(Authority.code, Authority.seal).where(Authority.code.in_(codes))
    ).all()
    outcome = Outcome(UseResult.ABANDONED, reason)
    for _, seal in sorted(seals, key=lambda row: codes.index(row.code)):
        use = Use(seal or "", found.type_code, str(application), f"{name}.pdf")
        ledger.add(session, use, outcome, by=by, at=at)


def process_name() -> str:
    """Host, process and the process's start: a number that is given to a new process is not it."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def _started(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            state, *fields = file.read().rpartition(")")[2].split()
            # Dead, and its parent has not asked yet: where a container's first process never does,
            # that is for good.
            return "gone" if state in "ZX" else fields[18]
    except (OSError, IndexError):
        return "gone"
