"""The desk in a real browser, without scripts: wide, on a phone, by keyboard, the policy kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from seal.grants import Terms
from tests.seal import living
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.test_browser import WAIT, console, start, text
from trust.access import Role

WIDTHS = (1000, 360)
NOT_THERE = (
    "return [...document.querySelectorAll('input:not([type=hidden]),select,textarea')]"
    ".filter(e => !e.labels.length).map(e => e.name)"
)
TWICE = (
    "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
    "return ids.filter((id, n) => ids.indexOf(id) !== n)"
)


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


@pytest.fixture(scope="module")
def seal(desk: Desk) -> str:
    es_id = living.made(desk.region).es_id
    living.granted(desk.region, es_id, Terms(role=Role.APPROVER, second_person=True))
    return es_id


@pytest.fixture(scope="module")
def _opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def browser(_opened: webdriver.Chrome, address: str) -> Iterator[webdriver.Chrome]:
    """A browser whose console must stay empty: nothing that the policy refused."""
    _opened.get(f"{address}/verify")
    _opened.delete_all_cookies()
    console(_opened)
    yield _opened
    _opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert console(_opened) == []


def sign_in(browser: webdriver.Chrome, desk: Desk, name: str) -> None:
    browser.add_cookie({"name": "trust_session", "value": desk.cookie(name), "path": "/"})


def narrow(browser: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_its_window_and_every_field_has_a_name(
    browser: webdriver.Chrome, desk: Desk, address: str, seal: str, width: int
) -> None:
    narrow(browser, width)
    pages = {
        "market.seal": (
            "/desk/seals", f"/desk/seals/{seal}", f"/desk/seals/{seal}/act/cancel",
            f"/desk/seals/{seal}/grants", "/desk/seal-requests", "/desk/seal-requests/new",
            "/desk/seal-uses", f"/desk/ledger?seal={seal}",
        ),
        "desk.ca": ("/desk/certificates", "/desk/crls", "/desk/health"),
    }  # fmt: skip
    for name, paths in pages.items():
        sign_in(browser, desk, name)
        for path in paths:
            browser.get(address + path)
            found = browser.execute_script("return document.documentElement.scrollWidth")
            assert found <= width, path
            assert browser.execute_script(NOT_THERE) == [], path
            assert browser.execute_script(TWICE) == [], path
            assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1


def enter(browser: webdriver.Chrome, part: str, *typed: str) -> None:
    """Type and press Enter, and wait for the page whose address ends so."""
    browser.switch_to.active_element.send_keys(*typed, Keys.ENTER)
    WebDriverWait(browser, WAIT).until(
        lambda driver: (
            driver.current_url.endswith(part)
            and driver.execute_script("return document.readyState") == "complete"
        )
    )


def tab_to(browser: webdriver.Chrome, part: str) -> None:
    """Go on with the Tab key until what has the focus leads to, or is called, `part`."""
    for _ in range(80):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focus = browser.switch_to.active_element
        known = [focus.get_attribute(name) or "" for name in ("href", "name", "textContent")]
        if any(part in each for each in known):
            return
    raise AssertionError(f"the keyboard does not reach {part}")


def test_a_seal_is_frozen_and_released_by_keyboard_alone(
    browser: webdriver.Chrome, desk: Desk, address: str, seal: str
) -> None:
    sign_in(browser, desk, "market.seal")
    browser.get(f"{address}/desk/seals")
    tab_to(browser, f"/desk/seals/{seal}")
    enter(browser, f"/desk/seals/{seal}")
    for act, state in (("freeze", "已冻结"), ("unfreeze", "使用中")):
        tab_to(browser, f"/act/{act}")
        enter(browser, f"/act/{act}")
        tab_to(browser, "reason")
        enter(browser, f"?done={act}", "核对")
        assert state in text(browser)
    assert browser.find_element(By.CSS_SELECTOR, "[role=status]").is_displayed()


def test_the_picture_of_a_seal_is_drawn(
    browser: webdriver.Chrome, desk: Desk, address: str, seal: str, tmp_path: Path
) -> None:
    sign_in(browser, desk, "market.seal")
    browser.get(f"{address}/desk/seals/{seal}")
    drawn = browser.execute_script(
        "const p = document.querySelector('img.seal'); return [p.complete, p.naturalWidth > 0]"
    )
    assert drawn == [True, True]
