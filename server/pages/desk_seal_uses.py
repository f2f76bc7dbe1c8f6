"""Uses of seals on the desk: who may (grants), and what wants a second person's word."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from seal import confirm, grants, life
from seal.grant_models import SealGrant, SealUseRequest, UseState
from seal.grants import Terms
from seal.ledger import Use
from seal.models import Seal, SealState
from server.pages import show
from server.pages.desk_frame import (
    CONFIRMERS,
    GUARDS,
    SEAL_READERS,
    SEALS,
    USES,
    check,
    collecting_refusal,
    desk_page,
    require,
)
from server.pages.desk_ledger import day
from server.pages.desk_seals import find
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.errors import Invalid, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_ADMINISTRATORS: Final = frozenset({Role.SEAL_ADMIN})
#: Roles at an owner that uses of its seals go by.
_USERS: Final = (Role.APPROVER, Role.CLERK, Role.OFFICE)
_GRANT_FIELDS: Final = (
    "account", "role", "system", "type_code", "item", "valid_from", "valid_until", "ceiling",
    "second_person",
)  # fmt: skip
#: More than so many seals are found by their number.
_CHOICES: Final = 200


# --- grants --------------------------------------------------------------------------------------


@router.get(SEALS + "/{es_id}/grants")
def show_grants(
    me: Present, es_id: str, done: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    require(me, SEAL_READERS)
    return _grants_page(me, es_id, dict.fromkeys(_GRANT_FIELDS, ""), done=done)


def _grants_page(
    me: SignedIn, es_id: str, values: Mapping[str, str], *, error: TrustError | None = None,
    done: str = "",
) -> Response:  # fmt: skip
    with me.provider.reading() as session:
        row = find(session, es_id, me)
        name, ended = row.name, row.state in life.ENDED
        rows = [_grant(session, each, me.at) for each in grants.of_seal(session, es_id)]
    may = me.caller.has(Role.SEAL_ADMIN)
    return desk_page(
        me, "desk_grants.html", here=SEALS, done=done, error=error, values=values, es_id=es_id,
        name=name, grants=rows, may_grant=may and not ended, may_revoke=may,
        roles=[str(role) for role in _USERS],
    )  # fmt: skip


def _grant(session: Session, row: SealGrant, at: datetime) -> dict[str, Any]:
    over = row.valid_until is not None and row.valid_until < at
    state = "revoked" if row.revoked_at else "over" if over else "good"
    return {
        "id": str(row.id), "account": row.account, "role": row.role, "system": row.system,
        "type_code": row.type_code, "item": row.item, "valid_from": row.valid_from,
        "valid_until": row.valid_until, "ceiling": row.ceiling, "second": row.second_person,
        "by": row.granted_by, "revoked_by": row.revoked_by, "revoked_at": row.revoked_at,
        "state": state,
        "used": grants.used(session, row.id, at=at) if row.ceiling is not None else None,
    }  # fmt: skip


@router.post(SEALS + "/{es_id}/grants")
def add_grant(me: Present, es_id: str, form: Posted) -> Response:
    check(me, form, _ADMINISTRATORS)
    with collecting_refusal() as refused:
        terms = _terms(form)
        with me.provider.sessions.begin() as session:
            grants.grant(session, es_id, terms, by=me.caller, at=me.at)
    if refused:
        values = {name: form.texts.get(name, "")[:200] for name in _GRANT_FIELDS}
        return _grants_page(me, es_id, values, error=refused[0])
    return show.onward(me.visitor, f"{SEALS}/{es_id}/grants?done=granted")


def _terms(form: Form) -> Terms:
    role = form.text("role")
    if role and role not in _USERS:
        raise Invalid("no such role uses seals")
    ceiling = form.text("ceiling", cap=8)
    if ceiling and not (ceiling.isascii() and ceiling.isdigit()):
        raise Invalid("a daily ceiling is a number")
    until = day(form.text("valid_until"))
    return Terms(
        account=form.text("account") or None, role=Role(role) if role else None,
        system=form.text("system") or None, type_code=form.text("type_code") or None,
        item=form.text("item") or None, valid_from=day(form.text("valid_from")),
        valid_until=until + timedelta(days=1) if until else None,
        ceiling=int(ceiling) if ceiling else None,
        second_person=form.text("second_person") == "yes",
    )  # fmt: skip


@router.post(SEALS + "/{es_id}/grants/{key}/revocation")
def revoke_grant(me: Present, es_id: str, key: UUID, form: Posted) -> Response:
    check(me, form, _ADMINISTRATORS)
    with collecting_refusal() as refused, me.provider.sessions.begin() as session:
        grants.revoke(session, key, by=me.caller, at=me.at)
    if refused:
        return _grants_page(me, es_id, dict.fromkeys(_GRANT_FIELDS, ""), error=refused[0])
    return show.onward(me.visitor, f"{SEALS}/{es_id}/grants?done=taken-back")


# --- uses that want a second person --------------------------------------------------------------


@router.get(USES)
def show_uses(me: Present, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    require(me, CONFIRMERS)
    return _uses_page(me, done=done)


def _uses_page(
    me: SignedIn, *, error: TrustError | None = None, done: str = "",
    values: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    owner = me.caller.authority or ""
    with me.provider.reading() as session:
        waiting = [_use(session, row) for row in confirm.waiting(session, owner)]
        own = session.scalars(
            select(SealUseRequest)
            .where(
                SealUseRequest.asked_by == me.caller.account,
                SealUseRequest.state != UseState.ASKED,
            )
            .order_by(SealUseRequest.asked_at.desc())
            .limit(20)
        ).all()
        mine = [_use(session, row) for row in own]
        seals = session.execute(
            select(Seal.es_id, Seal.name)
            .where(Seal.owner == owner, Seal.state == SealState.ACTIVE)
            .order_by(Seal.name, Seal.es_id)
            .limit(_CHOICES)
        ).all()
    return desk_page(
        me, "desk_uses.html", here=USES, error=error, done=done, waiting=waiting, mine=mine,
        seals=[tuple(row) for row in seals], account=me.caller.account,
        values=values or dict.fromkeys(("seal", "type_code", "case", "document"), ""),
    )  # fmt: skip


def _use(session: Session, row: SealUseRequest) -> dict[str, Any]:
    seal = session.get(Seal, row.seal)
    return {
        "id": str(row.id), "seal": row.seal, "name": seal.name if seal else "", "case": row.case,
        "document": row.document, "state": str(row.state), "by": row.asked_by, "at": row.asked_at,
        "confirmed_by": row.confirmed_by, "good_until": row.good_until,
    }  # fmt: skip


@router.post(USES)
def ask_for_use(me: Present, form: Posted) -> Response:
    check(me, form, CONFIRMERS)
    given = {name: form.text(name) for name in ("seal", "type_code", "case", "document")}
    with collecting_refusal() as refused:
        if not given["case"]:
            raise Invalid("a use is for a case")
        use = Use(given["seal"], given["type_code"], given["case"], given["document"])
        with me.provider.sessions.begin() as session:
            confirm.ask(session, use, by=me.caller, at=me.at)
    if refused:
        return _uses_page(me, error=refused[0], values=given)
    return show.onward(me.visitor, f"{USES}?done=asked")


@router.post(USES + "/{key}/confirmation")
def confirm_use(me: Present, key: UUID, form: Posted) -> Response:
    check(me, form, CONFIRMERS)
    with collecting_refusal() as refused, me.provider.sessions.begin() as session:
        confirm.confirm(session, key, by=me.caller, at=me.at)
    if refused:
        return _uses_page(me, error=refused[0])
    return show.onward(me.visitor, f"{USES}?done=confirmed")
