"""The people of an issuing office and their work, for tests of a licence's life."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certificates import catalogue, issue
from certificates.applications import verbs as applications
from certificates.models import Application, Authority, Licence
from tests.regions import MARKET, TRANSPORT, Region, example
from tests.seal.living import person
from trust.access import Caller, Role
from trust.audit import AuditEntry
from trust.clock import utc_now

#: Its type wants a check and a review before the approval.
STRICT = "construction-permit"


@dataclass(frozen=True)
class Office:
    """A region's market authority, with a second clerk and two more approvers."""

    region: Region

    @property
    def sessions(self) -> Any:
        return self.region.platform.sessions

    def by(self, name: str) -> Caller:
        """`clerk`, `approver` of the market; others by their full name."""
        return self.region.caller(name if "." in name else f"market.{name}")

    def enter(
        self, slug: str = "business-licence", *, by: str = "clerk", content: Any = None,
        at: datetime | None = None, authority: str = MARKET.code, **given: Any,
    ) -> UUID:  # fmt: skip
        with self.sessions.begin() as session:
            return applications.enter(
                session, slug, content or example(slug), authority=authority, by=self.by(by),
                at=at or utc_now(), vault=self.region.platform.vault, **given,
            ).id  # fmt: skip

    def do(self, verb: str, key: UUID, *, by: str = "approver", **given: Any) -> Application:
        """One step of an application in a transaction of its own."""
        with self.sessions.begin() as session:
            found: Application = getattr(applications, verb)(
                session, key, by=self.by(by), at=utc_now(), **given
            )
            return found

    def issue(self, key: UUID, *, by: str = "approver") -> Licence:
        at = utc_now()
        return issue.issue(self.region.platform.workshop(at=at), key, by=self.by(by), at=at)

    def issued(self, slug: str = "business-licence", **given: Any) -> Licence:
        key = self.enter(slug, **given)
        self.do("approve", key)
        return self.issue(key)

    def read(self, key: UUID) -> Application:
        with self.region.platform.reading() as session:
            return session.get_one(Application, key)

    def audited(self, subject: object) -> list[tuple[str, Any]]:
        """Acts and details on a subject, the oldest first."""
        with self.region.platform.reading() as session:
            rows = session.execute(
                select(AuditEntry.act, AuditEntry.details)
                .where(AuditEntry.subject == str(subject))
                .order_by(AuditEntry.sequence)
            )
            return [(row.act, json.loads(row.details)) for row in rows]


def count(session: Session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def open_office(region: Region) -> Office:
    """Its people, made at the first mention; the market authority issues three more types."""
    person(region, "market.second", Role.CLERK)
    person(region, "market.checker", Role.APPROVER)
    person(region, "market.head", Role.APPROVER)
    person(region, "transport.clerk2", Role.CLERK, authority=TRANSPORT.code)
    person(region, "region.guard", Role.SECURITY_ADMIN, authority=None)
    extra = [catalogue.find(slug).code for slug in (STRICT, "driving-licence", "real-estate-title")]
    with region.platform.sessions.begin() as session:
        owner = session.get_one(Authority, MARKET.code)
        owner.types = sorted({*owner.types, *extra})
    return Office(region)
