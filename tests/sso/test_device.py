from typing import Any

import pytest
from starlette.datastructures import Headers

from sso import browser_session, device
from sso.device import GRANT_TYPE, NoSuchCode, Waiting
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from tests.sso.parties import Parties, make_parties, session_row
from tests.sso.provider import ISSUER, HandClock
from tests.sso.test_tokens import acts, claims_of
from tests.sso.token_fixtures import both, clock, parties, provider

__all__ = ["both", "clock", "parties", "provider"]


def begin(parties: Parties, **form: str) -> dict[str, Any]:
    named = {"client_id": parties.client.client_id, "client_secret": parties.secret}
    return device.authorize(parties.provider, Headers({}), named | form, at=parties.at)


def waiting(parties: Parties, user_code: str) -> Waiting:
    with parties.provider.sessions() as session:
        return device.find_by_user_code(session, parties.provider.vault, user_code, at=parties.at)


def approve(parties: Parties, user_code: str) -> None:
    found, row = waiting(parties, user_code), session_row(parties)
    with parties.provider.sessions.begin() as session:
        device.approve(session, found, row, policy=parties.provider.policy, at=parties.at)


def poll(parties: Parties, code: str) -> dict[str, Any]:
    return parties.ask(grant_type=GRANT_TYPE, device_code=code)


def refused(parties: Parties, code: str) -> str:
    with pytest.raises(OAuthError) as refusal:
        poll(parties, code)
    return refusal.value.error


def test_a_device_is_let_in_by_its_users_code(both: Parties, clock: HandClock) -> None:
    begun = begin(both, scope="openid profile offline_access")
    assert begun["verification_uri"] == f"{ISSUER}/device"
    assert refused(both, begun["device_code"]) == "authorization_pending"
    approve(both, begun["user_code"])
    clock.forward(seconds=5)
    answer = poll(both, begun["device_code"])
    told = claims_of(both, answer["id_token"])
    assert (told["sub"], told["sid"], told["amr"]) == (both.sub, both.session_id, ["pwd"])
    both.refresh(answer["refresh_token"])
    clock.forward(seconds=5)
    assert refused(both, begun["device_code"]) == "invalid_grant"
    assert "device.approved" in acts(both)


def test_a_device_that_asks_too_often_is_slowed_down(parties: Parties, clock: HandClock) -> None:
    code = begin(parties)["device_code"]
    assert refused(parties, code) == "authorization_pending"
    clock.forward(seconds=4)
    assert refused(parties, code) == "slow_down"
    clock.forward(seconds=9)
    assert refused(parties, code) == "slow_down"
    clock.forward(seconds=15)
    assert refused(parties, code) == "authorization_pending"


def test_a_person_may_say_no(parties: Parties) -> None:
    begun = begin(parties)
    found, row = waiting(parties, begun["user_code"]), session_row(parties)
    with parties.provider.sessions.begin() as session:
        device.deny(session, found, row, at=parties.at)
    assert refused(parties, begun["device_code"]) == "access_denied"
    with pytest.raises(NoSuchCode):
        approve(parties, begun["user_code"])


def test_nobody_decides_twice(parties: Parties) -> None:
    begun = begin(parties)
    found, row = waiting(parties, begun["user_code"]), session_row(parties)
    approve(parties, begun["user_code"])
    with parties.provider.sessions.begin() as session, pytest.raises(NoSuchCode):
        device.deny(session, found, row, at=parties.at)


def test_a_code_ends(parties: Parties, clock: HandClock) -> None:
    begun = begin(parties)
    clock.now += parties.provider.policy.device_code_lifetime
    assert refused(parties, begun["device_code"]) == "expired_token"
    with pytest.raises(NoSuchCode):
        waiting(parties, begun["user_code"])


def test_a_user_code_is_read_however_it_is_typed(parties: Parties) -> None:
    code = begin(parties)["user_code"]
    assert len(code) == 9
    for typed in (code.lower(), code.replace("-", " "), f" {code} ", code.replace("-", "")):
        assert waiting(parties, typed).client_id == "platform"
    for typed in ("", "AAAA-AAAA", code + "B", "B" * 1000, "é" * 8):
        with pytest.raises(NoSuchCode):
            waiting(parties, typed)


def test_another_platform_cannot_take_the_tokens(parties: Parties) -> None:
    other = make_parties(parties.provider, name="other")
    begun = begin(parties)
    approve(parties, begun["user_code"])
    assert refused(other, begun["device_code"]) == "invalid_grant"
    poll(parties, begun["device_code"])


def test_a_platform_asks_only_for_what_it_registered(provider: Provider) -> None:
    plain = make_parties(provider, metadata={"grant_types": ["authorization_code"]})
    with pytest.raises(OAuthError, match="unauthorized_client"):
        begin(plain)
    other = make_parties(provider, name="other", metadata={"scope": "openid"})
    with pytest.raises(OAuthError, match="invalid_scope"):
        begin(other, scope="openid profile")


def test_logging_out_ends_a_device_without_offline_access(parties: Parties) -> None:
    begun = begin(parties, scope="openid")
    approve(parties, begun["user_code"])
    from sso import logout
    from trust.access import SYSTEM

    with parties.provider.sessions.begin() as session:
        row = browser_session.of_account(
            session, "zhang", at=parties.at, policy=parties.provider.policy
        )[0]
        logout.end_session(session, parties.provider, row, by=SYSTEM, at=parties.at)
    assert refused(parties, begun["device_code"]) == "invalid_grant"
