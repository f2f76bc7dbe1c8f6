"""SM2 eight at a time (GB/T 32918.2-2016) by Intel's crypto_mb, where the CPU has AVX-512 IFMA.

An optional engine: without the package `ipp-crypto`, its run-time library or the CPU, the same
calls are answered one by one by `sm2`. Its word is never the last where that could do harm:

- The eight messages of one call have one length. crypto_mb's SM3 loses count when some lanes fill a
  block and others do not: it then hashes wrongly, or reads on until the process dies, and in a
  verifier the lengths are the sender's to choose.
- A refusal is confirmed by `sm2`, so a good signature is not lost to a case the vector code skips.
- crypto_mb takes a sum at infinity for x = 0 and then accepts r = e, where libcrypto and the
  standard refuse. Only the key's holder can build such a signature, to disown it later; an accepted
  signature with r = e is therefore asked of `sm2` as well.
- Each signature is verified before it is handed out. A faulty computation with a good nonce would
  otherwise publish an equation in the private key; one that fails is dropped with its nonce and the
  message is signed by `sm2`, with another nonce. This costs three times the signing itself, and
  signing stays several times as fast as one by one.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from itertools import groupby, islice
from typing import Any

import cffi

from trust.crypto import sm2
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.hashes import sm3_parts
from trust.crypto.sm2_formats import (
    DEFAULT_ID,
    LONGEST_ID,
    ORDER,
    check_public_key,
    parse_signature,
    raw_to_der,
    za,
)

LANES = 8
#: A longer message costs more in hashing than a lane saves.
_LONGEST_MESSAGE = 65_536
_ZERO, _ORDER = bytes(32), ORDER.to_bytes(32, "big")
#: crypto_mb needs these by name; they sit in the environment, where the loader does not look.
_RUNTIME = ("libintlc.so.5", "libirng.so", "libimf.so", "libsvml.so")

_ffi = cffi.FFI()
_ffi.cdef("""
int mbx_is_crypto_mb_applicable(uint64_t);
uint32_t mbx_sm2_ecdsa_sign_mb8(uint8_t *r[8], uint8_t *s[8],
    const uint8_t *const id[8], const int id_len[8], const uint8_t *const msg[8],
    const int msg_len[8], const uint64_t *const nonce[8], const uint64_t *const scalar[8],
    const uint64_t *const x[8], const uint64_t *const y[8], const uint64_t *const z[8], void *);
uint32_t mbx_sm2_ecdsa_verify_mb8(const uint8_t *const r[8], const uint8_t *const s[8],
    const uint8_t *const id[8], const int id_len[8], const uint8_t *const msg[8],
    const int msg_len[8], const uint64_t *const x[8], const uint64_t *const y[8],
    const uint64_t *const z[8], void *);
""")


#: Loaded libraries are unloaded with their last reference.
_KEPT: list[Any] = []


@cache
def _crypto_mb() -> Any:
    """Return the loaded library, or None where it or the CPU for it is missing."""
    try:
        runtime, package = distribution("intel-cmplr-lib-rt"), distribution("ipp-crypto")
        flags = os.RTLD_NOW | os.RTLD_GLOBAL
        for name in _RUNTIME:
            _KEPT.append(_ffi.dlopen(_located(runtime, name), flags))
        lib: Any = _ffi.dlopen(_located(package, "libcrypto_mb.so.13"))
        applicable = lib.mbx_is_crypto_mb_applicable(0) == 1
    except (PackageNotFoundError, OSError, AttributeError):
        return None
    return lib if applicable else None


def _located(package: Any, name: str) -> str:
    """Return the path of a file that a package installed; OSError if it did not."""
    for path in package.files or ():
        if path.name == name:
            return str(path.locate())
    raise OSError(f"{name} is not installed")


def available() -> bool:
    """Say whether batches run eight at a time here."""
    return _crypto_mb() is not None


class _Lanes(threading.local):
    """One thread's buffers for a group of eight: numbers of 32 bytes and pointers to each."""

    def __init__(self) -> None:
        self.memory: list[Any] = []
        self.r, self.rs = self._numbers("uint8_t")
        self.s, self.ss = self._numbers("uint8_t")
        self.x, self.xs = self._numbers("uint64_t")
        self.y, self.ys = self._numbers("uint64_t")
        self.nonce, self.nonces = self._numbers("uint64_t")
        self.scalar, self.scalars = self._numbers("uint64_t")
        self.ids, self.id_lengths = _ffi.new("uint8_t *[8]"), _ffi.new("int[8]")
        self.messages, self.lengths = _ffi.new("uint8_t *[8]"), _ffi.new("int[8]")

    def _numbers(self, kind: str) -> tuple[Any, Any]:
        """Return a writable view of 8 x 32 bytes and the eight pointers into it."""
        memory = _ffi.new("uint64_t[32]")
        self.memory.append(memory)
        start = _ffi.cast("char *", memory)
        aims = [_ffi.cast(f"{kind} *", start + 32 * lane) for lane in range(LANES)]
        return _ffi.buffer(memory), _ffi.new(f"{kind} *[8]", aims)

    def point_at(self, texts: Sequence[bytes], user_id: bytes) -> list[Any]:
        """Aim the lanes at id and messages; what is returned must live until the call is over."""
        if len(set(map(len, texts))) != 1:
            raise ValueError("the eight messages of one call have one length")
        kept = [_ffi.from_buffer("uint8_t[]", text or b"\0") for text in (user_id, *texts)]
        for lane in range(LANES):
            self.ids[lane], self.id_lengths[lane] = kept[0], len(user_id)
            self.messages[lane], self.lengths[lane] = kept[lane + 1], len(texts[lane])
        return kept

    def public_keys(self, keys: Sequence[bytes]) -> None:
        """Put eight public keys in, as little-endian numbers."""
        self.x[:] = b"".join(key[31::-1] for key in keys)
        self.y[:] = b"".join(key[:31:-1] for key in keys)


_lanes = _Lanes()

_Item = tuple[bytes, bytes, bytes]


def verify_many(items: Sequence[_Item], *, user_id: bytes = DEFAULT_ID) -> list[bool]:
    """Say of each (public key of 64 bytes, message, DER signature) whether it is good.

    What `sm2.verify` would refuse for any reason, a key off the curve included, is False here.
    """
    raws = [_raw_if_suited(item, user_id) for item in items]
    verdicts = [raw is None and _good(item, user_id) for item, raw in zip(items, raws, strict=True)]
    suited = [at for at, raw in enumerate(raws) if raw is not None]
    for group in _of_one_length(suited, [len(message) for _, message, _ in items]):
        triples = [(items[at][0], items[at][1], raws[at] or b"") for at in group]
        for at, triple, good in zip(group, triples, _verify_group(triples, user_id), strict=False):
            sure = good and not _sum_at_infinity(triple, user_id)
            verdicts[at] = sure or _good(items[at], user_id)
    return verdicts


def _of_one_length(chosen: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Part the chosen places into groups of at most eight whose lengths are the same."""
    ordered = sorted(chosen, key=lengths.__getitem__)
    for _, alike in groupby(ordered, key=lengths.__getitem__):
        while group := list(islice(alike, LANES)):
            yield group


def _raw_if_suited(item: _Item, user_id: bytes) -> bytes | None:
    """Return r then s of an item that a lane can take, None of one for `sm2` to judge."""
    public_key, message, signature = item
    too_long = len(message) > _LONGEST_MESSAGE or len(user_id) > LONGEST_ID
    if too_long or _crypto_mb() is None:
        return None
    try:
        check_public_key(public_key)
        r, s = parse_signature(signature)
    except (InvalidSignature, Malformed):
        return None
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _good(item: _Item, user_id: bytes) -> bool:
    try:
        sm2.verify(*item, user_id=user_id)
    except (InvalidSignature, Malformed):
        return False
    return True


def _sum_at_infinity(triple: _Item, user_id: bytes) -> bool:
    """Say whether r = e mod n, as it is when crypto_mb took infinity for x = 0."""
    public_key, message, raw = triple
    e = sm3_parts(za(public_key, user_id), message)
    # e < 2^256 < 2n, so one subtraction is the whole reduction.
    return raw[:32] == e or int.from_bytes(e, "big") - ORDER == int.from_bytes(raw[:32], "big")


def _verify_group(group: Sequence[_Item], user_id: bytes) -> list[bool]:
    """Verify up to eight (public key, message of one length, r then s).

    The lanes left over repeat the first.
    """
    full = [*group, *[group[0]] * (LANES - len(group))]
    lanes = _lanes
    kept = lanes.point_at([message for _, message, _ in full], user_id)
    lanes.public_keys([key for key, _, _ in full])
    lanes.r[:] = b"".join(raw[:32] for _, _, raw in full)
    lanes.s[:] = b"".join(raw[32:] for _, _, raw in full)
    status = _crypto_mb().mbx_sm2_ecdsa_verify_mb8(
        lanes.rs, lanes.ss, lanes.ids, lanes.id_lengths, lanes.messages, lanes.lengths,
        lanes.xs, lanes.ys, _ffi.NULL, _ffi.NULL,
    )  # fmt: skip
    kept.clear()
    return _lanes_that_are_well(status)


def _lanes_that_are_well(status: int) -> list[bool]:
    """Read the eight four-bit results of a call."""
    return [status >> (4 * lane) & 0xF == 0 for lane in range(LANES)]


def sign_many(
    key: sm2.PrivateKey, messages: Sequence[bytes], *, user_id: bytes = DEFAULT_ID
) -> list[bytes]:
    """Sign each message; DER signatures in the order of the messages."""
    if _crypto_mb() is None or len(user_id) > LONGEST_ID:
        return [key.sign(message, user_id=user_id) for message in messages]
    signatures = [b""] * len(messages)
    lengths = [len(message) for message in messages]
    for group in _of_one_length(range(len(messages)), lengths):
        alike = [messages[at] for at in group]
        if lengths[group[0]] > _LONGEST_MESSAGE:
            signed = [key.sign(message, user_id=user_id) for message in alike]
        else:
            signed = _sign_group(key, alike, user_id)
        for at, signature in zip(group, signed, strict=True):
            signatures[at] = signature
    return signatures


def _sign_group(key: sm2.PrivateKey, group: Sequence[bytes], user_id: bytes) -> list[bytes]:
    """Sign up to eight messages of one length and verify what came out.

    Lanes left over sign the first message again with nonces of their own: the same nonce under
    another message would give the key away, and nothing of those lanes leaves this function.
    """
    full = [*group, *[group[0]] * (LANES - len(group))]
    raws, well = _raw_signatures(key, full, user_id)
    checked = _verify_group(
        [(key.public_key, message, raw) for message, raw in zip(full, raws, strict=True)], user_id
    )
    return [
        raw_to_der(raws[lane])
        if well[lane] and checked[lane]
        else key.sign(message, user_id=user_id)
        for lane, message in enumerate(group)
    ]


def _raw_signatures(
    key: sm2.PrivateKey, full: Sequence[bytes], user_id: bytes
) -> tuple[list[bytes], list[bool]]:
    """Fill the lanes, sign, wipe; returns eight r then s, and which lanes went well."""
    lanes = _lanes
    kept = lanes.point_at(full, user_id)
    lanes.public_keys([key.public_key] * LANES)
    try:
        _fill(lanes.nonce, _nonce, LANES)
        _fill(lanes.scalar, key.scalar, LANES)
        status = _crypto_mb().mbx_sm2_ecdsa_sign_mb8(
            lanes.rs, lanes.ss, lanes.ids, lanes.id_lengths, lanes.messages, lanes.lengths,
            lanes.nonces, lanes.scalars, lanes.xs, lanes.ys, _ffi.NULL, _ffi.NULL,
        )  # fmt: skip
    finally:
        lanes.nonce[:] = lanes.scalar[:] = bytes(32 * LANES)
        kept.clear()
    r, s = lanes.r[:], lanes.s[:]
    raws = [r[at : at + 32] + s[at : at + 32] for at in range(0, 32 * LANES, 32)]
    return raws, _lanes_that_are_well(status)


def _nonce() -> bytes:
    """Draw 32 bytes, uniform in [1, n-1]: drawn again when outside, which is once in 2^32."""
    while not _ZERO < (drawn := secrets.token_bytes(32)) < _ORDER:
        pass
    return drawn


def _fill(view: Any, secret_of: Callable[[], bytes], count: int) -> None:
    """Put `count` secrets of 32 bytes in as little-endian numbers and wipe the originals."""
    for lane in range(count):
        secret = secret_of()
        turned = secret[::-1]
        view[32 * lane : 32 * lane + 32] = turned
        _wipe(secret)
        _wipe(turned)


def _wipe(secret: bytes) -> None:
    """Overwrite the memory of a bytes object that nobody else can hold."""
    _ffi.memmove(_ffi.cast("char *", _ffi.from_buffer(secret)), _ZERO, len(secret))
