"""The wallet in a real browser: on a phone, by keyboard, with the script and without it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from certificates.models import Licence
from tests import holding
from tests.server.conftest import Served
from tests.server.desk import Desk
from tests.server.test_browser import WAIT, console, start, text
from tests.server.test_desk_browser import NOT_THERE, TWICE, WIDTHS, enter, narrow, sign_in, tab_to

ME, NUMBER = "wallet.browser", "110101199003070118"
WHO = "阿里地区交通运输局 请求查看"


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return Desk(served.app, served.region)


@pytest.fixture(scope="module")
def licence(desk: Desk) -> Licence:
    # Somebody of their own: nobody else's request waits on their screen.
    holding.citizen(desk.region, ME, NUMBER, "陈一品")
    holding.office(desk.region)
    return holding.personal_licence(desk.region, CZZT="陈一品", CZZTDM=NUMBER)


@pytest.fixture(scope="module", params=[True, False], ids=["script", "no-script"])
def _opened(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[webdriver.Chrome]:
    driver = start(tmp_path_factory.mktemp("profile"), scripts=request.param)
    yield driver
    driver.quit()


@pytest.fixture
def browser(_opened: webdriver.Chrome, address: str, desk: Desk) -> Iterator[webdriver.Chrome]:
    """A browser whose console must stay empty: nothing that the policy refused."""
    _opened.get(f"{address}/verify")
    _opened.delete_all_cookies()
    console(_opened)
    yield _opened
    _opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert console(_opened) == []


def test_who_asks_appears_on_the_screen_that_shows_the_code(
    browser: webdriver.Chrome, desk: Desk, licence: Licence, address: str
) -> None:
    narrow(browser, 390)
    sign_in(browser, desk, ME)
    browser.get(f"{address}/wallet/licences/{licence.identifier}/show")
    typed = browser.find_element(By.CSS_SELECTOR, ".typed").text
    office = desk.visit("wallet.office")
    office.post(office.get("/desk/showing"), "/desk/showing", code=typed, cause="办理许可")
    WebDriverWait(browser, WAIT).until(lambda _: WHO in text(browser))
    tab_to(browser, "确认")
    enter(browser, "?done=confirmed")
    assert "对方可查看一次" in text(browser)
    here = office.path
    shown = office.post(office.get(here), "/licence")
    assert "陈一品" in shown.text


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_its_window_and_every_field_has_a_name(
    browser: webdriver.Chrome, desk: Desk, licence: Licence, address: str, width: int
) -> None:
    narrow(browser, width)
    one = f"/wallet/licences/{licence.identifier}"
    pages = {
        ME: (
            "/wallet", one, one + "?view=full", one + "/show", one + "/copies", one + "/looks",
            one + "/authorisations", one + "/disputes", "/wallet/showings", "/wallet/entrustments",
        ),
        "wallet.office": ("/desk/showing",),
        "market.clerk": ("/desk/disputes",),
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
