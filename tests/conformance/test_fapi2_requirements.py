"""FAPI 2.0 Security Profile (final), 5.3 and 5.4: what no module of the plan looks at."""

import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from sso import clients
from sso.oauth_errors import OAuthError
from tests.conformance.conftest import IdentityProvider
from tests.conformance.fapi import Platform, refused
from tests.conformance.fapi_keys import b64url, make_key, part, unsigned

REDIRECT_URI = "https://refused.example/callback"


def _metadata(**changes: Any) -> dict[str, Any]:
    return {
        "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [make_key("ES256").listed]}, "scope": "openid", **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "none"},
        {"redirect_uris": ["http://refused.example/callback"]},
        {"dpop_bound_access_tokens": False},
        {"id_token_signed_response_alg": "RS256"},
        {"token_endpoint_auth_signing_alg": "RS256"},
        {"request_object_signing_alg": "RS256"},
        {"response_types": ["code id_token"]},
        {"grant_types": ["implicit"]},
    ],
    ids=json.dumps,
)
def test_a_registration_against_the_profile_is_refused(
    op: IdentityProvider, changes: dict[str, Any]
) -> None:
    op.client(_metadata(), fapi=True)
    with pytest.raises(OAuthError):
        op.client(_metadata(**changes), fapi=True)


def test_plain_http_is_for_native_clients_on_the_loopback_interface_alone(
    op: IdentityProvider,
) -> None:
    """5.3.2.2, point 8, in a deployment that is nobody's workshop."""
    loopback = ["http://127.0.0.1/callback"]
    production = replace(op.provider.policy, development=False)
    with pytest.raises(OAuthError):
        clients.checked(
            _metadata(redirect_uris=loopback), "web", at=op.clock(), fapi=True, policy=production
        )
    made = clients.checked(
        _metadata(redirect_uris=loopback, application_type="native"), "native", at=op.clock(),
        fapi=True, policy=production,
    )  # fmt: skip
    assert made.redirect_uris == tuple(loopback)


@pytest.mark.parametrize("name", ["require_pushed_authorization_requests", "require_pkce"])
def test_par_and_pkce_cannot_be_registered_away(op: IdentityProvider, name: str) -> None:
    made = op.client(_metadata(**{name: False}), fapi=True)
    assert made.registration[name] is True


def test_the_browser_is_redirected_by_303_and_the_code_goes_nowhere_else(
    platform: Platform,
) -> None:
    """5.3.2.2, point 11; 5.3.2.1, point 12 (no open redirector)."""
    address = platform.address(platform.pushed(platform.ask()))
    answer = platform.person.browser.get(address, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "code=" not in answer.text


def test_the_authorization_endpoint_is_closed_to_scripts_of_other_sites(
    op: IdentityProvider, platform: Platform
) -> None:
    """5.2.3, point 4: no CORS there."""
    address = platform.address(platform.pushed(platform.ask()))
    origin = {"Origin": "https://elsewhere.example"}
    for answer in (
        op.http.get(address, headers=origin),
        op.http.options(address, headers={**origin, "Access-Control-Request-Method": "GET"}),
    ):
        assert "access-control-allow-origin" not in answer.headers


def test_the_sign_in_page_cannot_be_framed(op: IdentityProvider, platform: Platform) -> None:
    answer = op.http.get(
        platform.address(platform.pushed(platform.ask(prompt="login"))), follow_redirects=True
    )
    assert answer.status_code == 200
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["introspection", "revocation"])
def test_every_endpoint_takes_the_issuer_alone_as_the_audience_of_assertions(
    platform: Platform, name: str
) -> None:
    """5.3.2.1, point 8."""
    url, token = platform.endpoint(name), platform.tokens()["access_token"]
    for aud in (url, platform.endpoint("token"), [platform.op.issuer]):
        form = {"token": token, **platform.authentication(platform.assertion(aud=aud))}
        refused(platform.post(url, form, {}), "invalid_client")
    good = platform.post(url, {"token": token, **platform.authentication()}, {})
    assert good.status_code == 200


def test_an_assertion_counts_once_whatever_the_endpoint(platform: Platform) -> None:
    assertion, ask = platform.assertion(), platform.ask()
    request_uri = platform.pushed(ask, assertion=assertion)
    code = platform.arrived(platform.visit(request_uri), ask)
    refused(platform.exchange(code, ask, assertion=assertion), "invalid_client")


def test_a_public_key_does_not_pass_for_a_shared_secret(platform: Platform) -> None:
    """RFC 8725, 2.1: HS256 keyed by what everybody can read."""
    claims = part(platform.assertion(), 1)
    content = ".".join(unsigned(claims).split(".")[:2])
    header = b64url(json.dumps({"alg": "HS256", "kid": platform.key.kid}).encode())
    content = f"{header}.{content.partition('.')[2]}"
    for secret in (json.dumps(platform.key.public), platform.key.thumbprint, ""):
        mac = hmac.digest(secret.encode(), content.encode(), "sha256")
        response = platform.push(platform.ask(), assertion=f"{content}.{b64url(mac)}")
        refused(response, "invalid_client")
    refused(platform.push(platform.ask(), assertion=unsigned(claims)), "invalid_client")


def test_access_tokens_are_short_lived_and_name_their_key(platform: Platform) -> None:
    """5.3.2.1, points 4 and 5; RFC 9068; RFC 9449, 6.1."""
    said = platform.tokens()
    claims = part(said["access_token"], 1)
    assert claims["cnf"] == {"jkt": platform.proof_key.thumbprint}
    assert claims["aud"] in (platform.op.issuer, [platform.op.issuer])
    assert claims["exp"] - claims["iat"] == said["expires_in"] <= 600
    platform.op.wait(seconds=said["expires_in"] + 1)
    assert platform.userinfo(said["access_token"]).status_code == 401


def test_a_platforms_own_tokens_are_bound_too(op: IdentityProvider, citizen: Any) -> None:
    """The client credentials grant under the profile."""
    key = make_key("ES256")
    made = op.client(
        _metadata(jwks={"keys": [key.listed]}, grant_types=["client_credentials"]), fapi=True
    )
    platform = Platform(op, citizen, made.client_id, key, make_key("ES256"), REDIRECT_URI)
    form = {"grant_type": "client_credentials"}
    bare = platform.token_request({**form, **platform.authentication()}, bare=True)
    refused(bare, "invalid_request")
    good = platform.token_request({**form, **platform.authentication()})
    assert good.status_code == 200, good.text
    assert good.json()["token_type"] == "DPoP"
    assert part(good.json()["access_token"], 1)["cnf"] == {"jkt": platform.proof_key.thumbprint}


def test_a_short_rsa_key_signs_nothing(op: IdentityProvider, citizen: Any) -> None:
    """5.4.1, points 2 and 3: 2048 bits at least."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    from tests.conformance.fapi_keys import Key

    key = Key(rsa.generate_private_key(65537, 1024), "PS256", "1")
    made = op.client(_metadata(jwks={"keys": [key.listed]}), fapi=True)
    platform = Platform(op, citizen, made.client_id, key, make_key("ES256"), REDIRECT_URI)
    refused(platform.push(platform.ask(scope="openid")), "invalid_client")
