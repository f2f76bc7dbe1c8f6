"""A region's signed answer beside its signed status list: which is newer, and whether both can be
true. They cannot when the list was signed while, by the answer, another state held; nor when what
is void for good in the answer is not void in a later list.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from certificates import evidence
from certificates.models import LicenceState
from certificates.regions.exchange_messages import Told
from certificates.registry import PUBLISHED
from certificates.status.lists import Status, StatusList
from trust.crypto.errors import Malformed
from trust.report import Check, unknown

#: A change reaches the list within ten seconds; until then the two may differ.
GRACE: Final = timedelta(seconds=10)
NAME: Final = "state.asked"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What a region said of one licence, and what its list says of it."""

    told: Told
    listed: Status


@dataclass(frozen=True, slots=True)
class Weighed:
    """The check `state.asked`; with a disagreement it is INDETERMINATE and names the region."""

    check: Check
    disagreement: Disagreement | None = None


def weigh(
    told: Told, listed: StatusList | None, answered_at: datetime, *, at: datetime, region: str
) -> Weighed:
    """What the answer and the list at hand say together."""
    try:
        state = LicenceState(told.state)
    except ValueError:
        return Weighed(unknown(NAME, "state_unknown", told.state))
    said = PUBLISHED.get(state, Status.VOID)
    if listed is None or not listed.issued_at <= max(at, answered_at) <= listed.expires_at:
        return Weighed(_check(state))
    try:
        other = listed.status(told.status_index)
    except Malformed as error:
        return Weighed(unknown(NAME, "state_unknown", str(error)))
    if other is said:
        return Weighed(_check(state))
    if _contradicts(told, said, other, listed.issued_at, answered_at):
        return Weighed(unknown(NAME, "peer_disagrees", region), Disagreement(told, other))
    if listed.issued_at > answered_at:
        return Weighed(_listed(other))
    return Weighed(_check(state))


def _contradicts(
    told: Told, said: Status, listed: Status, signed_at: datetime, answered_at: datetime
) -> bool:
    """Whether no change between the two could explain them."""
    if told.state_at + GRACE <= signed_at <= answered_at:
        return True
    return signed_at >= answered_at + GRACE and said is Status.VOID and listed is not Status.VOID


def _check(state: LicenceState) -> Check:
    found = evidence.state_check(state)
    return Check(NAME, found.outcome, found.code, found.detail)


def _listed(status: Status) -> Check:
    found = evidence.STATUS_CHECKS[status]
    return Check(NAME, found.outcome, found.code, found.detail)
