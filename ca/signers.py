"""The platform's own signing keys: claims, status lists, trust lists, seal making."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca.issue import Order, issue
from ca.models import Certificate, CertificateState, Signer
from trust.access import Caller
from trust.crypto import x509
from trust.crypto.algorithms import DEFAULT, Algorithm, KeyKind
from trust.db import Sessions
from trust.errors import NotFound
from trust.keys import KeyStore


@dataclass(frozen=True, slots=True)
class ReadySigner:
    """A signer as its users need it; `sign` gives DER signatures."""

    key_id: str
    algorithm: Algorithm
    certificate: x509.Certificate
    sign: Callable[[bytes], bytes]


def create(
    sessions: Sessions, purpose: str, *, key_id: str, kind: KeyKind, subject: bytes, issuer: str,
    keys: KeyStore, by: Caller, at: datetime, base_url: str = "",
) -> x509.Certificate:  # fmt: skip
    """Make a key and certify it under the profile named `purpose`; the newest one is used."""
    spki = keys.generate(key_id, kind)
    order = Order(purpose, subject, spki, base_url=base_url)
    certificate = issue(sessions, order, issuer=issuer, keys=keys, by=by, at=at)
    with sessions.begin() as session:
        session.add(
            Signer(
                key_id=key_id, purpose=purpose, algorithm=str(DEFAULT[kind]), issuer=issuer,
                certificate=certificate.der, created_at=at,
            )
        )  # fmt: skip
    return certificate


def active(
    session: Session, purpose: str, *, keys: KeyStore, at: datetime,
    algorithm: Algorithm | None = None, issuer: str | None = None,
    made_before: datetime | None = None,
) -> ReadySigner:  # fmt: skip
    """The newest signer of a purpose (and algorithm, and issuer, made before a time) that is
    neither revoked nor expired at `at`; NotFound."""
    query = select(Signer).where(Signer.purpose == purpose).order_by(Signer.created_at.desc())
    if algorithm is not None:
        query = query.where(Signer.algorithm == str(algorithm))
    if issuer is not None:
        query = query.where(Signer.issuer == issuer)
    if made_before is not None:
        query = query.where(Signer.created_at <= made_before)
    for row in session.scalars(query):
        certificate = x509.parse_certificate(row.certificate)
        if certificate.not_before <= at <= certificate.not_after and _stands(session, row):
            return _ready(row, certificate, keys)
    raise NotFound(f"no key for {purpose} is in force")


def _stands(session: Session, row: Signer) -> bool:
    serial = f"{x509.parse_certificate(row.certificate).serial:x}"
    state = session.scalar(
        select(Certificate.state).where(
            Certificate.issuer == row.issuer, Certificate.serial == serial
        )
    )
    return state == CertificateState.ISSUED


def _ready(row: Signer, certificate: x509.Certificate, keys: KeyStore) -> ReadySigner:
    key_id, suite = row.key_id, Algorithm(row.algorithm)
    return ReadySigner(
        key_id, suite, certificate, lambda message: keys.sign(key_id, message, suite)
    )


def certificates(session: Session) -> list[tuple[str, bytes]]:
    """(key id, DER) of every signer there ever was: old claims stay verifiable."""
    rows = session.execute(select(Signer.key_id, Signer.certificate).order_by(Signer.created_at))
    return [(key_id, der) for key_id, der in rows]
