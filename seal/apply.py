"""Applying seals to a document: SM2 (GB/T 38540) first, one RSA seal (PAdES) last that locks it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from seal import asn1
from seal.make import SealNotInForce
from seal.models import Seal, SealState
from seal.pdf.sealing import PADES, SM2_SEAL, Field, Place, Visible, add_signature
from seal.picture import appearance
from trust.crypto import cms, hashes, signatures, x509
from trust.crypto.algorithms import Algorithm
from trust.errors import Invalid, NotFound
from trust.keys import KeyStore

#: An SM2 signature's DER is at most 72 bytes, an SES_Signature's own fields about 120 more.
_STAMP_ROOM, _CMS_ROOM = 256, 900


class Suites(StrEnum):
    """Which signatures a sealed document carries."""

    DUAL = "dual"
    SM2 = "sm2"
    RSA = "rsa"


class AddSignature(Protocol):
    """How a signature gets into the file: `sealing.add_signature` for files that we rendered,
    `foreign.add_signature` for anyone's."""

    def __call__(
        self, pdf: bytes, field: Field, contents: Callable[[bytes, str], bytes], *, at: datetime
    ) -> bytes: ...


_TABLE = cast(Table, Seal.__table__)
_SEAL = select(_TABLE).where(_TABLE.c.es_id == bindparam("wanted"))


@dataclass(frozen=True, slots=True)
class Impression:
    """A seal ready for use: public parts and the names of its keys."""

    es_id: str
    name: str
    owner: str
    seal: bytes
    sm2_certificate: bytes
    sm2_key: str
    rsa_certificate: bytes
    rsa_chain: bytes
    rsa_key: str
    picture_type: str
    picture: bytes
    width_mm: float
    height_mm: float

    def visible(self, place: Place) -> Visible:
        drawn = appearance(
            self.picture_type, self.picture, width_mm=self.width_mm, height_mm=self.height_mm
        )
        return Visible(place, drawn)


def impression(session: Session, es_id: str, *, at: datetime) -> Impression:
    """The seal, if it is in force at `at`: NotFound or SealNotInForce.

    Read anew for every use, so that freezing takes effect with the next one, in every process.
    """
    row = session.connection().execute(_SEAL, {"wanted": es_id}).one_or_none()
    if row is None:
        raise NotFound(f"no seal {es_id}")
    if row.state != SealState.ACTIVE or not row.valid_from <= at <= row.valid_until:
        raise SealNotInForce(f"seal {es_id} is {row.state} or outside its validity")
    info = asn1.parse_seal(row.seal).info
    return Impression(
        es_id=row.es_id, name=row.name, owner=row.owner, seal=row.seal,
        sm2_certificate=row.sm2_certificate, sm2_key=row.sm2_key,
        rsa_certificate=row.rsa_certificate, rsa_chain=row.rsa_chain, rsa_key=row.rsa_key,
        picture_type=info.picture_type, picture=info.picture, width_mm=info.width,
        height_mm=info.height,
    )  # fmt: skip


def apply(
    pdf: bytes, seals: Sequence[tuple[Impression, Place]], *, suites: Suites = Suites.DUAL,
    keys: KeyStore, at: datetime, add: AddSignature = add_signature,
) -> bytes:  # fmt: skip
    """The sealed document. In a dual file only the SM2 fields are visible.

    The last entry of `seals` is the one whose RSA key closes and locks the document.
    """
    if not seals:
        raise Invalid("a document is sealed with at least one seal")
    at = at.replace(microsecond=0)
    if suites is not Suites.RSA:
        for number, (seal, place) in enumerate(seals, 1):
            last = suites is Suites.SM2 and number == len(seals)
            pdf = stamp(pdf, seal, place, number=number, lock=last, keys=keys, at=at, add=add)
    if suites is Suites.SM2:
        return pdf
    seal, place = seals[-1]
    visible = seal.visible(place) if suites is Suites.RSA else None
    return _close(pdf, seal, visible, keys=keys, at=at, add=add)


def stamp(
    pdf: bytes, seal: Impression, place: Place, *, number: int, lock: bool, keys: KeyStore,
    at: datetime, add: AddSignature,
) -> bytes:  # fmt: skip
    """Append one SM2 seal (GB/T 38540); `number` counts the seals from 1."""

    def contents(covered: bytes, span: str) -> bytes:
        tbs = asn1.write_tbs(seal.seal, at=at, data_hash=hashes.sm3(covered), property_info=span)
        signature = keys.sign(seal.sm2_key, tbs, Algorithm.SM2_SM3)
        return asn1.write_stamp(tbs, signer=seal.sm2_certificate, signature=signature)

    size = len(seal.seal) + len(seal.sm2_certificate) + _STAMP_ROOM
    field = Field(f"Seal{number}", SM2_SEAL, seal.name, size, seal.visible(place), lock)
    return add(pdf, field, contents, at=at)


def _close(
    pdf: bytes, seal: Impression, visible: Visible | None, *, keys: KeyStore, at: datetime,
    add: AddSignature,
) -> bytes:  # fmt: skip
    algorithm = Algorithm.RSA_SHA256
    spki = x509.parse_certificate(seal.rsa_certificate).spki

    def sign(attributes: bytes) -> bytes:
        signature = keys.sign(seal.rsa_key, attributes, algorithm)
        # A fault in an RSA-CRT signature gives the key away: look before it leaves.
        signatures.verify(algorithm, spki, attributes, signature)
        return signature

    def contents(covered: bytes, _span: str) -> bytes:
        return cms.signed_data(
            hashes.sha256(covered), signer=seal.rsa_certificate, chain=(seal.rsa_chain,), sign=sign
        )

    size = len(seal.rsa_certificate) + len(seal.rsa_chain) + _CMS_ROOM
    return add(pdf, Field("Final", PADES, seal.name, size, visible, lock=True), contents, at=at)
