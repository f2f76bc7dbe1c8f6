"""Signing in with a certificate, usually one in a token (USB key): its key signs a challenge.

The browser cannot do that by itself: a vendor's component or the command line signs. What is signed
is `message`, which cannot be mistaken for anything else a key signs. Whether the certificate is
good is not judged here: the server hands in a `Judge` that knows anchors and revocation lists.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sso import challenges, particulars
from sso.challenges import Purpose
from sso.credential_models import CertificateCredential
from sso.models import Account
from trust import audit
from trust.access import Caller
from trust.crypto import signatures
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature
from trust.crypto.hashes import sha256
from trust.errors import Conflict, Invalid, NotFound, Unauthenticated
from trust.vault import Vault

CONTEXT = b"trust-certificate-login\0"
#: DER of one certificate; a chain holds at most so many.
LONGEST_CERTIFICATE = 16_384
LONGEST_CHAIN = 4
LONGEST_SIGNATURE = 1024
_ALGORITHMS = {
    KeyKind.SM2: frozenset({Algorithm.SM2_SM3}),
    KeyKind.RSA: frozenset({Algorithm.RSA_SHA256, Algorithm.RSA_PSS_SHA256}),
    KeyKind.P256: frozenset({Algorithm.ES256}),
}


@dataclass(frozen=True, slots=True)
class JudgedCertificate:
    """A certificate that is good now. `subject_key`: kind and number of the document in its subject
    (("111", citizen ID), ("001", USCC)), if its issuer is trusted to have checked that; `name` of
    the subject; `fingerprint` SHA-256 of the DER; `spki` DER; `algorithm` the key's, to show."""

    subject_key: tuple[str, str] | None = field(repr=False)
    name: str = field(repr=False)
    fingerprint: bytes
    spki: bytes = field(repr=False)


#: (leaf DER, chain DER, at) -> the judged certificate; raises Unauthenticated, or Invalid for what
#: is no certificate.
Judge = Callable[[bytes, tuple[bytes, ...], datetime], JudgedCertificate]


@dataclass(frozen=True, slots=True)
class SignedChallenge:
    """What the token's component sends back. `chain` holds issuers, the leaf's own first."""

    challenge: bytes
    leaf: bytes
    chain: tuple[bytes, ...]
    signature: bytes
    algorithm: Algorithm


class CertificateRefused(Unauthenticated):
    """The signature is not the key's over this challenge, or nobody's account goes with it."""

    code = "certificate_refused"


class CertificateTaken(Conflict):
    """The certificate signs somebody in already; whom is not told."""

    code = "certificate_taken"


def challenge(session: Session, *, interaction: str, at: datetime) -> bytes:
    """32 bytes to sign within five minutes, for one interaction."""
    return challenges.issue(session, Purpose.USE_CERTIFICATE, bound_to=interaction, at=at)


def message(issuer: str, challenge: bytes) -> bytes:
    """The octets to sign: context, this platform's URL, challenge. Another platform that asks for
    a signature cannot have one that opens this."""
    return CONTEXT + issuer.encode() + b"\0" + challenge


def parse(
    *, challenge: str, leaf: str, chain: tuple[str, ...], signature: str, algorithm: str
) -> SignedChallenge:
    """Form fields, base64 or base64url, as one value; Invalid for what cannot be one."""
    if len(chain) > LONGEST_CHAIN:
        raise Invalid(f"a chain is at most {LONGEST_CHAIN} certificates")
    try:
        chosen = Algorithm(algorithm)
    except ValueError:
        raise Invalid("the algorithm is SM2-SM3, RSA-SHA256, RSA-PSS-SHA256 or ES256") from None
    return SignedChallenge(
        challenge=_octets("challenge", challenge, challenges.SIZE),
        leaf=_octets("certificate", leaf, LONGEST_CERTIFICATE),
        chain=tuple(_octets("certificate", each, LONGEST_CERTIFICATE) for each in chain),
        signature=_octets("signature", signature, LONGEST_SIGNATURE),
        algorithm=chosen,
    )


def _octets(name: str, text: str, longest: int) -> bytes:
    if not text.isascii() or len(text) > (longest + 2) // 3 * 4:
        raise Invalid(f"the {name} is not base64, or too long")
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise Invalid(f"the {name} is not base64") from error


def check(signed: SignedChallenge, judge: Judge, *, issuer: str, at: datetime) -> JudgedCertificate:
    """The certificate whose key signed; CertificateRefused, or what the judge raises.

    The challenge has been spent by now. The signature comes first: it is cheaper than the path.
    """
    judged = judge(signed.leaf, signed.chain, at)
    if signed.algorithm not in _ALGORITHMS.get(signatures.kind_of(judged.spki), frozenset()):
        raise CertificateRefused("this algorithm does not go with the certificate's key")
    try:
        signed_octets = message(issuer, signed.challenge)
        signatures.verify(signed.algorithm, judged.spki, signed_octets, signed.signature)
    except InvalidSignature as error:
        raise CertificateRefused("the signature is not by the certificate's key") from error
    return judged


def account_of(session: Session, vault: Vault, judged: JudgedCertificate) -> str | None:
    """The open account a certificate signs in: the one that registered it, or registered another
    of the same key (a renewal), or whose ID number or USCC is in its subject."""
    key_digest = sha256(judged.spki)
    registered = session.scalar(
        select(CertificateCredential.account)
        .where(CertificateCredential.key_digest == key_digest)
        .order_by((CertificateCredential.fingerprint == judged.fingerprint).desc())
        .limit(1)
    )
    wanted = [Account.name == registered] if registered is not None else []
    if not wanted and judged.subject_key is not None:
        wanted = [Account.key_index == particulars.key_index(vault, *judged.subject_key)]
    if not wanted:
        return None
    return session.scalar(select(Account.name).where(*wanted, Account.active))


def register(
    session: Session, vault: Vault, account: Account, judged: JudgedCertificate, *, by: Caller,
    at: datetime,
) -> CertificateCredential:  # fmt: skip
    """Let a certificate sign an account in. The caller checked its signature (`check`).

    A certificate that names somebody else in its subject is CertificateRefused; one that is
    registered already, or whose key is, CertificateTaken.
    """
    if judged.subject_key is not None:
        index = particulars.key_index(vault, *judged.subject_key)
        if account.key_index is not None and index != account.key_index:
            raise CertificateRefused("the certificate is of another person or body")
    key_digest = sha256(judged.spki)
    taken = session.scalar(
        select(CertificateCredential.account).where(CertificateCredential.key_digest == key_digest)
    )
    if taken is not None and taken != account.name:
        raise CertificateTaken("this certificate's key signs another account in")
    row = CertificateCredential(
        fingerprint=judged.fingerprint, account=account.name, key_digest=key_digest,
        name=judged.name[:200], algorithm=signatures.kind_of(judged.spki), created_at=at,
    )  # fmt: skip
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise CertificateTaken("this certificate is registered already") from error
    details: dict[str, audit.JSON] = {"fingerprint": judged.fingerprint.hex()}
    audit.record(
        session, "certificate.registered", subject=account.name, by=by, at=at, details=details
    )
    return row


def used(session: Session, judged: JudgedCertificate, *, at: datetime) -> None:
    session.execute(
        update(CertificateCredential)
        .where(CertificateCredential.fingerprint == judged.fingerprint)
        .values(last_used_at=at)
    )


def of_account(session: Session, account_name: str) -> list[CertificateCredential]:
    """An account's registered certificates, the newest first."""
    mine = CertificateCredential.account == account_name
    order = CertificateCredential.created_at.desc()
    return list(session.scalars(select(CertificateCredential).where(mine).order_by(order)))


def remove(
    session: Session, account_name: str, fingerprint: bytes, *, by: Caller, at: datetime
) -> None:
    """The certificate signs nobody in any more; NotFound for one that is not this account's. One
    that names the account in its subject still does."""
    row = session.get(CertificateCredential, fingerprint)
    if row is None or row.account != account_name:
        raise NotFound("no such certificate")
    session.delete(row)
    session.flush()
    details: dict[str, audit.JSON] = {"fingerprint": fingerprint.hex()}
    audit.record(
        session, "certificate.removed", subject=account_name, by=by, at=at, details=details
    )
