"""FAPI 2.0, what a well-behaved platform gets."""

import json
import secrets
from typing import Any

import pytest

from tests.conformance import fapi_id_token
from tests.conformance.conftest import IdentityProvider
from tests.conformance.fapi import Platform
from tests.conformance.fapi_keys import from_b64url
from tests.conformance.person import Arrival
from tests.conformance.responses import check_error, check_jwks, check_userinfo

ALLOWED = {"PS256", "ES256", "EdDSA"}
#: OIDC Core 1.0, 5.1.
STANDARD = (
    "sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username",
    "profile", "picture", "website", "email", "email_verified", "gender", "birthdate", "zoneinfo",
    "locale", "phone_number", "phone_number_verified", "address", "updated_at",
)  # fmt: skip


@pytest.mark.usefixtures("behind_proxy")
def test_fapi2_security_profile_final_discovery_end_point_verification(
    op: IdentityProvider,
) -> None:
    response = op.http.get(f"{op.issuer}/.well-known/openid-configuration")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    said: dict[str, Any] = response.json()
    assert said["issuer"] == op.issuer
    assert "code" in said["response_types_supported"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert isinstance(said.get("require_pushed_authorization_requests", False), bool)
    assert said["tls_client_certificate_bound_access_tokens"] is True
    assert {"private_key_jwt", "tls_client_auth"} & set(
        said["token_endpoint_auth_methods_supported"]
    )
    assert said["code_challenge_methods_supported"] == ["S256"]
    for kind in (
        "dpop", "id_token", "token_endpoint_auth", "request_object", "userinfo", "introspection",
    ):  # fmt: skip
        offered = set(said[f"{kind}_signing_alg_values_supported"])
        assert offered >= ALLOWED, kind
        assert not {each for each in offered if each == "none" or each.startswith("HS")}
    assert "openid" in said["scopes_supported"]
    assert {"public", "pairwise"} >= set(said["subject_types_supported"]) > set()
    for name, value in said.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(f"{op.issuer}/"), name
    for name in ("pushed_authorization_request", "authorization", "token", "userinfo"):
        assert f"{name}_endpoint" in said


def test_the_two_metadata_documents_say_the_same(op: IdentityProvider) -> None:
    paths = ("openid-configuration", "oauth-authorization-server")
    said = [op.http.get(f"{op.issuer}/.well-known/{path}").json() for path in paths]
    assert said[0] == said[1]


def test_the_published_keys_are_public_named_and_strong(
    op: IdentityProvider, platform: Platform
) -> None:
    platform.tokens()
    for key in check_jwks(op.http.get(op.metadata["jwks_uri"]))["keys"]:
        assert key["kty"] != "RSA" or len(from_b64url(key["n"])) >= 256


def _check_resource(platform: Platform, token: str) -> None:
    """Content negotiation of every sort is answered, and the token stands in the header alone."""
    for accept in ("application/json", "application/json; charset=utf-8", "*/*"):
        assert platform.userinfo(token, more={"Accept": accept}).status_code == 200
    url = platform.endpoint("userinfo")
    in_query = platform.op.http.get(url, params={"access_token": token})
    assert 400 <= in_query.status_code < 500


def test_fapi2_security_profile_final_happy_flow(platform: Platform, other: Platform) -> None:
    ask = platform.ask(nonce=secrets.token_urlsafe(16))
    said = platform.tokens(ask)
    assert said["token_type"] == "DPoP"
    assert 0 < said["expires_in"] <= 3600
    assert len(said["access_token"]) >= 43
    claims = fapi_id_token.check(platform, said, ask)
    assert not {"name", "email", "phone_number"} & set(claims)
    _check_resource(platform, said["access_token"])
    # The second platform: a longer state, a query in its redirect URI, dpop_jkt without a proof.
    second = other.ask(
        state=secrets.token_urlsafe(96), nonce=secrets.token_urlsafe(32),
        redirect_uri=f"{other.redirect_uri}?dummy1=lorem&dummy2=ipsum",
        dpop_jkt=other.proof_key.thumbprint,
    )  # fmt: skip
    found = other.visit(other.pushed(second), scope="openid", response_type="code")
    code = other.arrived(found, second)
    assert isinstance(found, Arrival)
    assert found.parameters["dummy1"] == "lorem"
    assert found.parameters["dummy2"] == "ipsum"
    response = other.exchange(code, second)
    assert response.status_code == 200, response.text
    theirs: str = response.json()["access_token"]
    assert other.userinfo(theirs).status_code == 200
    # Its token under the first one's key.
    stolen = platform.userinfo(theirs)
    assert stolen.status_code == 401
    assert "error=" in stolen.headers["www-authenticate"]


def test_fapi2_security_profile_final_user_rejects_authentication(
    op: IdentityProvider, platform: Platform
) -> None:
    ask = platform.ask(prompt="consent")
    person = op.person()
    person.consents = False
    found = person.open(platform.address(platform.pushed(ask)))
    assert check_error(found, ask.parameters, issuer=op.issuer) == "access_denied"


def test_fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds(
    platform: Platform,
) -> None:
    ask = platform.ask()
    aud = ["https://elsewhere.example", platform.op.issuer]
    request_uri = platform.pushed(ask, request=platform.request_object(ask, aud=aud))
    platform.arrived(platform.visit(request_uri), ask)


def test_fapi2_security_profile_final_ensure_authorization_request_without_state_success(
    platform: Platform,
) -> None:
    ask = platform.ask("state")
    code = platform.code(ask)  # which has seen that there is no state
    assert platform.exchange(code, ask).status_code == 200


def test_fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(
    platform: Platform,
) -> None:
    ask = platform.ask("nonce")
    claims = fapi_id_token.check(platform, platform.tokens(ask), ask)
    assert "nonce" not in claims


def test_fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(
    platform: Platform,
) -> None:
    ask = platform.ask(nonce=secrets.token_hex(32))
    claims = fapi_id_token.check(platform, platform.tokens(ask), ask)
    assert claims["nonce"] == ask.parameters["nonce"]


def test_fapi2_security_profile_final_ensure_other_scope_order_succeeds(
    platform: Platform,
) -> None:
    turned = " ".join(reversed(platform.scope.split()))
    said = platform.tokens(platform.ask(scope=turned))
    assert set(said["scope"].split()) == set(platform.scope.split())


def test_fapi2_security_profile_final_test_claims_parameter_identity_claims(
    platform: Platform,
) -> None:
    metadata = platform.op.metadata
    assert metadata["claims_parameter_supported"] is True
    wanted = [name for name in STANDARD if name in metadata["claims_supported"]]
    assert wanted
    asked: dict[str, Any] = {
        name: (None, {"essential": True}, {"essential": False})[number % 3]
        for number, name in enumerate(wanted)
    }
    asked["https://nobody.example/claim"] = {"essential": True, "value": "7"}
    ask = platform.ask(claims=json.dumps({"id_token": asked, "userinfo": asked}))
    said = platform.tokens(ask)
    claims = fapi_id_token.check(platform, said, ask)
    answer = platform.userinfo(said["access_token"])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    info: dict[str, Any] = answer.json()
    check_userinfo(info, sub=claims["sub"])
    given = info.keys() | claims.keys()
    assert "https://nobody.example/claim" not in given
    assert set(wanted) <= given, "the suite warns of a claim that is supported and not given"


@pytest.mark.parametrize("scheme", ["dpop", "DPOP", "DPoP"])
def test_fapi2_security_profile_final_access_token_type_header_case_sensitivity(
    platform: Platform, scheme: str
) -> None:
    token = platform.tokens()["access_token"]
    assert platform.userinfo(token, scheme=scheme).status_code == 200


def test_fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(  # noqa: E501
    platform: Platform,
) -> None:
    ask, nbf = platform.ask(), platform.now + 8
    request = platform.request_object(ask, nbf=nbf, exp=nbf + 300)
    platform.arrived(platform.visit(platform.pushed(ask, request=request)), ask)
