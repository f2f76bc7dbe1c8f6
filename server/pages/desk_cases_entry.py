"""Entering an application at the desk, and correcting one that was returned: a form made from the
licence type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates import registry
from certificates.applications import issuing_grants, transfer
from certificates.applications import verbs as applications
from certificates.applications.transfer import Judged
from certificates.licence_type import LicenceType
from certificates.licence_types import registry as type_registry
from certificates.models import Application, ApplicationKind, ApplicationState, Authority
from server.pages import desk_case_form, life_words, show
from server.pages.desk_cases import find
from server.pages.desk_frame import CASES, GUARDS, check, require
from server.pages.form import Form, PostedLicence
from server.pages.life_frame import STAFF, life_page, platform_of, refusing
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from server.platform import Platform
from trust.errors import Conflict, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

NEW: Final = "/desk/new-case"
_SAID: Final = ("previous", "paper_number", "item_code", "case_number", "qr")


@dataclass(frozen=True, slots=True)
class _Choice:
    """A type that may be entered, and for which authority."""

    type_code: str
    slug: str
    name: str
    name_en: str
    authority: str
    authority_name: str


@router.get(NEW)
def choose_type(me: Present) -> Response:
    require(me, STAFF)
    with me.provider.reading() as session:
        choices = _choices(session, me)
    return life_page(me, "desk_case_types.html", here=CASES, choices=choices)


def _choices(session: Session, me: SignedIn) -> list[_Choice]:
    """The types of one's own authority, then those that it handles for others."""
    own = session.get(Authority, me.caller.authority or "")
    wanted = [(code, own) for code in own.types] if own is not None else []
    if me.caller.authority is not None:
        for grant in issuing_grants.acted_for(session, me.caller.authority, at=me.at):
            other = session.get_one(Authority, grant.authority)
            wanted += [(code, other) for code in grant.types]
    known = {each.code: each for each in type_registry.all_current(session)}
    found = [
        _Choice(code, known[code].slug, known[code].name, known[code].name_en, owner.code,
                owner.name)
        for code, owner in wanted
        if code in known
    ]  # fmt: skip
    return list(dict.fromkeys(found))


def _choice(session: Session, me: SignedIn, authority: str, type_code: str) -> _Choice:
    for each in _choices(session, me):
        if (each.authority, each.type_code) == (authority, type_code):
            return each
    raise NotFound("没有可录入的此类证照 / there is no such type to be entered here")


@router.get(NEW + "/{authority}/{type_code}")
def show_form(me: Present, authority: str, type_code: str) -> Response:
    require(me, STAFF)
    return _form_page(me, authority, type_code, {})


def _form_page(
    me: SignedIn, authority: str, type_code: str, values: Mapping[str, str],
    error: TrustError | None = None,
) -> Response:  # fmt: skip
    with me.provider.reading() as session:
        chosen = _choice(session, me, authority, type_code)
        licence_type = type_registry.current(session, chosen.type_code)
        others = _joint_choices(session, licence_type, authority)
    kinds = {name: words for name, words in life_words.KINDS.items() if name != "stock"}
    return life_page(
        me, "desk_case_form.html", here=CASES, error=error, licence_type=licence_type,
        action=f"{NEW}/{authority}/{chosen.type_code}", back=NEW, owner=chosen, kinds=kinds,
        others=others, said=values, correcting=False, transfers=True,
        holder=desk_case_form.holder_inputs(licence_type, values),
        inputs=desk_case_form.field_inputs(licence_type, values),
        common=desk_case_form.common_inputs(values), reason="",
    )  # fmt: skip


def _joint_choices(
    session: Session, licence_type: LicenceType, authority: str
) -> list[tuple[str, str]]:
    """Who may seal besides, where the page has room for more than one seal."""
    if max(licence_type.seals.places) < 2:
        return []
    rows = session.execute(
        select(Authority.code, Authority.name)
        .where(Authority.code != authority, Authority.seal.is_not(None))
        .order_by(Authority.code)
        .limit(50)
    )
    return [(code, name) for code, name in rows]


@router.post(NEW + "/{authority}/{type_code}")
def enter(
    me: Present, asked: Request, authority: str, type_code: str, form: PostedLicence
) -> Response:
    check(me, form, STAFF)
    platform = platform_of(asked)
    with me.provider.reading() as session:
        licence_type = type_registry.current(
            session, _choice(session, me, authority, type_code).type_code
        )
        others = _joint_choices(session, licence_type, authority)
    with refusing(me, "application.enter", subject=licence_type.code, at=me.at) as refused:
        kind = _kind(form.text("kind"))
        previous = form.text("previous", cap=200) or None
        judged = _judged(platform, form, kind, previous, me)
        with me.provider.sessions.begin() as session:
            key = applications.enter(
                session, licence_type.code, desk_case_form.content(licence_type, form),
                authority=authority, by=me.caller, at=me.at, vault=platform.vault,
                fallback=asked.app.state.fallback_font, kind=kind, previous=previous,
                joint=[code for code, _ in others if form.text(f"joint-{code}") == "yes"],
                paper_number=form.text("paper_number", cap=200) or None,
                item_code=form.text("item_code", cap=200) or None,
                case_number=form.text("case_number", cap=200) or None, judged=judged,
            ).id  # fmt: skip
    if refused:
        return _form_page(me, authority, type_code, dict(form.texts), refused[0])
    return show.onward(me.visitor, f"{CASES}/{key}?done=entered")


def _kind(text: str) -> ApplicationKind:
    known = (ApplicationKind.REISSUE, ApplicationKind.TRANSFER_IN)
    return next((each for each in known if each == text), ApplicationKind.NEW)


def _judged(
    platform: Platform, form: Form, kind: ApplicationKind, previous: str | None, me: SignedIn
) -> Judged | None:
    """The other region's licence, verified; no transaction is open meanwhile."""
    if kind is not ApplicationKind.TRANSFER_IN:
        return None
    with me.provider.reading() as session:
        region = registry.region(session).code
    file, text = form.file("file") or None, form.text("qr", cap=4000) or None
    return transfer.judge(
        previous or "", file=file, qr_text=None if file else text, knowledge=platform.knowledge,
        region=region, at=me.at,
    )  # fmt: skip


@router.get(CASES + "/{key}/correct")
def show_correction(me: Present, asked: Request, key: str) -> Response:
    require(me, STAFF)
    with me.provider.reading() as session:
        row = find(session, key, me)
        licence_type = type_registry.current(session, row.type_code)
        content = applications.content(row, platform_of(asked).vault)
    asked.app.state.audit.record("application.read", subject=str(row.id), by=me.caller, at=me.at)
    return _correction(me, row, desk_case_form.values_of(licence_type, content))


def _correction(
    me: SignedIn, row: Application, values: Mapping[str, str], error: TrustError | None = None
) -> Response:
    with me.provider.reading() as session:
        licence_type = type_registry.current(session, row.type_code)
        steps = applications.steps(session, row.id)
        owner = session.get_one(Authority, row.authority)
        chosen = _Choice(row.type_code, licence_type.slug, licence_type.name,
                         licence_type.name_en, owner.code, owner.name)  # fmt: skip
    reasons = [step.reason for step in steps if step.state == ApplicationState.RETURNED]
    return life_page(
        me, "desk_case_form.html", here=CASES, error=error, licence_type=licence_type,
        action=f"{CASES}/{row.id}/correct", back=f"{CASES}/{row.id}", owner=chosen, kinds={},
        others=[], said=values, correcting=True,
        transfers=row.kind == ApplicationKind.TRANSFER_IN,
        holder=desk_case_form.holder_inputs(licence_type, values),
        inputs=desk_case_form.field_inputs(licence_type, values),
        common=desk_case_form.common_inputs(values), reason=reasons[-1] if reasons else "",
    )  # fmt: skip


@router.post(CASES + "/{key}/correct")
def correct(me: Present, asked: Request, key: str, form: PostedLicence) -> Response:
    check(me, form, STAFF)
    platform = platform_of(asked)
    with me.provider.reading() as session:
        row = find(session, key, me)
        licence_type = type_registry.current(session, row.type_code)
        kept = applications.content(row, platform.vault)
    with refusing(me, "application.correct", subject=str(row.id), at=me.at) as refused:
        _require_returned(row)
        judged = _judged(platform, form, row.kind, row.previous, me)
        with me.provider.sessions.begin() as session:
            applications.correct(
                session, UUID(str(row.id)), desk_case_form.content(licence_type, form, kept),
                by=me.caller, at=me.at, vault=platform.vault,
                fallback=asked.app.state.fallback_font, judged=judged,
            )  # fmt: skip
    if refused:
        values = dict(form.texts)
        values |= {name: "kept" for name in kept if name not in values}
        return _correction(me, row, values, refused[0])
    return show.onward(me.visitor, f"{CASES}/{row.id}?done=corrected")


def _require_returned(row: Application) -> None:
    """Before another region is asked for nothing; the verb decides again."""
    if row.state != ApplicationState.RETURNED:
        raise Conflict("申请未退回 / the application was not returned")
