"""Verification, and what others need to verify by themselves: status lists and the trust list."""

from datetime import datetime
from typing import Annotated, Any, Protocol, cast

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from certificates import looks, publish, qr
from certificates.evidence import Knowledge
from certificates.publish import StatusPublisher
from certificates.schemas import QrIn, VerificationOut
from certificates.status_list import TYPE as STATUS_LIST_TYPE
from certificates.submission import Submission, read_submission, verify
from certificates.verify_claim import Verification
from trust.dependencies import Audit, Now, described, publication

router = APIRouter()


class TrustLists(Protocol):
    """The region's signed trust list."""

    def document(self, *, at: datetime) -> bytes:
        """Signed a minute ago at most."""
        ...


def _knowledge(request: Request) -> Knowledge:
    return cast(Knowledge, request.app.state.knowledge)


def _publisher(request: Request) -> StatusPublisher:
    return cast(StatusPublisher, request.app.state.status_publisher)


def _trust_lists(request: Request) -> TrustLists:
    return cast(TrustLists, request.app.state.trust_lists)


class Desk:
    """Verifies and records the look, in this order: no answer without its entry."""

    def __init__(
        self,
        knowledge: Annotated[Knowledge, Depends(_knowledge)],
        audit: Audit,
        clock: Now,
    ) -> None:
        self._knowledge, self._audit, self._clock = knowledge, audit, clock

    def verify(self, submission: Submission) -> Verification:
        """The report; ActNotRecorded when it may not be given."""
        report = verify(submission, self._knowledge, at=self._clock())
        looks.record(self._audit, looks.look_of(report, how=submission.how))
        return report


Submitted = Annotated[Submission, Depends(read_submission)]

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "PDF、二维码图片或二维码文本 / A PDF, a picture of a QR code, or its text",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary",
                                 "description": "PDF, PNG, JPEG, WebP, GIF, BMP"},
                        "qr": {"type": "string", "maxLength": qr.READ_MAX,
                               "description": "二维码文本 / The code's text"},
                    },
                }
            },
            "application/json": {"schema": QrIn.model_json_schema()},
        },
    }
}  # fmt: skip


@router.post(
    "/v1/verifications",
    tags=["核验 verification"],
    summary="核验证照 / Verify a licence",
    response_model=VerificationOut,
    openapi_extra=_BODY,
)
def create_verification(submission: Submitted, desk: Annotated[Desk, Depends()]) -> JSONResponse:
    """核验电子证照文件、二维码图片或二维码文本。核验不通过也返回 200：那就是答案。

    Verify a licence file, a picture of its QR code or the code's text. A licence that fails is
    answered with 200 as well: that is the answer. Every look is audited, without personal data.
    """
    report = desk.verify(submission)
    return JSONResponse(report.as_json(), headers={"Cache-Control": "no-store"})


@router.get(
    "/status/{number}",
    tags=["公开数据 publications"],
    summary="状态列表 / A signed status list",
    response_class=Response,
    responses=described(f"application/{STATUS_LIST_TYPE}"),
)
def read_status_list(
    request: Request,
    number: Annotated[
        int, Path(ge=1, le=2**31 - 1, description="列表号 / The list's number, in each claim")
    ],
    publisher: Annotated[StatusPublisher, Depends(_publisher)],
    now: Now,
) -> Response:
    """一批证照的当前状态，供离线核验（IETF Token Status List）。

    The present states of a batch of licences, for offline use (IETF Token Status List).
    """
    token = publisher.token(number, at=now())
    return publication(
        request, token.encode(), media_type=f"application/{STATUS_LIST_TYPE}",
        max_age=int(publish.TTL.total_seconds()),
    )  # fmt: skip


@router.get(
    "/trust-list",
    tags=["公开数据 publications"],
    summary="信任列表 / The region's signed trust list",
    response_class=Response,
    responses=described("application/json", type="object"),
)
def read_trust_list(
    request: Request, lists: Annotated[TrustLists, Depends(_trust_lists)], now: Now
) -> Response:
    """本地区的根、签发者与颁发机构，带分离式 JWS 签名。

    The region's roots, signers and issuing authorities, with a detached JWS over canonical JSON.
    """
    document = lists.document(at=now())
    return publication(request, document, media_type="application/json", max_age=60)
