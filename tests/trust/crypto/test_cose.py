"""COSE_Sign1: one encoding, agreement with another library, and no change unnoticed."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sealed import untyped
from tests.trust.crypto import pki
from trust.crypto import cose
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.errors import TrustError

cwt = untyped("cwt")
cbor2 = untyped("cbor2")
KID = b"\x01\x02\x03\x04\x05\x06\x07\x08"
SUITES = {Algorithm.ES256: KeyKind.P256, Algorithm.SM2_SM3: KeyKind.SM2}
PAYLOAD = cose.encode({1: "证照", 2: [1, 2, 3]})


def signed(algorithm: Algorithm, payload: bytes = PAYLOAD) -> bytes:
    key = pki.key(SUITES[algorithm])
    return cose.sign1(
        payload, algorithm=algorithm, kid=KID, sign=lambda message: key.sign(algorithm, message)
    )


@pytest.mark.parametrize("algorithm", list(SUITES))
def test_what_is_signed_is_read_and_verifies(algorithm: Algorithm) -> None:
    read = cose.parse(signed(algorithm))
    assert (read.algorithm, read.kid, read.payload) == (algorithm, KID, PAYLOAD)
    assert len(read.signature) == 64
    cose.verify(read, pki.key(SUITES[algorithm]).spki)


@pytest.mark.parametrize("algorithm", list(SUITES))
def test_another_key_does_not_verify(algorithm: Algorithm) -> None:
    with pytest.raises(InvalidSignature):
        cose.verify(cose.parse(signed(algorithm)), pki.key(SUITES[algorithm], 1).spki)


def test_another_library_verifies_our_es256() -> None:
    public = load_der_public_key(pki.key(KeyKind.P256).spki)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = cwt.COSEKey.from_pem(pem, kid=KID, alg="ES256")
    assert cwt.COSE.new().decode(signed(Algorithm.ES256), [key]) == PAYLOAD


def test_another_librarys_es256_is_read() -> None:
    private = pki.key(KeyKind.P256)
    from cryptography.hazmat.primitives.serialization import (
        NoEncryption,
        PrivateFormat,
        load_der_private_key,
    )

    pem = load_der_private_key(private.pkcs8(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key = cwt.COSEKey.from_pem(pem, kid=KID, alg="ES256")
    made = cwt.COSE.new().encode_and_sign(PAYLOAD, key, protected={1: -7, 4: KID})
    read = cose.parse(made)
    cose.verify(read, private.spki)
    assert read.payload == PAYLOAD


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    algorithm = data.draw(st.sampled_from(list(SUITES)))
    good = signed(algorithm)
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes((good[at] ^ data.draw(st.integers(1, 255)),)) + good[at + 1 :]
    with pytest.raises(TrustError):
        cose.verify(cose.parse(changed), pki.key(SUITES[algorithm]).spki)


@given(st.binary(max_size=120))
@settings(max_examples=400, deadline=None)
def test_garbage_is_refused_and_nothing_else(data: bytes) -> None:
    for body in (data, b"\xd2\x84" + data, b"\xd2\x84\x43\xa1\x01\x26" + data):
        with pytest.raises(TrustError):
            cose.parse(body)


CBOR = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers() | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip


@given(CBOR)
def test_cbor_comes_back(value: object) -> None:
    assert cose.decode(cose.encode(value)) == value


@pytest.mark.parametrize(
    "hexadecimal",
    [
        "1800", "190001", "1a00000001", "5801 00", "7801 61", "9f01ff", "bf0102ff", "5f4101ff",
        "a2020101 01", "a2010101 02", "0000", "", "ff", "fb7ff8000000000001", "1c",
        "5bffffffffffffffff", "9bffffffffffffffff", "9a7fffffff",
        "81" * 2000 + "00", "c249010000000000000000ff",
    ],
)  # fmt: skip
def test_a_second_encoding_of_cbor_is_malformed(hexadecimal: str) -> None:
    with pytest.raises(Malformed):
        cose.decode(bytes.fromhex(hexadecimal))


def message(**parts: object) -> bytes:
    """A COSE_Sign1 with some parts other than ours."""
    protected = parts.get("protected", cose.encode({cose.ALG: -7, cose.KID: KID}))
    body = [
        protected,
        parts.get("header", {}),
        parts.get("payload", PAYLOAD),
        parts.get("signature", bytes(64)),
    ]
    return cose.encode(cbor2.CBORTag(parts.get("tag", 18), body))


@pytest.mark.parametrize(
    "data",
    [
        message(tag=98), message(header={4: KID}), message(payload=None), message(payload="x"),
        message(signature=bytes(63)), message(signature=bytes(65)), message(protected=b""),
        message(protected=cose.encode({1: -7})), message(protected=cose.encode({4: KID})),
        message(protected=cose.encode({1: -7, 4: KID[:7]})),
        message(protected=cose.encode({1: -7, 4: "12345678"})),
        message(protected=cose.encode({1: -7, 2: [3], 4: KID})),
        message(protected=cose.encode([1, -7])), cose.encode([b"", {}, b"", b""]),
    ],
)  # fmt: skip
def test_a_message_of_another_shape_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        cose.parse(data)


@pytest.mark.parametrize("number", [-8, -35, -37, -257, 5, 0, "ES256"])
def test_another_algorithm_is_refused_by_its_number(number: object) -> None:
    with pytest.raises(UnknownAlgorithm):
        cose.parse(message(protected=cose.encode({1: number, 4: KID})))


def test_a_signature_out_of_range_is_invalid_and_not_malformed() -> None:
    with pytest.raises(InvalidSignature):
        cose.verify(cose.parse(message(signature=bytes(64))), pki.key(KeyKind.P256).spki)


def said(read: Callable[[bytes], cose.Sign1], data: bytes) -> object:
    try:
        return read(data)
    except TrustError as error:
        return type(error), str(error)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_cutting_a_message_at_its_lengths_and_reading_it_item_by_item_give_the_same(
    data: st.DataObject,
) -> None:
    payload = data.draw(st.binary(max_size=300))
    number = data.draw(st.sampled_from([-7, -65538]))
    protected = cose.encode({cose.ALG: number, cose.KID: KID})
    good = cose.encode(cbor2.CBORTag(18, [protected, {}, payload, bytes(64)]))
    at, cut = data.draw(st.integers(0, len(good))), data.draw(st.integers(0, 2))
    changed = good[:at] + data.draw(st.binary(max_size=2)) + good[at + cut :]
    for message in (good, changed, good + b"\0", good[:-1]):
        assert said(cose.parse, message) == said(cose._parse_any, message)


@pytest.mark.parametrize("size", [0, 23, 24, 255, 256, 65_535, 65_536])
def test_what_is_signed_is_the_standards_structure_at_every_length(size: int) -> None:
    message = cose.Sign1(Algorithm.ES256, KID, bytes(size), bytes(size), b"")
    structure = ["Signature1", message.protected, b"", message.payload]
    assert cose.to_be_signed(message) == cose.encode(structure)
