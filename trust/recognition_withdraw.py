"""No longer recognising a region or one of its issuers: what falls is reported before it is done.

What was issued before `effective_at` stays recognised by history; with `compromised` it falls too,
because whoever holds a stolen key can date back what they sign.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from trust import audit, lists
from trust.access import Caller
from trust.errors import Conflict, Invalid, NotFound
from trust.list_models import HeldList, ListSource
from trust.lists_model import GRANTED, ServiceType
from trust.recognition_models import ForeignLicenceSeen, RecognitionRule, RecognitionWithdrawal

BASIS_MAX = 500


class BadWithdrawal(Invalid):
    code = "bad_withdrawal"


class AlreadyWithdrawn(Conflict):
    code = "already_withdrawn"


@dataclass(frozen=True, slots=True)
class Falls:
    """What a withdrawal touches. `licences` of it were seen here, `falling` of them are no longer
    recognised; `by_type` counts the falling by type. `services` that are granted by the region's
    list and no longer count, by kind; `rules` of the policy that no longer speak; `below` are lists
    that only its list names."""

    region: str
    issuer: str
    licences: int
    falling: int
    by_type: tuple[tuple[str, int], ...]
    last_seen: datetime | None
    services: tuple[tuple[str, int], ...]
    rules: int
    below: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "region": self.region, "issuer": self.issuer or None, "licences": self.licences,
            "falling": self.falling, "by_type": dict(self.by_type),
            "last_seen": self.last_seen.isoformat() if self.last_seen else None,
            "services": dict(self.services), "rules": self.rules, "below": list(self.below),
        }  # fmt: skip


def falls(
    session: Session, region: str, *, issuer: str = "", effective_at: datetime, compromised: bool
) -> Falls:
    """The report, before anything is done; an issue time that is not known counts as falling."""
    seen = ForeignLicenceSeen
    where: list[ColumnElement[bool]] = [seen.region == region]
    if issuer:
        where.append(seen.issuer == issuer)
    total, last = session.execute(select(func.count(), func.max(seen.last_at)).where(*where)).one()
    if not compromised:
        where.append(or_(seen.issued_at.is_(None), seen.issued_at >= effective_at))
    by_type = session.execute(
        select(seen.type_code, func.count()).where(*where).group_by(seen.type_code).order_by(
            seen.type_code)
    ).all()  # fmt: skip
    return Falls(
        region=region, issuer=issuer, licences=total, falling=sum(count for _, count in by_type),
        by_type=tuple((code, count) for code, count in by_type), last_seen=last,
        services=_services(session, region, issuer), rules=_rules(session, region, issuer),
        below=() if issuer else _below(session, region),
    )  # fmt: skip


def _services(session: Session, region: str, issuer: str) -> tuple[tuple[str, int], ...]:
    document = session.scalar(select(HeldList.document).where(HeldList.region == region))
    counted: dict[str, int] = {}
    for service in lists.parse(document).services if document else ():
        if service.status is not GRANTED:
            continue
        if not issuer or (service.kind is ServiceType.ISSUER and service.code == issuer):
            counted[service.kind] = counted.get(service.kind, 0) + 1
    return tuple(sorted((str(kind), count) for kind, count in counted.items()))


def _rules(session: Session, region: str, issuer: str) -> int:
    """A rule of the region still speaks when only one issuer goes."""
    if issuer:
        return 0
    return session.scalar(
        select(func.count(func.distinct(RecognitionRule.type_code))).where(
            RecognitionRule.region == region
        )
    ) or 0  # fmt: skip


def _below(session: Session, region: str) -> tuple[str, ...]:
    rows = session.scalars(
        select(ListSource.region)
        .where(ListSource.parent == region, ListSource.dropped_at.is_(None))
        .order_by(ListSource.region)
    )
    return tuple(rows)


def withdraw(
    session: Session, region: str, *, issuer: str = "", effective_at: datetime, compromised: bool,
    basis: str, by: Caller, at: datetime,
) -> Falls:  # fmt: skip
    """Do it, and report what falls; BadWithdrawal, AlreadyWithdrawn. It can be lifted."""
    if not (0 < len(basis.strip()) <= BASIS_MAX):
        raise BadWithdrawal(f"a withdrawal states its legal basis, at most {BASIS_MAX} characters")
    if not (len(region) == 6 and region.isdigit()) or len(issuer) not in (0, 18):
        raise BadWithdrawal("a region is six digits, an issuer 18 characters")
    if _open(session, region, issuer, compromised=compromised) is not None:
        raise AlreadyWithdrawn("recognition was withdrawn already")
    found = falls(
        session, region, issuer=issuer, effective_at=effective_at, compromised=compromised
    )
    session.add(
        RecognitionWithdrawal(
            region=region, issuer=issuer, effective_at=effective_at, compromised=compromised,
            basis=basis.strip(), recorded_at=at, account=by.account,
        )
    )  # fmt: skip
    session.flush()
    audit.record(
        session, "recognition.withdrawn", subject=issuer or region, by=by, at=at,
        details={"region": region, "effective_at": effective_at.isoformat(),
                 "compromised": compromised, "falling": found.falling},
    )  # fmt: skip
    return found


def _open(session: Session, region: str, issuer: str, *, compromised: bool) -> int | None:
    """One that says as much: after an end, a compromise may still be said."""
    return session.scalar(
        select(RecognitionWithdrawal.id).where(
            RecognitionWithdrawal.region == region, RecognitionWithdrawal.issuer == issuer,
            RecognitionWithdrawal.lifted_at.is_(None),
            RecognitionWithdrawal.compromised.in_((True, compromised)),
        )
    )  # fmt: skip


def lift(
    session: Session, region: str, *, issuer: str = "", by: Caller, at: datetime
) -> None:  # fmt: skip
    """Recognise it again from now on; NotFound when nothing was withdrawn."""
    lifted = session.scalars(
        update(RecognitionWithdrawal)
        .where(
            RecognitionWithdrawal.region == region, RecognitionWithdrawal.issuer == issuer,
            RecognitionWithdrawal.lifted_at.is_(None),
        )
        .values(lifted_at=at)
        .returning(RecognitionWithdrawal.id)
    ).all()  # fmt: skip
    if not lifted:
        raise NotFound("nothing was withdrawn")
    audit.record(session, "recognition.restored", subject=issuer or region, by=by, at=at,
                 details={"region": region})  # fmt: skip


def note_seen(
    session: Session, identifier: str, *, region: str, type_code: str, issuer: str,
    issued_at: datetime | None, at: datetime,
) -> None:  # fmt: skip
    """Remember that a licence of another region was verified here."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(ForeignLicenceSeen).values(
        identifier=identifier[:80], region=region, type_code=type_code[:40], issuer=issuer[:18],
        issued_at=issued_at, first_at=at, last_at=at, times=1,
    )  # fmt: skip
    session.execute(
        row.on_conflict_do_update(
            index_elements=["identifier", "region"],
            set_={"last_at": at, "times": ForeignLicenceSeen.times + 1},
        )
    )


def find_withdrawals(session: Session) -> list[RecognitionWithdrawal]:
    """Those that are open, the newest first."""
    return list(
        session.scalars(
            select(RecognitionWithdrawal)
            .where(RecognitionWithdrawal.lifted_at.is_(None))
            .order_by(RecognitionWithdrawal.id.desc())
        )
    )
