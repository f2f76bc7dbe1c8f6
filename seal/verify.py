"""Verifying a seal and a seal signature (GB/T 38540-2020, 6.3 and 7.3), judged at signing time.

Order: 1 structure  2 version  3 signature value  4 time-stamp (the caller's: `time`)  5 signer in
the seal's list  6 signer's chain  7 digest of the original  8 the seal itself: maker's signature,
maker's chain, in force at the time.
Step 5 is what binds the signer: in v4 the certificate stands outside the signed bytes.
"""

from datetime import datetime
from functools import lru_cache

from seal import asn1
from seal.asn1 import Seal, Stamp
from trust import chain
from trust.chain import Word
from trust.crypto import hashes, signatures, x509
from trust.crypto.algorithms import Algorithm, by_oid
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.sm2 import raw_to_der
from trust.report import Check, Detail, failed, passed, unknown
from trust.signing_time import SigningTime
from trust.validation import TrustStore


def check_stamp(
    label: str,
    stamp: Stamp,
    *,
    digest: bytes | None,
    store: TrustStore,
    now: datetime,
    purpose: str | None = None,
    maker_purpose: str | None = None,
    region: str | None = None,
    time: SigningTime | None = None,
) -> list[Check]:
    """Checks `signature<label>`, `chain<label>`, `revocation<label>`, `seal<label>`.

    `digest` is the hash of the original (None: the original is not at hand). The purposes are the
    extended key usages asked of signer and maker, `region` the region that both their chains must
    be of; None for seals of foreign make. `time` is the signing time, if it was established.
    """
    at, word = (time.at, time.word) if time else (stamp.at, Word.CLAIMED)
    checks = [_check_signature(f"signature{label}", stamp, digest)]
    try:
        signer = x509.parse_certificate(stamp.signer)
    except Malformed as error:
        return [*checks, failed(f"chain{label}", "chain_malformed", str(error))]
    if at is None:
        checks.append(unknown(f"chain{label}", "no_anchor"))
    else:
        checks += chain.judge(
            label, signer, store=store, at=at, now=now, purpose=purpose, region=region, word=word
        )
    checks.append(_check_binding(f"seal{label}", stamp) or check_seal(
        f"seal{label}", stamp.seal, store=store, at=at or now, now=now, purpose=maker_purpose,
        region=region, word=word,
    ))  # fmt: skip
    return checks


def _check_signature(name: str, stamp: Stamp, digest: bytes | None) -> Check:
    try:
        spki = x509.parse_certificate(stamp.signer).spki
        verify_value(stamp.algorithm, spki, stamp.tbs, stamp.signature)
    except InvalidSignature:
        return failed(name, "signature_invalid")
    except UnknownAlgorithm as error:
        return failed(name, "algorithm_refused", str(error))
    except Malformed as error:
        return failed(name, "signature_malformed", str(error))
    if digest is None:
        return unknown(name, "document_withheld")
    if stamp.data_hash != digest:
        return failed(name, "digest_mismatch")
    return passed(name, "signature_valid", stamp.seal.info.name)


def _check_binding(name: str, stamp: Stamp) -> Check | None:
    if stamp.version != stamp.seal.info.version:
        return failed(name, "seal_version")
    digests = (hashes.sm3(stamp.signer), hashes.sha256(stamp.signer))
    if not asn1.lists(stamp.seal, stamp.signer, digests):
        return failed(name, "seal_signer_mismatch")
    return None


def check_seal(
    name: str, seal: Seal, *, store: TrustStore, at: datetime, now: datetime,
    purpose: str | None = None, region: str | None = None, word: Word = Word.CLAIMED,
) -> Check:  # fmt: skip
    """Judge the seal data at `at`; a seal that ended since is said, not failed."""
    try:
        maker = x509.parse_certificate(seal.maker)
        _verify_maker(seal.algorithm, maker.spki, seal.signed, seal.signature)
    except InvalidSignature:
        return failed(name, "seal_signature_invalid")
    except (UnknownAlgorithm, Malformed) as error:
        return failed(name, "signature_malformed", str(error))
    if not seal.info.valid_from <= at <= seal.info.valid_until:
        return failed(name, "seal_not_in_force")
    legs = chain.judge(
        "", maker, store=store, at=at, now=now, purpose=purpose, region=region, word=word
    )
    for leg in legs:
        if leg.code == "no_anchor":
            return unknown(name, "seal_maker_untrusted", _inner(leg))
        if not chain.all_passed([leg]):
            return Check(name, leg.outcome, "seal_maker_untrusted", _inner(leg))
    if now > seal.info.valid_until:
        return passed(name, "seal_expired_now")
    return passed(name, "seal_valid", seal.info.name)


def _inner(leg: Check) -> Detail:
    """A leg's sentence inside another one."""
    reason = leg.reason()
    return reason["zh"].rstrip("。"), reason["en"].rstrip(".")


@lru_cache(maxsize=256)
def _verify_maker(algorithm: str, spki: bytes, signed: bytes, signature: bytes) -> None:
    """Remembers seals that hold (a raise is not kept): one seal comes with very many files."""
    verify_value(algorithm, spki, signed, signature)


def verify_value(algorithm: str, spki: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature value of SES: DER, or r then s raw, as one vendor writes it."""
    suite = by_oid(algorithm)
    if suite is Algorithm.SM2_SM3 and len(signature) == 64 and signature[:1] != b"0":
        signature = raw_to_der(signature)
    signatures.verify(suite, spki, message, signature)
