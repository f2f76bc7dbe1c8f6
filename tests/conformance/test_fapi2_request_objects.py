"""FAPI 2.0 Message Signing, 5.3: request objects that must be refused where they are pushed."""

import pytest

from tests.conformance import fapi_keys
from tests.conformance.fapi import Platform, refused
from tests.conformance.fapi_keys import Key

MINUTES = 60


def test_fapi2_security_profile_final_ensure_request_object_without_exp_fails(
    signer: Platform,
) -> None:
    ask = signer.ask()
    request = signer.request_object(ask, without={"exp"})
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_without_nbf_fails(
    signer: Platform,
) -> None:
    ask = signer.ask()
    request = signer.request_object(ask, without={"nbf"})
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(
    signer: Platform,
) -> None:
    response = signer.push(signer.ask("redirect_uri"))
    refused(response, "invalid_request", "invalid_request_object")


def test_a_redirect_uri_beside_the_request_object_does_not_make_up_for_it(
    signer: Platform,
) -> None:
    response = signer.push(signer.ask("redirect_uri"), redirect_uri=signer.redirect_uri)
    refused(response, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_expired_request_object_fails(
    signer: Platform,
) -> None:
    ask, now = signer.ask(), signer.now
    request = signer.request_object(ask, nbf=now - 10 * MINUTES, exp=now - 5 * MINUTES)
    refused(signer.push(ask, request=request), "invalid_request_object")


@pytest.mark.parametrize("aud", ["https://elsewhere.example", ["https://elsewhere.example"], None])
def test_fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails(
    signer: Platform, aud: object
) -> None:
    ask = signer.ask()
    request = signer.request_object(ask, without=() if aud else {"aud"}, aud=aud)
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails(
    signer: Platform,
) -> None:
    ask, now = signer.ask(), signer.now
    request = signer.request_object(ask, nbf=now, exp=now + 70 * MINUTES)
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails(
    signer: Platform,
) -> None:
    ask, now = signer.ask(), signer.now
    request = signer.request_object(ask, nbf=now - 70 * MINUTES)
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_a_request_object_from_a_minute_ahead_fails(signer: Platform) -> None:
    ask, now = signer.ask(), signer.now
    request = signer.request_object(ask, nbf=now + 70, exp=now + 300)
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_signed_request_object_with_RS256_fails(  # noqa: N802
    signer: Platform, rsa_key: Key
) -> None:
    """By an RSA key of the platform's own, that is good under PS256."""
    ask = signer.ask()
    request = signer.request_object(ask, key=rsa_key, alg="RS256")
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(
    signer: Platform,
) -> None:
    ask = signer.ask()
    request = fapi_keys.unsigned(fapi_keys.part(signer.request_object(ask), 1))
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(
    signer: Platform,
) -> None:
    ask = signer.ask()
    request = fapi_keys.with_broken_signature(signer.request_object(ask))
    refused(signer.push(ask, request=request), "invalid_request_object")


def test_fapi2_security_profile_final_ensure_matching_key_in_authorization_request(
    signer: Platform, other: Platform
) -> None:
    ask = signer.ask()
    request = signer.request_object(ask, key=other.key)
    refused(signer.push(ask, request=request), "invalid_request", "invalid_request_object")


def test_a_request_object_of_another_platform_fails(signer: Platform, other: Platform) -> None:
    request = other.request_object(other.ask())
    response = signer.push(signer.ask(), request=request)
    refused(response, "invalid_request", "invalid_request_object")


def test_fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(
    signer: Platform,
) -> None:
    refused(signer.push_unsigned(signer.ask()), "invalid_request")


def test_a_client_assertion_is_no_request_object(signer: Platform) -> None:
    """RFC 9101, 10.8: with `sub` it would open the token endpoint."""
    ask = signer.ask()
    request = signer.request_object(ask, sub=signer.client_id)
    refused(signer.push(ask, request=request), "invalid_request_object")
