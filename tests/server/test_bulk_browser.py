"""The pages of bulk jobs in a real browser, without scripts: wide and on a phone."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from selenium import webdriver

from tests.certificates.bulk_jobs import checked, released
from tests.certificates.bulk_rows import as_csv, contents
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.test_browser import console, start
from tests.server.test_desk_browser import NOT_THERE, TWICE, narrow, sign_in

WIDTHS = (1000, 360)


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


@pytest.fixture(scope="module")
def held(desk: Desk) -> UUID:
    rows = contents(6, start=80_000)
    rows[1]["KZ_CLRQ"], rows[4]["CZZTDM"] = "20210631", "91542521MA9QTE10XX"
    return checked(desk.region, as_csv(rows))


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_fit_every_width_and_every_field_has_its_name(
    chrome: webdriver.Chrome, address: str, desk: Desk, held: UUID, width: int
) -> None:
    browser = chrome
    browser.get(f"{address}/verify")
    console(browser)
    narrow(browser, width)
    for name, path in (
        ("market.clerk", "/desk/bulk"),
        ("market.approver", f"/desk/bulk/{held}"),
        ("market.approver", f"/desk/bulk/{held}/act/release-good"),
    ):
        sign_in(browser, desk, name)
        browser.get(f"{address}{path}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert browser.execute_script(NOT_THERE) == []
        assert browser.execute_script(TWICE) == []
        _picture(browser, f"{path.replace(str(held), 'job').strip('/').replace('/', '-')}-{width}")
    assert console(browser) == []


def test_a_page_at_work_asks_for_itself_again_without_script(desk: Desk) -> None:
    key = released(desk.region, as_csv(contents(3, start=81_000)))
    visit = desk.visit("market.approver")
    page = visit.get(f"/desk/bulk/{key}")
    assert ("正在签发" in page.text) == ("Refresh" in visit.answer.headers)


def _picture(browser: webdriver.Chrome, name: str) -> None:
    """Kept where TRUST_TEST_PICTURES says, for docs/images."""
    kept = os.environ.get("TRUST_TEST_PICTURES")
    if kept:
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        (Path(kept) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
