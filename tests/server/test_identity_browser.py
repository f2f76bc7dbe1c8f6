"""Signing in with a real browser: steps, passkeys, consent, keyboard, a phone, the policy."""

import base64
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.support.ui import WebDriverWait

from sso.client import Client
from sso.provider import Provider
from tests.server.identity_site import application, open_provider, serve
from tests.server.test_browser import WAIT, console, press, start, text
from tests.sso import signing_in
from tests.sso.front import add as add_client
from tests.sso.front import asked
from trust.access import Role
from trust.db import Base, open_engine, open_sessions
from trust.keys import SoftKeyStore

PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}


@dataclass
class Place:
    """The provider as a browser finds it, and a platform whose callback goes on to another host."""

    provider: Provider
    issuer: str
    client: Client
    platform: str

    def authorize(self, **more: str) -> str:
        wanted = {"redirect_uri": f"{self.platform}/callback", **more}
        return f"{self.issuer}/oauth2/authorize?{urlencode(asked(self.client, **wanted))}"


def platform(landing: str) -> FastAPI:
    app = FastAPI()

    @app.get("/callback")
    @app.post("/callback")
    def callback() -> RedirectResponse:
        return RedirectResponse(f"{landing}/landed", 303)

    @app.get("/landed")
    def landed() -> HTMLResponse:
        icon = '<link rel="icon" href="data:,">'
        return HTMLResponse(f"<title>landed</title>{icon}<main>back at the platform</main>")

    return app


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, soft_keys: SoftKeyStore) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("identity")
    engine = open_engine(f"sqlite:///{home / 'identity.db'}")
    Base.metadata.create_all(engine)
    with (
        socket.create_server(("127.0.0.1", 0)) as own,
        socket.create_server(("127.0.0.1", 0)) as theirs,
    ):
        issuer = f"http://localhost:{own.getsockname()[1]}"
        port = theirs.getsockname()[1]
        provider = open_provider(open_sessions(engine), soft_keys, home, issuer=issuer)
        # Its callback is at 127.0.0.1 and leads to localhost: two origins, as with many platforms.
        callback, landing = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        client = add_client(
            provider, at=provider.clock(), client_name="不动产登记平台",
            redirect_uris=[f"{callback}/callback"],
        ).client  # fmt: skip
        with serve(application(provider), own), serve(platform(landing), theirs):
            yield Place(provider, issuer, client, callback)
    engine.dispose()


@pytest.fixture(scope="module")
def _opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def browser(_opened: webdriver.Chrome, place: Place) -> Iterator[webdriver.Chrome]:
    """A browser without cookies, whose console must stay empty: no error, nothing refused."""
    _opened.get(f"{place.issuer}/verify")
    _opened.delete_all_cookies()
    console(_opened)
    yield _opened
    _opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert console(_opened) == []


@pytest.fixture(scope="module")
def person(place: Place) -> str:
    return signing_in.citizen(place.provider)


def fill(browser: webdriver.Chrome, **values: str) -> None:
    for name, value in values.items():
        wait_for(browser, f"[name={name}]")
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)


def wait_for(browser: webdriver.Chrome, selector: str) -> None:
    WebDriverWait(browser, WAIT).until(lambda d: d.find_elements(By.CSS_SELECTOR, selector))


def click(browser: webdriver.Chrome, selector: str) -> None:
    """Press what the page has, or will have in a moment."""
    wait_for(browser, selector)
    browser.find_element(By.CSS_SELECTOR, selector).click()


def sign_in(browser: webdriver.Chrome, name: str) -> None:
    fill(browser, username=name, password=signing_in.PASSWORD)
    click(browser, "form[action$='/password'] button")


def landed(browser: webdriver.Chrome) -> None:
    WebDriverWait(browser, WAIT).until(lambda d: d.title == "landed")


def only_our_own(browser: webdriver.Chrome, place: Place) -> None:
    """Nothing of the page came from elsewhere."""
    names = browser.execute_script("return performance.getEntries().map(entry => entry.name)")
    asked_for = [name for name in names if name.startswith("http")]
    assert asked_for
    assert all(name.startswith(f"{place.issuer}/") for name in asked_for)


def test_consent_leads_back_though_the_callback_goes_on_to_another_host(
    browser: webdriver.Chrome, place: Place, person: str
) -> None:
    browser.get(place.authorize())
    only_our_own(browser, place)
    sign_in(browser, person)
    wait_for(browser, "button[name=consent]")
    only_our_own(browser, place)
    assert "不动产登记平台" in text(browser)
    click(browser, "button[name=consent]")
    landed(browser)


def test_an_answer_by_form_sends_itself(
    browser: webdriver.Chrome, place: Place, person: str
) -> None:
    browser.get(place.authorize(response_mode="form_post", prompt="consent"))
    sign_in(browser, person)
    wait_for(browser, "button[name=consent]")
    click(browser, "button[name=consent]")
    landed(browser)


def test_a_code_of_the_authenticator_is_the_second_step(
    browser: webdriver.Chrome, place: Place
) -> None:
    name = signing_in.staff(place.provider, "clerk.totp", Role.CLERK)
    generator = signing_in.with_totp(place.provider, name)
    browser.get(f"{place.issuer}/sign-in")
    sign_in(browser, name)
    wait_for(browser, "input[name=otp]")
    assert browser.switch_to.active_element.get_attribute("name") == "otp"
    press(browser, "000000", Keys.ENTER)
    wait_for(browser, "[role=alert]")
    assert browser.find_element(By.NAME, "otp").get_attribute("aria-invalid") == "true"
    press(browser, generator.at(place.provider.clock()), Keys.ENTER)
    wait_for(browser, ".level")
    assert browser.current_url == f"{place.issuer}/account"


@pytest.fixture
def authenticator(browser: webdriver.Chrome) -> Iterator[None]:
    """Chromium's own: resident keys, its user verified."""
    options = VirtualAuthenticatorOptions(
        protocol="ctap2", transport="internal", has_resident_key=True,
        has_user_verification=True, is_user_verified=True,
    )  # fmt: skip
    browser.add_virtual_authenticator(options)
    yield
    browser.remove_virtual_authenticator()


@pytest.mark.usefixtures("authenticator")
def test_a_passkey_is_enrolled_on_the_way_in_and_then_signs_in_without_a_name(
    browser: webdriver.Chrome, place: Place
) -> None:
    name = signing_in.staff(place.provider, "seal.keeper", Role.SEAL_ADMIN)
    browser.get(f"{place.issuer}/sign-in")
    sign_in(browser, name)
    click(browser, "a[href$='/enrol/passkey']")
    fill(browser, label="office computer")
    click(browser, "#passkey button")
    wait_for(browser, ".level")
    browser.get(f"{place.issuer}/account/credentials")
    assert "office computer" in text(browser)
    browser.delete_all_cookies()
    browser.get(f"{place.issuer}/sign-in")
    click(browser, "a[href$='way=passkey']")
    click(browser, "#passkey button")
    wait_for(browser, ".level")
    assert browser.current_url == f"{place.issuer}/account"
    browser.delete_all_cookies()
    browser.get(f"{place.issuer}/sign-in")
    sign_in(browser, name)
    wait_for(browser, "#passkey[data-act=get]")
    click(browser, "#passkey button")
    wait_for(browser, ".level")


def test_a_passkey_that_is_not_there_is_told_in_words(
    browser: webdriver.Chrome, place: Place
) -> None:
    options = VirtualAuthenticatorOptions(
        protocol="ctap2", transport="internal", has_resident_key=True,
        has_user_verification=True, is_user_verified=False,
    )  # fmt: skip
    browser.add_virtual_authenticator(options)
    try:
        browser.get(f"{place.issuer}/sign-in")
        click(browser, "a[href$='way=passkey']")
        click(browser, "#passkey button")
        live = browser.find_element(By.ID, "live")
        WebDriverWait(browser, WAIT).until(lambda _: "没有完成" in live.text)
    finally:
        browser.remove_virtual_authenticator()


def test_a_desktop_waits_for_a_phone_and_goes_on_by_itself(
    browser: webdriver.Chrome, place: Place, person: str, tmp_path: Path
) -> None:
    browser.get(f"{place.issuer}/sign-in")
    click(browser, "a[href$='way=qr']")
    wait_for(browser, "input[name=qr]")
    qr_id = browser.find_element(By.NAME, "qr").get_attribute("value")
    number = browser.find_element(By.ID, "number").text
    phone = start(tmp_path)
    try:
        phone.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        phone.get(f"{place.issuer}/qr/{qr_id}")
        sign_in(phone, person)
        wait_for(phone, "input[name=number]")
        fill(phone, number=number)
        click(phone, "button[name=approve]")
        wait_for(phone, ".done")
        assert console(phone) == []
    finally:
        phone.quit()
    wait_for(browser, ".level")


def test_the_whole_login_can_be_done_by_keyboard(
    browser: webdriver.Chrome, place: Place, person: str
) -> None:
    browser.get(place.authorize(prompt="consent"))
    assert browser.switch_to.active_element.get_attribute("name") == "username"
    press(browser, person, Keys.TAB)
    press(browser, signing_in.PASSWORD, Keys.ENTER)
    wait_for(browser, "button[name=consent]")
    for _ in range(15):
        press(browser, Keys.TAB)
        focused = browser.switch_to.active_element
        assert focused.value_of_css_property("outline-width") != "0px"
        if focused.get_attribute("name") == "consent":
            break
    press(browser, Keys.ENTER)
    landed(browser)


def test_without_scripts_everything_but_passkeys_works(
    place: Place, person: str, tmp_path: Path
) -> None:
    plain = start(tmp_path, scripts=False)
    try:
        plain.get(place.authorize(prompt="consent"))
        sign_in(plain, person)
        wait_for(plain, "button[name=consent]")
        click(plain, "button[name=consent]")
        landed(plain)
        plain.get(place.authorize(prompt="consent", response_mode="form_post"))
        click(plain, "button[name=consent]")
        wait_for(plain, "form[action$='/callback'] button")
        click(plain, "form[action$='/callback'] button")
        landed(plain)
    finally:
        plain.quit()


PATHS = (
    "/sign-in", "/sign-in?way=certificate", "/register", "/recover", "/account",
    "/account/credentials", "/account/sessions", "/account/platforms", "/account/agents",
    "/account/history", "/account/totp/new", "/account/contact", "/account/close",
    "/account/certificates/new", "/device", "/oauth2/end_session",
)  # fmt: skip


def test_nothing_on_a_small_phone_is_wider_than_the_phone(
    browser: webdriver.Chrome, place: Place, person: str
) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    browser.get(place.authorize(prompt="consent"))
    assert widest(browser) <= PHONE["width"]
    browser.get(f"{browser.current_url}?way=certificate")
    assert widest(browser) <= PHONE["width"]
    browser.get(f"{place.issuer}/sign-in")
    sign_in(browser, person)
    wait_for(browser, ".level")
    for path in PATHS[2:]:
        browser.get(place.issuer + path)
        assert widest(browser) <= PHONE["width"], path
        only_our_own(browser, place)
    browser.get(place.authorize(prompt="consent"))
    wait_for(browser, "button[name=consent]")
    assert widest(browser) <= PHONE["width"]


def widest(browser: webdriver.Chrome) -> int:
    time.sleep(0.1)
    found: int = browser.execute_script("return document.documentElement.scrollWidth")
    return found


def test_what_a_script_could_read_holds_no_session(
    browser: webdriver.Chrome, place: Place, person: str
) -> None:
    browser.get(f"{place.issuer}/sign-in")
    sign_in(browser, person)
    wait_for(browser, ".level")
    assert browser.execute_script("return document.cookie") == ""
    kept = {cookie["name"]: cookie for cookie in browser.get_cookies()}
    assert {"trust_browser", "trust_session"} == set(kept)
    assert all(each["httpOnly"] and each["sameSite"] == "Lax" for each in kept.values())


def test_signing_out_asks_first_and_ends_the_session(
    browser: webdriver.Chrome, place: Place, person: str
) -> None:
    browser.get(f"{place.issuer}/sign-in")
    sign_in(browser, person)
    wait_for(browser, ".level")
    browser.get(f"{place.issuer}/logout")
    click(browser, "button[name=logout]")
    WebDriverWait(browser, WAIT).until(lambda d: "已退出登录" in text(d))
    browser.get(f"{place.issuer}/account")
    assert "/sign-in/" in browser.current_url


def test_a_logout_notice_in_a_frame_is_loaded_and_the_browser_goes_on(
    browser: webdriver.Chrome, place: Place, person: str
) -> None:
    told = threading.Event()
    app = platform("")

    @app.get("/frame")
    def frame(iss: str, sid: str) -> HTMLResponse:
        told.set()
        return HTMLResponse(f"<p>{len(sid)} {iss}</p>")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = add_client(
            place.provider, at=place.provider.clock(), first_party=True,
            redirect_uris=[f"{base}/callback"], frontchannel_logout_uri=f"{base}/frame",
            post_logout_redirect_uris=[f"{base}/landed"],
        ).client  # fmt: skip
        with serve(app, listener):
            there = Place(place.provider, place.issuer, client, base)
            browser.get(there.authorize())
            sign_in(browser, person)
            landed(browser)
            ending = {"client_id": client.client_id, "post_logout_redirect_uri": f"{base}/landed"}
            browser.get(f"{place.issuer}/oauth2/end_session?{urlencode(ending)}")
            click(browser, "button[name=logout]")
            landed(browser)
            assert told.wait(WAIT)
            told.clear()
            browser.get(there.authorize())
            sign_in(browser, person)
            landed(browser)
            browser.get(f"{place.issuer}/account/sessions")
            click(browser, "form[action$='/end-all'] button")
            assert told.wait(WAIT), "signing out everywhere tells it too"


def test_the_pictures_of_pages_are_inside_the_pages(
    browser: webdriver.Chrome, place: Place
) -> None:
    browser.get(f"{place.issuer}/sign-in")
    click(browser, "a[href$='way=qr']")
    wait_for(browser, "img.qr")
    source = browser.find_element(By.CSS_SELECTOR, "img.qr").get_attribute("src") or ""
    drawn = base64.b64decode(source.partition("base64,")[2]).decode()
    assert drawn.startswith("<svg")
    shown = "return document.querySelector('img.qr').naturalWidth"
    assert browser.execute_script(shown) > 100
