"""Cosignatures: a witness's word that a log's checkpoint only extends what it saw before (C2SP
tlog-cosignature v1).

Signed is `cosignature/v1`, `time <seconds>` and the checkpoint's body, a line each. The signature
line is `— name base64(key id, 4 bytes; seconds, 8 bytes big-endian; signature)`. The specification
gives types to Ed25519 and ML-DSA only; by its rule for others ours is 0xff and a longer name: the
key id is SHA-256(name, LF, 0xff, "cosignature/v1 ES256", LF, SPKI)[:4], the signature in DER.
"""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from trust.crypto import checkpoint, signatures
from trust.crypto.algorithms import Algorithm
from trust.crypto.checkpoint import Checkpoint
from trust.crypto.errors import InvalidSignature, Malformed

_TIME: Final = 8
_ID: Final = 4
LINE_MAX: Final = 4200


def key_id(name: str, *, spki: bytes, algorithm: Algorithm) -> bytes:
    """Four bytes that help to find a cosignature; they prove nothing."""
    named = f"{name}\n".encode() + b"\xff" + f"cosignature/v1 {algorithm}\n".encode() + spki
    return hashlib.sha256(named).digest()[:_ID]


def cosign(
    seen: Checkpoint, *, name: str, at: datetime, spki: bytes, algorithm: Algorithm,
    sign: Callable[[bytes], bytes],
) -> str:  # fmt: skip
    """The signature line, without its newline, over a checkpoint that was found consistent."""
    seconds = int(at.timestamp())
    signature = sign(_message(seen, seconds))
    stamp = key_id(name, spki=spki, algorithm=algorithm)
    stamp += seconds.to_bytes(_TIME, "big") + signature
    return f"\u2014 {name} {base64.b64encode(stamp).decode()}"


def verify_cosignature(
    text: str, *, name: str, spki: bytes, algorithm: Algorithm
) -> tuple[Checkpoint, datetime]:
    """The checkpoint and when the witness saw it; InvalidSignature when that witness's line is not
    there or does not hold, Malformed for what is no checkpoint."""
    found, lines = checkpoint.parse(text)
    wanted = key_id(name, spki=spki, algorithm=algorithm)
    for named, stamp in lines:
        if named == name and stamp[:_ID] == wanted and len(stamp) > _ID + _TIME:
            seconds = int.from_bytes(stamp[_ID : _ID + _TIME], "big")
            signatures.verify(algorithm, spki, _message(found, seconds), stamp[_ID + _TIME :])
            return found, _moment(seconds)
    raise InvalidSignature("the checkpoint has no cosignature by this witness")


def join(text: str, line: str) -> str:
    """The note with one more signature line; Malformed for what is not one line of that form."""
    joined = f"{text}{line}\n"
    checkpoint.parse(joined)
    return joined


def _message(seen: Checkpoint, seconds: int) -> bytes:
    head = f"cosignature/v1\ntime {seconds}\n".encode()
    return head + checkpoint.body(origin=seen.origin, size=seen.size, root=seen.root)


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed("a cosignature without a time") from error
