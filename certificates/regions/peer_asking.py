"""Verifying for an office that says what for: the issuing region itself is asked about the licence,
beside its status list.

Only who states a purpose asks. Whoever looks in public takes the list, which tells nobody which
licence is looked at.
"""

import logging
from dataclasses import replace
from datetime import datetime
from typing import Final

from certificates import qr
from certificates.evidence import Elsewhere, Foreign, Knowledge
from certificates.regions.exchange_asking import Answered, Asking, Wish
from certificates.regions.exchange_judge import NAME
from certificates.regions.exchange_messages import Kind
from trust.access import Caller
from trust.errors import TrustError
from trust.report import Check, failed

_logger: Final = logging.getLogger("trust.peers")


class AskingElsewhere:
    """Implements `evidence.Elsewhere`: what is known, and the region's own word on each licence."""

    def __init__(self, known: Elsewhere, asking: Asking, *, purpose: str, by: Caller) -> None:
        self._known, self._asking, self._purpose, self._by = known, asking, purpose, by

    def of(self, region: str) -> Knowledge:
        return replace(self._known.of(region), elsewhere=self)

    def listed(self, region: str, *, at: datetime) -> list[Check]:
        return self._known.listed(region, at=at)

    def judge(self, found: Foreign, *, at: datetime) -> list[Check]:
        checks, claim = self._known.judge(found, at=at), found.claim
        wish = Wish(claim.region, Kind.STATUS, str(claim.identifier))
        try:
            answered = self._asking.ask(wish, purpose=self._purpose, by=self._by, at=at)
        except TrustError as error:
            # It does not answer, or not well: its last signed list stands, within its life.
            _logger.info("%s not asked: %s", claim.region, error.code)
            return checks
        return [*checks, _weighed(found, answered)]


def _weighed(found: Foreign, answered: Answered) -> Check:
    if not answered.answer.licences:
        return failed(NAME, "not_in_registry")
    told = answered.answer.licences[0]
    if found.claim.copy is None and told.digest[: qr.DIGEST_LENGTH] != found.claim.digest:
        return failed(NAME, "claim_differs_from_registry")
    return answered.checks[0]


def asking_too(knowledge: Knowledge, asking: Asking, *, purpose: str, by: Caller) -> Knowledge:
    """The knowledge of an office that verifies for a purpose."""
    if knowledge.elsewhere is None:
        return knowledge
    elsewhere = AskingElsewhere(knowledge.elsewhere, asking, purpose=purpose, by=by)
    return replace(knowledge, elsewhere=elsewhere)
