"""Applications for seals on the desk: entered by an authority's people, decided on and made by its
seal administrators or the region's.
"""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from seal import decide, file, life, request
from seal.life_models import RequestState, SealRequest
from seal.models import SealKind, SealState
from seal.picture import Rank
from seal.request import Wanted
from seal.router import SealMakers
from seal.seal_kinds import LICENCE_PURPOSE, Size
from server.pages import show
from server.pages.desk_frame import (
    APPLICANTS,
    GUARDS,
    PAGE,
    REQUESTS,
    SEAL_READERS,
    SEALS,
    Act,
    ask,
    check,
    check_act,
    collecting_refusal,
    desk_page,
    require,
)
from server.pages.form import Form, Posted, PostedPicture
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.errors import Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_ALL: Final = APPLICANTS | SEAL_READERS
_ADMINISTRATORS: Final = frozenset({Role.SEAL_ADMIN})
_SIZES_MM: Final = (1.0, 100.0)
_FIELDS: Final = ("kind", "name", "rank", "number", "width", "height")
_ACTS: Final = {
    act.name: act
    for act in (
        Act("approve", ("批准申请", "Approve the application"),
            ("批准后由另一位管理员制作。", "Another administrator makes it then."),
            reason="may"),
        Act("refuse", ("不予批准", "Refuse the application"),
            ("申请到此结束；可以重新申请。", "It ends here; there may be another one.")),
        Act("make", ("制作并备案", "Make and file"),
            ("生成密钥和证书，制作印章，录入登记并启用。中断后可再次办理，会接着进行。",
             "Keys and certificates are made, the seal is entered in the register and put in "
             "force. Said again after a break it goes on where it stopped."),
            for_good=True, reason=""),
    )
}  # fmt: skip


@router.get(REQUESTS)
def list_requests(
    me: Present, state: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str, Query(max_length=36)] = "",
) -> Response:  # fmt: skip
    """Newest first: one's own; to administrators and auditors the authority's or the region's."""
    require(me, _ALL)
    newest = (SealRequest.applied_at.desc(), SealRequest.id.desc())
    query = select(SealRequest).order_by(*newest).limit(PAGE + 1)
    if me.caller.roles.isdisjoint(SEAL_READERS):
        query = query.where(SealRequest.applied_by == me.caller.account)
    elif me.caller.authority is not None:
        query = query.where(SealRequest.owner == me.caller.authority)
    if state in set(RequestState):
        query = query.where(SealRequest.state == state)
    with me.provider.reading() as session:
        if after:
            last = _find(session, after, me)
            query = query.where(
                tuple_(SealRequest.applied_at, SealRequest.id) < (last.applied_at, last.id)
            )
        rows = session.scalars(query).all()
        shown = [_row(row) for row in rows[:PAGE]]
    return desk_page(
        me, "desk_requests.html", here=REQUESTS, requests=shown, state=state,
        states=list(RequestState), may_apply=_may_apply(me),
        after=shown[-1]["id"] if len(rows) > PAGE else "",
    )  # fmt: skip


def _may_apply(me: SignedIn) -> bool:
    return me.caller.authority is not None and not me.caller.roles.isdisjoint(APPLICANTS)


def _find(session: Session, key: str, me: SignedIn) -> SealRequest:
    """An application that the caller may look at; NotFound."""
    try:
        row = life.find_request(session, UUID(key))
    except ValueError as error:
        raise NotFound("there is no such application") from error
    reads = not me.caller.roles.isdisjoint(SEAL_READERS)
    if row.applied_by == me.caller.account or (reads and me.caller.authority in (row.owner, None)):
        return row
    raise NotFound("there is no such application")


def _row(row: SealRequest) -> dict[str, Any]:
    return {
        "id": str(row.id), "name": row.name, "kind": str(row.kind), "state": str(row.state),
        "owner": row.owner, "owner_name": row.owner_name, "es_id": row.es_id, "drawn": row.drawn,
        "width": row.width_mm, "height": row.height_mm, "applied_by": row.applied_by,
        "applied_at": row.applied_at, "decided_by": row.decided_by, "decided_at": row.decided_at,
    }  # fmt: skip


@router.get(REQUESTS + "/new")
def show_new(me: Present, asked: Request) -> Response:
    require(me, APPLICANTS)
    return _form_page(me, asked, dict.fromkeys(_FIELDS, ""))


def _form_page(
    me: SignedIn, asked: Request, values: dict[str, str], error: TrustError | None = None
) -> Response:
    authority = me.caller.authority
    if authority is None:
        raise NotFound("only the people of an authority apply for its seals")
    return desk_page(
        me, "desk_request_new.html", here=REQUESTS, values=values, error=error,
        owner_name=asked.app.state.owner_name(authority), owner=authority, purpose=LICENCE_PURPOSE,
    )  # fmt: skip


@router.post(REQUESTS + "/new")
def apply(me: Present, asked: Request, form: PostedPicture) -> Response:
    check(me, form, APPLICANTS)
    with collecting_refusal() as refused:
        owner = me.caller.authority or ""
        owner_name: str = asked.app.state.owner_name(owner)
        wanted = _wanted(form, owner_name)
        with me.provider.sessions.begin() as session:
            key = request.request(
                session, wanted, owner=owner, owner_name=owner_name, by=me.caller, at=me.at,
                fallback=asked.app.state.fallback_font,
            ).id  # fmt: skip
    if refused:
        values = {name: form.texts.get(name, "")[:200] for name in _FIELDS}
        return _form_page(me, asked, values, refused[0])
    return show.onward(me.visitor, f"{REQUESTS}/{key}?done=applied")


def _wanted(form: Form, owner_name: str) -> Wanted:
    """What was filled in; an empty name is the one that the rules give."""
    kind = _kind(form.text("kind"))
    rank = None if kind is SealKind.PERSONAL else _rank(form.text("rank"))
    if kind in (SealKind.LICENCE, SealKind.SPECIAL):
        rank = Rank.SPECIAL
    given = {SealKind.STATUTORY: owner_name, SealKind.LICENCE: owner_name + LICENCE_PURPOSE}
    name = form.text("name", cap=100) or given.get(kind, "")
    uploaded = form.file("picture") or None
    sized = kind is SealKind.PERSONAL and uploaded is not None
    size = Size(_mm(form, "width"), _mm(form, "height")) if sized else None
    return Wanted(kind, name, rank, form.text("number", cap=18).upper(), uploaded, size)


def _kind(text: str) -> SealKind:
    try:
        return SealKind(text)
    except ValueError as error:
        raise Invalid("choose a kind of seal") from error


def _rank(text: str) -> Rank | None:
    try:
        return Rank(text) if text else None
    except ValueError as error:
        raise Invalid("choose a rank") from error


def _mm(form: Form, name: str) -> float:
    try:
        found = float(form.text(name, cap=8))
    except ValueError as error:
        raise Invalid("the size is two numbers of millimetres") from error
    least, most = _SIZES_MM
    if not least <= found <= most:  # NaN too
        raise Invalid(f"a side has {least:g} to {most:g} mm")
    return found


@router.get(REQUESTS + "/{key}/picture")
def show_picture(me: Present, key: str) -> Response:
    require(me, _ALL)
    with me.provider.reading() as session:
        picture = _find(session, key, me).picture
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"}
    return Response(picture, 200, headers, "image/svg+xml")


@router.get(REQUESTS + "/{key}")
def show_request(
    me: Present, key: str, done: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    require(me, _ALL)
    with me.provider.reading() as session:
        row = _find(session, key, me)
        shown, names = _row(row), _allowed(session, row, me)
        steps = [
            {"state": step.state, "at": step.at, "by": step.by, "reason": step.reason}
            for step in life.steps(session, request=row.id)
        ]  # fmt: skip
    readable = not me.caller.roles.isdisjoint(SEAL_READERS)
    return desk_page(
        me, "desk_request.html", here=REQUESTS, done=done, request=shown, steps=steps,
        acts=[_ACTS[name] for name in names], seal=f"{SEALS}/{row.es_id}" if readable else "",
    )  # fmt: skip


def _allowed(session: Session, row: SealRequest, me: SignedIn) -> list[str]:
    """What this administrator may begin now. Nobody decides on an application of their own, and
    who applied or decided does not make."""
    by = me.caller
    if not by.has(Role.SEAL_ADMIN) or by.account == row.applied_by:
        return []
    if row.state == RequestState.APPLIED:
        return ["approve", "refuse"]
    if by.account == row.decided_by or row.state not in (RequestState.APPROVED, RequestState.MADE):
        return []
    made = life.find(session, row.es_id, by=by).state if row.es_id else SealState.MADE
    return ["make"] if made in (SealState.MADE, SealState.FILED) else []


@router.get(REQUESTS + "/{key}/act/{name}")
def ask_for_act(me: Present, key: str, name: str) -> Response:
    require(me, _ADMINISTRATORS)
    return _ask(me, key, _act(name))


def _act(name: str) -> Act:
    if name not in _ACTS:
        raise NotFound("there is no such act")
    return _ACTS[name]


def _ask(
    me: SignedIn, key: str, act: Act, *, error: TrustError | None = None, reason: str = ""
) -> Response:
    with me.provider.reading() as session:
        row = _find(session, key, me)
        about = [
            ("印章", "Seal", row.name), ("申请人", "Applied by", row.applied_by),
            ("所有者", "Owner", f"{row.owner_name} {row.owner}"),
        ]  # fmt: skip
    return ask(
        me, act, here=REQUESTS, action=f"{REQUESTS}/{key}/act/{act.name}",
        back=f"{REQUESTS}/{key}", about=about, error=error, reason=reason,
    )  # fmt: skip


@router.post(REQUESTS + "/{key}/act/{name}")
def do_act(me: Present, asked: Request, key: str, name: str, form: Posted) -> Response:
    check(me, form, _ADMINISTRATORS)
    act = _act(name)
    with me.provider.reading() as session:
        found = _find(session, key, me).id
    with collecting_refusal() as refused:
        check_act(me, act, form)
        _do(me, asked, found, act, form.text("reason", cap=2000))
    if refused:
        return _ask(me, key, act, error=refused[0], reason=form.text("reason", cap=2000))
    return show.onward(me.visitor, f"{REQUESTS}/{key}?done={act.name}")


def _do(me: SignedIn, asked: Request, key: UUID, act: Act, reason: str) -> None:
    provider = me.provider
    if act.name == "make":
        makers: SealMakers = asked.app.state.seal_maker
        file.make_and_file(
            provider.sessions, key, maker=makers(at=me.at), keys=asked.app.state.keys,
            by=me.caller, at=me.at,
        )  # fmt: skip
        return
    verb = decide.approve if act.name == "approve" else decide.refuse
    with provider.sessions.begin() as session:
        verb(session, key, reason=reason, by=me.caller, at=me.at)
