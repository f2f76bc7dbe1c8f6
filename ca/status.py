"""Is this certificate good at t? Answered from our own registry (a `RevocationLookup`)."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ca.models import OUTSIDE, CertificateState, Crl, Issuer, OutsideAuthority
from ca.models import Certificate as Row
from trust.crypto import x509
from trust.crypto.x509 import Certificate
from trust.db import Sessions
from trust.revocation import CrlLookup
from trust.validation import Standing, Status

_ISSUER = select(Issuer.name, Issuer.key_id).where(Issuer.certificate == bindparam("der")).limit(1)
_ROW = select(Row.state, Row.revoked_at, Row.reason).where(
    Row.issuer == bindparam("issuer"), Row.serial == bindparam("serial")
)
_CRL = select(Crl.id).where(Crl.issuer == bindparam("issuer")).order_by(Crl.number.desc()).limit(1)


class RegistryLookup:
    """Answers for certificates of our own issuers, and of outside CAs as far as they have told;
    UNKNOWN for all others.

    A certificate that names one of our issuers and is not in the registry is revoked: we never
    issued it. One on hold is revoked with reason 6 until its release, and good again from then
    on. Revocations are read anew each time; which issuers are ours is remembered.

    An outside CA is believed by its newest CRL, or for certificates of our own keys by what its
    OCSP responder said last (`ca.outside`); when that has ended, nothing is known.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._issuers: dict[bytes, tuple[str, bool]] = {}
        self._crls: dict[str, tuple[int, CrlLookup]] = {}

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        with self._sessions() as session:
            known = self._issuers.get(issuer.der) or self._look_up(session, issuer)
            if known is None:
                return Status(Standing.UNKNOWN)
            name, outside = known
            found = {"issuer": name, "serial": f"{certificate.serial:x}"}
            row = session.connection().execute(_ROW, found).one_or_none()
            if outside and (row is None or row.state == CertificateState.ISSUED):
                ours = row is not None
                return self._told(session, name, certificate, issuer, ours=ours, at=at)
        return _registered(row)

    def _look_up(self, session: Session, issuer: Certificate) -> tuple[str, bool] | None:
        row = session.execute(_ISSUER, {"der": issuer.der}).one_or_none()
        if row is None:
            return None
        known = self._issuers[issuer.der] = (row.name, row.key_id.startswith(OUTSIDE))
        return known

    def _told(
        self, session: Session, name: str, certificate: Certificate, issuer: Certificate, *,
        ours: bool, at: datetime,
    ) -> Status:  # fmt: skip
        """What an outside CA's newest CRL says; without one, of our own, its last OCSP answer."""
        newest = session.execute(_CRL, {"issuer": name}).scalar_one_or_none()
        if newest is not None:
            kept = self._crls.get(name)
            if kept is None or kept[0] != newest:
                der = session.get_one(Crl, newest).der
                kept = self._crls[name] = (newest, CrlLookup([x509.parse_crl(der)]))
            return kept[1].status(certificate, issuer, at=at)
        until = session.scalar(
            select(OutsideAuthority.told_until).where(OutsideAuthority.issuer == name)
        )
        good = ours and until is not None and at <= until
        return Status(Standing.GOOD if good else Standing.UNKNOWN)


def _registered(row: Any) -> Status:
    if row is None or row.state in (CertificateState.RESERVED, CertificateState.ABANDONED):
        return Status(Standing.REVOKED)
    if row.state in (CertificateState.REVOKED, CertificateState.HELD):
        return Status(Standing.REVOKED, row.revoked_at, row.reason or 0)
    return Status(Standing.GOOD)
