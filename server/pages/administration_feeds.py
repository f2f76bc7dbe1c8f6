"""Administration of webhooks: receivers, their queues, dead letters with a second chance."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import func, select

from certificates.feeds import outbox, webhooks, webhooks_replay
from certificates.feeds.webhooks import Subscribed, Wanted
from certificates.feeds.webhooks_models import WebhookDelivery
from certificates.feeds.webhooks_signature import SignatureKind
from server.pages import feed_words, identity_words
from server.pages.administration import admin_page, check, require
from server.pages.desk_frame import GUARDS
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.errors import Invalid, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

HERE: Final = "/admin/feeds"
Key = Annotated[str, Query(max_length=32)]


@router.get(HERE)
def list_feeds(me: Present) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    with me.provider.reading() as session:
        counted = session.execute(
            select(WebhookDelivery.subscription, WebhookDelivery.state, func.count())
            .where(WebhookDelivery.state != outbox.DELIVERED)
            .group_by(WebhookDelivery.subscription, WebhookDelivery.state)
        ).all()
        totals = {(key, state): total for key, state, total in counted}
        rows = [
            {"row": row, "waiting": totals.get((row.id, outbox.WAITING), 0),
             "dead": totals.get((row.id, outbox.DEAD), 0)}
            for row in webhooks.every(session)
        ]  # fmt: skip
    return admin_page(me, "admin_feeds.html", here=HERE, feeds=rows)


@router.get("/admin/feed/new")
def show_new(me: Present) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    return _form(me, {})


@router.get("/admin/feed")
def show_feed(
    me: Present, id: Key, state: Annotated[str, Query(pattern="^(|waiting|delivered|dead)$")] = "",
    before: Annotated[int, Query(ge=1, le=webhooks.NEWEST)] = webhooks.NEWEST,
) -> Response:  # fmt: skip
    require(me, Role.SYSTEM_ADMIN)
    return _feed_page(me, id, state=state, before=before)


def _feed_page(
    me: SignedIn, key: str, *, state: str = "", before: int = webhooks.NEWEST, **values: Any
) -> Response:
    with me.provider.reading() as session:
        row = webhooks.find(session, key)
        messages = webhooks.deliveries(session, key, state=state, before=before)
    older = messages[-1].event if len(messages) == webhooks.PAGE else 0
    return admin_page(
        me, "admin_feed.html", here=HERE, feed=row, messages=messages, state=state, older=older,
        words=feed_words, **({"secret": None} | values),
    )  # fmt: skip


def _form(me: SignedIn, values: dict[str, str], **more: Any) -> Response:
    empty = dict.fromkeys(
        ("name", "url", "types", *(f"kind.{kind}" for kind in webhooks.KINDS)), ""
    )
    return admin_page(
        me, "admin_feed_form.html", here=HERE, values=empty | {"signature": "sha256"} | values,
        kinds=[(kind, *feed_words.KINDS[kind]) for kind in webhooks.KINDS], **more,
    )  # fmt: skip


@router.post("/admin/feed/new")
def add_feed(me: Present, form: Posted, request: Request) -> Response:
    check(me, form)
    try:
        wanted = _wanted(form)
        with me.provider.sessions.begin() as session:
            made = webhooks.subscribe(
                session, wanted, vault=me.provider.vault, by=me.caller, at=me.at,
                allow_private=request.app.state.allow_private_callbacks,
            )  # fmt: skip
    except TrustError as error:
        return _form(me, dict(form.texts), trouble=identity_words.refusal(error))
    return _with_secret(me, made)


def _wanted(form: Form) -> Wanted:
    kinds = tuple(kind for kind in webhooks.KINDS if form.text(f"kind.{kind}"))
    types = tuple(form.text("types", cap=5000).split())
    signature = form.text("signature") or "sha256"
    if signature not in set(SignatureKind):
        raise Invalid("没有这种签名 / there is no such signature")
    return Wanted(
        form.text("name", cap=200), form.text("url", cap=2100), kinds, types,
        SignatureKind(signature),
    )  # fmt: skip


def _with_secret(me: SignedIn, made: Subscribed) -> Response:
    return _feed_page(me, made.id, secret=made.secret)


@router.post("/admin/feed/secret")
def rotate_secret(me: Present, form: Posted) -> Response:
    check(me, form)
    with me.provider.sessions.begin() as session:
        made = webhooks.rotate(session, _key(form), vault=me.provider.vault, by=me.caller, at=me.at)
    return _with_secret(me, made)


@router.post("/admin/feed/switch")
def switch_feed(me: Present, form: Posted) -> Response:
    """Paused, or sending again: the form says which."""
    check(me, form)
    switch = webhooks.resume if form.text("active") == "yes" else webhooks.pause
    with me.provider.sessions.begin() as session:
        switch(session, _key(form), by=me.caller, at=me.at)
    return _feed_page(me, _key(form), done=("已保存。", "Saved."))


@router.post("/admin/feed/retry")
def retry(me: Present, form: Posted) -> Response:
    """One dead letter, or all of them."""
    check(me, form)
    key, one = _key(form), form.text("delivery", cap=15)
    with me.provider.sessions.begin() as session:
        if one.isascii() and one.isdigit():
            webhooks.retry(session, int(one), by=me.caller, at=me.at)
            number = 1
        else:
            number = webhooks.retry_all(session, key, by=me.caller, at=me.at)
    done = (f"{number} 条消息已重新排队。", f"{number} messages are queued again.")
    return _feed_page(me, key, done=done)


@router.post("/admin/feed/replay")
def replay(me: Present, form: Posted) -> Response:
    check(me, form)
    key, first = _key(form), form.text("first", cap=15)
    try:
        if not (first.isascii() and first.isdigit()):
            raise Invalid("请填事件序号 / give the sequence of an event")
        with me.provider.sessions.begin() as session:
            number = webhooks_replay.replay(session, key, first=int(first), by=me.caller, at=me.at)
    except Invalid as error:
        return _feed_page(me, key, trouble=identity_words.refusal(error))
    done = (f"{number} 条消息将重发。", f"{number} messages will be sent again.")
    return _feed_page(me, key, done=done)


@router.post("/admin/feed/remove")
def remove(me: Present, form: Posted) -> Response:
    check(me, form)
    if form.text("understood") != "yes":
        trouble = ("请先勾选确认。", "Tick the box first.")
        return _feed_page(me, _key(form), trouble=trouble)
    with me.provider.sessions.begin() as session:
        webhooks.remove(session, _key(form), by=me.caller, at=me.at)
    return list_feeds(me)


def _key(form: Form) -> str:
    return form.text("id", cap=32)
