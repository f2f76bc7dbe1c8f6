"""Witnesses among regions: ours for their logs, theirs for ours (docs/audit.md).

Each region cosigns the checkpoints of every region that its trust lists name, and asks them to
cosign its own. What a region's log shows to one is what it shows to all, or somebody holds the
proof.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import httpx
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ca import signers
from certificates import public_log, registry
from server import provision
from server.platform import Platform
from trust import log, witness
from trust.clock import Clock
from trust.crypto import checkpoint, cosignature
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.fetch import BadAddress, check_address
from trust.list_store import ListStore, NoSuchRegion, TrustedRegion
from trust.lists_model import ServiceType
from trust.witness import LogKey, Request, Signing
from trust.witness_models import Cosignature

#: (status, body) of a POST of plain text; None when nobody answers in time.
Post = Callable[[str, bytes], tuple[int, bytes] | None]
PATH: Final = "/witness/add-checkpoint"
_OK, _CONFLICT = 200, 409
#: The DER of the curves' OIDs, which stands in a SubjectPublicKeyInfo (RFC 5480, 2.1).
_CURVES: Final = {
    bytes.fromhex("06082a8648ce3d030107"): Algorithm.ES256,
    bytes.fromhex("06082a811ccf5501822d"): Algorithm.SM2_SM3,
}
_ANSWER_MAX: Final = 16_384
_SECONDS: Final = 3.0


def post_text(url: str, body: bytes) -> tuple[int, bytes] | None:
    """POST of plain text, bounded in time and size; None when nobody answers well."""
    try:
        check_address(url)
        with (
            httpx.Client(follow_redirects=False, trust_env=False, timeout=_SECONDS) as client,
            client.stream(
                "POST", url, content=body, headers={"Content-Type": "text/plain; charset=utf-8"}
            ) as answer,
        ):
            found = bytearray()
            for chunk in answer.iter_raw(4096):
                found += chunk
                if len(found) > _ANSWER_MAX:
                    return None
            return answer.status_code, bytes(found)
    except (httpx.HTTPError, httpx.InvalidURL, BadAddress):
        return None


def witness_name(region: str) -> str:
    """The name under which a region cosigns."""
    return f"trust.{region}/witness"


def log_keys(lists: ListStore, origin: str) -> list[LogKey]:
    """The keys that sign for a region's log, by its trust list; none for a log nobody names."""
    scheme, _, name = origin.partition("/")
    prefix, _, code = scheme.partition(".")
    if prefix != "trust" or name not in provision.LOGS:
        return []
    try:
        region = lists.region(code)
    except NoSuchRegion:
        return []
    return [key for each in region.certificates(ServiceType.LOG) if (key := _log_key(each))]


def _log_key(certificate: Certificate) -> LogKey | None:
    found = [name for curve, name in _CURVES.items() if curve in certificate.spki[:32]]
    return LogKey(certificate.spki, found[0]) if found else None


class RegionWitness:
    """Implements `trust.router_witness.Witness` for this region."""

    def __init__(self, platform: Platform, lists: ListStore, clock: Clock) -> None:
        self._platform, self._lists, self._clock = platform, lists, clock

    def cosign(self, asked: Request) -> str:
        """The line; the refusals of `trust.witness.witness`, NotFound without a key."""
        at = self._clock()
        with self._platform.reading() as session:
            code = registry.region(session).code
            signer = signers.active(session, "log-signer", keys=self._platform.keys, at=at)
        signing = Signing(
            witness_name(code), signer.certificate.spki, signer.algorithm, signer.sign
        )
        return witness.witness(
            self._platform.sessions, asked, keys_of=lambda origin: log_keys(self._lists, origin),
            signing=signing, at=at,
        )  # fmt: skip


def ask_witnesses(platform: Platform, lists: ListStore, *, post: Post, at: datetime) -> list[str]:
    """Have the newest checkpoint of the public log cosigned by every region that is named; those
    that did. Nobody is asked while a transaction is open; a crash asks again."""
    with platform.reading() as session:
        newest = log.latest_checkpoint(session, public_log.LOG)
        if newest is None:
            return []
        done = set(session.scalars(
            select(Cosignature.witness).where(
                Cosignature.origin == newest.origin, Cosignature.size == newest.size
            )
        ))  # fmt: skip
    asked = [each for each in lists.regions() if witness_name(each.code) not in done]
    return [each.code for each in asked if _ask(platform, each, newest.text, post=post, at=at)]


def _ask(platform: Platform, region: TrustedRegion, note: str, *, post: Post, at: datetime) -> bool:
    """Whether the region cosigned; the line is kept only when it verifies by the region's list."""
    places = region.services(ServiceType.SHARE)
    if not places or not places[0].uri:
        return False
    name, size = witness_name(region.code), _last_size(platform, region.code, note)
    for _ in range(2):
        answer = post(places[0].uri + PATH, _request(platform, note, size))
        if answer is None or answer[0] != _CONFLICT:
            break
        size = _told_size(answer[1])
    if answer is None or answer[0] != _OK:
        return False
    line = answer[1].decode("utf-8", "replace").rstrip("\n")
    for certificate in region.certificates(ServiceType.LOG):
        if (key := _log_key(certificate)) and _keep(platform, note, line, name, key, at=at):
            return True
    return False


def _request(platform: Platform, note: str, old_size: int) -> bytes:
    seen = checkpoint.parse(note)[0]
    with platform.reading() as session:
        proof = (
            log.consistency_proof(session, public_log.LOG, old_size, seen.size)
            if 0 < old_size <= seen.size
            else []
        )
    return witness.write_request(note, old_size=min(old_size, seen.size), proof=proof)


def _last_size(platform: Platform, region: str, note: str) -> int:
    """The size of ours that the region cosigned last."""
    origin = checkpoint.parse(note)[0].origin
    with platform.reading() as session:
        return (
            session.scalar(
                select(Cosignature.size)
                .where(Cosignature.origin == origin, Cosignature.witness == witness_name(region))
                .order_by(Cosignature.size.desc())
                .limit(1)
            )
            or 0
        )


def _told_size(body: bytes) -> int:
    words = body[:24].decode("ascii", "replace").strip()
    return int(words) if words.isdigit() else 0


def _keep(
    platform: Platform, note: str, line: str, name: str, key: LogKey, *, at: datetime
) -> bool:
    try:
        seen, _ = cosignature.verify_cosignature(
            cosignature.join(note, line), name=name, spki=key.spki, algorithm=key.algorithm
        )
    except (Malformed, InvalidSignature, UnknownAlgorithm):
        return False
    row = Cosignature(origin=seen.origin, size=seen.size, witness=name, line=line, at=at)
    try:
        with platform.sessions.begin() as session:
            session.add(row)
    except IntegrityError:
        return True  # another process has kept it already
    return True


def with_cosignatures(platform: Platform, note: str) -> str:
    """The checkpoint with every line that witnesses gave for it."""
    seen = checkpoint.parse(note)[0]
    with platform.reading() as session:
        lines: Iterable[str] = session.scalars(
            select(Cosignature.line)
            .where(Cosignature.origin == seen.origin, Cosignature.size == seen.size)
            .order_by(Cosignature.witness)
        ).all()
    for line in lines:
        note = cosignature.join(note, line)
    return note
