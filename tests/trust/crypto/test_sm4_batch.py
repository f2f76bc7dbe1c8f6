"""SM4-GCM sixteen at a time: the same boxes, whatever the lengths beside one another."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.crypto import _crypto_mb, sm4, sm4_batch
from trust.crypto.errors import DecryptionFailed, Malformed

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
needs_lanes = pytest.mark.skipif(
    not sm4_batch.available(), reason="ipp-crypto or a CPU with AVX-512 is not here"
)
texts = st.binary(max_size=700) | st.integers(0, 5000).map(bytes)


@given(st.lists(st.tuples(texts, st.binary(max_size=90)), max_size=40))
@settings(deadline=None, max_examples=60)
def test_every_box_of_a_batch_opens_in_its_context(items: list[tuple[bytes, bytes]]) -> None:
    boxes = sm4_batch.seal_many(KEY, items)
    assert len(boxes) == len(items)
    for (text, context), box in zip(items, boxes, strict=True):
        assert sm4.unseal(KEY, box, context=context) == text


def test_a_box_of_a_batch_stays_shut_in_the_context_of_its_neighbour() -> None:
    boxes = sm4_batch.seal_many(KEY, [(b"same text", b"file/%d" % lane) for lane in range(16)])
    assert len({box[:12] for box in boxes}) == 16
    for lane, box in enumerate(boxes):
        with pytest.raises(DecryptionFailed):
            sm4.unseal(KEY, box, context=b"file/%d" % ((lane + 1) % 16))


@needs_lanes
@given(
    st.lists(
        st.tuples(texts.filter(bool), st.binary(min_size=1, max_size=90)), min_size=1, max_size=16
    ),
    st.binary(min_size=12, max_size=12),
)
@settings(deadline=None, max_examples=60)
def test_lanes_write_what_one_by_one_is_written(
    items: list[tuple[bytes, bytes]], first: bytes
) -> None:
    nonces = [bytes([first[0] ^ lane]) + first[1:] for lane in range(len(items))]
    assert sm4_batch._sealed(KEY, nonces, items) == [
        sm4.seal_with(KEY, text, context=context, nonce=nonce)
        for (text, context), nonce in zip(items, nonces, strict=True)
    ]


def test_without_the_library_a_batch_is_sealed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_crypto_mb, "load", lambda: None)
    sm4_batch.available.cache_clear()
    try:
        assert not sm4_batch.available()
        boxes = sm4_batch.seal_many(KEY, [(b"text", b"context")] * 20)
    finally:
        sm4_batch.available.cache_clear()
    assert [sm4.unseal(KEY, box, context=b"context") for box in boxes] == [b"text"] * 20


def test_an_engine_that_seals_wrongly_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = sm4_batch._sealed

    def faulty(key: bytes, nonces: list[bytes], items: list[sm4_batch.Item]) -> list[bytes]:
        return [box[:-1] + bytes([box[-1] ^ 1]) for box in honest(key, nonces, items)]

    if _crypto_mb.load() is None:
        pytest.skip("the engine is not here")
    monkeypatch.setattr(sm4_batch, "_sealed", faulty)
    sm4_batch.available.cache_clear()
    try:
        assert not sm4_batch.available()
    finally:
        sm4_batch.available.cache_clear()


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(Malformed):
        sm4_batch.seal_many(b"short", [(b"text", b"context")] * 16)
