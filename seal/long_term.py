"""What a signature needs to be judged in later years: time-stamps, and the evidence of its chain.

Evidence is kept for a minute (`KEPT`), so that a bulk job asks for it once: the very OCSP answers
that our responder gives to everybody, of each certificate between a signer and its root. Whether
they still hold is looked at again, without any keeping, before a file leaves
(`certificates.press.own_output`).
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Lock
from typing import Final

from sqlalchemy import select

from ca import crl
from ca.models import Issuer
from ca.ocsp import Responder
from seal.pdf.dss import ITEM_MAX
from trust import signing_time, timestamps
from trust.carried import SKEW, Evidence
from trust.clock import Clock
from trust.crypto import cms, hashes, ocsp, tst, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.hashes import Digest
from trust.crypto.ocsp import Known
from trust.crypto.x509 import Certificate
from trust.db import Sessions
from trust.errors import Unavailable
from trust.timestamps import Verified
from trust.validation import PathFailed, PathUnknown, find_path

KEPT: Final = timedelta(minutes=1)
#: Some 10 kB each.
KEPT_MAX: Final = 2_000
#: Longer than the last token that an authority gave: room for its next one.
_TOKEN_SLACK: Final = 256
_DIGESTS: Final = {Algorithm.SM2_SM3: Digest.SM3, Algorithm.RSA_SHA256: Digest.SHA256}

#: Takes a TimeStampReq, gives a TimeStampResp: `ca.timestamp.Stamper.answer`, or an outside
#: authority's (`seal.outside.Authority.answer`).
Ask = Callable[[bytes], bytes]
#: The same for a block of requests.
AskMany = Callable[[Sequence[bytes]], list[bytes]]


class NoTimeStamp(Unavailable):
    """No time-stamp, or one that does not hold: nothing is sealed without."""

    code = "no_time_stamp"


class NoEvidence(Unavailable):
    """The evidence for a chain cannot be had, or says that it does not hold."""

    code = "no_evidence"


class AuthorityChanged(NoTimeStamp):
    """The time-stamp is by another key than the one that room and evidence were made for."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The CAs there are, read at `at`; of each outside one its newest CRL, which is all it has."""

    at: datetime
    roots: tuple[Certificate, ...]
    others: tuple[Certificate, ...]
    crls: Mapping[Certificate, bytes | None]


class Chains:
    """Chains by the registry; their evidence by our own OCSP responder, and of outside CAs by the
    CRLs that are kept of them."""

    def __init__(self, reading: Sessions, responder: Responder, *, clock: Clock) -> None:
        self._reading, self._responder, self._clock = reading, responder, clock
        self._lock = Lock()
        self._known: _Known | None = None
        self._kept: OrderedDict[Certificate, tuple[datetime, Evidence]] = OrderedDict()

    def of(self, leaf: Certificate) -> tuple[Certificate, ...]:
        """From the leaf up, without the root; NoEvidence."""
        return self._path(leaf, self._issuers(self._clock()))[:0:-1]

    def evidence(self, leaf: Certificate) -> Evidence:
        """Of every certificate of the leaf's chain; NoEvidence."""
        now = self._clock()
        kept = self._kept.get(leaf)
        if kept is not None and timedelta() <= now - kept[0] < KEPT:
            return kept[1]
        made = self._made(leaf, now)
        with self._lock:
            self._kept[leaf] = (now, made)
            self._kept.move_to_end(leaf)
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return made

    def _made(self, leaf: Certificate, now: datetime) -> Evidence:
        known = self._issuers(now)
        path = self._path(leaf, known)
        found = Evidence(tuple(each.der for each in path[:0:-1]))
        for issuer, certificate in pairwise(path):
            if issuer in known.crls:
                told = Evidence(crls=(_current(known.crls[issuer], certificate, now),))
            else:
                told = Evidence(answers=(self._answer(certificate, issuer, now),))
            found = found.with_(told)
        return found

    def _path(self, leaf: Certificate, known: _Known) -> tuple[Certificate, ...]:
        """From the root down to the leaf."""
        try:
            return find_path(leaf, intermediates=known.others, anchors=known.roots).certificates
        except (PathFailed, PathUnknown, Malformed, UnknownAlgorithm) as error:
            raise NoEvidence("a certificate is of no CA that is known here") from error

    def _issuers(self, now: datetime) -> _Known:
        known = self._known
        if known is None or not timedelta() <= now - known.at < KEPT:
            known = self._known = self._read_issuers(now)
        return known

    def _read_issuers(self, now: datetime) -> _Known:
        with self._reading() as session:
            rows = session.scalars(select(Issuer)).all()
            read = [(row, x509.parse_certificate(row.certificate)) for row in rows]
            crls = {one: crl.newest(session, row.name) for row, one in read if row.outside}
        return _Known(
            now, tuple(one for row, one in read if row.parent is None),
            tuple(one for row, one in read if row.parent is not None), crls,
        )  # fmt: skip

    def _answer(self, certificate: Certificate, issuer: Certificate, now: datetime) -> bytes:
        """What everybody is told about the certificate, when that is that it is good."""
        # By SHA-1, as all clients ask; other readers stumble over answers that name SM3.
        wanted = ocsp.cert_id(issuer, certificate.serial)
        made = self._responder.answer(ocsp.write_request(wanted), at=now).der
        read = ocsp.parse_response(made)
        if isinstance(read, ocsp.ResponseStatus):
            raise NoEvidence(f"the OCSP responder says {read.name}")
        if read.singles[0].standing is not Known.GOOD:
            raise NoEvidence("a certificate of the chain is revoked, on hold or unknown")
        return made


def _current(data: bytes | None, certificate: Certificate, now: datetime) -> bytes:
    """An outside CA's CRL, if it holds and does not list the certificate."""
    if data is None or len(data) > ITEM_MAX:
        raise NoEvidence("there is no CRL of an outside CA, or one too long to carry along")
    read = x509.parse_crl(data)
    if read.next_update is None or read.next_update < now or certificate.serial in read.entries:
        raise NoEvidence("an outside CA's CRL is too old, or lists a certificate of the chain")
    return data


@dataclass(frozen=True, slots=True)
class _Last:
    """The last token of an authority: its signer and its length."""

    signer: Certificate
    length: int


class Stamps:
    """Time-stamps over signature values: by SM2-SM3 over SM2 ones, by RSA-SHA256 over RSA ones."""

    def __init__(
        self, authorities: Mapping[Algorithm, Ask], chains: Chains, *, clock: Clock,
        together: Mapping[Algorithm, AskMany] | None = None,
    ) -> None:  # fmt: skip
        """`together`: authorities of this very process, which answer a block at once."""
        self._authorities, self._chains, self._clock = dict(authorities), chains, clock
        self._together = dict(together or {})
        self._last: dict[Algorithm, _Last] = {}

    def signer(self, suite: Algorithm) -> Certificate:
        """Whose certificate the next stamp will be by, as far as one can know."""
        return self._known(suite).signer

    def room(self, suite: Algorithm) -> int:
        """Bytes that the next token may need."""
        return self._known(suite).length + _TOKEN_SLACK

    def _known(self, suite: Algorithm) -> _Last:
        if suite not in self._last:
            self.stamp(suite, secrets.token_bytes(32))
        return self._last[suite]

    def stamp(self, suite: Algorithm, value: bytes) -> bytes:
        """The token over a signature value, in its one form; NoTimeStamp."""
        digest = _DIGESTS[suite]
        nonce, request = _request(digest, value)
        ask = self._authorities.get(suite)
        if ask is None:
            raise NoTimeStamp(f"no time-stamp authority for {suite}")
        try:
            token = tst.parse_response(ask(request))
            if not isinstance(token, bytes):
                raise NoTimeStamp("the time-stamp authority refused")
            token, found = self._in_form(token, value, digest)
        except (Malformed, InvalidSignature, UnknownAlgorithm) as error:
            raise NoTimeStamp("the time-stamp authority gave no good time-stamp") from error
        if found.info.nonce != nonce or abs(found.info.at - self._clock()) > SKEW:
            raise NoTimeStamp("the time-stamp is not of now")
        self._last[suite] = _Last(found.signer, len(token))
        return token

    def _in_form(self, token: bytes, value: bytes, digest: Digest) -> tuple[bytes, Verified]:
        """With exactly the certificates of its signer's chain, and verified as it then stands."""
        held = tuple(each.der for each in self._chains.of(cms.parse(token).signer()))
        written = tst.rewritten(token, certificates=held)
        return written, signing_time.read(written, value, digest)

    def expected(self, suite: Algorithm, value: bytes, signer: Certificate) -> bytes:
        """The token, when it is by `signer`; AuthorityChanged, NoTimeStamp."""
        token = self.stamp(suite, value)
        if self._last[suite].signer != signer:
            raise AuthorityChanged("the time-stamp authority has another key now")
        return token

    def expected_many(
        self, suite: Algorithm, values: Sequence[bytes], signer: Certificate
    ) -> list[bytes]:
        """The tokens of a block, all by `signer`; AuthorityChanged, NoTimeStamp.

        Of tokens that an authority of this very process gave together only the first is verified
        here, its form and its chain: whoever asks for many reads every one of them back before it
        leaves (`certificates.press.own_output`).
        """
        ask = self._together.get(suite)
        if ask is None or len(values) == 1:
            return [self.expected(suite, value, signer) for value in values]
        first = self.expected(suite, values[0], signer)
        asked = [_request(_DIGESTS[suite], value)[1] for value in values[1:]]
        found = [first]
        for answer in ask(asked):
            token = tst.parse_response(answer)
            if not isinstance(token, bytes):
                raise NoTimeStamp("the time-stamp authority refused")
            if len(token) > len(first) + _TOKEN_SLACK:
                raise AuthorityChanged("the time-stamp authority has another key now")
            found.append(token)
        return found


def _request(digest: Digest, value: bytes) -> tuple[int, bytes]:
    """A nonce, and the request for a stamp over a signature value that bears it."""
    nonce = secrets.randbits(63) | 1 << 63
    imprint = tst.imprint(digest, hashes.digest(digest, value))
    return nonce, tst.write_request(imprint, nonce=nonce, certificates=True)


class Noted(Stamps):
    """The stamps of one document: another's, with their serial numbers kept, for the ledger."""

    def __init__(self, stamps: Stamps) -> None:
        self._below = stamps
        self._serials: dict[Algorithm, list[int]] = {}

    def signer(self, suite: Algorithm) -> Certificate:
        return self._below.signer(suite)

    def room(self, suite: Algorithm) -> int:
        return self._below.room(suite)

    def expected(self, suite: Algorithm, value: bytes, signer: Certificate) -> bytes:
        token = self._below.expected(suite, value, signer)
        self._serials.setdefault(suite, []).append(timestamps.read(token).info.serial)
        return token

    def serials(self, seals: int) -> list[str | None]:
        """Hexadecimal, one for each seal in its order: of its SM2 stamp, or where there is none of
        the closing one."""
        stamped = self._serials.get(Algorithm.SM2_SM3, [])
        closing = self._serials.get(Algorithm.RSA_SHA256, [])
        found = stamped if len(stamped) == seals else closing * seals
        return [f"{each:x}"[:40] for each in found[:seals]] or [None] * seals


@dataclass(frozen=True, slots=True)
class LongTerm:
    """What makes a sealed file last: PAdES B-LT, and the same for its SM2 seals."""

    stamps: Stamps
    chains: Chains

    def evidence(self, leaves: Iterable[Certificate]) -> Evidence:
        """Of all these signers' chains together; NoEvidence."""
        found = Evidence()
        for leaf in dict.fromkeys(leaves):
            found = found.with_(self.chains.evidence(leaf))
        return found
