from typing import Any

import pytest
from sqlalchemy import event
from starlette.datastructures import Headers

from sso import introspection, revocation
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from tests.sso.parties import Parties, http, make_parties
from tests.sso.provider import ISSUER, HandClock
from tests.sso.test_tokens import claims_of
from tests.sso.token_fixtures import both, clock, parties, provider

__all__ = ["both", "clock", "parties", "provider"]


def ask(parties: Parties, token: str, **headers: str) -> Any:
    form = {"client_id": parties.client.client_id, "token": token}
    if parties.secret:
        form["client_secret"] = parties.secret
    return introspection.answer(parties.provider, Headers(headers), form, at=parties.at)


def revoke(parties: Parties, token: str) -> None:
    form = {"client_id": parties.client.client_id, "client_secret": parties.secret, "token": token}
    revocation.revoke(parties.provider, Headers({}), form, at=parties.at)


def test_a_good_token_is_active_and_tells_what_it_is(both: Parties) -> None:
    answer = both.tokens()
    found = ask(both, answer["access_token"])
    assert found["active"] is True
    assert (found["iss"], found["client_id"], found["sub"]) == (ISSUER, "platform", both.sub)
    assert found["token_type"] == "Bearer"
    refreshing = ask(both, answer["refresh_token"])
    assert refreshing["active"] is True
    assert "sub" not in refreshing


def test_a_token_is_inactive_once_it_ends(parties: Parties, clock: HandClock) -> None:
    token = parties.tokens()["access_token"]
    clock.now += parties.provider.policy.access_token_lifetime
    assert ask(parties, token) == {"active": False}


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 43, "a.b.c", "x" * 30_000])
def test_garbage_is_inactive(parties: Parties, token: str) -> None:
    if token:
        assert ask(parties, token) == {"active": False}
    else:
        form = {"client_id": "platform", "client_secret": parties.secret}
        with pytest.raises(OAuthError, match="invalid_request"):
            introspection.answer(parties.provider, Headers({}), form, at=parties.at)


def test_an_id_token_is_no_access_token(parties: Parties) -> None:
    assert ask(parties, parties.tokens()["id_token"]) == {"active": False}


def test_a_used_refresh_token_is_inactive(parties: Parties) -> None:
    first = parties.tokens()["refresh_token"]
    parties.refresh(first)
    assert ask(parties, first) == {"active": False}


def test_a_platform_learns_nothing_of_anothers_tokens(parties: Parties) -> None:
    other = make_parties(parties.provider, name="other")
    answer = parties.tokens()
    assert ask(other, answer["access_token"]) == {"active": False}
    assert ask(other, answer["refresh_token"]) == {"active": False}


def test_a_resource_server_sees_the_tokens_made_for_it(parties: Parties) -> None:
    server = make_parties(parties.provider, name="https://api.example")
    token = parties.tokens(resource=["https://api.example"])["access_token"]
    assert ask(server, token)["aud"] == "https://api.example"


def test_a_public_platform_cannot_ask(provider: Provider) -> None:
    public = make_parties(
        provider,
        metadata={
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        },
    )
    token = public.tokens()["access_token"]
    with pytest.raises(OAuthError) as refused:
        ask(public, token)
    assert refused.value.status == 401


def test_the_answer_may_be_a_signed_jwt(parties: Parties) -> None:
    token = parties.tokens()["access_token"]
    signed = ask(parties, token, accept="application/token-introspection+jwt")
    told = claims_of(parties, signed)
    assert told["aud"] == "platform"
    assert told["token_introspection"]["active"] is True


def test_introspection_writes_nothing(parties: Parties) -> None:
    token = parties.tokens()["access_token"]
    statements: list[str] = []
    engine = parties.provider.sessions.kw["bind"]
    event.listen(
        engine, "before_cursor_execute", lambda *a: statements.append(a[2].split()[0].upper())
    )
    ask(parties, token)
    assert not {"INSERT", "UPDATE", "DELETE"} & set(statements)
    assert "SELECT" in statements


def test_over_http_it_is_json_that_nobody_stores(parties: Parties) -> None:
    form = {"token": "x"}
    answer = http(parties.provider).post(
        "/oauth2/introspect", data=form | {"client_id": "platform", "client_secret": parties.secret}
    )
    assert (answer.status_code, answer.json()) == (200, {"active": False})
    assert answer.headers["cache-control"] == "no-store"
    assert http(parties.provider).post("/oauth2/introspect", data=form).status_code == 401
