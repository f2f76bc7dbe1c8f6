"""Sealing many pages at once: the seals of `seal.apply`, a step of all pages before the next step.

Each page gets what `apply` gives it, both suites. Signatures by one key are asked for together, and
so are time-stamps: SM2 signs eight at a time where the processor can, and our own authority looks
at clock and database once for a block. Whoever seals many reads every file back before it leaves:
of the time-stamps only the first of each suite is verified here.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from seal import asn1
from seal.apply import (
    STAMPED,
    Impression,
    Suites,
    closing_field,
    signers_of,
    stamp_field,
)
from seal.long_term import LongTerm
from seal.pdf.sealing import Begun, Field, Place, begin
from trust import keys as key_stores
from trust.carried import Evidence
from trust.crypto import cms, hashes, signatures, x509
from trust.crypto.algorithms import Algorithm
from trust.errors import Invalid
from trust.keys import KeyStore

_SM2, _RSA = Algorithm.SM2_SM3, Algorithm.RSA_SHA256


@dataclass(frozen=True, slots=True)
class Page:
    """A page as rendered, and its seals in their order; the last one's RSA key locks it."""

    pdf: bytes
    seals: tuple[tuple[Impression, Place], ...]


def apply_many(
    pages: Sequence[Page], *, keys: KeyStore, at: datetime, long_term: LongTerm | None
) -> list[bytes]:
    """The sealed documents, in the order of `pages`; one that cannot be sealed raises for all.

    Raises what `apply` raises, and AuthorityChanged when the time-stamp authority has another key
    since room was made for its stamps: then seal each by itself.
    """
    if any(not page.seals for page in pages):
        raise Invalid("a document is sealed with at least one seal")
    bench = _Bench(keys, at.replace(microsecond=0), long_term)
    found = [page.pdf for page in pages]
    for number in range(max((len(page.seals) for page in pages), default=0)):
        chosen = [index for index, page in enumerate(pages) if number < len(page.seals)]
        wanted = [(found[index], *pages[index].seals[number]) for index in chosen]
        for index, sealed in zip(chosen, bench.stamp(wanted, number + 1), strict=True):
            found[index] = sealed
    return bench.close([
        (pdf, [seal for seal, _ in page.seals]) for pdf, page in zip(found, pages, strict=True)
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Bench:
    keys: KeyStore
    at: datetime
    long_term: LongTerm | None

    def stamp(self, wanted: Sequence[tuple[bytes, Impression, Place]], number: int) -> list[bytes]:
        """The SM2 seals that come `number`-th."""
        begun = [
            self._begin(pdf, stamp_field(seal, place, number=number, lock=False), _SM2, None)
            for pdf, seal, place in wanted
        ]
        seals = [seal for _, seal, _ in wanted]
        tbs = [
            asn1.write_tbs(
                seal.seal, at=self.at, data_hash=hashes.sm3(each.covered), property_info=each.span
            )
            for seal, each in zip(seals, begun, strict=True)
        ]
        values = self._sign([seal.sm2_key for seal in seals], tbs, _SM2)
        return [
            each.finish(
                asn1.write_stamp(
                    signed, signer=seal.sm2_certificate, signature=value, time_stamp=token
                )
            )
            for each, seal, signed, value, token in zip(
                begun, seals, tbs, values, self._tokens(_SM2, values), strict=True
            )
        ]

    def close(self, wanted: Sequence[tuple[bytes, list[Impression]]]) -> list[bytes]:
        """The RSA signatures that lock."""
        begun = [
            self._begin(pdf, closing_field(seals[-1], None), _RSA, self._evidence(seals))
            for pdf, seals in wanted
        ]
        last = [seals[-1] for _, seals in wanted]
        digests = [hashes.sha256(each.covered) for each in begun]
        attributes = [
            cms.signed_attributes(
                digest, signer=seal.rsa_certificate, dress=cms.Dress.RFC5652, digest_oid=cms.SHA256
            )
            for digest, seal in zip(digests, last, strict=True)
        ]
        values = self._sign([seal.rsa_key for seal in last], attributes, _RSA)
        for seal, signed, value in zip(last, attributes, values, strict=True):
            # A fault in an RSA-CRT signature gives the key away: look before it leaves.
            signatures.verify(_RSA, _spki(seal.rsa_certificate), signed, value)
        return [
            each.finish(_closing(digest, seal, value, token))
            for each, digest, seal, value, token in zip(
                begun, digests, last, values, self._tokens(_RSA, values), strict=True
            )
        ]

    def _begin(
        self, pdf: bytes, field: Field, suite: Algorithm, evidence: Evidence | None
    ) -> Begun:
        room = 0 if self.long_term is None else self.long_term.stamps.room(suite)
        field = replace(field, size=field.size + room, evidence=evidence)
        return begin(pdf, field, at=self.at)

    def _evidence(self, seals: Sequence[Impression]) -> Evidence | None:
        if self.long_term is None:
            return None
        stampers = [self.long_term.stamps.signer(suite) for suite in STAMPED[Suites.DUAL]]
        return self.long_term.evidence([*signers_of(seals, Suites.DUAL), *stampers])

    def _sign(
        self, key_ids: Sequence[str], messages: Sequence[bytes], suite: Algorithm
    ) -> list[bytes]:
        """Each message by its key, those of one key together."""
        by_key: dict[str, list[int]] = defaultdict(list)
        for index, key_id in enumerate(key_ids):
            by_key[key_id].append(index)
        found = [b""] * len(messages)
        for key_id, chosen in by_key.items():
            signed = key_stores.sign_many(
                self.keys, key_id, [messages[index] for index in chosen], suite
            )
            for index, value in zip(chosen, signed, strict=True):
                found[index] = value
        return found

    def _tokens(self, suite: Algorithm, values: Sequence[bytes]) -> Sequence[bytes | None]:
        if self.long_term is None or not values:
            return [None] * len(values)
        stamps = self.long_term.stamps
        return stamps.expected_many(suite, values, stamps.signer(suite))


def _closing(digest: bytes, seal: Impression, value: bytes, token: bytes | None) -> bytes:
    """The CMS around a signature that was made before."""
    stamp: Callable[[bytes], bytes] | None = None
    if token is not None:
        stamp = Given(token)
    return cms.signed_data(
        digest, signer=seal.rsa_certificate, chain=(seal.rsa_chain,), sign=Given(value),
        stamp=stamp,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """Stands where something is made of a message, and gives what was made of it before."""

    made: bytes

    def __call__(self, _message: bytes) -> bytes:
        return self.made


@lru_cache(maxsize=256)
def _spki(certificate: bytes) -> bytes:
    return x509.parse_certificate(certificate).spki
