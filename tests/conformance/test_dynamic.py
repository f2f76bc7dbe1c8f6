"""Dynamic OP: oidcc-dynamic-certification-test-plan: clients that register themselves, with
private_key_jwt. Each test is one module of the plan and bears its name; docs/conformance.md has the
table and the exceptions.
"""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from joserfc import jwk

from sso import signing_keys
from tests.conformance import responses
from tests.conformance.conftest import REDIRECT_URI, IdentityProvider
from tests.conformance.discovery import check_discovery
from tests.conformance.flows import (
    check_redirect_uri_of_object,
    check_refresh_tokens,
    check_same_login,
)
from tests.conformance.person import Arrival, Page, Person
from tests.conformance.relying_party import RelyingParty, unsigned
from trust.access import SYSTEM


def metadata(key: jwk.RSAKey | None, **changes: Any) -> dict[str, Any]:
    """The suite's registration request. `require_pkce` is not in it: here every client needs PKCE
    that does not say otherwise."""
    asked = {
        "client_name": "Conformance", "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code"], "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt", "contacts": ["rp@example.org"],
        "require_pkce": False, **changes,
    }  # fmt: skip
    if key is not None:
        asked["jwks"] = {"keys": [key.as_dict(private=False)]}
    return asked


def registered(op: IdentityProvider, key: jwk.RSAKey, **changes: Any) -> RelyingParty:
    """A dynamic client; its assertions name the token endpoint, as the suite's do."""
    return op.register(metadata(key, **changes), key=key, aud=op.metadata["token_endpoint"])


def refused(op: IdentityProvider, asked: dict[str, Any], *errors: str) -> None:
    """The registration endpoint says no (RFC 7591, 3.2.2)."""
    response = op.try_to_register(asked)
    assert response.status_code == 400
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert response.json()["error"] in errors


def test_oidcc_idtoken_rs256(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    rp = registered(op, key, id_token_signed_response_alg="RS256")
    assert rp.registration["id_token_signed_response_alg"] == "RS256"
    rp.log_in(person)


def test_oidcc_idtoken_unsigned(op: IdentityProvider, key: jwk.RSAKey) -> None:
    """Exception: alg none is not offered, which the module takes as skipped."""
    assert "none" not in op.metadata["id_token_signing_alg_values_supported"]
    refused(op, metadata(key, id_token_signed_response_alg="none"), "invalid_client_metadata")


def test_oidcc_userinfo_rs256(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    rp = registered(op, key, userinfo_signed_response_alg="RS256")
    login = rp.log_in(person)
    found = rp.userinfo(login.access_token)
    assert found.status_code == 200
    assert found.headers["content-type"].partition(";")[0] == "application/jwt"
    claims = responses.verified(found.text, rp.jwks(), alg="RS256")
    assert claims.pop("iss") == rp.issuer
    assert claims.pop("aud") == rp.client_id
    responses.check_userinfo(claims, sub=login.claims["sub"])


def test_oidcc_ensure_redirect_uri_in_authorization_request(
    op: IdentityProvider, key: jwk.RSAKey, person: Person
) -> None:
    rp = registered(op, key, redirect_uris=[REDIRECT_URI, f"{REDIRECT_URI}/2"])
    responses.check_page(rp.send(person, rp.request(redirect_uri=None)))


def test_oidcc_redirect_uri_query_ok(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    rp = registered(op, key, redirect_uris=[f"{REDIRECT_URI}?foo=bar"])
    assert rp.log_in(person).arrival.parameters["foo"] == "bar"


def test_oidcc_redirect_uri_query_mismatch(
    op: IdentityProvider, key: jwk.RSAKey, person: Person
) -> None:
    rp = registered(op, key, redirect_uris=[f"{REDIRECT_URI}?foo=bar"])
    asked = rp.request(redirect_uri=f"{REDIRECT_URI}?bar=foo")
    responses.check_page(rp.send(person, asked))


def test_oidcc_redirect_uri_query_added(
    op: IdentityProvider, key: jwk.RSAKey, person: Person
) -> None:
    rp = registered(op, key)
    asked = rp.request(redirect_uri=f"{REDIRECT_URI}?foo=bar")
    responses.check_page(rp.send(person, asked))


def test_oidcc_redirect_uri_regfrag(op: IdentityProvider, key: jwk.RSAKey) -> None:
    refused(op, metadata(key, redirect_uris=[f"{REDIRECT_URI}#foobar"]), "invalid_redirect_uri")


def test_oidcc_discovery_endpoint_verification(op: IdentityProvider) -> None:
    """Exception: of a dynamic OP the module also wants the implicit flow (Core, 15.2), which the
    OAuth 2.0 security BCP forbids (RFC 9700, 2.1.2)."""
    document = check_discovery(op)
    assert document["response_types_supported"] == ["code"]
    assert "implicit" not in document["grant_types_supported"]


def test_oidcc_server(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    rp = registered(op, key)
    assert rp.registration["redirect_uris"] == [REDIRECT_URI]
    rp.about(rp.log_in(person))


def login_page(rp: RelyingParty, person: Person) -> Page:
    """What somebody sees who was sent here to log in."""
    found = person.look(str(rp.metadata["authorization_endpoint"]), rp.request())
    assert isinstance(found, Page)
    assert any("password" in form.fields for form in found.forms)
    return found


def test_oidcc_registration_logo_uri(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    """Exception: the logo is kept and told, not shown. Fetching it would tell its host who logs in
    where; the page has the platform's name and host instead."""
    logo = "https://rp.example.org/logo.png"
    rp = registered(op, key, logo_uri=logo, client_name="带标志的平台")
    assert rp.registration["logo_uri"] == logo
    page = login_page(rp, person)
    assert "带标志的平台" in page.html
    assert "rp.example.org" in page.html
    assert logo not in page.html


def test_oidcc_registration_policy_uri(
    op: IdentityProvider, key: jwk.RSAKey, person: Person
) -> None:
    policy = "https://rp.example.org/privacy"
    rp = registered(op, key, policy_uri=policy)
    assert policy in login_page(rp, person).links


def test_oidcc_registration_tos_uri(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    terms = "https://rp.example.org/terms"
    rp = registered(op, key, tos_uri=terms)
    assert terms in login_page(rp, person).links


def with_kid(kid: str) -> jwk.RSAKey:
    return jwk.RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def by_uri(op: IdentityProvider, key: jwk.RSAKey, path: str, **changes: Any) -> RelyingParty:
    """A client whose keys are behind a jwks_uri."""
    asked = metadata(None, jwks_uri=op.documents.put_key(path, key), **changes)
    return op.register(asked, key=key, aud=op.metadata["token_endpoint"])


def test_oidcc_registration_jwks_uri(op: IdentityProvider, person: Person) -> None:
    rp = by_uri(op, with_kid("of-jwks-uri"), "/registration/jwks")
    rp.log_in(person)
    assert "/registration/jwks" in op.documents.fetched


def test_oidcc_registration_sector_uri(
    op: IdentityProvider, key: jwk.RSAKey, person: Person
) -> None:
    sector = op.documents.put("/sector", [REDIRECT_URI, "https://other.example.org/callback"])
    rp = registered(op, key, sector_identifier_uri=sector, subject_type="pairwise")
    other = registered(op, key, subject_type="pairwise")
    assert rp.registration["sector_identifier_uri"] == sector
    assert rp.log_in(person).claims["sub"] != other.log_in(person).claims["sub"]


def test_oidcc_registration_sector_bad(op: IdentityProvider, key: jwk.RSAKey) -> None:
    sector = op.documents.put("/sector/bad", ["https://other.example.org/callback"])
    asked = metadata(key, sector_identifier_uri=sector)
    refused(op, asked, "invalid_client_metadata", "invalid_redirect_uri")


def test_oidcc_server_rotate_keys(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    """Asked beyond the module: the next token is by the new key, and the last one verifies."""
    rp = registered(op, key)
    last = rp.log_in(person)
    before = {each["kid"] for each in rp.jwks()["keys"]}
    with op.provider.sessions.begin() as session:
        made = signing_keys.rotate(session, op.provider.keys, "RS256", by=SYSTEM, at=op.clock())
    op.wait(seconds=6)  # what other processes may still remember of the keys
    published = rp.jwks()
    after = {each["kid"] for each in published["keys"]}
    assert after - before == {made.kid}
    assert before <= after
    responses.verified(last.id_token, published, alg="RS256")
    assert rp.log_in(person).claims["sub"] == last.claims["sub"]


def test_oidcc_refresh_token_rp_key_rotation(
    op: IdentityProvider, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = "openid offline_access"
    grants = ["authorization_code", "refresh_token"]
    rp = by_uri(op, with_kid("first"), "/rotation/jwks", grant_types=grants)
    login = rp.log_in(person, scope=scope, prompt="consent")

    rp.key = with_kid("second")
    op.documents.put_key("/rotation/jwks", rp.key)
    op.wait(seconds=60)
    # What is remembered of other hosts goes by the machine's own clock.
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 60)
    monkeypatch.setattr("sso.outgoing.time", later)

    tokens = responses.check_tokens(rp.refresh(login.tokens["refresh_token"], scope=scope))
    check_same_login(login.claims, rp.verify_id_token(tokens, {}))
    assert rp.userinfo(tokens["access_token"]).status_code == 200


def test_oidcc_request_uri_unsigned(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    """Exception: unsigned request objects are refused, with the error that the Basic plan's module
    of almost this name allows. Nobody could tell who wrote them."""
    url = op.documents.url("/dynamic/unsigned")
    rp = registered(op, key, request_uris=[url])
    asked = rp.request()
    op.documents.put_text("/dynamic/unsigned", unsigned(asked))
    found = rp.send(person, {**asked, "request_uri": url})
    error = responses.check_error(found, asked, issuer=rp.issuer)
    assert error == "request_uri_not_supported"


def test_oidcc_request_uri_signed_rs256(
    op: IdentityProvider, key: jwk.RSAKey, person: Person
) -> None:
    url = op.documents.url("/dynamic/signed")
    rp = registered(op, key, request_uris=[url], request_object_signing_alg="RS256")
    asked = rp.request()
    op.documents.put_text("/dynamic/signed", rp.request_object(asked))
    outside = {name: asked[name] for name in ("client_id", "response_type", "scope")}
    rp.finish(rp.send(person, {**outside, "request_uri": url}), asked)


def test_oidcc_ensure_request_object_with_redirect_uri(
    op: IdentityProvider, key: jwk.RSAKey, person: Person
) -> None:
    """As in the Basic plan; and signed, where the redirect_uri inside is the one that counts."""
    rp = registered(op, key)
    check_redirect_uri_of_object(rp, person)
    asked = rp.request()
    beside = {**asked, "redirect_uri": f"{REDIRECT_URI}/not-registered"}
    found = rp.send(person, {**beside, "request": rp.request_object(asked)})
    assert isinstance(found, Arrival)
    assert found.address == REDIRECT_URI
    rp.finish(found, asked)


def test_oidcc_refresh_token(op: IdentityProvider, key: jwk.RSAKey, person: Person) -> None:
    grants = ["authorization_code", "refresh_token"]
    rp, other = (registered(op, key, grant_types=grants) for _ in range(2))
    check_refresh_tokens(op, rp, other, person)


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(
    op: IdentityProvider, key: jwk.RSAKey, person: Person
) -> None:
    rp = registered(op, key)
    rp.aud = op.issuer
    rp.log_in(person)
