"""Judging a list by itself: signed by a pinned signer, of the right region, within its life.

What it says beside what was believed before (an older number, another list of the same number) is
`trust.list_accept`'s. Every refusal has a code of its own: it names the alarm.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from trust import lists
from trust.crypto import jose, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.errors import Invalid
from trust.lists_model import TrustList

#: TS 119 612, 5.3.15: a list is issued anew within six months.
LIFE_MAX: Final = timedelta(days=184)
#: Clocks of two regions may differ by so much.
AHEAD: Final = timedelta(minutes=5)


class ListRefused(Invalid):
    """A list that is not believed; the last good one stays."""

    code = "list_refused"


class ListTooLarge(ListRefused):
    code = "list_too_large"


class ListMalformed(ListRefused):
    code = "list_malformed"


class ListSignerUnknown(ListRefused):
    """Signed by a key that nobody named for this region."""

    code = "list_signer_unknown"


class ListSignatureWrong(ListRefused):
    code = "list_signature_wrong"


class ListSignerNotInForce(ListRefused):
    """The signer's certificate was not valid when the list was issued."""

    code = "list_signer_not_in_force"


class ListOfAnotherRegion(ListRefused):
    code = "list_of_another_region"


class ListFromFuture(ListRefused):
    code = "list_from_future"


class ListExpired(ListRefused):
    """Its next update has passed: somebody may be holding back the newer one (a freeze)."""

    code = "list_expired"


class ListLifeTooLong(ListRefused):
    code = "list_life_too_long"


def judge(
    data: bytes, *, region: str, signers: Iterable[Certificate], at: datetime
) -> TrustList:  # fmt: skip
    """The list in `data`, which one of `signers` has signed for `region`; a ListRefused.

    1 size  2 form  3 signer named  4 signature  5 region  6 signer in force  7 life
    """
    found = read(data)
    signer = verify_signer(found, signers)
    if found.region != region:
        raise ListOfAnotherRegion(f"the list speaks for {found.region}, not for {region}")
    if not signer.not_before <= found.issued_at <= signer.not_after:
        raise ListSignerNotInForce("the signer's certificate was not valid when it signed")
    check_life(found.issued_at, found.next_update, at=at)
    return found


def read(data: bytes) -> TrustList:
    """The list as it is written; ListTooLarge or ListMalformed."""
    if len(data) > lists.LIST_MAX:
        raise ListTooLarge(f"a list has at most {lists.LIST_MAX} bytes")
    try:
        return lists.parse(data)
    except (Malformed, UnknownAlgorithm) as error:
        raise ListMalformed(str(error)) from error


def verify_signer(found: TrustList, signers: Iterable[Certificate]) -> Certificate:
    """The certificate among `signers` whose key signed the list; ListSignerUnknown or
    ListSignatureWrong. What comes with the list only says which one it means."""
    try:
        named = [x509.parse_certificate(der).spki for der in found.jws.certificates()[:1]]
    except (Malformed, UnknownAlgorithm) as error:
        raise ListMalformed("the signer's certificate cannot be read") from error
    signer = next((each for each in signers if each.spki in named), None)
    if signer is None:
        raise ListSignerUnknown("the list is signed by a key that was not named for its region")
    try:
        jose.verify(found.jws, signer.spki)
    except (InvalidSignature, UnknownAlgorithm, Malformed) as error:
        raise ListSignatureWrong("the list's signature does not hold") from error
    return signer


def check_life(issued_at: datetime, next_update: datetime, *, at: datetime) -> None:
    """ListFromFuture, ListLifeTooLong, ListExpired."""
    if issued_at > at + AHEAD:
        raise ListFromFuture("the list was issued in the future")
    if next_update <= issued_at or next_update - issued_at > LIFE_MAX:
        raise ListLifeTooLong(f"a list lives at most {LIFE_MAX.days} days")
    if at > next_update:
        raise ListExpired("the list's next update has passed")
