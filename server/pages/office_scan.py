"""An office's desk: a file or the picture of a QR code verified, and a slip of it printed."""

from typing import Final, cast

from fastapi import APIRouter, Request, Response

from certificates import looks
from certificates.press.workshop import Workshop
from certificates.regions.exchange_asking import Asking
from certificates.regions.peer_asking import asking_too
from certificates.share import slip
from certificates.submission import NothingToVerify, Submission, verify
from server.holders import copy_workshop
from server.pages import render
from server.pages.desk_frame import (
    GUARDS,
    OFFICES,
    SCAN,
    check,
    collecting_refusal,
    desk_page,
    require,
)
from server.pages.form import Form, PostedLicence
from server.pages.names import OUTCOMES, name_of
from server.pages.office import library_of
from server.pages.route import Page
from server.pages.verify import shown
from server.pages.visitor import Present, SignedIn
from server.platform import Platform
from trust.clock import Clock

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)
public = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

_QR_MAX: Final = 4096
#: What another region is told when one of its licences is verified here.
_PURPOSE: Final = "用证单位窗口核验 verification at an office's desk"


def _workshop(request: Request, me: SignedIn) -> Workshop:
    return copy_workshop(cast(Platform, request.app.state.platform), at=me.at)


@router.get(SCAN)
def show_scan(me: Present, request: Request) -> Response:
    require(me, OFFICES)
    with library_of(request).reading() as session:
        made = slip.of_account(session, me.caller.account, limit=20)
    return desk_page(me, "office_scan.html", here=SCAN, slips=made, outcomes=OUTCOMES)


@router.post(SCAN)
def scan(me: Present, form: PostedLicence, request: Request) -> Response:
    """The report, and the number under which a slip of it is printed."""
    check(me, form, OFFICES)
    library = library_of(request)
    with collecting_refusal() as refused:
        submission = _submitted(form)
        knowledge = asking_too(
            library.knowledge, cast(Asking, request.app.state.asking), purpose=_PURPOSE,
            by=me.caller,
        )  # fmt: skip
        report = verify(submission, knowledge, at=me.at)
        looks.record(library.queue, looks.look_of(report, how=submission.how), by=me.caller)
        with library.sessions.begin() as session:
            number = slip.note(
                session, report, how=submission.how, subject=_subject(submission), by=me.caller,
                at=me.at,
            )  # fmt: skip
        return desk_page(
            me, "office_report.html", here=SCAN, number=number, **shown(report, submission)
        )
    return desk_page(
        me, "office_scan.html", here=SCAN, error=refused[0], slips=(), outcomes=OUTCOMES
    )


def _submitted(form: Form) -> Submission:
    """A file before a text; NothingToVerify."""
    file = form.file("file")
    if file:
        return Submission(file=file)
    text = form.text("qr", cap=_QR_MAX)
    if not text:
        raise NothingToVerify("no file was chosen and no QR code's text was given")
    return Submission(qr=text)


def _subject(submission: Submission) -> bytes:
    return submission.file or (submission.qr or "").encode()


@router.get("/desk/office/slips/{number}.pdf")
def give_slip(number: str, me: Present, request: Request) -> Response:
    """The sealed slip, the same file each time."""
    require(me, OFFICES)
    made = slip.pdf(
        _workshop(request, me), number, named=lambda check: name_of(check)[0], by=me.caller,
        at=me.at,
    )  # fmt: skip
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'inline; filename="{number[:16]}.pdf"',
    }
    return Response(made, media_type="application/pdf", headers=headers)


@public.get("/slip/{number}")
def show_slip(number: str, request: Request) -> Response:
    """For whoever holds a printed slip: what the register says of it."""
    with library_of(request).reading() as session:
        row = slip.find(session, number)
    clock = cast(Clock, request.app.state.clock)
    return render.page(
        "slip.html", headers={"Cache-Control": "no-store"}, region=request.app.state.region_name,
        row=row, outcomes=OUTCOMES, at=clock(),
        checks=[(name_of(name), outcome) for name, outcome, _ in row.checks],
    )  # fmt: skip
