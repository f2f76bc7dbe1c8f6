"""Regions on a network of faults: own databases and real keys, a clock and a weather of the seed.

Everything that one region hears of another goes through `World.fetch`, which loses, delays, spoils
and replays as the seed says. Time is simulated: latency moves the clock forward.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy import select

from ca.models import Crl
from certificates import publish, registry
from certificates.models import LicenceState
from certificates.regions import region_list
from certificates.regions.exchange_answering import Answering
from certificates.regions.exchange_asking import Asking
from certificates.revoke import change
from server import provision
from server.commands.demo import AUTHORITIES
from server.platform import PEER_SECONDS, Platform
from server.provision import RegionPlan
from tests.regions import Region
from trust import list_fetch, list_sources, recognition_policy
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import hashes
from trust.errors import TrustError
from trust.fetch import Fetch, FetchFailed
from trust.list_store import NoSuchRegion
from trust.recognition import ANY, Verdict
from trust.settings import Settings

PLANS: Final = (
    RegionPlan("542500", "阿里地区"), RegionPlan("621100", "定西市"),
    RegionPlan("540100", "拉萨市"), RegionPlan("620100", "兰州市"),
    RegionPlan("150100", "呼和浩特市"),
)  # fmt: skip
#: Nobody names the last region's list, so nothing of it may ever pass elsewhere.
UNLISTED: Final = "150100"
#: Faults of a request while the weather is bad.
FAULTS: Final = ("lost", "slow", "spoilt", "cut", "garbage", "replayed")


@dataclass
class Holding:
    """A licence and every state it was in, with the moment since when."""

    licence: str
    claim: str
    pdf: bytes
    history: list[tuple[datetime, LicenceState]]

    def was_active(self, since: datetime, until: datetime) -> set[bool]:
        """Whether it was in force, not in force, or both, between two moments."""
        found = set()
        for number, (at, state) in enumerate(self.history):
            later = self.history[number + 1 :]
            ended = later[0][0] if later else None
            if at <= until and (ended is None or ended >= since):
                found.add(state is LicenceState.ACTIVE)
        return found


@dataclass
class Place:
    """A region with its licences; `skew` is how far its clock is ahead."""

    region: Region
    code: str
    holdings: list[Holding] = field(default_factory=list)
    skew: timedelta = timedelta()

    @property
    def platform(self) -> Platform:
        return self.region.platform


class World:
    """All regions, the clock and the weather."""

    def __init__(self, home: Path, seed: int, *, regions: int, licences: int) -> None:
        self.dice, self.began, self.seconds = random.Random(seed), utc_now(), 60.0
        self.places: dict[str, Place] = {}
        self.answers: dict[str, list[bytes]] = {}
        self.partitions: dict[frozenset[str], float] = {}
        #: When something last went wrong between an asker and the region it asked.
        self.troubled: dict[tuple[str, str], float] = {}
        self.bad_weather = 0.0
        self.counts: dict[str, int] = {}
        plans = [*PLANS[: regions - 1], PLANS[-1]]
        for plan in plans:
            self._found(home, plan, licences)
        self.began = utc_now()  # no certificate is younger
        self._introduce()

    @property
    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds)

    def clock_of(self, code: str) -> datetime:
        return self.now + self.places[code].skew

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def _found(self, home: Path, plan: RegionPlan, licences: int) -> None:
        settings = Settings(
            home=home / plan.code, base_url=f"http://{plan.code}.test", development=True,
            key_passphrase=SecretStr("a passphrase of the proof"),
        )  # fmt: skip
        platform = Platform(settings, fetch=self._fetch_as(plan.code), tick=lambda: self.seconds)
        provision.create_region(platform, plan, clock=utc_now)
        for authority in AUTHORITIES:
            provision.create_authority(platform, authority, at=utc_now())
        place = self.places[plan.code] = Place(Region(platform), plan.code)
        for _ in range(licences):
            made = place.region.issued()
            place.holdings.append(
                Holding(
                    made.identifier, made.claim, place.region.file(made),
                    [(utc_now(), LicenceState.ACTIVE)],
                )
            )  # fmt: skip

    def _introduce(self) -> None:
        """Everybody names everybody's list, but nobody that of the unlisted one."""
        for here in self.places.values():
            for there in self.places.values():
                if there is here or there.code == UNLISTED:
                    continue
                with there.platform.reading() as session:
                    signer = region_list.list_signer(session, keys=there.platform.keys, at=self.now)
                with here.platform.sessions.begin() as session:
                    list_sources.add(
                        session, there.code, name=there.code,
                        uri=f"http://{there.code}.test/trust-list",
                        signers=(signer.certificate.der,), by=SYSTEM, at=self.now,
                    )  # fmt: skip
                with here.platform.sessions.begin() as session:
                    recognition_policy.set_rule(
                        session, there.code, ANY, Verdict.FULL, by=SYSTEM, at=self.now
                    )
            self.fetch_lists(here)

    def fetch_lists(self, here: Place) -> None:
        list_fetch.refresh(
            here.platform.sessions, fetch=here.platform.fetch, own=here.code,
            at=self.clock_of(here.code),
        )  # fmt: skip
        here.platform.peers.forget()

    # What happens

    def turn(self, holding: Holding, place: Place, state: LicenceState) -> None:
        with place.platform.sessions.begin() as session:
            change(
                session, holding.licence, state, reason="proof", at=self.now,
                by=place.region.caller("market.approver"), vault=place.platform.vault,
            )  # fmt: skip
        holding.history.append((self.now, state))

    def restart(self, place: Place) -> None:
        """A process that has forgotten all that was not in its database."""
        for kept in ("peers", "knowledge", "own_knowledge", "lists", "status_publisher"):
            place.platform.__dict__.pop(kept, None)
        self.count("restarts")

    def renew(self) -> None:
        """What a running service does by the clock."""
        for place in self.places.values():
            at = self.clock_of(place.code)
            publish.publish_crls(place.platform.sessions, keys=place.platform.keys, at=at)

    def split(self, one: str, other: str, seconds: float) -> None:
        self.partitions[frozenset((one, other))] = self.seconds + seconds
        self.count("partitions")

    def is_split(self, one: str, other: str) -> bool:
        return self.partitions.get(frozenset((one, other)), 0.0) > self.seconds

    def reaches(self, one: str, other: str, *, since: float) -> bool:
        """Whether nothing went wrong between them from a moment on."""
        ended = self.partitions.get(frozenset((one, other)), float("-inf"))
        return ended < since and self.troubled.get((one, other), float("-inf")) < since

    # The network

    def _fetch_as(self, asker: str) -> Fetch:
        def fetch(
            url: str, *, body: bytes | None = None, media_type: str = "", cap: int = 1 << 24
        ) -> bytes:
            return self._carry(asker, url, body)

        return fetch

    def _carry(self, asker: str, url: str, body: bytes | None) -> bytes:
        asked = (urlsplit(url).hostname or "").removesuffix(".test")
        self.count("requests")
        self.seconds += self.dice.uniform(0.005, 0.08)
        if self.is_split(asker, asked):
            self._trouble(asker, asked)
            raise FetchFailed("no route")
        fault = None
        if self.seconds < self.bad_weather and self.dice.random() < 0.3:
            fault = self.dice.choice(FAULTS)
            self.count(f"faults: {fault}")
            self._trouble(asker, asked)
        if fault == "lost":
            raise FetchFailed("no answer")
        if fault == "slow":
            late = self.dice.uniform(0.5, 5.0)
            self.seconds += min(late, PEER_SECONDS)
            if late > PEER_SECONDS:
                raise FetchFailed("too slow")
        found = self._answer(asked, urlsplit(url).path, body)
        found = self._spoil(fault, url, found)
        if fault:
            self._trouble(asker, asked)
        return found

    def _trouble(self, asker: str, asked: str) -> None:
        self.troubled[asker, asked] = self.seconds

    def _spoil(self, fault: str | None, url: str, found: bytes) -> bytes:
        known = self.answers.setdefault(url, [])
        known.append(found)
        del known[:-30]
        if fault == "replayed":
            return self.dice.choice(known)
        if fault == "garbage":
            return self.dice.randbytes(self.dice.randrange(1, 400))
        if fault == "cut":
            return found[: self.dice.randrange(len(found))]
        if fault == "spoilt":
            place = self.dice.randrange(len(found))
            turned = found[place] ^ 1 << self.dice.randrange(8)
            return found[:place] + bytes([turned]) + found[place + 1 :]
        return found

    def _answer(self, code: str, path: str, body: bytes | None) -> bytes:
        place, at = self.places[code], self.clock_of(code)
        platform = place.platform
        if path == "/trust-list":
            return region_list.publish(platform.sessions, keys=platform.keys, at=at).document
        if path == "/v1/exchange":
            try:
                return self.answering(place).answer((body or b"").decode(), at=at).encode()
            except (TrustError, NoSuchRegion) as error:
                raise FetchFailed(error.code) from error
        if path.startswith("/status/"):
            return platform.status_publisher.token(int(path[8:]), at=at).encode()
        with platform.reading() as session:
            if path.startswith("/crl/"):
                issuer = path[5:].removesuffix(".crl")
                newest = session.scalar(
                    select(Crl.der).where(Crl.issuer == issuer).order_by(Crl.number.desc()).limit(1)
                )
                return newest or b""
            numbers = registry.list_numbers(session)
        addresses = ",".join(f'"http://{code}.test/status/{each}"' for each in numbers)
        return f'{{"status_lists":[{addresses}]}}'.encode()

    def answering(self, place: Place) -> Answering:
        platform = place.platform
        return Answering(
            platform.sessions, platform.reading, keys=platform.keys, vault=platform.vault,
            peers=platform.peers, stamp=hashes.sha256, checkpoint=lambda _: "",
        )  # fmt: skip

    def asking(self, place: Place) -> Asking:
        platform = place.platform
        return Asking(
            platform.sessions, platform.reading, keys=platform.keys, vault=platform.vault,
            peers=platform.peers, stamp=hashes.sha256,
        )  # fmt: skip

    def close(self) -> None:
        for place in self.places.values():
            place.platform.engine.dispose()
