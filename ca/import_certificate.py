"""Taking in what an outside CA has certified: the certificate of a key of ours, and its chain.

From then on it stands beside our own: the registry has it, its CA's answers say whether it is
revoked (`ca.outside`), and whoever asks for a signer, an issuing CA or a seal's key finds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import advice, clock_order, issuers, lint, profiles
from ca.models import (
    OUTSIDE,
    Certificate,
    CertificateState,
    Issuer,
    KeyRequest,
    OutsideAuthority,
    Signer,
)
from ca.profiles import Profile
from trust import audit, fetch
from trust.access import Caller
from trust.crypto import hashes, signatures, x509
from trust.crypto.algorithms import Algorithm, by_oid
from trust.db import Sessions
from trust.errors import Conflict, Invalid, NotFound
from trust.keys import KeyStore
from trust.validation import Path, choose_path, verify_signed

CHAIN_MAX = 8
#: What the platform itself signs with; other profiles are for seals and for people.
SIGNER_PURPOSES = frozenset(
    {
        "seal-maker",
        "claim-signer",
        "copy-signer",
        "status-signer",
        "list-signer",
        "log-signer",
        "exchange-signer",
        "tsa",
    }
)


class AnotherKey(Invalid):
    """The certificate is for another key than the one that was asked about."""

    code = "certificate_for_another_key"


class UnfitCertificate(Invalid):
    """The certificate cannot do what its key is for."""

    code = "unfit_certificate"


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken in; `advice` are sentences about what our own profile would have otherwise."""

    certificate: x509.Certificate
    issuer: str
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the outside CA sent: PEM or DER was read before. `roots` are trusted from now on; they
    came by a way of their own. The addresses are for what the certificates do not say."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    roots: tuple[x509.Certificate, ...] = ()
    crl_url: str = ""
    ocsp_url: str = ""


def import_certificate(
    sessions: Sessions, key_id: str, sent: Delivery, *, keys: KeyStore, by: Caller, at: datetime
) -> Imported:
    """Take a certificate in for the key `key_id`, which `ca.request` made.

    1. it is for our very key  2. a path leads to a root given here or imported before, good now
    3. it can do what the key is for  4. everything is stored in one transaction. NotFound,
    AnotherKey, UnfitCertificate, Conflict (imported already), PathFailed, PathUnknown, Malformed,
    ClockMovedBack. Lint findings are advice: it is the other CA's certificate.
    """
    if keys.public_key(key_id) != sent.certificate.spki:
        raise AnotherKey(f"the certificate is not for the key {key_id}")
    _check_addresses(sent)
    with sessions() as session:
        request = _find_request(session, key_id)
        profile = profiles.load(request.purpose)
        known = [
            x509.parse_certificate(row.certificate)
            for row in session.scalars(select(Issuer)) if row.outside
        ]  # fmt: skip
    path = _path(sent, known, at=at)
    _check_fit(sent.certificate, profile, at=at)
    with sessions.begin() as session:
        clock_order.check(session, at=at)
        issuer = _record(session, key_id, sent, path, by=by, at=at)
    return Imported(sent.certificate, issuer, tuple(advice.differences(sent.certificate, profile)))


def _check_addresses(sent: Delivery) -> None:
    for url in (sent.crl_url, sent.ocsp_url):
        if url:
            fetch.check_address(url)


def _find_request(session: Session, key_id: str) -> KeyRequest:
    request = session.get(KeyRequest, key_id)
    if request is None:
        raise NotFound(f"no certificate was asked for {key_id}")
    if request.certificate is not None:
        raise Conflict(f"the certificate of {key_id} is imported already")
    return request


def _path(sent: Delivery, known: Sequence[x509.Certificate], *, at: datetime) -> Path:
    if len(sent.chain) + len(sent.roots) > CHAIN_MAX:
        raise Invalid(f"a chain has at most {CHAIN_MAX} certificates")
    for root in sent.roots:
        if not root.is_ca or not root.self_issued:
            raise Invalid("a root is a self-signed CA certificate")
        verify_signed(root, root.spki)
    roots = [*sent.roots, *(one for one in known if one.self_issued)]
    path = choose_path(sent.certificate, intermediates=(*sent.chain, *known), anchors=roots, at=at)
    if len(path.certificates) < 2:
        raise Invalid("the certificate is a root itself")
    return path


def _check_fit(certificate: x509.Certificate, profile: Profile, *, at: datetime) -> None:
    """What would make it useless here; the rest is advice."""
    signatures.kind_of(certificate.spki)
    usage = x509.key_usage(certificate)
    if certificate.is_ca != profile.ca:
        raise UnfitCertificate("a CA's certificate is wanted" if profile.ca else
                               "a CA's certificate is of no use here")  # fmt: skip
    if usage is not None and not usage & profile.key_usage:
        raise UnfitCertificate(f"its key usage does not allow what {profile.name} does")
    if profile.ca and usage is not None and not profile.key_usage <= usage:
        raise UnfitCertificate("a CA here signs certificates and CRLs")
    purposes = x509.extended_key_usage(certificate)
    wanted = set(profile.extended_key_usage) if profile.name in SIGNER_PURPOSES else set()
    if not wanted <= set(purposes or ()):
        # Verifiers know these signers by it; a seal's certificate of other make may have none.
        raise UnfitCertificate(f"it lacks the extended key usage of {profile.name}")


def _record(
    session: Session, key_id: str, sent: Delivery, path: Path, *, by: Caller, at: datetime
) -> str:
    """The name of the CA above; every CA of the path has a row, its root first."""
    parent: str | None = None
    for above, below in zip(path.certificates, path.certificates[1:], strict=False):
        parent = _record_authority(session, above, below, parent=parent, by=by, at=at)
    assert parent is not None  # noqa: S101 - a path has an anchor and a certificate below it
    direct = session.get_one(OutsideAuthority, parent)
    direct.crl_url = sent.crl_url or direct.crl_url
    direct.ocsp_url = sent.ocsp_url or direct.ocsp_url
    request = session.get_one(KeyRequest, key_id, with_for_update=True)
    if request.certificate is not None:
        raise Conflict(f"the certificate of {key_id} is imported already")
    request.certificate, request.issuer, request.imported_at = sent.certificate.der, parent, at
    _record_use(session, request, sent.certificate, parent, at=at)
    details: dict[str, audit.JSON] = {
        "issuer": parent, "serial": f"{sent.certificate.serial:x}",
        "sha256": hashes.sha256(sent.certificate.der).hex(),
    }  # fmt: skip
    audit.record(session, "certificate.imported", subject=key_id, by=by, at=at, details=details)
    return parent


def _record_authority(
    session: Session, above: x509.Certificate, below: x509.Certificate, *, parent: str | None,
    by: Caller, at: datetime,
) -> str:  # fmt: skip
    """A CA of the path, and its certificate in the registry when another CA is above it."""
    row = session.scalar(select(Issuer).where(Issuer.certificate == above.der))
    if row is not None and not row.outside:
        raise Invalid("the path leads through a CA of our own: that one issues by itself")
    name = row.name if row is not None else f"outside-{hashes.sha256(above.der).hex()[:12]}"
    if row is None:
        session.add(
            Issuer(
                name=name, algorithm=str(by_oid(below.signature_oid)), key_id=OUTSIDE + name,
                parent=parent, certificate=above.der, created_at=at,
            )
        )  # fmt: skip
        session.add(OutsideAuthority(issuer=name, problem=""))
        session.flush()
        if parent is not None:
            _register(session, above, parent, "issuing")
        fingerprint = hashes.sha256(above.der).hex()
        audit.record(
            session, "ca.imported", subject=name, by=by, at=at, details={"sha256": fingerprint}
        )
    told = session.get_one(OutsideAuthority, name)
    told.crl_url = told.crl_url or _first(lint.http_uris(below, x509.CRL_POINTS))
    told.ocsp_url = told.ocsp_url or _first(lint.ocsp_uris(below))
    return name


def _first(urls: list[str]) -> str | None:
    """The first address that can be asked; directories (ldap) cannot."""
    for url in urls:
        try:
            fetch.check_address(url)
        except fetch.BadAddress:
            continue
        return url
    return None


def _register(session: Session, certificate: x509.Certificate, issuer: str, profile: str) -> None:
    above = session.get_one(OutsideAuthority, issuer)
    # Its last answer was not about this one: asked again at once, and not known until then.
    above.asked_at, above.told_until = None, None
    session.add(
        Certificate(
            issuer=issuer, serial=f"{certificate.serial:x}", profile=profile,
            subject=x509.name_text(certificate.subject)[:400], state=CertificateState.ISSUED,
            not_before=certificate.not_before, not_after=certificate.not_after,
            der=certificate.der,
        )
    )  # fmt: skip


def _record_use(
    session: Session, request: KeyRequest, certificate: x509.Certificate, issuer: str, *,
    at: datetime,
) -> None:  # fmt: skip
    """In the registry, and where its users look: an issuing CA, a signer; seals are made of the
    request's own row."""
    _register(session, certificate, issuer, request.purpose)
    if profiles.load(request.purpose).ca:
        suite = issuers.SUITES[Algorithm(request.algorithm).row.key]
        session.add(
            Issuer(
                name=request.key_id, algorithm=str(suite), key_id=request.key_id, parent=issuer,
                certificate=certificate.der, created_at=at,
            )
        )  # fmt: skip
    elif request.purpose in SIGNER_PURPOSES:
        session.add(
            Signer(
                key_id=request.key_id, purpose=request.purpose, algorithm=request.algorithm,
                issuer=issuer, certificate=certificate.der, created_at=at,
            )
        )  # fmt: skip


def ready(session: Session, key_id: str) -> tuple[x509.Certificate, str]:
    """The imported certificate of a key, for whoever makes a seal of it, and its CA's name;
    NotFound before the import, Conflict when it is revoked or on hold."""
    request = session.get(KeyRequest, key_id)
    if request is None or request.certificate is None or request.issuer is None:
        raise NotFound(f"no outside certificate of {key_id} was imported")
    certificate = x509.parse_certificate(request.certificate)
    state = session.scalar(
        select(Certificate.state).where(
            Certificate.issuer == request.issuer,
            Certificate.serial == f"{certificate.serial:x}",
        )
    )
    if state != CertificateState.ISSUED:
        raise Conflict(f"the outside certificate of {key_id} is {state}")
    return certificate, request.issuer
