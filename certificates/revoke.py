"""Ending and pausing a licence: every step with actor and reason."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates.models import Licence, LicenceState, StateChange
from certificates.public_log import append_leaf
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Forbidden, Invalid, NotFound
from trust.vault import Vault

REASON_MAX = 500


class LicenceNotInForce(Conflict):
    code = "licence_not_in_force"


def revoke(
    session: Session, identifier: str, *, reason: str, by: Caller, at: datetime, vault: Vault
) -> Licence:
    """Revoke (吊销) an issued licence, for good, inside the caller's transaction.

    Raises NotFound, Forbidden (another authority's licence), Invalid (no reason) or
    LicenceNotInForce.
    """
    return change(
        session, identifier, LicenceState.REVOKED, reason=reason, by=by, at=at, vault=vault
    )


def change(
    session: Session, identifier: str, state: LicenceState, *, reason: str, by: Caller,
    at: datetime, vault: Vault,
) -> Licence:  # fmt: skip
    """Bring a licence into another state; only active and suspended ones can change."""
    if not reason.strip() or len(reason) > REASON_MAX:
        raise Invalid(f"a reason of 1 to {REASON_MAX} characters is needed")
    licence = session.scalar(
        select(Licence).where(Licence.identifier == identifier).with_for_update()
    )
    if licence is None:
        raise NotFound(f"no licence {identifier[:200]}")
    if not by.has(Role.APPROVER) or licence.authority != by.authority:
        raise Forbidden("only an approver of the authority that issued a licence may change it")
    if licence.state not in (LicenceState.ACTIVE, LicenceState.SUSPENDED) or licence.state == state:
        raise LicenceNotInForce(f"licence {licence.number} is {licence.state}")
    licence.state, licence.state_at = state, at
    session.add(
        StateChange(licence=identifier, state=state, at=at, by=by.account, reason=reason.strip())
    )
    raw = vault.unseal(licence.content_box, context=f"licence/{identifier}")
    leaf = append_leaf(session, str(state), raw, at=at)
    audit.record(
        session, f"licence.{state}", subject=identifier, by=by, at=at, details={"leaf": leaf}
    )
    return licence
