"""FAPI 2.0 Message Signing, 5.3: request objects that must be refused where they are pushed."""

import pytest

from tests.conformance import fapi_keys
from tests.conformance.fapi import Platform, refused
from tests.conformance.fapi_keys import Key

MINUTES = 60


def test_fapi2_security_profile_final_ensure_request_object_without_exp_fails(
    platform: Platform,
) -> None:
    ask = platform.ask()
    request = platform.request_object(ask, without={"exp"})
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_without_nbf_fails(
    platform: Platform,
) -> None:
    ask = platform.ask()
    request = platform.request_object(ask, without={"nbf"})
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(
    platform: Platform,
) -> None:
    response = platform.push(platform.ask("redirect_uri"))
    refused(response, "invalid_request", "invalid_request_object")


def test_a_redirect_uri_beside_the_request_object_does_not_make_up_for_it(
    platform: Platform,
) -> None:
    response = platform.push(platform.ask("redirect_uri"), redirect_uri=platform.redirect_uri)
    refused(response, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_expired_request_object_fails(
    platform: Platform,
) -> None:
    ask, now = platform.ask(), platform.now
    request = platform.request_object(ask, nbf=now - 10 * MINUTES, exp=now - 5 * MINUTES)
    refused(platform.push(ask, request=request), "invalid_request_object")


@pytest.mark.parametrize("aud", ["https://elsewhere.example", ["https://elsewhere.example"], None])
def test_fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails(
    platform: Platform, aud: object
) -> None:
    ask = platform.ask()
    request = platform.request_object(ask, without=() if aud else {"aud"}, aud=aud)
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails(
    platform: Platform,
) -> None:
    ask, now = platform.ask(), platform.now
    request = platform.request_object(ask, nbf=now, exp=now + 70 * MINUTES)
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails(
    platform: Platform,
) -> None:
    ask, now = platform.ask(), platform.now
    request = platform.request_object(ask, nbf=now - 70 * MINUTES)
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_a_request_object_from_a_minute_ahead_fails(platform: Platform) -> None:
    ask, now = platform.ask(), platform.now
    request = platform.request_object(ask, nbf=now + 70, exp=now + 300)
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_signed_request_object_with_RS256_fails(  # noqa: N802
    platform: Platform, rsa_key: Key
) -> None:
    """By an RSA key of the platform's own, that is good under PS256."""
    ask = platform.ask()
    request = platform.request_object(ask, key=rsa_key, alg="RS256")
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(
    platform: Platform,
) -> None:
    ask = platform.ask()
    request = fapi_keys.unsigned(fapi_keys.part(platform.request_object(ask), 1))
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(
    platform: Platform,
) -> None:
    ask = platform.ask()
    request = fapi_keys.with_broken_signature(platform.request_object(ask))
    refused(platform.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_matching_key_in_authorization_request(
    platform: Platform, other: Platform
) -> None:
    ask = platform.ask()
    request = platform.request_object(ask, key=other.key)
    refused(platform.push(ask, request=request), "invalid_request", "invalid_request_object")


def test_a_request_object_of_another_platform_fails(platform: Platform, other: Platform) -> None:
    request = other.request_object(other.ask())
    response = platform.push(platform.ask(), request=request)
    refused(response, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(
    platform: Platform,
) -> None:
    refused(platform.push_unsigned(platform.ask()), "invalid_request")


def test_a_client_assertion_is_no_request_object(platform: Platform) -> None:
    """RFC 9101, 10.8: with `sub` it would open the token endpoint."""
    ask = platform.ask()
    request = platform.request_object(ask, sub=platform.client_id)
    refused(platform.push(ask, request=request), "invalid_request_object")
