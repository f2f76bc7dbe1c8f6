"""Seals of the market authority, for tests of their life: people, applications, made seals."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from certificates import issue
from certificates.models import Authority, Licence
from seal import cancel, decide, file, grants, request
from seal.grants import Terms
from seal.ledger import OWN_SYSTEM
from seal.models import Seal, SealKind
from seal.picture import Rank
from seal.request import Wanted
from server import provision_seals
from sso import accounts
from sso.models import Account
from tests.regions import MARKET, Region
from trust.access import SYSTEM, Caller, Role
from trust.clock import utc_now

SPECIAL = Wanted(SealKind.SPECIAL, f"{MARKET.name}行政审批专用章", Rank.SPECIAL)


def person(region: Region, name: str, *roles: Role, authority: str | None = MARKET.code) -> Caller:
    """An account with these roles, made at its first mention."""
    with region.platform.sessions.begin() as session:
        if session.get(Account, name) is None:
            accounts.create(
                session, name, display_name=name, authority=authority, roles=roles, by=SYSTEM,
                at=utc_now(),
            )  # fmt: skip
    return region.caller(name)


def region_administrator(region: Region) -> Caller:
    return person(region, "region.seal", Role.SEAL_ADMIN, authority=None)


def applied(region: Region, wanted: Wanted = SPECIAL, *, by: Caller | None = None) -> UUID:
    with region.platform.sessions.begin() as session:
        return request.request(
            session, wanted, owner=MARKET.code, owner_name=MARKET.name,
            by=by or region.caller("market.clerk"), at=utc_now(),
        ).id  # fmt: skip


def approved(region: Region, wanted: Wanted = SPECIAL) -> UUID:
    key = applied(region, wanted)
    with region.platform.sessions.begin() as session:
        decide.approve(session, key, by=region.caller("market.seal"), at=utc_now())
    return key


def made(region: Region, wanted: Wanted = SPECIAL, *, at: datetime | None = None) -> Seal:
    """A seal in force, made by the platform, of the market authority."""
    at = at or utc_now()
    return file.make_and_file(
        region.platform.sessions, approved(region, wanted),
        maker=provision_seals.seal_maker(region.platform, at=at), keys=region.platform.keys,
        by=SYSTEM, at=at,
    )  # fmt: skip


def cancelled(region: Region, es_id: str, *, at: datetime | None = None) -> None:
    with region.platform.sessions.begin() as session:
        cancel.cancel(
            session, es_id, reason="更名", keys=region.platform.keys,
            by=region.caller("market.seal"), at=at or utc_now(),
        )  # fmt: skip


def invalidated(region: Region, es_id: str, *, by: Caller | None = None) -> None:
    by = by or region_administrator(region)
    with region.platform.sessions.begin() as session:
        cancel.invalidate(
            session, es_id, reason="违规制作", keys=region.platform.keys, by=by, at=utc_now()
        )


def granted(region: Region, es_id: str, terms: Terms) -> UUID:
    with region.platform.sessions.begin() as session:
        return grants.grant(session, es_id, terms, by=region.caller("market.seal"), at=utc_now()).id


def issue_as(region: Region, key: UUID, name: str, *, system: str = OWN_SYSTEM) -> Licence:
    """The licence of an approved application, issued by an account."""
    at = utc_now()
    return issue.issue(
        region.platform.workshop(at=at), key, by=region.caller(name), at=at, system=system
    )


def licence_seal(session: Session) -> str:
    """The seal that the market authority's licences have."""
    found = session.get_one(Authority, MARKET.code).seal
    assert found is not None
    return found


def use_as_licence_seal(region: Region, es_id: str) -> str:
    """Have the market authority's licences sealed with another seal; the one before."""
    with region.platform.sessions.begin() as session:
        before = licence_seal(session)
        session.get_one(Authority, MARKET.code).seal = es_id
    return before
