"""What a region gives out to verify with: status lists, trust list, folder of anchors."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ca import crl, signers
from ca.models import Crl, Issuer
from certificates import registry
from certificates.models import Licence, Reservation
from certificates.regions import region_list
from certificates.status import lists as status_list
from trust.access import SYSTEM
from trust.anchors import Anchors, key_id, pem
from trust.crypto import x509
from trust.db import Sessions
from trust.errors import NotFound, Unavailable
from trust.keys import KeyStore

#: Signed anew at the latest after this time, and at once when a state changed.
REFRESH = timedelta(hours=1)
TTL = timedelta(minutes=10)


def sign_status_list(
    session: Session, number: int, *, keys: KeyStore, at: datetime, lifetime: timedelta
) -> str:
    """The list of that number as of now, signed; NotFound."""
    if number not in registry.list_numbers(session):
        raise NotFound(f"no status list {number}")
    base_url = registry.region(session).base_url
    signer = signers.active(session, "status-signer", keys=keys, at=at)
    return status_list.write(
        registry.states_of_list(session, number), capacity=registry.capacity_of(session, number),
        subject=status_list.subject(base_url, number), at=at, lifetime=lifetime, ttl=TTL,
        algorithm=signer.algorithm, kid=key_id(signer.certificate.spki).hex(),
        x5c=(signer.certificate.der,), sign=signer.sign,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    signed_at: datetime
    changes: tuple[int, datetime | None, int]


class StatusPublisher:
    """Status lists ready to be served: signed again when a state changed, or after an hour."""

    def __init__(self, sessions: Sessions, keys: KeyStore, *, lifetime: timedelta) -> None:
        self._sessions, self._keys, self._lifetime = sessions, keys, lifetime
        self._kept: dict[int, _Kept] = {}
        self._lock = Lock()

    def token(self, number: int, *, at: datetime) -> str:
        """The signed list; NotFound."""
        with self._sessions() as session:
            kept = self._fresh(number, at, changes_of(session, number))
        if kept is not None:
            return kept
        # Of many who ask at once one signs, the others find what it made.
        with self._lock, self._sessions() as session:
            changes = changes_of(session, number)
            kept = self._fresh(number, at, changes)
            if kept is not None:
                return kept
            token = sign_status_list(
                session, number, keys=self._keys, at=at, lifetime=self._lifetime
            )
            self._kept[number] = _Kept(token, at, changes)
        return token

    def _fresh(self, number: int, at: datetime, changes: object) -> str | None:
        kept = self._kept.get(number)
        if kept is None or kept.changes != changes or at - kept.signed_at >= REFRESH:
            return None
        return kept.token


def changes_of(session: Session, number: int) -> tuple[int, datetime | None, int]:
    """What is different whenever a published state of the list is."""
    count, last = session.execute(
        select(func.count(), func.max(Licence.state_at)).where(
            Licence.status_list == number, Licence.state != "active"
        )
    ).one()
    burnt = session.scalar(
        select(func.count()).where(
            Reservation.status_list == number, Reservation.state == registry.ABANDONED
        )
    )
    return count, last, burnt or 0


def trust_list(session: Session, *, keys: KeyStore, at: datetime) -> bytes:
    """The region's signed list of its services (`certificates.regions.region_list`)."""
    return region_list.current(session, keys=keys, at=at).document


def publish_crls(sessions: Sessions, *, keys: KeyStore, at: datetime) -> None:
    """A fresh CRL of every issuer."""
    with sessions.begin() as session:
        for name in session.scalars(select(Issuer.name).order_by(Issuer.name)).all():
            crl.publish(session, name, keys=keys, by=SYSTEM, at=at)


def anchors(session: Session) -> Anchors:
    """The same knowledge as the folder gives, straight from the registry."""
    issuers = session.execute(select(Issuer.parent, Issuer.certificate)).all()
    roots = tuple(x509.parse_certificate(der) for parent, der in issuers if parent is None)
    rest = [x509.parse_certificate(der) for parent, der in issuers if parent is not None]
    rest += [x509.parse_certificate(der) for _, der in signers.certificates(session)]
    return Anchors(roots, tuple(rest))


def export_anchors(
    sessions: Sessions, directory: Path, *, keys: KeyStore, at: datetime, lifetime: timedelta
) -> list[Path]:
    """Write all that offline checking needs into `directory`; the paths. Unavailable."""
    with sessions() as session:
        files = _anchor_files(session, keys=keys, at=at, lifetime=lifetime)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)  # public, whatever the umask
        for name, data in files.items():
            (directory / name).write_bytes(data)
            (directory / name).chmod(0o644)
    except OSError as error:
        raise Unavailable(f"{directory} cannot be written") from error
    return [directory / name for name in files]


def _anchor_files(
    session: Session, *, keys: KeyStore, at: datetime, lifetime: timedelta
) -> dict[str, bytes]:
    files = {}
    for issuer in session.scalars(select(Issuer).order_by(Issuer.name)):
        files[f"{issuer.name}.pem"] = pem("CERTIFICATE", issuer.certificate)
        newest = session.scalar(
            select(Crl.der).where(Crl.issuer == issuer.name).order_by(Crl.number.desc()).limit(1)
        )
        if newest is not None:
            files[f"{issuer.name}.crl"] = pem("X509 CRL", newest)
    for name, der in signers.certificates(session):
        files[f"{name}.pem"] = pem("CERTIFICATE", der)
    for number in registry.list_numbers(session):
        token = sign_status_list(session, number, keys=keys, at=at, lifetime=lifetime)
        files[f"status-{number}.jwt"] = token.encode() + b"\n"
    files["trust-list.json"] = trust_list(session, keys=keys, at=at)
    return files
