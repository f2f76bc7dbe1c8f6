"""The composition root below HTTP: settings in, an opened platform out."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

import httpx
from pydantic import SecretStr
from sqlalchemy import Engine

from ca import signers
from ca.ocsp import Responder
from ca.status import RegistryLookup
from ca.timestamp import Stamper
from certificates import publish, registry
from certificates.document import Renderer
from certificates.evidence import Knowledge, ListedStatus
from certificates.issue import Workshop
from certificates.own_registry import OwnCopies, OwnRegistry
from certificates.press.stamping import StampingRenderer
from certificates.press.store import FileStore
from certificates.regions.peers import Peers
from certificates.status.publish import StatusForms
from seal.long_term import Chains, LongTerm, Stamps
from seal.outside import OutsideAuthority
from server.exits import CannotWrite
from trust.clock import utc_now
from trust.crypto.algorithms import Algorithm
from trust.crypto.x509 import Certificate
from trust.db import Sessions, open_engine, open_reading, open_sessions
from trust.errors import NotFound
from trust.fetch import Fetch, Fetcher
from trust.keys import KeyStore, SoftKeyStore
from trust.keys_combined import CombinedKeyStore
from trust.keys_counted import CountingKeyStore
from trust.keys_pkcs11 import Pkcs11KeyStore
from trust.list_store import ListStore
from trust.settings import Settings
from trust.validation import TrustStore
from trust.vault import Vault

#: Nobody waits longer for another region.
PEER_SECONDS: Final = 3.0


@dataclass
class Platform:
    """Everything opened when first needed, so that a command pays only for what it uses."""

    settings: Settings
    #: How other regions are reached; tests put a network of their own in its place.
    fetch: Fetch = field(default_factory=lambda: Fetcher(seconds=PEER_SECONDS))
    tick: Callable[[], float] = time.monotonic

    @cached_property
    def engine(self) -> Engine:
        """Opened once; NotFound where no region was set up, instead of an empty database."""
        if not self.has_database():
            raise NotFound(f"no region in {self.settings.home}: run `trust init` or `trust demo`")
        return open_engine(self.settings.database)

    @cached_property
    def sessions(self) -> Sessions:
        return open_sessions(self.engine)

    @cached_property
    def reading(self) -> Sessions:
        return open_reading(self.engine)

    @cached_property
    def soft_keys(self) -> SoftKeyStore:
        return SoftKeyStore(self.settings.keys, self.settings.passphrase())

    @cached_property
    def keys(self) -> KeyStore:
        """Where keys lie, their uses counted."""
        return CountingKeyStore(self._open_keys(), lambda: self.sessions, clock=utc_now)

    def _open_keys(self) -> KeyStore:
        """The soft store, or with TRUST_PKCS11_MODULE a token for all but SM2."""
        settings = self.settings
        if settings.pkcs11_module is None:
            return self.soft_keys
        pin = settings.pkcs11_pin or SecretStr("")  # the settings have refused an empty one
        token = Pkcs11KeyStore(settings.pkcs11_module, settings.pkcs11_token, pin)
        return CombinedKeyStore(self.soft_keys, token)

    @cached_property
    def vault(self) -> Vault:
        soft = self.soft_keys
        return Vault(soft.secret("data", size=16), soft.secret("index", size=32))

    @cached_property
    def store(self) -> FileStore:
        return FileStore(self.settings.home / "files", self.vault)

    @cached_property
    def renderer(self) -> Renderer:
        return StampingRenderer(fallback=self.settings.fallback_font)

    @cached_property
    def knowledge(self) -> Knowledge:
        """What a verification by this deployment may ask: of itself its registry, of other regions
        what they sign."""
        return replace(self.own_knowledge, elsewhere=self.peers.knowledge)

    @cached_property
    def peers(self) -> Peers:
        """Other regions, as they are asked and believed."""
        own = self.own_knowledge
        region = own.registry.region if own.registry is not None else ""
        return Peers(
            self.sessions, self.reading, self.lists, own=own, own_region=region, fetch=self.fetch,
            tick=self.tick,
        )  # fmt: skip

    @cached_property
    def own_knowledge(self) -> Knowledge:
        """What this deployment knows of itself, nobody else asked."""
        with self.reading() as session:
            own = publish.anchors(session)
            region = registry.region(session).code
        store = TrustStore(own.roots, own.intermediates, RegistryLookup(self.reading))

        def signer(kid: bytes) -> Certificate | None:
            """A signer made since this process began is looked up when it is first met."""
            known = own.signer(kid)
            if known is None:
                with self.reading() as session:
                    known = publish.anchors(session).signer(kid)
            return known

        return Knowledge(
            store, signer, OwnRegistry(self.reading, region), ListedStatus((), store),
            OwnCopies(self.reading),
        )  # fmt: skip

    @cached_property
    def long_term(self) -> LongTerm:
        """Time-stamps by our own authority or outside ones, evidence by our own responder."""
        stamper = Stamper(
            self.sessions, self.reading, self.keys, clock=utc_now, policy=self.settings.tsa_policy
        )
        chains = Chains(self.reading, Responder(self.reading, self.keys), clock=utc_now)
        urls = {
            Algorithm.SM2_SM3: self.settings.time_stamp_url_sm2,
            Algorithm.RSA_SHA256: self.settings.time_stamp_url_rsa,
        }
        authorities = {
            suite: OutsideAuthority(url, client=httpx.Client()).answer if url else stamper.answer
            for suite, url in urls.items()
        }
        together = {suite: stamper.answer_many for suite, url in urls.items() if not url}
        return LongTerm(Stamps(authorities, chains, clock=utc_now, together=together), chains)

    @cached_property
    def lists(self) -> ListStore:
        """The trust lists of other regions, as they are believed now."""
        return ListStore(self.reading, tick=self.tick)

    @cached_property
    def status_publisher(self) -> publish.StatusPublisher:
        return publish.StatusPublisher(
            self.reading, self.keys, lifetime=self.settings.status_lifetime
        )

    @cached_property
    def status_forms(self) -> StatusForms:
        return StatusForms(self.reading, self.keys, lifetime=self.settings.status_lifetime)

    def workshop(self, *, at: datetime) -> Workshop:
        """What issuing needs; made anew for each request or bulk job, so that a new claim signer
        is used from then on."""
        with self.reading() as session:
            region = registry.region(session)
            signer = signers.active(
                session, "claim-signer", keys=self.keys, at=at,
                algorithm=Algorithm(region.claim_algorithm),
            )  # fmt: skip
        return Workshop(
            sessions=self.sessions, keys=self.keys, vault=self.vault, store=self.store,
            renderer=self.renderer, knowledge=self.knowledge, region=region, claim_signer=signer,
            lease=self.settings.reservation_lease, long_term=self.long_term,
        )  # fmt: skip

    def has_database(self) -> bool:
        """Whether a region lives here: asking must not make an empty database."""
        url = self.settings.database
        return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).is_file()

    def require_home(self) -> Path:
        """The home directory, made if need be; CannotWrite when it cannot be."""
        try:
            self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.settings.home / ".probe"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise CannotWrite(f"{self.settings.home} cannot be written") from error
        return self.settings.home
