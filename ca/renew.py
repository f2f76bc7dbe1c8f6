"""Renewal: a further certificate for the same subject and profile, linked to the one before."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import csr, particulars
from ca.issue import Order, issue
from ca.models import Certificate, CertificateState, Issuer, Signer
from trust.access import Caller
from trust.crypto import x509
from trust.db import Sessions
from trust.errors import Conflict, NotFound
from trust.keys import KeyStore


class CannotRenew(Conflict):
    code = "certificate_cannot_be_renewed"


def renew(
    sessions: Sessions, *, issuer: str, serial: int, keys: KeyStore, by: Caller, at: datetime,
    request: bytes | None = None, base_url: str = "",
) -> x509.Certificate:  # fmt: skip
    """Certify the same subject anew, for the old key or for that of a PKCS#10 `request`.

    The old certificate stays as it is until it ends or is revoked. Raises NotFound, CannotRenew
    (revoked, on hold, never signed; one of the platform's own, which `trust ca rotate` replaces),
    and what `issue` and `csr.prove` raise.
    """
    proved = csr.prove(request) if request is not None else None
    with sessions() as session:
        profile, old = _find_old(session, issuer, serial)
    order = Order(
        profile, old.subject, proved.spki if proved else old.spki,
        particulars=particulars.read(old), base_url=base_url, renews=f"{serial:x}",
    )  # fmt: skip
    return issue(sessions, order, issuer=issuer, keys=keys, by=by, at=at)


def _find_old(session: Session, issuer: str, serial: int) -> tuple[str, x509.Certificate]:
    row = session.scalar(
        select(Certificate).where(Certificate.issuer == issuer, Certificate.serial == f"{serial:x}")
    )
    if row is None:
        raise NotFound(f"{issuer} has issued no certificate {serial:x}")
    if row.state != CertificateState.ISSUED or row.der is None:
        raise CannotRenew(f"certificate {serial:x} is {row.state}")
    of_signer = select(Signer.key_id).where(Signer.certificate == row.der)
    of_issuer = select(Issuer.name).where(Issuer.certificate == row.der)
    if session.scalar(of_signer) is not None or session.scalar(of_issuer) is not None:
        raise CannotRenew("a key of the platform itself is rotated, not renewed")
    return row.profile, x509.parse_certificate(row.der)
