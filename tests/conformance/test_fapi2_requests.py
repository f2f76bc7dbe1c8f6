"""FAPI 2.0, authorization requests that may or must fail, signed request objects apart."""

import secrets

import httpx

from tests.conformance import fapi_id_token
from tests.conformance.conftest import IdentityProvider
from tests.conformance.fapi import Platform, refused
from tests.conformance.responses import check_error


def test_fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
    platform: Platform,
) -> None:
    """What was pushed counts; the query is as if it were not there."""
    ask = platform.ask()
    code = platform.code(ask, nonce=secrets.token_urlsafe(16))
    claims = fapi_id_token.check(platform, platform.exchange(code, ask).json(), ask)
    assert claims["nonce"] == ask.parameters["nonce"]


def test_fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
    platform: Platform,
) -> None:
    ask = platform.ask()
    platform.code(ask, state=secrets.token_urlsafe(16))  # came with the state from inside


def test_fapi2_security_profile_final_state_only_outside_request_object_not_used(
    platform: Platform,
) -> None:
    platform.code(platform.ask("state"), state=secrets.token_urlsafe(16))  # came without any


def test_fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(
    platform: Platform,
) -> None:
    ask = platform.ask(nonce=secrets.token_hex(192))
    claims = fapi_id_token.check(platform, platform.tokens(ask), ask)
    assert claims["nonce"] == ask.parameters["nonce"]


def test_fapi2_security_profile_final_ensure_authorization_request_with_long_state(
    platform: Platform,
) -> None:
    platform.code(platform.ask(state=secrets.token_hex(500)))


def _unregistered(platform: Platform) -> httpx.Response:
    bad = f"{platform.redirect_uri}/{secrets.token_hex(8)}"
    return platform.push(platform.ask(redirect_uri=bad))


def test_fapi2_security_profile_final_ensure_registered_redirect_uri(platform: Platform) -> None:
    refused(_unregistered(platform), "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(
    plain: Platform,
) -> None:
    """RFC 9126, 2.4 would allow one; here there is none, for authenticated clients either."""
    refused(_unregistered(plain), "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
    op: IdentityProvider, platform: Platform
) -> None:
    ask = platform.ask()
    found = platform.person.open(platform.endpoint("authorization"), ask.parameters)
    assert check_error(found, ask.parameters, issuer=op.issuer) == "invalid_request"


def test_a_signed_request_past_par_fails_too(op: IdentityProvider, platform: Platform) -> None:
    ask = platform.ask()
    query = {"client_id": platform.client_id, "request": platform.request_object(ask)}
    found = platform.person.open(platform.endpoint("authorization"), query)
    assert check_error(found, ask.parameters, issuer=op.issuer) == "invalid_request"


def test_fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(
    plain: Platform,
) -> None:
    refused(plain.push(plain.ask("redirect_uri")), "invalid_request", "invalid_request_object")


def _refused_response_type(response_type: str, *platforms: Platform) -> None:
    for each in platforms:
        refused(
            each.push(each.ask(response_type=response_type)),
            "unsupported_response_type", "invalid_request", "unauthorized_client",
        )  # fmt: skip


def test_fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(
    platform: Platform, plain: Platform
) -> None:
    _refused_response_type("code id_token", platform, plain)


def test_fapi2_security_profile_final_ensure_response_type_token_fails(
    platform: Platform, plain: Platform
) -> None:
    _refused_response_type("token", platform, plain)
