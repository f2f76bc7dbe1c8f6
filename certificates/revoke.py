"""Ending a licence in one word: the command line's way to `certificates.states`."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from certificates import states
from certificates.applications.refusals import REASON_MAX
from certificates.models import Licence, LicenceState
from certificates.states import LicenceNotInForce
from trust.access import Caller
from trust.vault import Vault

__all__ = ["REASON_MAX", "LicenceNotInForce", "change", "revoke"]

#: What stands in the history where nobody named a provision.
UNSTATED: Final = "命令行办理，未注明条款 / by command, no provision named"
_MOVES: Final = {
    LicenceState.SUSPENDED: states.SUSPEND,
    LicenceState.ACTIVE: states.RESUME,
    LicenceState.RESCINDED: states.RESCIND,
    LicenceState.REVOKED: states.REVOKE,
    LicenceState.CANCELLED: states.CANCEL,
    LicenceState.TRANSFERRED_OUT: states.TRANSFER_OUT,
    LicenceState.REPLACED: states.REPLACE,
}


def revoke(
    session: Session, identifier: str, *, reason: str, by: Caller, at: datetime, vault: Vault,
    basis: str = UNSTATED,
) -> Licence:  # fmt: skip
    """Revoke (吊销) an issued licence, for good: see `states.move`."""
    return states.revoke(session, identifier, basis=basis, reason=reason, by=by, at=at, vault=vault)


def change(
    session: Session, identifier: str, state: LicenceState, *, reason: str, by: Caller,
    at: datetime, vault: Vault, basis: str = UNSTATED,
) -> Licence:  # fmt: skip
    """Bring a licence into another state, by the state's name: see `states.move`."""
    return states.move(
        session, identifier, _MOVES[state], basis=basis, reason=reason, by=by, at=at, vault=vault
    )
