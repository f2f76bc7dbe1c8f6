"""Signing in on one device by a phone that is signed in: the desktop's page and the phone's."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from server.pages import account_words, drawing, flow, identity_words
from server.pages import show as showing
from server.pages.flow import Flow
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Looking, Present, SignedIn
from sso import qr_login, sign_in_by_key
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_NUMBER = re.compile(r"[0-9]{2}")
_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_APPROVED = ("已确认，请回到那台设备。", "Approved. Go back to the other device.")
_DENIED = ("已拒绝，那台设备不会登录。", "Refused. The other device is not let in.")


def show(found: Flow) -> Response:
    """A new picture; the one before it is no longer good."""
    visitor = found.visitor
    desktop = f"{account_words.device(visitor.user_agent)} · {visitor.network}"
    with found.provider.sessions.begin() as session:
        shown = qr_login.begin(session, interaction=found.id, desktop=desktop, at=visitor.at)
    return _desktop_page(found, shown.id, shown.number)


def _desktop_page(found: Flow, qr_id: str, number: str, **values: Any) -> Response:
    picture = drawing.qr(f"{found.provider.issuer}/qr/{qr_id}") if qr_id else ""
    return flow.page(found, "qr.html", qr_id=qr_id, number=number, picture=picture, **values)


@router.get("/sign-in/{interaction_id}/qr/state")
def tell_state(
    visitor: Looking, interaction_id: str, qr: Annotated[str, Query(max_length=64)]
) -> JSONResponse:
    """`waiting` or `answered`, for the desktop's script; only the form collects the answer."""
    flow.find(visitor, interaction_id)
    try:
        with visitor.provider.reading() as session:
            qr_login.look(session, qr, at=visitor.at)
    except qr_login.QrLoginGone:
        return JSONResponse({"state": "answered"}, headers={"Cache-Control": "no-store"})
    return JSONResponse({"state": "waiting"}, headers={"Cache-Control": "no-store"})


@router.post("/sign-in/{interaction_id}/qr")
def prove_by_qr(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    """Collect the phone's answer; without one yet, the same picture again."""
    found = flow.posted(visitor, interaction_id, form)
    qr_id, number = form.text("qr", cap=64), form.text("number", cap=4)
    try:
        proof = sign_in_by_key.by_qr(found.provider, qr_id, interaction=found.id, at=visitor.at)
    except TrustError as error:
        return _desktop_page(found, "", "", trouble=identity_words.refusal(error))
    if proof is None:
        # Both came back from our own page; what they say concerns only the one who sent them.
        sound = _ID.fullmatch(qr_id) and _NUMBER.fullmatch(number)
        waiting = ("手机还没有确认。", "Your phone has not answered yet.")
        return _desktop_page(found, *((qr_id, number) if sound else ("", "")), trouble=waiting)
    return flow.note(found, proof)


@router.get("/qr/{qr_id}")
def show_question(me: Present, qr_id: str) -> Response:
    """What the phone's holder is asked."""
    return _phone_page(me, qr_id)


def _phone_page(me: SignedIn, qr_id: str, **values: Any) -> Response:
    asked = None
    if not values.get("finished"):
        with me.provider.reading() as session:
            asked = qr_login.look(session, qr_id, at=me.at)
    return showing.page(
        me.visitor, "qr_approve.html", id=qr_id, asked=asked, name=me.account.display_name,
        csrf=showing.session_token(me, f"qr:{qr_id}"), **({"finished": None} | values),
    )  # fmt: skip


@router.post("/qr/{qr_id}")
def answer(me: Present, qr_id: str, form: Posted) -> Response:
    """Yes with the desktop's two digits, or no. Other digits are a no: there is one try."""
    showing.check_session_form(me, form, f"qr:{qr_id}")
    if not form.text("approve"):
        return _deny(me, qr_id)
    number = form.text("number", cap=4)
    if not _NUMBER.fullmatch(number):
        two = ("请输入两位数字。", "Enter the two digits.")
        return _phone_page(me, qr_id, trouble=two)
    try:
        qr_login.approve(me.provider.sessions, qr_id, number, phone=me.session, at=me.at)
    except qr_login.WrongNumber:
        return _phone_page(me, qr_id, finished=_DENIED)
    return _phone_page(me, qr_id, finished=_APPROVED)


def _deny(me: SignedIn, qr_id: str) -> Response:
    with me.provider.sessions.begin() as session:
        qr_login.deny(session, qr_id, phone=me.session, at=me.at)
    return _phone_page(me, qr_id, finished=_DENIED)
