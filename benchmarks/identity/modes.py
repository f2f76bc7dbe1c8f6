"""What is asked of a provider: each mode is one unit of work over one connection, checked.

A unit that is answered otherwise than it should be ends the run: a fast refusal is no result.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks.identity.target import VERIFIER, Target, sign_person_in
from benchmarks.identity.wire import Answer, Connection, get, post
from tests.clients import forms


@dataclass(slots=True)
class Seat:
    """One connection's own person's session and tokens."""

    target: Target
    connection: Connection
    cookie: str
    access_token: str
    refresh_token: str


Unit = Callable[[Seat], Awaitable[None]]


async def take_seat(target: Target) -> Seat:
    """A connection, and behind it a session of its own and the tokens of its first code."""
    connection = await Connection("127.0.0.1", target.port).open()
    known = sign_person_in(target)
    seat = Seat(target, connection, known.cookie, "", "")
    said = await _redeem(seat, known.code)
    seat.access_token, seat.refresh_token = said["access_token"], said["refresh_token"]
    return seat


async def _token(seat: Seat, form: dict[str, str]) -> dict[str, Any]:
    target = seat.target
    question = post(target.host, target.paths["token"], form, target.client.basic)
    return _json(await seat.connection.ask(question))


async def _redeem(seat: Seat, code: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER,
        "redirect_uri": seat.target.client.redirect_uri,
    }  # fmt: skip
    said = await _token(seat, form)
    assert "id_token" in said, said
    return said


def _json(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, (answer.status, answer.body[:500])
    said: dict[str, Any] = json.loads(answer.body)
    return said


async def discovery(seat: Seat) -> None:
    asked = get(seat.target.host, seat.target.paths["discovery"])
    assert (await seat.connection.ask(asked)).status == 200


async def client_credentials(seat: Seat) -> None:
    assert "access_token" in await _token(seat, {"grant_type": "client_credentials"})


async def code_flow(seat: Seat) -> None:
    """Two requests: the session is known, so the first one brings the code."""
    target = seat.target
    path = target.paths["authorization"] + "?" + urlencode(target.authorization("openid"))
    answer = await seat.connection.ask(get(target.host, path, {"cookie": seat.cookie}))
    await _redeem(seat, _code(answer.location))


async def refresh(seat: Seat) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": seat.refresh_token}
    said = await _token(seat, form)
    assert said["refresh_token"] != seat.refresh_token
    seat.access_token, seat.refresh_token = said["access_token"], said["refresh_token"]


async def introspection(seat: Seat) -> None:
    target = seat.target
    form = {"token": seat.access_token}
    question = post(target.host, target.paths["introspection"], form, target.client.basic)
    assert _json(await seat.connection.ask(question))["active"] is True


async def userinfo(seat: Seat) -> None:
    bearer = {"authorization": f"Bearer {seat.access_token}"}
    asked = get(seat.target.host, seat.target.paths["userinfo"], bearer)
    assert _json(await seat.connection.ask(asked))["sub"]


async def login(seat: Seat) -> None:
    """A stranger's browser: every page of a sign-in by password, then the code and its tokens."""
    target = seat.target
    cookies: dict[str, str] = {}
    path = target.paths["authorization"] + "?" + urlencode(target.authorization("openid"))
    question = get(target.host, path)
    for _ in range(12):
        answer = await seat.connection.ask(question)
        cookies.update(answer.cookies)
        with_cookies = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if answer.status == 200:
            form, fields = _filled(target, answer)
            path = urlsplit(form.action).path
            origin = {"origin": target.issuer}
            question = post(target.host, path, fields, {**with_cookies, **origin})
        elif answer.location.startswith(target.client.redirect_uri):
            await _redeem(seat, _code(answer.location))
            return
        else:
            parts = urlsplit(answer.location)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            question = get(target.host, path, with_cookies)
    raise AssertionError(f"{target.name}: the sign-in does not end")


def _filled(target: Target, answer: Answer) -> tuple[forms.Form, dict[str, str]]:
    for form in forms.read(answer.body.decode(), target.issuer):
        if "password" in form.fields:
            known = target.person
            return form, form.filled(username=known.username, password=known.password)
        if "consent" in form.buttons:
            return form, form.filled(consent=form.buttons["consent"])
    raise AssertionError(f"{target.name} shows a page nobody can answer: {answer.body[:1000]!r}")


def _code(location: str) -> str:
    return parse_qs(urlsplit(location).query)["code"][0]


MODES: dict[str, Unit] = {
    "discovery": discovery,
    "client_credentials": client_credentials,
    "code flow, signed in": code_flow,
    "refresh, rotated": refresh,
    "introspection": introspection,
    "userinfo": userinfo,
    "whole sign-in": login,
}
