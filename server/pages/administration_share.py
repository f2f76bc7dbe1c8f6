"""Administration of sharing: rights of platforms and offices, listed, granted, ended; platforms'
SM2 keys. Security administrators; audit administrators look."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates.licence_types import registry as type_registry
from certificates.models import Authority
from certificates.share import rights as share_rights
from certificates.share.models import ShareKey, ShareRight
from certificates.share.rights import Terms
from server import problems
from server.pages import desk_words, show
from server.pages.administration import PURPOSE, admin_page, require
from server.pages.desk_frame import GUARDS
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.clock import CHINA
from trust.errors import Forbidden, Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

SHARE: Final = "/admin/share"
PAGE: Final = 50
_TEXTS: Final = (
    "to", "grantee", "types", "fields", "networks", "ceiling", "since", "until", "reason",
    "original", "category_0", "category_1",
)  # fmt: skip


@router.get(SHARE)
def list_rights(me: Present, request: Request) -> Response:
    """Newest first; of one platform or office where it is named."""
    require(me, Role.SECURITY_ADMIN)
    asked = request.query_params
    return _list(me, asked.get("of", "")[:100], _page(request), done=asked.get("done", "")[:16])


def _page(request: Request) -> int:
    text = request.query_params.get("page", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise NotFound("there is no such page")
    return int(text)


def _list(
    me: SignedIn, of: str, number: int, *, error: TrustError | None = None, done: str = ""
) -> Response:
    with me.provider.reading() as session:
        given = _named(of)
        rows = share_rights.page(session, skip=number * PAGE, limit=PAGE + 1, **given)
        keys = list(session.scalars(select(ShareKey).order_by(ShareKey.client).limit(200)))
        types = {each.code: each.name for each in type_registry.all_current(session)}
    shown = [
        {"row": row, "types": [types.get(code, code) for code in row.types],
         "state": _state(row, me.at.astimezone(CHINA).date())}
        for row in rows[:PAGE]
    ]  # fmt: skip
    return _answer(
        me, "admin_share.html", error=error, rows=shown, keys=keys, of=of, done=_DONE.get(done),
        next=number + 1 if len(rows) > PAGE else None,
    )  # fmt: skip


_DONE: Final = {
    "granted": ("权限已授予。", "The right is granted."),
    "ended": ("权限已终止，立即生效。", "The right has ended, at once."),
    "key": ("公钥已登记。", "The key is registered."),
}


def _named(of: str) -> dict[str, str]:
    """A USCC is an office, anything else a platform."""
    if not of:
        return {}
    return {"office": of} if len(of) == 18 and of.isupper() else {"client": of}


def _state(row: ShareRight, day: date) -> tuple[str, str, str]:
    if row.ended_at is not None:
        return "已终止", "ended", "bad"
    if day < row.since:
        return "未生效", "not yet", "unsure"
    if row.until is not None and row.until < day:
        return "已到期", "over", "bad"
    return "有效", "in force", "good"


def _answer(
    me: SignedIn, template: str, *, error: TrustError | None = None, **values: Any
) -> Response:
    page = admin_page(
        me, template, here=SHARE, trouble=desk_words.refusal(error) if error else None, **values
    )
    if error is not None:
        page.status_code = problems.status_of(type(error))
    return page


@router.get(SHARE + "/new")
def show_new(me: Present) -> Response:
    require(me, Role.SECURITY_ADMIN)
    return _form(me, {"to": "client", "category_0": "yes"})


def _form(me: SignedIn, values: dict[str, str], *, error: TrustError | None = None) -> Response:
    with me.provider.reading() as session:
        types = type_registry.all_current(session)
        offices = _offices(session, me)
    today = me.at.astimezone(CHINA).date()
    return _answer(
        me, "admin_share_new.html", error=error, types=types, offices=offices,
        values=dict.fromkeys(_TEXTS, "") | {"since": str(today)} | values,
        chosen=frozenset(values.get("types", "").split()),
    )  # fmt: skip


def _offices(session: Session, me: SignedIn) -> list[tuple[str, str]]:
    found = select(Authority.code, Authority.name).order_by(Authority.name).limit(500)
    if me.caller.authority is not None:
        found = found.where(Authority.code == me.caller.authority)
    return [(code, name) for code, name in session.execute(found)]


def _check(me: SignedIn, form: Form) -> None:
    show.check_session_form(me, form, PURPOSE)
    if not me.caller.has(Role.SECURITY_ADMIN):
        raise Forbidden("rights are granted by a security administrator")


@router.post(SHARE + "/new")
def add_right(me: Present, form: Posted) -> Response:
    _check(me, form)
    values = {name: form.text(name, cap=4000) for name in _TEXTS}
    values["types"] = " ".join(
        code.removeprefix("type_") for code in form.texts if code.startswith("type_")
    )
    try:
        terms, to = _terms(values), values["to"]
        if to not in ("client", "office"):
            raise Invalid("a right is one platform's or one office's")
        grantee = {to: values["grantee"]}
        with me.provider.sessions.begin() as session:
            share_rights.grant(session, terms, by=me.caller, at=me.at, **grantee)
    except TrustError as error:
        return _form(me, values, error=error)
    return show.onward(me.visitor, f"{SHARE}?done=granted")


def _terms(values: dict[str, str]) -> Terms:
    fields = tuple(values["fields"].split())
    ceiling = values["ceiling"]
    if ceiling and not (ceiling.isascii() and ceiling.isdigit() and len(ceiling) <= 8):
        raise Invalid("a daily ceiling is a number")
    return Terms(
        types=tuple(values["types"].split()), since=_day(values["since"]) or date(1, 1, 1),
        until=_day(values["until"]), reason=values["reason"], fields=fields or None,
        networks=tuple(values["networks"].split()),
        categories=tuple(each for each in ("0", "1") if values[f"category_{each}"]),
        original=bool(values["original"]), ceiling=int(ceiling) if ceiling else None,
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("a day is YYYY-MM-DD") from error


@router.post(SHARE + "/end")
def end_right(me: Present, form: Posted) -> Response:
    """For good; the next call is refused."""
    _check(me, form)
    try:
        key = _key(form.text("right", cap=40))
        with me.provider.sessions.begin() as session:
            share_rights.end(
                session, key, reason=form.text("reason", cap=200), by=me.caller, at=me.at
            )
    except TrustError as error:
        return _list(me, "", 0, error=error)
    return show.onward(me.visitor, f"{SHARE}?done=ended")


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("no such right") from error


@router.post(SHARE + "/key")
def register_key(me: Present, form: Posted) -> Response:
    """A platform's SM2 key: 128 hexadecimal digits, with or without the 04 in front."""
    _check(me, form)
    try:
        key = _point(form.text("public_key", cap=140))
        with me.provider.sessions.begin() as session:
            share_rights.register_key(
                session, form.text("client", cap=100), key, signed=bool(form.text("signed")),
                by=me.caller, at=me.at,
            )  # fmt: skip
    except TrustError as error:
        return _list(me, "", 0, error=error)
    return show.onward(me.visitor, f"{SHARE}?done=key")


def _point(text: str) -> bytes:
    digits = text[2:] if len(text) == 130 and text.startswith("04") else text
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise Invalid("a public key is 128 hexadecimal digits") from error
