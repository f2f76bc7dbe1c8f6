"""Revocation of a certificate for good, with a reason of RFC 5280, 5.3.1; `ca.hold` suspends."""

from datetime import datetime
from enum import IntEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca.models import Certificate, CertificateState
from trust import audit
from trust.access import Caller
from trust.errors import Conflict, NotFound


class Reason(IntEnum):
    """The reasons we use for good; 6, certificateHold, is `ca.hold`'s."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5


class CertificateNotInForce(Conflict):
    code = "certificate_not_in_force"


def find(session: Session, *, issuer: str, serial: int) -> Certificate:
    """The locked row of a certificate; NotFound."""
    row = session.scalar(
        select(Certificate)
        .where(Certificate.issuer == issuer, Certificate.serial == f"{serial:x}")
        .with_for_update()
    )
    if row is None:
        raise NotFound(f"{issuer} has issued no certificate {serial:x}")
    return row


def revoke(
    session: Session, *, issuer: str, serial: int, reason: Reason, by: Caller, at: datetime
) -> Certificate:
    """Revoke for good, inside the caller's transaction; NotFound or CertificateNotInForce.

    Of a certificate on hold the date stays that of the hold: what it signed meanwhile stays bad.
    """
    row = find(session, issuer=issuer, serial=serial)
    if row.state not in (CertificateState.ISSUED, CertificateState.HELD):
        raise CertificateNotInForce(f"certificate {serial:x} is {row.state}")
    row.revoked_at = row.revoked_at or at
    row.state, row.reason = CertificateState.REVOKED, int(reason)
    audit.record(
        session, "certificate.revoked", subject=row.serial, by=by, at=at,
        details={"reason": reason.name.lower()},
    )  # fmt: skip
    return row
