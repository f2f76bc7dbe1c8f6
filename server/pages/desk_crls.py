"""CAs and their CRLs on the desk: how each stands, and the next CRL at once."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import crl, issuers
from ca.models import Crl, Issuer, OutsideAuthority
from server.pages import show
from server.pages.desk_frame import (
    CA_READERS,
    CRLS,
    GUARDS,
    check,
    collecting_refusal,
    desk_page,
    require,
)
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.crypto import x509
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_ADMINISTRATORS: Final = frozenset({Role.CA_ADMIN})


@router.get(CRLS)
def list_crls(me: Present, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    require(me, CA_READERS)
    return _crls_page(me, done=done)


def _crls_page(me: SignedIn, *, error: TrustError | None = None, done: str = "") -> Response:
    with me.provider.reading() as session:
        rows = [
            _authority(session, row, me.at)
            for row in session.scalars(select(Issuer).order_by(Issuer.name))
        ]
    return desk_page(
        me, "desk_crls.html", here=CRLS, done=done, error=error, authorities=rows,
        may_publish=me.caller.has(Role.CA_ADMIN),
    )  # fmt: skip


def _authority(session: Session, row: Issuer, at: datetime) -> dict[str, Any]:
    """A CA with its newest CRL; its entries are not counted: there may be a million."""
    newest = session.execute(
        select(Crl.number, Crl.this_update, Crl.next_update)
        .where(Crl.issuer == row.name, Crl.shard.is_(None))
        .order_by(Crl.number.desc())
        .limit(1)
    ).one_or_none()
    outside = session.get(OutsideAuthority, row.name)
    return {
        "name": row.name, "parent": row.parent, "outside": row.outside, "algorithm": row.algorithm,
        "signs": row.signs and issuers.stands(session, row),
        "ends": x509.parse_certificate(row.certificate).not_after,
        "number": newest.number if newest else None,
        "this_update": newest.this_update if newest else None,
        "next_update": newest.next_update if newest else None,
        "late": newest is not None and newest.next_update <= at,
        "problem": outside.problem if outside else "",
    }  # fmt: skip


@router.post(CRLS)
def publish_crl(me: Present, request: Request, form: Posted) -> Response:
    check(me, form, _ADMINISTRATORS)
    issuer = form.text("issuer", cap=64)
    with collecting_refusal() as refused, me.provider.sessions.begin() as session:
        if not issuers.find(session, issuer).signs:
            raise issuers.CannotSign(f"{issuer} signs no CRLs here")
        crl.publish(session, issuer, keys=request.app.state.keys, by=me.caller, at=me.at)
    if refused:
        return _crls_page(me, error=refused[0])
    return show.onward(me.visitor, f"{CRLS}?done=crl")
