"""The office's desk in a real browser, without scripts: wide, on a phone, by keyboard."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from certificates.models import Licence
from tests.certificates.offices import FOOD, ITEM, bind, holder_code
from tests.regions import TRANSPORT
from tests.seal import living
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.test_browser import WAIT, console, start, text
from tests.server.test_desk_browser import NOT_THERE, TWICE, WIDTHS, narrow, sign_in, tab_to
from tests.server.test_office_pages import grant
from trust.access import Role

CLERK = "transport.office"


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    opened = open_desk(served.app, served.region)
    living.person(served.region, CLERK, Role.OFFICE, authority=TRANSPORT.code)
    bind(served.region, ITEM, FOOD)
    grant(opened.visit("desk.guard"), to="office", grantee=TRANSPORT.code, ceiling="2000")
    return opened


@pytest.fixture(scope="module")
def licence(served: Served) -> Licence:
    return served.region.issued("food-business-licence")


@pytest.fixture(scope="module")
def _opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = start(tmp_path_factory.mktemp("profile"), scripts=False)
    yield driver
    driver.quit()


@pytest.fixture
def browser(_opened: webdriver.Chrome, address: str) -> Iterator[webdriver.Chrome]:
    _opened.get(f"{address}/verify")
    _opened.delete_all_cookies()
    console(_opened)
    yield _opened
    _opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert console(_opened) == []


def look(browser: webdriver.Chrome, width: int, name: str) -> None:
    """Nothing wider than the window, every field with a name; a picture where one is asked for."""
    found = browser.execute_script("return document.documentElement.scrollWidth")
    assert found <= width, name
    assert browser.execute_script(NOT_THERE) == [], name
    assert browser.execute_script(TWICE) == [], name
    assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1, name
    folder = os.environ.get("OFFICE_PICTURES")
    if folder:
        suffix = "-phone" if width < 500 else ""
        taken = browser.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True}
        )
        Path(folder, f"{name}{suffix}.png").write_bytes(base64.b64decode(taken["data"]))


def wait_for(browser: webdriver.Chrome, words: str) -> None:
    WebDriverWait(browser, WAIT, ignored_exceptions=[StaleElementReferenceException]).until(
        lambda driver: words in text(driver)
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_a_licence_is_found_looked_at_and_verified_by_keyboard(
    browser: webdriver.Chrome, desk: Desk, served: Served, address: str, licence: Licence,
    tmp_path: Path, width: int,
) -> None:  # fmt: skip
    narrow(browser, width)
    sign_in(browser, desk, CLERK)
    browser.get(f"{address}/desk/office")
    look(browser, width, "office-search")
    for name, typed in (
        ("item_code", ITEM), ("case_number", "2026-0001"), ("cause", "办理道路运输经营许可"),
        ("key", holder_code(served.region, licence)),
    ):  # fmt: skip
        tab_to(browser, name)
        browser.switch_to.active_element.send_keys(typed)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_for(browser, "查找结果")
    look(browser, width, "office-found")
    row = browser.find_element(By.XPATH, f"//tr[contains(., '{licence.number}')]//button")
    row.send_keys(Keys.ENTER)
    wait_for(browser, "本次查看已记录")
    look(browser, width, "office-licence")
    file = tmp_path / "licence.pdf"
    file.write_bytes(served.region.file(licence))
    browser.get(f"{address}/desk/office/scan")
    browser.find_element(By.NAME, "file").send_keys(str(file))
    browser.find_element(By.CSS_SELECTOR, "form[action$='/scan'] button").send_keys(Keys.ENTER)
    wait_for(browser, "打印核验单")
    look(browser, width, "office-report")
    number = browser.find_element(By.CSS_SELECTOR, "p.meta code").text
    browser.get(f"{address}/slip/{number}")
    look(browser, width, "office-slip-public")
    for path, name in (
        ("/desk/office/scan", "office-scan"),
        ("/desk/office/calls", "office-calls"),
    ):
        browser.get(address + path)
        look(browser, width, name)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_administration_of_rights_fits_its_window(
    browser: webdriver.Chrome, desk: Desk, address: str, width: int
) -> None:
    narrow(browser, width)
    sign_in(browser, desk, "desk.guard")
    for path, name in (("/admin/share", "admin-share"), ("/admin/share/new", "admin-share-new")):
        browser.get(address + path)
        look(browser, width, name)
