"""A grant as it is at this moment, read by one statement: alive, whose, and what was allowed."""

from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from sso.grants import Grant
from sso.models import Account

_GRANT: Final = cast(Table, Grant.__table__)
_ACCOUNT: Final = cast(Table, Account.__table__)
# Built once: building a statement costs as much as running it.
_LIVE: Final = (
    select(
        _GRANT.c.id, _GRANT.c.client_id, _GRANT.c.claims, _GRANT.c.acting_for,
        _ACCOUNT.c.name, _ACCOUNT.c.sub,
    )
    .join(_ACCOUNT, _ACCOUNT.c.name == _GRANT.c.account)
    .where(_GRANT.c.id == bindparam("wanted"), _GRANT.c.revoked_at.is_(None), _ACCOUNT.c.active)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant in force of an account that is open. `sub` is the account's public subject."""

    grant_id: str
    client_id: str
    account: str
    sub: str
    claims: dict[str, Any]
    acting_for: str | None


def find(session: Session, grant_id: str) -> LiveGrant | None:
    """None when the grant was revoked, or the account suspended or closed."""
    row = session.connection().execute(_LIVE, {"wanted": grant_id}).first()
    if row is None:
        return None
    return LiveGrant(row.id, row.client_id, row.name, row.sub, row.claims or {}, row.acting_for)
