"""Verification, and the trust list that others need to verify by themselves."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, Protocol, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from certificates import looks, qr
from certificates.evidence import Knowledge
from certificates.schemas import QrIn, VerificationOut
from certificates.submission import Submission, read_submission, verify
from certificates.verify_claim import Verification
from trust.audit_queue import AuditQueue
from trust.clock import Clock
from trust.dependencies import Now, described, publication

router = APIRouter()


class TrustLists(Protocol):
    """The region's signed trust list."""

    def document(self, *, at: datetime) -> bytes:
        """Signed a minute ago at most."""
        ...


async def _trust_lists(request: Request) -> TrustLists:
    return cast(TrustLists, request.app.state.trust_lists)


class Desk:
    """Verifies and records the look, in this order: no answer without its entry."""

    def __init__(self, knowledge: Knowledge, audit: AuditQueue, clock: Clock) -> None:
        self._knowledge, self._audit, self._clock = knowledge, audit, clock

    def verify(self, submission: Submission) -> Verification:
        """The report; ActNotRecorded when it may not be given."""
        report = verify(submission, self._knowledge, at=self._clock())
        looks.record(self._audit, looks.look_of(report, how=submission.how))
        return report


async def _desk(request: Request) -> Desk:
    state = request.app.state
    return Desk(state.knowledge, state.audit, state.clock)


AtDesk = Annotated[Desk, Depends(_desk)]
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


class _Direct(APIRoute):
    """A route whose function takes the request as it is: what each parameter is need not be found
    out anew for every request, which costs more than many an answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return cast(Callable[[Request], Coroutine[Any, Any, Response]], self.endpoint)


_direct = APIRouter(route_class=_Direct)


@_direct.post(
    "/v1/verifications",
    tags=["核验 verification"],
    summary="核验证照 / Verify a licence",
    response_model=VerificationOut,
    openapi_extra=_BODY,
)
async def create_verification(request: Request) -> Response:
    """核验电子证照文件、二维码图片或二维码文本。核验不通过也返回 200：那就是答案。

    Verify a licence file, a picture of its QR code or the code's text. A licence that fails is
    answered with 200 as well: that is the answer. Every look is audited, without personal data.
    """
    desk, submission = await _desk(request), await read_submission(request)
    return await run_in_threadpool(_answer, desk, submission)


def _answer(desk: Desk, submission: Submission) -> Response:
    text = desk.verify(submission).as_json_text()
    return Response(
        text.encode(), media_type="application/json", headers={"Cache-Control": "no-store"}
    )


router.include_router(_direct)


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
