"""The OCSP responder (RFC 6960): what the registry knows of our certificates, signed.

Answers to requests for one certificate without a nonce are signed ahead and kept; the registry is
asked each time all the same, so a revocation, a hold or a release anywhere is in the very next
answer. Each CA is answered for by the signer that it has certified itself (profile `ocsp-signer`).
"""

import logging
from collections import OrderedDict
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ca import clock_order, signers
from ca.clock_order import ClockMovedBack
from ca.models import OUTSIDE, CertificateState, Issuer
from ca.models import Certificate as Row
from trust.crypto import ocsp, x509
from trust.crypto.errors import Malformed
from trust.crypto.ocsp import CertId, Known, Request, ResponseStatus, Revocation, Single
from trust.db import Sessions
from trust.errors import NotFound, TrustError
from trust.keys import KeyStore

PURPOSE: Final = "ocsp-signer"
#: How long an answer is good for, and after which part of that it is signed again.
LIFETIME: Final = timedelta(hours=12)
REFRESH: Final = LIFETIME / 2
#: An answer is about 1 to 2 kB.
KEPT_MAX: Final = 20_000

_ROW = select(Row.state, Row.revoked_at, Row.reason).where(
    Row.issuer == bindparam("issuer"), Row.serial == bindparam("serial")
)
_STATE = select(Row.state).where(
    Row.issuer == bindparam("issuer"), Row.serial == bindparam("serial")
)
#: An outside CA is answered for by itself.
_OURS = select(Issuer.name, Issuer.certificate).where(Issuer.key_id.not_like(f"{OUTSIDE}%"))
_logger = logging.getLogger("trust.ocsp")


@dataclass(frozen=True, slots=True)
class Answer:
    """An OCSPResponse. `until` is its nextUpdate when it may be kept by caches, else None."""

    der: bytes
    at: datetime
    until: datetime | None = None


class Unauthorized(NotFound):
    """None of our CAs is meant, or several at once: nobody here can sign an answer."""

    code = "ocsp_unauthorized"


class Responder:
    """Answers requests; one for each process. `sessions` only read."""

    def __init__(self, sessions: Sessions, keys: KeyStore) -> None:
        self._sessions, self._keys = sessions, keys
        with sessions() as session:
            self._engine = session.get_bind().engine
        self._state = _STATE.compile(dialect=self._engine.dialect)
        self._lock = Lock()
        self._issuers: dict[tuple[str, bytes, bytes], str] = {}
        self._kept: OrderedDict[tuple[str, bytes], tuple[Revocation | Known, Answer]] = (
            OrderedDict()
        )

    def answer(self, data: bytes, *, at: datetime) -> Answer:
        """The OCSPResponse to a DER request; every fault becomes the protocol's own error."""
        at = at.replace(microsecond=0)
        try:
            request = ocsp.parse_request(data)
        except Malformed:
            return Answer(ocsp.error(ResponseStatus.MALFORMED_REQUEST), at)
        try:
            return self._kept_answer(request, at) or self._made_answer(request, at)
        except Unauthorized:
            return Answer(ocsp.error(ResponseStatus.UNAUTHORIZED), at)
        except SQLAlchemyError as error:
            _logger.error("no OCSP answer: the database: %s", type(error).__name__)
            return Answer(ocsp.error(ResponseStatus.TRY_LATER), at)
        except ClockMovedBack:
            return Answer(ocsp.error(ResponseStatus.TRY_LATER), at)
        except TrustError as error:
            _logger.error("no OCSP answer can be signed: %s", error.code)
            return Answer(ocsp.error(ResponseStatus.INTERNAL_ERROR), at)

    def _kept_answer(self, request: Request, at: datetime) -> Answer | None:
        """The answer signed ahead, if there is one and the registry still says the same.

        Without SQLAlchemy's layers, which cost as much as everything else here together.
        """
        wanted = request.ids[0]
        issuer = self._issuers.get((wanted.hash_oid, wanted.name_hash, wanted.key_hash))
        if issuer is None or request.nonce is not None or len(request.ids) != 1:
            return None
        kept = self._kept.get((issuer, wanted.raw))
        if kept is None or not timedelta() <= at - kept[1].at < REFRESH:
            return None
        if kept[0] is Known.GOOD:
            same = self._is_issued(issuer, wanted.serial)
        else:
            with self._engine.connect() as connection:
                same = _standing(connection, issuer, wanted.serial) == kept[0]
        return kept[1] if same else None

    def _is_issued(self, issuer: str, serial: int) -> bool:
        """Whether the registry says that a certificate is good; asked through the driver itself.

        False when it cannot say: the long way meets the same fault, and answers for it.
        """
        compiled = self._state
        found: Any = compiled.construct_params({"issuer": issuer, "serial": f"{serial:x}"})
        if compiled.positional:
            found = tuple(found[name] for name in compiled.positiontup or ())
        try:
            with closing(self._engine.raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute(str(compiled), found)
                return bool(cursor.fetchall() == [(CertificateState.ISSUED,)])
        except self._engine.dialect.loaded_dbapi.Error:
            return False

    def _made_answer(self, request: Request, at: datetime) -> Answer:
        with self._sessions() as session:
            return self._sign_and_keep(session, request, at)

    def _sign_and_keep(self, session: Session, request: Request, at: datetime) -> Answer:
        issuer = self._issuer(session, request)
        clock_order.check(session, at=at, tolerance=clock_order.TOLERANCE)
        connection = session.connection()
        standings = [_standing(connection, issuer, each.serial) for each in request.ids]
        key = (issuer, request.ids[0].raw)
        made = self._sign(session, issuer, request, standings, at)
        # An unknown serial is not kept: a stranger could fill the memory with invented ones.
        if made.until and len(request.ids) == 1 and standings[0] is not Known.UNKNOWN:
            self._keep(key, standings[0], made)
        return made

    def _keep(self, key: tuple[str, bytes], standing: Revocation | Known, made: Answer) -> None:
        with self._lock:
            self._kept[key] = (standing, made)
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)

    def _sign(
        self, session: Session, issuer: str, request: Request,
        standings: list[Revocation | Known], at: datetime,
    ) -> Answer:  # fmt: skip
        signer = signers.active(session, PURPOSE, keys=self._keys, at=at, issuer=issuer)
        until = min(at + LIFETIME, signer.certificate.not_after)
        singles = [
            Single(each, standing, at, until)
            for each, standing in zip(request.ids, standings, strict=True)
        ]
        tbs = ocsp.tbs_response(
            singles, responder=signer.certificate.subject, produced_at=at, nonce=request.nonce
        )
        der = ocsp.response(
            tbs, signer.algorithm, signer.sign(tbs), certificates=(signer.certificate.der,)
        )
        return Answer(der, at, until if request.nonce is None else None)

    def _issuer(self, session: Session, request: Request) -> str:
        """The one CA that all of the request is about; Unauthorized."""
        names = {self._name(session, each) for each in request.ids}
        name = names.pop()
        if name is None or names:
            raise Unauthorized("the request is about no CA of ours, or about several")
        return name

    def _name(self, session: Session, wanted: CertId) -> str | None:
        key = (wanted.hash_oid, wanted.name_hash, wanted.key_hash)
        if wanted.hash_oid in ocsp.HASHES and key not in self._issuers:
            for name, der in session.execute(_OURS):
                certificate = x509.parse_certificate(der)
                for oid in ocsp.HASHES:
                    made = ocsp.cert_id(certificate, 1, hash_oid=oid)
                    self._issuers[oid, made.name_hash, made.key_hash] = name
        return self._issuers.get(key)


def _standing(connection: Connection, issuer: str, serial: int) -> Revocation | Known:
    """What the registry says. Serials that were never issued are unknown (RFC 6960, 2.2)."""
    found = {"issuer": issuer, "serial": f"{serial:x}"}
    row = connection.execute(_ROW, found).one_or_none()
    if row is None or row.state in (CertificateState.RESERVED, CertificateState.ABANDONED):
        return Known.UNKNOWN
    if row.state == CertificateState.ISSUED:
        return Known.GOOD
    return Revocation(row.revoked_at.replace(microsecond=0), row.reason or 0)
