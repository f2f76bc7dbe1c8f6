"""What ends soon: certificates in force, signers, CAs; for the list, the pages and `/readyz`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from ca import issuers
from ca.models import Certificate, CertificateState, Issuer, OutsideAuthority, Signer
from trust.crypto import x509

#: A signer or a holder's certificate is told a month ahead, a CA's a year: making a new one and
#: handing out its anchors takes that long.
SIGNER_MARGIN: Final = timedelta(days=30)
CERTIFICATE_MARGIN: Final = timedelta(days=30)
CA_MARGIN: Final = timedelta(days=365)
NAMED_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Ending:
    """One thing near its end: `what` is ca, signer, certificate or outside_ca."""

    what: str
    name: str
    ends: datetime | None


def within(*, at: datetime, margin: timedelta) -> tuple[ColumnElement[bool], ...]:
    """Conditions on certificates: in force, ending by `at + margin`, and no other one has taken
    over."""
    later = aliased(Certificate)
    taken_over = exists().where(
        later.issuer == Certificate.issuer, later.renews == Certificate.serial,
        later.state == CertificateState.ISSUED,
    )  # fmt: skip
    return (
        Certificate.state.in_((CertificateState.ISSUED, CertificateState.HELD)),
        Certificate.not_after > at, Certificate.not_after <= at + margin, ~taken_over,
    )  # fmt: skip


def soon(session: Session, *, at: datetime) -> list[Ending]:
    """Everything that somebody has to do something about."""
    return [
        *_authorities(session, at=at), *_signers(session, at=at), *_certificates(session, at=at),
        *_outside(session, at=at),
    ]  # fmt: skip


def _authorities(session: Session, *, at: datetime) -> list[Ending]:
    found = []
    for row in issuers.ours(session):
        ends = x509.parse_certificate(row.certificate).not_after
        if at < ends <= at + CA_MARGIN and issuers.stands(session, row):
            found.append(Ending("ca", row.name, ends))
    return found


def _signers(session: Session, *, at: datetime) -> list[Ending]:
    """Of each purpose, algorithm and CA the newest: the ones before it have a successor."""
    newest: dict[tuple[str, str, str], Signer] = {}
    for row in session.scalars(select(Signer).order_by(Signer.created_at)):
        newest[row.purpose, row.algorithm, row.issuer] = row
    ends = {
        row.key_id: x509.parse_certificate(row.certificate).not_after for row in newest.values()
    }
    return [
        Ending("signer", key_id, end)
        for key_id, end in sorted(ends.items()) if end <= at + SIGNER_MARGIN
    ]  # fmt: skip


def _certificates(session: Session, *, at: datetime) -> list[Ending]:
    """Those of holders and seals; signers and CAs are told by name above."""
    own = select(Signer.certificate).union(select(Issuer.certificate))
    query = (
        select(Certificate.issuer, Certificate.serial, Certificate.not_after)
        .where(Certificate.der.not_in(own), *within(at=at, margin=CERTIFICATE_MARGIN))
        .order_by(Certificate.not_after)
        .limit(NAMED_MAX)
    )
    return [
        Ending("certificate", f"{issuer} {serial}", ends)
        for issuer, serial, ends in session.execute(query)
    ]


def _outside(session: Session, *, at: datetime) -> list[Ending]:
    """Outside CAs whose answer has ended or never came: their certificates are INDETERMINATE."""
    return [
        Ending("outside_ca", row.issuer, row.told_until)
        for row in session.scalars(select(OutsideAuthority).order_by(OutsideAuthority.issuer))
        if (row.crl_url or row.ocsp_url) and (row.told_until is None or row.told_until <= at)
    ]
