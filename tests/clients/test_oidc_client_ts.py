"""oidc-client-ts in Chromium: an application without a server, so with CORS and no secret."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.clients.chromium import console, start
from tests.clients.node import Node
from tests.clients.person import Person
from tests.clients.served import Served

HERE = Path(__file__).parent
WAIT = 20
BUTTONS = "form button[name=consent], form button[name=logout]"


@dataclass
class Application:
    """Where it is served, and its settings as oidc-client-ts takes them."""

    origin: str
    settings: dict[str, Any]

    @property
    def address(self) -> str:
        return f"{self.origin}/spa.html#{quote(json.dumps(self.settings))}"


class Quiet(SimpleHTTPRequestHandler):
    """`/left` is the application too."""

    def translate_path(self, path: str) -> str:
        return super().translate_path("/spa.html" if path.partition("?")[0] == "/left" else path)

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture(scope="module")
def application(
    served: Served, node: Node, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    folder = tmp_path_factory.mktemp("spa")
    library = node.folder / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
    shutil.copy(library, folder / "oidc-client-ts.js")
    for name in ("spa.html", "spa.js"):
        shutil.copy(HERE / name, folder / name)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://localhost:{server.server_port}"
        made = served.add_client(
            "spa", f"{origin}/spa.html", "--auth", "none",
            "--post-logout-redirect-uri", f"{origin}/left",
        )  # fmt: skip
        settings = {
            "authority": served.issuer, "client_id": made.client_id, "loadUserInfo": True,
            "redirect_uri": f"{origin}/spa.html", "silent_redirect_uri": f"{origin}/spa.html",
            "post_logout_redirect_uri": f"{origin}/left", "scope": "openid profile",
        }  # fmt: skip
        yield Application(origin, settings)
        server.shutdown()


@pytest.fixture
def chrome(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    driver = start(tmp_path / "profile")
    driver.set_script_timeout(WAIT)
    yield driver
    driver.quit()


@dataclass
class Visitor:
    """A person at Chromium, in the application."""

    chrome: webdriver.Chrome
    application: Application
    person: Person

    def sign_in(self, *, scope: str, **extra: str) -> dict[str, Any]:
        self.application.settings["scope"] = scope
        self.chrome.get(self.application.address)
        self.wait_for("ready")
        self.begin("signIn", extra)
        self.wait_for("signed in")
        return self.act("user")

    def begin(self, name: str, *given: object) -> None:
        """Call what navigates away, some time later."""
        self.chrome.execute_script(
            "document.getElementById('state').textContent = 'leaving';"
            f"window.act.{name}(...arguments)",
            *given,
        )

    def act(self, name: str) -> dict[str, Any]:
        """What `window.act[name]()` resolves to; AssertionError with why it did not."""
        said = self.chrome.execute_async_script(
            f"const done = arguments[0]; window.act.{name}().then("
            "(value) => done({value}), (error) => done({error: String(error)}));"
        )
        assert "error" not in said, f"{name}: {said['error']}; {console(self.chrome)}"
        value: dict[str, Any] = said["value"]
        return value

    def wait_for(self, state: str) -> None:
        """Until the application says so, through the provider's pages where there are any."""

        def there(driver: webdriver.Chrome) -> bool:
            if not driver.current_url.startswith(self.application.origin):
                self._answer()
                return False
            found = driver.find_elements(By.ID, "state")
            text = found[0].text if found else ""
            assert not text.startswith("failed"), text
            return text == state

        self._wait(there)

    def _answer(self) -> None:
        """What the provider's page asks: who it is, or yes."""
        passwords = self.chrome.find_elements(By.NAME, "password")
        if passwords and not passwords[0].get_attribute("value"):
            self.chrome.find_element(By.NAME, "username").send_keys(self.person.username)
            passwords[0].send_keys(self.person.password)
            passwords[0].submit()
        for button in self.chrome.find_elements(By.CSS_SELECTOR, BUTTONS)[:1]:
            button.click()

    def _wait(self, until: Callable[[webdriver.Chrome], bool]) -> None:
        patient = WebDriverWait(
            self.chrome, WAIT, ignored_exceptions=[StaleElementReferenceException]
        )
        try:
            patient.until(until)
        except TimeoutException:
            where, page = self.chrome.current_url, self.chrome.page_source
            pytest.fail(f"at {where}: {console(self.chrome)}\n{page[:3000]}", pytrace=False)


@pytest.fixture
def visitor(chrome: webdriver.Chrome, application: Application, person: Person) -> Visitor:
    return Visitor(chrome, application, person)


def test_a_person_signs_in_and_userinfo_is_read_across_origins(visitor: Visitor) -> None:
    user = visitor.sign_in(scope="openid profile")
    assert user["sub"] == visitor.person.sub


def test_tokens_are_renewed_by_the_refresh_token(visitor: Visitor) -> None:
    user = visitor.sign_in(scope="openid offline_access", prompt="consent")
    assert user["refresh_token"]
    renewed = visitor.act("renew")
    assert renewed["access_token"] != user["access_token"]
    assert renewed["refresh_token"] != user["refresh_token"]


def test_tokens_are_renewed_in_a_hidden_frame(visitor: Visitor) -> None:
    user = visitor.sign_in(scope="openid")
    renewed = visitor.act("renewInFrame")
    assert renewed["sub"] == user["sub"]
    assert renewed["access_token"] != user["access_token"]


def test_tokens_can_be_revoked_from_the_browser(visitor: Visitor) -> None:
    visitor.sign_in(scope="openid offline_access", prompt="consent")
    visitor.act("revoke")
    assert visitor.act("user")["refresh_token"] is None


def test_after_signing_out_a_hidden_frame_finds_nobody(visitor: Visitor) -> None:
    visitor.sign_in(scope="openid")
    visitor.begin("signOut")
    visitor.wait_for("left")
    assert visitor.act("user") is None
    visitor.begin("signIn")
    WebDriverWait(visitor.chrome, WAIT).until(
        lambda driver: driver.find_elements(By.NAME, "password")
    )
