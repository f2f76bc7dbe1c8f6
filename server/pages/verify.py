"""The public page: a file, a picture or a code in; the report out. It works without JavaScript.

`/v#<claim>` is the address in every printed QR code. What follows `#` never reaches a server;
static/verify.js reads it in the browser and posts it. No CSRF token: there is no session, nothing
is changed on anyone's behalf, and a forged request would only learn what its sender sent.
"""

from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from certificates.router import AtDesk, Submitted
from certificates.submission import Submission
from certificates.verify_claim import Verification
from server.pages import offline, render
from server.pages.names import CHECKS, FIELDS, NOTES, OUTCOMES, name_of
from trust.reasons import REASONS
from trust.report import Check, Outcome

router = APIRouter(include_in_schema=False)

_WORST_FIRST = (Outcome.FAILED, Outcome.INDETERMINATE, Outcome.PASSED)


@router.get("/")
def redirect_to_verify() -> RedirectResponse:
    return RedirectResponse("/verify", status_code=307)


@router.get("/verify")
@router.get("/v")
def show_form(request: Request) -> HTMLResponse:
    return render.page(
        "verify.html", headers={"Content-Security-Policy": offline.CSP}, region=_region(request),
        names=CHECKS, fields=FIELDS, outcomes=OUTCOMES, notes=NOTES,
        scanned=request.url.path == "/v", scripts=offline.SCRIPTS, libraries=offline.LIBRARIES,
        reasons={code: REASONS[code] for code in offline.CODES},
    )  # fmt: skip


@router.post("/verify")
def show_report(request: Request, submission: Submitted, desk: AtDesk) -> HTMLResponse:
    report = desk.verify(submission)
    return render.page(
        "report.html", headers={"Cache-Control": "no-store"}, region=_region(request),
        **shown(report, submission),
    )  # fmt: skip


def shown(report: Verification, submission: Submission) -> dict[str, Any]:
    checks = [(name_of(check.name), check) for check in by_outcome(report.checks)]
    return {
        "report": report, "outcome": str(report.outcome), "outcomes": OUTCOMES, "checks": checks,
        "fields": [(*field, value) for field in FIELDS if (value := _value(report, field[0]))],
        "changes": [
            check for check in report.checks
            if report.changed_after_sealing and check.outcome is Outcome.FAILED
        ],
        "note": _note(report, submission),
    }  # fmt: skip


def _note(report: Verification, submission: Submission) -> tuple[str, str] | None:
    """What the reader has to know before believing the summary. static/verify.js does the same."""
    if report.licence is None:
        return NOTES["not_shown"]
    if report.outcome is Outcome.INDETERMINATE:
        return NOTES["unconfirmed"]
    return NOTES["compare"] if submission.how != "pdf" else None


def by_outcome(checks: tuple[Check, ...]) -> list[Check]:
    """What went wrong first; else in the order of the verification."""
    return sorted(checks, key=lambda check: _WORST_FIRST.index(check.outcome))


def _value(report: Verification, field: str) -> str:
    licence = report.licence or {}
    if field == "valid_until" and licence and licence.get(field) is None:
        return "长期 No end"
    return str(licence.get(field) or "")


def _region(request: Request) -> str:
    return cast(str, request.app.state.region_name)
