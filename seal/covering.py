"""Which grants cover a use: one statement, for every licence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, or_, select
from sqlalchemy.orm import Session

from seal.grant_models import SealGrant
from seal.ledger import Use
from trust.access import Caller
from trust.errors import Forbidden


class NotGranted(Forbidden):
    """No grant in force covers this use."""

    code = "seal_not_granted"


@dataclass(frozen=True, slots=True)
class Covering:
    """A grant in force that covers a use."""

    grant: UUID
    ceiling: int | None
    second_person: bool


_C = cast(Table, SealGrant.__table__).c
# Built once: it runs for every licence. The plainest grants come first.
_COVERING: Final = (
    select(_C.id, _C.ceiling, _C.second_person)
    .where(
        _C.seal == bindparam("seal"),
        _C.revoked_at.is_(None),
        _C.valid_from <= bindparam("at"),
        or_(_C.valid_until.is_(None), _C.valid_until >= bindparam("at")),
        or_(_C.account.is_(None), _C.account == bindparam("account")),
        or_(_C.role.is_(None), _C.role.in_(bindparam("roles", expanding=True))),
        or_(_C.system.is_(None), _C.system == bindparam("system")),
        or_(_C.type_code.is_(None), _C.type_code == bindparam("type_code")),
        or_(_C.item.is_(None), _C.item == bindparam("item")),
    )
    .order_by(_C.second_person, _C.ceiling.is_not(None), _C.granted_at, _C.id)
    .limit(20)
)


def covering(session: Session, use: Use, *, owner: str, by: Caller, at: datetime) -> list[Covering]:
    """The grants in force that cover a use, the plainest first. A role counts only at the seal's
    owner."""
    roles = [str(role) for role in by.roles] if by.authority == owner else []
    rows = session.connection().execute(_COVERING, {
        "seal": use.seal, "at": at, "account": by.account, "roles": roles, "system": use.system,
        "type_code": use.type_code, "item": use.item,
    })  # fmt: skip
    return [Covering(row.id, row.ceiling, row.second_person) for row in rows]
