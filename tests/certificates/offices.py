"""Offices for tests of sharing: a platform with a machine account, rights, items bound to types."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from certificates import purpose
from certificates.licence_types.item_models import ItemBinding, Organisation, ServiceItem
from certificates.models import Licence
from certificates.purpose import Purpose
from certificates.share import rights as share_rights
from certificates.share.admission import Asking
from certificates.share.library import Library
from certificates.share.models import ShareCall
from certificates.share.rights import Terms
from certificates.wallet import holder_licences
from server.holders import copy_workshop
from sso import clients, machines
from sso.policy import Policy
from tests.regions import MARKET, TRANSPORT, Region
from trust.access import SYSTEM, Caller, Role
from trust.audit_queue import AuditQueue
from trust.clock import CHINA, utc_now

BUSINESS, FOOD = "11100000MB0143028R001", "11542500999000056Q001"
ITEM, OTHER_ITEM = "540000-0123", "540000-0456"
#: The holder of examples/business-licence.json is a body; its code is no person's.
FROM_HERE = "10.1.2.3"


@dataclass
class Office:
    """One calling platform of a region, and what it asks with."""

    region: Region
    client: str
    machine: str
    queue: AuditQueue
    rights: list[UUID] = field(default_factory=list)

    @property
    def library(self) -> Library:
        platform = self.region.platform
        return Library(
            sessions=platform.sessions, reading=platform.reading, vault=platform.vault,
            store=platform.store, knowledge=platform.knowledge, queue=self.queue,
            workshops=partial(copy_workshop, platform),
        )  # fmt: skip

    @property
    def caller(self) -> Caller:
        return Caller(self.machine, TRANSPORT.code, frozenset({Role.OFFICE}), self.client)

    def right(self, *types: str, at: datetime | None = None, **changes: Any) -> UUID:
        """Grant this platform a right; of both of the market's types where none is named."""
        now = at or utc_now()
        terms: dict[str, Any] = {
            "types": types or (BUSINESS, FOOD), "since": now.astimezone(CHINA).date(),
            "until": None, "reason": "测试", "categories": ("0", "1"),
        }  # fmt: skip
        with self.region.platform.sessions.begin() as session:
            row = share_rights.grant(
                session, Terms(**(terms | changes)), by=SYSTEM, at=now, client=self.client
            )
            self.rights.append(row.id)
            return row.id

    def asking(self, **changes: Any) -> Asking:
        given: dict[str, Any] = {"purpose": because(), "address": FROM_HERE, "at": utc_now()}
        return Asking(self.caller, **(given | changes))

    def calls(self) -> list[ShareCall]:
        """The calls of this platform, oldest first."""
        with self.region.platform.reading() as session:
            mine = select(ShareCall).where(ShareCall.client == self.client)
            return list(session.scalars(mine.order_by(ShareCall.id)))


def because(cause: str = "办理道路运输经营许可", *, item_code: str = "") -> Purpose:
    return purpose.purpose(cause, item_code=item_code)


@contextmanager
def open_office(region: Region, name: str = "") -> Iterator[Office]:
    """A fresh platform of the transport authority, without any right yet."""
    at, platform = utc_now(), region.platform
    metadata = {"client_name": "运政系统", "grant_types": ["client_credentials"], "scope": "trust",
                "token_endpoint_auth_method": "client_secret_post"}  # fmt: skip
    with platform.sessions.begin() as session:
        made = clients.add(
            session, metadata, by=SYSTEM, at=at, policy=Policy(development=True),
            client_id=name or None,
        )  # fmt: skip
        machine = machines.add(
            session, display_name="运政系统", authority=TRANSPORT.code, roles={Role.OFFICE},
            by=SYSTEM, at=at,
        )  # fmt: skip
        machines.tie(session, made.client.client_id, machine.name, by=SYSTEM, at=at)
        client, account = made.client.client_id, machine.name
    queue = AuditQueue(platform.sessions)
    yield Office(region, client, account, queue)
    queue.flush()


def bind(region: Region, item: str, *types: str, until: date | None = None) -> None:
    """A service item of the transport authority, bound to types since last year."""
    at = utc_now()
    since = at.astimezone(CHINA).date() - timedelta(days=365)
    with region.platform.sessions.begin() as session:
        if session.get(Organisation, TRANSPORT.code) is None:
            session.add(Organisation(
                code=TRANSPORT.code, name=TRANSPORT.name, division=TRANSPORT.division,
                imported_at=at,
            ))  # fmt: skip
            session.flush()
        if session.get(ServiceItem, item) is None:
            session.add(ServiceItem(
                code=item, name="道路货物运输经营许可", organisation=TRANSPORT.code, imported_at=at
            ))  # fmt: skip
            session.flush()
        held = set(session.scalars(select(ItemBinding.type_code).where(ItemBinding.item == item)))
        for code in set(types) - held:
            session.add(
                ItemBinding(
                    item=item, type_code=code, since=since, until=until, bound_by="system"
                )
            )  # fmt: skip


def holder_code(region: Region, licence: Licence) -> str:
    """The code of a licence's holder, as it stands on it."""
    with region.platform.reading() as session:
        items = holder_licences.items(session, region.platform.vault, licence.identifier)
    return str(items["CZZTDM"])


__all__ = ["BUSINESS", "FOOD", "FROM_HERE", "ITEM", "MARKET", "OTHER_ITEM", "Office", "because",
           "bind", "holder_code", "open_office"]  # fmt: skip
