"""Logins in progress: what they need, how they end, what the platform gets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sso import agents, assurance, browser_session, codes, grants, interactions, subjects
from sso.authorization_request import AuthorizationRequest
from sso.client import Client
from sso.codes import Redeemed
from sso.credential_models import BrowserSession
from sso.grants import ConsentRow, Grant
from sso.interactions import InteractionGone, NotReady, Step
from sso.models import Account, AccountKind
from sso.oauth_errors import AuthorizationRefused, OAuthError
from sso.people_models import Capacity
from sso.provider import Provider
from tests.sso import front
from tests.sso.front import CALLBACK, Front, proof, query_of
from tests.sso.provider import ISSUER, START, HandClock, make_provider
from trust.access import SYSTEM, Role
from trust.db import open_sessions
from trust.errors import Forbidden, Invalid
from trust.keys import SoftKeyStore

BROWSER = "b" * 43


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


BOTH = pytest.mark.parametrize("provider", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def provider(
    request: pytest.FixtureRequest, soft_keys: SoftKeyStore, tmp_path: Path, clock: HandClock
) -> Provider:
    """On SQLite; a test whose outcome may depend on the database says BOTH."""
    name = getattr(request, "param", "sqlite")
    sessions = open_sessions(request.getfixturevalue(f"{name}_engine"))
    made = make_provider(sessions, soft_keys, tmp_path, clock=clock)
    with made.sessions.begin() as session:
        front.person(session, at=START)
    return made


@pytest.fixture
def client(provider: Provider) -> Client:
    return front.add(provider, at=START, first_party=True).client


@pytest.fixture
def foreign(provider: Provider) -> Client:
    """A platform for which people are asked to consent."""
    return front.add(provider, at=START, scope="openid profile email organisation").client


class Login:
    """One login, driven like the pages drive it."""

    def __init__(self, provider: Provider, request: AuthorizationRequest | None,
                 token: str | None = None, **options: Any) -> None:  # fmt: skip
        self.provider, self.token, self.at = provider, token, provider.clock()
        with provider.sessions.begin() as session:
            self.id = interactions.begin(
                session, request, at=self.at, policy=provider.policy, **options
            )

    def current(self, session: Any) -> BrowserSession | None:
        if self.token is None:
            return None
        return browser_session.find(
            session, self.token, at=self.provider.clock(), policy=self.provider.policy
        )

    def act(self, verb: Any, *arguments: Any, **options: Any) -> Any:
        with self.provider.sessions.begin() as session:
            row = interactions.find(session, self.id, browser=BROWSER, at=self.provider.clock())
            return verb(session, row, *arguments, **options)

    def step(self) -> Step:
        with self.provider.sessions.begin() as session:
            now = self.provider.clock()
            row = interactions.find(session, self.id, browser=BROWSER, at=now)
            return interactions.next_step(
                self.provider, session, row, self.current(session), at=now
            )

    def prove(self, *methods: str, account: str = "zhang", at: datetime | None = None) -> Step:
        made = proof(account, *methods, at=at or self.provider.clock())
        self.act(interactions.note_proof, made)
        return self.step()

    def complete(self) -> interactions.Finished:
        with self.provider.sessions.begin() as session:
            now = self.provider.clock()
            row = interactions.find(session, self.id, browser=BROWSER, at=now)
            return interactions.complete(
                self.provider, session, row, self.current(session), at=now, user_agent="test"
            )


def code_of(provider: Provider, answer: Any, client: Client) -> Redeemed:
    with provider.sessions.begin() as session:
        row = codes.redeem(
            session, query_of(answer)["code"], client_id=client.client_id, at=provider.clock()
        )
    assert row is not None
    return row


def raise_level(provider: Provider, method: str = "face", account: str = "zhang") -> None:
    with provider.sessions.begin() as session:
        assurance.add_evidence(session, account, method, by=SYSTEM, at=START)


def enrol_totp(provider: Provider, account: str = "zhang") -> None:
    from sso.credential_models import Totp

    with provider.sessions.begin() as session:
        session.add(Totp(account=account, secret=b"sealed", confirmed_at=START, last_step=0))


@BOTH
def test_a_login_ends_with_a_code_for_what_was_asked(provider: Provider, client: Client) -> None:
    login = Login(provider, front.read(provider, client))
    assert login.step() is Step.SIGN_IN
    assert login.prove("pwd") is Step.FINISH
    finished = login.complete()
    answer = query_of(finished.response)
    assert (answer["state"], answer["iss"]) == ("state-1", ISSUER)
    row = code_of(provider, finished.response, client)
    assert (row.account, row.scope, row.nonce) == ("zhang", "openid profile", "nonce-1")
    assert (row.redirect_uri, row.code_challenge) == (CALLBACK, front.CHALLENGE)
    assert (row.acr, row.amr, row.auth_time) == ("urn:trust:loa:0", ["pwd"], START)
    with provider.reading() as session:
        current = browser_session.find(
            session, finished.session_token or "", at=START, policy=provider.policy
        )
        grant = session.get_one(Grant, row.grant_id)
    assert current is not None
    assert row.sid == grant.session_id == current.id


@BOTH
def test_a_login_ends_once(provider: Provider, client: Client) -> None:
    login = Login(provider, front.read(provider, client))
    login.prove("pwd")
    login.complete()
    with pytest.raises(InteractionGone) as caught:
        login.complete()
    assert caught.value.client_id == client.client_id


@BOTH
def test_of_many_that_end_one_login_at_once_one_wins(provider: Provider, client: Client) -> None:
    login = Login(provider, front.read(provider, client))
    login.prove("pwd")

    def complete(_: int) -> int:
        try:
            login.complete()
        except (InteractionGone, NotReady):
            return 0
        return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(complete, range(8))) == 1
    with provider.reading() as session:
        assert len(grants.of_account(session, "zhang")) == 1


def test_a_login_that_lacks_something_cannot_be_completed(
    provider: Provider, foreign: Client
) -> None:
    login = Login(provider, front.read(provider, foreign))
    with pytest.raises(NotReady):
        login.complete()
    assert login.prove("pwd") is Step.CONSENT
    with pytest.raises(NotReady):
        login.complete()


@BOTH
def test_a_login_is_of_the_first_browser_that_shows_up(provider: Provider, client: Client) -> None:
    login = Login(provider, front.read(provider, client))
    assert login.step() is Step.SIGN_IN
    with provider.sessions.begin() as session, pytest.raises(InteractionGone) as caught:
        interactions.find(session, login.id, browser="another", at=START)
    assert caught.value.client_id is None


def test_a_login_bound_at_its_beginning_is_no_other_browsers(
    provider: Provider, client: Client
) -> None:
    login = Login(provider, front.read(provider, client), browser="another")
    with pytest.raises(InteractionGone):
        login.step()


def test_a_login_that_is_too_old_says_whose_it_was(
    provider: Provider, client: Client, clock: HandClock
) -> None:
    login = Login(provider, front.read(provider, client))
    login.step()
    clock.forward(hours=1)
    with pytest.raises(InteractionGone) as caught:
        login.step()
    assert caught.value.client_id == client.client_id


@pytest.mark.parametrize("name", ["", "x", "x" * 43, "é" * 43, "x" * 5000])
def test_an_unknown_login_is_gone(provider: Provider, name: str) -> None:
    with provider.sessions.begin() as session, pytest.raises(InteractionGone):
        interactions.find(session, name, browser=BROWSER, at=START)


def test_a_browser_may_have_any_number_of_logins(provider: Provider, client: Client) -> None:
    one, two = (Login(provider, front.read(provider, client, state=each)) for each in "ab")
    one.prove("pwd")
    assert two.step() is Step.SIGN_IN
    assert query_of(one.complete().response)["state"] == "a"
    two.prove("pwd")
    assert query_of(two.complete().response)["state"] == "b"


def test_an_otp_alone_proves_nobody(provider: Provider, client: Client) -> None:
    for methods in (("otp",), ("recovery",), ("otp", "mfa")):
        assert Login(provider, front.read(provider, client)).prove(*methods) is Step.SIGN_IN


def test_who_has_an_authenticator_is_asked_for_it(provider: Provider, client: Client) -> None:
    enrol_totp(provider)
    login = Login(provider, front.read(provider, client))
    assert login.prove("pwd") is Step.SECOND_FACTOR
    assert login.prove("otp") is Step.FINISH
    assert code_of(provider, login.complete().response, client).amr == ["pwd", "otp", "mfa"]


def test_staff_without_a_second_factor_enrol_one_first(provider: Provider, client: Client) -> None:
    with provider.sessions.begin() as session:
        front.person(session, "wang", at=START, roles=frozenset({Role.APPROVER}))
    login = Login(provider, front.read(provider, client))
    assert login.prove("pwd", account="wang") is Step.ENROL_FACTOR


@BOTH
def test_another_account_begins_the_login_anew(provider: Provider, foreign: Client) -> None:
    with provider.sessions.begin() as session:
        front.person(session, "li.si", at=START)
    login = Login(provider, front.read(provider, foreign))
    login.prove("pwd")
    login.act(interactions.agree, account="zhang")
    assert login.step() is Step.FINISH
    assert login.prove("pwd", account="li.si") is Step.CONSENT
    assert login.act(lambda _, row: (row.account, row.methods)) == ("li.si", ("pwd",))


def test_an_account_that_was_closed_in_between_does_not_stand(
    provider: Provider, client: Client
) -> None:
    login = Login(provider, front.read(provider, client))
    login.prove("pwd")
    with provider.sessions.begin() as session:
        session.get_one(Account, "zhang").active = False
    assert login.step() is Step.SIGN_IN


# --- a session that is there already ------------------------------------------------------------


def at_once(provider: Provider, client: Client, token: str | None, **more: str) -> Any:
    request = front.read(provider, client, **more)
    return interactions.answer_at_once(provider, request, token, at=provider.clock())


def silently(provider: Provider, client: Client, token: str | None, **more: str) -> str:
    """The error of a prompt=none request."""
    with pytest.raises(AuthorizationRefused) as caught:
        at_once(provider, client, token, prompt="none", **more)
    return caught.value.error


@BOTH
def test_a_session_is_enough_and_keeps_its_time(
    provider: Provider, client: Client, clock: HandClock
) -> None:
    """oidcc-prompt-none-logged-in, oidcc-max-age-10000"""
    token = front.signed_in(provider, "zhang", at=START)
    clock.forward(minutes=20)
    for more in ({}, {"prompt": "none"}, {"max_age": "10000"}):
        row = code_of(provider, at_once(provider, client, token, **more), client)
        assert (row.account, row.auth_time) == ("zhang", START)


@pytest.mark.parametrize(
    "more",
    [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "1"}, {"max_age": "0"}],
    ids=str,
)
def test_the_platform_may_ask_for_a_new_login(
    provider: Provider, client: Client, clock: HandClock, more: dict[str, str]
) -> None:
    """oidcc-prompt-login, oidcc-max-age-1"""
    token = front.signed_in(provider, "zhang", at=START)
    clock.forward(seconds=2)
    assert at_once(provider, client, token, **more) is None
    login = Login(provider, front.read(provider, client, **more), token)
    assert login.step() is Step.SIGN_IN
    clock.forward(seconds=5)
    assert login.prove("pwd") is Step.FINISH
    finished = login.complete()
    row = code_of(provider, finished.response, client)
    assert row.auth_time == START + timedelta(seconds=7)
    # The same session goes on under a new cookie; the old one is worth nothing.
    with provider.reading() as session:
        assert browser_session.find(session, token, at=clock(), policy=provider.policy) is None
        rows = session.scalars(select(BrowserSession)).all()
    assert [each.id for each in rows] == [row.sid]


def test_without_a_session_a_silent_request_needs_a_login(
    provider: Provider, client: Client
) -> None:
    """oidcc-prompt-none-not-logged-in"""
    assert silently(provider, client, None) == "login_required"
    assert silently(provider, client, "x" * 43) == "login_required"
    token = front.signed_in(provider, "zhang", at=START)
    assert silently(provider, client, token, max_age="0") == "login_required"


def test_a_silent_request_is_told_what_is_missing(
    provider: Provider, client: Client, foreign: Client, clock: HandClock
) -> None:
    token = front.signed_in(provider, "zhang", at=START)
    assert silently(provider, foreign, token) == "consent_required"
    clock.forward(seconds=2)
    assert silently(provider, client, token, max_age="1") == "login_required"
    essential = '{"id_token": {"acr": {"essential": true, "value": "urn:trust:loa:2"}}}'
    assert silently(provider, client, token, claims=essential) == "interaction_required"
    enrol_totp(provider)
    assert silently(provider, client, token) == "interaction_required"


def test_a_hint_names_whose_session_may_count(
    provider: Provider, client: Client, clock: HandClock
) -> None:
    """oidcc-id-token-hint"""
    token = front.signed_in(provider, "zhang", at=START)
    with provider.reading() as session:
        account = session.get_one(Account, "zhang")
    sub = subjects.subject(client, account.sub, provider.vault)
    mine = f'{{"id_token": {{"sub": {{"value": "{sub}"}}}}}}'
    assert code_of(provider, at_once(provider, client, token, claims=mine), client)
    other = '{"id_token": {"sub": {"value": "somebody else"}}}'
    assert silently(provider, client, token, claims=other) == "login_required"
    login = Login(provider, front.read(provider, client, claims=other), token)
    assert login.step() is Step.SIGN_IN
    login.prove("pwd")
    assert query_of(login.complete().response)["error"] == "login_required"


def test_a_session_that_has_ended_or_idled_is_not_enough(
    provider: Provider, client: Client, clock: HandClock
) -> None:
    token = front.signed_in(provider, "zhang", at=START)
    clock.forward(minutes=30)
    assert at_once(provider, client, token) is None
    token = front.signed_in(provider, "zhang", at=clock())
    with provider.sessions.begin() as session:
        browser_session.end_all(session, "zhang", at=clock())
    assert at_once(provider, client, token) is None


def test_another_person_at_the_same_browser_ends_the_first_ones_session(
    provider: Provider, client: Client
) -> None:
    with provider.sessions.begin() as session:
        front.person(session, "li.si", at=START)
    token = front.signed_in(provider, "zhang", at=START)
    login = Login(provider, front.read(provider, client, prompt="login"), token)
    login.prove("pwd", account="li.si")
    finished = login.complete()
    with provider.reading() as session:
        ended = browser_session.find(session, token, at=START, policy=provider.policy)
        begun = browser_session.find(
            session, finished.session_token or "", at=START, policy=provider.policy
        )
    assert ended is None
    assert begun is not None
    assert begun.account == "li.si"


# --- levels ---------------------------------------------------------------------------------------


def test_the_level_is_told_and_needs_a_cryptographic_factor_for_the_highest(
    provider: Provider, client: Client
) -> None:
    raise_level(provider, "counter")
    for methods, level in ((("pwd",), 2), (("pop", "user", "hwk"), 3)):
        login = Login(provider, front.read(provider, client))
        login.prove(*methods)
        row = code_of(provider, login.complete().response, client)
        assert row.acr == f"urn:trust:loa:{level}"


def test_a_wish_for_a_level_is_offered_once(provider: Provider, client: Client) -> None:
    login = Login(provider, front.read(provider, client, acr_values="urn:trust:loa:2"))
    assert login.prove("pwd") is Step.RAISE_LEVEL
    login.act(interactions.decline_raise, account="zhang")
    assert login.step() is Step.FINISH
    assert code_of(provider, login.complete().response, client).acr == "urn:trust:loa:0"


def test_a_wish_with_several_values_is_met_by_the_first(provider: Provider, client: Client) -> None:
    """oidcc-ensure-request-with-acr-values-succeeds"""
    every = " ".join(f"urn:trust:loa:{level}" for level in range(4))
    for values in (every, "1 2", "urn:other"):
        login = Login(provider, front.read(provider, client, acr_values=values))
        assert login.prove("pwd") is Step.FINISH


def test_an_essential_level_cannot_be_declined(provider: Provider, client: Client) -> None:
    essential = '{"id_token": {"acr": {"essential": true, "value": "urn:trust:loa:2"}}}'
    login = Login(provider, front.read(provider, client, claims=essential))
    login.prove("pwd")
    login.act(interactions.decline_raise, account="zhang")
    assert login.step() is Step.RAISE_LEVEL
    raise_level(provider)
    assert login.step() is Step.FINISH
    assert code_of(provider, login.complete().response, client).acr == "urn:trust:loa:2"


def test_of_essential_levels_one_that_was_asked_is_told(provider: Provider, client: Client) -> None:
    raise_level(provider)
    one = '{"id_token": {"acr": {"essential": true, "values": ["urn:trust:loa:1"]}}}'
    login = Login(provider, front.read(provider, client, claims=one))
    login.prove("pwd")
    assert code_of(provider, login.complete().response, client).acr == "urn:trust:loa:1"


def test_a_session_without_the_factor_steps_up_by_the_factor_alone(
    provider: Provider, client: Client, clock: HandClock
) -> None:
    raise_level(provider, "counter")
    enrol_totp(provider)
    token = front.signed_in(provider, "zhang", "pwd", "sms", "mfa", at=START)
    clock.forward(minutes=1)
    request = front.read(provider, client, acr_values="urn:trust:loa:3")
    login = Login(provider, request, token)
    assert login.step() is Step.SECOND_FACTOR
    assert login.prove("otp") is Step.FINISH
    row = code_of(provider, login.complete().response, client)
    assert row.acr == "urn:trust:loa:3"
    assert {"pwd", "sms", "otp", "mfa"} == set(row.amr)


def test_who_has_no_factor_enrols_one_for_an_essential_level_only(
    provider: Provider, client: Client
) -> None:
    raise_level(provider, "counter")
    essential = '{"id_token": {"acr": {"essential": true, "value": "urn:trust:loa:3"}}}'
    assert Login(provider, front.read(provider, client, claims=essential)).prove("pwd") is (
        Step.ENROL_FACTOR
    )
    wish = front.read(provider, client, acr_values="urn:trust:loa:3")
    assert Login(provider, wish).prove("pwd") is Step.FINISH


# --- consent --------------------------------------------------------------------------------------


@BOTH
def test_consent_is_asked_once_and_again_when_the_platform_says_so(
    provider: Provider, foreign: Client
) -> None:
    login = Login(provider, front.read(provider, foreign))
    login.prove("pwd")
    login.act(interactions.agree, account="zhang")
    token = login.complete().session_token
    assert code_of(provider, at_once(provider, foreign, token), foreign)
    again = Login(provider, front.read(provider, foreign, prompt="consent"), token)
    assert again.step() is Step.CONSENT
    more = Login(provider, front.read(provider, foreign, scope="openid email"), token)
    assert more.step() is Step.CONSENT


def test_saying_no_tells_the_platform_and_remembers_nothing(
    provider: Provider, foreign: Client
) -> None:
    """user-rejects-authentication"""
    login = Login(provider, front.read(provider, foreign))
    login.prove("pwd")
    with provider.sessions.begin() as session:
        row = interactions.find(session, login.id, browser=BROWSER, at=START)
        answer = query_of(
            interactions.refuse(provider, session, row, "access_denied", "no", at=START)
        )
    assert answer == {
        "error": "access_denied", "error_description": "no", "state": "state-1", "iss": ISSUER,
    }  # fmt: skip
    with provider.reading() as session:
        assert session.scalars(select(ConsentRow)).all() == []
        assert grants.of_account(session, "zhang") == []
    with pytest.raises(InteractionGone):
        login.step()


# --- for whom -------------------------------------------------------------------------------------


def organisation(provider: Provider) -> None:
    with provider.sessions.begin() as session:
        front.person(session, "company", at=START)
        session.get_one(Account, "company").kind = AccountKind.LEGAL
        session.flush()
        agents.grant(
            session, organisation="company", agent="zhang", capacity=Capacity.AGENT, scope="all",
            not_before=START, not_after=START + timedelta(days=1), by=SYSTEM, at=START,
        )  # fmt: skip


@BOTH
def test_an_agent_is_asked_for_whom_and_the_grant_says_it(
    provider: Provider, foreign: Client
) -> None:
    organisation(provider)
    request = front.read(provider, foreign, scope="openid organisation")
    login = Login(provider, request)
    login.prove("pwd")
    login.act(interactions.choose, "company", account="zhang", at=START)
    login.act(interactions.agree, account="zhang")
    finished = login.complete()
    row = code_of(provider, finished.response, foreign)
    with provider.reading() as session:
        assert session.get_one(Grant, row.grant_id).acting_for == "company"
    # The session remembers it, as long as it is true.
    again = at_once(provider, foreign, finished.session_token, scope="openid organisation")
    row = code_of(provider, again, foreign)
    with provider.sessions.begin() as session:
        assert session.get_one(Grant, row.grant_id).acting_for == "company"
        found = agents.acting_for(session, "zhang", at=START)[0]
        agents.revoke(session, found.id, by=SYSTEM, at=START)
    again = at_once(provider, foreign, finished.session_token, scope="openid organisation")
    row = code_of(provider, again, foreign)
    with provider.reading() as session:
        assert session.get_one(Grant, row.grant_id).acting_for is None


def test_who_could_act_for_somebody_is_asked_unless_the_request_is_silent(
    provider: Provider, foreign: Client
) -> None:
    with provider.sessions.begin() as session:
        grants.remember(
            session, "zhang", foreign.client_id, scopes=["openid", "organisation"], claims={},
            at=START,
        )  # fmt: skip
    token = front.signed_in(provider, "zhang", at=START)
    asked = {"scope": "openid organisation"}
    assert at_once(provider, foreign, token, **asked) is not None
    organisation(provider)
    assert at_once(provider, foreign, token, **asked) is None
    assert at_once(provider, foreign, token, prompt="none", **asked) is not None


def test_nobody_acts_for_whom_they_may_not(
    provider: Provider, foreign: Client, clock: HandClock
) -> None:
    organisation(provider)
    login = Login(provider, front.read(provider, foreign, scope="openid organisation"))
    login.prove("pwd")
    with pytest.raises(Forbidden):
        login.act(interactions.choose, "zhang", account="zhang", at=START)
    login.act(interactions.choose, "company", account="zhang", at=START)
    login.act(interactions.agree, account="zhang")
    with provider.sessions.begin() as session:
        found = agents.acting_for(session, "zhang", at=START)[0]
        agents.revoke(session, found.id, by=SYSTEM, at=START)
    with pytest.raises(Forbidden):
        login.complete()


# --- our own pages, pushed requests, HTTP ---------------------------------------------------------


def test_a_sign_in_to_our_own_pages_goes_on_to_them(provider: Provider) -> None:
    login = Login(provider, None, next_path="/device?user_code=ABCD")
    assert login.prove("pwd") is Step.FINISH
    finished = login.complete()
    assert isinstance(finished.response, interactions.Redirect)
    assert finished.response.url == "/device?user_code=ABCD"
    assert finished.session_token is not None


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/\\evil.example", "account", "/\tx", "/é",
             "/" + "x" * 500, ""],
)  # fmt: skip
def test_a_way_back_stays_on_this_platform(provider: Provider, path: str) -> None:
    with pytest.raises(Invalid):
        Login(provider, None, next_path=path)


@pytest.fixture
def at_front(provider: Provider) -> Front:
    return Front(provider)


def test_a_request_without_a_session_goes_to_the_sign_in_page(
    at_front: Front, provider: Provider, client: Client
) -> None:
    answer = at_front.get(front.asked(client))
    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    interaction_id = answer.headers["location"].removeprefix("/sign-in/")
    with provider.sessions.begin() as session:
        row = interactions.find(session, interaction_id, browser=BROWSER, at=START)
        asked = row.asked()
    assert asked == front.read(provider, client)


def test_a_request_with_a_session_comes_straight_back(
    at_front: Front, provider: Provider, client: Client
) -> None:
    at_front.http.cookies.set("trust_session", front.signed_in(provider, "zhang", at=START))
    for answer in (
        at_front.get(front.asked(client)),
        at_front.http.post("/oauth2/authorize", data=front.asked(client)),
    ):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(CALLBACK + "?code=")
    posted = at_front.get(front.asked(client, response_mode="form_post"))
    assert posted.text == f"<form>{CALLBACK} ['code', 'iss', 'state']</form>"


def test_a_post_without_cookies_is_asked_again_by_get(
    at_front: Front, provider: Provider, client: Client
) -> None:
    """oidcc-ensure-post-request-succeeds"""
    answer = at_front.http.post("/oauth2/authorize", data=front.asked(client))
    assert answer.status_code == 303
    again = answer.headers["location"]
    assert again.startswith("/oauth2/authorize?client_id=")
    # The browser follows with the cookies that the form of the other site could not bring.
    at_front.http.cookies.set("trust_session", front.signed_in(provider, "zhang", at=START))
    finished = at_front.http.get(again)
    assert finished.headers["location"].startswith(CALLBACK + "?code=")
    assert at_front.http.get(again).status_code == 400


def test_where_a_refusal_goes_over_http(at_front: Front, client: Client) -> None:
    told = at_front.get(front.asked(client, response_type="token"))
    assert told.status_code == 303
    assert query_of(told.headers["location"])["error"] == "unsupported_response_type"
    silent = at_front.get(front.asked(client, prompt="none"))
    assert query_of(silent.headers["location"])["error"] == "login_required"
    page = at_front.get(front.asked(client, redirect_uri="https://evil.example/"))
    assert (page.status_code, page.text) == (400, "<p>invalid_request</p>")
    assert "location" not in page.headers
    for bad in ({"content": b"x" * 70_000}, {"content": b"{}"}):
        answer = at_front.http.post("/oauth2/authorize", **bad)
        assert (answer.status_code, answer.headers["content-type"][:9]) == (400, "text/html")


def test_the_par_endpoint_answers_in_json(at_front: Front, provider: Provider) -> None:
    """par-attempt-invalid-http-method"""
    made = front.add(provider, at=START, token_endpoint_auth_method="client_secret_post")
    form = front.asked(made.client, client_secret=made.client_secret or "")
    answer = at_front.http.post("/oauth2/par", data=form)
    assert (answer.status_code, set(answer.json())) == (201, {"request_uri", "expires_in"})
    bad = at_front.http.post("/oauth2/par", data={**form, "redirect_uri": "https://evil.example/"})
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_request")
    wrong = at_front.http.post("/oauth2/par", data={**form, "client_secret": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert at_front.http.get("/oauth2/par").status_code == 405


@BOTH
def test_a_pushed_request_is_used_up_by_the_login_that_completes(
    at_front: Front, provider: Provider
) -> None:
    """par-attempt-reuse-request_uri, par-ensure-reused-request-uri-prior-to-auth-completion-..."""
    made = front.add(
        provider, at=START, token_endpoint_auth_method="client_secret_post", first_party=True,
        require_pushed_authorization_requests=True,
    )  # fmt: skip
    form = front.asked(made.client, client_secret=made.client_secret or "")
    pushed = at_front.http.post("/oauth2/par", data=form).json()["request_uri"]
    parameters = {"client_id": made.client.client_id, "request_uri": pushed}
    first, second = (at_front.get(parameters) for _ in range(2))
    assert first.status_code == second.status_code == 303
    logins = []
    for answer in (first, second):
        login = Login(provider, None)
        login.id = answer.headers["location"].removeprefix("/sign-in/")
        assert login.prove("pwd") is Step.FINISH
        logins.append(login)
    assert "code" in query_of(logins[0].complete().response)
    with pytest.raises(OAuthError) as caught:
        logins[1].complete()
    assert caught.value.error == "invalid_request_uri"
    assert at_front.get(parameters).status_code == 400
