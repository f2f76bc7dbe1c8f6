"""Revocation of a certificate, with a reason of RFC 5280, 5.3.1."""

from datetime import datetime
from enum import IntEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca.models import Certificate, CertificateState
from trust import audit
from trust.access import Caller
from trust.errors import Conflict, NotFound


class Reason(IntEnum):
    """The reasons we use; hold and release come with suspension."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5


class CertificateNotInForce(Conflict):
    code = "certificate_not_in_force"


def revoke(
    session: Session, *, issuer: str, serial: int, reason: Reason, by: Caller, at: datetime
) -> Certificate:
    """Revoke for good, inside the caller's transaction; NotFound or CertificateNotInForce."""
    row = session.scalar(
        select(Certificate)
        .where(Certificate.issuer == issuer, Certificate.serial == f"{serial:x}")
        .with_for_update()
    )
    if row is None:
        raise NotFound(f"{issuer} has issued no certificate {serial:x}")
    if row.state != CertificateState.ISSUED:
        raise CertificateNotInForce(f"certificate {serial:x} is {row.state}")
    row.state, row.revoked_at, row.reason = CertificateState.REVOKED, at, int(reason)
    audit.record(
        session, "certificate.revoked", subject=row.serial, by=by, at=at,
        details={"reason": reason.name.lower()},
    )  # fmt: skip
    return row
