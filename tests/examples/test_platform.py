"""What the example platform believes of tokens: a key of the test's own stands for the provider."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from examples.platform.relying_party import BACKCHANNEL, Refused, RelyingParty, Settings
from examples.platform.step_up import Needed, read_challenge

ISSUER = "https://id.example"
NOW = 1_800_000_000
KEY = RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256", "use": "sig"})
DOCUMENT = {
    "issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", "token_endpoint": f"{ISSUER}/token",
    "authorization_endpoint": f"{ISSUER}/authorize", "end_session_endpoint": f"{ISSUER}/logout",
}  # fmt: skip
TOKEN = {
    "iss": ISSUER, "aud": "tenders", "iat": NOW, "exp": NOW + 120, "jti": "j1", "sid": "s1",
    "sub": "person", "events": {BACKCHANNEL: {}},
}  # fmt: skip
Sign = Callable[[dict[str, Any]], str]


def provider(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/jwks":
        return httpx.Response(200, json=KeySet([KEY]).as_dict(private=False))
    return httpx.Response(200, json=DOCUMENT)


@pytest.fixture
def party() -> RelyingParty:
    settings = Settings(ISSUER, "tenders", "secret", "https://tenders.example")
    http = httpx.Client(transport=httpx.MockTransport(provider))
    return RelyingParty(settings, http, now=lambda: float(NOW))


def signed(claims: dict[str, Any], *, typ: str = "logout+jwt", key: RSAKey = KEY) -> str:
    return jwt.encode({"alg": "RS256", "kid": "1", "typ": typ}, claims, key)


def test_a_logout_token_is_believed_once(party: RelyingParty) -> None:
    token = signed(TOKEN)
    assert party.verify_logout_token(token)["sid"] == "s1"
    with pytest.raises(Refused, match="before"):
        party.verify_logout_token(token)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://evil.example"}, "another provider"),
        ({"aud": "somebody"}, "somebody else"),
        ({"nonce": "n"}, "nonce"),
        ({"events": {}}, "no logout"),
        ({"events": {BACKCHANNEL: "yes"}}, "no logout"),
        ({"events": "logout"}, "no logout"),
        ({"iat": NOW + 60}, "not of now"),
        ({"exp": NOW - 60}, "not of now"),
        ({"iat": "soon"}, "no numbers"),
        ({"sid": None, "sub": None}, "neither"),
    ],
)
def test_a_wrong_logout_token_is_refused(
    party: RelyingParty, changed: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        party.verify_logout_token(signed({**TOKEN, **changed}))


@pytest.mark.parametrize("name", ["iat", "exp", "jti", "events"])
def test_a_logout_token_without_what_it_must_have_is_refused(
    party: RelyingParty, name: str
) -> None:
    with pytest.raises(Refused, match=f"lacks {name}"):
        party.verify_logout_token(signed({key: TOKEN[key] for key in TOKEN if key != name}))


def test_a_token_of_another_kind_is_no_logout_token(party: RelyingParty) -> None:
    with pytest.raises(Refused, match="no logout token"):
        party.verify_logout_token(signed(TOKEN, typ="JWT"))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é" * 10])
def test_garbage_is_refused(party: RelyingParty, token: str) -> None:
    with pytest.raises(Refused):
        party.verify_logout_token(token)


def test_another_key_of_the_same_name_is_refused(party: RelyingParty) -> None:
    other = RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256"})
    with pytest.raises(Refused, match="signature"):
        party.verify_logout_token(signed(TOKEN, key=other))


def test_an_unsigned_token_is_refused(party: RelyingParty) -> None:
    parts = ({"alg": "none", "typ": "logout+jwt"}, TOKEN)
    unsigned = ".".join(
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    with pytest.raises(Refused, match="signature"):
        party.verify_logout_token(f"{unsigned}.")


def test_an_answer_of_another_issuer_is_refused_before_its_code_is_sent(
    party: RelyingParty,
) -> None:
    _, made = party.begin("/")
    with pytest.raises(Refused, match="another provider"):
        party.finish(made, {"iss": "https://evil.example", "code": "c", "state": made.state})


def test_the_challenge_of_a_too_low_level_asks_for_the_level() -> None:
    needed = Needed(2, max_age=300)
    weak = {"acr": "urn:trust:loa:1", "auth_time": NOW}
    assert needed.lacks(weak, now=NOW)
    challenge = read_challenge(needed.challenge())
    assert challenge is not None
    assert (challenge.acr_values, challenge.max_age) == (("urn:trust:loa:2",), 300)


def test_a_good_level_is_enough_until_the_login_is_too_old() -> None:
    claims = {"acr": "urn:trust:loa:2", "auth_time": NOW - 100}
    assert not Needed(2).lacks(claims, now=NOW)
    assert not Needed(2, max_age=100).lacks(claims, now=NOW)
    assert Needed(2, max_age=99).lacks(claims, now=NOW)


def test_other_refusals_are_no_challenge() -> None:
    assert read_challenge('Bearer error="invalid_token"') is None
    assert read_challenge("") is None
