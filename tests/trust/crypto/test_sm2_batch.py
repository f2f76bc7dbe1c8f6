import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.crypto import sm2, sm2_batch
from trust.crypto.errors import Malformed
from trust.crypto.hashes import sm3
from trust.crypto.sm2_formats import DEFAULT_ID, ORDER

KEY = sm2.PrivateKey.from_scalar(bytes.fromhex("55" * 32))
OTHER = sm2.PrivateKey.from_scalar(bytes.fromhex("66" * 32))
needs_lanes = pytest.mark.skipif(
    not sm2_batch.available(), reason="ipp-crypto or a CPU with AVX-512 IFMA is not here"
)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 16, 23])
def test_a_batch_of_any_size_is_signed_in_order(count: int) -> None:
    messages = [b"%d" % number for number in range(count)]
    signatures = sm2_batch.sign_many(KEY, messages)
    assert len(signatures) == count
    for message, signature in zip(messages, signatures, strict=True):
        sm2.verify(KEY.public_key, message, signature)


@given(st.lists(st.tuples(st.binary(max_size=130), st.booleans()), max_size=20))
@settings(deadline=None, max_examples=40)
def test_each_bad_one_is_found_among_the_good(wanted: list[tuple[bytes, bool]]) -> None:
    signatures = sm2_batch.sign_many(KEY, [message for message, _ in wanted])
    items = [
        (KEY.public_key if good else OTHER.public_key, message, signature)
        for (message, good), signature in zip(wanted, signatures, strict=True)
    ]
    assert sm2_batch.verify_many(items) == [good for _, good in wanted]


@given(st.binary(max_size=40))
@settings(deadline=None, max_examples=20)
def test_a_batch_keeps_to_its_id(user_id: bytes) -> None:
    (signature,) = sm2_batch.sign_many(KEY, [b"m"], user_id=user_id)
    sm2.verify(KEY.public_key, b"m", signature, user_id=user_id)
    item = (KEY.public_key, b"m", signature)
    assert sm2_batch.verify_many([item], user_id=user_id) == [True]
    assert sm2_batch.verify_many([item], user_id=user_id + b"!") == [False]


@needs_lanes
def test_the_lanes_hash_messages_of_every_length_rightly() -> None:
    for size in range(200):
        message = b"x" * size
        raw = sm2.der_to_raw(KEY.sign(message))
        assert all(sm2_batch._verify_group([(KEY.public_key, message, raw)], DEFAULT_ID))


@needs_lanes
def test_messages_of_two_lengths_never_reach_one_call() -> None:
    """crypto_mb would hash wrongly, or read past the end of its input."""
    with pytest.raises(ValueError, match="one length"):
        sm2_batch._lanes.point_at([b"x" * 31] * 7 + [b"x" * 33], DEFAULT_ID)


def test_messages_of_very_different_lengths_go_together() -> None:
    messages = [bytes(size) for size in (0, 1, 31, 32, 33, 55, 56, 64, 1000, 65_536, 65_537)]
    signatures = sm2_batch.sign_many(KEY, messages)
    items = [(KEY.public_key, *pair) for pair in zip(messages, signatures, strict=True)]
    for item in items:
        sm2.verify(*item)
    assert sm2_batch.verify_many(items) == [True] * len(messages)


def test_an_id_too_long_is_refused_as_one_by_one() -> None:
    with pytest.raises(Malformed):
        sm2_batch.sign_many(KEY, [b"m"], user_id=bytes(8192))
    item = (KEY.public_key, b"m", KEY.sign(b"m"))
    assert sm2_batch.verify_many([item], user_id=bytes(8192)) == [False]


@needs_lanes
def test_crypto_mb_itself_takes_infinity_for_zero() -> None:
    """Why an accepted r = e is asked twice. If this fails, the second question can go."""
    d = int.from_bytes(KEY.scalar(), "big")
    e = int.from_bytes(sm3(sm2.za(KEY.public_key) + b"m"), "big") % ORDER
    raw = e.to_bytes(32, "big") + (-e * d * pow(1 + d, -1, ORDER) % ORDER).to_bytes(32, "big")
    assert sm2_batch._verify_group([(KEY.public_key, b"m", raw)], DEFAULT_ID)[0]
    assert sm2_batch.verify_many([(KEY.public_key, b"m", sm2.raw_to_der(raw))]) == [False]


@needs_lanes
def test_the_lanes_hold_no_secret_after_signing() -> None:
    sm2_batch.sign_many(KEY, [b"m"] * 3)
    assert sm2_batch._lanes.nonce[:] == sm2_batch._lanes.scalar[:] == bytes(256)


@needs_lanes
def test_a_wiped_secret_is_gone() -> None:
    secret = KEY.scalar()
    sm2_batch._wipe(secret)
    assert secret == bytes(32)
    assert KEY.scalar() == bytes.fromhex("55" * 32)


@needs_lanes
def test_no_nonce_is_used_twice() -> None:
    d = int.from_bytes(KEY.scalar(), "big")
    nonces = set()
    for signature in sm2_batch.sign_many(KEY, [b"same"] * 64):
        raw = sm2.der_to_raw(signature)
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        nonces.add((s * (1 + d) + r * d) % ORDER)
    assert len(nonces) == 64


def test_threads_do_not_share_lanes() -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        key = sm2.PrivateKey.generate()
        for turn in range(30):
            messages = [b"%d %d %d" % (number, turn, lane) for lane in range(11)]
            signatures = sm2_batch.sign_many(key, messages)
            items = [(key.public_key, *pair) for pair in zip(messages, signatures, strict=True)]
            if not all(sm2_batch.verify_many(items)):
                wrong.append(turn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
