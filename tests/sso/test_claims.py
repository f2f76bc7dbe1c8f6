"""Userinfo: what each scope shows, and that every reading is audited."""

from datetime import timedelta
from typing import Any

import pytest

from sso import agents, people
from sso.people_models import Capacity
from sso.provider import Provider
from tests.sso.parties import Parties, http, make_parties
from tests.sso.test_tokens import acts, claims_of
from tests.sso.token_fixtures import clock, parties, provider
from trust.access import SYSTEM
from trust.identifiers import organisation_check_character, uscc_check_character

__all__ = ["clock", "parties", "provider"]

_BODY = "91110108MA000001" + organisation_check_character("MA000001")
USCC = _BODY + uscc_check_character(_BODY)


def userinfo(parties: Parties, **code: Any) -> dict[str, Any]:
    token = parties.tokens(**code)["access_token"]
    answer = http(parties.provider).get(
        "/oauth2/userinfo", headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


SCOPES: dict[str, dict[str, Any]] = {
    "openid": {},
    "openid email": {"email": "zhang@example.cn", "email_verified": False},
    "openid phone": {"phone_number": "+8613800000001", "phone_number_verified": True},
    "openid address": {"address": {"formatted": "北京市东城区", "country": "CN"}},
    "openid identity": {"id_type": "111", "id_number_masked": "1****************8"},
    "openid id_number": {"id_type": "111", "id_number": "110101199003070038"},
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_shows_its_claims_and_no_other(parties: Parties, scope: str) -> None:
    assert userinfo(parties, scope=scope) == {"sub": parties.sub} | SCOPES[scope]


def test_the_profile_has_the_types_of_the_standard(parties: Parties) -> None:
    found = userinfo(parties, scope="openid profile")
    assert (found["name"], found["gender"], found["birthdate"]) == ("张三丰", "male", "1990-03-07")
    assert isinstance(found["updated_at"], int)


def test_a_level_comes_with_its_evidence(parties: Parties) -> None:
    found = userinfo(parties, scope="openid level")
    assert found["level"] == 1
    assert [each["level"] for each in found["level_evidence"]] == [1]


def test_a_claim_can_be_asked_for_by_name(parties: Parties) -> None:
    asked = {"userinfo": {"email": None, "unheard_of": None, "sub": None}}
    found = userinfo(parties, scope="openid", claims=asked)
    assert found == {"sub": parties.sub, "email": "zhang@example.cn", "email_verified": False} or (
        found == {"sub": parties.sub, "email": "zhang@example.cn"}
    )


def test_a_claim_by_name_is_within_what_the_platform_registered(provider: Provider) -> None:
    small = make_parties(provider, metadata={"scope": "openid profile"})
    asked = {"userinfo": {"id_number": {"essential": True}}}
    assert userinfo(small, scope="openid", claims=asked) == {"sub": small.sub}


def test_every_reading_of_a_person_is_audited(parties: Parties) -> None:
    userinfo(parties, scope="openid email")
    userinfo(parties, scope="openid")
    assert acts(parties).count("particulars.read") == 1


def test_an_agent_shows_the_organisation_they_act_for(parties: Parties) -> None:
    provider, at = parties.provider, parties.at
    with provider.sessions.begin() as session:
        body = people.add_organisation(
            session, provider.vault, uscc=USCC, name="某某公司", by=SYSTEM, at=at
        )
        agency = agents.grant(
            session, organisation=body.name, agent="zhang", capacity=Capacity.AGENT,
            scope="办理许可", not_before=at, not_after=at + timedelta(days=30), by=SYSTEM, at=at,
        )  # fmt: skip
        name, number = body.name, agency.id
    scope = "openid organisation"
    found = userinfo(parties, scope=scope, acting_for=name)["organisation"]
    assert (found["uscc"], found["name"], found["capacity"]) == (USCC, "某某公司", "agent")
    assert found["until"] == int((at + timedelta(days=30)).timestamp())
    with provider.sessions.begin() as session:
        agents.revoke(session, number, by=SYSTEM, at=at)
    assert "organisation" not in userinfo(parties, scope=scope, acting_for=name)


def test_userinfo_may_be_a_signed_jwt(provider: Provider) -> None:
    parties = make_parties(provider, metadata={"userinfo_signed_response_alg": "ES256"})
    token = parties.tokens()["access_token"]
    answer = http(provider).get("/oauth2/userinfo", headers={"authorization": f"Bearer {token}"})
    assert answer.headers["content-type"] == "application/jwt"
    assert claims_of(parties, answer.text)["aud"] == "platform"


@pytest.mark.parametrize("way", ["get", "post header", "post body"])
def test_userinfo_is_read_in_each_way(parties: Parties, way: str) -> None:
    client, token = http(parties.provider), parties.tokens()["access_token"]
    header = {"authorization": f"bearer {token}"}
    answer = {
        "get": lambda: client.get("/oauth2/userinfo", headers=header),
        "post header": lambda: client.post("/oauth2/userinfo", headers=header),
        "post body": lambda: client.post("/oauth2/userinfo", data={"access_token": token}),
    }[way]()
    assert answer.status_code == 200
    assert answer.json()["sub"] == parties.sub


def test_without_a_good_token_there_is_a_challenge(parties: Parties) -> None:
    client, token = http(parties.provider), parties.tokens()["access_token"]
    bare = client.get("/oauth2/userinfo")
    assert bare.status_code == 401
    assert "error" not in bare.headers["www-authenticate"]
    wrong = client.get("/oauth2/userinfo", headers={"authorization": "Bearer x.y.z"})
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    twice = client.post(
        "/oauth2/userinfo", data={"access_token": token},
        headers={"authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert twice.status_code == 400
    own = parties.ask(grant_type="client_credentials")["access_token"]
    no_person = client.get("/oauth2/userinfo", headers={"authorization": f"Bearer {own}"})
    assert no_person.status_code == 403


def test_a_token_for_another_audience_opens_nothing_here(parties: Parties) -> None:
    token = parties.tokens(resource=["https://api.example"])["access_token"]
    answer = http(parties.provider).get(
        "/oauth2/userinfo", headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401
