"""The time-stamp authority (RFC 3161; GB/T 20520).

An imprint by SM3 is stamped by SM2-SM3, one by SHA-2 by RSA-SHA256. Every stamp is a row of
`ca_timestamp` before it is handed out: the random 126-bit serial is its primary key, so none comes
twice, after a restart or from another process; and its time is what a clock that was moved back is
noticed by. A crash between signing and the row leaves a token that nobody was given.
"""

import logging
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from ca import clock_order, signers
from ca.clock_order import ClockMovedBack
from ca.models import Issuer, Timestamp
from ca.signers import ReadySigner
from trust.clock import Clock
from trust.crypto import tst, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.crypto.hashes import Digest
from trust.crypto.tst import DIGESTS, SIZES, FailureInfo, Request, TstInfo
from trust.db import Sessions
from trust.errors import Invalid, TrustError
from trust.keys import KeyStore

PURPOSE: Final = "tsa"
#: Stamps made under no other rules than docs/pki.md; `TRUST_TSA_POLICY` names another policy.
POLICY: Final = "2.25.313635862982892234263571078073398000288.16"
ACCURACY: Final = timedelta(seconds=1)
#: Two processes, or one clock that is being slewed, may disagree by so much.
BACKWARDS_MAX: Final = timedelta(seconds=1)

_NEWEST = select(func.max(Timestamp.at))
_logger = logging.getLogger("trust.timestamp")


class Refused(Invalid):
    """A request that gets no stamp; inside this module only, answered as a PKIStatusInfo."""

    code = "timestamp_refused"

    def __init__(self, failure: FailureInfo, text: str) -> None:
        super().__init__(text)
        self.failure = failure


class Stamper:
    """Stamps what it is asked to; one for each process."""

    def __init__(
        self, sessions: Sessions, reading: Sessions, keys: KeyStore, *, clock: Clock,
        policy: str = POLICY,
    ) -> None:  # fmt: skip
        self._sessions, self._reading, self._keys = sessions, reading, keys
        self._clock, self._policy = clock, policy

    def answer(self, data: bytes) -> bytes:
        """The TimeStampResp to a DER request; every fault becomes the protocol's own refusal."""
        try:
            request = _check(data, policy=self._policy)
            return tst.granted(self._stamp(request))
        except Refused as error:
            return tst.rejected(error.failure, str(error))
        except ClockMovedBack:
            return tst.rejected(FailureInfo.TIME_NOT_AVAILABLE, "the clock cannot be relied on")
        except (TrustError, SQLAlchemyError) as error:
            _logger.error("no time-stamp can be made: %s", type(error).__name__)
            return tst.rejected(FailureInfo.SYSTEM_FAILURE, "no time-stamp can be made now")

    def _stamp(self, request: Request) -> bytes:
        """1. time  2. signer  3. sign, outside any transaction  4. record; only then hand out."""
        digest = DIGESTS[request.imprint.oid]
        suite = Algorithm.SM2_SM3 if digest is Digest.SM3 else Algorithm.RSA_SHA256
        with self._reading() as session:
            newest = session.scalar(_NEWEST)
            if newest is not None and clock_order.set_aside(session, newest):
                newest = None
            at = self._time(newest)
            clock_order.check(session, at=at, tolerance=clock_order.TOLERANCE)
            signer = signers.active(session, PURPOSE, keys=self._keys, at=at, algorithm=suite)
            issuers = [
                *session.scalars(select(Issuer.certificate).where(Issuer.parent.is_not(None)))
            ]
        info = TstInfo(
            1, self._policy, request.imprint, secrets.randbits(126) | 1 << 126,
            at.replace(microsecond=0), ACCURACY, request.nonce,
        )  # fmt: skip
        token = tst.write_token(
            tst.write_info(info), signer=signer.certificate, algorithm=signer.algorithm,
            sign=signer.sign,
            certificates=_chain(signer, issuers) if request.wants_certificates else (),
        )  # fmt: skip
        self._record(info, signer, digest, at)
        return token

    def _time(self, newest: datetime | None) -> datetime:
        at = self._clock()
        if newest is not None and newest - at > BACKWARDS_MAX:
            clock_order.alarm(at, newest)
            raise ClockMovedBack("the clock is behind the last time-stamp")
        return at

    def _record(self, info: TstInfo, signer: ReadySigner, digest: Digest, at: datetime) -> None:
        row = {
            "serial": f"{info.serial:x}", "at": at, "signer": signer.key_id, "policy": info.policy,
            "digest": str(digest), "imprint": info.imprint.value,
        }  # fmt: skip
        with self._sessions.begin() as session:
            session.execute(insert(Timestamp), row)


def _check(data: bytes, *, policy: str) -> Request:
    """The request, when it can be stamped; Refused with what RFC 3161, 2.4.2 calls the reason."""
    try:
        request = tst.parse_request(data)
    except Malformed as error:
        raise Refused(FailureInfo.BAD_DATA_FORMAT, "not a TimeStampReq of version 1") from error
    digest = DIGESTS.get(request.imprint.oid)
    if digest is None:
        allowed = ", ".join(DIGESTS.values())
        raise Refused(FailureInfo.BAD_ALG, f"the imprint must be by one of {allowed}")
    if len(request.imprint.value) != SIZES[digest]:
        raise Refused(FailureInfo.BAD_DATA_FORMAT, f"an imprint by {digest} is of another length")
    if request.policy not in (None, policy):
        raise Refused(FailureInfo.UNACCEPTED_POLICY, f"the only policy here is {policy}")
    if request.extended:
        raise Refused(FailureInfo.UNACCEPTED_EXTENSION, "no extension is understood here")
    return request


def _chain(signer: ReadySigner, issuers: list[bytes]) -> tuple[bytes, ...]:
    """The signer's certificate and its issuing CA's; the root is for the verifier to know."""
    above = [
        der for der in issuers if x509.parse_certificate(der).subject == signer.certificate.issuer
    ]
    return (signer.certificate.der, *above)
