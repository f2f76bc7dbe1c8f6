"""Which CAs there are, which may sign now, and which one a new certificate comes from."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca.models import Certificate, CertificateState, Issuer
from trust.crypto import x509
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.errors import Conflict, NotFound

#: Which suite a CA of each key kind signs with; certificates carry PKCS#1 v1.5 for RSA.
SUITES = {KeyKind.SM2: Algorithm.SM2_SM3, KeyKind.RSA: Algorithm.RSA_SHA256}


class CannotSign(Conflict):
    """The CA is somebody else's, its key was destroyed, or its certificate is not in force."""

    code = "issuer_cannot_sign"


def find(session: Session, name: str) -> Issuer:
    """NotFound for a name that no CA has."""
    issuer = session.get(Issuer, name)
    if issuer is None:
        raise NotFound(f"no certificate authority {name!r}")
    return issuer


def check_signs(session: Session, row: Issuer, *, at: datetime) -> x509.Certificate:
    """The certificate of a CA that may sign at `at`; CannotSign."""
    certificate = x509.parse_certificate(row.certificate)
    if not row.signs:
        whose = "an outside CA's" if row.outside else "destroyed"
        raise CannotSign(f"the key of {row.name} is {whose}: nothing can be signed with it here")
    if not certificate.not_before <= at <= certificate.not_after:
        raise CannotSign(f"certificate authority {row.name} is outside its validity")
    if not stands(session, row):
        raise CannotSign(f"the certificate of {row.name} is revoked or on hold")
    return certificate


def stands(session: Session, row: Issuer) -> bool:
    """Whether the certificate above a CA is in force; a root is only under itself."""
    if row.parent is None:
        return True
    serial = f"{x509.parse_certificate(row.certificate).serial:x}"
    state = session.scalar(
        select(Certificate.state).where(
            Certificate.issuer == row.parent, Certificate.serial == serial
        )
    )
    return state == CertificateState.ISSUED


def active(session: Session, kind: KeyKind, *, at: datetime) -> Issuer:
    """The newest issuing CA of that kind which may sign: one that an outside CA has certified is
    used from its import on, as a further one of ours is from its making; NotFound."""
    query = (
        select(Issuer)
        .where(Issuer.parent.is_not(None), Issuer.algorithm == str(SUITES[kind]))
        .order_by(Issuer.created_at.desc(), Issuer.name)
    )
    for row in session.scalars(query):
        try:
            check_signs(session, row, at=at)
        except CannotSign:
            continue
        return row
    raise NotFound(f"no issuing CA of kind {kind} is in force")


def ours(session: Session) -> list[Issuer]:
    """The CAs that sign here, by name."""
    return [row for row in session.scalars(select(Issuer).order_by(Issuer.name)) if row.signs]
