from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import cases
from trust.crypto import sm4
from trust.crypto.errors import DecryptionFailed, Malformed

KEY = bytes(range(16))


@pytest.mark.parametrize("case", cases("sm4", kind="block"))
def test_the_block_cipher_below_agrees_with_the_standard(case: dict[str, Any]) -> None:
    key, block = bytes.fromhex(case["key"]), bytes.fromhex(case["plaintext"])
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305 (one block)
    for _ in range(case["iterations"]):
        block = encryptor.update(block)
    assert block.hex() == case["ciphertext"]


@pytest.mark.parametrize("case", cases("sm4", kind="gcm"))
def test_the_published_box_opens(case: dict[str, Any]) -> None:
    box = bytes.fromhex(case["nonce"] + case["ciphertext"] + case["tag"])
    context = bytes.fromhex(case["context"])
    assert sm4.unseal(bytes.fromhex(case["key"]), box, context=context).hex() == case["plaintext"]


@given(st.binary(max_size=100), st.binary(max_size=30))
def test_what_was_sealed_is_unsealed(plaintext: bytes, context: bytes) -> None:
    box = sm4.seal(KEY, plaintext, context=context)
    assert len(box) == len(plaintext) + 28
    assert sm4.unseal(KEY, box, context=context) == plaintext


BOX = sm4.seal(KEY, b"a key", context=b"row 1")


@given(st.integers(0, 8 * len(BOX) - 1))
def test_one_changed_bit_keeps_the_box_shut(at: int) -> None:
    changed = bytearray(BOX)
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises(DecryptionFailed):
        sm4.unseal(KEY, bytes(changed), context=b"row 1")


def test_a_box_moved_to_another_place_stays_shut() -> None:
    with pytest.raises(DecryptionFailed):
        sm4.unseal(KEY, BOX, context=b"row 2")


def test_another_key_does_not_open_the_box() -> None:
    with pytest.raises(DecryptionFailed):
        sm4.unseal(bytes(16), BOX, context=b"row 1")


@given(st.binary(max_size=60))
def test_garbage_is_no_box(garbage: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        sm4.unseal(KEY, garbage, context=b"")


def test_two_boxes_of_one_text_differ() -> None:
    assert len({sm4.seal(KEY, b"same", context=b"") for _ in range(50)}) == 50


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(Malformed):
        sm4.seal(bytes(size), b"", context=b"")
