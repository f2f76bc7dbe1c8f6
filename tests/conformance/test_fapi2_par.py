"""FAPI 2.0, pushed authorization requests (RFC 9126) and PKCE (RFC 7636)."""

import secrets

import pytest

from tests.conformance.conftest import IdentityProvider
from tests.conformance.fapi import Platform, refused
from tests.conformance.fapi_fixtures import registered
from tests.conformance.fapi_keys import make_key
from tests.conformance.person import Arrival, Page, Person
from tests.conformance.responses import check_page


def test_fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(  # noqa: E501
    op: IdentityProvider, platform: Platform
) -> None:
    ask, person = platform.ask(), op.person()
    address = platform.address(platform.pushed(ask))
    assert isinstance(person.look(address), Page)
    assert person.asked == []
    code = platform.arrived(person.open(address), ask)
    assert person.asked[0] == "sign_in"
    assert platform.exchange(code, ask).status_code == 200


def test_fapi2_security_profile_final_par_attempt_reuse_request_uri(platform: Platform) -> None:
    ask = platform.ask()
    request_uri = platform.pushed(ask)
    code = platform.arrived(platform.visit(request_uri), ask)
    assert platform.exchange(code, ask).status_code == 200
    _refused_request_uri(platform.visit(request_uri))


def test_fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(
    platform: Platform,
) -> None:
    said = platform.push(platform.ask()).json()
    platform.op.wait(seconds=said["expires_in"] + 1)
    _refused_request_uri(platform.visit(said["request_uri"]))


def _refused_request_uri(found: Arrival | Page) -> None:
    """An error page that says so; the platform is told nothing."""
    assert "invalid_request_uri" in check_page(found).html


def test_fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(
    platform: Platform, other: Platform
) -> None:
    ask = platform.ask()
    request_uri = platform.pushed(ask)
    _refused_request_uri(other.visit(request_uri))
    # And it is still good for whom it was made.
    platform.arrived(platform.visit(request_uri), ask)


def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(  # noqa: E501
    platform: Platform,
) -> None:
    ahead = platform.now + 8
    assertion = platform.assertion(nbf=ahead, iat=ahead)
    platform.pushed(platform.ask(), assertion=assertion)


def test_fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(  # noqa: E501
    platform: Platform,
) -> None:
    ahead = platform.now + 61
    assertion = platform.assertion(nbf=ahead, iat=ahead, exp=ahead + 60)
    response = platform.push(platform.ask(), assertion=assertion)
    refused(response, "invalid_client", "invalid_request")


@pytest.mark.parametrize(
    "request_uri",
    ["urn:ietf:params:oauth:request_uri:" + "r" * 43, "https://x.example/1"],
)
def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
    platform: Platform, plain: Platform, request_uri: str
) -> None:
    for each in (platform, plain):
        response = each.push(each.ask(), request_uri=request_uri)
        refused(response, "invalid_request", "invalid_request_object", "request_uri_not_supported")


def test_a_registered_request_uri_has_no_place_there_either(
    op: IdentityProvider, citizen: Person
) -> None:
    """RFC 9126, 2.1; and nothing is fetched for it."""
    key = make_key("ES256")
    url = op.documents.url("/pushed-request-object")
    made = registered(op, citizen, key, host="by-reference", request_uris=[url])
    ask = made.ask()
    op.documents.put_text("/pushed-request-object", made.request_object(ask))
    form = {"client_id": made.client_id, "request_uri": url, **made.authentication()}
    refused(made.post(made.endpoint("pushed_authorization_request"), form, {}), "invalid_request")
    assert "/pushed-request-object" not in op.documents.fetched


def test_fapi2_security_profile_final_par_authorization_request_containing_request_uri(
    signer: Platform,
) -> None:
    ask = signer.ask(request_uri=f"urn:ietf:params:oauth:request_uri:{secrets.token_hex(16)}")
    refused(signer.push(ask), "invalid_request_object")


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_fapi2_security_profile_final_par_attempt_invalid_http_method(
    op: IdentityProvider, platform: Platform, method: str
) -> None:
    """RFC 9126, 2.3: 405."""
    url = platform.endpoint("pushed_authorization_request")
    form = {**platform.ask().parameters, **platform.authentication()}
    sent = {} if method == "GET" else {"data": form}
    response = op.http.request(method, url, **sent)
    assert response.status_code == 405
    assert "request_uri" not in response.text


def test_fapi2_security_profile_final_par_ensure_pkce_required(platform: Platform) -> None:
    response = platform.push(platform.ask("code_challenge", "code_challenge_method"))
    refused(response, "invalid_request")


def test_fapi2_security_profile_final_par_plain_pkce_rejected(platform: Platform) -> None:
    for changes in (
        platform.ask(code_challenge_method="plain", code_challenge=secrets.token_urlsafe(48)),
        platform.ask("code_challenge_method"),
    ):
        refused(platform.push(changes), "invalid_request")


def test_fapi2_security_profile_final_ensure_pkce_code_verifier_required(
    platform: Platform,
) -> None:
    ask = platform.ask()
    response = platform.exchange(platform.code(ask), ask, without={"code_verifier"})
    refused(response, "invalid_grant", "invalid_request")


def test_fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(
    platform: Platform,
) -> None:
    ask = platform.ask()
    code = platform.code(ask)
    wrong = platform.exchange(code, ask, code_verifier=secrets.token_urlsafe(48))
    refused(wrong, "invalid_grant")
    # The code is spent: nobody tries verifiers in turn.
    refused(platform.exchange(code, ask), "invalid_grant")


def test_fapi2_security_profile_final_par_without_duplicate_parameters(
    platform: Platform,
) -> None:
    """client_id and request_uri alone are enough at the authorization endpoint."""
    ask = platform.ask()
    assert platform.exchange(platform.code(ask), ask).status_code == 200


@pytest.mark.parametrize("extra", ["https://elsewhere.example", None])
def test_fapi2_security_profile_final_par_test_array_as_audience_fails(
    platform: Platform, extra: str | None
) -> None:
    aud = [platform.op.issuer, *([extra] if extra else [])]
    response = platform.push(platform.ask(), assertion=platform.assertion(aud=aud))
    refused(response, "invalid_client", "invalid_request")


def test_fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(
    platform: Platform,
) -> None:
    aud = platform.endpoint("pushed_authorization_request")
    response = platform.push(platform.ask(), assertion=platform.assertion(aud=aud))
    refused(response, "invalid_client", "invalid_request")


def test_fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(
    platform: Platform,
) -> None:
    aud = platform.endpoint("token")
    response = platform.push(platform.ask(), assertion=platform.assertion(aud=aud))
    refused(response, "invalid_client", "invalid_request")
