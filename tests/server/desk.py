"""What the tests of the desk share: people of a real region, and browsers they are signed in with.

How they signed in has tests of its own; here the session is begun and its cookie put.
"""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI

from sso import browser_session
from sso.provider import Provider
from tests.regions import Region
from tests.seal import living
from tests.server.identity_site import Visit
from trust.access import Role
from trust.clock import utc_now

#: Beside the authority's own: the region's seal administrator, a CA administrator, the others.
PEOPLE = (
    ("desk.region", Role.SEAL_ADMIN), ("desk.ca", Role.CA_ADMIN), ("desk.audit", Role.AUDIT_ADMIN),
    ("desk.guard", Role.SECURITY_ADMIN), ("desk.system", Role.SYSTEM_ADMIN),
)  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """The application of a region, and who works there."""

    app: FastAPI
    region: Region

    @property
    def provider(self) -> Provider:
        found: Provider = self.app.state.provider
        return found

    def cookie(self, name: str, *, minutes_ago: int = 0) -> str:
        """A session that was signed in to by passkey so long ago, and used since."""
        provider, at = self.provider, utc_now()
        with provider.sessions.begin() as session:
            token, _ = browser_session.begin(
                session, name, methods=("swk", "mfa"), at=at, policy=provider.policy,
                user_agent="", staff=True, auth_time=at - timedelta(minutes=minutes_ago),
            )  # fmt: skip
        return token

    def visit(self, name: str, *, minutes_ago: int = 0) -> Visit:
        visit = Visit(self.app, base=self.provider.issuer)
        visit.http.cookies.set("trust_session", self.cookie(name, minutes_ago=minutes_ago))
        return visit


def open_desk(app: FastAPI, region: Region) -> Desk:
    for name, role in PEOPLE:
        living.person(region, name, role, authority=None)
    return Desk(app, region)
