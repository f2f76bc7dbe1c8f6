"""The desk's pages for applications and licences in a real browser, without scripts: wide, on a
phone, every field named, the policy kept.

With DESK_PICTURES=directory the pages are left there as pictures.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from selenium import webdriver

from tests.certificates.office import Office, open_office
from tests.regions import TRANSPORT
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.test_browser import console, start
from tests.server.test_desk_browser import NOT_THERE, TWICE, narrow, sign_in

PICTURES = os.environ.get("DESK_PICTURES", "")
BUSINESS = "11100000MB0143028R001"


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


@pytest.fixture(scope="module")
def office(served: Served) -> Office:
    return open_office(served.region)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(office: Office) -> dict[str, tuple[str, str]]:
    """Who looks at what, by the picture's name."""
    key = office.enter(joint=[TRANSPORT.code], case_number="2026-000118")
    office.do("check", key, by="second", note="材料齐全")
    office.do("consent", key, by="transport.approver")
    returned = office.enter("food-business-licence")
    office.do("return_", returned, reason="经营场所与证明不一致")
    licence = office.issued("food-business-licence")
    return {
        "desk-cases": ("market.approver", "/desk/cases"),
        "desk-case": ("market.approver", f"/desk/cases/{key}"),
        "desk-case-return": ("market.approver", f"/desk/cases/{key}/act/return"),
        "desk-case-types": ("market.clerk", "/desk/new-case"),
        "desk-case-new": ("market.clerk", f"/desk/new-case/11542500999000056Q/{BUSINESS}"),
        "desk-case-correct": ("market.clerk", f"/desk/cases/{returned}/correct"),
        "desk-licences": ("market.clerk", "/desk/licences"),
        "desk-licence": ("market.approver", f"/desk/licences/{licence.identifier}"),
        "desk-licence-cancel": (
            "market.approver", f"/desk/licences/{licence.identifier}/act/cancel",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("width", [1000, 360])
def test_no_page_is_wider_than_its_window_and_every_field_has_a_name(
    browser: webdriver.Chrome, desk: Desk, address: str, pages: dict[str, tuple[str, str]],
    width: int,
) -> None:  # fmt: skip
    browser.get(f"{address}/verify")
    console(browser)
    narrow(browser, width)
    for name, (who, path) in pages.items():
        browser.delete_all_cookies()
        sign_in(browser, desk, who)
        browser.get(address + path)
        assert browser.execute_script("return document.querySelectorAll('h2').length") > 0, path
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, (path, wide)
        assert browser.execute_script(NOT_THERE) == [], path
        assert browser.execute_script(TWICE) == [], path
        _keep(browser, name if width > 500 else f"{name}-phone")
    assert console(browser) == []


def _keep(browser: webdriver.Chrome, name: str) -> None:
    if PICTURES:
        shot = browser.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"}
        )
        Path(PICTURES, f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
