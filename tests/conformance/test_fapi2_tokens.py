"""FAPI 2.0, the token endpoint: codes, client authentication, refresh tokens."""

import pytest

from tests.conformance import fapi_id_token
from tests.conformance.fapi import Platform, refused
from tests.conformance.fapi_keys import JSON, Key


def test_fapi2_security_profile_final_ensure_client_id_in_token_endpoint(
    platform: Platform, other: Platform
) -> None:
    """The other platform's id in every place, the first one's key."""
    ask = platform.ask()
    assertion = other.assertion(key=platform.key)
    response = platform.exchange(
        platform.code(ask), ask, assertion=assertion, client_id=other.client_id
    )
    refused(response, "invalid_client", "invalid_grant")


def test_fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client(
    platform: Platform, other: Platform
) -> None:
    ask = platform.ask()
    refused(other.exchange(platform.code(ask), ask), "invalid_grant")


def test_fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second(
    platform: Platform,
) -> None:
    ask = platform.ask()
    code = platform.code(ask)
    token = platform.exchange(code, ask).json()["access_token"]
    assert platform.userinfo(token).status_code == 200
    platform.op.wait(seconds=1)
    refused(platform.exchange(code, ask), "invalid_grant")
    assert platform.userinfo(token).status_code == 401


def test_fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code(
    platform: Platform,
) -> None:
    """FAPI 2.0, 5.3.2.1, point 13: sixty seconds at most."""
    ask = platform.ask()
    code = platform.code(ask)
    platform.op.wait(seconds=61)
    refused(platform.exchange(code, ask), "invalid_grant")


def test_fapi2_security_profile_final_ensure_signed_client_assertion_with_RS256_fails(  # noqa: N802
    platform: Platform, rsa_key: Key
) -> None:
    ask = platform.ask()
    assertion = platform.assertion(key=rsa_key, alg="RS256")
    response = platform.exchange(platform.code(ask), ask, assertion=assertion)
    refused(response, "invalid_client", "invalid_request")


def test_fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(
    platform: Platform,
) -> None:
    ask = platform.ask()
    response = platform.exchange(
        platform.code(ask), ask, client_id=platform.client_id,
        without={"client_assertion", "client_assertion_type"},
    )  # fmt: skip
    refused(response, "invalid_client", "invalid_request")


def test_fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
    platform: Platform,
) -> None:
    ask, past = platform.ask(), platform.now - 300
    assertion = platform.assertion(iat=past - 60, exp=past)
    response = platform.exchange(platform.code(ask), ask, assertion=assertion)
    refused(response, "invalid_client", "invalid_request")


def test_fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(
    platform: Platform,
) -> None:
    ask = platform.ask()
    assertion = platform.assertion(aud="https://elsewhere.example")
    response = platform.exchange(platform.code(ask), ask, assertion=assertion)
    refused(response, "invalid_client", "invalid_request")


def test_fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(
    platform: Platform,
) -> None:
    """What keeps a request object from being a client assertion (RFC 9101, 10.8)."""
    ask = platform.ask()
    assertion = platform.assertion(without={"sub"})
    response = platform.exchange(platform.code(ask), ask, assertion=assertion)
    refused(response, "invalid_client", "invalid_request")


def test_a_client_assertion_counts_once(platform: Platform) -> None:
    assertion = platform.assertion()
    assert platform.push(platform.ask(), assertion=assertion).status_code == 201
    again = platform.push(platform.ask(), assertion=assertion)
    refused(again, "invalid_client", "invalid_request")


def test_fapi2_security_profile_final_refresh_token(platform: Platform, other: Platform) -> None:
    said = _offline(platform)
    _check_refresh(platform, said["refresh_token"], said)
    # Without showing the key.
    bare = platform.refresh(said["refresh_token"], bare=True, scope=said["scope"])
    refused(bare, "invalid_client", "invalid_grant", "invalid_request")
    theirs = _offline(other)
    _check_refresh(other, theirs["refresh_token"], theirs)
    assert platform.userinfo(theirs["access_token"]).status_code == 401
    refused(platform.refresh(theirs["refresh_token"]), "invalid_grant")
    # FAPI 2.0, 5.3.2.1, point 9: no rotation, and what others tried has cost it nothing.
    assert other.refresh(theirs["refresh_token"]).status_code == 200


def _offline(platform: Platform) -> JSON:
    ask = platform.ask(scope="openid offline_access", prompt="consent")
    said = platform.tokens(ask)
    fapi_id_token.check(platform, said, ask)
    assert said["refresh_token"]
    return said


def _check_refresh(platform: Platform, token: str, first: JSON) -> None:
    """OIDC Core, 12.2: of the same login; and the token goes on to be good."""
    for _ in range(2):
        response = platform.refresh(token)
        assert response.status_code == 200, response.text
        said = response.json()
        assert said["access_token"] != first["access_token"]
        assert said.get("refresh_token", token) == token
        assert platform.userinfo(said["access_token"]).status_code == 200
        if "id_token" in said:
            before = fapi_id_token.claims(first["id_token"])
            after = fapi_id_token.claims(said["id_token"])
            for name in ("iss", "sub", "aud", "auth_time"):
                assert after[name] == before[name], name


@pytest.mark.parametrize("grant_type", ["password", "urn:ietf:params:oauth:grant-type:jwt-bearer"])
def test_grants_that_fapi_forbids_are_not_there(platform: Platform, grant_type: str) -> None:
    form = {
        "grant_type": grant_type, "username": "x", "password": "y", "assertion": "z",
        **platform.authentication(),
    }  # fmt: skip
    refused(platform.token_request(form), "unsupported_grant_type", "unauthorized_client")
