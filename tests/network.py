"""Regions that reach each other in one process: a network with a clock of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from certificates import registry
from certificates.regions import region_list
from certificates.verify import verify_file
from certificates.verify_claim import Verification, verify_claim
from server import provision
from server.app import create_app
from server.commands.demo import AUTHORITIES
from server.platform import Platform
from server.provision import RegionPlan
from tests.regions import Region
from trust import list_fetch, list_sources, recognition_policy
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.fetch import AnswerTooLong, FetchFailed
from trust.recognition import ANY, Verdict
from trust.settings import Settings

Answer = Callable[[str, bytes | None, str], bytes]


@dataclass
class Network:
    """Hosts by name; `cut` are those that nobody reaches. `asked` counts requests by path."""

    hosts: dict[str, Answer] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    asked: dict[str, int] = field(default_factory=dict)
    #: Changes what comes from a host: to corrupt, delay or replay it.
    tamper: Callable[[str, bytes], bytes] | None = None

    def __call__(
        self, url: str, *, body: bytes | None = None, media_type: str = "",
        cap: int = 1 << 24,
    ) -> bytes:  # fmt: skip
        parts = urlsplit(url)
        self.asked[url] = self.asked.get(url, 0) + 1
        if parts.netloc in self.cut or parts.netloc not in self.hosts:
            raise FetchFailed("no route")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        found = self.hosts[parts.netloc](path, body, media_type)
        if self.tamper is not None:
            found = self.tamper(url, found)
        if len(found) > cap:
            raise AnswerTooLong(f"more than {cap}")
        return found

    def attach(self, host: str, client: TestClient) -> None:
        """An application under a host name."""

        def answer(path: str, body: bytes | None, media_type: str) -> bytes:
            if body is None:
                response = client.get(path)
            else:
                response = client.post(path, content=body, headers={"content-type": media_type})
            if response.status_code != 200:
                raise FetchFailed(f"{host} answered {response.status_code}")
            found: bytes = response.content
            return found

        self.hosts[host] = answer


@dataclass
class Neighbour:
    """A region on the network, its application served."""

    region: Region
    host: str
    client: TestClient
    app: FastAPI

    @property
    def platform(self) -> Platform:
        return self.region.platform

    def trusts(self, other: "Neighbour", *, verdict: Verdict = Verdict.FULL) -> None:
        """Name the other's list, fetch it over the network, recognise what it says."""
        platform, at = self.platform, utc_now()
        with other.platform.reading() as session:
            region = registry.region(session)
            signer = region_list.list_signer(session, keys=other.platform.keys, at=at)
        with platform.sessions.begin() as session:
            list_sources.add(
                session, region.code, name=region.name, uri=f"http://{other.host}/trust-list",
                signers=(signer.certificate.der,), by=SYSTEM, at=at,
            )  # fmt: skip
        with platform.sessions.begin() as session:
            recognition_policy.set_rule(session, region.code, ANY, verdict, by=SYSTEM, at=at)
        self.fetch_lists()

    def fetch_lists(self) -> None:
        platform = self.platform
        with platform.reading() as session:
            own = registry.region(session).code
        list_fetch.refresh(platform.sessions, fetch=platform.fetch, own=own, at=utc_now())
        platform.peers.forget()

    def verify(self, given: str | bytes, *, at: datetime | None = None) -> Verification:
        knowledge, at = self.platform.knowledge, at or utc_now()
        if isinstance(given, bytes):
            return verify_file(given, knowledge, at=at)
        return verify_claim(given, knowledge, at=at)


@dataclass
class Seconds:
    """A clock of seconds that tests move forward."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def open_neighbour(
    home: Path, network: Network, plan: RegionPlan, host: str, tick: Callable[[], float]
) -> Neighbour:
    """A region of its own under a host name; its application must be entered by the caller."""
    settings = Settings(
        home=home, base_url=f"http://{host}", key_passphrase=SecretStr("a passphrase of the tests"),
        development=True, reservation_lease=timedelta(seconds=60),
    )  # fmt: skip
    platform = Platform(settings, fetch=network, tick=tick)
    provision.create_region(platform, plan, clock=utc_now)
    for authority in AUTHORITIES:
        provision.create_authority(platform, authority, at=utc_now())
    app = create_app(settings, platform=platform)
    client = TestClient(app, base_url=f"http://{host}")
    network.attach(host, client)
    return Neighbour(Region(platform), host, client, app)


@dataclass
class Pair:
    """Two regions that name and recognise each other."""

    ali: Neighbour
    dingxi: Neighbour
    network: Network
    tick: Seconds

    def later(self, seconds: float = 10) -> None:
        self.tick.now += seconds


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One pair for the run: a test leaves the network and the policy as they were."""
    network, tick = Network(), Seconds()
    home = tmp_path_factory.mktemp("pair")
    ali = open_neighbour(home / "ali", network, RegionPlan("542500", "阿里地区"), "ali", tick)
    dingxi = open_neighbour(home / "ding", network, RegionPlan("621100", "定西市"), "ding", tick)
    with ali.client, dingxi.client:
        ali.trusts(dingxi)
        dingxi.trusts(ali)
        yield Pair(ali, dingxi, network, tick)
    for each in (ali, dingxi):
        each.platform.engine.dispose()
