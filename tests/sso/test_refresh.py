"""Refresh tokens: rotation, the grace, and the death of a family."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sso import access_tokens, grants, refresh
from sso.jose import InvalidToken
from sso.oauth_errors import OAuthError
from sso.token_models import RefreshToken
from sso.tokens import UNBOUND, Authorized
from tests.sso.parties import Parties, Prover, make_parties
from tests.sso.provider import ISSUER, HandClock
from tests.sso.test_tokens import acts, claims_of
from tests.sso.token_fixtures import both, clock, parties, provider

__all__ = ["both", "clock", "parties", "provider"]
TOKEN = f"{ISSUER}/oauth2/token"


def refused(parties: Parties, token: str, **more: str) -> str:
    with pytest.raises(OAuthError) as refusal:
        parties.refresh(token, **more)
    return refusal.value.error


def test_each_refresh_gives_a_new_token_of_the_same_person(both: Parties, clock: HandClock) -> None:
    first = both.tokens()
    clock.forward(minutes=5)
    second = both.refresh(first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    before, after = (claims_of(both, each["id_token"]) for each in (first, second))
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid", "azp"):
        assert after[name] == before[name]
    assert after["iat"] == before["iat"] + 300
    assert "nonce" not in after
    both.refresh(second["refresh_token"])


def test_within_the_grace_the_same_successor_is_given_again(
    both: Parties, clock: HandClock
) -> None:
    first = both.tokens()["refresh_token"]
    second = both.refresh(first)["refresh_token"]
    clock.forward(seconds=10)
    assert both.refresh(first)["refresh_token"] == second
    both.refresh(second)


def test_parallel_refreshes_of_an_honest_platform_do_not_sign_its_user_out(both: Parties) -> None:
    first = both.tokens()["refresh_token"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: both.refresh(first)["refresh_token"], range(4)))
    assert len(set(answers)) == 1
    both.refresh(answers[0])


@pytest.mark.parametrize("late", [True, False], ids=["after the grace", "successor used"])
def test_a_token_used_twice_ends_its_family_and_its_grant(
    both: Parties, clock: HandClock, late: bool
) -> None:
    answer = both.tokens()
    first = answer["refresh_token"]
    second = both.refresh(first)["refresh_token"]
    third = second
    if late:
        clock.forward(seconds=11)
    else:
        third = both.refresh(second)["refresh_token"]
    assert refused(both, first) == "invalid_grant"
    assert refused(both, third) == "invalid_grant"
    with both.provider.sessions() as session, pytest.raises(InvalidToken):
        access_tokens.judge(session, both.provider, answer["access_token"], at=both.at)
    assert acts(both).count("token.reused") == 1


def test_another_platform_cannot_use_a_token_nor_harm_it(parties: Parties) -> None:
    other = make_parties(parties.provider, name="other")
    token = parties.tokens()["refresh_token"]
    assert refused(other, token) == "invalid_grant"
    parties.refresh(token)


def test_a_token_that_idles_too_long_ends(parties: Parties, clock: HandClock) -> None:
    token = parties.tokens()["refresh_token"]
    clock.now += parties.provider.policy.refresh_idle
    assert refused(parties, token) == "invalid_grant"


def test_no_rotation_moves_the_end_of_the_line(parties: Parties, clock: HandClock) -> None:
    token = parties.tokens()["refresh_token"]
    for _ in range(2):
        clock.forward(days=13)
        token = parties.refresh(token)["refresh_token"]
    clock.forward(days=4)
    assert refused(parties, token) == "invalid_grant"


def test_a_scope_may_be_narrowed_for_one_token_and_never_widened(parties: Parties) -> None:
    answer = parties.tokens(scope="openid email offline_access")
    narrow = parties.refresh(answer["refresh_token"], scope="openid")
    assert claims_of(parties, narrow["access_token"])["scope"] == "openid"
    wide = parties.refresh(narrow["refresh_token"])
    assert wide["scope"] == "openid email offline_access"
    assert refused(parties, wide["refresh_token"], scope="openid profile") == "invalid_scope"
    parties.refresh(wide["refresh_token"])


def test_what_the_table_holds_is_no_token(parties: Parties) -> None:
    first = parties.tokens()["refresh_token"]
    second = parties.refresh(first)["refresh_token"]
    with parties.provider.sessions() as session:
        rows = session.scalars(select(RefreshToken)).all()
        held = b"".join(row.digest + row.family + (row.successor or b"") for row in rows)
    assert first.encode() not in held
    assert second.encode() not in held


def test_a_public_platforms_token_goes_with_its_dpop_key(provider: Any) -> None:
    parties = make_parties(
        provider, metadata={"token_endpoint_auth_method": "none", "grant_types": [
            "authorization_code", "refresh_token"]},
    )  # fmt: skip
    mine, other = Prover(), Prover()
    answer = parties.redeem(parties.code(), proof=mine.proof(TOKEN, at=parties.at))
    form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    for proof in (other.proof(TOKEN, at=parties.at), None):
        with pytest.raises(OAuthError, match="invalid_grant"):
            parties.ask(proof=proof, **form)
    kept = parties.ask(proof=mine.proof(TOKEN, at=parties.at), **form)
    assert kept["token_type"] == "DPoP"


def test_a_fapi_platform_keeps_its_token(parties: Parties, clock: HandClock) -> None:
    fapi = replace(parties.client, fapi=True)
    provider = parties.provider
    authorized = Authorized(
        grant_id="", account="zhang", subject=parties.sub, scope="openid", auth_time=parties.at,
        acr="urn:trust:loa:1", amr=("pwd",),
    )  # fmt: skip
    with provider.sessions.begin() as session:
        grant = grants.begin_grant(
            session, account="zhang", client_id="platform", scopes=["openid"], at=parties.at
        )
        token = refresh.issue(
            session, fapi, replace(authorized, grant_id=grant.id), resource=(), bound=UNBOUND,
            policy=provider.policy, at=parties.at,
        )  # fmt: skip
    for _ in range(2):
        clock.forward(days=14)
        with provider.sessions.begin() as session:
            kept = refresh.spend(
                session, provider.vault, token, client=fapi, bound=UNBOUND,
                policy=provider.policy, at=parties.at,
            )  # fmt: skip
        assert kept is not None
        assert kept.token is None


def test_the_grace_is_short(provider: Any) -> None:
    assert provider.policy.refresh_grace <= timedelta(seconds=30)
