"""A region as `trust init` makes it, with sealed licences, built once for the modules that read it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from certificates import application, evidence, issue, publish
from certificates.evidence import Knowledge
from certificates.models import Licence
from seal.apply import Suites
from server import provision
from server.platform import Platform
from sso import accounts
from tests.certificates.samples import EXAMPLES
from trust import anchors
from trust.access import Role
from trust.clock import utc_now
from trust.settings import Settings

AUTHORITY = provision.AuthorityPlan(
    "11542500999000056Q", "阿里地区市场监督管理局", "542500",
    ("11100000MB0143028R001", "11542500999000056Q001"),
    "阿里地区市场监督管理局电子证照专用章", "电子证照专用章",
    (("ms.clerk", "甲", Role.CLERK), ("ms.approver", "乙", Role.APPROVER),
     ("ms.seal", "丙", Role.SEAL_ADMIN)),
)  # fmt: skip


@dataclass(frozen=True)
class Region:
    """`files` are sealed licences by suites; `second` is another dual one; `folder` the anchors."""

    platform: Platform
    files: dict[Suites, bytes]
    second: bytes
    folder: Path
    at: datetime

    @property
    def dual(self) -> bytes:
        return self.files[Suites.DUAL]

    def online(self) -> Knowledge:
        return self.platform.knowledge

    def offline(self) -> Knowledge:
        """What can be known from the exported anchors alone."""
        known = anchors.load(self.folder)
        return evidence.offline(known, evidence.store_of(known))


_BUILT: list[Region] = []


def build(factory: pytest.TempPathFactory) -> Region:
    """The region of this process, made on first use (about two seconds)."""
    if not _BUILT:
        _BUILT.append(_build(factory.mktemp("region")))
    return _BUILT[0]


def _build(home: Path) -> Region:
    settings = Settings(home=home, key_passphrase=SecretStr("test passphrase"), development=True)
    platform = Platform(settings)
    provision.create_region(platform, provision.RegionPlan("542500", "阿里地区"), clock=utc_now)
    provision.create_authority(platform, AUTHORITY, at=utc_now())
    files = {suites: issue_one(platform, suites) for suites in Suites}
    second = issue_one(platform, Suites.DUAL)
    folder = home / "anchors"
    publish.publish_crls(platform.sessions, keys=platform.keys, at=utc_now())
    publish.export_anchors(
        platform.reading, folder, keys=platform.keys, at=utc_now(),
        lifetime=settings.status_lifetime,
    )  # fmt: skip
    return Region(platform, files, second, folder, utc_now())


def issue_one(platform: Platform, suites: Suites) -> bytes:
    """One more business licence, sealed; its file."""
    licence = _issue(platform, suites)
    return platform.store.get(licence.identifier)


def _issue(platform: Platform, suites: Suites) -> Licence:
    content = json.loads((EXAMPLES / "business-licence.json").read_bytes())
    with platform.sessions.begin() as session:
        clerk = accounts.caller(session, "ms.clerk")
        approver = accounts.caller(session, "ms.approver")
        entered = application.enter(
            session, "business-licence", content, authority=AUTHORITY.code, by=clerk,
            at=utc_now(), vault=platform.vault,
        )  # fmt: skip
        key = entered.id
    with platform.sessions.begin() as session:
        application.approve(session, key, by=approver, at=utc_now())
    workshop = replace(platform.workshop(), suites=suites)
    return issue.issue(workshop, key, by=approver, at=utc_now())
