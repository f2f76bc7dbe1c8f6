"""The proof that a licence stands in its region's public log: leaf, audit path, signed checkpoint.

It is served beside the file, goes into bundles and archives, and needs nobody to be asked. The leaf
holds the salted digest of licence.json (`certificates.public_log`), so that only who has the file
can tell which leaf is its own.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates import public_log
from certificates.models import Licence
from trust import log
from trust.crypto import checkpoint, jose, merkle
from trust.crypto.checkpoint import Checkpoint
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.merkle import HASH_SIZE, ProofFailed
from trust.errors import NotFound
from trust.log_models import LogLeaf
from trust.report import Check, failed, passed, unknown
from trust.witness import LogKey

PROOF_MAX: Final = 32_768
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class LogProof:
    """`leaf` are the bytes in the log, `path` the hashes from the leaf up, `note` the checkpoint as
    signed, cosignatures and all."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    note: str

    def as_json(self) -> dict[str, Any]:
        return {
            "version": VERSION, "index": self.index, "leaf": _text(self.leaf),
            "proof": [_text(each) for each in self.path], "checkpoint": self.note,
        }  # fmt: skip


def prove(session: Session, digest: bytes, note: str) -> LogProof:
    """The proof for the licence whose licence.json has that SM3; NotFound for none, or for one
    that is not yet under the checkpoint `note`."""
    index = session.scalar(select(Licence.leaf_index).where(Licence.digest == digest))
    if index is None:
        raise NotFound("no licence of that digest")
    signed, _ = checkpoint.parse(note)
    if index >= signed.size:
        raise NotFound("the licence is in the log, and the next checkpoint will cover it")
    leaf = session.scalar(
        select(LogLeaf.leaf).where(LogLeaf.log == public_log.LOG, LogLeaf.position == index)
    )
    if leaf is None:
        raise log.LogDamaged(f"the log of licences lacks its leaf {index}")
    path = log.inclusion_proof(session, public_log.LOG, index, signed.size)
    return LogProof(index, leaf, tuple(path), note)


def parse(data: bytes) -> LogProof:
    """Read a proof in JSON; Malformed."""
    document = jose.load_json(data, cap=PROOF_MAX)
    try:
        if set(document) != {"version", "index", "leaf", "proof", "checkpoint"}:
            raise Malformed("a proof of another form")
        if document["version"] != VERSION or type(document["index"]) is not int:
            raise Malformed("a proof of another version")
        path = tuple(_bytes(each) for each in document["proof"])
        if any(len(each) != HASH_SIZE for each in path) or document["index"] < 0:
            raise Malformed("a proof is made of hashes of 32 bytes")
        return LogProof(
            document["index"], _bytes(document["leaf"]), path, str(document["checkpoint"])
        )
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Malformed("not a proof") from error


def require(proof: LogProof, digest: bytes, *, origin: str, keys: Sequence[LogKey]) -> Checkpoint:
    """The checkpoint that covers the licence of that digest.

    InvalidSignature when the log did not sign it, ProofFailed when the leaf is another licence's or
    the path does not lead to the checkpoint's root, Malformed for what is neither.
    """
    signed = _signed(proof.note, origin, keys)
    merkle.verify_inclusion(
        leaf=merkle.leaf_hash(proof.leaf), index=proof.index, size=signed.size,
        proof=proof.path, root=signed.root,
    )  # fmt: skip
    leaf = jose.load_json(proof.leaf, cap=PROOF_MAX)
    if not isinstance(leaf, dict) or leaf.get("sm3") != jose.b64url(digest):
        raise ProofFailed("the leaf is another licence's")
    return signed


def check(proof: LogProof | None, digest: bytes, *, origin: str, keys: Sequence[LogKey]) -> Check:
    """The leg `log` of a report: whether the licence is in its region's log."""
    if proof is None:
        return unknown("log", "log_not_asked")
    try:
        require(proof, digest, origin=origin, keys=keys)
    except (ProofFailed, InvalidSignature, UnknownAlgorithm, Malformed):
        return failed("log", "not_in_log")
    return passed("log", "in_log")


def _signed(note: str, origin: str, keys: Sequence[LogKey]) -> Checkpoint:
    for key in keys:
        try:
            return checkpoint.verify_checkpoint(
                note, spki=key.spki, algorithm=key.algorithm, origin=origin
            )
        except InvalidSignature:
            continue
    raise InvalidSignature("no key of that log has signed the checkpoint")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: Any) -> bytes:
    return base64.b64decode(text, validate=True)
