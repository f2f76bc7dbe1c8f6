"""Applications on the desk of clerks and approvers: the list by state, one application with its
steps, and what may be done next.

The entry and its correction are in `desk_cases_entry`.
"""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from certificates import issue, registry
from certificates.applications import joint, transfer
from certificates.applications import lists as application_lists
from certificates.applications import verbs as applications
from certificates.applications.lists import OPEN, Part, Wanted
from certificates.applications.router_doors import of_authority
from certificates.content import check_photo
from certificates.licence_types import registry as type_registry
from certificates.models import (
    Application,
    ApplicationKind,
    ApplicationState,
    Authority,
)
from server.pages import case_acts, desk_case_form, show
from server.pages.case_acts import ACTS
from server.pages.desk_frame import CASES, GUARDS, LICENCES, PAGE, check, require
from server.pages.form import Form, Posted
from server.pages.life_frame import (
    STAFF,
    LifeAct,
    ask,
    check_act,
    given_of,
    life_page,
    platform_of,
    refusing,
)
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.audit_queue import AuditQueue
from trust.errors import NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_ABSENT: Final = "没有这件申请 / no such application"
_Verb = Callable[..., Application]
_VERBS: Final[dict[str, _Verb]] = {
    "check": applications.check, "review": applications.review,
    "approve": applications.approve, "return": applications.return_,
    "refuse": applications.refuse, "withdraw": applications.withdraw,
    "consent": applications.consent,
}  # fmt: skip


@router.get(CASES)
def list_cases(
    me: Present, part: Annotated[str, Query(max_length=10)] = "own",
    state: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str, Query(max_length=36)] = "",
    done: Annotated[str, Query(max_length=40)] = "",
) -> Response:  # fmt: skip
    """The newest first: what is open, or one state."""
    require(me, STAFF)
    chosen = Part(part) if part in set(Part) else Part.OWN
    states = (ApplicationState(state),) if state in set(ApplicationState) else OPEN
    with me.provider.reading() as session:
        rows = application_lists.listed(
            session, me.caller.authority or "", Wanted(chosen, states), limit=PAGE + 1,
            after=_key(after) if after else None,
        )  # fmt: skip
        counts = application_lists.counts(session, me.caller.authority or "")
        names = {
            (row.type_code, row.type_version): type_registry.of(
                session, row.type_code, row.type_version
            ).name
            for row in rows
        }
    return life_page(
        me, "desk_cases.html", here=CASES, done=done, rows=rows[:PAGE], names=names,
        part=str(chosen), state=state if state in set(ApplicationState) else "",
        states=list(ApplicationState), counts=counts,
        after=str(rows[PAGE - 1].id) if len(rows) > PAGE else "",
    )  # fmt: skip


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(_ABSENT) from error


def find(session: Session, key: str, me: SignedIn) -> Application:
    """An application that the caller's authority handles; NotFound."""
    return of_authority(session.get(Application, _key(key)), me.caller, _ABSENT)


@router.get(CASES + "/{key}")
def show_case(
    me: Present, asked: Request, key: str, done: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    require(me, STAFF)
    return _show(me, asked, key, done=done)


def _show(
    me: SignedIn, asked: Request, key: str, *, done: str = "", error: TrustError | None = None
) -> Response:
    """The whole case; the look is audited, because it shows the holder's data."""
    with me.provider.reading() as session:
        row = find(session, key, me)
        licence_type = type_registry.of(session, row.type_code, row.type_version)
        content = applications.content(row, platform_of(asked).vault)
        steps = applications.steps(session, row.id)
        consents = joint.of(session, row.id) if row.joint else []
        names = {code: _name(session, code) for code in {row.authority, *row.joint} | {row.acting}}
        checked = transfer.of(session, row.id) if row.kind == ApplicationKind.TRANSFER_IN else None
        licence = registry.licence_of(session, row)
        acts = case_acts.allowed(row, licence_type, steps, consents, by=me.caller)
        if row.state == ApplicationState.RETURNED and case_acts.is_party(row, me.caller):
            acts = [case_acts.CORRECT, *acts]
    queue: AuditQueue = asked.app.state.audit
    queue.record("application.read", subject=str(row.id), by=me.caller, at=me.at)
    return life_page(
        me, "desk_case.html", here=CASES, done=done, error=error, row=row,
        licence_type=licence_type, shown=desk_case_form.shown(licence_type, content), steps=steps,
        consents=consents, names=names, checked=checked,
        licence=f"{LICENCES}/{licence.identifier}" if licence is not None else "",
        identifier=licence.identifier if licence is not None else "",
        acts=acts, previous=_previous(row),
    )  # fmt: skip


def _previous(row: Application) -> str:
    """The page of the licence that it follows, where that one is ours."""
    if row.previous is None or row.kind == ApplicationKind.TRANSFER_IN:
        return ""
    return f"{LICENCES}/{row.previous}"


def _name(session: Session, code: str | None) -> str:
    found = session.get(Authority, code) if code else None
    return found.name if found is not None else (code or "")


@router.get(CASES + "/{key}/photo/{field}")
def show_photo(me: Present, asked: Request, key: str, field: str) -> Response:
    """A photo of the content, as a picture and nothing else."""
    require(me, STAFF)
    with me.provider.reading() as session:
        row = find(session, key, me)
        value = applications.content(row, platform_of(asked).vault).get(field)
    if not isinstance(value, str) or not field.startswith("KZ_"):
        raise NotFound("there is no such picture")
    try:
        raw = base64.b64decode(value, validate=True)
        kind = check_photo(field, raw)
    except (ValueError, TrustError) as error:
        raise NotFound("there is no such picture") from error
    media = "image/jpeg" if kind == "jpg" else "image/png"
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"}
    return Response(raw, 200, headers, media)


@router.get(CASES + "/{key}/act/{name}")
def ask_for_act(me: Present, key: str, name: str) -> Response:
    require(me, STAFF)
    return _ask(me, key, _act(name))


def _act(name: str) -> LifeAct:
    if name not in ACTS:
        raise NotFound("there is no such act")
    return ACTS[name]


def _ask(
    me: SignedIn, key: str, act: LifeAct, *, error: TrustError | None = None,
    given: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    with me.provider.reading() as session:
        row = find(session, key, me)
        licence_type = type_registry.of(session, row.type_code, row.type_version)
    about = [
        ("证照类型", "Type", licence_type.name), ("申请编号", "Application", str(row.id)),
        ("录入人", "Entered by", row.entered_by),
    ]  # fmt: skip
    return ask(
        me, act, here=CASES, action=f"{CASES}/{row.id}/act/{act.name}",
        back=f"{CASES}/{row.id}", about=about, error=error, given=given,
    )  # fmt: skip


@router.post(CASES + "/{key}/act/{name}")
def do_act(me: Present, asked: Request, key: str, name: str, form: Posted) -> Response:
    check(me, form, STAFF)
    act = _act(name)
    with me.provider.reading() as session:
        found = find(session, key, me).id
    given = given_of(act, form)
    with refusing(me, f"application.{name}", subject=str(found), at=me.at) as refused:
        check_act(me, act, form)
        _do(me, asked, found, act, form, given, me.at)
    if not refused:
        return show.onward(me.visitor, f"{CASES}/{found}?done={name}")
    if act.asks or act.for_good:
        return _ask(me, key, act, error=refused[0], given=given)
    return _show(me, asked, key, error=refused[0])


def _do(
    me: SignedIn, asked: Request, key: UUID, act: LifeAct, form: Form, given: dict[str, str],
    at: datetime,
) -> None:  # fmt: skip
    if act.name == "issue":
        issue.issue(platform_of(asked).workshop(at=at), key, by=me.caller, at=at)
        return
    words: dict[str, Any] = dict(given)
    if act.name in ("check", "review", "approve", "consent"):
        # What was looked at is what is decided on.
        words["revision"] = _revision(form)
    with me.provider.sessions.begin() as session:
        _VERBS[act.name](session, key, by=me.caller, at=at, **words)


def _revision(form: Form) -> int | None:
    text = form.text("revision", cap=9)
    return int(text) if text.isascii() and text.isdigit() else None
