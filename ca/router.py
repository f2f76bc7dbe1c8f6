"""What a CA gives out to everyone: its certificate and its newest CRL."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from ca import crl
from ca.issue import find_issuer
from trust.anchors import pem
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
    der = crl.newest(session, issuer)
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
