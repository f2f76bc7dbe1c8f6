"""When a signature was made, and whose word that is: the check `time<label>` of a report.

A signature time-stamp that holds is believed before what the signer claims (EN 319 102-1, 5.5.4);
one that does not hold is a fault of its own here, since what this platform writes is stamped or is
not, and never badly.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from trust import chain, timestamps
from trust.carried import SKEW
from trust.chain import Word
from trust.crypto import hashes, tst, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.hashes import Digest
from trust.report import Check, Detail, Outcome, failed, passed, unknown
from trust.timestamps import TIME_STAMPING, Verified
from trust.validation import TrustStore

#: A stamp is asked for when the seal is applied; one of much later was put there by somebody else.
DELAY_MAX: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SigningTime:
    """`at` on the word of `word`: a time-stamp's only when its check passed."""

    at: datetime
    word: Word
    check: Check


def establish(
    label: str, token: bytes | None, value: bytes, digest: Digest, *, claimed: datetime,
    store: TrustStore, now: datetime, region: str | None = None,
) -> SigningTime:  # fmt: skip
    """Judge the time-stamp `token` over the signature `value`, hashed by `digest`.

    Without a token the time is what the signer claims. `region` is whose authority may stamp: its
    own, or one whose path is of no region at all.
    """
    name = f"time{label}"
    if token is None:
        return SigningTime(claimed, Word.CLAIMED, passed(name, "time_claimed", _text(claimed)))
    try:
        found = read(token, value, digest)
        check = _check_authority(name, found, store=store, now=now, region=region)
    except InvalidSignature as error:
        check = failed(name, "time_stamp_invalid", str(error))
    except UnknownAlgorithm as error:
        check = failed(name, "algorithm_refused", str(error))
    except Malformed as error:
        check = failed(name, "time_stamp_malformed", str(error))
    else:
        at = found.info.at
        if check.outcome is Outcome.PASSED and not claimed - SKEW <= at <= claimed + DELAY_MAX:
            check = unknown(name, "time_stamp_disagrees", _text(at))
        if check.outcome is Outcome.PASSED:
            return SigningTime(at, Word.STAMPED, check)
    return SigningTime(claimed, Word.CLAIMED, check)


@lru_cache(maxsize=256)
def read(token: bytes, value: bytes, digest: Digest) -> Verified:
    """The token's word, its form and signature checked, its authority not; as `timestamps.verify`.

    Nothing signs the bytes around the authority's signature, so there is one spelling of them.
    Tokens that hold are remembered (a raise is not): one is read several times with its file.
    """
    tst.require_canonical(token)
    return timestamps.verify(token, tst.imprint(digest, hashes.digest(digest, value)))


def _check_authority(
    name: str, found: Verified, *, store: TrustStore, now: datetime, region: str | None
) -> Check:
    others = [x509.parse_certificate(c) for c in found.certificates if c != found.signer.der]
    wanted = chain.issuers(found.signer, store=store, extra=others)
    if wanted is not None and sorted(c.der for c in wanted) != sorted(c.der for c in others):
        raise Malformed("the certificates that come along are not the authority's chain")
    if chain.of_no_region(found.signer, store=store, extra=others):
        region = None
    legs = chain.judge(
        "", found.signer, store=store, at=found.info.at, now=now, purpose=TIME_STAMPING,
        extra=others, region=region, word=Word.AUTHORITY,
    )  # fmt: skip
    for leg in legs:
        if leg.code == "compromised":
            return unknown(name, "compromised")
        if leg.outcome is not Outcome.PASSED:
            return Check(name, leg.outcome, "time_stamp_untrusted", _inner(leg))
    return passed(name, "time_stamped", _text(found.info.at))


def _inner(leg: Check) -> Detail:
    """A leg's sentence inside another one."""
    reason = leg.reason()
    return reason["zh"].rstrip("。"), reason["en"].rstrip(".")


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")
