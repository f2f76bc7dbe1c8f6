from datetime import timedelta

import pytest

from sso import jose, signing_keys
from sso.jose import InvalidToken
from sso.provider import Provider
from tests.sso.parties import Parties
from tests.sso.provider import HandClock
from tests.sso.token_fixtures import both, clock, parties, provider
from trust.access import SYSTEM
from trust.errors import Invalid, NotFound

__all__ = ["both", "clock", "parties", "provider"]


def kids(provider: Provider) -> set[str]:
    return {key["kid"] for key in signing_keys.jwks(provider, at=provider.clock())["keys"]}


def test_keys_are_made_when_first_needed_and_stay(both: Parties) -> None:
    provider, at = both.provider, both.at
    made = signing_keys.active(provider, "PS256", at=at)
    assert signing_keys.active(provider, "PS256", at=at) == made
    published = signing_keys.jwks(provider, at=at)["keys"]
    assert {key["alg"] for key in published} == {"PS256", "RS256", "ES256"}
    assert all(key["kid"] == jose.thumbprint(key) for key in published)
    assert all(not {"d", "p", "q"} & set(key) for key in published)


def test_a_key_of_sm2_is_published_apart_under_our_own_name(provider: Provider) -> None:
    """One curve without a registered name makes some libraries refuse the whole set."""
    made = signing_keys.active(provider, "SM2-SM3", at=provider.clock())
    (found,) = signing_keys.sm2_jwks(provider, at=provider.clock())["keys"]
    assert (found["kty"], found["crv"], found["alg"]) == ("EC", "SM2", "SM2-SM3")
    assert found["kid"] == made.kid
    assert made.kid not in kids(provider)


def test_no_key_is_made_for_an_algorithm_we_do_not_sign_by(provider: Provider) -> None:
    for alg in ("none", "HS256", "RS512", "ES384"):
        with pytest.raises(Invalid):
            signing_keys.active(provider, alg, at=provider.clock())


def test_a_rotated_key_stays_published_until_its_last_token_has_ended(
    both: Parties, clock: HandClock
) -> None:
    provider = both.provider
    old = signing_keys.active(provider, "ES256", at=both.at)
    with provider.sessions.begin() as session:
        new = signing_keys.rotate(session, provider.keys, "ES256", by=SYSTEM, at=both.at)
    clock.forward(seconds=5)
    assert signing_keys.active(provider, "ES256", at=both.at) == new
    assert {old.kid, new.kid} <= kids(provider)
    clock.now += signing_keys.overlap(provider.policy)
    assert old.kid not in kids(provider)
    assert new.kid in kids(provider)


def test_an_old_token_is_verified_after_a_rotation(parties: Parties, clock: HandClock) -> None:
    client = parties.provider
    token = parties.tokens()["access_token"]
    with client.sessions.begin() as session:
        signing_keys.rotate(session, client.keys, "ES256", by=SYSTEM, at=parties.at)
    clock.forward(seconds=30)
    from sso import access_tokens

    with client.reading() as session:
        access_tokens.judge(session, client, token, at=parties.at)


def test_a_removed_key_verifies_nothing(parties: Parties, clock: HandClock) -> None:
    from sso import access_tokens

    provider = parties.provider
    token = parties.tokens()["access_token"]
    key = signing_keys.active(provider, "ES256", at=parties.at)
    with provider.sessions.begin() as session:
        signing_keys.remove(session, key.kid, by=SYSTEM, at=parties.at)
    clock.forward(seconds=5)
    with provider.reading() as session, pytest.raises(InvalidToken):
        access_tokens.judge(session, provider, token, at=parties.at)
    assert key.kid not in kids(provider)
    with provider.sessions.begin() as session, pytest.raises(NotFound):
        signing_keys.remove(session, key.kid, by=SYSTEM, at=parties.at)


def test_the_overlap_outlives_every_token(provider: Provider) -> None:
    policy = provider.policy
    longest = max(policy.access_token_lifetime, policy.id_token_lifetime)
    assert signing_keys.overlap(policy) >= longest + timedelta(minutes=30)
