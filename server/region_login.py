"""With which regions logins are mutual: those whose fresh trust list names an identity provider,
and of which our policy says so, by a rule for the type `login`.

A rule for any type of licence (`*`) is none for logins: who recognises another region's papers has
not yet let its people in.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.exc import IntegrityError

from certificates import registry
from server.identity import open_provider
from server.platform import Platform
from sso import region_logins
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from sso.region_logins import COMPROMISED, STALE, LoginRegion
from trust import recognition, recognition_policy
from trust.audit_queue import AuditQueue
from trust.errors import Conflict, Invalid
from trust.list_store import Freshness, TrustedRegion
from trust.lists_model import ServiceStatus, ServiceType
from trust.recognition import Facts, Policy

#: The type of a recognition rule that speaks of logins.
LOGIN: Final = "login"
LEVEL_MAX: Final = 3
#: Why there is no connection (beside those of `region_logins` and of `trust.recognition_words`).
DROPPED, NO_PROVIDER, DOUBTFUL = "list_dropped", "no_identity_provider", "issuer_doubtful"

_logger = logging.getLogger("trust.regions")


@dataclass(frozen=True, slots=True)
class Standing:
    """What should be: the regions that are connected, and by code why others are not."""

    connected: tuple[LoginRegion, ...]
    others: dict[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a round changed, and (region, code of the refusal) of what could not be connected."""

    connected: tuple[str, ...]
    ended: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def standing(
    regions: Iterable[TrustedRegion], policy: Policy, *, own: str, issuer: str, at: datetime
) -> Standing:
    """Judge every region that is named; `own` and `issuer` are our own code and address."""
    logins = replace(policy, rules=tuple(r for r in policy.rules if r.type_code == LOGIN))
    found: list[LoginRegion] = []
    others: dict[str, str] = {}
    for region in regions:
        if region.code == own:
            continue
        judged = _judge(region, logins, at)
        if isinstance(judged, str):
            others[region.code] = judged
        else:
            found.append(judged)
    # Nobody may stand at another's address, nor at ours: of two that say the same one lies.
    claimed = Counter(each.issuer for each in found)
    for each in found:
        if claimed[each.issuer] > 1 or each.issuer == issuer:
            others[each.code] = DOUBTFUL
    return Standing(tuple(each for each in found if each.code not in others), others)


def _judge(region: TrustedRegion, logins: Policy, at: datetime) -> LoginRegion | str:
    facts = Facts(issued_at=at, level=LEVEL_MAX)
    decided = recognition.decide(logins, region.code, LOGIN, at, facts)
    if not decided.recognised:
        return decided.reasons[0]
    if region.dropped_at is not None:
        return DROPPED
    if region.freshness(at) is not Freshness.FRESH:
        return STALE
    places = region.services(ServiceType.IDENTITY_PROVIDER)
    if any(each.status is ServiceStatus.COMPROMISED for each in places):
        return COMPROMISED
    issuer = _issuer(region)
    if issuer is None:
        return NO_PROVIDER
    rule = recognition.rule_for(logins, region.code, LOGIN, at)
    level = rule.conditions.level if rule is not None else None
    return LoginRegion(region.code, region.name, issuer, level or 0)


def _issuer(region: TrustedRegion) -> str | None:
    """The address of its identity provider, if its list grants exactly one now."""
    granted = [
        each.uri for each in region.services(ServiceType.IDENTITY_PROVIDER)
        if each.code == region.code and each.status is ServiceStatus.GRANTED and each.uri
    ]  # fmt: skip
    return granted[0] if len(granted) == 1 else None


def keep_in_step(platform: Platform, *, at: datetime) -> Kept:
    """Bring upstreams and clients in line with the lists and the policy, a transaction each region.

    A crash on the way leaves the rest to the next round. What breaks a rule is refused and logged,
    and what was connected before stays switched off.
    """
    platform.lists.forget()
    with platform.reading() as session:
        own = registry.region(session).code
        policy = recognition_policy.load(session)
        there = {row.region: row.ended_at is None for row in region_logins.connected(session)}
    issuer = platform.settings.issuer_url
    wanted = standing(platform.lists.regions(), policy, own=own, issuer=issuer, at=at)
    if not wanted.connected and not there:
        return Kept((), (), ())
    provider = open_provider(platform, audit=AuditQueue(platform.sessions), clock=lambda: at)
    gone = [code for code in there if code not in {each.code for each in wanted.connected}]
    ended = [
        code for code in gone
        if _end(provider, code, reason=wanted.others.get(code, DROPPED), at=at)
    ]  # fmt: skip
    connected, refused = _connect(provider, wanted.connected, own=own, at=at)
    return Kept(tuple(connected), tuple(ended), tuple(refused))


def _connect(
    provider: Provider, wanted: Iterable[LoginRegion], *, own: str, at: datetime
) -> tuple[list[str], list[tuple[str, str]]]:
    made, refused = [], []
    for each in wanted:
        try:
            with provider.sessions.begin() as session:
                if region_logins.connect(session, provider, each, own=own, at=at):
                    made.append(each.code)
        except IntegrityError:
            continue  # another process has connected it at this very moment
        except (Invalid, Conflict, OAuthError) as error:
            code = error.error if isinstance(error, OAuthError) else error.code
            _logger.warning("logins of region %s are not connected: %s", each.code, code)
            refused.append((each.code, code))
            _end(provider, each.code, reason=code[:40], at=at)
    return made, refused


def _end(provider: Provider, code: str, *, reason: str, at: datetime) -> bool:
    with provider.sessions.begin() as session:
        return region_logins.end(session, provider, code, reason=reason, at=at)


__all__ = ["COMPROMISED", "LOGIN", "Kept", "Standing", "keep_in_step", "standing"]
