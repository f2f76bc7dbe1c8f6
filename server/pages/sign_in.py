"""Signing in: one page for each step of a login, and what its form does.

GET  /sign-in/{id}            the step that is due; `?way=` another way to take it
POST /sign-in/{id}/password   … and so on: proves something, then 303 to `…/continue`
GET  /sign-in/{id}/continue   the next step's page, or away (`leaving`)
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from server.pages import (
    consent,
    flow,
    identity_words,
    sign_in_certificate,
    sign_in_enrol,
    sign_in_passkey,
    sign_in_qr,
    sign_in_renew,
)
from server.pages.flow import Flow
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.show import onward
from server.pages.visitor import Looking
from sso import factors, interactions, upstream
from sso import sign_in as proving
from sso.interactions import Step
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_FIRST_WAYS = ("password", "passkey", "certificate", "sms", "qr")


@router.get("/sign-in")
def begin_sign_in(
    visitor: Looking, next: Annotated[str, Query(max_length=500)] = "/account"
) -> Response:
    """A sign-in to our own pages; `next` is where to go afterwards."""
    with visitor.provider.sessions.begin() as session:
        interaction_id = interactions.begin(
            session, None, at=visitor.at, policy=visitor.provider.policy, next_path=next,
            browser=visitor.browser,
        )  # fmt: skip
    return onward(visitor, f"/sign-in/{interaction_id}")


@router.get("/sign-in/{interaction_id}")
def show_step(
    visitor: Looking, interaction_id: str, way: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    found = flow.find(visitor, interaction_id)
    if way == "password" or found.step is Step.SIGN_IN:
        return _first_page(found, way)
    if found.step is Step.FINISH:
        return flow.go_on(found)
    return _PAGES[found.step](found, way)


@router.get("/sign-in/{interaction_id}/continue")
def continue_sign_in(request: Request, visitor: Looking, interaction_id: str) -> Response:
    found = flow.find(visitor, interaction_id)
    if found.step is Step.FINISH and sign_in_renew.is_due(found):
        return sign_in_renew.show(found)
    if found.step is Step.FINISH:
        return flow.finish(request, found)
    return onward(visitor, found.path)


def _first_page(found: Flow, way: str) -> Response:
    """Nobody stands there yet: a password, or another way that needs nothing before it."""
    others: dict[str, Callable[[Flow], Response]] = {
        "passkey": sign_in_passkey.show, "certificate": sign_in_certificate.show,
        "sms": _sms_page, "qr": sign_in_qr.show,
    }  # fmt: skip
    return others.get(way, _password_page)(found)


def _password_page(found: Flow, **values: Any) -> Response:
    hint = found.request.login_hint if found.request else None
    shown = {"username": (hint or "")[:64]} | values
    with found.provider.reading() as session:
        systems = [(each.slug, each.name) for each in upstream.available(session)]
    return flow.page(
        found, "sign_in.html", ways=flow.ways(_FIRST_WAYS, without="password"), systems=systems,
        **shown,
    )  # fmt: skip


@router.post("/sign-in/{interaction_id}/password")
def prove_by_password(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    found = flow.posted(visitor, interaction_id, form)
    login = form.text("username", cap=512)
    try:
        proof = proving.by_password(
            found.provider, login, form.secret("password", cap=2048), network=visitor.network,
            device=visitor.browser, at=visitor.at,
        )  # fmt: skip
    except TrustError as error:
        return _password_page(found, username=login[:64], trouble=identity_words.refusal(error))
    return flow.note(found, proof)


def _second_page(found: Flow, way: str, **values: Any) -> Response:
    """The second factor: the strongest that the account has, unless another is chosen."""
    if found.standing is None:
        return _first_page(found, "")
    with found.provider.reading() as session:
        offered = factors.offered(
            session, found.standing.account, found.standing.methods, policy=found.provider.policy
        )
    if not offered:  # what was shown so far is too little to make a key with: begin with a password
        return _first_page(found, way)
    best = next(each for each in ("totp", "passkey", "certificate", "recovery") if each in offered)
    chosen = way if way in offered else best
    if chosen == "passkey":
        return sign_in_passkey.show_second(found, offered)
    if chosen == "certificate":
        return sign_in_certificate.show(found)
    others = flow.ways(offered, without=chosen)
    return flow.page(found, "second_factor.html", way=chosen, ways=others, **values)


@router.post("/sign-in/{interaction_id}/totp")
def prove_by_totp(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    found = flow.posted(visitor, interaction_id, form)
    if found.standing is None:
        return onward(visitor, found.path)
    try:
        proof = proving.by_totp(
            found.provider, found.standing.account, form.text("otp", cap=64),
            network=visitor.network, at=visitor.at,
        )  # fmt: skip
    except TrustError as error:
        return _second_page(found, "totp", trouble=identity_words.code_refusal(error))
    return flow.note(found, proof)


@router.post("/sign-in/{interaction_id}/recovery")
def prove_by_recovery_code(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    found = flow.posted(visitor, interaction_id, form)
    if found.standing is None:
        return onward(visitor, found.path)
    try:
        proof = proving.by_recovery_code(
            found.provider, found.standing.account, form.text("recovery_code", cap=64),
            network=visitor.network, at=visitor.at,
        )  # fmt: skip
    except TrustError as error:
        return _second_page(found, "recovery", trouble=identity_words.code_refusal(error))
    return flow.note(found, proof)


def _sms_page(found: Flow, **values: Any) -> Response:
    return flow.page(found, "sms.html", **({"sent": False, "mobile": ""} | values))


@router.post("/sign-in/{interaction_id}/sms")
def prove_by_sms(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    """The mobile number first; with a code, the proof."""
    found = flow.posted(visitor, interaction_id, form)
    mobile, code = form.text("mobile", cap=40), form.text("code", cap=12)
    try:
        if not code:
            proving.send_sms(found.provider, mobile, at=visitor.at, binding=found.id)
            return _sms_page(found, sent=True, mobile=mobile)
        proof = proving.by_sms(
            found.provider, mobile, code, at=visitor.at, binding=found.id, network=visitor.network
        )
    except TrustError as error:
        words = identity_words.code_refusal(error) if code else identity_words.refusal(error)
        return _sms_page(found, sent=bool(code), mobile=mobile, trouble=words)
    return flow.note(found, proof)


@router.post("/sign-in/{interaction_id}/deny")
def cancel(request: Request, visitor: Looking, interaction_id: str, form: Posted) -> Response:
    """The person turns back; what cannot be reached is told as such."""
    found = flow.posted(visitor, interaction_id, form)
    unmet = found.step is Step.RAISE_LEVEL and found.request and found.request.essential_acr
    error = "unmet_authentication_requirements" if unmet else "access_denied"
    return flow.refuse(request, found, error, "the person turned back")


_PAGES: dict[Step, Callable[[Flow, str], Response]] = {
    Step.SECOND_FACTOR: _second_page,
    Step.ENROL_FACTOR: sign_in_enrol.show,
    Step.RAISE_LEVEL: consent.show_raise,
    Step.CONSENT: consent.show,
}
