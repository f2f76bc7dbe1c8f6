"""The identity pages as an application of their own: real provider, real database, no region."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

import sso.token_models  # noqa: F401 - tables
from server import middleware, problems
from server.pages import identity, static
from server.pages import verify as verify_page
from sso.policy import Policy
from sso.provider import Provider
from sso.router_authorize import router as authorize_router
from sso.router_tokens import router as tokens_router
from tests.sso.provider import HandClock, make_provider
from trust.db import Sessions, open_reading
from trust.keys import SoftKeyStore

BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}


def application(provider: Provider) -> FastAPI:
    app = FastAPI()
    app.add_middleware(middleware.SecurityHeaders, https=provider.issuer.startswith("https:"))
    problems.add_handlers(app)
    for router in (*identity.routers, authorize_router, tokens_router, verify_page.router):
        app.include_router(router)
    static.mount(app)
    app.state.provider, app.state.region_name = provider, "那曲市"
    app.state.render_error = identity.render_error
    app.state.render_form_post = identity.render_form_post
    app.state.render_logout = identity.render_logout
    app.state.render_logged_out = identity.render_logged_out
    return app


def open_provider(
    sessions: Sessions, keys: SoftKeyStore, home: Path, *, issuer: str = "http://localhost:8000",
    policy: Policy | None = None,
) -> Provider:  # fmt: skip
    """A provider whose clock is `HandClock`."""
    made = make_provider(sessions, keys, home, clock=HandClock(), policy=policy)
    # As deployed: who reads never waits for a writer.
    return replace(made, issuer=issuer, reading=open_reading(sessions.kw["bind"]))


class Page(HTMLParser):
    """A page's forms, links and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[dict[str, Any]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag == "form":
            self.forms.append({"action": found.get("action", ""), "fields": {}, "buttons": {}})
        if self.forms and "name" in found:
            into = self.forms[-1]["buttons" if tag == "button" else "fields"]
            if found.get("type") not in ("radio", "checkbox") or "checked" in found:
                into[found["name"]] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def form(self, ending: str) -> dict[str, Any]:
        """The form whose address ends so."""
        return next(each for each in self.forms if each["action"].endswith(ending))


@dataclass
class Visit:
    """A browser without scripts: cookies kept, redirects within the site followed."""

    app: FastAPI
    base: str = "http://localhost:8000"
    http: TestClient = field(init=False)
    answer: httpx.Response = field(init=False)

    def __post_init__(self) -> None:
        self.http = TestClient(self.app, base_url=self.base, follow_redirects=False)

    def _land(self, answer: httpx.Response) -> Page:
        for _ in range(6):
            where = answer.headers.get("location", "")
            if answer.status_code != 303 or not where.startswith("/"):
                break
            answer = self.http.get(where, headers=BROWSER)
        self.answer = answer
        return Page(answer.text)

    def get(self, path: str) -> Page:
        return self._land(self.http.get(path, headers=BROWSER))

    def post(self, page: Page, ending: str, **values: str) -> Page:
        """Fill in and send the form of a page whose address ends so."""
        form = page.form(ending)
        sent = {**form["fields"], **values}
        return self._land(self.http.post(form["action"], data=sent, headers=BROWSER))

    @property
    def path(self) -> str:
        return self.answer.request.url.path

    def sign_in(self, login: str, password: str, *, to: str = "/account") -> Page:
        return self.post(
            self.get(f"/sign-in?next={to}"), "/password", username=login, password=password
        )

    def onward(self) -> str:
        """Where the interstitial page takes the browser."""
        found = re.search(r'http-equiv="refresh" content="\d+; url=([^"]+)"', self.answer.text)
        assert found is not None, self.answer.text
        return found[1].replace("&amp;", "&")


@contextmanager
def serve(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """The application behind uvicorn."""
    config = uvicorn.Config(app, access_log=False, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    yield
    server.should_exit = True
    thread.join(timeout=20)
