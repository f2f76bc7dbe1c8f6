"""A certificate registered to sign in with: the page shows what to sign, as the sign-in does."""

from typing import Any

from fastapi import APIRouter, Response

from server.pages import identity_words, show, sign_in_certificate
from server.pages.account import PURPOSE, check
from server.pages.account_credentials import require_recent
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import register_certificate
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_BACK = "/account/credentials"
_HEADING = ("登记数字证书", "Register a certificate")


@router.get("/account/certificates/new")
def show_new_certificate(me: Present) -> Response:
    require_recent(me)
    return _page(me)


def _page(me: SignedIn, **values: Any) -> Response:
    challenge = register_certificate.challenge(
        me.provider, me.account.name, bound_to=me.session.id, at=me.at
    )
    return show.page(
        me.visitor, "certificate.html",
        **sign_in_certificate.to_sign(me.provider.issuer, challenge), heading=_HEADING,
        button=("登记", "Register"), action="/account/certificates", csrf=show.session_token(
            me, PURPOSE
        ), back=(_BACK, "返回", "Back"), **values,
    )  # fmt: skip


@router.post("/account/certificates")
def add_certificate(me: Present, form: Posted) -> Response:
    check(me, form)
    require_recent(me)
    try:
        register_certificate.register(
            me.provider, me.account.name, sign_in_certificate.signed(form), bound_to=me.session.id,
            by=me.caller, at=me.at,
        )  # fmt: skip
    except TrustError as error:
        return _page(me, trouble=identity_words.refusal(error))
    return show.onward(me.visitor, f"{_BACK}?done=certificate")
