"""Administration of the catalogue's report upward, and the counters for assessment."""

from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from certificates.feeds import reporting, reporting_counts
from certificates.feeds.reporting_models import ReportBatch, ReportRow, ReportSource, RowState
from server import reporting as configured
from server.pages import feed_words, identity_words
from server.pages.administration import admin_page, check, require
from server.pages.desk_frame import GUARDS
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.clock import CHINA
from trust.errors import Invalid, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

HERE: Final = "/admin/reporting"
COUNTERS: Final = "/admin/counters"
_ROWS: Final = 200
_BATCHES: Final = 50


@router.get(HERE)
def show_reporting(me: Present, request: Request) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    return _page(me, request)


def _page(me: SignedIn, request: Request, **values: Any) -> Response:
    """Where reports go, rows by state, the last comparison, rejected rows, the newest batches."""
    settings = request.app.state.platform.settings
    rejected = select(ReportRow).where(ReportRow.state == RowState.REJECTED)
    newest = select(ReportBatch).order_by(ReportBatch.made_at.desc(), ReportBatch.id.desc())
    with me.provider.reading() as session:
        return admin_page(
            me, "admin_reporting.html", here=HERE, words=feed_words,
            superior=settings.report_url or str(settings.report_directory or ""),
            can_ask=bool(settings.report_url), states=reporting_counts.states(session),
            counts=reporting_counts.latest(session),
            rejected=session.scalars(rejected.order_by(ReportRow.id).limit(_ROWS)).all(),
            batches=session.scalars(newest.limit(_BATCHES)).all(),
            sources=session.scalars(select(ReportSource).order_by(ReportSource.rid)).all(),
            **values,
        )  # fmt: skip


@router.post("/admin/reporting/resend")
def resend(me: Present, form: Posted, request: Request) -> Response:
    """One rejected row, or all of them."""
    check(me, form)
    one = form.text("row", cap=15)
    with me.provider.sessions.begin() as session:
        if one.isascii() and one.isdigit():
            reporting.resend(session, int(one), by=me.caller, at=me.at)
            number = 1
        else:
            number = reporting.resend_all(session, by=me.caller, at=me.at)
    done = (f"{number} 行将重新上报。", f"{number} rows will be sent again.")
    return _page(me, request, done=done)


@router.post("/admin/reporting/reconcile")
def reconcile(me: Present, form: Posted, request: Request) -> Response:
    check(me, form)
    ask = configured.ask(request.app.state.platform, request.app.state.clock)
    if ask is None:
        return _page(me, request, trouble=("没有可询问的上级。", "No superior can be asked."))
    try:
        reporting_counts.reconcile(me.provider.sessions, ask, by=me.caller, at=me.at)
    except TrustError as error:
        return _page(me, request, trouble=identity_words.refusal(error))
    return _page(me, request, done=("对账完成。", "Compared."))


@router.get(COUNTERS)
def show_counters(
    me: Present, request: Request, first: Annotated[str, Query(max_length=10)] = "",
    last: Annotated[str, Query(max_length=10)] = "",
) -> Response:  # fmt: skip
    """The last seven days, or those asked for, by day, event, type, authority and division."""
    require(me, Role.SYSTEM_ADMIN)
    today = me.at.astimezone(CHINA).date()
    begin, end, trouble = today - timedelta(days=6), today, None
    try:
        begin, end = _day(first) or begin, _day(last) or end
        with me.provider.reading() as session:
            counts = request.app.state.counters.between(session, begin, end, at=me.at)
    except Invalid as error:
        counts, trouble = (), identity_words.refusal(error)
    totals = {event: sum(each.total for each in counts if each.event == event)
              for event in feed_words.COUNTED}  # fmt: skip
    return admin_page(
        me, "admin_counters.html", here=COUNTERS, words=feed_words, counts=counts, totals=totals,
        first=f"{begin:%Y-%m-%d}", last=f"{end:%Y-%m-%d}", trouble=trouble,
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("日期写作 2026-06-01 / a date is written 2026-06-01") from error
