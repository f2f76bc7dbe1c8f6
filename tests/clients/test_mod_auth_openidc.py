"""mod_auth_openidc of Debian before a page of Apache's: sign-in, refresh, logout from all sides."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.clients import apache
from tests.clients.apache import Site, callback, left
from tests.clients.leaving import leave
from tests.clients.person import Browser, Person, enter
from tests.clients.served import Served, free_port

#: The provider's outbox is emptied by a thread.
PATIENCE = 20


@pytest.fixture(scope="module")
def sites(served: Served) -> tuple[Site, Site]:
    """Two: the first is told of a logout by a frame, the second from server to server."""
    made = []
    for name, way in (("front", "get"), ("back", "backchannel")):
        port = free_port()
        client = served.add_client(
            f"apache-{name}", callback(port), "--post-logout-redirect-uri", left(port),
            f"--{name}channel-logout-uri", f"{callback(port)}?logout={way}",
        )  # fmt: skip
        made.append(Site(port, client))
    return made[0], made[1]


@pytest.fixture(scope="module")
def log(served: Served, sites: tuple[Site, Site]) -> Iterator[Path]:
    with apache.serving(served.issuer, sites) as running:
        yield running


@pytest.fixture
def front(sites: tuple[Site, Site], log: Path) -> Site:
    return sites[0]


@pytest.fixture
def back(sites: tuple[Site, Site], log: Path) -> Site:
    return sites[1]


def is_inside(browser: Browser, site: Site) -> bool:
    """Whether the site still knows the browser, without asking the provider."""
    return browser.http.get(site.page).status_code == 200


def sign_out(browser: Browser, site: Site) -> httpx.Response:
    """By the site: through the provider, and back to where the site wants to be left at."""
    answer = browser.http.get(callback(site.port), params={"logout": left(site.port)})
    assert answer.status_code == 302, answer.text
    arrival = leave(browser, browser.visit(answer.headers["location"]))
    return browser.http.get(arrival.url)


def test_the_page_is_shown_to_the_person_the_provider_names(
    front: Site, browser: Browser, person: Person
) -> None:
    answer = enter(browser, person, front.page)
    assert (answer.text, answer.headers["x-sub"]) == ("inside\n", person.sub)


def test_the_session_is_refreshed(
    front: Site, browser: Browser, person: Person, served: Served
) -> None:
    before = enter(browser, person, front.page).headers["x-access-token"]
    asked = {"refresh": front.page, "access_token": before}
    answer = browser.http.get(callback(front.port), params=asked)
    assert answer.headers["location"] == front.page
    after = browser.http.get(front.page).headers["x-access-token"]
    assert after != before
    said = httpx.get(userinfo(served), headers={"authorization": f"Bearer {after}"})
    assert said.json()["sub"] == person.sub


def userinfo(served: Served) -> str:
    document = httpx.get(f"{served.issuer}/.well-known/openid-configuration").json()
    return str(document["userinfo_endpoint"])


def test_signing_out_at_the_site_signs_out_at_the_provider(
    front: Site, browser: Browser, person: Person
) -> None:
    enter(browser, person, front.page)
    assert sign_out(browser, front).text == "left\n"
    assert not is_inside(browser, front)
    assert asked_again(browser, front)


def asked_again(browser: Browser, site: Site) -> bool:
    """Whether the provider wants a password before it lets anyone back to the site."""
    answer = browser.http.get(site.page)
    page = browser.visit(answer.headers["location"]).page
    return page is not None and re.search(r'name="password"', page) is not None


def test_a_frame_tells_the_site_of_a_logout_elsewhere(
    front: Site, back: Site, browser: Browser, person: Person
) -> None:
    enter(browser, person, front.page)
    enter(browser, person, back.page)
    assert is_inside(browser, front)
    sign_out(browser, back)
    assert not is_inside(browser, front)


def test_the_provider_tells_the_site_of_a_logout_elsewhere(
    front: Site, back: Site, browser: Browser, person: Person, log: Path
) -> None:
    enter(browser, person, front.page)
    enter(browser, person, back.page)
    assert is_inside(browser, back)
    sign_out(browser, front)
    deadline = time.monotonic() + PATIENCE
    while is_inside(browser, back):
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.2)
