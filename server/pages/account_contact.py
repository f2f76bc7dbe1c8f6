"""Another mobile number or e-mail address: a code to the new one, word to the old one."""

from typing import Any

from fastapi import APIRouter, Response

from server.pages import identity_words, show
from server.pages.account import account_page, check
from server.pages.account_credentials import require_recent
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import contact, masks, particulars, throttle
from sso.messages import Kind
from sso.people import AccountTaken
from trust.errors import Conflict, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_TAKEN = ("该手机号已属于另一账户。", "Another account has this number.")


class TooManyAddresses(Conflict):
    """Codes went to many addresses and none came back: somebody annoys strangers."""

    code = "too_many_addresses"


@router.get("/account/contact")
def show_contact(me: Present) -> Response:
    require_recent(me)
    return _page(me)


def _page(me: SignedIn, **values: Any) -> Response:
    """`sent` is the kind of the address that a code went to, "" before."""
    known = particulars.open_particulars(me.provider.vault, me.account)
    return account_page(
        me, "account_contact.html", here="/account",
        mobile=masks.mask_mobile(known.mobile) if known.mobile else "",
        email=masks.mask_email(known.email) if known.email else "",
        **({"sent": "", "to": ""} | values),
    )  # fmt: skip


@router.post("/account/contact")
def send_contact_code(me: Present, form: Posted) -> Response:
    check(me, form)
    require_recent(me)
    kind, to = _kind(form), form.text("to", cap=254)
    try:
        _count(me)
        contact.begin_change(me.provider, me.account.name, kind, to, at=me.at)
    except TrustError as error:
        return _page(me, trouble=identity_words.refusal(error))
    return _page(me, sent=kind, to=to)


def _count(me: SignedIn) -> None:
    """Every address is counted before anything is sent; one that is confirmed clears the count."""
    with me.provider.sessions.begin() as session:
        counter = throttle.code_counter("contact", me.account.name)
        admission = throttle.admit(session, (counter,), at=me.at)
    if admission.locked_until is not None:
        raise TooManyAddresses("too many codes were asked for; wait a while")


@router.post("/account/contact/confirm")
def change_contact(me: Present, form: Posted) -> Response:
    check(me, form)
    require_recent(me)
    kind, to = _kind(form), form.text("to", cap=254)
    try:
        contact.finish_change(
            me.provider, me.account.name, kind, to, form.text("code", cap=12), by=me.caller,
            at=me.at,
        )  # fmt: skip
    except TrustError as error:
        taken = isinstance(error, AccountTaken)
        trouble = _TAKEN if taken else identity_words.refusal(error)
        return _page(me, sent="" if taken else kind, to=to, trouble=trouble)
    with me.provider.sessions.begin() as session:
        throttle.clear(session, (throttle.code_counter("contact", me.account.name),), at=me.at)
    return show.onward(me.visitor, "/account?done=contact")


def _kind(form: Form) -> Kind:
    return "email" if form.text("kind", cap=8) == "email" else "sms"
