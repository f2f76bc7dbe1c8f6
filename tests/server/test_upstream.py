"""Logging in here through another identity system: whose account, how sure, and out again."""

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from sso import assurance, clients, logout_outbox, steps, upstream, upstreams
from sso.credential_models import BrowserSession
from sso.models import Account, AccountRole
from sso.people_models import Evidence
from sso.provider import Provider
from sso.token_models import LogoutDelivery
from sso.upstream_models import Upstream
from tests.server.identity_site import Visit, application, open_provider, serve
from tests.sso import signing_in
from tests.sso.provider import START
from trust.access import SYSTEM
from trust.db import open_engine, open_sessions
from trust.keys import SoftKeyStore

HERE = "http://localhost:8000"
LOGOUT = "/sign-in/upstream/logout"


@dataclass
class Two:
    """`there` is the upstream, on a real port; `here` relies on it."""

    there: Provider
    here: Provider
    there_app: FastAPI
    here_app: FastAPI

    def begin(self, visit: Visit) -> str:
        """Choose the upstream at the sign-in page here; its authorization URL."""
        page = visit.get("/sign-in?next=/account")
        links = [each["href"] for each in page.all("a") if each.get("href", "").endswith("/ali")]
        assert len(links) == 1
        visit.get(links[0])
        return visit.onward()

    def log_in_there(self, url: str) -> tuple[Visit, str]:
        """A browser logs in at the upstream; it and the URL that it is sent back to."""
        browser = Visit(self.there_app, base=self.there.issuer)
        page = browser.get(url.removeprefix(self.there.issuer))
        browser.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
        return browser, browser.onward()

    def level_there(self, level: int) -> None:
        with self.there.sessions.begin() as session:
            assurance.add_evidence(
                session, "zhang.san", "imported", by=SYSTEM, at=START, level=level
            )


@pytest.fixture
def two(sqlite_template: Path, soft_keys: SoftKeyStore, tmp_path: Path) -> Iterator[Two]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        providers, engines = [], []
        for name, own in (("there", issuer), ("here", HERE)):
            home = tmp_path / name
            home.mkdir()
            shutil.copy(sqlite_template, home / "test.db")
            engines.append(open_engine(f"sqlite:///{home / 'test.db'}"))
            sessions = open_sessions(engines[-1])
            providers.append(open_provider(sessions, soft_keys, home, issuer=own))
        there, here = providers
        found = Two(there, here, application(there), application(here))
        signing_in.citizen(there)
        connect(found)
        with serve(found.there_app, listener):
            yield found
        for engine in engines:
            engine.dispose()


def connect(two: Two) -> None:
    metadata = {
        "client_name": "那曲市", "redirect_uris": [HERE + upstream.CALLBACK],
        "scope": "openid profile id_number level",
        "backchannel_logout_uri": HERE + LOGOUT, "backchannel_logout_session_required": True,
    }  # fmt: skip
    with two.there.sessions.begin() as session:
        made = clients.add(
            session, metadata, by=SYSTEM, at=START, first_party=True, policy=two.there.policy
        )
    with two.here.sessions.begin() as session:
        upstreams.add(
            session, two.here.vault, "ali", name="阿里地区", issuer=two.there.issuer,
            client_id=made.client.client_id, secret=made.client_secret or "", level_cap=2,
            levels={f"urn:trust:loa:{level}": level for level in range(4)}, by=SYSTEM, at=START,
        )  # fmt: skip


def came(two: Two) -> tuple[Visit, Visit]:
    """Somebody logged in here through the upstream: the browser there, the browser here."""
    visit = Visit(two.here_app)
    there, back = two.log_in_there(two.begin(visit))
    visit.get(back.removeprefix(HERE))
    return there, visit


def accounts_here(two: Two) -> list[str]:
    with two.here.reading() as session:
        return list(session.scalars(select(Account.name).where(Account.kind == "natural")))


def test_a_person_of_another_system_is_logged_in_here_under_an_account_of_their_own(
    two: Two,
) -> None:
    two.level_there(2)
    _, visit = came(two)
    assert visit.path == "/account"
    assert len(accounts_here(two)) == 1
    with two.here.reading() as session:
        row = session.scalars(select(BrowserSession)).one()
        assert row.methods == ("fed:2",)
        assert assurance.level(session, row.account, at=START) == 2


def test_the_same_person_is_found_by_their_key_and_then_by_the_link(two: Two) -> None:
    signing_in.citizen(two.here, "known.here")
    two.level_there(2)
    came(two)
    came(two)
    assert accounts_here(two) == ["known.here"]


def test_a_number_that_nobody_checked_opens_nobodys_account(two: Two) -> None:
    signing_in.citizen(two.here, "known.here")
    _, visit = came(two)  # level 0 there
    assert visit.path != "/account"
    assert "upstream_failed" in visit.answer.text
    with two.here.reading() as session:
        assert session.scalar(select(func.count()).select_from(BrowserSession)) == 0


def test_staff_do_not_log_in_through_another_system(two: Two) -> None:
    signing_in.citizen(two.here, "known.here")
    with two.here.sessions.begin() as session:
        session.add(AccountRole(account="known.here", role="approver"))
    two.level_there(2)
    _, visit = came(two)
    assert "upstream_failed" in visit.answer.text


def test_the_level_received_is_lowered_to_the_cap_and_never_raised(two: Two) -> None:
    with two.here.reading() as session:
        known = session.get_one(Upstream, "ali")
        said = {"urn:trust:loa:3": 2, "urn:trust:loa:1": 1, "gold": 0, "": 0}
        assert {acr: upstream.level_of(known, acr) for acr in said} == said
        assert upstream.level_of(known, None) == 0


def test_a_login_counts_for_what_was_received_whatever_the_account_is(two: Two) -> None:
    name = signing_in.citizen(two.here, "known.here")
    with two.here.sessions.begin() as session:
        assurance.add_evidence(session, name, "counter", by=SYSTEM, at=START)
        methods = ("fed:1",)
        policy = two.here.policy
        assert steps.reached(session, name, methods, policy=policy, at=START) == 1
        with_key = ("fed:1", "pop", "user", "hwk")
        assert steps.reached(session, name, with_key, policy=policy, at=START) == 3


def test_a_lower_level_later_withdraws_the_higher_one(two: Two) -> None:
    two.level_there(2)
    came(two)
    with two.there.sessions.begin() as session:
        session.execute(update(Evidence).values(level=1))
    came(two)
    (name,) = accounts_here(two)
    with two.here.reading() as session:
        assert assurance.level(session, name, at=START) == 1


@pytest.mark.parametrize(
    "fault", ["used", "another browser", "unknown", "another issuer", "no issuer", "late"]
)
def test_what_comes_back_counts_once_and_in_its_own_browser(two: Two, fault: str) -> None:
    two.level_there(2)
    visit = Visit(two.here_app)
    _, back = two.log_in_there(two.begin(visit))
    path = back.removeprefix(HERE)
    if fault == "used":
        visit.get(path)
        visit = Visit(two.here_app)
    if fault == "another browser":
        visit = Visit(two.here_app)
    if fault == "unknown":
        path = path.replace("state=", "state=A", 1)[: len(path)]
    if fault == "another issuer":
        path = path.replace("iss=http", "iss=https", 1)
    if fault == "no issuer":  # it promises to name itself: this came by another one (RFC 9207, 2.4)
        path = path.replace("&iss=", "&was=", 1)
    if fault == "late":
        two.here.clock.forward(minutes=20)  # type: ignore[attr-defined]
    visit.get(path)
    assert visit.path != "/account"
    assert visit.answer.status_code in (401, 422)


def test_a_state_is_spent_once_by_many_at_once(two: Two) -> None:
    two.level_there(2)
    visit = Visit(two.here_app)
    _, back = two.log_in_there(two.begin(visit))
    answer = {name: found[0] for name, found in parse_qs(urlsplit(back).query).items()}
    browser = visit.http.cookies["trust_browser"]
    won: list[object] = []

    def finish() -> None:
        with contextlib.suppress(upstream.UpstreamFailed):
            won.append(upstream.finish(two.here, answer, browser=browser, at=START))

    threads = [threading.Thread(target=finish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_logout_there_ends_the_session_here(two: Two) -> None:
    two.level_there(2)
    there, here = came(two)
    there.post(there.get("/logout"), "/oauth2/end_session", logout="yes")
    with two.there.reading() as session:
        notice = session.scalars(select(LogoutDelivery)).one()
        sub = session.get_one(Account, notice.account).sub
        client = clients.find(two.there.reading, notice.client_id)
    assert client is not None
    # As the upstream's outbox sends it.
    token = logout_outbox.logout_token(two.there, client, sub, notice.sid, at=START)
    answer = here.http.post(LOGOUT, data={"logout_token": token})
    assert answer.status_code == 200
    with two.here.reading() as session:
        assert session.scalars(select(BrowserSession)).one().ended_at is not None
    again = here.http.post(LOGOUT, data={"logout_token": token})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 20_000, "e30.e30.", "eyJpc3MiOjF9.e30.AA"])
def test_garbage_is_no_logout(two: Two, token: str) -> None:
    answer = Visit(two.here_app).http.post(LOGOUT, data={"logout_token": token})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_an_upstream_that_is_switched_off_is_not_offered(two: Two) -> None:
    with two.here.sessions.begin() as session:
        upstreams.disable(session, "ali", by=SYSTEM, at=START)
    page = Visit(two.here_app).get("/sign-in?next=/account")
    assert "阿里地区" not in page.text
