"""What a CA gives out to everyone: its certificate, its newest CRL, OCSP answers, time-stamps.

Garbage gets the protocol's own error with status 200, as RFC 6960 and RFC 3161 have it.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Request, Response

from ca import crl
from ca.issue import find_issuer
from ca.ocsp import Answer, Responder
from ca.timestamp import Stamper
from trust.anchors import pem
from trust.clock import Clock
from trust.crypto import ocsp, tst
from trust.crypto.hashes import sha256
from trust.dependencies import Reading, described, publication
from trust.errors import NotFound

router = APIRouter(tags=["证书 certificates"])

#: CRLs live for days; an hour of cache does not make them much older.
CRL_MAX_AGE = 3600
CERTIFICATE_MAX_AGE = 86400
IssuerName = Annotated[
    str,
    Path(
        description="签发者名，如 issuing-sm2 / The issuer's name",
        pattern="^[a-z0-9][a-z0-9-]{0,63}$",
    ),
]


@router.get(
    "/crl/{issuer}.crl",
    summary="证书吊销列表 / The newest CRL of an issuer",
    response_class=Response,
    responses=described("application/pkix-crl", format="binary"),
)
def read_crl(request: Request, issuer: IssuerName, session: Reading) -> Response:
    """该签发者最新的吊销列表，DER（RFC 5280 第 5 节；RFC 2585）。

    The issuer's newest CRL in DER (RFC 5280, 5; RFC 2585).
    """
    der = crl.newest_named(session, issuer)
    if der is None:
        raise NotFound(f"no CRL of an issuer {issuer}")
    return publication(
        request, der, media_type="application/pkix-crl", max_age=CRL_MAX_AGE,
        filename=f"{issuer}.crl",
    )  # fmt: skip


@router.get(
    "/ca/{issuer}.pem",
    summary="签发者证书 / An issuer's certificate",
    response_class=Response,
    responses=described("application/pem-certificate-chain"),
)
def read_certificate(request: Request, issuer: IssuerName, session: Reading) -> Response:
    """根证书或签发证书，PEM（RFC 7468）。

    A root or issuing certificate in PEM (RFC 7468).
    """
    row = find_issuer(session, issuer)
    return publication(
        request, pem("CERTIFICATE", row.certificate),
        media_type="application/pem-certificate-chain", max_age=CERTIFICATE_MAX_AGE,
        filename=f"{issuer}.pem",
    )  # fmt: skip


@router.get(
    "/ca/{issuer}.cer",
    summary="签发者证书（DER） / An issuer's certificate in DER",
    response_class=Response,
    responses=described("application/pkix-cert", format="binary"),
)
def read_certificate_der(request: Request, issuer: IssuerName, session: Reading) -> Response:
    """证书中 AIA 所指（RFC 5280 第 4.2.2.1 节）。

    Where the AIA of a certificate leads (RFC 5280, 4.2.2.1).
    """
    row = find_issuer(session, issuer)
    return publication(
        request, row.certificate, media_type="application/pkix-cert",
        max_age=CERTIFICATE_MAX_AGE, filename=f"{issuer}.cer",
    )  # fmt: skip


# --- OCSP and time-stamps ----------------------------------------------------------------------

OCSP_RESPONSE = "application/ocsp-response"
TIMESTAMP_REPLY = "application/timestamp-reply"
#: A cache must not keep "good" for the whole life of an answer: it may be revoked meanwhile.
OCSP_MAX_AGE = 600


@dataclass(frozen=True, slots=True)
class Question:
    """A DER request of at most a few kilobytes, with whom and when it is put."""

    body: bytes
    responder: Responder
    stamper: Stamper
    at: datetime


async def _question(request: Request) -> Question:
    """The body is cut off after the longest that is read: what is longer is no request.

    One coroutine for all of it, because each plain dependency costs a thread's turn.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > max(ocsp.REQUEST_MAX, tst.REQUEST_MAX):
            break
    state = request.app.state
    return Question(
        body, cast(Responder, state.ocsp), cast(Stamper, state.stamper), cast(Clock, state.clock)()
    )


Asked = Annotated[Question, Depends(_question)]


def _taking(media_type: str) -> dict[str, Any]:
    """How a route that reads the body itself describes it."""
    schema = {"type": "string", "format": "binary"}
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


def _answering(media_type: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string", "format": "binary"}
    return {200: {"content": {media_type: {"schema": schema}}}}


@router.post(
    "/ocsp",
    summary="证书状态 / The status of certificates (OCSP)",
    response_class=Response,
    responses=_answering(OCSP_RESPONSE),
    openapi_extra=_taking("application/ocsp-request"),
)
def ask_ocsp(asked: Asked) -> Response:
    """RFC 6960：请求与应答均为 DER；无法识别的请求得到协议自身的错误应答。

    RFC 6960, both ways in DER. What is no request gets the protocol's own error answer.
    """
    answer = asked.responder.answer(asked.body, at=asked.at)
    return Response(answer.der, media_type=OCSP_RESPONSE, headers={"Cache-Control": "no-store"})


@router.get(
    "/ocsp/{encoded:path}",
    summary="证书状态，可缓存 / The status of certificates, cacheable (OCSP)",
    response_class=Response,
    responses=_answering(OCSP_RESPONSE),
)
def ask_ocsp_by_get(
    encoded: Annotated[
        str, Path(description="请求的 Base64 / The DER request in Base64 (RFC 6960, A.1)")
    ],
    asked: Asked,
) -> Response:
    """RFC 6960 附录 A.1：请求以 Base64 置于路径中；无随机数时应答可缓存（RFC 5019）。

    RFC 6960, A.1: the request in the path. Without a nonce the answer may be cached (RFC 5019).
    """
    try:
        data = base64.b64decode(encoded[: 2 * ocsp.REQUEST_MAX], validate=True)
    except (binascii.Error, ValueError):
        data = b""
    answer = asked.responder.answer(data, at=asked.at)
    left = int((answer.until - asked.at).total_seconds()) if answer.until else 0
    headers = _cacheable(answer, left) if left > 0 else {"Cache-Control": "no-store"}
    return Response(answer.der, media_type=OCSP_RESPONSE, headers=headers)


def _cacheable(answer: Answer, left: int) -> dict[str, str]:
    """RFC 5019, 6.2, with a shorter life than the answer's own."""
    age = min(OCSP_MAX_AGE, left)
    return {
        "Cache-Control": f"max-age={age}, public, no-transform, must-revalidate",
        "Last-Modified": format_datetime(answer.at, usegmt=True),
        "ETag": f'"{sha256(answer.der).hex()[:32]}"',
    }


@router.post(
    "/tsa",
    summary="时间戳 / A time-stamp",
    response_class=Response,
    responses=_answering(TIMESTAMP_REPLY),
    openapi_extra=_taking("application/timestamp-query"),
)
def stamp(asked: Asked) -> Response:
    """RFC 3161 与 GB/T 20520：SM3 摘要得到 SM2 时间戳，SHA-2 摘要得到 RSA 时间戳。

    RFC 3161 and GB/T 20520: an SM3 imprint is stamped by SM2, a SHA-2 one by RSA.
    """
    answer = asked.stamper.answer(asked.body)
    return Response(answer, media_type=TIMESTAMP_REPLY, headers={"Cache-Control": "no-store"})
