"""Issued licences on the desk: found by number, holder or the number on paper; one licence with its
history; its state changed with legal basis and reason."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from certificates import licence_shown, search, states
from certificates import purpose as purposes
from certificates.applications.router_doors import of_authority
from certificates.models import Authority, Licence, LicenceState
from certificates.purpose import BadPurpose
from certificates.search import Found
from certificates.states import Cause
from server.pages import life_words, show
from server.pages.desk_frame import GUARDS, LICENCES, PAGE, check, require
from server.pages.form import Posted
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
from trust.access import Role
from trust.audit_queue import AuditQueue
from trust.errors import Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_ABSENT: Final = "没有这份证照 / no such licence here"
_BOTH: Final = ("basis", "reason")
_NEEDED: Final = frozenset(_BOTH)
ACTS: Final = {
    act.name: act
    for act in (
        LifeAct("suspend", ("暂扣", "Suspend"),
                ("立即生效：核验即显示暂扣。可恢复。",
                 "At once: whoever verifies it is told so. It can be resumed."),
                _BOTH, _NEEDED, quiet=True),
        LifeAct("resume", ("恢复", "Resume"),
                ("证照恢复有效。", "The licence is active again."), _BOTH, _NEEDED),
        LifeAct("cancel", ("注销", "Cancel"),
                ("不可恢复。错发的证照注销后可重新申请。",
                 "For good. What was issued in error may be applied for anew."),
                (*_BOTH, "cause"), _NEEDED | {"cause"}, for_good=True, quiet=True),
        LifeAct("revoke", ("吊销", "Revoke"),
                ("行政处罚，不可恢复。", "A penalty, for good."), _BOTH, _NEEDED, for_good=True,
                quiet=True),
        LifeAct("rescind", ("撤销", "Rescind"),
                ("不应准予的证照，自始无效，不可恢复。",
                 "It ought never to have been granted; for good."),
                _BOTH, _NEEDED, for_good=True, quiet=True),
        LifeAct("transfer_out", ("转出", "Transfer out"),
                ("转往另一地区，由其核验后另发证照；不可恢复。",
                 "Another region verifies it and issues the one that follows; for good."),
                _BOTH, _NEEDED, for_good=True, quiet=True),
    )
}  # fmt: skip
_VERBS: Final[dict[str, Callable[..., Licence]]] = {
    "suspend": states.suspend, "resume": states.resume, "cancel": states.cancel,
    "revoke": states.revoke, "rescind": states.rescind, "transfer_out": states.transfer_out,
}  # fmt: skip
_HOW: Final = ("number", "holder", "paper_number")


@router.get(LICENCES)
def show_search(me: Present) -> Response:
    require(me, STAFF)
    return _page(me, None)


def _page(
    me: SignedIn, rows: list[Found] | None, *, how: str = "number", purpose: str = "",
    error: TrustError | None = None,
) -> Response:  # fmt: skip
    shown = []
    with me.provider.reading() as session:
        for each in rows or []:
            licence_type = licence_shown.type_of(session, each)
            number = licence_shown.number(licence_type, each.number)
            shown.append((each, licence_type.name, number))
    return life_page(
        me, "desk_licences.html", here=LICENCES, rows=None if rows is None else shown, how=how,
        purpose=purpose, error=error,
    )  # fmt: skip


@router.post(LICENCES)
def find_licences(me: Present, asked: Request, form: Posted) -> Response:
    """By POST: what is searched for is a person's number, and has no place in an address."""
    check(me, form, STAFF)
    how, text = form.text("how", cap=20), form.text("text", cap=128)
    purpose = form.text("purpose", cap=200)
    if how not in _HOW or not text or not purpose or not purpose.isprintable():
        error = Invalid("须填写查找内容和用途 / fill in what is searched for, and what for")
        return _page(me, None, purpose=purpose, error=error)
    try:
        purpose = purposes.purpose(purpose).cause
    except BadPurpose as error:
        return _page(me, None, how=how, error=error)
    with me.provider.reading() as session:
        rows = _search(session, asked, how, text, me.caller.authority or "")
    queue: AuditQueue = asked.app.state.audit
    queue.record(
        "licence.searched", subject=me.caller.authority or "none", by=me.caller, at=me.at,
        details={"by": how, "purpose": purpose, "found": len(rows)},
    )  # fmt: skip
    return _page(me, rows, how=how, purpose=purpose)


def _search(session: Session, asked: Request, how: str, text: str, authority: str) -> list[Found]:
    if how == "holder":
        vault = platform_of(asked).vault
        return search.by_holder(session, vault, text, limit=PAGE, authority=authority)
    if how == "number":
        return search.by_number(session, text, limit=PAGE, authority=authority)
    return search.by_paper_number(session, text, limit=PAGE, authority=authority)


def find(session: Session, identifier: str, me: SignedIn) -> Licence:
    """A licence that the caller's authority issued, alone or with others; NotFound."""
    return of_authority(session.get(Licence, identifier[:200]), me.caller, _ABSENT)


@router.get(LICENCES + "/{identifier}")
def show_licence(
    me: Present, asked: Request, identifier: str,
    done: Annotated[str, Query(max_length=40)] = "",
) -> Response:  # fmt: skip
    """As registered, the holder masked; the look is audited."""
    require(me, STAFF)
    with me.provider.reading() as session:
        row = find(session, identifier, me)
        licence_type = licence_shown.type_of(session, row)
        changes = states.history(session, row.identifier)
        followed = search.by_previous(session, row.identifier)
        owners = [session.get_one(Authority, code).name for code in (row.authority, *row.joint)]
        ours = row.previous is not None and session.get(Licence, row.previous) is not None
    queue: AuditQueue = asked.app.state.audit
    queue.record("licence.looked_at", subject=row.identifier, by=me.caller, at=me.at)
    return life_page(
        me, "desk_licence.html", here=LICENCES, done=done, row=row, licence_type=licence_type,
        number=licence_shown.number(licence_type, row.number), changes=changes,
        followed=followed, owners=owners, acts=_allowed(row, me), previous_is_ours=ours,
    )  # fmt: skip


def _allowed(row: Licence, me: SignedIn) -> list[LifeAct]:
    """What this person may begin now; the verb decides again."""
    if not me.caller.has(Role.APPROVER) or me.caller.authority != row.authority:
        return []
    if row.state == LicenceState.ACTIVE:
        names = ["suspend", "cancel", "revoke", "rescind", "transfer_out"]
    elif row.state == LicenceState.SUSPENDED:
        names = ["resume", "cancel", "revoke", "rescind"]
    else:
        names = []
    return [ACTS[name] for name in names]


@router.get(LICENCES + "/{identifier}/file")
def read_file(me: Present, asked: Request, identifier: str) -> Response:
    """The sealed file; every look is audited."""
    require(me, STAFF)
    with me.provider.reading() as session:
        row = find(session, identifier, me)
    pdf = platform_of(asked).store.get(row.identifier)
    queue: AuditQueue = asked.app.state.audit
    queue.record("licence.read", subject=row.identifier, by=me.caller, at=me.at)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{row.identifier}.pdf"',
    }
    return Response(pdf, 200, headers, "application/pdf")


@router.get(LICENCES + "/{identifier}/act/{name}")
def ask_for_act(me: Present, identifier: str, name: str) -> Response:
    require(me, STAFF)
    return _ask(me, identifier, _act(name))


def _act(name: str) -> LifeAct:
    if name not in ACTS:
        raise NotFound("there is no such act")
    return ACTS[name]


def _ask(
    me: SignedIn, identifier: str, act: LifeAct, *, error: TrustError | None = None,
    given: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    with me.provider.reading() as session:
        row = find(session, identifier, me)
        licence_type = licence_shown.type_of(session, row)
    about = [
        (
            "证照",
            "Licence",
            f"{licence_type.name} {licence_shown.number(licence_type, row.number)}",
        ),
        ("持证主体", "Holder", row.holder_public),
        ("状态", "State", " ".join(life_words.state(row.state)[:2])),
    ]
    return ask(
        me, act, here=LICENCES, action=f"{LICENCES}/{row.identifier}/act/{act.name}",
        back=f"{LICENCES}/{row.identifier}", about=about, error=error, given=given,
    )  # fmt: skip


@router.post(LICENCES + "/{identifier}/act/{name}")
def do_act(me: Present, asked: Request, identifier: str, name: str, form: Posted) -> Response:
    check(me, form, STAFF)
    act = _act(name)
    with me.provider.reading() as session:
        found = find(session, identifier, me).identifier
    given = given_of(act, form)
    with refusing(me, f"licence.{name}", subject=found, at=me.at) as refused:
        check_act(me, act, form)
        words = {key: given[key] for key in _BOTH}
        more = {"cause": _cause(given["cause"])} if "cause" in act.asks else {}
        with me.provider.sessions.begin() as session:
            _VERBS[name](
                session, found, by=me.caller, at=me.at, vault=platform_of(asked).vault,
                **words, **more,
            )  # fmt: skip
    if refused:
        return _ask(me, found, act, error=refused[0], given=given)
    return show.onward(me.visitor, f"{LICENCES}/{found}?done={name}")


def _cause(text: str) -> Cause:
    try:
        return Cause(text)
    except ValueError as error:
        raise Invalid("须选择注销原因 / choose why it is cancelled") from error
