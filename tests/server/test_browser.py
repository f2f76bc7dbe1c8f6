"""The verification page in a real browser: scanned, uploaded, by keyboard, on a phone."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.server.conftest import Served
from tests.tools import find_tool

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1280,900",
)  # fmt: skip
WAIT = 20
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


def start(directory: Path, *, scripts: bool = True) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = str(find_tool("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={directory}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        refused = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", refused)
    service = webdriver.ChromeService(str(find_tool("chromedriver")))
    return webdriver.Chrome(options=options, service=service)


@pytest.fixture(scope="module")
def _opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def browser(_opened: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """A browser whose console must stay empty: no script error, nothing the policy refused."""
    _opened.get("about:blank")
    console(_opened)
    yield _opened
    assert console(_opened) == []
    _opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def console(browser: webdriver.Chrome) -> list[str]:
    """What the console was told since it was last asked."""
    lines = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [line["message"] for line in lines]


def outcome(browser: webdriver.Chrome) -> WebElement:
    found: WebElement = WebDriverWait(browser, WAIT).until(
        lambda driver: driver.find_element(By.CSS_SELECTOR, "main .outcome")
    )
    return found


def upload(browser: webdriver.Chrome, address: str, file: Path) -> str:
    browser.get(f"{address}/verify")
    browser.find_element(By.ID, "file").send_keys(str(file))
    browser.find_element(By.CSS_SELECTOR, "#upload button").click()
    return outcome(browser).text


def text(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "main").text


def press(browser: webdriver.Chrome, *keys: str) -> None:
    """Keys into whatever has the focus, as a keyboard sends them."""
    ActionChains(browser).send_keys(*keys).perform()


def test_a_scanned_code_is_verified_at_once_and_its_result_is_announced(
    browser: webdriver.Chrome, address: str, served: Served
) -> None:
    browser.get(f"{address}/v#{served.claim}")
    assert outcome(browser).text.startswith("通过")
    assert served.licence.identifier in text(browser)
    assert browser.switch_to.active_element.get_attribute("id") == "outcome"
    assert browser.title.startswith("通过")


def test_a_forged_code_does_not_pass_in_the_browser(
    browser: webdriver.Chrome, address: str, served: Served
) -> None:
    flipped = served.claim[:-4] + ("AAAA" if served.claim[-4:] != "AAAA" else "BBBB")
    browser.get(f"{address}/v#{flipped}")
    assert outcome(browser).text.startswith("不通过")


def test_a_second_code_scanned_into_the_same_tab_is_verified_too(
    browser: webdriver.Chrome, address: str, served: Served
) -> None:
    browser.get(f"{address}/v#nonsense")
    assert outcome(browser).text.startswith("不通过")
    browser.get(f"{address}/v#{served.claim}")
    # The first report's heading may go while it is read.
    wait = WebDriverWait(browser, WAIT, ignored_exceptions=[StaleElementReferenceException])
    wait.until(lambda _: outcome(browser).text.startswith("通过"))


@pytest.mark.parametrize(
    ("name", "wanted"), [("good", "通过"), ("tampered", "不通过"), ("foreign", "无法确定")]
)
def test_an_uploaded_file_shows_its_outcome(
    browser: webdriver.Chrome, address: str, files: Path, name: str, wanted: str
) -> None:
    assert upload(browser, address, files / f"{name}.pdf").startswith(wanted)
    assert ("签章后内容被改动" in text(browser)) == (name == "tampered")


def test_with_and_without_scripts_the_report_reads_the_same(
    browser: webdriver.Chrome, address: str, files: Path, tmp_path: Path
) -> None:
    plain = start(tmp_path, scripts=False)
    try:
        for name in ("good", "tampered", "foreign"):
            upload(browser, address, files / f"{name}.pdf")
            upload(plain, address, files / f"{name}.pdf")
            assert plain.current_url.endswith("/verify")
            with_scripts, without = ([*text(each).splitlines()] for each in (browser, plain))
            judged = [line.startswith("判定时间") for line in without].index(True)
            del with_scripts[judged], without[judged]
            assert with_scripts == without
    finally:
        plain.quit()


def test_the_page_can_be_used_by_keyboard_alone(
    browser: webdriver.Chrome, address: str, served: Served
) -> None:
    browser.get(f"{address}/verify")
    seen = []
    for _ in range(20):
        press(browser, Keys.TAB)
        focused = browser.switch_to.active_element
        seen.append(focused.get_attribute("id"))
        width = focused.value_of_css_property("outline-width")
        assert width != "0px", focused.get_attribute("outerHTML")
        if seen[-1] == "qr":
            break
    assert seen.index("file") < seen.index("photo") < seen.index("qr")
    press(browser, served.claim, Keys.TAB, Keys.ENTER)
    assert outcome(browser).text.startswith("通过")


def test_a_refusal_is_announced_and_the_form_stays(browser: webdriver.Chrome, address: str) -> None:
    browser.get(f"{address}/verify")
    field = browser.find_element(By.ID, "qr")
    field.send_keys("   ")
    browser.find_element(By.CSS_SELECTOR, "#paste button").click()
    live = browser.find_element(By.ID, "live")
    WebDriverWait(browser, WAIT).until(lambda _: "请选择文件" in live.text)
    assert live.get_attribute("aria-live") == "polite"
    assert field.is_displayed()
    # The 422 itself is told on the console, by the browser.
    assert "422" in console(browser)[0]


@pytest.mark.parametrize("path", ["/verify", "/docs", "/v#claim", "report"])
def test_nothing_on_a_phone_is_wider_than_the_phone(
    browser: webdriver.Chrome, address: str, served: Served, files: Path, path: str
) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    if path == "report":
        upload(browser, address, files / "good.pdf")
    else:
        browser.get(address + path.replace("claim", served.claim))
    if path.startswith("/v#"):
        outcome(browser)
    time.sleep(0.1)
    widest = browser.execute_script("return document.documentElement.scrollWidth")
    assert widest <= PHONE["width"]


def test_nothing_after_the_number_sign_reaches_the_server_as_an_address(
    browser: webdriver.Chrome, address: str, served: Served
) -> None:
    browser.get(f"{address}/v#{served.claim}")
    outcome(browser)
    loaded = browser.execute_script("return performance.getEntries().map(entry => entry.name)")
    assert len(loaded) > 3
    asked = [name for name in loaded if name.startswith("http") and "#" not in name]
    assert not [name for name in asked if served.claim[:20] in name]
    assert {name.split("/")[2] for name in asked} == {address.split("/")[2]}
