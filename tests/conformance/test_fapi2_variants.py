"""FAPI 2.0, the other variants of the plan: EdDSA, tokens bound to certificates, unsigned requests;
what is not offered is not advertised."""

import secrets

import pytest

from tests.conformance import fapi_id_token
from tests.conformance.conftest import IdentityProvider
from tests.conformance.fapi import Platform, certificate_header, refused
from tests.conformance.fapi_keys import certificate_of, make_key, part
from tests.conformance.person import Arrival


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # FAPI 2.0, 5.4 calls it so
@pytest.mark.parametrize("who", ["eddsa", "plain", "bound"])
def test_the_happy_flow_in_every_variant(request: pytest.FixtureRequest, who: str) -> None:
    platform: Platform = request.getfixturevalue(who)
    ask = platform.ask()
    said = platform.tokens(ask)
    fapi_id_token.check(platform, said, ask)
    assert platform.userinfo(said["access_token"]).status_code == 200


def test_a_platform_that_registered_eddsa_gets_id_tokens_signed_by_it(eddsa: Platform) -> None:
    assert part(eddsa.tokens()["id_token"], 0)["alg"] == "EdDSA"


def test_holder_of_key_by_certificate_is_required(bound: Platform) -> None:
    """ensure-holder-of-key-required, sender_constrain=mtls."""
    ask = bound.ask()
    response = bound.exchange(bound.code(ask), ask, bare=True)
    refused(response, "invalid_request", "invalid_grant", "invalid_client")


def test_a_token_bound_to_a_certificate_needs_that_certificate(
    op: IdentityProvider, bound: Platform
) -> None:
    """happy-flow, sender_constrain=mtls: another client's certificate, none, and the right one."""
    said = bound.tokens()
    token, url = said["access_token"], bound.endpoint("userinfo")
    assert said["token_type"] == "Bearer"
    cnf = part(token, 1)["cnf"]
    assert set(cnf) == {"x5t#S256"}
    bearer = {"Authorization": f"Bearer {token}"}
    assert op.http.get(url, headers=bearer).status_code == 401
    other = certificate_header(certificate_of(make_key("ES256")))
    assert op.http.get(url, headers={**bearer, **other}).status_code == 401
    assert bound.userinfo(token, scheme="DPoP").status_code == 401
    assert bound.userinfo(token).status_code == 200


def test_a_refresh_token_bound_to_a_certificate_needs_that_certificate(bound: Platform) -> None:
    """refresh-token, sender_constrain=mtls."""
    ask = bound.ask(scope="openid offline_access", prompt="consent")
    said = bound.tokens(ask)
    bare = bound.refresh(said["refresh_token"], bare=True)
    refused(bare, "invalid_request", "invalid_grant", "invalid_client")
    assert bound.refresh(said["refresh_token"]).status_code == 200


def test_a_dpop_proof_does_not_stand_in_for_the_certificate(bound: Platform) -> None:
    ask, url = bound.ask(), bound.endpoint("token")
    form = {
        "grant_type": "authorization_code", "code": bound.code(ask),
        "code_verifier": ask.verifier, "redirect_uri": bound.redirect_uri,
        **bound.authentication(),
    }  # fmt: skip
    response = bound.post(url, form, {"DPoP": bound.proof(url)})
    refused(response, "invalid_request", "invalid_grant", "invalid_client")


def test_a_platform_may_authenticate_by_its_certificate(
    op: IdentityProvider, by_certificate: Platform
) -> None:
    """client_auth_type=mtls (RFC 8705, 2.2)."""
    platform, ask = by_certificate, by_certificate.ask()
    shown = platform.headers(None)
    par = platform.endpoint("pushed_authorization_request")
    pushed = platform.post(par, ask.parameters, shown)
    assert pushed.status_code == 201, pushed.text
    code = platform.arrived(platform.visit(pushed.json()["request_uri"]), ask)
    form = {
        "grant_type": "authorization_code", "code": code, "client_id": platform.client_id,
        "code_verifier": ask.verifier, "redirect_uri": platform.redirect_uri,
    }  # fmt: skip
    url = platform.endpoint("token")
    refused(platform.post(url, form, {}), "invalid_client")
    other = certificate_header(certificate_of(make_key("ES256")))
    refused(platform.post(url, form, other), "invalid_client")
    response = platform.post(url, form, shown)
    assert response.status_code == 200, response.text
    assert platform.userinfo(response.json()["access_token"]).status_code == 200


def test_signed_authorization_responses_are_neither_advertised_nor_given(
    op: IdentityProvider, platform: Platform
) -> None:
    """JARM is the variant fapi_response_mode=jarm: no module of the plan needs it."""
    assert not {each for each in op.metadata["response_modes_supported"] if "jwt" in each}
    assert not [name for name in op.metadata if name.startswith("authorization_signing")]
    for mode in ("jwt", "query.jwt", "form_post.jwt"):
        refused(platform.push(platform.ask(response_mode=mode)), "invalid_request")


def test_an_introspection_is_signed_on_request(op: IdentityProvider, platform: Platform) -> None:
    """FAPI 2.0 Message Signing, 5.5; RFC 9701."""
    token = platform.tokens()["access_token"]
    form = {"token": token, **platform.authentication()}
    accept = {"Accept": "application/token-introspection+jwt"}
    response = platform.post(platform.endpoint("introspection"), form, accept)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/token-introspection+jwt")
    header, said = part(response.text, 0), part(response.text, 1)
    assert header["typ"] == "token-introspection+jwt"
    assert header["alg"] in fapi_id_token.ALLOWED
    fapi_id_token.signed(platform, response.text)
    assert said["iss"] == op.issuer
    assert said["aud"] in (platform.client_id, [platform.client_id])
    assert said["token_introspection"]["active"] is True
    assert said["token_introspection"]["client_id"] == platform.client_id
    unknown = {"token": secrets.token_urlsafe(32), **platform.authentication()}
    answer = platform.post(platform.endpoint("introspection"), unknown, accept)
    assert part(answer.text, 1)["token_introspection"] == {"active": False}


def test_tokens_do_not_travel_in_what_the_browser_gets(platform: Platform) -> None:
    """FAPI 2.0, 5.3.2.2, point 1: the code flow alone."""
    assert platform.op.metadata["response_types_supported"] == ["code"]
    found = platform.visit(platform.pushed(platform.ask()))
    assert isinstance(found, Arrival)
    assert set(found.parameters) == {"code", "state", "iss"}


def test_every_module_of_the_plan_has_its_test() -> None:
    from tests.conformance import fapi_modules

    assert fapi_modules.missing() == set()
    assert len(fapi_modules.MODULES) == 71


def test_the_document_lists_every_module_in_order() -> None:
    from tests.conformance import fapi_modules

    assert fapi_modules.documented() == list(fapi_modules.MODULES)
