"""The draft of a licence type, edited a part at a time with its page beside the form.

Every form can be looked at before it is saved: by its own button, and with script as it is typed.
"""

import base64
import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from certificates import catalogue
from certificates.licence_type import HOLDER_CODE_TYPES, LicenceType
from certificates.licence_types import life as type_life
from certificates.licence_types import registry as type_registry
from certificates.licence_types.layout import Layout
from server.pages import show, type_forms
from server.pages.admin_types import HERE, Code, check, draw, refused, revision_of
from server.pages.administration import admin_page, require
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.type_forms import Definition
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.errors import Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

Name = Annotated[str, Query(max_length=30)]


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it is kept."""

    revision: int
    definition: Definition


def _draft(me: SignedIn, code: str) -> Draft:
    with me.provider.reading() as session:
        row = type_registry.draft(session, code)
        return Draft(row.revision, json.loads(row.definition))


@router.get("/admin/type/edit")
def show_editor(me: Present, request: Request, code: Code, saved: str = "") -> Response:
    require(me, Role.SYSTEM_ADMIN)
    draft = _draft(me, code)
    done = ("已保存。", "Saved.") if saved == "yes" else None
    return _editor_page(me, request, draft, draft.definition, done=done)


def _editor_page(
    me: SignedIn, request: Request, draft: Draft, definition: Definition, *,
    error: TrustError | None = None, typed: str = "", **values: Any,
) -> Response:  # fmt: skip
    """The editor with `definition` filled in, which may be one that is not saved yet."""
    picture, trouble = _picture(me, request, definition)
    error = error or trouble
    return admin_page(
        me, "admin_type_edit.html", here=HERE, draft=draft,
        d=type_forms.shown(definition), layout=_layout(definition), picture=picture,
        forms=type_forms, holder_codes=HOLDER_CODE_TYPES, unsaved=definition != draft.definition,
        text=typed or json.dumps(definition, ensure_ascii=False, indent=1),
        items=[each["name"] for each in definition.get("fields", ())],
        dates=[each["name"] for each in definition.get("fields", ()) if each["kind"] == "date"],
        **{"done": None, **values}, **refused(error),
    )  # fmt: skip


def _layout(definition: Definition) -> dict[str, Any]:
    """The layout with its defaults; the type's own template has none."""
    given = definition.get("layout") or {}
    return {"paper": "portrait", "ink": "#3a6290", "rows": list(Layout().rows), "wide": [],
            "long": "", "columns": 1, "number_zh": "证照编号", "number_en": "Number",
            "authority_zh": "发证机关", "authority_en": "Issuing authority", "preamble": "",
            **given}  # fmt: skip


def _picture(
    me: SignedIn, request: Request, definition: Definition
) -> tuple[str, TrustError | None]:
    """A `data:` URL of the page, or why there is none."""
    try:
        png = draw(request, me, _parsed(definition))
    except Invalid as error:
        return "", error
    return "data:image/png;base64," + base64.b64encode(png).decode(), None


def _parsed(definition: Definition) -> LicenceType:
    name = str(definition.get("name", ""))[:60]
    return catalogue.parse(json.dumps(definition).encode(), name=name)


@router.get("/admin/type/field")
def show_field(me: Present, request: Request, code: Code, name: Name = "") -> Response:
    """One field of the draft; without a name a new one."""
    require(me, Role.SYSTEM_ADMIN)
    draft = _draft(me, code)
    return _field_page(me, request, draft, draft.definition, name)


def _field_page(
    me: SignedIn, request: Request, draft: Draft, definition: Definition, name: str, *,
    was: str | None = None, error: TrustError | None = None,
) -> Response:  # fmt: skip
    new = {"name": "KZ_", "zh": "", "en": ""}
    found = next((each for each in definition["fields"] if each["name"] == name), None)
    if found is None and name:
        raise NotFound("there is no such field")
    picture, trouble = _picture(me, request, definition)
    error = error or trouble
    return admin_page(
        me, "admin_type_field.html", here=HERE, draft=draft, d=definition, 
        f=type_forms.shown_field(found or new),
        was=name if was is None else was, picture=picture, forms=type_forms,
        choices_text="\n".join(
            f"{key} {value}" for key, value in (found or {}).get("choices", {}).items()
        ),
        unsaved=definition != draft.definition, **refused(error),
    )  # fmt: skip


def _changed(form: Form, held: Definition) -> Definition:
    """The definition with one part as the form has it: Invalid for a form that is none of ours."""
    section, name = form.text("section"), form.text("name", cap=30)
    if section == "basics":
        return type_forms.with_basics(held, form)
    if section == "layout":
        return type_forms.with_layout(held, form)
    if section == "field":
        made = type_forms.with_field(held, form)
        shown = form.text("printed") and form.text("kind") != "photo"
        return type_forms.printing(made, form.text("name").upper()) if shown else made
    if section == "remove":
        return type_forms.without_field(held, name)
    if section in ("up", "down"):
        return type_forms.moved(held, name, by=-1 if section == "up" else 1)
    if section == "json":
        return _from_text(form.text("json", cap=60_000), held)
    raise Invalid("没有这个表单 / there is no such form")


def _from_text(text: str, held: Definition) -> Definition:
    """The whole definition as it was typed; the code stays."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("不是 JSON / this is not JSON") from error
    if not isinstance(found, dict):
        raise Invalid("JSON 须为对象 / the JSON must be an object")
    made: Definition = found | {"code": held["code"], "version": held["version"]}
    _parsed(made)  # what has another shape has no place in the other forms of the page
    return made


@router.post("/admin/type/edit")
def change_draft(me: Present, request: Request, form: Posted) -> Response:
    """Look at what was filled in, or save it over the revision that the page was made of."""
    check(me, form)
    code, section = form.text("code", cap=21), form.text("section")
    draft = _draft(me, code)
    definition = draft.definition
    try:
        definition = _changed(form, draft.definition)
        if form.text("act") != "preview":
            licence_type = _parsed(definition)
            with me.provider.sessions.begin() as session:
                type_life.save_draft(
                    session, licence_type, revision=revision_of(form), by=me.caller, at=me.at
                )
            return show.onward(me.visitor, f"/admin/type/edit?code={code}&saved=yes#fields")
    except TrustError as error:
        return _again(me, request, draft, definition, form, error)
    if section == "field":
        name = form.text("name").upper()
        return _field_page(me, request, draft, definition, name, was=form.text("was"))
    return _editor_page(me, request, draft, definition)


def _again(
    me: SignedIn, request: Request, draft: Draft, definition: Definition, form: Form,
    error: TrustError,
) -> Response:  # fmt: skip
    """The form as it was filled in, with what is wrong."""
    if form.text("section") == "field":
        name = form.text("name").upper()
        return _field_page(me, request, draft, definition, name, was=form.text("was"), error=error)
    typed = form.text("json", cap=60_000) if form.text("section") == "json" else ""
    return _editor_page(me, request, draft, definition, error=error, typed=typed)


@router.post("/admin/type/preview")
def preview(me: Present, request: Request, form: Posted) -> Response:
    """The page of what is filled in, for the script beside the form; nothing is kept."""
    check(me, form)
    draft = _draft(me, form.text("code", cap=21))
    png = draw(request, me, _parsed(_changed(form, draft.definition)))
    return Response(png, 200, {"Cache-Control": "no-store"}, "image/png")
