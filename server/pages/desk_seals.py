"""Seals on the desk: those one administers, one with its picture, life, certificates and grants,
and the acts that change it. The verbs of `seal` check again who may do what.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from ca.models import Certificate, Issuer
from seal import asn1, cancel, freeze, grants, ledger, life, remake
from seal.life_models import SealRequest, SealVersion
from seal.models import Seal, SealState
from seal.router import SealMakers
from server.pages import show
from server.pages.desk_frame import (
    CA_READERS,
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
    first,
    require,
)
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.crypto import x509
from trust.errors import NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_ADMINISTRATORS: Final = frozenset({Role.SEAL_ADMIN})
#: A picture is shown by <img>, where nothing in it runs; opened by itself nothing runs either.
_PICTURE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
}
_MADE: Final = frozenset(SealState) - life.ENDED
ACTS: Final = {
    act.name: act
    for act in (
        Act("freeze", ("冻结印章", "Freeze the seal"),
            ("立即停止使用，所有系统同时生效；可以解冻。以前的签章不受影响。",
             "It stops sealing at once, until it is released. What it sealed stays good.")),
        Act("unfreeze", ("解冻印章", "Release the seal"), ("恢复使用。", "It seals again.")),
        Act("remake", ("重新制作印章", "Make the seal anew"),
            ("编码和图样不变，换用新的密钥和证书；旧证书到期前仍可核验以前的签章。",
             "New keys and certificates under the same number; the old certificates stay until "
             "they end, for what was sealed before."), for_good=True),
        Act("cancel", ("注销印章", "Cancel the seal"),
            ("永久停止使用并吊销证书，不可恢复。以前的签章仍然有效。",
             "For good: it never seals again, its certificates are revoked. What it sealed before "
             "stays good."), for_good=True),
        Act("invalidate", ("标记印章无效", "Mark the seal invalid"),
            ("用于违规制作的印章：永久停止使用，其所有签章（包括以前的）不再可信，不可恢复。",
             "For a seal that was unlawfully made: nothing it ever sealed is believed any more. "
             "For good."), for_good=True),
    )
}  # fmt: skip
_ALLOWED: Final[dict[str, frozenset[SealState]]] = {
    "freeze": frozenset({SealState.ACTIVE}),
    "unfreeze": frozenset({SealState.FROZEN}),
    "remake": frozenset({SealState.ACTIVE, SealState.EXPIRED}),
    "cancel": _MADE,
    "invalidate": frozenset(SealState) - {SealState.INVALID},
}
_SIMPLE: Final[dict[str, Callable[..., Seal]]] = {
    "freeze": freeze.freeze, "unfreeze": freeze.unfreeze,
}  # fmt: skip
_ENDING: Final[dict[str, Callable[..., Seal]]] = {
    "cancel": cancel.cancel, "invalidate": cancel.invalidate,
}  # fmt: skip


@router.get("/desk/")
def show_first(me: Present) -> Response:
    return show.onward(me.visitor, first(me))


@router.get(SEALS)
def list_seals(
    me: Present, state: Annotated[str, Query(max_length=20)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=32)] = "",
) -> Response:  # fmt: skip
    """Newest first; those of the authority, to the region's own administrators all."""
    require(me, SEAL_READERS)
    query = select(Seal).order_by(Seal.made_at.desc(), Seal.es_id.desc()).limit(PAGE + 1)
    if me.caller.authority is not None:
        query = query.where(Seal.owner == me.caller.authority)
    if state in set(SealState):
        query = query.where(Seal.state == state)
    if q.strip():
        query = query.where(
            Seal.name.contains(q.strip(), autoescape=True) | (Seal.es_id == q.strip())
        )
    with me.provider.reading() as session:
        last = session.get(Seal, after) if after else None
        if last is not None:
            query = query.where(tuple_(Seal.made_at, Seal.es_id) < (last.made_at, last.es_id))
        rows = session.scalars(query).all()
        seals = [_row(row, me.at) for row in rows[:PAGE]]
    return desk_page(
        me, "desk_seals.html", here=SEALS, seals=seals, state=state, q=q, states=list(SealState),
        after=seals[-1]["es_id"] if len(rows) > PAGE else "",
    )  # fmt: skip


def _row(row: Seal, at: datetime) -> dict[str, Any]:
    return {
        "es_id": row.es_id, "name": row.name, "kind": str(row.kind), "owner_name": row.owner_name,
        "owner": row.owner, "state": str(life.present(row, at=at)), "valid_from": row.valid_from,
        "valid_until": row.valid_until, "made_by": row.made_by, "made_at": row.made_at,
    }  # fmt: skip


def find(session: Session, es_id: str, me: SignedIn) -> Seal:
    """A seal that the caller may look at; NotFound."""
    return life.find(session, es_id, by=me.caller, readers=ledger.READERS)


@router.get(SEALS + "/{es_id}/picture")
def show_picture(me: Present, es_id: str) -> Response:
    require(me, SEAL_READERS)
    with me.provider.reading() as session:
        picture = asn1.parse_seal(find(session, es_id, me).seal).info.picture
    return Response(picture, 200, _PICTURE_HEADERS, "image/svg+xml")


@router.get(SEALS + "/{es_id}")
def show_seal(me: Present, es_id: str, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    require(me, SEAL_READERS)
    with me.provider.reading() as session:
        row = find(session, es_id, me)
        info = asn1.parse_seal(row.seal).info
        seal = _row(row, me.at) | {"width": info.width, "height": info.height}
        history = [_step(step) for step in life.steps(session, seal=es_id)]
        certificates = _certificates(session, row)
        granted = len([each for each in grants.of_seal(session, es_id) if not each.revoked_at])
        request = session.scalar(select(SealRequest.id).where(SealRequest.es_id == es_id))
    return desk_page(
        me, "desk_seal.html", here=SEALS, done=done, seal=seal, steps=history, granted=granted,
        certificates=certificates, acts=_allowed(me, SealState(seal["state"])),
        application=f"{REQUESTS}/{request}" if request else "",
        may_read_certificates=not me.caller.roles.isdisjoint(CA_READERS),
    )  # fmt: skip


def _step(step: Any) -> dict[str, Any]:
    return {"state": step.state, "at": step.at, "by": step.by, "reason": step.reason}


def _certificates(session: Session, row: Seal) -> list[dict[str, Any]]:
    """Of the seal as it is and as it was before it was made anew, newest first."""
    versions = session.scalars(
        select(SealVersion)
        .where(SealVersion.es_id == row.es_id)
        .order_by(SealVersion.number.desc())
    ).all()
    found = []
    forms: list[Seal | SealVersion] = [row, *versions]
    for version in forms:
        for der in (version.sm2_certificate, version.rsa_certificate):
            parsed = x509.parse_certificate(der)
            registered = _registered(session, parsed)
            found.append({
                "kind": "SM2" if der == version.sm2_certificate else "RSA",
                "serial": f"{parsed.serial:x}", "not_after": parsed.not_after,
                "issuer": registered.issuer if registered else "",
                "state": str(registered.state) if registered else "",
                "current": version is row,
            })  # fmt: skip
    return found


def _registered(session: Session, parsed: x509.Certificate) -> Certificate | None:
    """Its row in the registry, by the index of issuers and serial numbers."""
    return session.scalar(
        select(Certificate).where(
            Certificate.issuer.in_(select(Issuer.name)),
            Certificate.serial == f"{parsed.serial:x}", Certificate.der == parsed.der,
        )
    )  # fmt: skip


def _allowed(me: SignedIn, state: SealState) -> list[Act]:
    """What this administrator may begin now; marking invalid is the region's."""
    if not me.caller.has(Role.SEAL_ADMIN):
        return []
    region = me.caller.authority is None
    return [
        act for name, act in ACTS.items()
        if state in _ALLOWED[name] and (region or name != "invalidate")
    ]  # fmt: skip


@router.get(SEALS + "/{es_id}/act/{name}")
def ask_for_act(me: Present, es_id: str, name: str) -> Response:
    require(me, _ADMINISTRATORS)
    return _ask(me, es_id, _act(name))


def _act(name: str) -> Act:
    if name not in ACTS:
        raise NotFound("there is no such act")
    return ACTS[name]


def _ask(
    me: SignedIn, es_id: str, act: Act, *, error: TrustError | None = None, reason: str = ""
) -> Response:
    with me.provider.reading() as session:
        row = find(session, es_id, me)
        about = [
            ("印章", "Seal", row.name), ("印章编码", "Number", es_id),
            ("所有者", "Owner", f"{row.owner_name} {row.owner}"),
        ]  # fmt: skip
    return ask(
        me, act, here=SEALS, action=f"{SEALS}/{es_id}/act/{act.name}", back=f"{SEALS}/{es_id}",
        about=about, error=error, reason=reason,
    )  # fmt: skip


@router.post(SEALS + "/{es_id}/act/{name}")
def do_act(me: Present, request: Request, es_id: str, name: str, form: Posted) -> Response:
    check(me, form, _ADMINISTRATORS)
    act = _act(name)
    with collecting_refusal() as refused:
        check_act(me, act, form)
        _change(me, request, es_id, act, form.text("reason", cap=2000))
    if refused:
        return _ask(me, es_id, act, error=refused[0], reason=form.text("reason", cap=2000))
    return show.onward(me.visitor, f"{SEALS}/{es_id}?done={act.name}")


def _change(me: SignedIn, request: Request, es_id: str, act: Act, reason: str) -> None:
    provider, keys = me.provider, request.app.state.keys
    if act.name == "remake":
        makers: SealMakers = request.app.state.seal_maker
        remake.remake(
            provider.sessions, es_id, reason=reason, maker=makers(at=me.at), keys=keys,
            by=me.caller, at=me.at,
        )  # fmt: skip
        return
    with provider.sessions.begin() as session:
        if act.name in _SIMPLE:
            _SIMPLE[act.name](session, es_id, reason=reason, by=me.caller, at=me.at)
        else:
            _ENDING[act.name](session, es_id, reason=reason, keys=keys, by=me.caller, at=me.at)
