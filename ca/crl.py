"""CRLs (RFC 5280, 5): complete, numbered, one an issuer."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ca.issue import find_issuer
from ca.models import Certificate, CertificateState, Crl
from trust import audit
from trust.access import Caller
from trust.crypto import x509, x509_write
from trust.crypto.algorithms import Algorithm
from trust.keys import KeyStore

#: A held certificate is listed with reason 6 and is gone from the next CRL after its release.
_LISTED = (CertificateState.REVOKED, CertificateState.HELD)


def publish(
    session: Session, issuer: str, *, keys: KeyStore, by: Caller, at: datetime,
    lifetime: timedelta = timedelta(days=7),
) -> bytes:  # fmt: skip
    """Sign and store the issuer's next CRL, inside the caller's transaction; its DER."""
    row = find_issuer(session, issuer)
    algorithm = Algorithm(row.algorithm)
    parent = x509.parse_certificate(row.certificate)
    at = at.replace(microsecond=0)
    number = 1 + (session.scalar(select(func.max(Crl.number)).where(Crl.issuer == issuer)) or 0)
    tbs = x509_write.tbs_crl(
        signature_oid=algorithm.row.oid, issuer=parent.subject, this_update=at,
        next_update=at + lifetime, entries=_entries(session, issuer),
        extensions=[
            x509_write.authority_key_id(x509.subject_key_id(parent) or b""),
            x509_write.crl_number(number),
        ],
    )  # fmt: skip
    der = x509_write.signed(tbs, algorithm.row.oid, keys.sign(row.key_id, tbs, algorithm))
    session.add(
        Crl(issuer=issuer, number=number, this_update=at, next_update=at + lifetime, der=der)
    )
    audit.record(session, "crl.published", subject=issuer, by=by, at=at, details={"number": number})
    return der


def _entries(session: Session, issuer: str) -> list[x509.Revoked]:
    rows = session.execute(
        select(Certificate.serial, Certificate.revoked_at, Certificate.reason)
        .where(Certificate.issuer == issuer, Certificate.state.in_(_LISTED))
        .order_by(Certificate.id)
    )
    return [
        x509.Revoked(int(serial, 16), revoked_at, reason or 0)
        for serial, revoked_at, reason in rows
        if revoked_at is not None
    ]


def newest(session: Session, issuer: str) -> bytes | None:
    """The DER of the last CRL handed out."""
    return session.scalar(
        select(Crl.der).where(Crl.issuer == issuer).order_by(Crl.number.desc()).limit(1)
    )
