"""The witness's door (C2SP tlog-witness): other regions' logs ask for a cosignature."""

from typing import Annotated, Protocol, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from trust import witness
from trust.witness import StaleCheckpoint

router = APIRouter(tags=["日志 logs"])

SIZE_TYPE = "text/x.tlog.size"


class Witness(Protocol):
    """Whoever cosigns here, with its key and the logs it knows."""

    def cosign(self, asked: witness.Request) -> str:
        """The signature line; the refusals of `trust.witness.witness`."""
        ...


def _witness(request: Request) -> Witness:
    return cast(Witness, request.app.state.witness)


@router.post(
    "/witness/add-checkpoint",
    summary="见证日志检查点 / Witness a log's checkpoint",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        409: {"description": "已见过的大小不同 / Another size was seen last: it is the body"},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"text/plain": {"schema": {"type": "string", "maxLength": 32768}}},
        }
    },
)
async def add_checkpoint(
    request: Request, cosigner: Annotated[Witness, Depends(_witness)]
) -> Response:
    """其他地区的日志提交检查点和一致性证明，本地区核对后附署。

    `old N`, the consistency proof and a checkpoint (C2SP tlog-witness); the answer is the line of
    a cosignature. 409 with the size that was seen last when the request begins elsewhere.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > witness.REQUEST_MAX:
            break
    asked = witness.read_request(bytes(body))
    try:
        line = await run_in_threadpool(cosigner.cosign, asked)
    except StaleCheckpoint as refusal:
        return Response(str(refusal.size) + "\n", 409, media_type=SIZE_TYPE)
    return PlainTextResponse(line + "\n")
