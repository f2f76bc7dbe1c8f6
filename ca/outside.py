"""Outside CAs: what they have revoked is asked at their addresses and kept, so that every
verification finds the answer here and none waits for another network.

A running service asks about every ten minutes (`server.upkeep`), `trust ca crl` at once. Without an
answer that is still good their certificates are INDETERMINATE, never good.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ca import issuers, outside_answers
from ca.hold import CERTIFICATE_HOLD
from ca.models import Certificate, CertificateState, Crl, OutsideAuthority
from trust import audit
from trust.access import SYSTEM, Caller
from trust.crypto import ocsp, x509
from trust.crypto.x509 import RevocationList
from trust.db import Sessions
from trust.errors import Invalid, TrustError
from trust.fetch import Fetch
from trust.validation import Standing, Status

#: Asked again after this, or earlier when half of what the last answer is good for has passed.
EVERY: Final = timedelta(hours=1)
#: Own certificates under one outside CA that are asked about one by one, by OCSP.
ASKED_MAX: Final = 200

_logger = logging.getLogger("trust.outside")


class NotOutside(Invalid):
    """The CA is ours: its registry is asked, and its CRLs are made here."""

    code = "not_an_outside_ca"


def due(session: Session, *, at: datetime) -> list[str]:
    """The outside CAs whose answer is missing, old or near its end."""
    found = []
    for row in session.scalars(select(OutsideAuthority).order_by(OutsideAuthority.issuer)):
        asked, until = row.asked_at, row.told_until
        if not row.crl_url and not row.ocsp_url:
            continue
        if asked is None or until is None or at - asked >= min(EVERY, (until - asked) / 2):
            found.append(row.issuer)
    return found


def ask(sessions: Sessions, name: str, *, fetch: Fetch, at: datetime) -> OutsideAuthority:
    """Ask an outside CA at its addresses, its CRL first, and keep what it says.

    Owns its transactions: none is open while the other side thinks. Never raises what the other
    side did wrong; `problem` of the row is its code, empty when there was an answer.
    """
    with sessions() as session:
        row = _find(session, name)
        addresses = [(_ask_crl, row.crl_url), (_ask_ocsp, row.ocsp_url)]
    problem = "" if any(url for _, url in addresses) else "no_address"
    until: datetime | None = None
    for way, url in addresses:
        if not url:
            continue
        try:
            until = way(sessions, name, url, fetch=fetch, at=at)
        except TrustError as error:
            _logger.warning("outside CA %s cannot be asked: %s", name, error.code)
            problem = error.code
        else:
            problem = ""
            break
    return _note(sessions, name, problem=problem, until=until, at=at)


def take_crl(sessions: Sessions, name: str, data: bytes, *, by: Caller, at: datetime) -> Crl:
    """Keep a CRL that was brought by hand, where the CA's network is not reached from here.

    BadAnswer or Malformed when it is not the CA's, or not of this time.
    """
    until = _keep_crl(sessions, name, data, by=by, at=at)
    _note(sessions, name, problem="", until=until, at=at)
    with sessions() as session:
        newest = select(Crl).where(Crl.issuer == name).order_by(Crl.number.desc()).limit(1)
        return session.scalars(newest).one()


def _find(session: Session, name: str) -> OutsideAuthority:
    row = session.get(OutsideAuthority, name)
    if row is None:
        issuers.find(session, name)
        raise NotOutside(f"{name} is a CA of our own")
    return row


def _note(
    sessions: Sessions, name: str, *, problem: str, until: datetime | None, at: datetime
) -> OutsideAuthority:
    with sessions.begin() as session:
        row = _find(session, name)
        row.asked_at, row.problem = at, problem
        row.told_until = until or row.told_until
        return row


def _ask_crl(sessions: Sessions, name: str, url: str, *, fetch: Fetch, at: datetime) -> datetime:
    return _keep_crl(sessions, name, fetch(url), by=SYSTEM, at=at)


def _keep_crl(sessions: Sessions, name: str, data: bytes, *, by: Caller, at: datetime) -> datetime:
    with sessions() as session:
        _find(session, name)
        issuer = x509.parse_certificate(issuers.find(session, name).certificate)
    crl, until = outside_answers.read_crl(data, issuer, at=at)
    with sessions.begin() as session:
        newest = session.scalar(
            select(Crl).where(Crl.issuer == name).order_by(Crl.number.desc()).limit(1)
        )
        if newest is not None and newest.this_update > crl.this_update:
            raise outside_answers.BadAnswer("the CRL is older than the one at hand")
        if newest is None or newest.der != data:
            number = 1 + (session.scalar(select(func.max(Crl.number)).filter_by(issuer=name)) or 0)
            session.add(
                Crl(
                    issuer=name, number=number, this_update=crl.this_update, next_update=until,
                    der=data,
                )
            )  # fmt: skip
            session.flush()
        _apply(session, name, crl, by=by, at=at)
    return until


def _apply(session: Session, name: str, crl: RevocationList, *, by: Caller, at: datetime) -> None:
    """Our own certificates under the CA stand as its CRL says."""
    rows = session.scalars(
        select(Certificate)
        .where(
            Certificate.issuer == name,
            Certificate.state.in_((CertificateState.ISSUED, CertificateState.HELD)),
        )
        .order_by(Certificate.id)
    ).all()
    for row in rows:
        entry = crl.entries.get(int(row.serial, 16))
        told = Status(Standing.REVOKED, entry.at, entry.reason) if entry else Status(Standing.GOOD)
        _stand(session, row, told, by=by, at=at)


def _ask_ocsp(sessions: Sessions, name: str, url: str, *, fetch: Fetch, at: datetime) -> datetime:
    """Every certificate of ours under the CA, one by one; the end of the first answer to end."""
    with sessions() as session:
        issuer = x509.parse_certificate(issuers.find(session, name).certificate)
        asked = session.execute(
            select(Certificate.id, Certificate.der)
            .where(
                Certificate.issuer == name,
                Certificate.state.in_((CertificateState.ISSUED, CertificateState.HELD)),
                Certificate.not_after > at,
            )
            .order_by(Certificate.id)
            .limit(ASKED_MAX)
        ).all()
    until = at + EVERY
    for row_id, der in asked:
        certificate = x509.parse_certificate(der)
        request = ocsp.write_request(ocsp.cert_id(issuer, certificate.serial))
        answer = fetch(
            url, body=request, media_type="application/ocsp-request", cap=ocsp.RESPONSE_MAX
        )
        told = outside_answers.read_ocsp(answer, certificate, issuer, at=at)
        with sessions.begin() as session:
            row = session.get_one(Certificate, row_id, with_for_update=True)
            _stand(session, row, told.status, by=SYSTEM, at=at)
        until = min(until, told.until)
    return until


def _stand(session: Session, row: Certificate, told: Status, *, by: Caller, at: datetime) -> None:
    """Bring one row into the state that its CA tells; audited when it changes.

    What was revoked here stays so, whatever its CA says: somebody had a reason. A hold ends when
    its CA says that the certificate is good.
    """
    if told.standing is Standing.REVOKED:
        held = told.reason == CERTIFICATE_HOLD
        state, when = CertificateState.HELD if held else CertificateState.REVOKED, told.at or at
        reason: int | None = told.reason
    else:
        state, when, reason = CertificateState.ISSUED, None, None
    if row.state == state:
        return
    row.state, row.revoked_at, row.reason = state, when, reason
    audit.record(
        session, "certificate.told_by_issuer", subject=row.serial, by=by, at=at,
        details={"issuer": row.issuer, "state": str(state)},
    )  # fmt: skip
