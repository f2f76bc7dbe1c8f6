"""Signed checkpoints of a Merkle log: C2SP tlog-checkpoint in a C2SP signed-note v1.

    origin                     a schema-less URL, also the name of the key
    size                       leaves, decimal
    root                       base64
    <empty line>
    — origin base64(key id, 4 bytes, then the signature)
    — witness ...              lines by keys we do not know are allowed and ignored

Signature types. ECDSA is the specification's 0x02: DER signature, key id = SHA-256(SPKI)[:4]; tools
of the transparency world read it. RSA takes the same key id, as Rekor does. SM2 has no type, so by
the rule for such it is 0xff and a longer name: key id = SHA-256(origin, LF, 0xff, "SM2-SM3", LF,
SPKI)[:4]; the signature is the DER of GB/T 32918.2 with the default identifier.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from trust.crypto import signatures
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.merkle import HASH_SIZE

#: Room for sixteen signatures, the least a verifier must take, many times over.
_LONGEST: Final = 16_384
_ORIGIN: Final = re.compile(r"[!-*,-~]{1,200}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_SIGNATURE: Final = re.compile(r"\u2014 ([^\s+]{1,200}) ([A-Za-z0-9+/=]{8,4000})")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log committed itself to: its first `size` leaves have `root` (32 bytes).

    `text` is the whole signed note, with every signature on it.
    """

    origin: str
    size: int
    root: bytes
    text: str


def body(*, origin: str, size: int, root: bytes) -> bytes:
    """The text that is signed, with its last newline; Malformed for an origin with a space or +."""
    if not _ORIGIN.fullmatch(origin):
        raise Malformed("the origin of a log is 1 to 200 ASCII characters, no space, no '+'")
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()


def attach(signed: bytes, signature: bytes, *, name: str, spki: bytes, algorithm: Algorithm) -> str:
    """The signed note: the signed text and one signature line."""
    stamp = key_id(name, spki=spki, algorithm=algorithm) + signature
    return f"{signed.decode()}\n\u2014 {name} {base64.b64encode(stamp).decode()}\n"


def key_id(name: str, *, spki: bytes, algorithm: Algorithm) -> bytes:
    """Four bytes that help to find a signature line; they prove nothing."""
    if algorithm is Algorithm.SM2_SM3:
        named = name.encode() + b"\n\xff" + algorithm.value.encode() + b"\n" + spki
        return hashlib.sha256(named).digest()[:4]
    return hashlib.sha256(spki).digest()[:4]


def verify_checkpoint(text: str, *, spki: bytes, algorithm: Algorithm, origin: str) -> Checkpoint:
    """Read a checkpoint and check that the log `origin` signed it with this key.

    Malformed if it is not one, InvalidSignature if it is another log's, has no signature by this
    key, or a bad one.
    """
    checkpoint, lines = parse(text)
    if checkpoint.origin != origin:
        raise InvalidSignature("the checkpoint is another log's")
    wanted = key_id(origin, spki=spki, algorithm=algorithm)
    stamps = [stamp for name, stamp in lines if name == origin and stamp[:4] == wanted]
    if not stamps:
        raise InvalidSignature("the checkpoint has no signature by this key")
    message = body(origin=origin, size=checkpoint.size, root=checkpoint.root)
    for stamp in stamps:  # one bad signature by a known key spoils the note (signed-note)
        signatures.verify(algorithm, spki, message, stamp[4:])
    return checkpoint


def parse(text: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """Read the one accepted form, without trusting it: the checkpoint, then (name, key id and
    signature) of each line. Extension lines are refused: nobody can audit them."""
    if len(text) > _LONGEST:
        raise Malformed("the checkpoint is longer than any real one")
    lines = text.split("\n")
    if len(lines) < 6 or lines[3] or lines[-1]:
        raise Malformed("a checkpoint is origin, size, root, an empty line and signature lines")
    origin, size, root = lines[0], lines[1], _unbase64(lines[2])
    if not _ORIGIN.fullmatch(origin) or not _SIZE.fullmatch(size) or len(root) != HASH_SIZE:
        raise Malformed("the origin, size or root of the checkpoint is not in its one form")
    stamps = []
    for line in lines[4:-1]:
        match = _SIGNATURE.fullmatch(line)
        if match is None:
            raise Malformed("a signature line of the checkpoint is not in its one form")
        stamps.append((match[1], _unbase64(match[2])))
    return Checkpoint(origin=origin, size=int(size), root=root, text=text), stamps


def _unbase64(text: str) -> bytes:
    """Standard base64 with padding, and only the spelling that encoding gives."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("not base64") from error
    if base64.b64encode(value).decode() != text:
        raise Malformed("base64 with stray bits")
    return value
