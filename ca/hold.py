"""Suspension of a certificate and its end (RFC 5280, 5.3.1, certificateHold).

While held a certificate counts as revoked with reason 6, in the registry, in the next CRL and at
OCSP. The release takes all of that back; that there was a hold stays in the audit log.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from ca import issuers
from ca.models import Certificate, CertificateState
from ca.revoke import CertificateNotInForce, find
from trust import audit
from trust.access import Caller
from trust.errors import Conflict

CERTIFICATE_HOLD: Final = 6


class NotOnHold(Conflict):
    code = "certificate_not_on_hold"


def hold(session: Session, *, issuer: str, serial: int, by: Caller, at: datetime) -> Certificate:
    """Suspend, inside the caller's transaction; NotFound or CertificateNotInForce.

    CannotSign for an outside CA's: its next answer would take a hold of ours back. Revoking works.
    """
    if issuers.find(session, issuer).outside:
        raise issuers.CannotSign(f"{issuer} is an outside CA: it alone suspends its certificates")
    row = find(session, issuer=issuer, serial=serial)
    if row.state != CertificateState.ISSUED:
        raise CertificateNotInForce(f"certificate {serial:x} is {row.state}")
    row.state, row.revoked_at, row.reason = CertificateState.HELD, at, CERTIFICATE_HOLD
    audit.record(session, "certificate.held", subject=row.serial, by=by, at=at)
    return row


def release(session: Session, *, issuer: str, serial: int, by: Caller, at: datetime) -> Certificate:
    """End a suspension, inside the caller's transaction; NotFound or NotOnHold.

    No CRL says removeFromCRL (reason 8): that is for delta CRLs, and ours are complete.
    """
    row = find(session, issuer=issuer, serial=serial)
    if row.state != CertificateState.HELD or row.revoked_at is None:
        raise NotOnHold(f"certificate {serial:x} is {row.state}, not on hold")
    since = row.revoked_at.isoformat()
    row.state, row.revoked_at, row.reason = CertificateState.ISSUED, None, None
    audit.record(
        session, "certificate.released", subject=row.serial, by=by, at=at, details={"since": since}
    )
    return row
