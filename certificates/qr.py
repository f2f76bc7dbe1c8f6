"""The claim in a licence's QR code: written and read in exactly one form (docs/qr.md).

The text is `<base URL>/v#<claim>`; the claim is base64url of a COSE_Sign1 over deterministic CBOR
with integer keys. It is printed on paper for years: keys are added by a new version only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from certificates import identifier
from certificates.identifier import Identifier
from trust.clock import CHINA
from trust.crypto import cose
from trust.crypto.algorithms import Algorithm
from trust.crypto.cose import Sign1
from trust.crypto.errors import Malformed
from trust.crypto.jose import b64url, unb64url
from trust.errors import Invalid

#: Bytes that version 15 at level M holds (ISO/IEC 18004).
TEXT_MAX = 412
#: No text longer than the largest QR code is looked at.
READ_MAX = 2953
PATH = "/v#"
VERSION = 1
DIGEST_LENGTH = 16
ELLIPSIS = "…"
_EPOCH = date(1970, 1, 1)
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_/-]{1,200}/v#([A-Za-z0-9_-]+)")

(K_VERSION, K_REGION, K_IDENTIFIER, K_HOLDER, K_TIME, K_ISSUED, K_FROM, K_UNTIL, K_STATUS,
 K_DIGEST, K_COPY_NUMBER, K_COPY_EXPIRY, K_COPY_ORIGINAL) = range(1, 14)  # fmt: skip
#: All three, or none: a purpose-marked copy's claim.
_COPY = frozenset({K_COPY_NUMBER, K_COPY_EXPIRY, K_COPY_ORIGINAL})
_COPY_NUMBER = re.compile(r"[0-9A-Z]{8,40}")
_REQUIRED = frozenset({K_VERSION, K_REGION, K_IDENTIFIER, K_HOLDER, K_TIME, K_STATUS, K_DIGEST})
_OPTIONAL = frozenset({K_ISSUED, K_FROM, K_UNTIL})


class BadClaim(Invalid):
    """No claim, or not in its one form; `code` is a report code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class CopyMark:
    """What the claim of a purpose-marked copy (加注件) says besides: the copy's own number, until
    when it may be used (to the second), and the first 16 bytes of SM3 over the licence.json of the
    original, which the claim's identifier names."""

    number: str
    until: datetime
    original: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What a QR code says. Dates are China's; `valid_until` None is long-term.

    `made_at` is when it was signed, to the second; `digest` the first 16 bytes of SM3 over the
    exact bytes of licence.json; `holder` is masked by the type's rule and may be cut. With `copy`
    it is about a copy: `digest` is of the copy's licence.json, all else is the original's.
    """

    region: str
    identifier: Identifier
    holder: str
    made_at: datetime
    issued: date
    valid_from: date
    valid_until: date | None
    status_list: int
    status_index: int
    digest: bytes
    copy: CopyMark | None = None


@dataclass(frozen=True, slots=True)
class SignedClaim:
    """A claim as read, with what is needed to check its signature."""

    claim: Claim
    message: Sign1


def _days(day: date) -> int:
    return (day - _EPOCH).days


def _payload(claim: Claim, holder: str) -> bytes:
    """The claim's one encoding."""
    made_on = claim.made_at.astimezone(CHINA).date()
    content: dict[int, Any] = {
        K_VERSION: VERSION, K_REGION: int(claim.region), K_IDENTIFIER: claim.identifier.body(),
        K_HOLDER: holder, K_TIME: int(claim.made_at.timestamp()),
    }  # fmt: skip
    if claim.issued != made_on:
        content[K_ISSUED] = _days(claim.issued)
    if claim.valid_from != claim.issued:
        content[K_FROM] = _days(claim.valid_from)
    if claim.valid_until is not None:
        content[K_UNTIL] = _days(claim.valid_until)
    content[K_STATUS] = [claim.status_list, claim.status_index]
    content[K_DIGEST] = claim.digest
    if claim.copy is not None:
        content[K_COPY_NUMBER] = claim.copy.number
        content[K_COPY_EXPIRY] = int(claim.copy.until.timestamp())
        content[K_COPY_ORIGINAL] = claim.copy.original
    return cose.encode_ordered(content)


def write(
    claim: Claim, *, base_url: str, algorithm: Algorithm, kid: bytes,
    sign: Callable[[bytes], bytes],
) -> str:  # fmt: skip
    """The QR code's text, at most TEXT_MAX characters.

    A holder's name that does not fit loses characters at its end and gains an ellipsis.
    """
    holder = fit_holder(claim, base_url=base_url)
    signed = cose.sign1(_payload(claim, holder), algorithm=algorithm, kid=kid, sign=sign)
    return f"{base_url}{PATH}{b64url(signed)}"


def fit_holder(claim: Claim, *, base_url: str) -> str:
    """The longest form of the holder's name that fits; both algorithms take the same room."""
    room = TEXT_MAX - len(base_url) - len(PATH)
    kept = claim.holder
    while kept:
        shown = kept if kept == claim.holder else kept.rstrip() + ELLIPSIS
        if _length(_payload(claim, shown)) <= room:
            return shown
        kept = kept[:-1]
    raise Invalid("the licence's identifier leaves no room in a QR code of version 15")


def _length(payload: bytes) -> int:
    signed = cose.sign1(
        payload, algorithm=Algorithm.SM2_SM3, kid=bytes(cose.KID_LENGTH), sign=lambda _: _ONE_ONE
    )
    return len(b64url(signed))


#: DER of r = s = 1, to measure with.
_ONE_ONE = bytes.fromhex("3006020101020101")


def parse(text: str) -> SignedClaim:
    """Read a QR code's text, whole or just the claim; BadClaim. No signature is checked here."""
    if len(text) > READ_MAX:
        raise BadClaim("claim_malformed", "longer than any QR code")
    match = _URL.fullmatch(text)
    encoded = match[1] if match else text
    try:
        message = cose.parse(unb64url(encoded))
        content = cose.decode_any(message.payload)
    except Malformed as error:
        raise BadClaim("claim_malformed", str(error)) from error
    except Invalid as error:
        raise BadClaim("algorithm_refused", str(error)) from error
    try:
        claim = _claim(content)
        if _payload(claim, claim.holder) != message.payload:
            raise BadClaim("claim_malformed", "a field stands that should be left out")
    except BadClaim:
        # Whatever is wrong inside, an encoding that is not the one form is said first.
        _require_one_form(message.payload)
        raise
    return SignedClaim(claim, message)


def _require_one_form(payload: bytes) -> None:
    try:
        cose.decode(payload)
    except Malformed as error:
        raise BadClaim("claim_malformed", str(error)) from error


def _claim(content: Any) -> Claim:
    if not isinstance(content, dict) or type(content.get(K_VERSION)) is not int:
        raise BadClaim("claim_malformed", "no claim inside")
    if content[K_VERSION] != VERSION:
        raise BadClaim("claim_version", str(content[K_VERSION])[:20])
    keys = set(content)
    required = _REQUIRED | _COPY if keys & _COPY else _REQUIRED
    if not required <= keys <= required | _OPTIONAL:
        raise BadClaim("claim_malformed", "fields missing, or unknown to this version")
    try:
        return _typed(content)
    except (ValueError, OverflowError, OSError, TypeError) as error:
        raise BadClaim("claim_malformed", "a field of a wrong kind") from error
    except Invalid as error:
        raise BadClaim("claim_malformed", str(error)) from error


def _typed(content: dict[int, Any]) -> Claim:
    listed, index = content[K_STATUS]
    numbers = (content[K_REGION], content[K_TIME], listed, index)
    holder, digest = content[K_HOLDER], content[K_DIGEST]
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError("not a number")
    if not isinstance(holder, str) or not holder or not isinstance(content[K_IDENTIFIER], str):
        raise ValueError("not a text")
    if not isinstance(digest, bytes) or len(digest) != DIGEST_LENGTH:
        raise ValueError("not a digest")
    if not 100000 <= content[K_REGION] <= 999999:
        raise ValueError("not a region")
    made_at = datetime.fromtimestamp(content[K_TIME], UTC)
    # At the end of the year 9999 there is no such day in China, and `_payload` asks for it.
    made_on = made_at.astimezone(CHINA).date()
    issued = _day(content.get(K_ISSUED)) or made_on
    return Claim(
        region=str(content[K_REGION]), identifier=identifier.from_body(content[K_IDENTIFIER]),
        holder=holder, made_at=made_at, issued=issued,
        valid_from=_day(content.get(K_FROM)) or issued, valid_until=_day(content.get(K_UNTIL)),
        status_list=listed, status_index=index, digest=digest, copy=_copy_mark(content),
    )  # fmt: skip


def _copy_mark(content: dict[int, Any]) -> CopyMark | None:
    if K_COPY_NUMBER not in content:
        return None
    number, until, original = (
        content[K_COPY_NUMBER],
        content[K_COPY_EXPIRY],
        content[K_COPY_ORIGINAL],
    )
    if not isinstance(number, str) or not _COPY_NUMBER.fullmatch(number):
        raise ValueError("not a copy's number")
    if type(until) is not int or until < 0:
        raise ValueError("not a time")
    if not isinstance(original, bytes) or len(original) != DIGEST_LENGTH:
        raise ValueError("not a digest")
    return CopyMark(number, datetime.fromtimestamp(until, UTC), original)


def _day(value: Any) -> date | None:
    if value is None:
        return None
    if type(value) is not int:
        raise ValueError("not a day")
    return _EPOCH + timedelta(days=value)
