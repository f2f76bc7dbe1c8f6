"""Revocation by OCSP answers at hand (RFC 6960, 3.2 and 4.2.2.2), as documents carry them along.

An answer counts when the issuer itself signed it, or somebody whom the issuer has certified for
that and nobody need ask about (id-pkix-ocsp-nocheck); anything else is UNKNOWN, never GOOD.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

from trust.crypto import der, names, ocsp, signatures, x509
from trust.crypto.algorithms import by_oid
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.ocsp import Known, Response, Single
from trust.crypto.x509 import Certificate
from trust.validation import Standing, Status, verify_signed

#: Certificates in one answer that are tried as its signer.
SIGNERS_MAX: Final = 8
_Refused = (InvalidSignature, Malformed, UnknownAlgorithm)


class OcspLookup:
    """Answers from OCSP responses (a `RevocationLookup`).

    `seen` is a time at which they are known to have existed: their signers were in force then.
    An answer is good for times up to its nextUpdate; earlier times too, since it has the date of
    every revocation, but a certificate that had ended when it was made may have been forgotten.
    """

    def __init__(self, answers: Iterable[Response], *, seen: datetime) -> None:
        self._seen = seen
        self._by_serial: dict[int, list[tuple[Single, Response]]] = {}
        for answer in answers:
            for single in answer.singles:
                self._by_serial.setdefault(single.cert_id.serial, []).append((single, answer))

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        found = Status(Standing.UNKNOWN)
        for single, answer in self._by_serial.get(certificate.serial, ()):
            if (
                not _is_about(single, certificate, issuer)
                or single.next_update is None
                or not at <= single.next_update
                or not self._is_signed(answer, issuer)
            ):
                continue
            if not isinstance(single.standing, Known):
                return Status(Standing.REVOKED, single.standing.at, single.standing.reason)
            if single.standing is Known.GOOD and single.this_update <= certificate.not_after:
                found = Status(Standing.GOOD)
        return found

    def _is_signed(self, answer: Response, issuer: Certificate) -> bool:
        """Whether its signer was in force when it was made, and when it was seen."""
        signer = _signer(answer, issuer)
        return (
            signer is not None
            and signer.not_before <= answer.produced_at <= signer.not_after
            and self._seen <= signer.not_after
        )


def read_answers(items: Iterable[bytes], *, until: datetime) -> list[Response]:
    """Those that can be read and were made by `until`; the others say nothing."""
    found = []
    for item in items:
        try:
            answer = _parsed(item)
        except Malformed:
            continue
        if isinstance(answer, Response) and answer.produced_at <= until:
            found.append(answer)
    return found


@lru_cache(maxsize=1024)
def _parsed(data: bytes) -> Response | ocsp.ResponseStatus:
    return ocsp.parse_response(data)


def _is_about(single: Single, certificate: Certificate, issuer: Certificate) -> bool:
    named = single.cert_id
    if named.hash_oid not in ocsp.HASHES or not names.same(certificate.issuer, issuer.subject):
        return False
    return (named.name_hash, named.key_hash) == _hashes(issuer, named.hash_oid)


@lru_cache(maxsize=256)
def _hashes(issuer: Certificate, oid: str) -> tuple[bytes, bytes]:
    made = ocsp.cert_id(issuer, 1, hash_oid=oid)
    return made.name_hash, made.key_hash


@lru_cache(maxsize=1024)
def _signer(answer: Response, issuer: Certificate) -> Certificate | None:
    """Whose signature is on the answer, if the issuer stands for it. A fact that never changes:
    one answer comes with many documents."""
    candidates = [issuer]
    for item in answer.certificates[:SIGNERS_MAX]:
        try:
            candidates.append(x509.parse_certificate(item))
        except Malformed:
            continue
    for candidate in candidates:
        try:
            if _is_named(answer.responder, candidate) and _may_answer(candidate, issuer):
                suite = by_oid(answer.signature_oid)
                signatures.verify(suite, candidate.spki, answer.tbs, answer.signature)
                return candidate
        except _Refused:
            continue
    return None


def _is_named(responder: bytes, candidate: Certificate) -> bool:
    """ResponderID: a Name ([1]) or the SHA-1 of a key ([2]), which only says who is meant."""
    value = der.parse(responder)
    if value.tag == 0xA1:
        return value.content == candidate.subject
    key = hashlib.sha1(ocsp.key_bits(candidate.spki), usedforsecurity=False).digest()
    return value.tag == 0xA2 and der.read_octets(der.parse(value.content)) == key


def _may_answer(candidate: Certificate, issuer: Certificate) -> bool:
    if candidate == issuer:
        return True
    if ocsp.OCSP_SIGNING not in (x509.extended_key_usage(candidate) or ()):
        return False
    if x509.OCSP_NOCHECK not in candidate.extensions or candidate.issuer != issuer.subject:
        return False
    verify_signed(candidate, issuer.spki)
    return True
