"""Letting a device in (RFC 8628, 3.3): its code is typed, what it asks for shown, then decided."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from server.pages import identity_words, show
from server.pages.form import Posted
from server.pages.route import Page, platform
from server.pages.visitor import Present, SignedIn
from sso import clients, device, throttle
from sso.device import Waiting
from trust.errors import Conflict, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

PURPOSE = "device"


class TooManyCodes(Conflict):
    """Somebody tries codes; the account waits a while before the next."""

    code = "too_many_device_codes"


@router.get("/device")
def show_code(me: Present, user_code: Annotated[str, Query(max_length=20)] = "") -> Response:
    """A code in the address is only filled in: its holder compares and sends it (RFC 8628, 5.4)."""
    return _device_page(me, "code", user_code=user_code)


def _device_page(me: SignedIn, stage: str, **values: Any) -> Response:
    return show.page(
        me.visitor, "device.html", stage=stage, csrf=show.session_token(me, PURPOSE), **values
    )


@router.post("/device")
def show_device(me: Present, form: Posted) -> Response:
    show.check_session_form(me, form, PURPOSE)
    typed = form.text("user_code", cap=40)
    try:
        waiting = _find(me, typed)
    except TrustError as error:
        return _device_page(me, "code", user_code="", trouble=identity_words.refusal(error))
    letters = "".join(typed.upper().replace("-", " ").split())
    return _device_page(
        me, "confirm", user_code=f"{letters[:4]}-{letters[4:]}", name=me.account.display_name,
        client=platform(clients.find(me.provider.reading, waiting.client_id)),
        scopes=identity_words.scopes(waiting.scopes),
    )  # fmt: skip


def _find(me: SignedIn, typed: str) -> Waiting:
    """The device; every try is counted before, so that codes cannot be searched (RFC 8628, 5.1)."""
    provider, counter = me.provider, throttle.code_counter("device", me.account.name)
    with provider.sessions.begin() as session:
        admission = throttle.admit(session, (counter,), at=me.at)
    if admission.locked_until is not None:
        raise TooManyCodes("too many codes were tried; wait a while")
    with provider.sessions.begin() as session:
        waiting = device.find_by_user_code(session, provider.vault, typed, at=me.at)
        throttle.clear(session, (counter,), at=me.at)
    return waiting


@router.post("/device/answer")
def decide(me: Present, form: Posted) -> Response:
    show.check_session_form(me, form, PURPOSE)
    waiting = _find(me, form.text("user_code", cap=40))
    provider = me.provider
    with provider.sessions.begin() as session:
        if form.text("consent"):
            device.approve(session, waiting, me.session, policy=provider.policy, at=me.at)
            words = ("已允许，请回到设备。", "Allowed. Go back to your device.")
        else:
            device.deny(session, waiting, me.session, at=me.at)
            words = ("已拒绝。", "Refused.")
    return _device_page(me, "done", done=words)
