"""Basic OP: oidcc-basic-certification-test-plan, response_type code, registered beforehand.

Each test is one module of the plan and bears its name; docs/conformance.md has the table.
"""

import json

from tests.conformance import responses
from tests.conformance.conftest import REDIRECT_URI, IdentityProvider
from tests.conformance.flows import check_redirect_uri_of_object, check_refresh_tokens, twice
from tests.conformance.person import Person
from tests.conformance.relying_party import Pkce, RelyingParty, unsigned


def about(rp: RelyingParty, person: Person, scope: str) -> dict[str, object]:
    """The userinfo claims of a login that asked for these scopes."""
    return rp.about(rp.log_in(person, scope=scope))


def test_oidcc_server(rp: RelyingParty, person: Person) -> None:
    login = rp.log_in(person)
    assert person.asked == ["sign_in", "consent"]
    assert rp.about(login)["sub"] == login.claims["sub"]


def test_oidcc_response_type_missing(rp: RelyingParty, person: Person) -> None:
    asked = rp.request(response_type=None)
    error = responses.check_error(rp.send(person, asked), asked, issuer=rp.issuer)
    assert error in ("invalid_request", "unsupported_response_type")


def test_oidcc_idtoken_signature(rp: RelyingParty, person: Person) -> None:
    """RS256, for a client that named no algorithm (checked by `log_in`)."""
    assert rp.id_token_alg == "RS256"
    rp.log_in(person)


def test_oidcc_idtoken_unsigned(op: IdentityProvider) -> None:
    """Exception: alg none is not offered, which the module takes as skipped."""
    assert "none" not in op.metadata["id_token_signing_alg_values_supported"]
    refused = op.try_to_register(
        {"redirect_uris": [REDIRECT_URI], "id_token_signed_response_alg": "none"}
    )
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_client_metadata"


def test_oidcc_userinfo_get(rp: RelyingParty, person: Person) -> None:
    login = rp.log_in(person)
    found = rp.userinfo(login.access_token)
    assert found.status_code == 200
    responses.check_userinfo(found.json(), sub=login.claims["sub"])


def test_oidcc_userinfo_post_header(rp: RelyingParty, person: Person) -> None:
    login = rp.log_in(person)
    found = rp.userinfo(login.access_token, method="POST")
    assert found.status_code == 200
    responses.check_userinfo(found.json(), sub=login.claims["sub"])


def test_oidcc_userinfo_post_body(rp: RelyingParty, person: Person) -> None:
    login = rp.log_in(person)
    found = rp.userinfo(login.access_token, in_body=True)
    assert found.status_code == 200
    responses.check_userinfo(found.json(), sub=login.claims["sub"])


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(
    rp: RelyingParty, person: Person
) -> None:
    assert "nonce" not in rp.log_in(person, nonce=None).claims


def test_oidcc_scope_profile(rp: RelyingParty, person: Person) -> None:
    found = about(rp, person, "openid profile")
    wanted = {"name", "preferred_username", "gender", "birthdate", "zoneinfo", "locale",
              "updated_at"}  # fmt: skip
    assert set(found) == {"sub"} | wanted


def test_oidcc_scope_email(rp: RelyingParty, person: Person) -> None:
    assert set(about(rp, person, "openid email")) == {"sub", "email", "email_verified"}


def test_oidcc_scope_address(rp: RelyingParty, person: Person) -> None:
    found = about(rp, person, "openid address")
    assert set(found) == {"sub", "address"}
    assert found["address"]


def test_oidcc_scope_phone(rp: RelyingParty, person: Person) -> None:
    found = about(rp, person, "openid phone")
    assert set(found) == {"sub", "phone_number", "phone_number_verified"}


def test_oidcc_scope_all(op: IdentityProvider, rp: RelyingParty, person: Person) -> None:
    found = about(rp, person, "openid profile email address phone")
    assert {"name", "email", "address", "phone_number"} <= found.keys()
    assert found.keys() <= set(op.metadata["claims_supported"])


def test_oidcc_alternate_happy_flow(rp: RelyingParty, person: Person) -> None:
    asked = rp.request(scope="phone email profile openid")
    reversed_order = dict(reversed(asked.items()))
    login = rp.finish(rp.send(person, reversed_order), asked)
    assert "name" in rp.about(login)


def test_oidcc_display_page(rp: RelyingParty, person: Person) -> None:
    rp.log_in(person, display="page")


def test_oidcc_display_popup(rp: RelyingParty, person: Person) -> None:
    rp.log_in(person, display="popup")


def test_oidcc_prompt_login(op: IdentityProvider, rp: RelyingParty, person: Person) -> None:
    first, second = twice(op, rp, person, prompt="login")
    assert "sign_in" in person.asked
    assert second.claims["auth_time"] > first.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]


def test_oidcc_prompt_none_not_logged_in(rp: RelyingParty, person: Person) -> None:
    asked = rp.request(prompt="none")
    error = responses.check_error(rp.send(person, asked), asked, issuer=rp.issuer)
    assert error == "login_required"
    assert person.asked == []


def test_oidcc_prompt_none_logged_in(
    op: IdentityProvider, rp: RelyingParty, person: Person
) -> None:
    first, second = twice(op, rp, person, prompt="none")
    assert person.asked == []
    assert second.claims["sub"] == first.claims["sub"]
    assert second.claims["auth_time"] == first.claims["auth_time"]


def test_oidcc_max_age_1(op: IdentityProvider, rp: RelyingParty, person: Person) -> None:
    first, second = twice(op, rp, person, after=1.05, max_age="1")
    assert "sign_in" in person.asked
    assert second.claims["auth_time"] > first.claims["auth_time"]


def test_oidcc_max_age_10000(op: IdentityProvider, rp: RelyingParty, person: Person) -> None:
    first = rp.log_in(person, max_age="15000")
    person.forget()
    op.wait(seconds=2)
    second = rp.log_in(person, max_age="10000")
    assert person.asked == []
    assert second.claims["auth_time"] == first.claims["auth_time"]
    assert second.claims["sub"] == first.claims["sub"]


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(
    rp: RelyingParty, person: Person
) -> None:
    rp.log_in(person, extra="foobar")


def test_oidcc_id_token_hint(op: IdentityProvider, rp: RelyingParty, person: Person) -> None:
    first = rp.log_in(person)
    op.wait(seconds=2)
    second = rp.log_in(person, prompt="none", id_token_hint=first.id_token)
    assert second.claims["sub"] == first.claims["sub"]
    assert second.claims["auth_time"] == first.claims["auth_time"]


def test_oidcc_login_hint(rp: RelyingParty, person: Person) -> None:
    rp.log_in(person, login_hint="buffy@localhost")


def test_oidcc_ui_locales(rp: RelyingParty, person: Person) -> None:
    rp.log_in(person, ui_locales="se")


def test_oidcc_claims_locales(rp: RelyingParty, person: Person) -> None:
    rp.log_in(person, claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds(
    op: IdentityProvider, rp: RelyingParty, person: Person
) -> None:
    supported = op.metadata["acr_values_supported"]
    login = rp.log_in(person, acr_values=" ".join(supported))
    assert login.claims["acr"] in supported


def test_oidcc_codereuse(rp: RelyingParty, person: Person) -> None:
    login = rp.log_in(person)
    responses.check_token_error(rp.redeem(login.code), "invalid_grant")


def test_oidcc_codereuse_30seconds(op: IdentityProvider, rp: RelyingParty, person: Person) -> None:
    """The access token that the code gave first is worth nothing either (RFC 6749, 4.1.2)."""
    login = rp.log_in(person)
    assert rp.userinfo(login.access_token).status_code == 200
    op.wait(seconds=30)
    responses.check_token_error(rp.redeem(login.code), "invalid_grant")
    op.wait(seconds=2)
    assert rp.userinfo(login.access_token).status_code == 401


def test_oidcc_ensure_registered_redirect_uri(rp: RelyingParty, person: Person) -> None:
    asked = rp.request(redirect_uri=f"{REDIRECT_URI}/elsewhere")
    responses.check_page(rp.send(person, asked))
    assert person.asked == []


def test_oidcc_ensure_post_request_succeeds(rp: RelyingParty, person: Person) -> None:
    asked = rp.request()
    rp.finish(person.post(rp.metadata["authorization_endpoint"], asked), asked)


def test_oidcc_server_client_secret_post(op: IdentityProvider, person: Person) -> None:
    rp = op.client({"token_endpoint_auth_method": "client_secret_post"})
    rp.about(rp.log_in(person))


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
    op: IdentityProvider, person: Person
) -> None:
    """Rejected: nobody could tell who wrote an unsigned request."""
    url = op.documents.url("/unsigned-request")
    rp = op.client({"request_uris": [url]})
    asked = rp.request()
    op.documents.put_text("/unsigned-request", unsigned(asked))
    found = rp.send(person, {**asked, "request_uri": url})
    error = responses.check_error(found, asked, issuer=rp.issuer)
    assert error == "request_uri_not_supported"
    assert "/unsigned-request" in op.documents.fetched


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty, person: Person
) -> None:
    asked = rp.request()
    found = rp.send(person, {**asked, "request": unsigned(asked)})
    assert responses.check_error(found, asked, issuer=rp.issuer) == "request_not_supported"


def test_oidcc_claims_essential(rp: RelyingParty, person: Person) -> None:
    """In userinfo, not in the ID token (checked by `log_in`)."""
    claims = json.dumps({"userinfo": {"name": {"essential": True}}})
    assert rp.about(rp.log_in(person, claims=claims))["name"] == "张三丰"


def test_oidcc_ensure_request_object_with_redirect_uri(rp: RelyingParty, person: Person) -> None:
    check_redirect_uri_of_object(rp, person)


def test_oidcc_refresh_token(op: IdentityProvider, rp: RelyingParty, person: Person) -> None:
    check_refresh_tokens(op, rp, op.client(), person)


def test_oidcc_ensure_request_with_valid_pkce_succeeds(
    op: IdentityProvider, person: Person
) -> None:
    rp = op.client(pkce=Pkce())
    rp.log_in(person)
