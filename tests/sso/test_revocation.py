import pytest

from sso.oauth_errors import OAuthError
from tests.sso.parties import Parties, http, make_parties
from tests.sso.test_introspection import ask, revoke
from tests.sso.test_tokens import acts
from tests.sso.token_fixtures import both, clock, parties, provider

__all__ = ["both", "clock", "parties", "provider"]


def test_a_refresh_token_takes_its_grant_with_it(both: Parties) -> None:
    answer = both.tokens()
    revoke(both, answer["refresh_token"])
    assert ask(both, answer["access_token"]) == {"active": False}
    with pytest.raises(OAuthError, match="invalid_grant"):
        both.refresh(answer["refresh_token"])
    assert "token.revoked" in acts(both)


def test_an_access_token_goes_alone(both: Parties) -> None:
    answer = both.tokens()
    for _ in range(2):  # twice is no error
        revoke(both, answer["access_token"])
    assert ask(both, answer["access_token"]) == {"active": False}
    both.refresh(answer["refresh_token"])


def test_a_platforms_own_token_can_be_given_back(parties: Parties) -> None:
    token = parties.ask(grant_type="client_credentials")["access_token"]
    assert ask(parties, token)["active"] is True
    revoke(parties, token)
    assert ask(parties, token) == {"active": False}


def test_nobody_ends_anothers_token(parties: Parties) -> None:
    other = make_parties(parties.provider, name="other")
    answer = parties.tokens()
    revoke(other, answer["access_token"])
    revoke(other, answer["refresh_token"])
    assert ask(parties, answer["access_token"])["active"] is True
    parties.refresh(answer["refresh_token"])


@pytest.mark.parametrize("token", ["x", "x" * 43, "a.b.c"])
def test_an_unknown_token_is_no_error_and_the_answer_is_json(parties: Parties, token: str) -> None:
    form = {"client_id": "platform", "client_secret": parties.secret, "token": token}
    answer = http(parties.provider).post("/oauth2/revoke", data=form)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["content-type"] == "application/json"


def test_a_request_without_a_token_or_a_client_is_refused(parties: Parties) -> None:
    client = http(parties.provider)
    form = {"client_id": "platform", "client_secret": parties.secret}
    assert client.post("/oauth2/revoke", data=form).status_code == 400
    assert client.post("/oauth2/revoke", data={"token": "x"}).status_code == 401
