"""Issuing: reserve -> lint -> sign -> record, in two transactions.

A crash after `reserve` leaves a row in state RESERVED: the serial is burnt, nothing is signed or
what was signed was never handed out. `abandon_stale` says so on the next start.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ca import clock_order, csr, issuers, particulars, profiles
from ca.issuers import SUITES
from ca.lint import lint
from ca.models import Certificate, CertificateState, Issuer
from ca.profiles import Profile
from trust import audit
from trust.access import Caller
from trust.crypto import hashes, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.db import Sessions
from trust.keys import KeyStore


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. `subject` is a DER Name chosen by us, never taken over from a request.

    `base_url` is where this platform answers: with it a certificate says where its CRL, its OCSP
    responder and its issuer's certificate are; `crl_url` names another CRL. `particulars` are
    (name, text) of `ca.particulars`; `policies` come on top of the profile's. `renews` is the
    serial of the certificate that this one takes over from.
    """

    profile: str
    subject: bytes
    spki: bytes
    crl_url: str | None = None
    base_url: str = ""
    particulars: tuple[tuple[str, str], ...] = ()
    policies: tuple[str, ...] = ()
    renews: str | None = None


def find_issuer(session: Session, name: str) -> Issuer:
    return issuers.find(session, name)


def create_root(
    sessions: Sessions, name: str, *, subject: bytes, kind: KeyKind, keys: KeyStore, by: Caller,
    at: datetime,
) -> x509.Certificate:  # fmt: skip
    """Make a key and its self-signed certificate (profile `root`)."""
    profile = profiles.load("root")
    with sessions() as session:
        clock_order.check(session, at=at)
    spki = keys.generate(name, kind, bits=3072)
    algorithm = SUITES[kind]
    tbs = _tbs(
        Order("root", subject, spki), profile, serial=_serial(), algorithm=algorithm, at=at,
        parent=None,
    )  # fmt: skip
    lint(tbs, algorithm.row.oid, issuer=None)
    der = x509_write.signed(tbs, algorithm.row.oid, keys.sign(name, tbs, algorithm))
    with sessions.begin() as session:
        _record_issuer(session, name, algorithm, der, parent=None, by=by, at=at)
    return x509.parse_certificate(der)


def create_issuing(
    sessions: Sessions, name: str, *, parent: str, subject: bytes, kind: KeyKind, keys: KeyStore,
    by: Caller, at: datetime, crl_url: str | None = None, base_url: str = "",
) -> x509.Certificate:  # fmt: skip
    """Make a key and have `parent` certify it as an issuing CA."""
    spki = keys.generate(name, kind, bits=3072)
    order = Order("issuing", subject, spki, crl_url, base_url)
    certificate = issue(sessions, order, issuer=parent, keys=keys, by=by, at=at)
    with sessions.begin() as session:
        _record_issuer(session, name, SUITES[kind], certificate.der, parent=parent, by=by, at=at)
    return certificate


def _record_issuer(
    session: Session, name: str, algorithm: Algorithm, der: bytes, *, parent: str | None,
    by: Caller, at: datetime,
) -> None:  # fmt: skip
    session.add(
        Issuer(
            name=name, algorithm=str(algorithm), key_id=name, parent=parent, certificate=der,
            created_at=at,
        )
    )  # fmt: skip
    fingerprint = hashes.sha256(der).hex()
    audit.record(session, "ca.created", subject=name, by=by, at=at, details={"sha256": fingerprint})


def issue(
    sessions: Sessions, order: Order, *, issuer: str, keys: KeyStore, by: Caller, at: datetime
) -> x509.Certificate:
    """Certify a key; raises LintFailed, NotFound, CannotSign (issuer revoked, expired, not ours) or
    ClockMovedBack.

    1. reserve the serial, with the intention in the audit log, and commit  2. lint, signed by a
    throw-away key  3. sign  4. record; a crash between 1 and 4 leaves a burnt serial and its entry
    """
    profile = profiles.load(order.profile)
    serial = _serial()
    with sessions.begin() as session:
        row = find_issuer(session, issuer)
        clock_order.check(session, at=at)
        parent = issuers.check_signs(session, row, at=at)
        _reserve(session, order, profile, issuer=row, serial=serial, by=by, at=at)
    algorithm = Algorithm(row.algorithm)
    tbs = _tbs(order, profile, serial=serial, algorithm=algorithm, at=at, parent=parent, issuer=row)
    lint(tbs, algorithm.row.oid, issuer=parent)
    der = x509_write.signed(tbs, algorithm.row.oid, keys.sign(row.key_id, tbs, algorithm))
    with sessions.begin() as session:
        _record(session, issuer=issuer, serial=serial, der=der, by=by, at=at)
    return x509.parse_certificate(der)


def issue_from_request(
    sessions: Sessions, request: bytes, *, profile: str, subject: bytes, issuer: str,
    keys: KeyStore, by: Caller, at: datetime, crl_url: str | None = None, base_url: str = "",
    extra: tuple[tuple[str, str], ...] = (),
) -> x509.Certificate:  # fmt: skip
    """Certify the key of a PKCS#10 request, under a subject (and particulars) that we decided."""
    proved = csr.prove(request)
    order = Order(profile, subject, proved.spki, crl_url, base_url, extra)
    return issue(sessions, order, issuer=issuer, keys=keys, by=by, at=at)


def _serial() -> int:
    """159 random bits, never short (RFC 5280, 4.1.2.2)."""
    return secrets.randbits(158) | 1 << 158


def _tbs(
    order: Order, profile: Profile, *, serial: int, algorithm: Algorithm, at: datetime,
    parent: x509.Certificate | None, issuer: Issuer | None = None,
) -> bytes:  # fmt: skip
    own_id = hashes.sha256(order.spki)[:20]
    parent_id = own_id if parent is None else x509.subject_key_id(parent) or b""
    extensions = [
        *profile.extensions(policies=order.policies),
        x509_write.subject_key_id(own_id),
        x509_write.authority_key_id(parent_id),
    ]
    if issuer is not None and not profile.ocsp_nocheck:
        extensions += _crl_points(order, issuer, serial)
    if issuer is not None and order.base_url:
        extensions.append(_access(order, issuer.name, nocheck=profile.ocsp_nocheck))
    extensions += particulars.write(order.particulars)
    ends = parent.not_after if parent else None
    not_before = at.replace(microsecond=0)
    return x509_write.tbs_certificate(
        serial=serial, signature_oid=algorithm.row.oid,
        issuer=parent.subject if parent else order.subject, subject=order.subject,
        not_before=not_before, not_after=profile.not_after(not_before, issuer_ends=ends),
        spki=order.spki, extensions=extensions,
    )  # fmt: skip


def _crl_points(order: Order, issuer: Issuer, serial: int) -> list[x509.Extension]:
    """Where the certificate's CRL is (RFC 5280, 4.2.1.13): the order's, its partition's, the
    issuer's, or nowhere."""
    shard = shard_of(issuer, serial)
    url = order.crl_url
    if url is None and shard is not None:
        url = shard_url(issuer, shard)
    if url is None and order.base_url:
        url = f"{order.base_url}/crl/{issuer.name}.crl"
    return [x509_write.crl_points([url])] if url else []


def _access(order: Order, issuer: str, *, nocheck: bool) -> x509.Extension:
    """Authority information access (RFC 5280, 4.2.2.1)."""
    ocsp = "" if nocheck else f"{order.base_url}/ocsp"
    return x509_write.authority_access(f"{order.base_url}/ca/{issuer}.cer", ocsp=ocsp)


def shard_of(issuer: Issuer, serial: int) -> int | None:
    """The partition of a serial number from now on, beginning with 1; None without partitions."""
    return serial % issuer.shards + 1 if issuer.shards > 1 else None


def shard_url(issuer: Issuer, shard: int) -> str:
    return f"{issuer.shard_url}/{issuer.name}-{shard}.crl"


def _reserve(
    session: Session, order: Order, profile: Profile, *, issuer: Issuer, serial: int, by: Caller,
    at: datetime,
) -> None:  # fmt: skip
    parent = x509.parse_certificate(issuer.certificate)
    subject = x509.name_text(order.subject)[:400]
    session.add(
        Certificate(
            issuer=issuer.name, serial=f"{serial:x}", profile=profile.name, subject=subject,
            state=CertificateState.RESERVED, not_before=at,
            not_after=profile.not_after(at, issuer_ends=parent.not_after), renews=order.renews,
            shard=None if order.crl_url or profile.ocsp_nocheck else shard_of(issuer, serial),
        )
    )  # fmt: skip
    details = {"issuer": issuer.name, "profile": profile.name}
    audit.record(
        session, "certificate.reserved", subject=f"{serial:x}", by=by, at=at, details=details
    )


def _record(
    session: Session, *, issuer: str, serial: int, der: bytes, by: Caller, at: datetime
) -> None:
    session.execute(
        update(Certificate)
        .where(Certificate.issuer == issuer, Certificate.serial == f"{serial:x}")
        .values(der=der, state=CertificateState.ISSUED)
    )
    fingerprint = hashes.sha256(der).hex()
    audit.record(
        session, "certificate.issued", subject=f"{serial:x}", by=by, at=at,
        details={"sha256": fingerprint},
    )  # fmt: skip


def abandon_stale(session: Session, *, before: datetime, by: Caller, at: datetime) -> int:
    """Close reservations that a crash left before `before`; returns how many."""
    stale = session.scalars(
        select(Certificate)
        .where(Certificate.state == CertificateState.RESERVED, Certificate.not_before < before)
        .with_for_update()
    ).all()
    for row in stale:
        row.state = CertificateState.ABANDONED
        audit.record(session, "certificate.abandoned", subject=row.serial, by=by, at=at)
    return len(stale)
