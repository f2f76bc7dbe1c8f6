"""What the tests of the OIDC front share: platforms, their keys, people, an application."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

import sso.token_models  # noqa: F401 - its tables
from sso import accounts, authorize, browser_session, clients, router_authorize
from sso.authorization_request import AuthorizationRequest, Parameters
from sso.authorization_responses import FormPost, Redirect, Response
from sso.client import Client
from sso.clients import Registered
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from sso.sign_in import Proof
from tests.sso.provider import ISSUER
from trust.access import SYSTEM, Role
from trust.crypto.jose import b64url

CALLBACK = "https://platform.example/callback"
VERIFIER = "v" * 43
CHALLENGE = b64url(hashlib.sha256(VERIFIER.encode()).digest())
EC = ECKey.generate_key("P-256", {"kid": "ec"})
OTHER_EC = ECKey.generate_key("P-256", {"kid": "ec"})
OKP = OKPKey.generate_key("Ed25519", {"kid": "okp"})
RSA_KEY = RSAKey.import_key(
    rsa.generate_private_key(public_exponent=65537, key_size=2048), {"kid": "rsa"}
)


def jwks(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def signed(claims: Mapping[str, Any], key: Key = EC, alg: str = "ES256", **header: str) -> str:
    return jwt.encode(
        {"alg": alg, "kid": str(key.kid), **header}, dict(claims), key, algorithms=[alg]
    )


def unsigned(claims: Mapping[str, Any]) -> str:
    parts = ({"alg": "none"}, dict(claims))
    return ".".join(b64url(json.dumps(each).encode()) for each in parts) + "."


def metadata(**more: object) -> dict[str, object]:
    """A platform with one callback and a secret."""
    return {
        "client_name": "Example platform", "redirect_uris": [CALLBACK],
        "scope": "openid profile email offline_access",
        "grant_types": ["authorization_code", "refresh_token"], **more,
    }  # fmt: skip


FAPI: dict[str, object] = {
    "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(EC, OKP, RSA_KEY),
    "id_token_signed_response_alg": "PS256",
}  # fmt: skip


def add(provider: Provider, *, at: datetime, fapi: bool = False, **more: Any) -> Registered:
    options = {name: more.pop(name) for name in ("client_id", "client_secret") if name in more}
    first_party = bool(more.pop("first_party", False))
    with provider.sessions.begin() as session:
        return clients.add(
            session, metadata(**(FAPI if fapi else {}), **more), by=SYSTEM, at=at, fapi=fapi,
            first_party=first_party, policy=provider.policy, **options,
        )  # fmt: skip


def person(
    session: Session, name: str = "zhang", *, at: datetime, roles: frozenset[Role] = frozenset()
) -> str:
    accounts.create(
        session, name, display_name="张*", authority=None, roles=roles, by=SYSTEM, at=at
    )
    session.flush()
    return name


def asked(client: Client, **more: str) -> dict[str, str]:
    """The parameters of a sound request; one set to "" is left out."""
    found = {
        "client_id": client.client_id, "response_type": "code", "redirect_uri": CALLBACK,
        "scope": "openid profile", "state": "state-1", "nonce": "nonce-1",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", **more,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


def read(provider: Provider, client: Client, **more: str) -> AuthorizationRequest:
    return authorize.read(provider, Parameters(asked(client, **more)), at=provider.clock())


def proof(name: str, *methods: str, at: datetime) -> Proof:
    return Proof(name, methods, at)


def signed_in(provider: Provider, name: str, *methods: str, at: datetime) -> str:
    """The cookie of a browser in which this person has signed in."""
    with provider.sessions.begin() as session:
        token, _ = browser_session.begin(
            session, name, methods=methods or ("pwd",), at=at, policy=provider.policy,
            user_agent="test", staff=False,
        )  # fmt: skip
    return token


def query_of(answer: Response | str) -> dict[str, str]:
    """The parameters of a redirect, each once."""
    assert not isinstance(answer, FormPost)
    url = answer.url if isinstance(answer, Redirect) else answer
    found = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return dict(parse_qsl(urlsplit(url).query))


@dataclass
class Front:
    """The endpoints over HTTP."""

    provider: Provider
    http: TestClient = field(init=False)

    def __post_init__(self) -> None:
        app = FastAPI()
        app.include_router(router_authorize.router)
        app.state.provider = self.provider

        def error_page(request: Request, error: OAuthError) -> HTMLResponse:
            return HTMLResponse(f"<p>{error.error}</p>", error.status)

        def form_post(request: Request, answer: FormPost) -> HTMLResponse:
            return HTMLResponse(f"<form>{answer.action} {sorted(answer.fields)}</form>")

        app.state.render_error, app.state.render_form_post = error_page, form_post
        self.http = TestClient(app, base_url=ISSUER, follow_redirects=False)

    def get(self, parameters: Mapping[str, str] | str) -> Any:
        query = parameters if isinstance(parameters, str) else urlencode(parameters)
        return self.http.get(f"/oauth2/authorize?{query}")
