"""What this region says of itself in its trust list: every service it ever had, with its history.

Signers and CAs come from the register of certificates: a revoked or ended certificate is withdrawn
from that time on, and granted before. What no certificate shows (an authority that issues no more)
is said by notices.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca.models import Certificate, CertificateState, Issuer, Signer
from certificates import registry
from certificates.models import Authority
from trust import audit
from trust.access import Caller
from trust.crypto import x509
from trust.errors import Invalid, NotFound
from trust.list_models import HeldList, ListSource, ServiceNotice
from trust.list_store import decoded
from trust.lists import SIGNERS_MAX
from trust.lists_model import Period, Pointer, Service, ServiceStatus, ServiceType
from trust.revocation import COMPROMISED

#: The platform's signers by their purpose (a profile's name), and where they answer.
KINDS: Final = {
    "claim-signer": ServiceType.CLAIM_SIGNER, "copy-signer": ServiceType.COPY_SIGNER,
    "status-signer": ServiceType.STATUS, "seal-maker": ServiceType.SEAL_MAKER,
    "list-signer": ServiceType.LIST_SIGNER, "log-signer": ServiceType.LOG,
    "ocsp-signer": ServiceType.OCSP, "tsa": ServiceType.TSA,
    "archive-signer": ServiceType.ARCHIVE_SIGNER,
    "exchange-signer": ServiceType.EXCHANGE,
}  # fmt: skip
_PLACES: Final = {
    "status-signer": "/status", "ocsp-signer": "/ocsp", "tsa": "/tsa",
    "exchange-signer": "/v1/exchange",
}  # fmt: skip
#: What notices may speak of: services whose subject is a body or an address, not a certificate.
NOTICED: Final = (ServiceType.ISSUER, ServiceType.IDENTITY_PROVIDER, ServiceType.SHARE)


class BadNotice(Invalid):
    code = "bad_service_notice"


def services(session: Session, *, issuer: str, at: datetime) -> tuple[Service, ...]:
    """All of them; `issuer` is the identity provider's name. Their order is always the same."""
    region = registry.region(session)
    found = [*_authorities_of_trust(session, region.base_url, at),
             *_signers(session, region.base_url, at)]  # fmt: skip
    since = region.created_at
    bodies = [
        Service(ServiceType.ISSUER, row.name, since, code=row.code)
        for row in session.scalars(select(Authority).order_by(Authority.code))
    ]
    places = [
        Service(ServiceType.IDENTITY_PROVIDER, region.name, since, uri=issuer, code=region.code),
        Service(ServiceType.SHARE, region.name, since, uri=region.base_url, code=region.code),
    ]
    notices = _notices(session)
    return (*found, *(_noticed(each, notices, at) for each in [*bodies, *places]))


def _authorities_of_trust(session: Session, base_url: str, at: datetime) -> list[Service]:
    found = []
    for row in session.scalars(select(Issuer).order_by(Issuer.name)):
        kind = ServiceType.ISSUING_CA if row.parent else ServiceType.ROOT_CA
        periods = _periods(session, row.parent, row.certificate, row.created_at, at)
        found.append(
            _service(kind, row.name, periods, row.certificate, f"{base_url}/crl/{row.name}.crl")
        )
    return found


def _signers(session: Session, base_url: str, at: datetime) -> list[Service]:
    found = []
    for row in session.scalars(select(Signer).order_by(Signer.key_id)):
        if row.purpose not in KINDS:
            continue
        place = _PLACES.get(row.purpose, "")
        periods = _periods(session, row.issuer, row.certificate, row.created_at, at)
        found.append(
            _service(
                KINDS[row.purpose], row.key_id, periods, row.certificate,
                base_url + place if place else "",
            )
        )  # fmt: skip
    return found


def _service(
    kind: ServiceType, name: str, periods: list[Period], certificate: bytes, uri: str
) -> Service:
    newest, *older = periods
    return Service(
        kind, name, newest.since, certificate, uri, status=newest.status, history=tuple(older)
    )


def _periods(
    session: Session, issuer: str | None, der: bytes, created_at: datetime, at: datetime
) -> list[Period]:
    """The newest first: granted when made, withdrawn when revoked or ended, whichever was first."""
    certificate = x509.parse_certificate(der)
    periods = [Period(ServiceStatus.GRANTED, created_at)]
    if certificate.not_after <= at:
        periods = [Period(ServiceStatus.WITHDRAWN, certificate.not_after)]
    row = session.execute(
        select(Certificate.state, Certificate.revoked_at, Certificate.reason).where(
            Certificate.issuer == issuer, Certificate.serial == f"{certificate.serial:x}"
        )
    ).one_or_none()
    granted = Period(ServiceStatus.GRANTED, created_at)
    if row is not None and row.state in (CertificateState.REVOKED, CertificateState.HELD):
        stolen = row.reason in COMPROMISED
        status = ServiceStatus.COMPROMISED if stolen else ServiceStatus.WITHDRAWN
        return [Period(status, row.revoked_at or created_at), granted]
    return periods if periods[0].status is ServiceStatus.GRANTED else [*periods, granted]


def notice(
    session: Session, kind: ServiceType, subject: str, *, status: ServiceStatus, since: datetime,
    by: Caller, at: datetime,
) -> None:  # fmt: skip
    """Say that a body or place is granted, or withdrawn, from a time on; the next list says so.
    BadNotice, NotFound for an authority that is none of ours."""
    if kind not in NOTICED:
        raise BadNotice("the status of a key is that of its certificate")
    if since > at:
        raise BadNotice("a list says what is so, not what will be")
    if kind is ServiceType.ISSUER and session.get(Authority, subject) is None:
        raise NotFound(f"no authority {subject}")
    session.add(
        ServiceNotice(
            kind=str(kind), subject=subject, status=str(status), since=since, recorded_at=at,
            account=by.account,
        )
    )  # fmt: skip
    session.flush()
    audit.record(
        session, "trust_list.service_noticed", subject=subject, by=by, at=at,
        details={"kind": str(kind), "status": str(status), "since": since.isoformat()},
    )  # fmt: skip


def _notices(session: Session) -> dict[tuple[str, str], list[Period]]:
    found: dict[tuple[str, str], list[Period]] = {}
    rows = session.scalars(
        select(ServiceNotice).order_by(ServiceNotice.since.desc(), ServiceNotice.id.desc())
    )
    for row in rows:
        period = Period(ServiceStatus(row.status), row.since)
        found.setdefault((row.kind, row.subject), []).append(period)
    return found


def _noticed(
    service: Service, notices: dict[tuple[str, str], list[Period]], at: datetime
) -> Service:
    told = notices.get((str(service.kind), service.code), [])
    periods = sorted(
        [*(each for each in told if each.since <= at), *service.periods()],
        key=lambda period: period.since, reverse=True,
    )  # fmt: skip
    newest, *older = periods
    return Service(
        service.kind, service.name, newest.since, service.certificate, service.uri, service.code,
        newest.status, tuple(older),
    )  # fmt: skip


def pointers(session: Session) -> tuple[Pointer, ...]:
    """Other regions' lists that ours points to, each with the one that is held here now.

    Who may sign it: those pinned here and those that it announces, so that whoever trusts us
    follows a change of its key even if they missed the list that announced it.
    """
    rows = session.execute(
        select(ListSource, HeldList)
        .outerjoin(HeldList, HeldList.region == ListSource.region)
        .where(ListSource.pointed, ListSource.dropped_at.is_(None))
        .order_by(ListSource.region)
    )
    return tuple(
        Pointer(
            source.region, source.name, source.uri, _signing(source, held),
            held.sequence if held else None, held.digest if held else "",
        )
        for source, held in rows
    )  # fmt: skip


def _signing(source: ListSource, held: HeldList | None) -> tuple[bytes, ...]:
    texts = [*(held.announced if held else ()), *source.signers]
    return tuple(each.der for each in decoded(list(dict.fromkeys(texts))[:SIGNERS_MAX]))
