"""Sealed licences of one region and the anchors to check them with, made once for a run."""

import importlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from certificates import evidence, issue, publish
from certificates.evidence import Knowledge
from seal.apply import Suites
from tests.regions import Region, build
from trust import anchors
from trust.anchors import Anchors
from trust.clock import utc_now


@dataclass(frozen=True)
class Sealed:
    """`files` are sealed licences by suites; `second` is another dual one; `folder` the anchors."""

    region: Region
    files: dict[Suites, bytes]
    second: bytes
    folder: Path
    at: datetime

    @property
    def dual(self) -> bytes:
        return self.files[Suites.DUAL]

    def anchors(self) -> Anchors:
        return anchors.load(self.folder)

    def online(self) -> Knowledge:
        return self.region.platform.knowledge

    def offline(self) -> Knowledge:
        """What can be known from the exported anchors alone."""
        known = self.anchors()
        return evidence.offline(known, evidence.store_of(known))


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    region = build(tmp_path_factory.mktemp("sealed"))
    platform = region.platform
    files = {suites: sealed_licence(region, suites) for suites in Suites}
    second = sealed_licence(region, Suites.DUAL)
    folder = platform.settings.home / "anchors"
    publish.publish_crls(platform.sessions, keys=platform.keys, at=utc_now())
    publish.export_anchors(
        platform.reading, folder, keys=platform.keys, at=utc_now(),
        lifetime=platform.settings.status_lifetime,
    )  # fmt: skip
    return Sealed(region, files, second, folder, utc_now())


def sealed_licence(region: Region, suites: Suites) -> bytes:
    """The file of one more business licence."""
    workshop = replace(region.platform.workshop(at=utc_now()), suites=suites)
    by = region.caller("market.approver")
    return region.file(issue.issue(workshop, region.approved(), by=by, at=utc_now()))


def untyped(name: str) -> Any:
    """A library without types, at its door."""
    return importlib.import_module(name)
