"""The state of other regions' licences, by their signed status lists.

The newest list that can be had counts: fetched now, or the last good one within its life. It is
signed by a status signer of that region, which its trust list has not withdrawn. Whoever asks for a
list tells nobody which licence they look at.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from certificates import evidence
from certificates.evidence import UntrustedList
from certificates.regions.peer_documents import PeerAnswerRefused, PeerDocuments, Read, Wanted
from certificates.status.lists import StatusList
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.list_store import ListStore, NoSuchRegion, TrustedRegion
from trust.lists_model import GRANTED, ServiceType, Was
from trust.report import Check, unknown
from trust.validation import TrustStore

KIND: Final = "status"
STATUS_MAX: Final = 4 * 1024 * 1024
#: Each holds a million licences. A region that names more is not followed.
LISTS_MAX: Final = 256
#: Another region's clock may be so far ahead.
SKEW: Final = timedelta(minutes=1)
#: One that the list does not name yet is judged by its chain alone: the list follows in minutes.
_ENDED: Final = (Was.COMPROMISED, Was.WITHDRAWN)


class PeerStatus:
    """Implements `StatusSource` for regions whose list is held. `stores` gives what a region's own
    signatures are judged by."""

    def __init__(
        self, lists: ListStore, documents: PeerDocuments, *, stores: Callable[[str], TrustStore]
    ) -> None:
        self._lists, self._documents, self._stores = lists, documents, stores

    def state(self, region: str, number: int, index: int, *, at: datetime) -> Check:
        try:
            known = self._lists.region(region)
        except NoSuchRegion:
            detail = ("没有该地区的信任列表", f"no trust list of region {region}")
            return unknown("state", "state_unknown", detail)
        listed = self.listed(known, number, at=at)
        if listed is None:
            detail = ("该地区没有应答", "the region does not answer")
            return unknown("state", "state_unknown", detail)
        return told(listed, index, at=at)

    def listed(self, region: TrustedRegion, number: int, *, at: datetime) -> StatusList | None:
        """The newest list of that number that can be had; it may be past its life."""
        wanted = self.wanted(region, number, at=at)
        read = self._documents.newest(wanted, at=at) if wanted is not None else None
        return read.value if read is not None else None

    def wanted(
        self, region: TrustedRegion, number: int, *, at: datetime
    ) -> Wanted[StatusList] | None:
        """The document; None when the region's list says no address."""
        address = address_of(region)
        if address is None or not 0 < number <= LISTS_MAX:
            return None
        return Wanted(
            region.code, KIND, str(number), f"{address}/{number}", region.digest,
            lambda data: self._read(data, region, number, at), STATUS_MAX,
        )  # fmt: skip

    def _read(
        self, data: bytes, region: TrustedRegion, number: int, at: datetime
    ) -> Read[StatusList]:
        """Signed by that region, about that list, and not of a time to come."""
        try:
            token = data.decode("ascii").strip()
            owner, listed = evidence.check_list(token, self._stores(region.code), now=at)
        except (
            UnicodeDecodeError, Malformed, InvalidSignature, UnknownAlgorithm, UntrustedList
        ) as error:  # fmt: skip
            raise PeerAnswerRefused(f"no status list of the region: {error}") from error
        if owner != region.code or not listed.subject.endswith(f"/status/{number}"):
            raise PeerAnswerRefused("the status list is another one")
        (leaf, *_) = listed.jws.certificates()
        if region.was_trusted(ServiceType.STATUS, leaf, listed.issued_at) in _ENDED:
            raise PeerAnswerRefused("the region's list has withdrawn that status signer")
        if listed.issued_at > at + SKEW:
            raise PeerAnswerRefused("the status list is of a time to come")
        return Read(listed, listed.issued_at, listed.expires_at)


def address_of(region: TrustedRegion) -> str | None:
    """Where the region's list says that status is told."""
    found = [each for each in region.services(ServiceType.STATUS) if each.uri]
    granted = [each for each in found if each.status is GRANTED]
    return (granted or found)[0].uri if found else None


def told(listed: StatusList, index: int, *, at: datetime) -> Check:
    """What a list says at a time; a list that is signed a little ahead counts as signed now."""
    ahead = timedelta() < listed.issued_at - at <= SKEW
    return evidence.told(listed, index, at=listed.issued_at if ahead else at)
