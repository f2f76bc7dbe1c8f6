"""The token endpoint: codes, the platform's own tokens, and what is in them."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from sqlalchemy import select

from sso import access_tokens, clients, grants, signing_keys, tally
from sso.jose import InvalidToken
from sso.oauth_errors import OAuthError
from tests.sso.parties import CALLBACK, Parties, Prover, http, make_parties
from tests.sso.provider import ISSUER, HandClock
from tests.sso.token_fixtures import both, clock, parties, provider
from trust.access import SYSTEM
from trust.audit import AuditEntry
from trust.crypto.hashes import sha256, sm3
from trust.crypto.jose import b64url

__all__ = ["both", "clock", "parties", "provider"]
TOKEN = f"{ISSUER}/oauth2/token"


def claims_of(parties: Parties, token: str) -> dict[str, Any]:
    """As a platform reads a token: by another library and our published keys."""
    published = signing_keys.jwks(parties.provider, at=parties.at)
    keys = KeySet.import_key_set({"keys": published["keys"]})
    return joserfc_jwt.decode(token, keys, algorithms=["RS256", "PS256", "ES256", "EdDSA"]).claims


def header_of(token: str) -> dict[str, Any]:
    head = token.partition(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return found


def refusal(parties: Parties, **form: str) -> OAuthError:
    with pytest.raises(OAuthError) as refused:
        parties.ask(**form)
    return refused.value


def acts(parties: Parties) -> list[str]:
    tally.flush(parties.provider)
    parties.provider.audit.flush()
    with parties.provider.sessions() as session:
        return list(session.scalars(select(AuditEntry.act)))


def test_a_code_gives_tokens_that_another_library_reads(both: Parties) -> None:
    answer = both.tokens()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 600)
    told, access = claims_of(both, answer["id_token"]), claims_of(both, answer["access_token"])
    now = int(both.at.timestamp())
    assert told == {
        "iss": ISSUER, "sub": both.sub, "aud": "platform", "azp": "platform", "iat": now,
        "exp": now + 300, "auth_time": now, "acr": "urn:trust:loa:1", "amr": ["pwd"],
        "nonce": "n-1", "sid": both.session_id,
        "at_hash": b64url(sha256(answer["access_token"].encode())[:16]),
    }  # fmt: skip
    assert header_of(answer["id_token"])["alg"] == "RS256"
    assert header_of(answer["access_token"])["typ"] == "at+jwt"
    assert access["aud"] == ISSUER
    assert access["exp"] == now + 600
    assert {"jti", "gid", "client_id", "scope", "sub"} <= set(access)


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_an_id_token_is_signed_as_the_platform_registered(provider: Any, alg: str) -> None:
    parties = make_parties(provider, metadata={"id_token_signed_response_alg": alg})
    answer = parties.tokens()
    assert header_of(answer["id_token"])["alg"] == alg
    claims_of(parties, answer["id_token"])


def test_a_domestic_platform_may_have_tokens_signed_by_sm2(provider: Any) -> None:
    parties = make_parties(provider, metadata={"id_token_signed_response_alg": "SM2-SM3"})
    answer = parties.tokens()
    head, body, _ = answer["id_token"].split(".")
    assert header_of(answer["id_token"])["alg"] == "SM2-SM3"
    told = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert told["at_hash"] == b64url(sm3(answer["access_token"].encode())[:16])
    assert head


def test_a_code_counts_once_and_its_tokens_die_when_it_comes_again(both: Parties) -> None:
    code = both.code()
    answer = both.redeem(code)
    with pytest.raises(OAuthError, match="invalid_grant"):
        both.redeem(code)
    with both.provider.sessions() as session, pytest.raises(InvalidToken):
        access_tokens.judge(session, both.provider, answer["access_token"], at=both.at)
    with pytest.raises(OAuthError, match="invalid_grant"):
        both.refresh(answer["refresh_token"])
    assert "code.replayed" in acts(both)


def test_of_two_redemptions_at_once_one_wins(both: Parties) -> None:
    code = both.code()

    def attempt(_: int) -> bool:
        try:
            both.redeem(code)
        except OAuthError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43}, {"code_verifier": ""}, {"code_verifier": "v" * 42},
        {"redirect_uri": CALLBACK + "/"}, {"redirect_uri": ""},
    ],
)  # fmt: skip
def test_a_failed_try_spends_the_code(parties: Parties, changes: dict[str, str]) -> None:
    code = parties.code()
    with pytest.raises(OAuthError, match="invalid_grant"):
        parties.redeem(code, **changes)
    with pytest.raises(OAuthError, match="invalid_grant"):
        parties.redeem(code)


def test_a_verifier_without_a_challenge_is_a_downgrade(parties: Parties) -> None:
    with pytest.raises(OAuthError, match="no code_challenge"):
        parties.redeem(parties.code(code_challenge=None))
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    parties.ask(code=parties.code(code_challenge=None), **form)


def test_a_code_ends_after_a_minute(parties: Parties, clock: HandClock) -> None:
    code = parties.code()
    clock.forward(seconds=60)
    with pytest.raises(OAuthError, match="invalid_grant"):
        parties.redeem(code)


def test_another_platform_cannot_use_a_code_nor_spend_it(parties: Parties) -> None:
    other = make_parties(parties.provider, name="other")
    code = parties.code()
    with pytest.raises(OAuthError, match="invalid_grant"):
        other.redeem(code)
    parties.redeem(code)


def test_no_token_comes_of_a_grant_taken_back_or_an_account_closed(parties: Parties) -> None:
    code = parties.code()
    with parties.provider.sessions.begin() as session:
        grants.withdraw(session, "zhang", "platform", by=SYSTEM, at=parties.at)
    with pytest.raises(OAuthError, match="invalid_grant"):
        parties.redeem(code)


def test_a_code_bound_to_a_dpop_key_needs_that_key(parties: Parties) -> None:
    mine, other = Prover(), Prover()
    wrong = parties.code(dpop_jkt=mine.jkt)
    with pytest.raises(OAuthError, match="invalid_grant"):
        parties.redeem(wrong, proof=other.proof(TOKEN, at=parties.at))
    answer = parties.redeem(parties.code(dpop_jkt=mine.jkt), proof=mine.proof(TOKEN, at=parties.at))
    assert answer["token_type"] == "DPoP"
    assert claims_of(parties, answer["access_token"])["cnf"] == {"jkt": mine.jkt}


def test_a_proof_at_the_token_endpoint_counts_once(both: Parties) -> None:
    proof = Prover().proof(TOKEN, at=both.at)
    both.redeem(both.code(), proof=proof)
    code = both.code()
    with pytest.raises(OAuthError, match="invalid_dpop_proof"):
        both.redeem(code, proof=proof)
    both.redeem(code)


def test_a_platform_gets_tokens_for_itself_without_any_row(parties: Parties) -> None:
    answer = parties.ask(grant_type="client_credentials")
    told = claims_of(parties, answer["access_token"])
    assert told["sub"] == told["client_id"] == "platform"
    assert "gid" not in told
    assert set(answer) == {"access_token", "token_type", "expires_in"}


def test_a_platform_cannot_ask_for_itself_what_speaks_of_a_person(parties: Parties) -> None:
    assert refusal(parties, grant_type="client_credentials", scope="openid").error == (
        "invalid_scope"
    )


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "é" * 43}, "invalid_grant"),
        ({"grant_type": "client_credentials", "resource": "https://x.example"}, "invalid_target"),
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, "invalid_client"),
    ],
)
def test_a_bad_request_gets_the_error_of_the_standard(
    parties: Parties, form: dict[str, str], error: str
) -> None:
    assert refusal(parties, **form).error == error


def test_a_platform_uses_only_the_grants_it_registered(provider: Any) -> None:
    parties = make_parties(provider, metadata={"grant_types": ["authorization_code"]})
    assert refusal(parties, grant_type="client_credentials").error == "unauthorized_client"
    assert "refresh_token" not in parties.tokens()


def test_a_refresh_token_is_only_for_the_persons_absence(parties: Parties) -> None:
    assert "refresh_token" not in parties.tokens(scope="openid profile")


def test_a_token_is_made_for_the_resource_that_was_granted(parties: Parties) -> None:
    api, other = "https://api.example", "https://other.example"
    code = parties.code(resource=[api, other])
    answer = parties.redeem(code, resource=api)
    assert claims_of(parties, answer["access_token"])["aud"] == api
    refreshed = parties.refresh(answer["refresh_token"])
    assert claims_of(parties, refreshed["access_token"])["aud"] == [api, other]
    with pytest.raises(OAuthError, match="invalid_target"):
        parties.refresh(refreshed["refresh_token"], resource="https://evil.example")
    parties.refresh(refreshed["refresh_token"])


def test_a_claim_is_in_the_id_token_only_when_it_was_asked_for_there(parties: Parties) -> None:
    asked = {"id_token": {"name": {"essential": True}, "acr": None, "sub": None}}
    told = claims_of(parties, parties.tokens(claims=asked)["id_token"])
    assert told["name"] == "张三丰"
    assert "particulars.read" in acts(parties)


def test_tokens_are_counted_into_the_audit_log(parties: Parties) -> None:
    for _ in range(3):
        parties.ask(grant_type="client_credentials")
    acts(parties)
    with parties.provider.sessions() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.act == "token.issued")).all()
    assert [json.loads(entry.details)["count"] for entry in entries] == [3]


def test_pairwise_subjects_differ_by_sector_and_stay_the_same(provider: Any) -> None:
    pairwise = {"subject_type": "pairwise"}
    elsewhere = pairwise | {"redirect_uris": [CALLBACK, "https://platform.example/2"]}
    first = make_parties(provider, metadata=pairwise, name="first")
    same = make_parties(provider, metadata=elsewhere, name="same")
    subjects = [claims_of(each, each.tokens()["id_token"])["sub"] for each in (first, first, same)]
    assert len(set(subjects)) == 1
    assert subjects[0] != first.sub
    other = CALLBACK.replace("platform", "other")
    third = make_parties(
        provider, metadata=pairwise | {"redirect_uris": [other]}, name="third"
    )  # fmt: skip
    with provider.sessions() as session:
        assert clients.find(provider.reading, "third")
        assert session
    code = third.code(redirect_uri=other)
    told = claims_of(third, third.redeem(code, redirect_uri=other)["id_token"])
    assert told["sub"] not in (subjects[0], first.sub)


def test_over_http_nothing_is_stored_and_errors_have_their_form(parties: Parties) -> None:
    client = http(parties.provider)
    form = {"client_id": "platform", "client_secret": parties.secret}
    good = client.post("/oauth2/token", data=form | {"grant_type": "client_credentials"})
    assert good.status_code == 200
    assert good.headers["cache-control"] == "no-store"
    bad = client.post("/oauth2/token", data=form | {"grant_type": "nothing"})
    assert (bad.status_code, bad.json()["error"]) == (400, "unsupported_grant_type")
    basic = client.post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, auth=("platform", "wrong")
    )
    assert basic.status_code == 401
    assert basic.headers["www-authenticate"].startswith("Basic")
    twice = client.post(
        "/oauth2/token", content="grant_type=a&grant_type=b",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    assert client.post("/oauth2/token", json={}).json()["error"] == "invalid_request"
    long = client.post("/oauth2/token", data={"x": "a" * 70_000})
    assert (long.status_code, long.json()["error"]) == (400, "invalid_request")


def test_the_documents_are_public_and_agree(parties: Parties) -> None:
    client = http(parties.provider)
    configuration = client.get("/.well-known/openid-configuration").json()
    assert configuration == client.get("/.well-known/oauth-authorization-server").json()
    path = configuration["jwks_uri"].removeprefix(ISSUER)
    assert {key["alg"] for key in client.get(path).json()["keys"]} == {"RS256", "ES256"}
    preflight = client.options("/oauth2/token")
    assert "dpop" in preflight.headers["access-control-allow-headers"]
