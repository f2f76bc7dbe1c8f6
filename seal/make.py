"""Making a seal: two key pairs, their certificates, and the SESeal that binds picture and keys."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from ca import issue as ca_issue
from seal import asn1, life
from seal.asn1 import CertListType, SealInfo
from seal.life import SamePerson
from seal.life_models import RequestState, SealRequest
from seal.models import KIND_NUMBERS, Seal, SealKind, SealState
from trust import audit
from trust.access import Caller
from trust.crypto import hashes, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.db import Sessions
from trust.errors import Conflict
from trust.keys import KeyStore

VENDOR = "TRUST"
#: RSA keys of seals: pages are sealed by the thousand, and 2048 bits stand until 2030 (NIST SP
#: 800-57); CAs have 3072.
RSA_BITS = 2048


class NotApproved(Conflict):
    """Only an approved application is made, and only once."""

    code = "seal_not_approved"


@dataclass(frozen=True, slots=True)
class Maker:
    """With what seals are made: a key and its certificate (profile `seal-maker`), and the CAs.

    With `base_url` the seals' certificates say where their CRL and OCSP responder are; other
    programs look at no OCSP answer without.
    """

    key_id: str
    certificate: bytes
    sm2_issuer: str
    rsa_issuer: str
    region: str
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class SealOrder:
    """What goes into a seal. `picture` is SVG, the size in millimetres."""

    es_id: str
    owner: str
    owner_name: str
    name: str
    kind: SealKind
    picture: bytes
    width_mm: float
    height_mm: float


@dataclass(frozen=True, slots=True)
class Made:
    """New keys, certified, and the SESeal that names them."""

    seal: bytes
    sm2_key: str
    sm2: x509.Certificate
    rsa_key: str
    rsa: x509.Certificate
    rsa_chain: bytes


def es_identifier(region: str) -> str:
    """14 digits, as government seals carry: the region's six, then eight at random."""
    return f"{region}{secrets.randbelow(10**8):08d}"


def subject(*, es_id: str, owner: str, owner_name: str, region: str) -> bytes:
    """The name on a seal's certificates: O is the owner's code and name, as real ones have it."""
    return x509_write.name(
        [
            (x509.COUNTRY, "CN"), (x509.ORGANIZATION, owner + owner_name), (x509.UNIT, region),
            (x509.COMMON_NAME, es_id),
        ]
    )  # fmt: skip


def make(
    sessions: Sessions, key: UUID, *, maker: Maker, keys: KeyStore, by: Caller, at: datetime
) -> Seal:
    """Make the seal of an approved application; it is then to be filed (seal.file).

    1. keys and certificates, each a transaction of the CA  2. the SESeal, signed by the maker
    3. the row, the application's end and the audit entry. A crash before 3 leaves keys and
    certificates that no seal names: they can seal nothing, since only a seal's row leads to them.
    Of two who make at once one gets NotApproved in 3. Raises NotFound, Forbidden, SamePerson too.
    """
    with sessions() as session:
        row = life.find_request(session, key)
        check_maker(row, by=by)
        if row.state != RequestState.APPROVED:
            raise NotApproved(f"application {key} is {row.state}")
    order = SealOrder(
        es_identifier(maker.region), row.owner, row.owner_name, row.name, SealKind(row.kind),
        row.picture, row.width_mm, row.height_mm,
    )  # fmt: skip
    made = fabricate(sessions, order, maker=maker, keys=keys, by=by, at=at)
    with sessions.begin() as session:
        return _record(session, key, order, made, by=by, at=at)


def check_maker(row: SealRequest, *, by: Caller) -> None:
    """Forbidden or SamePerson unless `by` may make the seal of this application."""
    life.require_administrator(by, owner=row.owner)
    if by.account in (row.applied_by, row.decided_by):
        raise SamePerson("who applied for a seal or approved it does not make it")


def fabricate(
    sessions: Sessions, order: SealOrder, *, maker: Maker, keys: KeyStore, by: Caller,
    at: datetime, renews: tuple[str, str] | None = None,
) -> Made:  # fmt: skip
    """Keys, certificates and SESeal. `renews` are the serials (SM2, RSA) that the new certificates
    take over from; the keys are new in any case."""
    name = subject(
        es_id=order.es_id, owner=order.owner, owner_name=order.owner_name, region=maker.region
    )
    # At random, so that what a crash left behind is in nobody's way.
    mark = f"seal-{order.es_id}-{secrets.token_hex(4)}"
    sm2_before, rsa_before = renews or (None, None)
    sm2 = _certify(sessions, f"{mark}-sm2", KeyKind.SM2, name, maker=maker, keys=keys, by=by, at=at,
                   renews=sm2_before)  # fmt: skip
    rsa = _certify(sessions, f"{mark}-rsa", KeyKind.RSA, name, maker=maker, keys=keys, by=by, at=at,
                   renews=rsa_before)  # fmt: skip
    sealed = _seal(order, maker=maker, certificates=[sm2.der], ends=sm2, keys=keys, at=at)
    with sessions() as session:
        chain = ca_issue.find_issuer(session, maker.rsa_issuer).certificate
    return Made(sealed, f"{mark}-sm2", sm2, f"{mark}-rsa", rsa, chain)


def _record(
    session: Session, key: UUID, order: SealOrder, made: Made, *, by: Caller, at: datetime
) -> Seal:
    row = Seal(
        es_id=order.es_id, name=order.name, kind=order.kind, owner=order.owner,
        owner_name=order.owner_name, state=SealState.MADE, state_at=at, **columns(made, by, at),
    )  # fmt: skip
    session.add(row)
    session.flush()
    won = session.scalar(
        update(SealRequest)
        .where(SealRequest.id == key, SealRequest.state == RequestState.APPROVED)
        .values(state=RequestState.MADE, es_id=order.es_id)
        .returning(SealRequest.id)
    )
    if won is None:
        raise NotApproved(f"application {key} has been made by somebody else")
    life.step(session, SealState.MADE, request=key, seal=order.es_id, by=by, at=at)
    details: dict[str, audit.JSON] = {"owner": order.owner, "sm3": hashes.sm3(made.seal).hex()}
    audit.record(session, "seal.made", subject=order.es_id, by=by, at=at, details=details)
    return row


def columns(made: Made, by: Caller, at: datetime) -> dict[str, object]:
    """What of a seal's row changes when it is made anew."""
    return {
        "seal": made.seal, "sm2_key": made.sm2_key, "sm2_certificate": made.sm2.der,
        "rsa_key": made.rsa_key, "rsa_certificate": made.rsa.der, "rsa_chain": made.rsa_chain,
        "valid_from": made.sm2.not_before,
        "valid_until": min(made.sm2.not_after, made.rsa.not_after),
        "made_by": by.account, "made_at": at,
    }  # fmt: skip


def _certify(
    sessions: Sessions, key_id: str, kind: KeyKind, name: bytes, *, maker: Maker, keys: KeyStore,
    by: Caller, at: datetime, renews: str | None,
) -> x509.Certificate:  # fmt: skip
    spki = keys.generate(key_id, kind, bits=RSA_BITS)
    issuer = maker.sm2_issuer if kind is KeyKind.SM2 else maker.rsa_issuer
    order = ca_issue.Order("seal", name, spki, base_url=maker.base_url, renews=renews)
    return ca_issue.issue(sessions, order, issuer=issuer, keys=keys, by=by, at=at)


def _seal(
    order: SealOrder, *, maker: Maker, certificates: Sequence[bytes], ends: x509.Certificate,
    keys: KeyStore, at: datetime,
) -> bytes:  # fmt: skip
    info = asn1.write_info(
        SealInfo(
            version=asn1.VERSION, vendor=VENDOR, es_id=order.es_id, kind=KIND_NUMBERS[order.kind],
            name=order.name, cert_list_type=CertListType.CERTIFICATES,
            cert_list=tuple(certificates), created=at, valid_from=ends.not_before,
            valid_until=ends.not_after, picture_type="SVG", picture=order.picture,
            width=round(order.width_mm), height=round(order.height_mm),
        )
    )  # fmt: skip
    signature = keys.sign(maker.key_id, info, Algorithm.SM2_SM3)
    return asn1.write_seal(info, maker=maker.certificate, signature=signature)
