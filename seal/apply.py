"""Applying seals to a document: SM2 (GB/T 38540) first, one RSA seal (PAdES) last that locks it.

With `LongTerm` every signature is time-stamped, and the last one's revision carries the evidence of
all chains, those of the time-stamps too: it is covered by that signature, and nothing is appended.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from seal import asn1
from seal.life import SealNotInForce
from seal.long_term import AuthorityChanged, LongTerm
from seal.models import Seal, SealState
from seal.pdf.sealing import PADES, SM2_SEAL, Field, Place, Visible, add_signature
from seal.picture import appearance
from trust.carried import Evidence
from trust.crypto import cms, hashes, signatures, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.x509 import Certificate
from trust.errors import Invalid, NotFound
from trust.keys import KeyStore

#: An SM2 signature's DER is at most 72 bytes, an SES_Signature's own fields about 120 more.
_STAMP_ROOM, _CMS_ROOM = 256, 900


class Suites(StrEnum):
    """Which signatures a sealed document carries."""

    DUAL = "dual"
    SM2 = "sm2"
    RSA = "rsa"


#: Which authorities' stamps they carry.
STAMPED = {
    Suites.DUAL: (Algorithm.SM2_SM3, Algorithm.RSA_SHA256), Suites.SM2: (Algorithm.SM2_SM3,),
    Suites.RSA: (Algorithm.RSA_SHA256,),
}  # fmt: skip


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
    long_term: LongTerm | None = None,
) -> bytes:  # fmt: skip
    """The sealed document. In a dual file only the SM2 fields are visible.

    The last entry of `seals` is the one whose RSA key closes and locks the document. Without
    `long_term` the signatures are as in PAdES B-B: no time-stamps, no evidence. A time-stamp or
    evidence that cannot be had is NoTimeStamp or NoEvidence, and nothing is left behind.
    """
    if not seals:
        raise Invalid("a document is sealed with at least one seal")
    at = at.replace(microsecond=0)
    signers = tuple(signers_of([seal for seal, _ in seals], suites))
    bench = _Bench(keys, at, add, long_term, signers, STAMPED[suites])
    if suites is not Suites.RSA:
        for number, (seal, place) in enumerate(seals, 1):
            last = suites is Suites.SM2 and number == len(seals)
            pdf = bench.stamp(pdf, seal, place, number=number, lock=last)
    if suites is Suites.SM2:
        return pdf
    seal, place = seals[-1]
    return bench.close(pdf, seal, seal.visible(place) if suites is Suites.RSA else None)


def stamp(
    pdf: bytes, seal: Impression, place: Place, *, number: int, lock: bool, keys: KeyStore,
    at: datetime, add: AddSignature,
) -> bytes:  # fmt: skip
    """Append one SM2 seal (GB/T 38540), not time-stamped; `number` counts the seals from 1."""
    return _Bench(keys, at, add, None, (), ()).stamp(pdf, seal, place, number=number, lock=lock)


def stamp_field(seal: Impression, place: Place, *, number: int, lock: bool) -> Field:
    """The field of an SM2 seal; `number` counts the seals from 1."""
    size = len(seal.seal) + len(seal.sm2_certificate) + _STAMP_ROOM
    return Field(f"Seal{number}", SM2_SEAL, seal.name, size, seal.visible(place), lock)


def closing_field(seal: Impression, visible: Visible | None) -> Field:
    """The field of the RSA signature that locks."""
    size = len(seal.rsa_certificate) + len(seal.rsa_chain) + _CMS_ROOM
    return Field("Final", PADES, seal.name, size, visible, lock=True)


def signers_of(seals: Sequence[Impression], suites: Suites) -> Iterator[Certificate]:
    """Whose chains a verifier of the sealed file will judge, time-stamps apart."""
    for seal in seals if suites is not Suites.RSA else ():
        yield x509.parse_certificate(seal.sm2_certificate)
        yield x509.parse_certificate(asn1.parse_seal(seal.seal).maker)
    if suites is not Suites.SM2:
        yield x509.parse_certificate(seals[-1].rsa_certificate)


@dataclass(frozen=True, slots=True)
class _Bench:
    """What all signatures of one document are made with."""

    keys: KeyStore
    at: datetime
    add: AddSignature
    long_term: LongTerm | None
    signers: tuple[Certificate, ...]
    stamped: tuple[Algorithm, ...]

    def stamp(
        self, pdf: bytes, seal: Impression, place: Place, *, number: int, lock: bool
    ) -> bytes:
        """Append one SM2 seal; the last one of a file without RSA locks."""
        suite = Algorithm.SM2_SM3

        def contents(covered: bytes, span: str, stamper: Certificate | None) -> bytes:
            tbs = asn1.write_tbs(
                seal.seal, at=self.at, data_hash=hashes.sm3(covered), property_info=span
            )
            signature = self.keys.sign(seal.sm2_key, tbs, suite)
            token = self._time_stamp(suite, signature, stamper)
            return asn1.write_stamp(
                tbs, signer=seal.sm2_certificate, signature=signature, time_stamp=token
            )

        return self._add(pdf, stamp_field(seal, place, number=number, lock=lock), suite, contents)

    def close(self, pdf: bytes, seal: Impression, visible: Visible | None) -> bytes:
        """Append the RSA signature that locks."""
        suite = Algorithm.RSA_SHA256
        spki = x509.parse_certificate(seal.rsa_certificate).spki

        def sign(attributes: bytes) -> bytes:
            signature = self.keys.sign(seal.rsa_key, attributes, suite)
            # A fault in an RSA-CRT signature gives the key away: look before it leaves.
            signatures.verify(suite, spki, attributes, signature)
            return signature

        def contents(covered: bytes, _span: str, stamper: Certificate | None) -> bytes:
            def stamped(value: bytes) -> bytes:
                return self._time_stamp(suite, value, stamper) or b""

            return cms.signed_data(
                hashes.sha256(covered), signer=seal.rsa_certificate, chain=(seal.rsa_chain,),
                sign=sign, stamp=stamped if stamper else None,
            )  # fmt: skip

        return self._add(pdf, closing_field(seal, visible), suite, contents)

    def _time_stamp(
        self, suite: Algorithm, value: bytes, stamper: Certificate | None
    ) -> bytes | None:
        if self.long_term is None or stamper is None:
            return None
        return self.long_term.stamps.expected(suite, value, stamper)

    def _add(
        self, pdf: bytes, field: Field, suite: Algorithm,
        contents: Callable[[bytes, str, Certificate | None], bytes],
    ) -> bytes:  # fmt: skip
        """Room and evidence are made for the authority's present key; when it turns out to have
        another one, once more for that."""
        if self.long_term is None:
            return self.add(pdf, field, lambda c, span: contents(c, span, None), at=self.at)
        try:
            return self._add_stamped(pdf, field, suite, contents, self.long_term)
        except AuthorityChanged:
            return self._add_stamped(pdf, field, suite, contents, self.long_term)

    def _add_stamped(
        self, pdf: bytes, field: Field, suite: Algorithm,
        contents: Callable[[bytes, str, Certificate | None], bytes], long_term: LongTerm,
    ) -> bytes:  # fmt: skip
        stamper = long_term.stamps.signer(suite)
        field = replace(
            field, size=field.size + long_term.stamps.room(suite),
            evidence=self._evidence(long_term) if field.lock else None,
        )  # fmt: skip
        return self.add(pdf, field, lambda c, span: contents(c, span, stamper), at=self.at)

    def _evidence(self, long_term: LongTerm) -> Evidence:
        """Of every signer, and of the authorities that stamp their signatures."""
        stampers = [long_term.stamps.signer(suite) for suite in self.stamped]
        return long_term.evidence([*self.signers, *stampers])
