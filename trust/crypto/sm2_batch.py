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

import secrets
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby, islice
from typing import Any

from trust.crypto import _crypto_mb, sm2
from trust.crypto._crypto_mb import LANES as LANES
from trust.crypto._crypto_mb import Lanes, ffi
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

#: A longer message costs more in hashing than a lane saves.
_LONGEST_MESSAGE = 65_536
_ZERO, _ORDER = bytes(32), ORDER.to_bytes(32, "big")


def available() -> bool:
    """Say whether batches run eight at a time here."""
    return _crypto_mb.load() is not None


_lanes = Lanes()

_Item = tuple[bytes, bytes, bytes]


def verify(
    public_key: bytes, message: bytes, signature: bytes, *, user_id: bytes = DEFAULT_ID
) -> None:
    """As `sm2.verify`, in half its time where crypto_mb is at hand: one lane's worth of eight."""
    raw = _raw_if_suited((public_key, message, signature), user_id)
    if raw is None or not _well([(public_key, message, raw)], user_id)[0]:
        sm2.verify(public_key, message, signature, user_id=user_id)


def verify_many(items: Sequence[_Item], *, user_id: bytes = DEFAULT_ID) -> list[bool]:
    """Say of each (public key of 64 bytes, message, DER signature) whether it is good.

    What `sm2.verify` would refuse for any reason, a key off the curve included, is False here.
    """
    triples = [(*item[:2], _raw_if_suited(item, user_id)) for item in items]
    return _verdicts(triples, lambda at: _good(items[at], user_id), user_id)


def verify_many_raw(items: Sequence[_Item], *, user_id: bytes = DEFAULT_ID) -> list[bool]:
    """As `verify_many`, of signatures that are r then s, 64 bytes, as COSE and JOSE carry them."""

    def alone(at: int) -> bool:
        public_key, message, raw = items[at]
        try:
            return _good((public_key, message, raw_to_der(raw)), user_id)
        except Malformed:
            return False

    triples = [(*item[:2], _suited(item, user_id)) for item in items]
    return _verdicts(triples, alone, user_id)


def _verdicts(
    triples: Sequence[tuple[bytes, bytes, bytes | None]], alone: Callable[[int], bool],
    user_id: bytes,
) -> list[bool]:  # fmt: skip
    """Judge what a lane can take eight at a time; what no lane takes, or takes for good, is judged
    alone."""
    verdicts = [False] * len(triples)
    suited = [at for at, (_, _, raw) in enumerate(triples) if raw is not None]
    for group in _of_one_length(suited, [len(message) for _, message, _ in triples]):
        taken = [(triples[at][0], triples[at][1], triples[at][2] or b"") for at in group]
        for at, well in zip(group, _well(taken, user_id), strict=True):
            verdicts[at] = well
    return [verdict or alone(at) for at, verdict in enumerate(verdicts)]


def _well(group: Sequence[_Item], user_id: bytes) -> list[bool]:
    """Say of up to eight (public key, message of one length, r then s) which are good for sure."""
    return [
        good and not _sum_at_infinity(triple, user_id)
        for triple, good in zip(group, _verify_group(group, user_id), strict=False)
    ]


def _of_one_length(chosen: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Part the chosen places into groups of at most eight whose lengths are the same."""
    ordered = sorted(chosen, key=lengths.__getitem__)
    for _, alike in groupby(ordered, key=lengths.__getitem__):
        while group := list(islice(alike, LANES)):
            yield group


def _raw_if_suited(item: _Item, user_id: bytes) -> bytes | None:
    """Return r then s of an item that a lane can take, None of one for `sm2` to judge."""
    public_key, message, signature = item
    if _crypto_mb.load() is None:
        return None
    try:
        r, s = parse_signature(signature)
    except InvalidSignature:
        return None
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return _suited((public_key, message, raw), user_id)


def _suited(item: _Item, user_id: bytes) -> bytes | None:
    """Return r then s of an item that a lane can take as it is, None of one for `sm2` to judge."""
    public_key, message, raw = item
    too_long = len(message) > _LONGEST_MESSAGE or len(user_id) > LONGEST_ID
    if too_long or len(raw) != 64 or _crypto_mb.load() is None:
        return None
    if not (_ZERO < raw[:32] < _ORDER and _ZERO < raw[32:] < _ORDER):
        return None
    try:
        check_public_key(public_key)
    except Malformed:
        return None
    return raw


def _good(item: _Item, user_id: bytes) -> bool:
    try:
        sm2.verify(*item, user_id=user_id)
    except (InvalidSignature, Malformed):
        return False
    return True


_za = lru_cache(maxsize=1024)(za)


def _sum_at_infinity(triple: _Item, user_id: bytes) -> bool:
    """Say whether r = e mod n, as it is when crypto_mb took infinity for x = 0."""
    public_key, message, raw = triple
    e = sm3_parts(_za(public_key, user_id), message)
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
    status = _crypto_mb.load().mbx_sm2_ecdsa_verify_mb8(
        lanes.rs, lanes.ss, lanes.ids, lanes.id_lengths, lanes.messages, lanes.lengths,
        lanes.xs, lanes.ys, ffi.NULL, ffi.NULL,
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
    if _crypto_mb.load() is None or len(user_id) > LONGEST_ID:
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
        status = _crypto_mb.load().mbx_sm2_ecdsa_sign_mb8(
            lanes.rs, lanes.ss, lanes.ids, lanes.id_lengths, lanes.messages, lanes.lengths,
            lanes.nonces, lanes.scalars, lanes.xs, lanes.ys, ffi.NULL, ffi.NULL,
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
    ffi.memmove(ffi.cast("char *", ffi.from_buffer(secret)), _ZERO, len(secret))
