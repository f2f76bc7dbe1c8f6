from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from trust.crypto import der, private_keys, signatures, sm2
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm

KEYS = {kind: private_keys.generate(kind, bits=2048) for kind in KeyKind}
ORDERS = signatures._ORDERS
MESSAGE = b"to whom it may concern"


def spki_of(key: Any) -> bytes:
    public = key if hasattr(key, "public_bytes") else key.public_key()
    spki: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_signature_verifies_and_a_changed_message_does_not(algorithm: Algorithm) -> None:
    key = KEYS[algorithm.row.key]
    signature = key.sign(algorithm, MESSAGE)
    signatures.verify(algorithm, key.spki, MESSAGE, signature)
    with pytest.raises(InvalidSignature):
        signatures.verify(algorithm, key.spki, MESSAGE + b".", signature)
    with pytest.raises(InvalidSignature):
        signatures.verify(algorithm, key.spki, MESSAGE, signature[:-1])


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_of_another_kind_is_refused(algorithm: Algorithm) -> None:
    for kind, key in KEYS.items():
        if kind is not algorithm.row.key:
            with pytest.raises(UnknownAlgorithm, match=kind):
                signatures.verify(algorithm, key.spki, MESSAGE, b"\0" * 64)


def test_one_rsa_scheme_is_not_taken_for_another() -> None:
    key = KEYS[KeyKind.RSA]
    of_rsa = [algorithm for algorithm in Algorithm if algorithm.row.key is KeyKind.RSA]
    for signed_with in of_rsa:
        signature = key.sign(signed_with, MESSAGE)
        for read_as in of_rsa:
            if read_as is not signed_with:
                with pytest.raises(InvalidSignature):
                    signatures.verify(read_as, key.spki, MESSAGE, signature)


def test_a_pss_signature_with_another_salt_or_sha_1_is_refused() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for salt, digest in ((0, SHA256()), (20, SHA256()), (32, SHA1())):  # noqa: S303 (refused)
        scheme = padding.PSS(mgf=padding.MGF1(digest), salt_length=salt)
        signature = key.sign(MESSAGE, scheme, SHA256())
        with pytest.raises(InvalidSignature):
            signatures.verify(Algorithm.RSA_PSS_SHA256, spki_of(key), MESSAGE, signature)


@pytest.mark.parametrize("kind", KeyKind)
def test_the_kind_of_a_key_is_told(kind: KeyKind) -> None:
    assert signatures.kind_of(KEYS[kind].spki) is kind


def rsa_spki(modulus: int, exponent: int, *, parameters: bytes = b"\x05\x00") -> bytes:
    """An RSA key of any numbers, which no library would make."""
    algorithm = der.sequence(der.oid("1.2.840.113549.1.1.1"), parameters)
    return der.sequence(
        algorithm, der.bits(der.sequence(der.integer(modulus), der.integer(exponent)))
    )


MODULUS = (1 << 2047) + 12345
REFUSED = {
    "RSA of 1024 bits": (rsa_spki((1 << 1023) + 1, 65537), "1024 bits"),
    "RSA of 16384 bits": (rsa_spki((1 << 16383) + 1, 65537), "longer"),
    "RSA with e = 3": (rsa_spki(MODULUS, 3), "exponent"),
    "RSA with an even e": (rsa_spki(MODULUS, 65538), "RSA"),
    "RSA with a huge e": (rsa_spki(MODULUS, (1 << 100) + 1), "exponent"),
    "RSA with no parameters": (rsa_spki(MODULUS, 65537, parameters=b""), "DER"),
    "DSA": (spki_of(dsa.generate_private_key(2048)), "id-dsa"),
    "Ed448": (spki_of(ed448.Ed448PrivateKey.generate()), "1.3.101.113"),
    "secp256k1": (spki_of(ec.generate_private_key(ec.SECP256K1())), "1.3.132.0.10"),
    "P-521": (spki_of(ec.generate_private_key(ec.SECP521R1())), "1.3.132.0.35"),
    "explicit curve": (
        der.sequence(
            der.sequence(der.oid("1.2.840.10045.2.1"), der.sequence(der.integer(1))),
            der.bits(b"\4" + bytes(64)),
        ),
        "explicit parameters",
    ),
    "P-256 compressed": (
        der.sequence(
            der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7")),
            der.bits(
                ec.generate_private_key(ec.SECP256R1())
                .public_key()
                .public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
            ),
        ),
        "DER",
    ),
    "P-256 off the curve": (KEYS[KeyKind.P256].spki[:-32] + bytes(32), "curve"),
    "trailing byte": (KEYS[KeyKind.P256].spki + b"\0", "DER"),
    "nothing": (b"", "SubjectPublicKeyInfo"),
    "garbage": (b"\x30\x03\x02\x01\x00", "SubjectPublicKeyInfo"),
}


@pytest.mark.parametrize(("spki", "why"), REFUSED.values(), ids=REFUSED)
def test_a_key_that_is_not_allowed_is_refused_with_the_reason(spki: bytes, why: str) -> None:
    with pytest.raises((UnknownAlgorithm, Malformed), match=why):
        signatures.kind_of(spki)


def test_ed25519_agrees_with_the_standard() -> None:
    # RFC 8032, 7.1, TEST 3.
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    spki = bytes.fromhex("302a300506032b6570032100") + public
    assert signatures.kind_of(spki) is KeyKind.ED25519
    signatures.verify(Algorithm.EDDSA, spki, b"\xaf\x82", signature)
    for wrong in (signature[:-1], signature + b"\0", bytes(64), signature[32:] + signature[:32]):
        with pytest.raises(InvalidSignature):
            signatures.verify(Algorithm.EDDSA, spki, b"\xaf\x82", wrong)


@given(st.binary(max_size=300))
def test_garbage_is_no_key(garbage: bytes) -> None:
    with pytest.raises((UnknownAlgorithm, Malformed)):
        signatures.kind_of(garbage)


@pytest.mark.parametrize("algorithm", Algorithm)
@given(garbage=st.binary(max_size=300))
def test_garbage_is_no_signature(algorithm: Algorithm, garbage: bytes) -> None:
    with pytest.raises(InvalidSignature):
        signatures.verify(algorithm, KEYS[algorithm.row.key].spki, MESSAGE, garbage)


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.ES384])
def test_an_ecdsa_signature_in_another_form_is_refused(algorithm: Algorithm) -> None:
    kind = algorithm.row.key
    key, order = KEYS[kind], ORDERS[kind]
    good = key.sign(algorithm, MESSAGE)
    raw = signatures.ecdsa_der_to_raw(good, kind=kind)
    r, s = (int.from_bytes(half, "big") for half in (raw[: len(raw) // 2], raw[len(raw) // 2 :]))
    for numbers in ((0, s), (r, 0), (r + order, s), (r, s + order), (order, s), (1 << 2000, s)):
        with pytest.raises(InvalidSignature):
            signatures.verify(algorithm, key.spki, MESSAGE, encode_dss_signature(*numbers))
    for bent in (good + b"\0", raw, b"\x30\x81" + good[1:]):
        with pytest.raises(InvalidSignature):
            signatures.verify(algorithm, key.spki, MESSAGE, bent)


@pytest.mark.parametrize("kind", [KeyKind.P256, KeyKind.P384])
@given(data=st.data())
def test_raw_and_der_ecdsa_turn_into_each_other(kind: KeyKind, data: st.DataObject) -> None:
    order, size = ORDERS[kind], ORDERS[kind].bit_length() // 8
    r, s = (data.draw(st.integers(1, order - 1)) for _ in "rs")
    raw = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    assert (
        signatures.ecdsa_der_to_raw(signatures.ecdsa_raw_to_der(raw, kind=kind), kind=kind) == raw
    )


@pytest.mark.parametrize("raw", [b"", bytes(64), b"\xff" * 64, b"\1" * 63, b"\1" * 65, b"\1" * 96])
def test_a_raw_ecdsa_signature_of_a_wrong_size_or_range_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        signatures.ecdsa_raw_to_der(raw)
    with pytest.raises(Malformed):
        signatures.ecdsa_der_to_raw(raw)


def test_an_sm2_signature_made_elsewhere_verifies_by_its_spki() -> None:
    key = sm2.PrivateKey.generate()
    signatures.verify(Algorithm.SM2_SM3, sm2.spki(key.public_key), MESSAGE, key.sign(MESSAGE))


def test_what_was_verified_ahead_is_that_signature_and_no_other() -> None:
    key = KEYS[KeyKind.SM2]
    good = [
        (key.spki, message, key.sign(Algorithm.SM2_SM3, message)) for message in (b"one", b"two")
    ]
    spki, message, value = good[0]
    wrong = value[:-1] + bytes([value[-1] ^ 1])
    strangers = private_keys.generate(KeyKind.SM2).spki
    not_an_item = (b"no key at all", b"", b"")
    with signatures.verified_ahead([*good, (spki, message, wrong), not_an_item]):
        for item in good:
            signatures.verify(Algorithm.SM2_SM3, *item)
        for item in ((spki, message, wrong), (spki, b"two", value), (strangers, message, value)):
            with pytest.raises(InvalidSignature):
                signatures.verify(Algorithm.SM2_SM3, *item)
        with pytest.raises(UnknownAlgorithm):
            signatures.verify(Algorithm.RSA_SHA256, spki, message, value)
    assert not signatures._AHEAD.get()
