"""Is this certificate good at t? Answered from our own registry (a `RevocationLookup`)."""

from datetime import datetime

from sqlalchemy import select

from ca.models import Certificate as Row
from ca.models import CertificateState, Issuer
from trust.crypto.x509 import Certificate
from trust.db import Sessions
from trust.validation import Standing, Status


class RegistryLookup:
    """Answers for certificates of our own issuers; UNKNOWN for all others.

    A certificate that names one of our issuers and is not in the registry is revoked: we never
    issued it.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        with self._sessions() as session:
            name = session.scalar(
                select(Issuer.name).where(Issuer.certificate == issuer.der).limit(1)
            )
            if name is None:
                return Status(Standing.UNKNOWN)
            row = session.execute(
                select(Row.state, Row.revoked_at, Row.reason).where(
                    Row.issuer == name, Row.serial == f"{certificate.serial:x}"
                )
            ).one_or_none()
        if row is None or row.state in (CertificateState.RESERVED, CertificateState.ABANDONED):
            return Status(Standing.REVOKED)
        if row.state == CertificateState.REVOKED:
            return Status(Standing.REVOKED, row.revoked_at, row.reason or 0)
        return Status(Standing.GOOD)
