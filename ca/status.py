"""Is this certificate good at t? Answered from our own registry (a `RevocationLookup`)."""

from datetime import datetime

from sqlalchemy import bindparam, select

from ca.models import Certificate as Row
from ca.models import CertificateState, Issuer
from trust.crypto.x509 import Certificate
from trust.db import Sessions
from trust.validation import Standing, Status

_ISSUER = select(Issuer.name).where(Issuer.certificate == bindparam("der")).limit(1)
_ROW = select(Row.state, Row.revoked_at, Row.reason).where(
    Row.issuer == bindparam("issuer"), Row.serial == bindparam("serial")
)


class RegistryLookup:
    """Answers for certificates of our own issuers; UNKNOWN for all others.

    A certificate that names one of our issuers and is not in the registry is revoked: we never
    issued it. One on hold is revoked with reason 6 until its release, and good again from then
    on. Revocations are read anew each time; which issuers are ours is remembered.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._issuers: dict[bytes, str] = {}

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        with self._sessions() as session:
            name = self._issuers.get(issuer.der) or session.scalar(_ISSUER, {"der": issuer.der})
            if name is None:
                return Status(Standing.UNKNOWN)
            self._issuers[issuer.der] = name
            found = {"issuer": name, "serial": f"{certificate.serial:x}"}
            row = session.connection().execute(_ROW, found).one_or_none()
        if row is None or row.state in (CertificateState.RESERVED, CertificateState.ABANDONED):
            return Status(Standing.REVOKED)
        if row.state in (CertificateState.REVOKED, CertificateState.HELD):
            return Status(Standing.REVOKED, row.revoked_at, row.reason or 0)
        return Status(Standing.GOOD)
