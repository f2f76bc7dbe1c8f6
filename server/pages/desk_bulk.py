"""The desk's pages of bulk jobs: a file handed in, its report, released by another, its progress.

A page of a job that is being worked on asks for itself anew by a header, without script.
"""

from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates.applications.refusals import recording_refusals
from certificates.bulk import jobs as bulk_jobs
from certificates.bulk import read as bulk_read
from certificates.bulk import receipts as bulk_receipts
from certificates.bulk.columns import LABELS
from certificates.bulk.jobs import Wanted
from certificates.bulk.models import BulkJob, BulkState
from certificates.licence_type import LicenceType
from certificates.licence_types import registry as type_registry
from certificates.models import ApplicationKind, Authority
from server.pages import bulk_words, show
from server.pages.desk_frame import (
    BULK,
    GUARDS,
    Act,
    ask,
    check,
    check_act,
    collecting_refusal,
    desk_page,
    require,
)
from server.pages.form import Form, Posted, PostedBatch
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.errors import Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_STAFF: Final = frozenset({Role.CLERK, Role.APPROVER})
_SHOWN: Final = 50
_FAULTS: Final = 100
#: Seconds until a page of a job at work asks for itself again.
_REFRESH: Final = "4"
_ACTS: Final = {
    act.name: act
    for act in (
        Act("release", ("放行并签发", "Release and issue"),
            ("批准本任务的全部申请，随即逐一签章签发。提交人不得放行自己的任务。",
             "Approves every application of this job; they are sealed and issued at once. Nobody "
             "releases a job of their own."),
            for_good=True, reason=""),
        Act("release-good", ("只签发合格的行", "Issue the good rows"),
            ("不合格的行不签发；改正后请另行提交一个文件。",
             "The bad rows are left out; hand them in again, corrected, as another file."),
            for_good=True, reason=""),
        Act("cancel", ("取消任务", "Cancel the job"),
            ("未开始的行不再签发，所载个人信息立即清除；已签发的证照不受影响。",
             "Rows that nobody has begun are not issued and wiped now; licences issued so far "
             "stay."),
            for_good=True, reason=""),
    )
}  # fmt: skip


@router.get(BULK)
def list_jobs(me: Present, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    """The authority's jobs, newest first, and for clerks the form."""
    require(me, _STAFF)
    return _list_page(me, done=done)


def _list_page(me: SignedIn, *, done: str = "", error: TrustError | None = None) -> Response:
    with me.provider.reading() as session:
        rows = session.scalars(
            select(BulkJob)
            .where(BulkJob.authority == me.caller.authority)
            .order_by(BulkJob.entered_at.desc(), BulkJob.id)
            .limit(_SHOWN)
        )
        jobs = [_named(session, row) for row in rows]
        types = _types(session, me) if me.caller.has(Role.CLERK) else []
    return desk_page(
        me, "desk_bulk.html", here=BULK, done=done, error=error, jobs=jobs, types=types,
        bulk_words=bulk_words, may_enter=bool(types),
    )  # fmt: skip


def _types(session: Session, me: SignedIn) -> list[LicenceType]:
    owner = session.get(Authority, me.caller.authority or "")
    mine = frozenset(owner.types) if owner is not None else frozenset()
    return [each for each in type_registry.all_current(session) if each.code in mine]


def _shown(session: Session, row: BulkJob) -> dict[str, Any]:
    """One job, its rows counted."""
    counts = asdict(bulk_jobs.counts(session, row.id))
    done = counts["issued"] + counts["refused"]
    return _named(session, row) | {"counts": counts, "done": done, "good": row.rows - row.bad}


def _named(session: Session, row: BulkJob) -> dict[str, Any]:
    try:
        name = type_registry.current(session, row.type_code).name
    except TrustError:
        name = row.type_code  # withdrawn since
    return {
        "id": str(row.id), "state": str(row.state), "type": name, "kind": str(row.kind),
        "form": str(row.form), "rows": row.rows, "bad": row.bad,
        "entered_by": row.entered_by, "entered_at": row.entered_at, "trouble": row.trouble,
        "released_by": row.released_by, "released_at": row.released_at,
        "finished_at": row.finished_at, "digest": row.digest.hex(),
        "receipts": row.receipts_digest.hex() if row.receipts_digest is not None else "",
    }  # fmt: skip


@router.post(BULK)
def hand_in(me: Present, form: PostedBatch) -> Response:
    """A new job, or the one that this file has already."""
    check(me, form, _STAFF)
    key: UUID | None = None
    with collecting_refusal() as refused:
        key = _begin(me, form)
    if refused or key is None:
        return _list_page(me, error=refused[0] if refused else None)
    return show.onward(me.visitor, f"{BULK}/{key}?done=bulk-entered")


def _begin(me: SignedIn, form: Form) -> UUID:
    data = form.file("file")
    if not data:
        raise Invalid("请选择文件 / choose a file")
    wanted_form = bulk_read.form_of("." + form.text("form", cap=8))
    kind = ApplicationKind.STOCK if form.text("stock") == "yes" else ApplicationKind.NEW
    with (
        recording_refusals(
            me.provider.sessions, "bulk.enter", subject="upload", by=me.caller, at=me.at
        ),
        me.provider.sessions.begin() as session,
    ):
        licence_type = type_registry.current(session, form.text("type", cap=256))
        return bulk_jobs.begin(
            session, Wanted(data, wanted_form, licence_type, kind), by=me.caller, at=me.at,
            vault=me.provider.vault, system="trust", file=data,
        ).id  # fmt: skip


@router.get(BULK + "/{key}")
def show_job(me: Present, key: str, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    """Progress, the rows at fault, and what may be done now."""
    require(me, _STAFF)
    with me.provider.reading() as session:
        row = _find(session, key, me)
        shown = _shown(session, row)
        faults = bulk_receipts.faults(session, row, limit=_FAULTS)
        labels = _labels(session, row)
        acts = [_ACTS[name] for name in _allowed(row, me)]
    at_fault = shown["counts"]["bad"] + shown["counts"]["refused"]
    page = desk_page(
        me, "desk_bulk_job.html", here=BULK, done=done, job=shown, faults=faults, acts=acts,
        bulk_words=bulk_words, labels=labels, more=at_fault > _FAULTS,
    )  # fmt: skip
    if row.state in (BulkState.CHECKING, BulkState.RUNNING):
        page.headers["Refresh"] = f"{_REFRESH}; url={BULK}/{row.id}"
    return page


def _labels(session: Session, row: BulkJob) -> dict[str, str]:
    """Columns by their Chinese labels."""
    found = {code: label for label, code in LABELS.items()}
    with suppress(TrustError):  # a type that was withdrawn since
        licence_type = type_registry.current(session, row.type_code)
        found |= {entry.name: entry.zh for entry in licence_type.fields}
    return found


def _find(session: Session, key: str, me: SignedIn) -> BulkJob:
    try:
        return bulk_jobs.find(session, UUID(key), by=me.caller)
    except ValueError as error:
        raise NotFound("没有这个任务 / there is no such job") from error


def _allowed(row: BulkJob, me: SignedIn) -> list[str]:
    """What this person may begin now."""
    releases = me.caller.has(Role.APPROVER) and me.caller.account != row.entered_by
    acts = []
    if releases and row.state == BulkState.CHECKED:
        acts.append("release")
    if releases and row.state == BulkState.HELD and row.bad < row.rows:
        acts.append("release-good")
    if row.state not in (BulkState.DONE, BulkState.CANCELLED):
        acts.append("cancel")
    return acts


@router.get(BULK + "/{key}/report.csv")
def read_report(me: Present, key: str) -> Response:
    """Every row at fault, for a spreadsheet."""
    require(me, _STAFF)
    with me.provider.reading() as session:
        row = _find(session, key, me)
        made = bulk_receipts.report(session, row)
    return _attached(made, f"report-{row.id}.csv", "text/csv; charset=utf-8")


@router.get(BULK + "/{key}/receipts.jsonl")
def read_receipts(me: Present, key: str) -> Response:
    """A receipt for each row; NoReceiptsYet before the last one is done."""
    require(me, _STAFF)
    with me.provider.reading() as session:
        row = _find(session, key, me)
        made = bulk_receipts.write(session, row, vault=me.provider.vault)
    return _attached(made, f"receipts-{row.id}.jsonl", "application/x-ndjson")


def _attached(made: bytes, name: str, kind: str) -> Response:
    headers = {
        "Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'
    }  # fmt: skip
    return Response(made, media_type=kind, headers=headers)


@router.get(BULK + "/{key}/act/{name}")
def ask_for_act(me: Present, key: str, name: str) -> Response:
    require(me, _STAFF)
    return _ask(me, key, _act(name))


def _act(name: str) -> Act:
    if name not in _ACTS:
        raise NotFound("there is no such act")
    return _ACTS[name]


def _ask(me: SignedIn, key: str, act: Act, error: TrustError | None = None) -> Response:
    with me.provider.reading() as session:
        row = _find(session, key, me)
        shown = _shown(session, row)
    about = [
        ("证照类型", "Type", shown["type"]), ("提交人", "Handed in by", shown["entered_by"]),
        ("行数", "Rows", str(shown["rows"])), ("合格", "Good", str(shown["good"])),
    ]  # fmt: skip
    where = f"{BULK}/{shown['id']}"
    return ask(
        me, act, here=BULK, action=f"{where}/act/{act.name}", back=where, about=about, error=error
    )


@router.post(BULK + "/{key}/act/{name}")
def do_act(me: Present, key: str, name: str, form: Posted) -> Response:
    check(me, form, _STAFF)
    act = _act(name)
    with me.provider.reading() as session:
        found = _find(session, key, me).id
    verbs = {
        "release": bulk_jobs.release,
        "release-good": bulk_jobs.release_good,
        "cancel": bulk_jobs.cancel,
    }
    with collecting_refusal() as refused:
        check_act(me, act, form)
        with (
            recording_refusals(
                me.provider.sessions, "bulk." + act.name.partition("-")[0], subject=str(found),
                by=me.caller, at=me.at,
            ),
            me.provider.sessions.begin() as session,
        ):  # fmt: skip
            verbs[act.name](session, found, by=me.caller, at=me.at)
    if refused:
        return _ask(me, key, act, refused[0])
    return show.onward(me.visitor, f"{BULK}/{found}?done=bulk-{act.name}")
