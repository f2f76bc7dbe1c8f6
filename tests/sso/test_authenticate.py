"""The platform's own interface: a token of scope `trust` makes a caller."""

import pytest
from sqlalchemy import insert
from starlette.requests import Request

from sso import authenticate, grants
from sso.authenticate import TokenRefused
from sso.models import AccountRole
from sso.provider import Provider
from tests.sso.parties import Parties, Prover, app_of
from tests.sso.provider import ISSUER, HandClock
from tests.sso.token_fixtures import clock, parties, provider
from trust.access import SYSTEM, Role

__all__ = ["clock", "parties", "provider"]


def request(provider: Provider, **headers: str) -> Request:
    """A GET to our own interface."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {
            "type": "http", "method": "GET", "path": "/v1/applications", "headers": raw,
            "query_string": b"", "app": app_of(provider),
        }
    )  # fmt: skip


def bearer(parties: Parties, token: str) -> Request:
    return request(parties.provider, authorization=f"Bearer {token}")


def own_token(parties: Parties, **code: object) -> str:
    found: str = parties.tokens(scope="openid trust", **code)["access_token"]
    return found


def test_a_token_makes_the_caller_with_the_roles_of_now(parties: Parties) -> None:
    token = own_token(parties)
    assert authenticate.caller(bearer(parties, token)).roles == frozenset()
    with parties.provider.sessions.begin() as session:
        session.execute(insert(AccountRole).values(account="zhang", role="clerk"))
    found = authenticate.caller(bearer(parties, token))
    assert (found.account, found.roles) == ("zhang", frozenset({Role.CLERK}))


def test_a_bound_token_needs_its_proof_here_too(parties: Parties) -> None:
    prover = Prover()
    proof = prover.proof(f"{ISSUER}/oauth2/token", at=parties.at)
    token = parties.redeem(parties.code(scope="openid trust"), proof=proof)["access_token"]
    with pytest.raises(TokenRefused):
        authenticate.caller(bearer(parties, token))
    url = f"{ISSUER}/v1/applications"
    good = prover.proof(url, at=parties.at, method="GET", token=token)
    asked = request(parties.provider, authorization=f"DPoP {token}", dpop=good)
    assert authenticate.caller(asked).account == "zhang"


def test_without_a_good_token_nobody_calls(parties: Parties) -> None:
    ours, platforms = own_token(parties), parties.ask(grant_type="client_credentials")
    for asked in (
        request(parties.provider),
        bearer(parties, "x"),
        bearer(parties, parties.tokens(scope="openid")["access_token"]),
        bearer(parties, platforms["access_token"]),
        request(parties.provider, authorization=f"Basic {ours}"),
    ):
        with pytest.raises(TokenRefused) as refused:
            authenticate.caller(asked)
        assert refused.value.challenge.startswith("Bearer ")


def test_a_grant_taken_back_closes_the_interface(parties: Parties) -> None:
    token = own_token(parties)
    with parties.provider.sessions.begin() as session:
        grants.withdraw(session, "zhang", "platform", by=SYSTEM, at=parties.at)
    with pytest.raises(TokenRefused):
        authenticate.caller(bearer(parties, token))


def test_too_low_a_level_is_challenged_as_rfc_9470_says(parties: Parties) -> None:
    token = own_token(parties)
    authenticate.demand(bearer(parties, token), level=1)
    with pytest.raises(TokenRefused) as refused:
        authenticate.demand(bearer(parties, token), level=2)
    assert 'error="insufficient_user_authentication"' in refused.value.challenge
    assert 'acr_values="urn:trust:loa:2"' in refused.value.challenge


def test_too_old_a_login_is_challenged_too(parties: Parties, clock: HandClock) -> None:
    token = own_token(parties)
    clock.forward(minutes=5)
    authenticate.demand(bearer(parties, token), max_age=300)
    clock.forward(seconds=1)
    with pytest.raises(TokenRefused) as refused:
        authenticate.demand(bearer(parties, token), max_age=300)
    assert 'max_age="300"' in refused.value.challenge
