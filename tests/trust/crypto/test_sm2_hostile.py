"""Signatures and keys that someone bends on purpose: every one is refused, by its fault's name."""

import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.crypto import sm2, sm2_batch, sm2_formats, sm2_portable
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.hashes import sm3
from trust.crypto.sm2_formats import ORDER, P

KEY = sm2.PrivateKey.from_scalar(bytes.fromhex("22" * 32))
MESSAGE = b"who signed this?"


def short_signature() -> tuple[bytes, bytes]:
    """A good r and s without a top bit, so that a leading zero is never needed."""
    while True:
        raw = sm2.der_to_raw(KEY.sign(MESSAGE))
        r, s = raw[:32], raw[32:]
        if 0 < r[0] < 0x80 and 0 < s[0] < 0x80:
            return r, s


R, S = short_signature()
INT_R, INT_S = b"\x02\x20" + R, b"\x02\x20" + S
GOOD = b"\x30\x44" + INT_R + INT_S


def encoded(r: int, s: int) -> bytes:
    """DER of any two integers, outside the range too."""
    body = b""
    for number in (r, s):
        content = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
        body += bytes((2, len(content))) + content
    return bytes((0x30, len(body))) + body


HOSTILE = {
    "nothing": b"",
    "raw": R + S,
    "long form of a short length": b"\x30\x81\x44" + INT_R + INT_S,
    "indefinite length": b"\x30\x80" + INT_R + INT_S + b"\0\0",
    "long form inside": b"\x30\x45\x02\x81\x20" + R + INT_S,
    "leading zero of r": b"\x30\x45\x02\x21\0" + R + INT_S,
    "leading zero of s": b"\x30\x45" + INT_R + b"\x02\x21\0" + S,
    "negative r": b"\x30\x44\x02\x20" + bytes((R[0] | 0x80,)) + R[1:] + INT_S,
    "trailing byte": GOOD + b"\0",
    "trailing byte inside": b"\x30\x45" + INT_R + INT_S + b"\0",
    "third integer": b"\x30\x47" + INT_R + INT_S + b"\x02\x01\x01",
    "one integer": b"\x30\x22" + INT_R,
    "cut short": GOOD[:-1],
    "a set": b"\x31\x44" + INT_R + INT_S,
    "bit strings": b"\x30\x44\x03\x20" + R + b"\x03\x20" + S,
    "empty integer": b"\x30\x24\x02\x00" + INT_S,
    "r = 0": encoded(0, int.from_bytes(S, "big")),
    "s = 0": encoded(int.from_bytes(R, "big"), 0),
    "r = n": encoded(ORDER, int.from_bytes(S, "big")),
    "s = n": encoded(int.from_bytes(R, "big"), ORDER),
    "r + n": encoded(int.from_bytes(R, "big") + ORDER, int.from_bytes(S, "big")),
    "s + n": encoded(int.from_bytes(R, "big"), int.from_bytes(S, "big") + ORDER),
    "r + s = n": encoded(int.from_bytes(R, "big"), ORDER - int.from_bytes(R, "big")),
    "n - s": encoded(int.from_bytes(R, "big"), ORDER - int.from_bytes(S, "big")),
    "swapped": b"\x30\x44" + INT_S + INT_R,
    "huge r": encoded(1 << 400, int.from_bytes(S, "big")),
    "a megabyte": b"\x30\x83\x0f\xff\xff" + bytes(0xFFFFF),
}


def test_the_signature_they_are_bent_from_is_good() -> None:
    sm2.verify(KEY.public_key, MESSAGE, GOOD)


@pytest.mark.parametrize("signature", HOSTILE.values(), ids=HOSTILE)
def test_a_bent_signature_is_refused(signature: bytes) -> None:
    with pytest.raises(InvalidSignature):
        sm2.verify(KEY.public_key, MESSAGE, signature)
    item = (KEY.public_key, MESSAGE, signature)
    good = (KEY.public_key, MESSAGE, GOOD)
    assert sm2_batch.verify_many([good, item, good]) == [True, False, True]


@given(st.binary(max_size=80))
def test_garbage_is_refused_and_never_crashes(garbage: bytes) -> None:
    with pytest.raises(InvalidSignature):
        sm2.verify(KEY.public_key, MESSAGE, garbage)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_one_changed_byte_of_a_signature_is_noticed(data: st.DataObject) -> None:
    changed = bytearray(GOOD)
    changed[data.draw(st.integers(0, len(GOOD) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidSignature):
        sm2.verify(KEY.public_key, MESSAGE, bytes(changed))


def disowned(message: bytes) -> bytes:
    """What only the key's holder can make: r = e, and [s]G + [t]P at infinity."""
    d = int.from_bytes(KEY.scalar(), "big")
    e = int.from_bytes(sm3(sm2.za(KEY.public_key, sm2.DEFAULT_ID) + message), "big") % ORDER
    return encoded(e, -e * d * pow(1 + d, -1, ORDER) % ORDER)


def test_a_sum_at_infinity_is_refused_by_every_engine() -> None:
    item = (KEY.public_key, MESSAGE, disowned(MESSAGE))
    with pytest.raises(InvalidSignature):
        sm2.verify(*item)
    assert sm2_batch.verify_many([item] * 9) == [False] * 9
    digest = sm3(sm2.za(KEY.public_key) + MESSAGE)
    with pytest.raises(InvalidSignature):
        sm2_portable.verify(KEY.public_key, digest, sm2_formats.parse_signature(item[2]))


OFF = {
    "too short": KEY.public_key[:63],
    "with its 04": b"\x04" + KEY.public_key,
    "zero": bytes(64),
    "off the curve": KEY.public_key[:63] + bytes((KEY.public_key[63] ^ 1,)),
    "x = p": P.to_bytes(32, "big") + KEY.public_key[32:],
    "y + p": KEY.public_key[:32] + b"\xff" * 32,
}


@pytest.mark.parametrize("public_key", OFF.values(), ids=OFF)
def test_a_public_key_off_the_curve_is_refused(public_key: bytes) -> None:
    with pytest.raises(Malformed):
        sm2.verify(public_key, MESSAGE, GOOD)
    with pytest.raises(Malformed):
        sm2.encrypt(public_key, b"secret")
    with pytest.raises(Malformed):
        sm2.spki(public_key)
    assert sm2_batch.verify_many([(public_key, MESSAGE, GOOD)]) == [False]


@pytest.mark.parametrize(
    "scalar",
    [
        bytes(32),
        (ORDER - 1).to_bytes(32, "big"),
        ORDER.to_bytes(32, "big"),
        b"\xff" * 32,
        b"\1" * 31,
    ],
    ids=["0", "n - 1", "n", "all ones", "31 bytes"],
)
def test_a_scalar_outside_the_range_is_refused(scalar: bytes) -> None:
    with pytest.raises(Malformed):
        sm2.PrivateKey.from_scalar(scalar)


@pytest.mark.parametrize("scalar", [1, 2, ORDER - 2], ids=["1", "2", "n - 2"])
def test_the_ends_of_the_range_are_good_keys(scalar: int) -> None:
    key = sm2.PrivateKey.from_scalar(scalar.to_bytes(32, "big"))
    sm2.verify(key.public_key, MESSAGE, key.sign(MESSAGE))


def test_a_refusal_leaves_no_error_for_the_ssl_module() -> None:
    with pytest.raises(InvalidSignature):
        sm2.verify(KEY.public_key, MESSAGE, HOSTILE["swapped"])
    ssl.create_default_context()  # raises what it finds in the thread's queue
