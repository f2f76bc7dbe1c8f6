"""The identity provider as a deployment runs it, and the relying parties and people around it.

One region for the run, reached in process; its clock moves when a test says so and never back.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc import jwk
from pydantic import SecretStr

from server.app import create_app
from server.platform import Platform
from sso import accounts, clients, passwords, people
from sso.client_metadata import metadata_of
from sso.particulars import Particulars
from sso.passwords import Hasher
from sso.provider import Provider
from tests.conformance.documents import Documents, published
from tests.conformance.fapi_fixtures import (  # noqa: F401 - fixtures of test_fapi2_*.py
    behind_proxy,
    bound,
    by_certificate,
    citizen,
    eddsa,
    other,
    plain,
    platform,
    rsa_key,
    signer,
)
from tests.conformance.person import Person
from tests.conformance.relying_party import WELL_KNOWN, RelyingParty
from tests.regions import build
from tests.sso.provider import HandClock
from trust.access import SYSTEM, Caller
from trust.clock import utc_now

INITIAL_TOKEN = "an initial access token of the tests"
REDIRECT_URI = "https://rp.example.org/callback"
AFTER_LOGOUT = "https://rp.example.org/signed-out"
USERNAME, PASSWORD = "buffy", "Sunnydale-1997-hall"
SCOPES = "openid profile email address phone offline_access"
#: Of the examples in GB 11643, and numbers nobody has.
PARTICULARS = Particulars(
    name="张三丰", key_type="111", key_number="11010519491231002X", mobile="13800000001",
    email="zhang@example.cn", address="北京市朝阳区某路1号",
)  # fmt: skip


@dataclass
class IdentityProvider:
    """The application under test, what it publishes, and a host that it can fetch from."""

    app: FastAPI
    http: TestClient
    clock: HandClock
    documents: Documents
    browsers: list[httpx.Client] = field(default_factory=list)

    @property
    def provider(self) -> Provider:
        found: Provider = self.app.state.provider
        return found

    @property
    def issuer(self) -> str:
        return self.provider.issuer

    @cached_property
    def metadata(self) -> dict[str, Any]:
        response = self.http.get(self.issuer + WELL_KNOWN)
        assert response.status_code == 200
        found: dict[str, Any] = response.json()
        return found

    def wait(self, **amount: float) -> None:
        """Let time pass, for the provider and everyone who asks the same clock."""
        self.clock.forward(**amount)

    def client(
        self, metadata: Mapping[str, Any] | None = None, *, fapi: bool = False, **said: Any
    ) -> RelyingParty:
        """A platform registered beforehand by an administrator ("static client").

        The suite's modules send no PKCE but one, so it is not insisted on. `said` is for the
        relying party: its key, its DPoP key, its scope.
        """
        asked = {
            "client_name": "Conformance", "redirect_uris": [REDIRECT_URI], "scope": SCOPES,
            "grant_types": ["authorization_code", "refresh_token"],
            "post_logout_redirect_uris": [AFTER_LOGOUT], "require_pkce": fapi, **(metadata or {}),
        }  # fmt: skip
        with self.provider.sessions.begin() as session:
            made = clients.add(
                session, asked, by=SYSTEM, at=self.clock(), fapi=fapi, policy=self.provider.policy
            )
        registration = {**metadata_of(made.client), "client_secret": made.client_secret}
        return self.relying_party(registration, **said)

    def register(self, metadata: Mapping[str, Any], **said: Any) -> RelyingParty:
        """A platform that registers itself ("dynamic client")."""
        response = self.try_to_register(metadata)
        assert response.status_code == 201, response.text
        assert response.headers["content-type"].partition(";")[0] == "application/json"
        assert response.headers["cache-control"] == "no-store"
        return self.relying_party(response.json(), **said)

    def try_to_register(self, metadata: Mapping[str, Any]) -> httpx.Response:
        found: httpx.Response = self.http.post(
            self.metadata["registration_endpoint"], json=dict(metadata),
            headers={"Authorization": f"Bearer {INITIAL_TOKEN}"},
        )  # fmt: skip
        return found

    def relying_party(self, registration: Mapping[str, Any], **said: Any) -> RelyingParty:
        redirect_uri = said.pop("redirect_uri", registration["redirect_uris"][0])
        return RelyingParty(
            self.http, self.clock, self.metadata, registration, redirect_uri=redirect_uri, **said
        )

    def person(self, username: str = USERNAME, password: str = PASSWORD) -> Person:
        """Somebody at a browser of their own, signed in nowhere."""
        # The transport runs the application on the loop that its lifespan runs on.
        browser = httpx.Client(transport=self.http._transport, base_url=self.issuer)
        self.browsers.append(browser)
        return Person(browser, self.issuer, username, password, self.clock)


@contextmanager
def running(home: Path) -> Iterator[IdentityProvider]:
    """A region whose provider takes registrations and may call loopback addresses."""
    settings = build(home).platform.settings.model_copy(
        update={
            "initial_access_token": SecretStr(INITIAL_TOKEN), "allow_private_callbacks": True,
        }
    )  # fmt: skip
    opened, clock = Platform(settings), HandClock(utc_now())
    app = create_app(settings, clock=clock, platform=opened)
    with (
        published() as documents,
        TestClient(app, base_url=settings.issuer_url, follow_redirects=False) as http,
    ):
        # Cheap hashes: what they cost is tested elsewhere.
        hasher = Hasher(memory_kib=8, iterations=1)
        app.state.provider = replace(app.state.provider, hasher=hasher)
        yield IdentityProvider(app, http, clock, documents)
    opened.engine.dispose()


def add_person(op: IdentityProvider, name: str, person: Particulars, password: str) -> None:
    provider = op.provider
    himself = Caller(account=name, authority=None, roles=frozenset())
    with provider.sessions.begin() as session:
        account = people.add_person(
            session, provider.vault, person, by=accounts.ANONYMOUS, at=op.clock(), name=name
        )
        passwords.set_password(
            session, account, password, hasher=provider.hasher, by=himself, at=op.clock()
        )


@pytest.fixture(scope="session")
def op(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with running(tmp_path_factory.mktemp("conformance")) as found:
        add_person(found, USERNAME, PARTICULARS, PASSWORD)
        yield found


@pytest.fixture
def person(op: IdentityProvider) -> Person:
    return op.person()


@pytest.fixture
def rp(op: IdentityProvider) -> RelyingParty:
    """A client of the plainest kind: code flow, client_secret_basic."""
    return op.client()


@pytest.fixture(scope="session")
def key() -> jwk.RSAKey:
    """A relying party's RSA key without a kid, as the suite makes it."""
    return jwk.RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
