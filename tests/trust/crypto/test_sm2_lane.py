"""One signature by a lane of the vector engine: the same word as libcrypto's."""

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.crypto import _crypto_mb, sm2, sm2_batch
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.sm2_formats import ORDER, raw_to_der

KEY = sm2.PrivateKey.generate()


def said(verify: object, *item: bytes) -> str:
    try:
        verify(*item)  # type: ignore[operator]
    except (InvalidSignature, Malformed) as error:
        return f"{type(error).__name__}: {error}"
    return "good"


def require_agreement(public_key: bytes, message: bytes, signature: bytes) -> str:
    alone = said(sm2.verify, public_key, message, signature)
    assert said(sm2_batch.verify, public_key, message, signature) == alone
    return alone


@pytest.mark.parametrize("size", [0, 1, 31, 55, 56, 63, 64, 65, 300, 70_000])
def test_a_good_signature_is_good_to_both(size: int) -> None:
    message = secrets.token_bytes(size)
    signature = KEY.sign(message)
    assert require_agreement(KEY.public_key, message, signature) == "good"
    assert require_agreement(KEY.public_key, message + b"!", signature) != "good"


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 71), turn=st.integers(1, 255), where=st.sampled_from(["key", "signature"]))
def test_whatever_is_changed_both_say_the_same(at: int, turn: int, where: str) -> None:
    item = {"key": KEY.public_key, "signature": KEY.sign(b"message")}
    changed = bytearray(item[where])
    changed[at % len(changed)] ^= turn
    item[where] = bytes(changed)
    assert require_agreement(item["key"], b"message", item["signature"]) != "good"


@pytest.mark.parametrize("raw", [bytes(64), b"\xff" * 64, ORDER.to_bytes(32, "big") * 2, b"", b"x"])
def test_numbers_out_of_range_are_refused_in_raw_form_too(raw: bytes) -> None:
    assert sm2_batch.verify_many_raw([(KEY.public_key, b"m", raw)] * 3) == [False] * 3


def test_raw_and_der_signatures_are_judged_alike_in_batches() -> None:
    items = []
    for number in range(21):
        message = secrets.token_bytes(40 + number % 3)
        raw = bytearray(sm2.der_to_raw(KEY.sign(message)))
        raw[40] ^= number % 4 == 0
        items.append((KEY.public_key, message, bytes(raw)))
    by_der = [(key, message, raw_to_der(raw)) for key, message, raw in items]
    expected = [number % 4 != 0 for number in range(21)]
    assert sm2_batch.verify_many_raw(items) == sm2_batch.verify_many(by_der) == expected


def test_without_the_engine_libcrypto_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_crypto_mb, "load", lambda: None)
    signature = KEY.sign(b"m")
    assert require_agreement(KEY.public_key, b"m", signature) == "good"
    raw = sm2.der_to_raw(signature)
    assert sm2_batch.verify_many_raw([(KEY.public_key, b"m", raw)]) == [True]
    assert sm2_batch.verify_many_raw([(KEY.public_key, b"n", raw)]) == [False]
