"""Lists of applications, for the people of one authority: columns, the newest first, in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from certificates.applications.models import JointConsent
from certificates.models import Application, ApplicationKind, ApplicationState
from trust.errors import NotFound

LIMIT_MAX: Final = 200
#: States in which somebody still has to do something.
OPEN: Final = (
    ApplicationState.ENTERED, ApplicationState.RETURNED, ApplicationState.CHECKED,
    ApplicationState.REVIEWED, ApplicationState.APPROVED, ApplicationState.ISSUING,
)  # fmt: skip


class Part(StrEnum):
    """What the authority has to do with an application."""

    OWN = "own"
    ACTING = "acting"
    JOINT = "joint"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which applications: of states (OPEN when none is named), a type, a kind, a case."""

    part: Part = Part.OWN
    states: tuple[ApplicationState, ...] = OPEN
    type_code: str | None = None
    kind: ApplicationKind | None = None
    case_number: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One application as a list shows it: nothing of its content."""

    id: UUID
    type_code: str
    type_version: str
    authority: str
    acting: str | None
    kind: ApplicationKind
    state: ApplicationState
    case_number: str | None
    system: str
    entered_by: str
    entered_at: datetime
    decided_by: str | None
    decided_at: datetime | None


_COLUMNS: Final = (
    Application.id, Application.type_code, Application.type_version, Application.authority,
    Application.acting, Application.kind, Application.state, Application.case_number,
    Application.system, Application.entered_by, Application.entered_at, Application.decided_by,
    Application.decided_at,
)  # fmt: skip


def listed(
    session: Session, authority: str, wanted: Wanted, *, limit: int, after: UUID | None = None
) -> list[Listed]:
    """A page, the newest first; `after` is the last one of the page before. NotFound without it."""
    query: Any = (
        select(*_COLUMNS)
        .where(Application.state.in_(wanted.states), *_filters(wanted))
        .order_by(Application.entered_at.desc(), Application.id.desc())
        .limit(max(1, min(limit, LIMIT_MAX)))
    )
    query = _of_part(query, authority, wanted.part)
    if after is not None:
        last = session.get(Application, after)
        if last is None:
            raise NotFound("没有这件申请 / no such application")
        query = query.where(
            tuple_(Application.entered_at, Application.id) < (last.entered_at, last.id)
        )
    return [_row(row) for row in session.execute(query)]


def counts(session: Session, authority: str) -> dict[ApplicationState, int]:
    """How many applications of the authority wait in each open state."""
    rows = session.execute(
        select(Application.state, func.count())
        .where(Application.authority == authority, Application.state.in_(OPEN))
        .group_by(Application.state)
    )
    return {ApplicationState(state): count for state, count in rows}


def _filters(wanted: Wanted) -> Sequence[Any]:
    given: list[Any] = []
    if wanted.type_code is not None:
        given.append(Application.type_code == wanted.type_code)
    if wanted.kind is not None:
        given.append(Application.kind == wanted.kind)
    if wanted.case_number is not None:
        given.append(Application.case_number == wanted.case_number)
    return given


def _of_part(query: Any, authority: str, part: Part) -> Any:
    if part is Part.ACTING:
        return query.where(Application.acting == authority)
    if part is Part.JOINT:
        return query.join(JointConsent, JointConsent.application == Application.id).where(
            JointConsent.authority == authority
        )
    return query.where(Application.authority == authority)


def _row(row: Any) -> Listed:
    values = dict(row._mapping)
    values["kind"] = ApplicationKind(values["kind"])
    values["state"] = ApplicationState(values["state"])
    return Listed(**values)
