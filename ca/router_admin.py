"""The CA over HTTP for its administrators: certificates looked at, suspended, released, revoked.

Every change of state is followed by the issuer's next CRL in the same transaction, so that whoever
reads 200 knows that the CRL at `/crl/{issuer}.crl` says so too.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import crl, ending, hold, issuers, revoke
from ca.models import Certificate, CertificateState, Issuer
from ca.revoke import Reason
from ca.router import IssuerName
from ca.schemas import AuthorityOut, CertificateOut, CertificatesOut, CrlOut, RevocationOrder
from trust.access import Caller, Role
from trust.crypto import x509
from trust.dependencies import DbSession, Keys, Now, Reading, having
from trust.errors import Invalid, NotFound
from trust.keys import KeyStore

router = APIRouter(tags=["证书管理 certificate administration"])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
PAGE_MAX = 200
Administrator = Annotated[Caller, Depends(having(Role.CA_ADMIN))]
#: Looking is also the auditor's and the security administrator's business.
Reader = Annotated[Caller, Depends(having(Role.CA_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN))]
Serial = Annotated[
    str, Path(pattern="^[0-9a-f]{1,40}$", description="序列号，十六进制 / Serial, hexadecimal")
]


@router.get("/v1/ca", summary="签发者清单 / The issuing authorities", openapi_extra=_SECURITY)
def list_authorities(caller: Reader, reading: Reading) -> list[AuthorityOut]:
    """本地区的根、签发 CA，以及为我们签发证书的外部 CA。

    The region's roots and issuing CAs, and outside CAs that have certified keys here.
    """
    rows = reading.scalars(select(Issuer).order_by(Issuer.name))
    return [_authority(reading, row) for row in rows]


@router.get(
    "/v1/ca/{issuer}/certificates", summary="证书清单 / Certificates", openapi_extra=_SECURITY
)
def list_certificates(
    issuer: IssuerName, caller: Reader, reading: Reading, now: Now,
    state: Annotated[CertificateState | None, Query(description="状态 / State")] = None,
    ending_days: Annotated[
        int | None, Query(ge=0, le=36_500, description="多少天内到期 / In force, ending within")
    ] = None,
    after: Annotated[
        int, Query(ge=0, description="上一页的 next / `next` of the page before")
    ] = 0,
) -> CertificatesOut:  # fmt: skip
    """按签发顺序，每页至多 200 张。

    In the order of issuing, at most 200 a page.
    """
    issuers.find(reading, issuer)
    query = select(Certificate).where(Certificate.issuer == issuer, Certificate.id > after)
    if state is not None:
        query = query.where(Certificate.state == state)
    if ending_days is not None:
        query = query.where(*ending.within(at=now(), margin=timedelta(days=ending_days)))
    rows = reading.scalars(query.order_by(Certificate.id).limit(PAGE_MAX + 1)).all()
    shown = rows[:PAGE_MAX]
    return CertificatesOut(
        certificates=[_shown(row) for row in shown],
        next=shown[-1].id if len(rows) > PAGE_MAX else None,
    )


@router.get(
    "/v1/ca/{issuer}/certificates/{serial}", summary="查看证书 / A certificate",
    openapi_extra=_SECURITY,
)  # fmt: skip
def read_registered_certificate(
    issuer: IssuerName, serial: Serial, caller: Reader, reading: Reading
) -> CertificateOut:
    """登记簿中的一张证书及其状态。

    A certificate of the registry and its state.
    """
    row = reading.scalar(
        select(Certificate).where(
            Certificate.issuer == issuer, Certificate.serial == f"{int(serial, 16):x}"
        )
    )
    if row is None:
        raise NotFound(f"{issuer} has issued no certificate {serial}")
    return _shown(row)


@router.post(
    "/v1/ca/{issuer}/certificates/{serial}/hold", summary="暂停证书 / Suspend a certificate",
    openapi_extra=_SECURITY,
)  # fmt: skip
def hold_certificate(
    issuer: IssuerName, serial: Serial, caller: Administrator, session: DbSession, keys: Keys,
    now: Now,
) -> CertificateOut:  # fmt: skip
    """暂停（原因 6），并立即签发吊销列表。

    Suspend (reason 6); the CRL follows at once.
    """
    return _change(hold.hold, issuer, serial, caller=caller, session=session, keys=keys, at=now())


@router.post(
    "/v1/ca/{issuer}/certificates/{serial}/release", summary="恢复证书 / End a suspension",
    openapi_extra=_SECURITY,
)  # fmt: skip
def release_certificate(
    issuer: IssuerName, serial: Serial, caller: Administrator, session: DbSession, keys: Keys,
    now: Now,
) -> CertificateOut:  # fmt: skip
    """结束暂停，并立即签发吊销列表。

    End a suspension; the CRL follows at once.
    """
    return _change(
        hold.release, issuer, serial, caller=caller, session=session, keys=keys, at=now()
    )


@router.post(
    "/v1/ca/{issuer}/certificates/{serial}/revocation", summary="吊销证书 / Revoke a certificate",
    openapi_extra=_SECURITY,
)  # fmt: skip
def revoke_certificate(
    issuer: IssuerName, serial: Serial, order: RevocationOrder, caller: Administrator,
    session: DbSession, keys: Keys, now: Now,
) -> CertificateOut:  # fmt: skip
    """永久吊销，并立即签发吊销列表。

    For good; the CRL follows at once.
    """
    reason = Reason[order.reason.upper()]

    def act(session: Session, *, issuer: str, serial: int, by: Caller, at: datetime) -> Certificate:
        return revoke.revoke(session, issuer=issuer, serial=serial, reason=reason, by=by, at=at)

    return _change(act, issuer, serial, caller=caller, session=session, keys=keys, at=now())


@router.post(
    "/v1/ca/{issuer}/crl", status_code=201, summary="签发吊销列表 / Publish a CRL",
    openapi_extra=_SECURITY,
)  # fmt: skip
def publish_crl(
    issuer: IssuerName, caller: Administrator, session: DbSession, keys: Keys, now: Now
) -> CrlOut:
    """立即签发该签发者的吊销列表。

    The issuer's next CRL, at once.
    """
    at = now()
    with session.begin():
        if not issuers.find(session, issuer).signs:
            raise issuers.CannotSign(f"{issuer} signs no CRLs here")
        made = x509.parse_crl(crl.publish(session, issuer, keys=keys, by=caller, at=at))
        if made.next_update is None:  # ours always have one
            raise Invalid("a CRL without its end")
        return CrlOut(
            issuer=issuer, entries=len(made.entries), this_update=made.this_update,
            next_update=made.next_update,
        )  # fmt: skip


def _change(
    act: Callable[..., Certificate], issuer: str, serial: str, *, caller: Caller,
    session: Session, keys: KeyStore, at: datetime,
) -> CertificateOut:  # fmt: skip
    """The act and the CRL that tells it, in one transaction."""
    with session.begin():
        issuers.find(session, issuer)
        row = act(session, issuer=issuer, serial=int(serial, 16), by=caller, at=at)
        crl.publish(session, issuer, keys=keys, by=caller, at=at)
        return _shown(row)


def _authority(session: Session, row: Issuer) -> AuthorityOut:
    certificate = x509.parse_certificate(row.certificate)
    return AuthorityOut(
        name=row.name, parent=row.parent, algorithm=row.algorithm, outside=row.outside,
        signs=row.signs and issuers.stands(session, row),
        subject=x509.name_text(certificate.subject), not_before=certificate.not_before,
        not_after=certificate.not_after, shards=row.shards,
    )  # fmt: skip


def _shown(row: Certificate) -> CertificateOut:
    return CertificateOut(
        serial=row.serial, issuer=row.issuer, profile=row.profile, state=str(row.state),
        subject=row.subject, not_before=row.not_before, not_after=row.not_after,
        revoked_at=row.revoked_at, reason=row.reason, renews=row.renews,
    )  # fmt: skip
