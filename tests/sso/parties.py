"""A person, a platform and what they have already agreed on, for tests of tokens: made below HTTP,
so that each test begins where its own story begins."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from joserfc import jws
from joserfc.jwk import ECKey
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.testclient import TestClient

from sso import (
    browser_session,
    clients,
    codes,
    dpop,
    grants,
    jose,
    logout,
    people,
    router_tokens,
    token_endpoint,
)
from sso.client import Client
from sso.credential_models import BrowserSession
from sso.models import Account
from sso.particulars import CITIZEN_ID, Particulars
from sso.provider import Provider
from sso.token_models import SigningKeyRow
from trust.access import SYSTEM
from trust.crypto.algorithms import KeyKind
from trust.crypto.hashes import sha256
from trust.crypto.jose import b64url
from trust.errors import NotFound

CALLBACK = "https://platform.example/callback"
VERIFIER = "v" * 43
CHALLENGE = b64url(sha256(VERIFIER.encode()))
EVERYTHING = "openid profile email phone address offline_access"


@dataclass
class Parties:
    """One person, one platform with a secret, at one provider."""

    provider: Provider
    client: Client
    secret: str
    account: str
    sub: str
    session_id: str
    session_token: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        return self.provider.clock()

    def code(self, **changes: Any) -> str:
        """A code for a new grant of this person to this platform."""
        scope = changes.pop("scope", EVERYTHING)
        claims, acting_for = changes.pop("claims", {}), changes.pop("acting_for", None)
        client: Client = changes.pop("client", self.client)
        with self.provider.sessions.begin() as session:
            grant = grants.begin_grant(
                session, account=self.account, client_id=client.client_id, scopes=scope.split(),
                at=self.at, session_id=self.session_id, claims=claims, acting_for=acting_for,
                resources=changes.get("resource", ()),
            )  # fmt: skip
            values: dict[str, Any] = {
                "client_id": client.client_id, "grant_id": grant.id, "account": self.account,
                "redirect_uri": CALLBACK, "auth_time": self.at, "acr": "urn:trust:loa:1",
                "amr": ("pwd",), "scope": scope, "claims": claims, "code_challenge": CHALLENGE,
                "nonce": "n-1", "sid": self.session_id,
            }  # fmt: skip
            authorized = codes.Authorized(**(values | changes))
            return codes.issue(
                session, authorized, lifetime=self.provider.policy.code_lifetime, at=self.at
            )

    def ask(self, *, proof: str | None = None, **form: str) -> dict[str, Any]:
        """The token endpoint's answer to this platform; OAuthError."""
        headers = Headers({"dpop": proof} if proof else {})
        named: dict[str, str] = {"client_id": self.client.client_id}
        if self.secret:
            named["client_secret"] = self.secret
        return token_endpoint.answer(
            self.provider, headers, named | form, proofs=headers, at=self.at
        )

    def redeem(self, code: str, *, proof: str | None = None, **changes: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }  # fmt: skip
        return self.ask(proof=proof, **(form | changes))

    def tokens(self, **changes: Any) -> dict[str, Any]:
        """What this platform holds after a login."""
        return self.redeem(self.code(**changes))

    def refresh(self, token: str, **more: str) -> dict[str, Any]:
        return self.ask(grant_type="refresh_token", refresh_token=token, **more)


def make_parties(
    provider: Provider, *, metadata: Mapping[str, object] | None = None, fapi: bool = False,
    name: str = "platform",
) -> Parties:  # fmt: skip
    """The person is new for the first platform of a database, and the same for the next."""
    described: dict[str, object] = {
        "client_name": "Platform", "redirect_uris": [CALLBACK],
        "grant_types": [
            "authorization_code", "refresh_token", "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "scope": f"{EVERYTHING} identity id_number organisation level trust",
        "token_endpoint_auth_method": "client_secret_post",
        "post_logout_redirect_uris": ["https://platform.example/bye"],
    } | dict(metadata or {})  # fmt: skip
    at = provider.clock()
    with provider.sessions.begin() as session:
        _seed_key(session, provider)
        made = clients.add(
            session, described, by=SYSTEM, at=at, client_id=name, fapi=fapi, policy=provider.policy
        )
        account = session.scalar(select(Account).where(Account.name == "zhang"))
        if account is None:
            known = Particulars(
                "张三丰", CITIZEN_ID, "110101199003070038", mobile="13800000001",
                email="zhang@example.cn", address="北京市东城区",
            )  # fmt: skip
            account = people.add_person(
                session, provider.vault, known, by=SYSTEM, at=at, name="zhang", level=1
            )
        token, row = browser_session.begin(
            session, "zhang", methods=("pwd",), at=at, policy=provider.policy,
            user_agent="test", staff=False,
        )  # fmt: skip
        sub, session_id = account.sub, row.id
    return Parties(provider, made.client, made.client_secret or "", "zhang", sub, session_id, token)


def _seed_key(session: Session, provider: Provider) -> None:
    """RSA keys are slow to make: one for the whole run."""
    key_id = "token-rs256-of-tests"
    if session.scalar(select(SigningKeyRow).where(SigningKeyRow.key_id == key_id)) is not None:
        return
    try:
        spki = provider.keys.public_key(key_id)
    except NotFound:
        spki = provider.keys.generate(key_id, KeyKind.RSA, bits=2048)
    kid = jose.thumbprint(jose.jwk_of(spki))
    session.add(
        SigningKeyRow(kid=kid, alg="RS256", key_id=key_id, spki=spki, created_at=provider.clock())
    )


class Prover:
    """A DPoP key."""

    def __init__(self) -> None:
        self.key = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
        self.jwk = self.key.as_dict(private=False)
        self.jkt = self.key.thumbprint()
        self._count = 0

    def proof(
        self, url: str, *, at: datetime, method: str = "POST", token: str | None = None,
        header: Mapping[str, Any] | None = None, **changes: Any,
    ) -> str:  # fmt: skip
        """A proof; a claim that is given as None is left out."""
        self._count += 1
        claims: dict[str, Any] = {
            "jti": f"{self.jkt}-{self._count}", "htm": method, "htu": url,
            "iat": int(at.timestamp()),
        }  # fmt: skip
        if token is not None:
            claims["ath"] = dpop.ath(token)
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        head = {"alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk} | dict(header or {})
        head = {name: value for name, value in head.items() if value is not None}
        return jws.serialize_compact(head, json.dumps(claims), self.key, algorithms=["ES256"])


def app_of(provider: Provider) -> FastAPI:
    """The endpoints alone; pages as JSON, so that a test can read what they would show."""
    app = FastAPI()
    app.state.provider = provider
    app.include_router(router_tokens.router)

    def render_error(_request: Request, error: Any) -> Response:
        return JSONResponse({"page": "error", **error.body()}, error.status)

    def render_logout(_request: Request, page: logout.Confirm) -> Response:
        return JSONResponse({"page": "confirm", "csrf": page.csrf, "fields": dict(page.fields)})

    def render_logged_out(_request: Request, page: logout.LoggedOut) -> Response:
        body = {"page": "logged out", "frames": list(page.frames), "goes_to": page.goes_to}
        return JSONResponse(body)

    app.state.render_error = render_error
    app.state.render_logout = render_logout
    app.state.render_logged_out = render_logged_out
    return app


def http(provider: Provider) -> TestClient:
    return TestClient(app_of(provider), base_url=provider.issuer, follow_redirects=False)


def session_row(parties: Parties) -> BrowserSession:
    with parties.provider.sessions() as session:
        return session.get_one(BrowserSession, parties.session_id)


def form_of(**fields: str) -> str:
    return urlencode(fields)
