"""Complaints of holders (异议) at the issuer's desk."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from certificates.applications.refusals import recording_refusals
from certificates.wallet import disputes
from certificates.wallet.holder_models import DisputeState
from server.pages import show, wallet_words
from server.pages.desk_frame import DISPUTES, GUARDS, check, desk_page, require
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from server.pages.wallet_frame import collecting_refusal
from trust.errors import Invalid, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)
_DECISIONS = {"accepted": DisputeState.ACCEPTED, "refused": DisputeState.REFUSED}


@router.get(DISPUTES)
def show_disputes(me: Present, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    require(me, disputes.DESK)
    return _page(me, done=done)


def _page(me: SignedIn, *, error: TrustError | None = None, done: str = "") -> Response:
    with me.provider.reading() as session:
        found = disputes.of_authority(session, me.provider.vault, by=me.caller)
    return desk_page(
        me, "desk_disputes.html", here=DISPUTES, error=error, found=found, states=wallet_words,
        finished=wallet_words.DONE.get(done[:40]),
    )  # fmt: skip


@router.post(DISPUTES + "/{key}/decision")
def decide(me: Present, key: UUID, form: Posted) -> Response:
    check(me, form, disputes.DESK)
    sessions, by, at = me.provider.sessions, me.caller, me.at
    noting = recording_refusals(sessions, "dispute.decide", subject=str(key), by=by, at=at)
    with collecting_refusal() as refused, noting:
        state = _DECISIONS.get(form.text("decision"))
        if state is None:
            raise Invalid("a complaint is accepted or refused")
        with sessions.begin() as session:
            disputes.decide(
                session, me.provider.vault, key, state, form.text("answer", cap=2000), by=by, at=at
            )
    if refused:
        return _page(me, error=refused[0])
    return show.onward(me.visitor, f"{DISPUTES}?done=answered")


@router.post(DISPUTES + "/{key}/resolution")
def resolve(me: Present, key: UUID, form: Posted) -> Response:
    check(me, form, disputes.DESK)
    sessions, by, at = me.provider.sessions, me.caller, me.at
    noting = recording_refusals(sessions, "dispute.resolve", subject=str(key), by=by, at=at)
    with collecting_refusal() as refused, noting, sessions.begin() as session:
        disputes.resolve(session, key, reissued=form.text("licence"), by=by, at=at)
    if refused:
        return _page(me, error=refused[0])
    return show.onward(me.visitor, f"{DISPUTES}?done=resolved")
