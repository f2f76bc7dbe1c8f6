"""Ending a seal for good: cancelled by its owner (注销), or marked invalid by the region (无效).

What a cancelled seal sealed before stays good. An invalid one was unlawfully made: nothing that it
ever sealed is believed (`certificates.own_registry`). Its certificates are revoked with it, so that
who cannot ask this register hears of the end by CRL and OCSP.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import crl, revoke
from ca.models import Certificate, CertificateState, Issuer
from ca.revoke import Reason
from seal import life
from seal.life_models import SealVersion
from seal.models import Seal, SealState
from trust.access import SYSTEM, Caller
from trust.crypto import x509
from trust.keys import KeyStore

_REVOCABLE = (CertificateState.ISSUED, CertificateState.HELD)


def cancel(
    session: Session, es_id: str, *, reason: str, keys: KeyStore, by: Caller, at: datetime
) -> Seal:
    """Cancel: NotFound, Invalid, SealNotInForce. A change of name is this and a new application."""
    kept = life.reason_of(reason)
    life.find(session, es_id, by=by)
    _revoke(session, es_id, Reason.CESSATION_OF_OPERATION, keys=keys, by=by, at=at)
    return life.move(session, es_id, SealState.CANCELLED, reason=kept, by=by, at=at)


def invalidate(
    session: Session, es_id: str, *, reason: str, keys: KeyStore, by: Caller, at: datetime
) -> Seal:
    """Mark as unlawfully made, by the region only: NotFound, Forbidden, Invalid, SealNotInForce.

    The certificates' reason is keyCompromise: no other makes verifiers doubt earlier signatures.
    """
    kept = life.reason_of(reason)
    life.find(session, es_id, by=by)
    life.require_region(by)
    _revoke(session, es_id, Reason.KEY_COMPROMISE, keys=keys, by=by, at=at)
    return life.move(session, es_id, SealState.INVALID, reason=kept, by=by, at=at)


def _revoke(
    session: Session, es_id: str, reason: Reason, *, keys: KeyStore, by: Caller, at: datetime
) -> None:
    """Every certificate the seal ever had that is not revoked yet, and the CRLs that say so."""
    row = session.get_one(Seal, es_id, with_for_update=True)
    ders = [row.sm2_certificate, row.rsa_certificate]
    for version in session.scalars(select(SealVersion).where(SealVersion.es_id == es_id)):
        ders += [version.sm2_certificate, version.rsa_certificate]
    serials = [f"{x509.parse_certificate(der).serial:x}" for der in ders]
    revocable = session.scalars(
        select(Certificate).where(
            Certificate.issuer.in_(select(Issuer.name)), Certificate.serial.in_(serials),
            Certificate.state.in_(_REVOCABLE),
        )
    ).all()  # fmt: skip
    for certificate in revocable:
        revoke.revoke(
            session, issuer=certificate.issuer, serial=int(certificate.serial, 16), reason=reason,
            by=by, at=at,
        )  # fmt: skip
    for issuer in sorted({certificate.issuer for certificate in revocable}):
        if session.get_one(Issuer, issuer).signs:  # a CA without its key publishes no more
            crl.publish(session, issuer, keys=keys, by=SYSTEM, at=at)
