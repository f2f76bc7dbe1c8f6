"""A licence's state and dates as checks: of a claim, of a file, of the original of a copy."""

from datetime import datetime

from certificates import evidence
from certificates.evidence import Record
from certificates.qr import Claim
from trust.clock import CHINA
from trust.report import Check, failed, passed, unknown


def state_of(record: Record) -> Check:
    """The registry's state; before the licence was issued there is none to know."""
    if record.state is None:
        return unknown("state", "state_unknown", ("当时尚未颁发", "not yet issued at that time"))
    return evidence.state_check(record.state)


def check_dates(claim: Claim, *, at: datetime) -> Check:
    """Whether the licence's dates hold on the day of `at`, in China."""
    today = at.astimezone(CHINA).date()
    if claim.made_at > at:
        return failed("dates", "issued_in_future")
    if today < claim.valid_from:
        return failed("dates", "dates_not_yet")
    if claim.valid_until is not None and today > claim.valid_until:
        return failed("dates", "dates_over")
    return passed("dates", "dates_valid")
