"""Grants: who may use a seal, for what, how long, how often a day, and with whose second word."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID, uuid4

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from seal import confirm, covering, ledger, life
from seal.covering import Covering, NotGranted
from seal.grant_models import SealGrant, SealGrantDay
from seal.ledger import Use
from seal.life import SamePerson
from seal.life_models import SealRequest
from seal.models import Seal
from sso.models import Account
from trust import audit
from trust.access import Caller, Role
from trust.clock import CHINA
from trust.errors import Conflict, Forbidden, Invalid, NotFound

CEILING_MAX: Final = 1_000_000


class CeilingReached(Conflict):
    """The grant's uses of this day are used up."""

    code = "seal_ceiling_reached"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a grant says (seal.grant_models.SealGrant); None leaves a word open."""

    account: str | None = None
    role: Role | None = None
    system: str | None = None
    type_code: str | None = None
    item: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    ceiling: int | None = None
    second_person: bool = False


_DAY = cast(Table, SealGrantDay.__table__)
_SEAL, _REQUEST = cast(Table, Seal.__table__), cast(Table, SealRequest.__table__)
_PEOPLE: Final = (
    select(_SEAL.c.made_by, _REQUEST.c.applied_by, _REQUEST.c.decided_by)
    .select_from(_SEAL.outerjoin(_REQUEST, _REQUEST.c.es_id == _SEAL.c.es_id))
    .where(_SEAL.c.es_id == bindparam("seal"))
)


def grant(session: Session, es_id: str, terms: Terms, *, by: Caller, at: datetime) -> SealGrant:
    """Give leave, in the caller's transaction: NotFound, Invalid, SamePerson, SealNotInForce."""
    row = life.find(session, es_id, by=by)
    if row.state in life.ENDED:
        raise life.SealNotInForce(f"seal {es_id} is {row.state}")
    _check(terms, at=at)
    if terms.account is not None:
        if session.get(Account, terms.account) is None:
            raise NotFound(f"no account {terms.account}")
        if terms.account == by.account or terms.account in _people(session, es_id):
            raise SamePerson("who applied for, approved, made or grants a seal does not use it")
    made = SealGrant(
        id=uuid4(), seal=es_id, account=terms.account, role=terms.role and str(terms.role),
        system=terms.system, type_code=terms.type_code, item=terms.item,
        valid_from=terms.valid_from or at.replace(microsecond=0),
        valid_until=terms.valid_until, ceiling=terms.ceiling,
        second_person=terms.second_person, granted_by=by.account, granted_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    details: dict[str, audit.JSON] = {
        "grant": str(made.id), "account": made.account, "role": made.role, "system": made.system,
        "type": made.type_code, "ceiling": made.ceiling, "second_person": made.second_person,
    }  # fmt: skip
    audit.record(session, "seal.granted", subject=es_id, by=by, at=at, details=details)
    return made


def _check(terms: Terms, *, at: datetime) -> None:
    if terms.account is None and terms.role is None and terms.system is None:
        raise Invalid("a grant names an account, a role or a system")
    if terms.ceiling is not None and not 1 <= terms.ceiling <= CEILING_MAX:
        raise Invalid(f"a daily ceiling is 1 to {CEILING_MAX}")
    if terms.valid_until is not None and terms.valid_until <= (terms.valid_from or at):
        raise Invalid("a grant ends after it begins")
    for text in (terms.system, terms.item, terms.type_code):
        if text is not None and not (0 < len(text) <= ledger.TEXT_MAX and text.isprintable()):
            raise Invalid(f"system, type and item are 1 to {ledger.TEXT_MAX} printable letters")
    if terms.type_code is not None and len(terms.type_code) > 21:
        raise Invalid("a licence type's code has 21 characters")


def _people(session: Session, es_id: str) -> set[str]:
    """Applicant, approver and maker of a seal."""
    found = session.connection().execute(_PEOPLE, {"seal": es_id}).one()
    return {name for name in found if name is not None}


def revoke(session: Session, key: UUID, *, by: Caller, at: datetime) -> SealGrant:
    """Take a grant back: NotFound, Conflict. It counts from the next use on."""
    row = session.get(SealGrant, key)
    if row is None:
        raise NotFound(f"no grant {key}")
    life.find(session, row.seal, by=by)
    won = session.scalar(
        update(SealGrant)
        .where(SealGrant.id == key, SealGrant.revoked_at.is_(None))
        .values(revoked_at=at, revoked_by=by.account)
        .returning(SealGrant.id)
    )
    if won is None:
        raise Conflict(f"grant {key} was taken back before")
    session.refresh(row)
    audit.record(session, "seal.grant_revoked", subject=row.seal, by=by, at=at,
                 details={"grant": str(key)})  # fmt: skip
    return row


def of_seal(session: Session, es_id: str) -> list[SealGrant]:
    """Every grant that a seal ever had, oldest first."""
    mine = select(SealGrant).where(SealGrant.seal == es_id)
    return list(session.scalars(mine.order_by(SealGrant.granted_at, SealGrant.id)))


def take(session: Session, use: Use, *, owner: str, by: Caller, at: datetime) -> UUID:
    """The grant under which a use goes ahead, the use counted and its confirmation spent.

    One statement each, in the caller's transaction: what rolls back was not used. Raises
    NotGranted, SamePerson, CeilingReached or NotConfirmed.
    """
    if by.account in _people(session, use.seal):
        raise SamePerson("who applied for, approved or made a seal does not use it")
    refusal: Conflict | Forbidden = NotGranted(f"no grant lets {by.account} use seal {use.seal}")
    for found in covering.covering(session, use, owner=owner, by=by, at=at):
        try:
            # What one grant counted or spent is given back when the next one has to serve.
            with session.begin_nested() if found.second_person else nullcontext():
                _draw_on(session, found, use, by=by, at=at)
        except (CeilingReached, confirm.NotConfirmed) as error:
            refusal = error
            continue
        return found.grant
    raise refusal


def is_unlimited(
    session: Session, key: UUID, use: Use, *, owner: str, by: Caller, at: datetime
) -> bool:
    """Whether the grant that a use was taken under neither counts uses nor asks for a second
    person: any more uses like it may then go ahead under it in the same transaction."""
    found = covering.covering(session, use, owner=owner, by=by, at=at)
    return any(
        row.grant == key and row.ceiling is None and not row.second_person for row in found
    )  # fmt: skip


def _draw_on(session: Session, found: Covering, use: Use, *, by: Caller, at: datetime) -> None:
    if found.second_person and not confirm.spend(session, found.grant, use, by=by, at=at):
        raise confirm.NotConfirmed("a second person confirms each use under this grant")
    if found.ceiling is not None and not _count(session, found.grant, found.ceiling, at=at):
        raise CeilingReached(f"today's {found.ceiling} uses of the grant are used up")


def _count(session: Session, key: UUID, ceiling: int, *, at: datetime) -> bool:
    """Count one use on this day of China, unless the ceiling is reached: one statement decides."""
    dialect = session.get_bind().dialect.name
    begin = postgresql.insert if dialect == "postgresql" else sqlite.insert
    day = at.astimezone(CHINA).date()
    put = begin(_DAY).values(grant=key, day=day, used=1)
    counted = put.on_conflict_do_update(
        index_elements=[_DAY.c.grant, _DAY.c.day], set_={"used": _DAY.c.used + 1},
        where=_DAY.c.used < ceiling,
    ).returning(_DAY.c.used)  # fmt: skip
    return session.connection().execute(counted).first() is not None


def used(session: Session, key: UUID, *, at: datetime) -> int:
    """How often a grant with a ceiling was used on this day of China."""
    row = session.get(SealGrantDay, (key, at.astimezone(CHINA).date()))
    return row.used if row is not None else 0
