"""Organisations and their people imported in bulk: every row checked first, then in batches.

A row whose number has an account already changes nothing of it but a missing appointment, so an
import broken off half-way is simply run again. Nobody is told and nobody gets a password: people
sign in by SMS or recover their account.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from sso import accounts, agents, particulars, people
from sso.import_rows import Appointment, Problem, Row, Rows
from sso.models import Account, AccountKind
from sso.particulars import USCC
from trust import audit
from trust.access import SYSTEM, Caller, Role
from trust.db import Sessions
from trust.errors import Forbidden, Invalid
from trust.vault import Vault

#: Rows of one transaction: what a crash leaves is a whole number of batches.
BATCH: Final = 200
#: Faults that a report lists; there may be more.
SHOWN: Final = 1000


@dataclass(frozen=True, slots=True)
class Report:
    """What an import would do or did: `new` accounts, `present` ones, faults row by row."""

    rows: int
    new: int
    present: int
    problems: tuple[Problem, ...] = ()


class MayNotImport(Forbidden):
    """A security administrator imports people, or the platform's operator."""

    code = "may_not_import"


class ImportRefused(Invalid):
    """Some rows cannot be imported, so none was; `report` says which and why."""

    code = "import_refused"

    def __init__(self, report: Report) -> None:
        first = report.problems[0]
        super().__init__(
            f"{len(report.problems)} faults; the first in line {first.line}, "
            f"{first.column or 'row'}: {first.rule}"
        )
        self.report = report


def check(session: Session, vault: Vault, rows: Rows, *, by: Caller, at: datetime) -> Report:
    """What `run` would do now, and every fault of the rows, the file's own and those against what
    is here already; reads only."""
    problems, new = list(rows.problems), 0
    for row in rows.good:
        present = _present(session, vault, row)
        new += present is None
        problems += _problems(session, vault, row, present, by=by, at=at)
    problems.sort(key=lambda problem: problem.line)
    total = len(rows.good) + len(rows.problems)
    return Report(total, new, total - new - len(rows.problems), tuple(problems[:SHOWN]))


def run(
    sessions: Sessions, vault: Vault, rows: Rows, *, by: Caller, at: datetime, batch: int = BATCH
) -> Report:
    """Import every row, or none: ImportRefused with the report of `check`, or MayNotImport.

    Owns its transactions, one a batch. AccountTaken when somebody registered meanwhile: what was
    imported before stays, and running it again goes on.
    """
    check_may_import(by)
    with sessions() as session:
        report = check(session, vault, rows, by=by, at=at)
    if report.problems:
        raise ImportRefused(report)
    for start in range(0, len(rows.good), batch):
        with sessions.begin() as session:
            _import(session, vault, rows.good[start : start + batch], by=by, at=at)
    with sessions.begin() as session:
        details: dict[str, audit.JSON] = {"new": report.new, "present": report.present}
        audit.record(session, "people.imported", subject="people", by=by, at=at, details=details)
    return report


def check_may_import(by: Caller) -> None:
    if by != SYSTEM and not by.has(Role.SECURITY_ADMIN):
        raise MayNotImport("people are imported by a security administrator")


def _present(session: Session, vault: Vault, row: Row) -> Account | None:
    return people.find_by_key(session, vault, row.known.key_type, row.known.key_number)


def _problems(
    session: Session, vault: Vault, row: Row, present: Account | None, *, by: Caller, at: datetime
) -> list[Problem]:
    found = []
    if present is None:
        if row.user_name and session.get(Account, row.user_name) is not None:
            found.append(Problem(row.line, "user_name", "another account has it"))
        if row.known.mobile and _has_mobile(session, vault, row.known.mobile):
            found.append(Problem(row.line, "mobile", "another account has it"))
        if row.roles:
            found += _not_granted(row, by=by)
    elif not present.active:
        found.append(Problem(row.line, "", "the account of this number is suspended"))
    if row.appointment is not None:
        found += _not_appointed(session, vault, row.line, row.appointment, at=at)
        if present is not None and present.name == by.account:
            found.append(Problem(row.line, "organisation", "nobody appoints themselves"))
    if by.authority is not None:
        found += _outside(row, by.authority)
    return found


def _outside(row: Row, authority: str) -> list[Problem]:
    """An authority's administrator imports its staff: neither the nation nor its companies."""
    if row.authority != authority and not row.roles:  # with roles it has been said
        return [Problem(row.line, "authority", "a security administrator imports within theirs")]
    if row.appointment is not None:
        return [Problem(row.line, "organisation", "appointed by the platform's administrator only")]
    return []


def _not_appointed(
    session: Session, vault: Vault, line: int, wanted: Appointment, *, at: datetime
) -> list[Problem]:
    if wanted.not_after is not None and wanted.not_after <= at:
        return [Problem(line, "not_after", "the authorisation has ended")]
    if _body(session, vault, wanted) is None:
        return [Problem(line, "organisation", "not here yet: import organisations first")]
    return []


def _has_mobile(session: Session, vault: Vault, mobile: str) -> bool:
    index = particulars.mobile_index(vault, mobile)
    taken = select(Account.name).where(Account.mobile_index == index)
    return session.scalar(taken) is not None


def _not_granted(row: Row, *, by: Caller) -> list[Problem]:
    try:
        accounts.check_may_grant(
            by, to=row.user_name or "", authority=row.authority, roles=row.roles
        )
    except accounts.MayNotGrant as error:
        return [Problem(row.line, "roles", str(error))]
    return []


def _body(session: Session, vault: Vault, appointment: Appointment) -> Account | None:
    found = people.find_by_key(session, vault, USCC, appointment.uscc)
    return found if found is not None and found.active else None


def _import(
    session: Session, vault: Vault, rows: Sequence[Row], *, by: Caller, at: datetime
) -> None:
    for row in rows:
        account = _present(session, vault, row) or _add(session, vault, row, by=by, at=at)
        if row.appointment is not None:
            _appoint(session, vault, account, row.appointment, at=at)


def _add(session: Session, vault: Vault, row: Row, *, by: Caller, at: datetime) -> Account:
    known = row.known
    if known.key_type == USCC:
        return people.add_organisation(
            session, vault, uscc=known.key_number, name=known.name, by=by, at=at,
            account_name=row.user_name, representative_name=known.representative_name,
            representative_number=known.representative_number, mobile=known.mobile,
            email=known.email, level=row.level,
        )  # fmt: skip
    return people.add_person(
        session, vault, known, by=by, at=at, name=row.user_name, roles=row.roles,
        authority=row.authority, level=row.level,
    )  # fmt: skip


def _appoint(
    session: Session, vault: Vault, person: Account, wanted: Appointment, *, at: datetime
) -> None:
    """On the word of the import, as the platform itself, unless the person has it already."""
    body = _body(session, vault, wanted)
    if body is None or body.kind != AccountKind.LEGAL:
        raise Invalid("an organisation of the import is not here any more")
    for each in agents.acting_for(session, person.name, at=at):
        if each.organisation == body.name and each.capacity == wanted.capacity:
            return
    agents.grant(
        session, organisation=body.name, agent=person.name, capacity=wanted.capacity,
        scope=wanted.scope, not_before=at, not_after=wanted.not_after, by=SYSTEM, at=at,
    )  # fmt: skip
