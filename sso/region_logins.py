"""Regions whose people log in here, and ours there, by their trust lists and our policy.

For each there is an upstream and a client of one name, made and changed here alone. Nothing is
exchanged by hand: the address is that of the region's list, what proves either side to the other
are the keys that it publishes there, and every URL follows from the address.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sso import assurance, clients, logout, upstream, upstream_departing, upstream_logout, upstreams
from sso.client_models import ClientRow
from sso.grants import Grant
from sso.people_models import Evidence
from sso.provider import Provider
from sso.upstream_models import RegionLogin, Upstream
from trust import audit
from trust.access import SYSTEM
from trust.errors import Conflict

BACK_CHANNEL: Final = "/sign-in/upstream/logout"
JWKS: Final = "/oauth2/jwks"
#: Why a connection ended: only silence may pass, so it alone leaves the sessions that came of it.
STALE: Final = "list_stale"
COMPROMISED: Final = "withdrawn_compromised"


class RegionTaken(Conflict):
    """A platform or identity system of that name, or of that address, was connected by hand."""

    code = "region_login_taken"


@dataclass(frozen=True, slots=True)
class LoginRegion:
    """A region with which logins are mutual: its code, name and identity provider's address, and
    what a login must be worth at least."""

    code: str
    name: str
    issuer: str
    level_min: int = 0


def name_of(code: str) -> str:
    """What a region is called at the other side: as upstream and as client."""
    return f"region-{code}"


def connect(
    session: Session, provider: Provider, wanted: LoginRegion, *, own: str, at: datetime
) -> bool:
    """Connect a region, or change what its list or the policy now say otherwise; whether anything
    was changed. `own` is our own region's code. RegionTaken, and what the checks of upstreams and
    clients refuse."""
    row = session.get(RegionLogin, wanted.code)
    if row is None:
        _refuse_taken(session, wanted)
        row = RegionLogin(region=wanted.code, connected_at=at)
        session.add(row)
    elif row.ended_at is None and _said(row) == wanted:
        return False
    row.issuer, row.name, row.level_min = wanted.issuer, wanted.name, wanted.level_min
    row.ended_at, row.reason = None, ""
    session.flush()
    upstreams.put_by_key(
        session, name_of(wanted.code), name=wanted.name, issuer=wanted.issuer,
        client_id=name_of(own), level_min=wanted.level_min, by=SYSTEM, at=at,
    )  # fmt: skip
    _put_client(session, provider, wanted, at=at)
    return True


def _said(row: RegionLogin) -> LoginRegion:
    return LoginRegion(row.region, row.name, row.issuer, row.level_min)


def _refuse_taken(session: Session, wanted: LoginRegion) -> None:
    name = name_of(wanted.code)
    there = session.scalar(
        select(Upstream.slug).where((Upstream.slug == name) | (Upstream.issuer == wanted.issuer))
    )
    if there is not None or session.get(ClientRow, name) is not None:
        raise RegionTaken(f"{name}, or its address, is connected by hand")


def _put_client(session: Session, provider: Provider, wanted: LoginRegion, *, at: datetime) -> None:
    """The region as a platform here. It is of another government, so people are asked."""
    name, policy = name_of(wanted.code), provider.policy
    said = {
        "client_name": wanted.name, "scope": upstreams.SCOPE,
        "redirect_uris": [wanted.issuer + upstream.CALLBACK],
        "post_logout_redirect_uris": [wanted.issuer + upstream_departing.LEFT],
        "backchannel_logout_uri": wanted.issuer + BACK_CHANNEL,
        "backchannel_logout_session_required": True,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256", "jwks_uri": wanted.issuer + JWKS,
    }  # fmt: skip
    if session.get(ClientRow, name) is None:
        clients.add(session, said, by=SYSTEM, at=at, client_id=name, policy=policy)
        return
    clients.change(session, name, said, by=SYSTEM, at=at, policy=policy)
    clients.enable(session, name, by=SYSTEM, at=at)


def connected(session: Session) -> list[RegionLogin]:
    """All that were ever made, by region."""
    return list(session.scalars(select(RegionLogin).order_by(RegionLogin.region)))


def end(session: Session, provider: Provider, code: str, *, reason: str, at: datetime) -> bool:
    """Nobody logs in through a region any more, nor there with an account of ours; whether this
    call ended it, or found a worse reason.

    Sessions and grants that came of it end too, unless its list has only grown old. After a
    compromise nothing it ever said of anybody counts.
    """
    row = session.get(RegionLogin, code)
    if row is None or (row.ended_at is not None and reason in (row.reason, STALE)):
        return False
    name = name_of(code)
    row.ended_at, row.reason = row.ended_at or at, reason
    session.execute(update(Upstream).where(Upstream.slug == name).values(active=False))
    clients.disable(session, name, by=SYSTEM, at=at)
    if reason != STALE:
        _end_what_came(session, provider, name, at=at)
    if reason == COMPROMISED:
        _withdraw_evidence(session, name, at=at)
    session.flush()
    audit.record(
        session, "region_login.ended", subject=code, by=SYSTEM, at=at, details={"reason": reason}
    )
    return True


def _end_what_came(session: Session, provider: Provider, name: str, *, at: datetime) -> None:
    for row in upstream_logout.came_of(session, name):
        logout.end_session(session, provider, row, by=SYSTEM, at=at)
    session.execute(
        update(Grant)
        .where(Grant.client_id == name, Grant.revoked_at.is_(None))
        .values(revoked_at=at, revoked_reason="region no longer recognised"),
        execution_options={"synchronize_session": False},
    )


def _withdraw_evidence(session: Session, name: str, *, at: datetime) -> None:
    rows = session.execute(
        select(Evidence.account, Evidence.id).where(
            Evidence.source == name, Evidence.withdrawn_at.is_(None)
        )
    ).all()
    for account, number in rows:
        assurance.withdraw(
            session, account, number, reason="the region's keys were compromised", by=SYSTEM,
            at=at,
        )  # fmt: skip
