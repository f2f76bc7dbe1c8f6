"""The states of an issued licence: each change has a legal basis, an actor and a reason.

    active ⇄ suspended
    active, suspended → rescinded, revoked, cancelled      (for good)
    active → transferred out, replaced                     (for good)

Expiry is computed from dates and never stored. One statement decides, so that of two changes at
once one is refused; the change, its row in the history, the public log's leaf, the event for
catalogue and webhooks and the audit entry are one transaction, the caller's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from certificates import events
from certificates.applications import issuing_grants
from certificates.applications.refusals import (
    NotOfAuthority,
    ReasonNeeded,
    WrongRole,
    check_reason,
)
from certificates.models import Licence, LicenceState, StateChange
from certificates.public_log import append_leaf
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, NotFound
from trust.vault import Vault

BASIS_MAX: Final = 300


class LicenceNotInForce(Conflict):
    """The licence is not in a state for this act; the message names its state."""

    code = "licence_not_in_force"


class Cause(StrEnum):
    """Why a licence is cancelled."""

    ORDINARY = "1"
    IN_ERROR = "2"


@dataclass(frozen=True, slots=True)
class _Move:
    """One allowed change: `act` is the audit log's word."""

    before: tuple[LicenceState, ...]
    after: LicenceState
    act: str


_USABLE: Final = (LicenceState.ACTIVE,)
_OPEN: Final = (LicenceState.ACTIVE, LicenceState.SUSPENDED)
SUSPEND: Final = _Move(_USABLE, LicenceState.SUSPENDED, "licence.suspended")
RESUME: Final = _Move((LicenceState.SUSPENDED,), LicenceState.ACTIVE, "licence.resumed")
RESCIND: Final = _Move(_OPEN, LicenceState.RESCINDED, "licence.rescinded")
REVOKE: Final = _Move(_OPEN, LicenceState.REVOKED, "licence.revoked")
CANCEL: Final = _Move(_OPEN, LicenceState.CANCELLED, "licence.cancelled")
# A suspended licence leaves its suspension neither by moving away nor by a new copy of itself.
TRANSFER_OUT: Final = _Move(_USABLE, LicenceState.TRANSFERRED_OUT, "licence.transferred_out")
REPLACE: Final = _Move(_USABLE, LicenceState.REPLACED, "licence.replaced")
MOVES: Final[Mapping[str, _Move]] = {
    "suspend": SUSPEND, "resume": RESUME, "rescind": RESCIND, "revoke": REVOKE,
    "cancel": CANCEL, "transfer_out": TRANSFER_OUT,
}  # fmt: skip

_LICENCE = cast(Table, Licence.__table__)
_MOVE: Final = (
    update(_LICENCE)
    .where(
        _LICENCE.c.identifier == bindparam("moved"),
        _LICENCE.c.state.in_(bindparam("before", expanding=True)),
    )
    .values(state=bindparam("after"), state_at=bindparam("when"))
    .returning(_LICENCE.c.identifier)
)
_CHANGE: Final = insert(cast(Table, StateChange.__table__))


def suspend(
    session: Session, identifier: str, *, basis: str, reason: str, by: Caller, at: datetime,
    vault: Vault,
) -> Licence:  # fmt: skip
    """Suspend (暂扣): not usable until it is resumed."""
    return move(session, identifier, SUSPEND, basis=basis, reason=reason, by=by, at=at, vault=vault)


def resume(
    session: Session, identifier: str, *, basis: str, reason: str, by: Caller, at: datetime,
    vault: Vault,
) -> Licence:  # fmt: skip
    """Resume (恢复) a suspended licence."""
    return move(session, identifier, RESUME, basis=basis, reason=reason, by=by, at=at, vault=vault)


def rescind(
    session: Session, identifier: str, *, basis: str, reason: str, by: Caller, at: datetime,
    vault: Vault,
) -> Licence:  # fmt: skip
    """Rescind (撤销): it ought never to have been granted."""
    return move(session, identifier, RESCIND, basis=basis, reason=reason, by=by, at=at, vault=vault)


def revoke(
    session: Session, identifier: str, *, basis: str, reason: str, by: Caller, at: datetime,
    vault: Vault,
) -> Licence:  # fmt: skip
    """Revoke (吊销), as a penalty."""
    return move(session, identifier, REVOKE, basis=basis, reason=reason, by=by, at=at, vault=vault)


def cancel(
    session: Session, identifier: str, *, basis: str, reason: str, by: Caller, at: datetime,
    vault: Vault, cause: Cause = Cause.ORDINARY,
) -> Licence:  # fmt: skip
    """Cancel (注销): ordinarily, or because it was issued in error."""
    return move(
        session, identifier, CANCEL, basis=basis, reason=reason, by=by, at=at, vault=vault,
        cause=cause,
    )  # fmt: skip


def transfer_out(
    session: Session, identifier: str, *, basis: str, reason: str, by: Caller, at: datetime,
    vault: Vault,
) -> Licence:  # fmt: skip
    """Transfer out (转出): another region issues the licence that follows."""
    return move(
        session, identifier, TRANSFER_OUT, basis=basis, reason=reason, by=by, at=at, vault=vault
    )


def replace(
    session: Session, identifier: str, *, basis: str, reason: str, by: Caller, at: datetime,
    vault: Vault,
) -> Licence:  # fmt: skip
    """Replace (换发): in the transaction that records the licence that follows, and only there."""
    return move(session, identifier, REPLACE, basis=basis, reason=reason, by=by, at=at, vault=vault)


def move(
    session: Session, identifier: str, wanted: _Move, *, basis: str, reason: str, by: Caller,
    at: datetime, vault: Vault, cause: Cause | None = None,
) -> Licence:  # fmt: skip
    """One change, inside the caller's transaction.

    Raises NotFound, NotOfAuthority, NotGrantedToAct, WrongRole, ReasonNeeded (reason or basis), or
    LicenceNotInForce.
    """
    text, law = check_reason(reason), check_basis(basis)
    licence = session.scalar(select(Licence).where(Licence.identifier == identifier))
    if licence is None:
        raise NotFound("没有这份证照 / no such licence")
    _require_party(session, licence, by=by, at=at)
    given = {"moved": identifier, "before": list(wanted.before), "after": wanted.after, "when": at}
    if session.connection().execute(_MOVE, given).first() is None:
        session.refresh(licence, ["state"])
        raise LicenceNotInForce(
            f"证照当前状态不允许此操作 / the licence is {LicenceState(licence.state)}"
        )
    set_committed_value(licence, "state", wanted.after)
    set_committed_value(licence, "state_at", at)
    change = {
        "licence": identifier, "state": wanted.after, "at": at, "by": by.account, "reason": text,
        "basis": law, "cause": str(cause or ""),
    }  # fmt: skip
    session.connection().execute(_CHANGE, change)
    events.note(session, identifier, str(wanted.after), at=at)
    raw = vault.unseal(licence.content_box, context=f"licence/{identifier}")
    details: dict[str, audit.JSON] = {"leaf": append_leaf(session, str(wanted.after), raw, at=at)}
    if cause is not None:
        details["cause"] = str(cause)
    audit.record(session, wanted.act, subject=identifier, by=by, at=at, details=details)
    return licence


def check_basis(basis: str) -> str:
    """The legal basis without blanks around it: 1 to BASIS_MAX printable characters."""
    text = check_reason(basis, what=("法律依据", "a legal basis"))
    if len(text) > BASIS_MAX:
        raise ReasonNeeded(
            f"法律依据不超过 {BASIS_MAX} 字 / a legal basis has at most {BASIS_MAX} characters"
        )
    return text


def history(session: Session, identifier: str) -> list[StateChange]:
    """A licence's changes, the oldest first."""
    return list(
        session.scalars(
            select(StateChange)
            .where(StateChange.licence == identifier)
            .order_by(StateChange.at, StateChange.id)
        )
    )


def _require_party(session: Session, licence: Licence, *, by: Caller, at: datetime) -> None:
    """An approver of the authority that issued it, or of one that acts for it by a grant."""
    if by.authority != licence.authority:
        if by.authority is None or not by.has(Role.APPROVER):
            raise NotOfAuthority(
                "只能办理本机构颁发的证照 / only the authority that issued a licence may change it"
            )
        issuing_grants.require(
            session, licence.authority, licence.type_code, acting=by.authority, at=at
        )
    if not by.has(Role.APPROVER):
        raise WrongRole("证照状态由审批员变更 / an approver changes the state of a licence")
