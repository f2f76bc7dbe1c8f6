"""Authlib, over HTTP: sign-in, refresh, revocation, logout; and what must be refused."""

# Authlib has no types of its own: what it is asked is checked by running it.
# mypy: disallow-untyped-calls=False

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.clients.leaving import leave
from tests.clients.person import Browser, Person, sign_in
from tests.clients.served import Registered, Served

REDIRECT = "http://localhost:9001/callback"
LEFT = "http://localhost:9001/left"


@dataclass
class Signed:
    """A finished sign-in and what made it."""

    client: OAuth2Client
    verifier: str
    answer: str
    token: dict[str, Any]
    claims: dict[str, Any]


@pytest.fixture(scope="module")
def metadata(served: Served) -> dict[str, Any]:
    said: dict[str, Any] = httpx.get(f"{served.issuer}/.well-known/openid-configuration").json()
    return said


@pytest.fixture(scope="module")
def registered(served: Served) -> Registered:
    return served.add_client("authlib", REDIRECT, "--post-logout-redirect-uri", LEFT)


@pytest.fixture
def client(registered: Registered, metadata: dict[str, Any]) -> Iterator[OAuth2Client]:
    with OAuth2Client(
        registered.client_id, registered.client_secret, redirect_uri=REDIRECT,
        scope="openid profile offline_access", code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"], trust_env=False,
        revocation_endpoint_auth_method="client_secret_basic",
    ) as made:  # fmt: skip
        yield made


@pytest.fixture
def signed(
    client: OAuth2Client, metadata: dict[str, Any], browser: Browser, person: Person
) -> Signed:
    verifier, nonce = generate_token(48), generate_token()
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, prompt="consent"
    )
    answer = sign_in(browser, person, url).url
    token = client.fetch_token(authorization_response=answer, code_verifier=verifier, state=state)
    claims = id_token(metadata, token["id_token"], client.client_id, nonce=nonce)
    assert claims["sub"] == person.sub
    return Signed(client, verifier, answer, dict(token), claims)


def id_token(
    metadata: dict[str, Any], token: str, client_id: str, *, nonce: str | None
) -> dict[str, Any]:
    """The claims, by Authlib's own checks of OIDC Core, 3.1.3.7."""
    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
    decoded = jwt.decode(token, keys, algorithms=["RS256"])
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": metadata["issuer"]},
        "aud": {"essential": True, "value": client_id},
    }
    claims = CodeIDToken(
        decoded.claims, decoded.header, options, {"nonce": nonce, "client_id": client_id}
    )
    claims.validate()
    return dict(decoded.claims)


def test_a_person_signs_in_and_userinfo_speaks_of_the_same_one(
    signed: Signed, metadata: dict[str, Any]
) -> None:
    said = signed.client.get(metadata["userinfo_endpoint"]).raise_for_status().json()
    assert said["sub"] == signed.claims["sub"]
    assert {"auth_time", "acr", "amr", "sid"} <= signed.claims.keys()


def test_the_answer_names_the_issuer(signed: Signed, metadata: dict[str, Any]) -> None:
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert parse_qs(urlsplit(signed.answer).query)["iss"] == [metadata["issuer"]]


def test_a_refreshed_token_is_another_one_of_the_same_person(
    signed: Signed, metadata: dict[str, Any]
) -> None:
    renewed = signed.client.refresh_token(metadata["token_endpoint"])
    assert renewed["access_token"] != signed.token["access_token"]
    assert renewed["refresh_token"] != signed.token["refresh_token"]
    claims = id_token(metadata, renewed["id_token"], signed.client.client_id, nonce=None)
    assert (claims["sub"], claims["auth_time"]) == (
        signed.claims["sub"], signed.claims["auth_time"],
    )  # fmt: skip
    assert signed.client.get(metadata["userinfo_endpoint"]).status_code == 200


def test_a_code_is_good_once(signed: Signed, metadata: dict[str, Any]) -> None:
    with pytest.raises(OAuthError, match="invalid_grant"):
        signed.client.fetch_token(
            authorization_response=signed.answer, code_verifier=signed.verifier
        )
    assert signed.client.get(metadata["userinfo_endpoint"]).status_code in (200, 401)


def test_a_revoked_refresh_token_gives_nothing(signed: Signed, metadata: dict[str, Any]) -> None:
    spent = signed.token["refresh_token"]
    said = signed.client.revoke_token(metadata["revocation_endpoint"], token=spent)
    assert said.status_code == 200
    with pytest.raises(OAuthError, match="invalid_grant"):
        signed.client.refresh_token(metadata["token_endpoint"], refresh_token=spent)


def credentials(signed: Signed) -> tuple[str, str]:
    return signed.client.client_id, signed.client.client_secret


def test_introspection_tells_of_a_token_until_it_is_revoked(
    signed: Signed, metadata: dict[str, Any]
) -> None:
    token = signed.token["refresh_token"]
    address, basic = metadata["introspection_endpoint"], httpx.BasicAuth(*credentials(signed))
    assert httpx.post(address, data={"token": token}, auth=basic).json()["active"] is True
    signed.client.revoke_token(metadata["revocation_endpoint"], token=token)
    told = httpx.post(address, data={"token": token}, auth=basic).json()
    assert told == {"active": False}


def test_after_logout_the_next_sign_in_asks_again(
    signed: Signed, metadata: dict[str, Any], browser: Browser
) -> None:
    asked = {
        "id_token_hint": signed.token["id_token"], "post_logout_redirect_uri": LEFT, "state": "s",
    }  # fmt: skip
    left = browser.visit(str(httpx.URL(metadata["end_session_endpoint"], params=asked)))
    left = leave(browser, left)
    assert left.url == f"{LEFT}?state=s"
    silent, _ = signed.client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=signed.verifier, prompt="none", nonce="n"
    )
    answer = browser.visit(silent)
    assert parse_qs(urlsplit(answer.url).query)["error"] == ["login_required"]


def test_while_signed_in_the_next_platform_asks_nothing(
    signed: Signed, metadata: dict[str, Any], browser: Browser
) -> None:
    silent, _ = signed.client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=signed.verifier, prompt="none", nonce="n"
    )
    answer = browser.visit(silent)
    assert "code" in parse_qs(urlsplit(answer.url).query), answer


def test_a_machine_gets_a_token_of_its_own(served: Served, metadata: dict[str, Any]) -> None:
    machine = served.add_client("machine", REDIRECT, "--grant", "client_credentials",
                                "--grant", "authorization_code")  # fmt: skip
    with OAuth2Client(machine.client_id, machine.client_secret, trust_env=False) as client:
        token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["token_type"] == "Bearer"
    assert "refresh_token" not in token
