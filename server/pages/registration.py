"""Registering oneself, and the way back to a lost account."""

from typing import Any

from fastapi import APIRouter, Response

from server.pages import identity_words, show
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Looking, Visitor
from sso import recovery, recovery_proofs, registration
from trust.errors import NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

PURPOSE = "register"
_SENT = ("验证码已发出，五分钟内有效。", "A code is on its way; it lasts five minutes.")
_PROVED = ("已核验。", "Proved.")


def _register_page(visitor: Visitor, **values: Any) -> Response:
    blank: dict[str, Any] = {"sent": False, "mobile": "", "name": "", "id_number": ""}
    return show.page(
        visitor, "register.html", csrf=show.browser_token(visitor, PURPOSE), **(blank | values)
    )


@router.get("/register")
def show_registration(visitor: Looking) -> Response:
    return _register_page(visitor)


@router.post("/register")
def send_code(visitor: Looking, form: Posted) -> Response:
    show.check_browser_form(visitor, form, PURPOSE)
    mobile = form.text("mobile", cap=40)
    try:
        registration.begin(visitor.provider, mobile, at=visitor.at)
    except TrustError as error:
        return _register_page(visitor, mobile=mobile, trouble=identity_words.refusal(error))
    return _register_page(visitor, sent=True, mobile=mobile)


@router.post("/register/complete")
def register(visitor: Looking, form: Posted) -> Response:
    show.check_browser_form(visitor, form, PURPOSE)
    application = registration.Application(
        mobile=form.text("mobile", cap=40), code=form.text("code", cap=12),
        name=form.text("name", cap=100), key_number=form.text("id_number", cap=18),
        password=form.secret("password", cap=1024),
    )  # fmt: skip
    try:
        registration.create(visitor.provider, application, at=visitor.at)
    except TrustError as error:
        return _register_page(
            visitor, sent=True, mobile=application.mobile, name=application.name,
            id_number=application.key_number, trouble=identity_words.refusal(error),
        )  # fmt: skip
    return show.onward(visitor, "/sign-in?next=%2Faccount")


def _recover_page(visitor: Visitor, stage: str, **values: Any) -> Response:
    blank = {"token": "", "standing": None, "now": visitor.at, "faces": False}
    return show.page(
        visitor, "recover.html", stage=stage, csrf=show.browser_token(visitor, PURPOSE),
        **(blank | values),
    )  # fmt: skip


@router.get("/recover")
def show_recovery(visitor: Looking) -> Response:
    return _recover_page(visitor, "ask")


@router.post("/recover")
def begin_recovery(visitor: Looking, form: Posted) -> Response:
    """The same page for every name: whether there is an account is told only to it."""
    show.check_browser_form(visitor, form, PURPOSE)
    token = recovery.begin(visitor.provider, form.text("username"), at=visitor.at)
    return _steps(visitor, token)


@router.post("/recover/resume")
def resume_recovery(visitor: Looking, form: Posted) -> Response:
    return _steps(visitor, _token(visitor, form))


def _steps(visitor: Visitor, token: str, **values: Any) -> Response:
    standing = None
    try:
        with visitor.provider.reading() as session:
            standing = recovery.standing(session, token, at=visitor.at)
    except NotFound:
        pass  # told to nobody: there may be no account
    faces = visitor.provider.policy.development
    return _recover_page(visitor, "steps", token=token, standing=standing, faces=faces, **values)


def _token(visitor: Visitor, form: Form) -> str:
    show.check_browser_form(visitor, form, PURPOSE)
    return form.text("token", cap=64)


@router.post("/recover/send")
def send_recovery_code(visitor: Looking, form: Posted) -> Response:
    token = _token(visitor, form)
    recovery_proofs.send_code(visitor.provider, token, at=visitor.at)
    return _steps(visitor, token, done=_SENT)


@router.post("/recover/code")
def prove_by_code(visitor: Looking, form: Posted) -> Response:
    token = _token(visitor, form)
    try:
        recovery_proofs.prove_by_code(
            visitor.provider, token, form.text("code", cap=12), at=visitor.at,
            name=form.text("name", cap=100), number=form.text("id_number", cap=32),
        )  # fmt: skip
    except TrustError as error:
        return _steps(visitor, token, trouble=identity_words.refusal(error))
    return _steps(visitor, token, done=_PROVED)


@router.post("/recover/face")
def prove_by_face(visitor: Looking, form: Posted) -> Response:
    """The simulated face: a word. Where faces are real, the face service's own page comes here."""
    token = _token(visitor, form)
    if not visitor.provider.policy.development:
        raise NotFound("no face is checked on this page")
    try:
        recovery_proofs.prove_by_face(
            visitor.provider, token, form.text("face", cap=200).encode(), at=visitor.at
        )
    except TrustError as error:
        return _steps(visitor, token, trouble=identity_words.refusal(error))
    return _steps(visitor, token, done=_PROVED)


@router.post("/recover/complete")
def complete_recovery(visitor: Looking, form: Posted) -> Response:
    token = _token(visitor, form)
    try:
        recovery.complete(visitor.provider, token, form.secret("password", cap=1024), at=visitor.at)
    except TrustError as error:
        return _steps(visitor, token, trouble=identity_words.refusal(error))
    return _recover_page(visitor, "done", done=("新密码已设置。", "The new password is set."))


@router.get("/recover/cancel/{token}")
def show_cancel(visitor: Looking, token: str) -> Response:
    """Asks once more: mail programs open links by themselves."""
    return _recover_page(visitor, "cancel", token=token[:64])


@router.post("/recover/cancel")
def cancel_recovery(visitor: Looking, form: Posted) -> Response:
    recovery.cancel(visitor.provider, _token(visitor, form), at=visitor.at)
    return _recover_page(visitor, "done", done=("找回已取消。", "The recovery is stopped."))
