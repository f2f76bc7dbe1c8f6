"""Leave to handle applications on behalf of another authority: given, ended, asked for.

The issuing authority stays the one that the licence names and whose seal it bears; the grant says
whose people may enter, decide and issue for it. The seal's own grant is asked for besides.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from certificates.applications.models import IssuingGrant
from certificates.applications.refusals import NotGrantedToAct, WrongRole, check_reason
from certificates.models import Authority
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Invalid, NotFound

BASIS_MAX: Final = 300
TYPES_MAX: Final = 200
_PAGE: Final = 200


class GrantEnded(Conflict):
    """The grant was ended before."""

    code = "issuing_grant_ended"


def grant(
    session: Session, authority: str, acting: str, types: Sequence[str], *, since: datetime,
    until: datetime, basis: str, by: Caller, at: datetime,
) -> IssuingGrant:  # fmt: skip
    """Let the people of `acting` handle applications of `authority`, for types that it issues.

    By a security administrator of that authority, or of the region. WrongRole, NotFound, Invalid,
    ReasonNeeded.
    """
    _require_administrator(authority, by)
    owner = session.get(Authority, authority)
    if owner is None or session.get(Authority, acting) is None:
        raise NotFound("没有这个机构 / no such authority")
    if authority == acting:
        raise Invalid("不能委托给自己 / an authority needs no leave of its own")
    wanted = sorted(set(types))
    if not 1 <= len(wanted) <= TYPES_MAX or not set(wanted) <= set(owner.types):
        raise Invalid("只能委托本机构颁发的证照类型 / only types that the authority itself issues")
    if until <= max(since, at):
        raise Invalid(
            "截止时间须晚于起始时间和当前时间 / it ends after it begins, and not before now"
        )
    text = check_reason(basis, what=("委托依据", "a basis"))
    if len(text) > BASIS_MAX:
        raise Invalid(f"委托依据不超过 {BASIS_MAX} 字 / a basis has at most {BASIS_MAX} characters")
    made = IssuingGrant(
        id=uuid4(), authority=authority, acting=acting, types=wanted,
        # Issuing counts in whole seconds.
        since=since.replace(microsecond=0), until=until,
        basis=text, granted_by=by.account, granted_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    details: dict[str, audit.JSON] = {
        "grant": str(made.id), "acting": acting, "types": list(wanted),
        "since": since.isoformat(), "until": until.isoformat(),
    }  # fmt: skip
    audit.record(session, "issuing.granted", subject=authority, by=by, at=at, details=details)
    return made


def end(session: Session, key: UUID, *, by: Caller, at: datetime) -> IssuingGrant:
    """End a grant before its time, from the next act on: NotFound, WrongRole, GrantEnded."""
    found = session.get(IssuingGrant, key)
    if found is None:
        raise NotFound("没有这项委托 / no such grant")
    _require_administrator(found.authority, by)
    won = session.scalar(
        update(IssuingGrant)
        .where(IssuingGrant.id == key, IssuingGrant.ended_at.is_(None))
        .values(ended_at=at, ended_by=by.account)
        .returning(IssuingGrant.id)
    )
    if won is None:
        raise GrantEnded("委托已终止 / the grant was ended before")
    session.refresh(found)
    audit.record(
        session, "issuing.grant_ended", subject=found.authority, by=by, at=at,
        details={"grant": str(key)},
    )  # fmt: skip
    return found


def require(
    session: Session, authority: str, type_code: str, *, acting: str | None, at: datetime
) -> None:
    """Return when `acting` may handle the authority's applications of the type now, or raise
    NotGrantedToAct."""
    if acting is None or not any(
        type_code in types
        for types in session.scalars(
            select(IssuingGrant.types).where(
                IssuingGrant.acting == acting, IssuingGrant.authority == authority,
                IssuingGrant.since <= at, IssuingGrant.until > at,
                IssuingGrant.ended_at.is_(None),
            )
        )
    ):  # fmt: skip
        raise NotGrantedToAct(
            "没有有效的委托，不能代为办理 / no grant in force lets this authority act for the other"
        )


def of(session: Session, authority: str | None) -> list[IssuingGrant]:
    """The newest grants, those of one authority (given or received) or all."""
    query = select(IssuingGrant).order_by(IssuingGrant.granted_at.desc()).limit(_PAGE)
    if authority is not None:
        query = query.where(
            or_(IssuingGrant.authority == authority, IssuingGrant.acting == authority)
        )
    return list(session.scalars(query))


def acted_for(session: Session, acting: str, *, at: datetime) -> list[IssuingGrant]:
    """The grants in force under which the authority may act for others."""
    return list(
        session.scalars(
            select(IssuingGrant)
            .where(
                IssuingGrant.acting == acting, IssuingGrant.since <= at, IssuingGrant.until > at,
                IssuingGrant.ended_at.is_(None),
            )
            .order_by(IssuingGrant.authority)
        )
    )  # fmt: skip


def _require_administrator(authority: str, by: Caller) -> None:
    if not by.has(Role.SECURITY_ADMIN) or by.authority not in (None, authority):
        raise WrongRole(
            "委托由本机构或本地区的安全管理员办理 / "
            "a security administrator of the authority, or of the region, gives such leave"
        )
