"""Making a seal: two key pairs, their certificates, and the SESeal that binds picture and keys."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ca import issue as ca_issue
from seal import asn1
from seal.asn1 import CertListType, SealInfo
from seal.models import KIND_NUMBERS, Seal, SealKind, SealState
from trust import audit
from trust.access import Caller, Role
from trust.crypto import hashes, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, Invalid
from trust.keys import KeyStore

VENDOR = "TRUST"
#: RSA keys of seals: pages are sealed by the thousand, and 2048 bits stand until 2030 (NIST SP
#: 800-57); CAs have 3072.
RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes seals: a key and its certificate (profile `seal-maker`), and the issuing CAs."""

    key_id: str
    certificate: bytes
    sm2_issuer: str
    rsa_issuer: str
    region: str


@dataclass(frozen=True, slots=True)
class SealOrder:
    """What was approved. `picture` is SVG, `size_mm` its diameter."""

    owner: str
    owner_name: str
    name: str
    kind: SealKind
    picture: bytes
    size_mm: float


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
    sessions: Sessions, order: SealOrder, *, maker: Maker, keys: KeyStore, by: Caller, at: datetime
) -> Seal:
    """Make a seal that is in force at once; Forbidden unless `by` administers seals.

    1. keys and certificates, each a transaction of the CA  2. the SESeal, signed by the maker
    3. the row and its audit entry. A crash before 3 leaves keys and certificates that no seal
    names: they can seal nothing, since only a seal's row leads to them.
    """
    if not by.has(Role.SEAL_ADMIN) or by.authority != order.owner:
        raise Forbidden("only a seal administrator of its owner makes a seal")
    if not order.name.strip() or not 10 <= order.size_mm <= 80:
        raise Invalid("a seal has a name and is 10 to 80 mm wide")
    es_id = es_identifier(maker.region)
    name = subject(es_id=es_id, owner=order.owner, owner_name=order.owner_name, region=maker.region)
    certificates = {
        kind: _certify(sessions, f"seal-{es_id}-{kind.value.lower()}", kind, name, maker=maker,
                       keys=keys, by=by, at=at)
        for kind in (KeyKind.SM2, KeyKind.RSA)
    }  # fmt: skip
    sm2, rsa = certificates[KeyKind.SM2], certificates[KeyKind.RSA]
    sealed = _seal(order, es_id, maker=maker, certificates=[sm2.der], ends=sm2, keys=keys, at=at)
    with sessions.begin() as session:
        chain = ca_issue.find_issuer(session, maker.rsa_issuer).certificate
        row = Seal(
            es_id=es_id, name=order.name, kind=order.kind, owner=order.owner,
            owner_name=order.owner_name, state=SealState.ACTIVE, seal=sealed,
            sm2_key=f"seal-{es_id}-sm2", sm2_certificate=sm2.der, rsa_key=f"seal-{es_id}-rsa",
            rsa_certificate=rsa.der, rsa_chain=chain, valid_from=sm2.not_before,
            valid_until=min(sm2.not_after, rsa.not_after), made_by=by.account, made_at=at,
            state_at=at,
        )  # fmt: skip
        session.add(row)
        details = {"owner": order.owner, "sm3": hashes.sm3(sealed).hex()}
        audit.record(session, "seal.made", subject=es_id, by=by, at=at, details=details)
    return row


def _certify(
    sessions: Sessions, key_id: str, kind: KeyKind, name: bytes, *, maker: Maker, keys: KeyStore,
    by: Caller, at: datetime,
) -> x509.Certificate:  # fmt: skip
    spki = keys.generate(key_id, kind, bits=RSA_BITS)
    issuer = maker.sm2_issuer if kind is KeyKind.SM2 else maker.rsa_issuer
    order = ca_issue.Order("seal", name, spki)
    return ca_issue.issue(sessions, order, issuer=issuer, keys=keys, by=by, at=at)


def _seal(
    order: SealOrder, es_id: str, *, maker: Maker, certificates: Sequence[bytes],
    ends: x509.Certificate, keys: KeyStore, at: datetime,
) -> bytes:  # fmt: skip
    size = round(order.size_mm)
    info = asn1.write_info(
        SealInfo(
            version=asn1.VERSION, vendor=VENDOR, es_id=es_id, kind=KIND_NUMBERS[order.kind],
            name=order.name, cert_list_type=CertListType.CERTIFICATES,
            cert_list=tuple(certificates), created=at, valid_from=ends.not_before,
            valid_until=ends.not_after, picture_type="SVG", picture=order.picture, width=size,
            height=size,
        )
    )  # fmt: skip
    signature = keys.sign(maker.key_id, info, Algorithm.SM2_SM3)
    return asn1.write_seal(info, maker=maker.certificate, signature=signature)


class SealNotInForce(Conflict):
    code = "seal_not_in_force"


def set_state(session: Session, es_id: str, state: SealState, *, by: Caller, at: datetime) -> Seal:
    """Freeze, release, cancel or mark a seal invalid; cancelled and invalid are for good."""
    row = session.get(Seal, es_id, with_for_update=True)
    if row is None or not by.has(Role.SEAL_ADMIN) or by.authority != row.owner:
        raise Forbidden("no such seal, or not yours to administer")
    if row.state in (SealState.CANCELLED, SealState.INVALID) or row.state == state:
        raise SealNotInForce(f"seal {es_id} is {row.state}")
    row.state, row.state_at = state, at
    audit.record(session, f"seal.{state}", subject=es_id, by=by, at=at)
    return row
