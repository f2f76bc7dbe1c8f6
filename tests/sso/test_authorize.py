"""The authorization endpoint: what is checked in which order, and where each refusal goes."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso import authorize, clients, jose, signing_keys
from sso.authorization_request import (
    AuthorizationRequest,
    Parameters,
    from_json,
    read_parameters,
)
from sso.authorization_responses import FormPost, Redirect, refusal, respond
from sso.client import Client
from sso.oauth_errors import AuthorizationRefused, OAuthError
from sso.provider import Provider
from tests.sso import front
from tests.sso.front import CALLBACK
from tests.sso.provider import ISSUER, START, make_provider
from trust.access import SYSTEM
from trust.db import Sessions
from trust.keys import SoftKeyStore


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return make_provider(sqlite_sessions, soft_keys, tmp_path)


@pytest.fixture
def client(provider: Provider) -> Client:
    return front.add(provider, at=START).client


def refused(provider: Provider, client: Client, **more: str) -> AuthorizationRefused:
    with pytest.raises(AuthorizationRefused) as caught:
        front.read(provider, client, **more)
    return caught.value


def shown(provider: Provider, client: Client, **more: str) -> OAuthError:
    """A refusal that ends on a page."""
    with pytest.raises(OAuthError) as caught:
        front.read(provider, client, **more)
    assert caught.value.page
    assert not isinstance(caught.value, AuthorizationRefused)
    return caught.value


def test_a_sound_request_becomes_a_value(provider: Provider, client: Client) -> None:
    asked = front.read(
        provider, client, prompt="login consent", max_age="10", acr_values="urn:trust:loa:2 1",
        login_hint="zhang", ui_locales="se", claims_locales="se", display="popup", extra="foobar",
    )  # fmt: skip
    assert (asked.scope, asked.state, asked.nonce) == (("openid", "profile"), "state-1", "nonce-1")
    assert asked.prompt == frozenset({"login", "consent"})
    assert asked.max_age == 10
    assert asked.acr_values == ("urn:trust:loa:2",)
    assert (asked.login_hint, asked.ui_locales, asked.display) == ("zhang", "se", "popup")
    assert from_json(asked.to_json()) == asked


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": ""}, {"client_id": "unknown"}, {"client_id": "\0"}, {"redirect_uri": ""},
        {"redirect_uri": "https://evil.example/"}, {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": CALLBACK + "/"}, {"redirect_uri": CALLBACK + "#x"},
        {"redirect_uri": "HTTPS://platform.example/callback"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:nothing"},
    ],
    ids=str,
)  # fmt: skip
def test_without_client_and_redirect_uri_a_page_says_so(
    provider: Provider, client: Client, more: dict[str, str]
) -> None:
    """oidcc-ensure-registered-redirect-uri, oidcc-redirect-uri-query-added, -mismatch, ..."""
    shown(provider, client, **more)


def test_the_redirect_uri_is_needed_even_where_there_is_one(provider: Provider) -> None:
    """oidcc-ensure-redirect-uri-in-authorization-request"""
    two = front.add(provider, at=START, redirect_uris=[CALLBACK, CALLBACK + "2"]).client
    shown(provider, two, redirect_uri="")


def test_a_client_switched_off_gets_no_redirect(provider: Provider, client: Client) -> None:
    with provider.sessions.begin() as session:
        clients.disable(session, client.client_id, by=SYSTEM, at=START)
    assert shown(provider, client).error == "unauthorized_client"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"), ({"scope": "unheard-of"}, "invalid_scope"),
        ({"scope": "openid id_number"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "!" * 43}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"), ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"), ({"max_age": "x"}, "invalid_request"),
        ({"max_age": "９"}, "invalid_request"), ({"max_age": "9" * 11}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"), ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"userinfo": []}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"name": 1}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"name": {"essential": 1}}}'}, "invalid_request"),
        ({"claims": '{"id_token": {}, "id_token": {}}'}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"resource": "https://api.example/"}, "invalid_target"),
        ({"resource": "not a uri"}, "invalid_target"),
        ({"dpop_jkt": "short"}, "invalid_request"), ({"nonce": "n" * 513}, "invalid_request"),
        ({"login_hint": "a\0b"}, "invalid_request"), ({"id_token_hint": "x"}, "invalid_request"),
        ({"claims": '{"id_token": {"acr": {"essential": true, "value": "gold"}}}'},
         "unmet_authentication_requirements"),
    ],
    ids=str,
)  # fmt: skip
def test_any_other_refusal_goes_to_the_platform_with_its_state(
    provider: Provider, client: Client, more: dict[str, str], error: str
) -> None:
    found = refused(provider, client, **more)
    answer = front.query_of(refusal(found, issuer=ISSUER))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "state-1", ISSUER)
    assert "code" not in answer
    assert set(answer) <= {"error", "error_description", "state", "iss"}


@pytest.mark.parametrize("state", ["x" * 2049, "two\nlines", "日本"])
def test_a_state_that_is_the_fault_itself_is_not_sent_back(
    provider: Provider, client: Client, state: str
) -> None:
    found = refused(provider, client, state=state)
    assert (found.error, found.state) == ("invalid_request", None)


def test_a_long_state_and_nonce_come_through(provider: Provider, client: Client) -> None:
    """ensure-authorization-request-with-long-nonce, -with-long-state"""
    asked = front.read(provider, client, state="s" * 2048, nonce="n" * 384)
    assert (len(asked.state or ""), len(asked.nonce or "")) == (2048, 384)


@pytest.mark.parametrize("name", ["scope", "state", "prompt", "response_type", "x"])
def test_a_parameter_that_stands_twice_is_told_to_the_platform(
    provider: Provider, client: Client, name: str
) -> None:
    query = urlencode(front.asked(client)) + f"&{name}=openid&{name}=openid"
    with pytest.raises(AuthorizationRefused) as caught:
        authorize.read(provider, read_parameters(query.encode()), at=START)
    assert caught.value.error == "invalid_request"
    assert caught.value.state == (None if name == "state" else "state-1")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_second_client_or_redirect_uri_ends_on_a_page(
    provider: Provider, client: Client, name: str
) -> None:
    query = urlencode(front.asked(client)) + f"&{name}={quote(CALLBACK)}"
    with pytest.raises(OAuthError) as caught:
        authorize.read(provider, read_parameters(query.encode()), at=START)
    assert caught.value.page


def test_resources_may_stand_more_than_once(provider: Provider) -> None:
    own = ["https://a.example/", "https://b.example/"]
    client = front.add(provider, at=START, resources=own).client
    query = urlencode([*front.asked(client).items(), *(("resource", each) for each in own)])
    asked = authorize.read(provider, read_parameters(query.encode()), at=START)
    assert asked.resource == tuple(own)


@pytest.mark.parametrize(
    "query", [b"a=%ff", b"a=" + b"x" * 70_000, b"&".join([b"a=1"] * 101), b"\xff"]
)
def test_what_cannot_be_read_ends_on_a_page(query: bytes) -> None:
    with pytest.raises(OAuthError) as caught:
        read_parameters(query)
    assert caught.value.page


def test_offline_access_is_left_out_where_the_client_cannot_refresh(provider: Provider) -> None:
    client = front.add(provider, at=START, grant_types=["authorization_code"]).client
    assert front.read(provider, client, scope="openid offline_access").scope == ("openid",)
    able = front.add(provider, at=START).client
    asked = front.read(provider, able, scope="openid offline_access")
    assert asked.scope == ("openid", "offline_access")


def test_the_order_of_scopes_and_parameters_does_not_matter(
    provider: Provider, client: Client
) -> None:
    """oidcc-alternate-happy-flow"""
    parameters = dict(reversed(front.asked(client, scope="profile openid openid").items()))
    assert authorize.read(provider, Parameters(parameters), at=START).scope == ("profile", "openid")


def test_a_client_without_pkce_may_send_none_but_a_challenge_counts(provider: Provider) -> None:
    client = front.add(provider, at=START, require_pkce=False).client
    asked = front.read(provider, client, code_challenge="", code_challenge_method="")
    assert asked.code_challenge is None
    assert front.read(provider, client).code_challenge == front.CHALLENGE
    assert refused(provider, client, code_challenge_method="plain").error == "invalid_request"


def test_defaults_of_the_client_fill_what_the_request_leaves_out(provider: Provider) -> None:
    client = front.add(
        provider, at=START, default_max_age=60, default_acr_values=["urn:trust:loa:2"]
    ).client
    asked = front.read(provider, client)
    assert (asked.max_age, asked.acr_values) == (60, ("urn:trust:loa:2",))
    asked = front.read(provider, client, max_age="5", acr_values="urn:trust:loa:1")
    assert (asked.max_age, asked.acr_values) == (5, ("urn:trust:loa:1",))


def test_acr_and_sub_are_read_out_of_the_claims_parameter(
    provider: Provider, client: Client
) -> None:
    essential = '{"id_token": {"acr": {"essential": true, "values": ["gold", "urn:trust:loa:3"]}}}'
    assert front.read(provider, client, claims=essential).essential_acr == ("urn:trust:loa:3",)
    voluntary = '{"id_token": {"acr": {"value": "urn:trust:loa:1"}, "sub": {"value": "s"}}}'
    asked = front.read(provider, client, claims=voluntary)
    assert (asked.essential_acr, asked.acr_values) == ((), ("urn:trust:loa:1",))
    assert asked.id_token_hint_sub == "s"


def hint(provider: Provider, **claims: Any) -> str:
    key = signing_keys.active(provider, "RS256", at=START)
    return jose.sign_jwt(provider.keys, key, claims, typ="JWT")


def test_an_id_token_of_ours_is_a_hint_even_when_it_has_expired(
    provider: Provider, client: Client
) -> None:
    mine = {"iss": ISSUER, "sub": "subject", "aud": client.client_id, "exp": 1}
    asked = front.read(provider, client, id_token_hint=hint(provider, **mine))
    assert asked.id_token_hint_sub == "subject"
    foreign = front.signed(mine)
    for bad in (
        foreign, front.unsigned(mine), hint(provider, **mine)[:-4] + "AAAA",
        hint(provider, **{**mine, "aud": "another"}), hint(provider, **{**mine, "iss": "x"}),
    ):  # fmt: skip
        assert refused(provider, client, id_token_hint=bad).error == "invalid_request"


def test_a_native_client_may_use_any_port_of_its_loopback_address(provider: Provider) -> None:
    native = front.add(
        provider, at=START, application_type="native", token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb"],
    ).client  # fmt: skip
    good = ("http://127.0.0.1:51000/cb", "http://[::1]:9/cb", "http://localhost/cb")
    bad = ("http://127.0.0.1:51000/other", "http://localhost:51000/cb", "http://127.0.0.2/cb",
           "http://evil@127.0.0.1/cb", "https://127.0.0.1/cb", "http://127.0.0.1:x/cb")  # fmt: skip
    assert [authorize.matches(native, each) for each in good] == [True] * 3
    assert [authorize.matches(native, each) for each in bad] == [False] * 6


def test_the_query_of_a_registered_uri_is_kept() -> None:
    """oidcc-redirect-uri-query-OK"""
    answer = respond(CALLBACK + "?a=1", "query", {"code": "c&d", "state": None}, issuer=ISSUER)
    assert isinstance(answer, Redirect)
    assert answer.url == CALLBACK + "?a=1&code=c%26d&iss=http%3A%2F%2Flocalhost%3A8000"


def test_a_form_post_carries_the_same_fields(provider: Provider, client: Client) -> None:
    found = refused(provider, client, response_mode="form_post", response_type="token")
    answer = refusal(found, issuer=ISSUER)
    assert isinstance(answer, FormPost)
    assert answer.action == CALLBACK
    assert answer.origin == "https://platform.example"
    assert answer.fields["error"] == "unsupported_response_type"


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.dictionaries(
        st.sampled_from(
            ["response_type", "scope", "state", "nonce", "prompt", "max_age", "claims", "request",
             "acr_values", "display", "code_challenge", "resource", "id_token_hint", "ui_locales",
             "response_mode", "dpop_jkt", "request_uri", "redirect_uri", "client_id"]
        ),
        st.text(max_size=60) | st.sampled_from(["{}", "null", "1", '{"id_token":{"acr":null}}']),
        max_size=4,
    )
)  # fmt: skip
def test_garbage_raises_nothing_but_refusals_in_legal_characters(
    provider: Provider, client: Client, changes: dict[str, str]
) -> None:
    try:
        found = front.read(provider, client, **changes)
    except OAuthError as error:
        refusing: OAuthError | AuthorizationRequest = error
    else:
        refusing = found
    if isinstance(refusing, AuthorizationRequest):
        assert from_json(refusing.to_json()) == refusing
    else:
        assert all(" " <= c <= "~" and c not in '"\\' for c in refusing.description)
        assert refusing.page or isinstance(refusing, AuthorizationRefused)
