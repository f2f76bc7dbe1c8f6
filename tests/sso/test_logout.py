"""RP-initiated, front- and back-channel logout; conformance modules by their names."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from sso import access_tokens, browser_session, logout, logout_outbox
from sso.jose import InvalidToken
from sso.provider import Provider
from sso.token_models import LogoutDelivery
from tests.sso.parties import Parties, http, make_parties
from tests.sso.provider import ISSUER, HandClock
from tests.sso.test_jose import foreign, raw
from tests.sso.test_tokens import acts, claims_of, header_of
from tests.sso.token_fixtures import clock, parties, provider
from trust.access import SYSTEM

__all__ = ["clock", "parties", "provider"]
BYE = "https://platform.example/bye"


def browser(parties: Parties) -> TestClient:
    client = http(parties.provider)
    client.cookies.set("trust_session", parties.session_token)
    return client


def is_in(parties: Parties) -> bool:
    provider = parties.provider
    with provider.sessions() as session:
        found = browser_session.find(
            session, parties.session_token, at=parties.at, policy=provider.policy
        )
        return found is not None


def test_oidcc_rp_initiated_logout(parties: Parties) -> None:
    hint = parties.tokens()["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "a b&c"}
    answer = browser(parties).get("/oauth2/end_session", params=asked)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{BYE}?state=a+b%26c"
    assert 'trust_session=""' in answer.headers["set-cookie"]
    assert not is_in(parties)
    assert "session.ended" in acts(parties)


def test_oidcc_rp_initiated_logout_no_state(parties: Parties) -> None:
    asked = {"id_token_hint": parties.tokens()["id_token"], "post_logout_redirect_uri": BYE}
    assert browser(parties).get("/oauth2/end_session", params=asked).headers["location"] == BYE


def test_a_hint_may_have_expired(parties: Parties, clock: HandClock) -> None:
    asked = {"id_token_hint": parties.tokens()["id_token"], "post_logout_redirect_uri": BYE}
    clock.forward(minutes=20)
    assert browser(parties).get("/oauth2/end_session", params=asked).headers["location"] == BYE


@pytest.mark.parametrize("query", [{}, {"state": "x"}], ids=["no-params", "only-state"])
def test_oidcc_rp_initiated_logout_without_parameters(
    parties: Parties, query: dict[str, str]
) -> None:
    client = browser(parties)
    page = client.get("/oauth2/end_session", params=query).json()
    assert page["page"] == "confirm"
    assert is_in(parties), "nobody is logged out by a link"
    forged = client.post("/oauth2/end_session", data={"logout": "yes", "csrf": "0" * 64})
    assert forged.json()["page"] == "confirm"
    assert is_in(parties)
    done = client.post(
        "/oauth2/end_session", data=page["fields"] | {"logout": "yes", "csrf": page["csrf"]}
    )
    assert done.json() == {"page": "logged out", "frames": [], "goes_to": None}
    assert not is_in(parties)


def bad_requests(parties: Parties) -> dict[str, dict[str, str]]:
    hint = parties.tokens()["id_token"]
    _, body, _ = hint.split(".")
    return {
        "bad-post-logout-redirect-uri": {
            "id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example/"},
        "query-added-to-post-logout-redirect-uri": {
            "id_token_hint": hint, "post_logout_redirect_uri": BYE + "?foo=bar"},
        "modified-id-token-hint": {
            "id_token_hint": raw('{"alg":"none"}').partition(".")[0] + f".{body}.",
            "post_logout_redirect_uri": BYE},
        "bad-id-token-hint": {
            "id_token_hint": foreign("RS256", {"iss": ISSUER, "aud": "platform", "sub": "x"}),
            "post_logout_redirect_uri": BYE},
        "no-id-token-hint": {"post_logout_redirect_uri": BYE},
        "hint and client_id differ": {"id_token_hint": hint, "client_id": "other"},
        "an unknown client": {"client_id": "nobody"},
        "an access token as hint": {"id_token_hint": parties.tokens()["access_token"]},
    }  # fmt: skip


def test_oidcc_rp_initiated_logout_bad_requests_end_here(parties: Parties) -> None:
    for name, asked in bad_requests(parties).items():
        answer = browser(parties).get("/oauth2/end_session", params=asked)
        assert (answer.status_code, answer.json()["page"]) == (400, "error"), name
        assert is_in(parties), name


def test_with_a_client_id_alone_the_person_is_asked_and_then_sent_back(parties: Parties) -> None:
    client = browser(parties)
    asked = {"client_id": "platform", "post_logout_redirect_uri": BYE}
    page = client.get("/oauth2/end_session", params=asked).json()
    assert page["page"] == "confirm"
    done = client.post(
        "/oauth2/end_session", data=page["fields"] | {"logout": "yes", "csrf": page["csrf"]}
    )
    assert done.json()["goes_to"] == BYE


def test_a_form_from_another_site_asks_again_by_get(parties: Parties) -> None:
    hint = parties.tokens()["id_token"]
    answer = http(parties.provider).post("/oauth2/end_session", data={"id_token_hint": hint})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/oauth2/end_session?id_token_hint=")


def test_a_hint_about_another_session_logs_nobody_out_unasked(parties: Parties) -> None:
    other = make_parties(parties.provider, name="other")  # the same person, another browser
    hint = other.tokens()["id_token"]
    page = browser(parties).get("/oauth2/end_session", params={"id_token_hint": hint}).json()
    assert page["page"] == "confirm"
    assert is_in(parties)


def test_what_lives_with_the_session_ends_with_it(parties: Parties) -> None:
    going, staying = parties.tokens(scope="openid"), parties.tokens()
    browser(parties).get("/oauth2/end_session", params={"id_token_hint": going["id_token"]})
    with parties.provider.sessions() as session:
        with pytest.raises(InvalidToken):
            access_tokens.judge(session, parties.provider, going["access_token"], at=parties.at)
        access_tokens.judge(session, parties.provider, staying["access_token"], at=parties.at)
    parties.refresh(staying["refresh_token"])


def test_oidcc_frontchannel_rp_initiated_logout(provider: Provider) -> None:
    front = "https://platform.example/front?x=1"
    parties = make_parties(provider, metadata={"frontchannel_logout_uri": front})
    hint = parties.tokens()["id_token"]
    page = browser(parties).get("/oauth2/end_session", params={"id_token_hint": hint}).json()
    (frame,) = page["frames"]
    assert frame.startswith(front + "&iss=")
    assert parse_qs(frame.partition("?")[2])["sid"] == [parties.session_id]


class Receiver(HTTPServer):
    """A platform's back-channel endpoint: answers as it is told to, keeps what it got."""

    answers: list[int]
    got: list[str]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        server.got.append(parse_qs(body)["logout_token"][0])
        self.send_response(server.answers.pop(0) if server.answers else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver(("127.0.0.1", 0), _Handler)
    server.answers, server.got = [], []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def told(provider: Provider, receiver: Receiver) -> Parties:
    """A platform that takes notices."""
    uri = f"http://127.0.0.1:{receiver.server_port}/backchannel"
    return make_parties(provider, metadata={"backchannel_logout_uri": uri})


def end(parties: Parties) -> None:
    provider = parties.provider
    with provider.sessions.begin() as session:
        row = browser_session.find(
            session, parties.session_token, at=parties.at, policy=provider.policy
        )
        assert row is not None
        logout.end_session(session, provider, row, by=SYSTEM, at=parties.at)


def delivery(parties: Parties) -> LogoutDelivery:
    with parties.provider.sessions() as session:
        return session.scalars(select(LogoutDelivery)).one()


def test_oidcc_backchannel_rp_initiated_logout(told: Parties, receiver: Receiver) -> None:
    for _ in range(2):
        told.tokens()
    end(told)
    assert logout_outbox.deliver_due(told.provider, told.at) == 1
    (token,) = receiver.got
    assert header_of(token)["typ"] == "logout+jwt"
    claims = claims_of(told, token)
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, "platform", told.sub)
    assert claims["sid"] == told.session_id
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims
    assert {"jti", "iat", "exp"} <= set(claims)
    assert logout_outbox.deliver_due(told.provider, told.at) == 0
    assert delivery(told).delivered_at == told.at


def test_a_platform_that_is_down_is_told_later_and_after_a_day_no_more(
    told: Parties, receiver: Receiver, clock: HandClock
) -> None:
    receiver.answers = [500] * 100
    told.tokens()
    end(told)
    waits = []
    while (due := delivery(told).next_at) is not None:
        waits.append(due - clock.now)
        clock.now = due
        assert logout_outbox.deliver_due(told.provider, told.at) == 0
    assert waits[1:4] == [timedelta(seconds=wait) for wait in (10, 20, 40)]
    assert max(waits) == timedelta(hours=2)
    assert len(receiver.got) == delivery(told).tried
    given_up = delivery(told).given_up_at
    assert given_up is not None
    assert given_up - delivery(told).created_at >= timedelta(hours=24)


def test_a_platform_that_comes_back_is_told(
    told: Parties, receiver: Receiver, clock: HandClock
) -> None:
    receiver.answers = [503, 200]
    told.tokens()
    end(told)
    logout_outbox.deliver_due(told.provider, told.at)
    assert logout_outbox.deliver_due(told.provider, told.at) == 0, "not before its time"
    clock.forward(seconds=10)
    assert logout_outbox.deliver_due(told.provider, told.at) == 1
    tokens = [claims_of(told, token)["jti"] for token in receiver.got]
    assert len(set(tokens)) == 2


def test_signing_out_everywhere_tells_every_platform(told: Parties) -> None:
    told.tokens()
    with told.provider.sessions.begin() as session:
        frames = logout.end_all(session, told.provider, "zhang", by=SYSTEM, at=told.at)
    assert frames == ()
    assert delivery(told).sid == told.session_id
    assert not is_in(told)


def test_signing_out_everywhere_loads_the_frame_of_every_session(provider: Provider) -> None:
    front = "https://platform.example/front?x=1"
    parties = make_parties(provider, metadata={"frontchannel_logout_uri": front})
    parties.tokens()
    with provider.sessions.begin() as session:
        (frame,) = logout.end_all(session, provider, "zhang", by=SYSTEM, at=parties.at)
    assert frame.startswith(front + "&iss=")
    assert parse_qs(frame.partition("?")[2])["sid"] == [parties.session_id]


def test_sessions_that_something_else_ended_are_told_of_too(told: Parties) -> None:
    told.tokens()
    logout.tell_of_sessions(told.provider, [told.session_id, "unknown"], at=told.at)
    assert delivery(told).client_id == "platform"
