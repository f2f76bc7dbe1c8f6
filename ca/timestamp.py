"""The time-stamp authority (RFC 3161; GB/T 20520).

An imprint by SM3 is stamped by SM2-SM3, one by SHA-2 by RSA-SHA256. Every stamp is a row of
`ca_timestamp` before it is handed out: the random 126-bit serial is its primary key, so none comes
twice, after a restart or from another process; and its time is what a clock that was moved back is
noticed by. A crash between signing and the row leaves a token that nobody was given.
"""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
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
from trust.keys import KeyStore, sign_many

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

    def answer_many(self, requests: Sequence[bytes]) -> list[bytes]:
        """`answer` each of a block: one look at clock and signers, one transaction for all rows.

        Every stamp has a serial number and a row of its own. When one of them cannot be made each
        is answered by itself, so that a bad request spoils no other.
        """
        try:
            parsed = [_check(data, policy=self._policy) for data in requests]
            return [tst.granted(token) for token in self._stamps(parsed)]
        except (TrustError, SQLAlchemyError):
            return [self.answer(data) for data in requests]

    def _stamp(self, request: Request) -> bytes:
        return self._stamps([request])[0]

    def _stamps(self, requests: Sequence[Request]) -> list[bytes]:
        """1. time  2. signers  3. sign, outside any transaction  4. record; only then hand out."""
        suites = {_suite(request) for request in requests}
        with self._reading() as session:
            newest = session.scalar(_NEWEST)
            if newest is not None and clock_order.set_aside(session, newest):
                newest = None
            at = self._time(newest)
            clock_order.check(session, at=at, tolerance=clock_order.TOLERANCE)
            ready = {
                suite: signers.active(session, PURPOSE, keys=self._keys, at=at, algorithm=suite)
                for suite in sorted(suites)
            }
            issuers = [
                *session.scalars(select(Issuer.certificate).where(Issuer.parent.is_not(None)))
            ]
        tokens: dict[int, bytes] = {}
        rows: list[dict[str, object]] = []
        for suite, signer in ready.items():
            chosen = [number for number, request in enumerate(requests) if _suite(request) is suite]
            infos = [self._info(requests[number], at) for number in chosen]
            chain = _chain(signer, issuers)
            made = self._tokens(infos, signer, [
                chain if requests[number].wants_certificates else () for number in chosen
            ])  # fmt: skip
            tokens |= dict(zip(chosen, made, strict=True))
            rows += [_row(info, signer, at) for info in infos]
        with self._sessions.begin() as session:
            session.execute(insert(Timestamp), rows)
        return [tokens[number] for number in range(len(requests))]

    def _info(self, request: Request, at: datetime) -> TstInfo:
        return TstInfo(
            1, self._policy, request.imprint, secrets.randbits(126) | 1 << 126,
            at.replace(microsecond=0), ACCURACY, request.nonce,
        )  # fmt: skip

    def _tokens(
        self, infos: Sequence[TstInfo], signer: ReadySigner, chains: Sequence[tuple[bytes, ...]]
    ) -> list[bytes]:
        suite, certificate = signer.algorithm, signer.certificate
        written = [tst.write_info(info) for info in infos]
        attributes = [
            tst.signed_attributes(each, signer=certificate, algorithm=suite) for each in written
        ]
        values = sign_many(self._keys, signer.key_id, attributes, suite)
        return [
            tst.write_token(
                info, signer=certificate, algorithm=suite, sign=partial(_given, value),
                certificates=chain,
            )
            for info, value, chain in zip(written, values, chains, strict=True)
        ]  # fmt: skip

    def _time(self, newest: datetime | None) -> datetime:
        at = self._clock()
        if newest is not None and newest - at > BACKWARDS_MAX:
            clock_order.alarm(at, newest)
            raise ClockMovedBack("the clock is behind the last time-stamp")
        return at


def _row(info: TstInfo, signer: ReadySigner, at: datetime) -> dict[str, object]:
    return {
        "serial": f"{info.serial:x}", "at": at, "signer": signer.key_id, "policy": info.policy,
        "digest": str(DIGESTS[info.imprint.oid]), "imprint": info.imprint.value,
    }  # fmt: skip


def _given(value: bytes, _attributes: bytes) -> bytes:
    """The signature that was made before."""
    return value


def _suite(request: Request) -> Algorithm:
    by_sm3 = DIGESTS[request.imprint.oid] is Digest.SM3
    return Algorithm.SM2_SM3 if by_sm3 else Algorithm.RSA_SHA256


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
