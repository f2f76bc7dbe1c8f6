"""Licence types for administrators: listed, looked at, amended, published, withdrawn, to and from
files. The draft itself is edited in `admin_type_editor`."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, cast
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from certificates import catalogue
from certificates.document import Renderer
from certificates.licence_type import LicenceType
from certificates.licence_types import items
from certificates.licence_types import life as type_life
from certificates.licence_types import registry as type_registry
from certificates.licence_types import sample as type_sample
from certificates.licence_types import schema as type_schema
from certificates.licence_types.models import LicenceTypeVersion, TypeState
from server import problems
from server.pages import identity_words, show, type_forms
from server.pages.administration import PURPOSE, admin_page, require
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from server.platform import Platform
from trust.access import Role
from trust.clock import CHINA
from trust.errors import Forbidden, Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

HERE: Final = "/admin/types"
EXAMPLES: Final = Path(__file__).resolve().parent.parent.parent / "examples"
Code = Annotated[str, Query(min_length=21, max_length=21, pattern="^[0-9A-Z]{21}$")]
Version = Annotated[str, Query(max_length=3, pattern="^[0-9]{3}$")]
_NEW = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}[0-9]{3}")
STATES: Final = {
    TypeState.DRAFT: ("草稿", "draft", "unsure"), TypeState.PUBLISHED: ("生效", "in force", "good"),
    TypeState.SUPERSEDED: ("已换版", "superseded", ""),
    TypeState.WITHDRAWN: ("已停用", "withdrawn", "bad"),
}  # fmt: skip


#: Why a specimen has no page; the English is the error's own.
_NO_PAGE: Final = {
    "unprintable_licence": "内容在一页上排不下，或有字符无法印刷。",
    "unprintable_character": "有字符无法印刷。",
    "invalid_field": "按此定义无法填出样张，请核对字段与编号规则。",
}


@dataclass(frozen=True, slots=True)
class Act:
    """What is asked about on a page of its own: heading, what it does, the button's words."""

    heading: tuple[str, str]
    told: tuple[str, str]
    reason: bool = False


ACTS: Final = {
    "publish": Act(
        ("发布类型", "Publish the type"),
        ("此后的证照按此版本签发；已签发的证照仍按其签发时的版本显示。",
         "Licences issued from now on follow this version; those that are there keep their own."),
    ),
    "withdraw": Act(
        ("停用类型", "Withdraw the type"),
        ("此后不再受理和签发此类证照；已签发的证照仍然有效。",
         "Nothing more is entered or issued of it; its licences stay in force."), reason=True,
    ),
    "discard": Act(
        ("丢弃草稿", "Discard the draft"),
        ("草稿将被删除，不能恢复。", "The draft is deleted for good."),
    ),
}  # fmt: skip


def check(me: SignedIn, form: Form) -> None:
    """A form of this session's page, by somebody who keeps the types."""
    show.check_session_form(me, form, PURPOSE)
    if not me.caller.has(Role.SYSTEM_ADMIN):
        raise Forbidden("licence types are kept by a system administrator")


def revision_of(form: Form) -> int:
    """The revision of the draft that the page showed."""
    text = form.text("revision", cap=9)
    return int(text) if text.isascii() and text.isdigit() else 0


@router.get("/admin/types")
def list_types(me: Present) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    return _list_page(me)


def _list_page(
    me: SignedIn, *, error: TrustError | None = None, given: Form | None = None
) -> Response:
    with me.provider.reading() as session:
        rows = list(type_registry.newest(session))
        in_force = {each.code: each for each in type_registry.all_current(session)}
    known = {row.code for row in rows}
    packaged = [each for each in in_force.values() if each.code not in known]
    return admin_page(
        me, "admin_types.html", here=HERE, rows=rows, packaged=packaged, in_force=in_force,
        states=STATES, may_change=me.caller.has(Role.SYSTEM_ADMIN),
        given=given.texts if given else {}, **refused(error),
    )  # fmt: skip


def refused(error: TrustError | None) -> dict[str, Any]:
    """The words of a refusal and its status, for a page."""
    if error is None:
        return {"trouble": None}
    words = identity_words.refusal(error)
    if error.code in _NO_PAGE:
        words = (_NO_PAGE[error.code], str(error))
    return {"trouble": words, "status": problems.status_of(type(error))}


@router.get("/admin/type")
def show_type(me: Present, code: Code, version: Version = "") -> Response:
    require(me, Role.SYSTEM_ADMIN)
    return type_page(me, code, version)


def type_page(
    me: SignedIn, code: str, version: str = "", *, done: tuple[str, str] | None = None
) -> Response:
    """One version of a type, the newest by default, with all the others beside it."""
    with me.provider.reading() as session:
        rows = list(_rows(session, code))
        row = next((each for each in rows if each.version == version), rows[0] if rows else None)
        shown = type_registry.opened(row) if row else catalogue.find(code)
        today = me.at.astimezone(CHINA).date()
        bound = items.items_for_type(session, code, on=today)
    draft = next((each for each in rows if each.state == TypeState.DRAFT), None)
    in_force = next((each for each in rows if each.state == TypeState.PUBLISHED), None)
    return admin_page(
        me, "admin_type.html", here=HERE, type=shown, row=row, rows=rows, draft=draft,
        in_force=in_force or (None if rows else shown), states=STATES, kinds=type_forms.KINDS,
        masks=type_forms.MASKS, bound=bound, may_change=me.caller.has(Role.SYSTEM_ADMIN),
        done=done,
    )  # fmt: skip


def _rows(session: Any, code: str) -> list[LicenceTypeVersion]:
    if not type_registry.is_registered(session, code):
        catalogue.find(code)
        return []
    return list(type_registry.versions(session, code))


@router.get("/admin/type/picture")
def show_picture(me: Present, request: Request, code: Code, version: Version) -> Response:
    """The page of a specimen of one version, as PNG."""
    require(me, Role.SYSTEM_ADMIN)
    with me.provider.reading() as session:
        raw = type_registry.export(session, code, version) if type_registry.is_registered(
            session, code) else catalogue.write(catalogue.find(code))  # fmt: skip
    shown = catalogue.parse(raw, name=code)
    return Response(draw(request, me, shown), 200, {"Cache-Control": "no-store"}, "image/png")


def draw(request: Request, me: SignedIn, licence_type: LicenceType) -> bytes:
    """The page of a specimen as PNG: Invalid, UnprintableLicence."""
    renderer = _renderer(cast(Platform, request.app.state.platform))
    example = _example(licence_type.slug)
    pdf = type_sample.page(renderer, licence_type, at=me.at.replace(microsecond=0), example=example)
    return type_sample.picture(pdf)


def _renderer(platform: Platform) -> Renderer:
    return platform.renderer


@lru_cache(maxsize=64)
def _example(slug: str) -> dict[str, object] | None:
    """What `examples/` has for a packaged type."""
    path = EXAMPLES / f"{slug}.json"
    if not path.is_file():
        return None
    found: dict[str, object] = json.loads(path.read_bytes())
    return found


@router.get("/admin/type/file")
def export_type(me: Present, code: Code, version: Version = "") -> Response:
    require(me, Role.SYSTEM_ADMIN)
    with me.provider.reading() as session:
        raw = type_registry.export(session, code, version or None)
    return _download(raw, f"{code}-{version or 'current'}.json")


@router.get("/admin/type/schema")
def show_schema(me: Present, code: Code) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    with me.provider.reading() as session:
        found = type_schema.schema(type_registry.current(session, code))
    raw = (json.dumps(found, ensure_ascii=False, indent=2) + "\n").encode()
    return _download(raw, f"{code}.schema.json")


def _download(raw: bytes, name: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
    }  # fmt: skip
    return Response(raw, 200, headers, "application/json")


@router.post("/admin/types/new")
def add_type(me: Present, form: Posted) -> Response:
    """A draft to begin from, or one from a file."""
    check(me, form)
    try:
        raw = form.file("file")
        if not raw:
            code = form.text("code").upper()
            if not _NEW.fullmatch(code):
                raise Invalid("代码为 18 位机构代码加 3 位顺序号 / "
                              "a code is the definer's 18 characters and three digits")  # fmt: skip
            found = type_forms.blank(code, form.text("name"), form.text("slug"))
            raw = json.dumps(found).encode()
        with me.provider.sessions.begin() as session:
            row = type_life.import_(session, raw, by=me.caller, at=me.at)
            code, state = row.code, row.state
    except TrustError as error:
        return _list_page(me, error=error, given=form)
    if state == TypeState.DRAFT:
        return show.onward(me.visitor, f"/admin/type/edit?code={code}")
    return type_page(me, code, done=("与现有版本相同，未作改动。", "The same as is here already."))


@router.post("/admin/type/amend")
def amend_type(me: Present, form: Posted) -> Response:
    check(me, form)
    code = form.text("code", cap=21)
    with me.provider.sessions.begin() as session:
        type_life.amend(session, code, by=me.caller, at=me.at)
    return show.onward(me.visitor, f"/admin/type/edit?code={code}")


@router.get("/admin/type/ask/{act}")
def ask(me: Present, act: str, code: Code) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    return _ask_page(me, act, code)


def _ask_page(
    me: SignedIn, act: str, code: str, *, error: TrustError | None = None, reason: str = ""
) -> Response:
    """The page that asks before a version begins or ends."""
    if act not in ACTS:
        raise NotFound("there is no such page")
    with me.provider.reading() as session:
        if act == "withdraw":
            shown, revision = type_registry.current(session, code), 0
        else:
            row = type_registry.draft(session, code)
            shown, revision = type_registry.opened(row), row.revision
    return admin_page(
        me, "admin_type_act.html", here=HERE, act=ACTS[act], name=act, type=shown,
        revision=revision, reason=reason, **refused(error),
    )  # fmt: skip


@router.post("/admin/type/ask/{act}")
def act_on_type(me: Present, form: Posted, act: str) -> Response:
    """Published, withdrawn or discarded, in the revision that the page showed."""
    check(me, form)
    code, reason = form.text("code", cap=21), form.text("reason", cap=500)
    revision = revision_of(form)
    try:
        with me.provider.sessions.begin() as session:
            if act == "publish":
                type_life.publish(session, code, revision=revision, by=me.caller, at=me.at)
            elif act == "withdraw":
                type_life.withdraw(session, code, reason=reason, by=me.caller, at=me.at)
            elif act == "discard":
                type_life.discard(session, code, revision=revision, by=me.caller, at=me.at)
            else:
                raise NotFound("there is no such act")
            known = type_registry.is_registered(session, code)
    except TrustError as error:
        return _ask_page(me, act, code, error=error, reason=reason)
    return show.onward(me.visitor, f"/admin/type?code={code}" if known else HERE)
