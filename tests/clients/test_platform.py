"""The example platform: sign-in, renewal, step-up, and logout from every side."""

import html
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.clients import forms, platform
from tests.clients.leaving import leave
from tests.clients.person import Browser, Person, enter, sign_in
from tests.clients.platform import Running
from tests.clients.served import Served

PATIENCE = 20


@pytest.fixture(scope="module")
def tenders(served: Served) -> Iterator[Running]:
    with platform.running(served, scope="openid profile offline_access") as running:
        yield running


@pytest.fixture(scope="module")
def another(served: Served) -> Iterator[Running]:
    """A second platform of the same kind, whose users sign out there."""
    with platform.running(served) as running:
        yield running


def shown(answer: httpx.Response) -> dict[str, str]:
    """The claims on the platform's first page."""
    found = re.findall(r'<dd id="([^"]+)">([^<]*)</dd>', answer.text)
    return {name: html.unescape(value) for name, value in found}


def press(browser: Browser, at: Running, path: str) -> httpx.Response:
    return browser.http.post(at.at(path), headers={"origin": at.base_url})


def home(browser: Browser, at: Running) -> dict[str, str]:
    return shown(browser.http.get(at.base_url))


def test_the_platform_shows_who_is_signed_in(
    tenders: Running, browser: Browser, person: Person
) -> None:
    assert home(browser, tenders) == {}
    assert shown(enter(browser, person, tenders.at("/login")))["sub"] == person.sub


def test_the_second_platform_asks_for_no_password(
    tenders: Running, another: Running, browser: Browser, person: Person
) -> None:
    first = shown(enter(browser, person, tenders.at("/login")))
    stranger = Person("nobody", "no password")
    second = shown(enter(browser, stranger, another.at("/login")))
    assert second["sub"] == first["sub"]


def test_tokens_are_renewed(tenders: Running, browser: Browser, person: Person) -> None:
    before = shown(enter(browser, person, tenders.at("/login")))
    assert press(browser, tenders, "/renew").status_code == 303
    after = home(browser, tenders)
    assert (after["sub"], after["auth_time"]) == (before["sub"], before["auth_time"])


def test_signing_out_ends_both_sessions(tenders: Running, browser: Browser, person: Person) -> None:
    enter(browser, person, tenders.at("/login"))
    answer = press(browser, tenders, "/logout")
    arrival = leave(browser, browser.visit(answer.headers["location"]))
    assert 'id="left"' in browser.http.get(arrival.url).text
    assert home(browser, tenders) == {}
    to_provider = browser.http.get(tenders.at("/login")).headers["location"]
    page = browser.visit(to_provider).page
    assert page is not None
    assert 'name="password"' in page


def test_signing_out_elsewhere_ends_the_session_here(
    tenders: Running, another: Running, browser: Browser, person: Person, served: Served
) -> None:
    enter(browser, person, tenders.at("/login"))
    enter(browser, person, another.at("/login"))
    answer = press(browser, another, "/logout")
    page = browser.visit(answer.headers["location"])  # frames are not opened: the server tells
    assert page.page is None or 'name="password"' not in page.page
    deadline = time.monotonic() + PATIENCE
    while home(browser, tenders):
        assert time.monotonic() < deadline, served.log.read_text()[-3000:]
        time.sleep(0.2)


def test_a_person_of_level_2_signs_a_contract(
    tenders: Running, browser: Browser, served: Served
) -> None:
    person = served.add_person("--level", "2")
    enter(browser, person, tenders.at("/login"))
    assert 'id="signed"' in enter(browser, person, tenders.at("/sign-contract")).text


def test_a_person_of_level_1_is_asked_for_more_and_may_go_on_without(
    tenders: Running, browser: Browser, served: Served
) -> None:
    person = served.add_person("--level", "1")
    enter(browser, person, tenders.at("/login"))
    answer = browser.http.get(tenders.at("/sign-contract"))
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["acr_values"] == ["urn:trust:loa:2"]
    at = browser.visit(answer.headers["location"])
    assert at.page is not None
    as_is = [form for form in forms.read(at.page, at.url) if form.action.endswith("/as-is")]
    at = browser.submit(as_is[0], as_is[0].fields)
    back = at if at.page is None else sign_in(browser, person, at.url)
    assert 'id="too-low"' in enter(browser, person, back.url).text


def test_a_login_that_is_too_old_is_asked_for_again(served: Served, browser: Browser) -> None:
    person = served.add_person("--level", "2")
    with platform.running(served, "--max-age", "2") as strict:
        first = shown(enter(browser, person, strict.at("/login")))
        time.sleep(3.1)
        answer = enter(browser, person, strict.at("/sign-contract"))
        assert 'id="signed"' in answer.text
        assert int(home(browser, strict)["auth_time"]) > int(first["auth_time"])
