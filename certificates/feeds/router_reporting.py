"""The superior's door: lower regions report their catalogues here (docs/events.md).

Callers prove themselves by the headers of `reporting_signature`. Answers have the exchange's shape
`{"code":200,"message":…,"data":…}`; refusals are problem documents, as everywhere.
"""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from certificates.feeds import reporting_receive, reporting_signature
from certificates.feeds.reporting_receive import BODY_MAX, BadBatch
from certificates.feeds.reporting_signature import BadReportSignature
from trust.crypto import jose
from trust.dependencies import DbSession, Now, Reading, no_store
from trust.vault import Vault

router = APIRouter(tags=["上报 reporting"], dependencies=[Depends(no_store)])

_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in ("gjzwfwpt_rid", "gjzwfwpt_sid", "gjzwfwpt_rtime", "gjzwfwpt_sign",
                     "gjzwfwpt_digest")
    ],
}  # fmt: skip
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}}}}


async def _body(request: Request) -> bytes:
    """BadBatch beyond `BODY_MAX`, read no further than that."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > BODY_MAX:
            raise BadBatch(f"批次不超过 {BODY_MAX} 字节 / a batch has at most {BODY_MAX} bytes")
    return bytes(found)


Body = Annotated[bytes, Depends(_body)]


def _caller(session: Session, request: Request, body: bytes, now: Now) -> str:
    """Which region calls; BadReportSignature."""
    rid = request.headers.get("gjzwfwpt_rid", "")[:64]
    if not rid.isascii() or not rid.isprintable():
        raise BadReportSignature("gjzwfwpt_rid is not one")
    vault = cast(Vault, request.app.state.vault)
    secret = reporting_receive.secret_of(session, rid, vault)
    if secret is None:
        raise BadReportSignature("no such region reports here")
    reporting_signature.check(request.headers, body, secret=secret, at=now())
    return rid


@router.post(
    "/sysapi/catalogue", summary="上报目录 / Report a batch of the catalogue",
    response_class=Response, openapi_extra=_BODY, responses=_ANSWER,
)  # fmt: skip
def receive_batch(request: Request, body: Body, session: DbSession, now: Now) -> Response:
    """下级地区上报一批目录行；同一批次重复上报得到同样的回执。被退回的行附理由。

    A batch from a lower region, taken once: the same batch gets the same answer. Rows that are
    rejected are named with why.
    """
    with session.begin():
        rid = _caller(session, request, body, now)
        vault = cast(Vault, request.app.state.vault)
        taken = reporting_receive.receive(session, rid, body, vault=vault, at=now())
    return Response(taken.answer, media_type="application/json")


@router.post(
    "/sysapi/catalogue/counts", summary="对账 / Count what was reported", response_class=Response,
    openapi_extra=_BODY, responses=_ANSWER,
)  # fmt: skip
def count_catalogue(request: Request, body: Body, session: Reading, now: Now) -> Response:
    """该地区在此的目录条数，按区划和类型，及最后批次。

    What is held of the calling region by division and type, and its last batch.
    """
    rid = _caller(session, request, body, now)
    data = reporting_receive.counts(session, rid)
    answer = jose.canonical_json({"code": 200, "message": "ok", "data": data})
    return Response(answer, media_type="application/json")
