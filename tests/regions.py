"""A whole region for tests: real keys, real databases, migrated by Alembic."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from certificates import issue
from certificates.applications import verbs as applications
from certificates.models import Licence
from server import provision
from server.commands.demo import AUTHORITIES, REGION
from server.platform import Platform
from server.provision import RegionPlan
from sso import accounts
from trust.access import Caller
from trust.clock import utc_now
from trust.settings import Settings

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MARKET, TRANSPORT = AUTHORITIES


@dataclass
class Region:
    """An opened region and its people."""

    platform: Platform

    def caller(self, name: str) -> Caller:
        with self.platform.reading() as session:
            return accounts.caller(session, name)

    def enter(self, slug: str = "business-licence", **changes: Any) -> UUID:
        """An application by the market authority's clerk."""
        data = example(slug) | changes
        with self.platform.sessions.begin() as session:
            return applications.enter(
                session, slug, data, authority=MARKET.code, by=self.caller("market.clerk"),
                at=utc_now(), vault=self.platform.vault,
            ).id  # fmt: skip

    def approved(self, slug: str = "business-licence", **changes: Any) -> UUID:
        key = self.enter(slug, **changes)
        with self.platform.sessions.begin() as session:
            applications.approve(session, key, by=self.caller("market.approver"), at=utc_now())
        return key

    def issued(self, slug: str = "business-licence", **changes: Any) -> Licence:
        key = self.approved(slug, **changes)
        return issue.issue(
            self.platform.workshop(at=utc_now()),
            key,
            by=self.caller("market.approver"),
            at=utc_now(),
        )

    def file(self, licence: Licence) -> bytes:
        return self.platform.store.get(licence.identifier)


def example(slug: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{slug}.json").read_text(encoding="utf-8"))
    return found


_TEMPLATES: dict[RegionPlan, Path] = {}


def build(home: Path, url: str = "", *, plan: RegionPlan = REGION, fresh: bool = False) -> Region:
    """A region with its two authorities; `url` empty is SQLite in `home`.

    On SQLite it is a copy of the first one that this process made by that plan: making the keys of
    a region takes longer than most tests. With `fresh` it has keys of its own.
    """
    if url or fresh:
        return _made(home, url, plan)
    if plan not in _TEMPLATES:
        template = Path(tempfile.mkdtemp(prefix="region-template-"))
        atexit.register(shutil.rmtree, template, ignore_errors=True)
        _made(template, "", plan).platform.engine.dispose()
        _TEMPLATES[plan] = template
    shutil.copytree(_TEMPLATES[plan], home, dirs_exist_ok=True)
    return Region(Platform(_settings(home, "")))


def _made(home: Path, url: str, plan: RegionPlan) -> Region:
    platform = Platform(_settings(home, url))
    provision.create_region(platform, plan, clock=utc_now)
    for authority in AUTHORITIES:
        provision.create_authority(platform, authority, at=utc_now())
    return Region(platform)


def _settings(home: Path, url: str) -> Settings:
    return Settings(
        home=home, database_url=url, key_passphrase=SecretStr("a passphrase of the tests"),
        development=True, reservation_lease=timedelta(seconds=60),
    )  # fmt: skip


@pytest.fixture(scope="session")
def sqlite_region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """One region for the run, on SQLite: for tests whose outcome no database decides."""
    found = build(tmp_path_factory.mktemp("region"))
    yield found
    found.platform.engine.dispose()


@pytest.fixture(scope="session")
def postgresql_region(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Region]:
    server = request.getfixturevalue("postgresql")
    found = build(tmp_path_factory.mktemp("region"), server.url(server.create(empty=True)))
    yield found
    found.platform.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest) -> Region:
    """The region on each database in turn."""
    found: Region = request.getfixturevalue(f"{request.param}_region")
    return found
