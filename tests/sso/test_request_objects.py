"""Signed requests (RFC 9101) and pushed ones (RFC 9126)."""

import secrets
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import OctKey
from starlette.datastructures import Headers

from sso import authorize, pushing
from sso.authorization_request import AuthorizationRequest, Parameters
from sso.client import Client
from sso.client_assertions import TYPE
from sso.oauth_errors import AuthorizationRefused, OAuthError
from sso.provider import Provider
from tests.sso import front
from tests.sso.provider import ISSUER, START, HandClock, make_provider
from trust.db import Sessions
from trust.keys import SoftKeyStore

NOW = int(START.timestamp())


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return make_provider(sqlite_sessions, soft_keys, tmp_path, clock=HandClock())


@pytest.fixture
def plain(provider: Provider) -> Client:
    return front.add(provider, at=START, jwks=front.jwks(front.EC, front.RSA_KEY)).client


@pytest.fixture
def fapi(provider: Provider) -> Client:
    return front.add(provider, at=START, fapi=True, require_signed_request_object=True).client


def claims(client: Client, **more: Any) -> dict[str, Any]:
    """A request object's claims; one set to None is left out."""
    found = {
        **front.asked(client), "iss": client.client_id, "aud": ISSUER, "iat": NOW, "nbf": NOW,
        "exp": NOW + 300, **more,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def by_value(
    provider: Provider, client: Client, compact: str, **outside: str
) -> AuthorizationRequest:
    parameters = {"client_id": client.client_id, "request": compact, **outside}
    return authorize.read(provider, Parameters(parameters), at=START)


def push(
    provider: Provider, client: Client, form: dict[str, str], **headers: str
) -> dict[str, Any]:
    now = int(provider.clock().timestamp())
    own = {"iss": client.client_id, "sub": client.client_id, "aud": ISSUER, "exp": now + 60}
    own["jti"] = secrets.token_hex(8)
    proof = {"client_assertion_type": TYPE, "client_assertion": front.signed(own)}
    return pushing.push(
        provider, {}, {**proof, **form}, proofs=Headers(headers), at=provider.clock()
    )  # fmt: skip


def refused(provider: Provider, client: Client, **more: Any) -> OAuthError:
    """How a FAPI client's pushed object with these claims is refused."""
    with pytest.raises(OAuthError) as caught:
        push(provider, client, {"request": front.signed(claims(client, **more))})
    return caught.value


def test_a_signed_object_alone_is_a_request(provider: Provider, plain: Client) -> None:
    asked = by_value(provider, plain, front.signed(claims(plain, max_age=60)))
    assert (asked.redirect_uri, asked.state, asked.max_age) == (front.CALLBACK, "state-1", 60)


def test_what_stands_outside_a_signed_object_is_ignored(provider: Provider, plain: Client) -> None:
    """ensure-different-nonce-inside-..., -state-inside-..., state-only-outside-..."""
    outside = {"state": "outside", "nonce": "outside", "redirect_uri": "https://evil.example/",
               "scope": "openid email", "prompt": "none"}  # fmt: skip
    asked = by_value(provider, plain, front.signed(claims(plain)), **outside)
    assert (asked.state, asked.nonce, asked.redirect_uri) == ("state-1", "nonce-1", front.CALLBACK)
    assert asked.scope == ("openid", "profile")
    assert asked.prompt == frozenset()
    asked = by_value(provider, plain, front.signed(claims(plain, state=None)), **outside)
    assert asked.state is None


def test_claims_in_an_object_are_json_and_not_a_string_of_it(
    provider: Provider, plain: Client
) -> None:
    wanted = {"userinfo": {"name": {"essential": True}}}
    assert by_value(provider, plain, front.signed(claims(plain, claims=wanted))).claims == wanted


def test_an_unsigned_object_is_not_supported_and_the_platform_is_told(
    provider: Provider, plain: Client
) -> None:
    """oidcc-unsigned-request-object-...-rejected-as-unsupported"""
    for outside in ({}, {"redirect_uri": "https://evil.example/"}):
        with pytest.raises(AuthorizationRefused) as caught:
            by_value(provider, plain, front.unsigned(claims(plain)), **outside)
        assert caught.value.error == "request_not_supported"
        assert (caught.value.redirect_uri, caught.value.state) == (front.CALLBACK, "state-1")


def test_a_bad_object_without_a_known_redirect_uri_ends_on_a_page(
    provider: Provider, plain: Client
) -> None:
    with pytest.raises(OAuthError) as caught:
        by_value(
            provider, plain, front.unsigned(claims(plain, redirect_uri="https://evil.example/"))
        )
    assert caught.value.page
    with pytest.raises(OAuthError) as caught:
        by_value(provider, plain, "garbage")
    assert (caught.value.error, caught.value.page) == ("invalid_request_object", True)


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "another"}, {"aud": "https://other.example"}, {"client_id": "another"},
        {"exp": NOW - 60}, {"nbf": NOW + 60}, {"iat": NOW + 60}, {"exp": "later"},
        {"request": "x"}, {"request_uri": "https://platform.example/r"},
    ],
    ids=str,
)  # fmt: skip
def test_an_object_by_another_for_another_or_out_of_time_is_refused(
    provider: Provider, plain: Client, more: dict[str, Any]
) -> None:
    with pytest.raises(AuthorizationRefused) as caught:
        by_value(provider, plain, front.signed(claims(plain, **more)))
    assert caught.value.error == "invalid_request_object"


def test_a_client_assertion_is_no_request_object(provider: Provider, plain: Client) -> None:
    with pytest.raises(AuthorizationRefused):
        by_value(provider, plain, front.signed(claims(plain, sub=plain.client_id)))


def test_an_object_signed_by_anybody_else_is_refused(provider: Provider, plain: Client) -> None:
    """ensure-matching-key-in-authorization-request, ...-with-invalid-signature-fails"""
    hmac = OctKey.import_key("a shared secret of thirty-two bytes", {"kid": "ec"})
    good = front.signed(claims(plain))
    for compact in (
        front.signed(claims(plain), front.OTHER_EC), front.signed(claims(plain), hmac, "HS256"),
        good[:-8] + "AAAAAAAA", front.signed(claims(plain), front.OKP, "EdDSA"),
    ):  # fmt: skip
        with pytest.raises(AuthorizationRefused) as caught:
            by_value(provider, plain, compact)
        assert caught.value.error == "invalid_request_object"


def test_request_and_request_uri_exclude_each_other(provider: Provider, plain: Client) -> None:
    with pytest.raises(OAuthError) as caught:
        by_value(provider, plain, front.signed(claims(plain)), request_uri="https://p.example/r")
    assert caught.value.error == "invalid_request"


@pytest.fixture
def served() -> Iterator[tuple[str, dict[str, str]]]:
    """A platform's web server: URL, and what it answers by path."""
    answers: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", "application/oauth-authz-req+jwt")
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


def test_an_object_is_fetched_from_a_registered_address_only(
    provider: Provider, served: tuple[str, dict[str, str]]
) -> None:
    """oidcc-request-uri-signed-rs256, oidcc-request-uri-unsigned-supported-...-unsupported"""
    base, answers = served
    client = front.add(
        provider, at=START, jwks=front.jwks(front.RSA_KEY),
        request_uris=[f"{base}/signed#v1", f"{base}/unsigned", f"{base}/gone"],
    ).client  # fmt: skip
    answers["/signed"] = front.signed(claims(client), front.RSA_KEY, "RS256")
    answers["/unsigned"] = front.unsigned(claims(client))

    def fetched(path: str) -> AuthorizationRequest:
        return front.read(provider, client, request_uri=base + path)

    assert fetched("/signed").state == "state-1"
    assert fetched("/signed#v2").state == "state-1"
    errors = {}
    for path in ("/unsigned", "/gone", "/elsewhere"):
        with pytest.raises(AuthorizationRefused) as caught:
            fetched(path)
        errors[path] = caught.value.error
    assert errors == {
        "/unsigned": "request_uri_not_supported", "/gone": "invalid_request_uri",
        "/elsewhere": "invalid_request_uri",
    }  # fmt: skip


def test_a_client_without_registered_addresses_has_nothing_fetched(
    provider: Provider, plain: Client
) -> None:
    with pytest.raises(AuthorizationRefused) as caught:
        front.read(provider, plain, request_uri="https://platform.example/r")
    assert caught.value.error == "request_uri_not_supported"


def test_a_fapi_client_pushes_a_signed_request_and_goes_on_with_its_uri(
    provider: Provider, fapi: Client
) -> None:
    """fapi2-...-happy-flow, par-without-duplicate-parameters"""
    answer = push(provider, fapi, {"request": front.signed(claims(fapi))})
    assert 0 < answer["expires_in"] < 600
    pushed = {"client_id": fapi.client_id, "request_uri": answer["request_uri"]}
    asked = authorize.read(provider, Parameters(pushed), at=START)
    assert (asked.state, asked.redirect_uri) == ("state-1", front.CALLBACK)
    assert asked.request_uri_id is not None


def test_looking_at_a_pushed_request_does_not_use_it_up_but_time_does(
    provider: Provider, fapi: Client
) -> None:
    """par-ensure-reused-request-uri-prior-to-auth-completion-succeeds, ...-use-expired-..."""
    answer = push(provider, fapi, {"request": front.signed(claims(fapi))})
    pushed = Parameters({"client_id": fapi.client_id, "request_uri": answer["request_uri"]})
    assert authorize.read(provider, pushed, at=START) == authorize.read(provider, pushed, at=START)
    late = START + timedelta(seconds=answer["expires_in"])
    with pytest.raises(OAuthError) as caught:
        authorize.read(provider, pushed, at=late)
    assert (caught.value.error, caught.value.page) == ("invalid_request_uri", True)


def test_a_pushed_request_is_of_the_client_that_pushed_it(
    provider: Provider, fapi: Client, plain: Client
) -> None:
    """par-attempt-to-use-request_uri-for-different-client"""
    answer = push(provider, fapi, {"request": front.signed(claims(fapi))})
    parameters = {"client_id": plain.client_id, "request_uri": answer["request_uri"]}
    with pytest.raises(OAuthError) as caught:
        authorize.read(provider, Parameters(parameters), at=START)
    assert caught.value.page


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ({"aud": ["https://other.example", ISSUER]}, True), ({"nbf": NOW + 8}, True),
        ({"state": None}, True), ({"nonce": None}, True), ({"nonce": "n" * 64}, True),
        ({"nonce": "n" * 384}, True), ({"scope": "profile openid"}, True),
        ({"exp": None}, False), ({"nbf": None}, False), ({"redirect_uri": None}, False),
        ({"exp": NOW - 60}, False), ({"aud": "https://other.example"}, False),
        ({"aud": None}, False), ({"iss": None}, False), ({"exp": NOW + 70 * 60}, False),
        ({"nbf": NOW - 70 * 60, "exp": NOW + 60}, False),
        ({"response_type": "code id_token"}, False), ({"response_type": "token"}, False),
        ({"code_challenge": None, "code_challenge_method": None}, False),
        ({"code_challenge_method": "plain"}, False), ({"code_challenge_method": None}, False),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, False),
        ({"redirect_uri": "https://evil.example/"}, False),
    ],
    ids=str,
)  # fmt: skip
def test_what_fapi_allows_of_an_object(
    provider: Provider, fapi: Client, more: dict[str, Any], good: bool
) -> None:
    """ensure-request-object-*, par-ensure-pkce-required, par-plain-pkce-rejected, ..."""
    if good:
        push(provider, fapi, {"request": front.signed(claims(fapi, **more))})
    else:
        error = refused(provider, fapi, **more)
        assert error.status == 400
        assert not isinstance(error, AuthorizationRefused)
        assert not error.page


@pytest.mark.parametrize("key", [front.RSA_KEY, None])
def test_fapi_takes_neither_rs256_nor_none(provider: Provider, fapi: Client, key: Any) -> None:
    """...-signed-request-object-with-RS256-fails, ...-signature-algorithm-is-not-none"""
    content = claims(fapi)
    compact = front.signed(content, key, "RS256") if key else front.unsigned(content)
    with pytest.raises(OAuthError) as caught:
        push(provider, fapi, {"request": compact})
    assert caught.value.error == "invalid_request_object"
    if key:
        push(provider, fapi, {"request": front.signed(content, key, "PS256")})


def test_a_client_that_signs_its_requests_cannot_push_an_unsigned_one(
    provider: Provider, fapi: Client
) -> None:
    """ensure-unsigned-request-at-par-endpoint-fails"""
    with pytest.raises(OAuthError) as caught:
        push(provider, fapi, front.asked(fapi))
    assert caught.value.error == "invalid_request"


def test_a_client_that_pushes_cannot_come_without(provider: Provider, fapi: Client) -> None:
    """ensure-unsigned-authorization-request-without-using-par-fails"""
    with pytest.raises(AuthorizationRefused) as caught:
        front.read(provider, fapi)
    assert caught.value.error == "invalid_request"
    with pytest.raises(AuthorizationRefused):
        by_value(provider, fapi, front.signed(claims(fapi)))


def test_a_request_uri_cannot_be_pushed(provider: Provider, fapi: Client) -> None:
    """par-authorization-request-containing-request_uri-form-param"""
    form = {"request": front.signed(claims(fapi)), "request_uri": "urn:x"}
    with pytest.raises(OAuthError) as caught:
        push(provider, fapi, form)
    assert caught.value.error == "invalid_request"


def dpop(key: Any = front.EC, jti: str = "one") -> str:
    content = {"htm": "POST", "htu": f"{ISSUER}/oauth2/par", "iat": NOW, "jti": jti}
    from joserfc import jwt

    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    header["jwk"] = {name: header["jwk"][name] for name in ("kty", "crv", "x", "y")}
    return jwt.encode(header, content, key, algorithms=["ES256"])


def test_a_dpop_proof_at_the_par_endpoint_binds_the_code(provider: Provider, fapi: Client) -> None:
    """ensure-dpopproof-at-par-endpoint-binding-success, ensure-mismatched-dpop-jkt-fails"""
    jkt = front.EC.thumbprint()
    answer = push(provider, fapi, {"request": front.signed(claims(fapi))}, DPoP=dpop())
    pushed = {"client_id": fapi.client_id, "request_uri": answer["request_uri"]}
    assert authorize.read(provider, Parameters(pushed), at=START).dpop_jkt == jkt
    push(provider, fapi, {"request": front.signed(claims(fapi, dpop_jkt=jkt))}, DPoP=dpop(jti="2"))
    for more, proof in (({}, dpop()), ({"dpop_jkt": "x" * 43}, dpop(jti="3"))):
        with pytest.raises(OAuthError) as caught:
            push(provider, fapi, {"request": front.signed(claims(fapi, **more))}, DPoP=proof)
        assert caught.value.error == "invalid_dpop_proof"
