import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import cases, read_cases
from tests.trust.crypto.affine import Curve
from trust.crypto import sm2, sm2_formats
from trust.crypto.errors import DecryptionFailed, InvalidSignature, Malformed
from trust.crypto.hashes import sm3

CURVES = {case["curve"]: Curve.of(case) for case in read_cases("sm2", kind="curve")}
KEY = sm2.PrivateKey.from_scalar(bytes.fromhex("11" * 32))
CIPHERTEXT = sm2.encrypt(KEY.public_key, b"sixteen byte key")


@pytest.mark.parametrize("case", cases("sm2", kind="sign"))
def test_the_published_signature_follows_from_its_nonce(case: dict[str, Any]) -> None:
    curve, d = CURVES[case["curve"]], int(case["d"], 16)
    key = curve.known_times(d, curve.g)
    assert key == (int(case["xA"], 16), int(case["yA"], 16))
    prefix = curve.za(bytes.fromhex(case["id"]), key)
    assert prefix.hex() == case["ZA"]
    e = int.from_bytes(sm3(prefix + bytes.fromhex(case["message"])), "big")
    assert f"{e:064x}" == case["e"]
    r, s = curve.sign(d, e, int(case["k"], 16))
    assert (f"{r:064x}", f"{s:064x}") == (case["r"], case["s"])
    assert curve.verifies(key, e, r, s)


@pytest.mark.parametrize("case", cases("sm2", kind="sign", curve="recommended"))
def test_the_published_signature_verifies(case: dict[str, Any]) -> None:
    key = sm2.PrivateKey.from_scalar(bytes.fromhex(case["d"]))
    assert key.public_key.hex() == case["xA"] + case["yA"]
    user_id = bytes.fromhex(case["id"])
    assert sm2.za(key.public_key, user_id).hex() == case["ZA"]
    signature = sm2.raw_to_der(bytes.fromhex(case["r"] + case["s"]))
    sm2.verify(key.public_key, bytes.fromhex(case["message"]), signature, user_id=user_id)


@pytest.mark.parametrize("case", cases("sm2", kind="encrypt"))
def test_the_published_ciphertext_follows_from_its_nonce(case: dict[str, Any]) -> None:
    curve = CURVES[case["curve"]]
    key = curve.known_times(int(case["d"], 16), curve.g)
    message = bytes.fromhex(case["message"])
    point, digest, text = curve.encrypt(key, message, int(case["k"], 16))
    assert (f"{point[0]:064x}", f"{point[1]:064x}") == (case["C1x"], case["C1y"])
    assert (digest.hex(), text.hex()) == (case["C3"], case["C2"])
    if case["curve"] == "recommended":
        parts = (bytes.fromhex(case[name]) for name in ("C3", "C2"))
        cipher = sm2_formats.cipher(bytes.fromhex(case["C1x"] + case["C1y"]), *parts)
        assert sm2.PrivateKey.from_scalar(bytes.fromhex(case["d"])).decrypt(cipher) == message


@given(st.binary(max_size=300), st.binary(max_size=64))
@settings(deadline=None, max_examples=50)
def test_a_signature_verifies_under_its_own_id_only(message: bytes, user_id: bytes) -> None:
    signature = KEY.sign(message, user_id=user_id)
    sm2.verify(KEY.public_key, message, signature, user_id=user_id)
    with pytest.raises(InvalidSignature):
        sm2.verify(KEY.public_key, message, signature, user_id=user_id + b"!")


@given(st.binary(min_size=1, max_size=100), st.integers(0, 799))
@settings(deadline=None, max_examples=50)
def test_one_changed_bit_of_the_message_is_noticed(message: bytes, at: int) -> None:
    changed = bytearray(message)
    changed[at // 8 % len(message)] ^= 1 << at % 8
    signature = KEY.sign(message)
    with pytest.raises(InvalidSignature):
        sm2.verify(KEY.public_key, bytes(changed), signature)


def test_a_signature_is_not_repeated() -> None:
    assert len({KEY.sign(b"same") for _ in range(20)}) == 20


def test_an_id_of_8192_bytes_is_refused() -> None:
    KEY.sign(b"m", user_id=bytes(8191))
    with pytest.raises(Malformed):
        KEY.sign(b"m", user_id=bytes(8192))


@given(st.binary(min_size=1, max_size=200))
@settings(deadline=None, max_examples=50)
def test_what_was_encrypted_is_decrypted(plaintext: bytes) -> None:
    assert KEY.decrypt(sm2.encrypt(KEY.public_key, plaintext)) == plaintext


def test_a_single_byte_is_never_sent_as_it_is() -> None:
    # The key stream of one byte is zero once in 256 draws, and must then be drawn again.
    for _ in range(1000):
        assert sm2_formats.parse_cipher(sm2.encrypt(KEY.public_key, b"?"))[2] != b"?"


def test_a_ciphertext_that_is_its_own_plaintext_does_not_open() -> None:
    curve = CURVES["recommended"]
    key = int.from_bytes(KEY.public_key[:32], "big"), int.from_bytes(KEY.public_key[32:], "big")
    drawn = (curve.encrypt(key, b"?", k) for k in range(1, 5000))
    point, digest, text = next(parts for parts in drawn if parts[2] == b"?")
    c1 = point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
    with pytest.raises(DecryptionFailed):
        KEY.decrypt(sm2_formats.cipher(c1, digest, text))


@pytest.mark.parametrize("plaintext", [b"", bytes(65_537)], ids=["nothing", "too much"])
def test_a_plaintext_of_a_wrong_size_is_refused(plaintext: bytes) -> None:
    with pytest.raises(Malformed):
        sm2.encrypt(KEY.public_key, plaintext)


def test_the_longest_plaintext_comes_back() -> None:
    plaintext = bytes(range(256)) * 256
    assert KEY.decrypt(sm2.encrypt(KEY.public_key, plaintext)) == plaintext


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_one_changed_byte_of_a_ciphertext_is_noticed(data: st.DataObject) -> None:
    ciphertext = bytearray(CIPHERTEXT)
    ciphertext[data.draw(st.integers(0, len(ciphertext) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DecryptionFailed):
        KEY.decrypt(bytes(ciphertext))


@given(st.binary(max_size=300))
def test_garbage_is_not_decrypted(garbage: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        KEY.decrypt(garbage)


def test_another_key_does_not_decrypt() -> None:
    ciphertext = sm2.encrypt(KEY.public_key, b"for one only")
    with pytest.raises(DecryptionFailed):
        sm2.PrivateKey.generate().decrypt(ciphertext)


def test_one_key_serves_many_threads_at_once() -> None:
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(60):
                message = b"%d-%d" % (number, turn)
                signature = KEY.sign(message)
                sm2.verify(KEY.public_key, message, signature)
                with pytest.raises(InvalidSignature):
                    sm2.verify(KEY.public_key, message + b"!", signature)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
