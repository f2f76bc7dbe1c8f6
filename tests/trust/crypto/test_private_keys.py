import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from trust.crypto import private_keys, signatures, sm2
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.errors import Invalid

KEYS = {kind: private_keys.generate(kind, bits=2048) for kind in KeyKind}


def pkcs8_of(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey,
) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_comes_back_from_its_stored_form(kind: KeyKind) -> None:
    stored = KEYS[kind].pkcs8()
    for again in (private_keys.load(stored), private_keys.load_own(stored)):
        assert (again.kind, again.spki, again.pkcs8()) == (kind, KEYS[kind].spki, stored)
        signature = again.sign(again.default_algorithm, b"m")
        signatures.verify(again.default_algorithm, KEYS[kind].spki, b"m", signature)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_an_algorithm_of_another_kind_is_refused(algorithm: Algorithm) -> None:
    for kind, key in KEYS.items():
        if kind is not algorithm.row.key:
            with pytest.raises(Invalid, match=algorithm):
                key.sign(algorithm, b"m")


@pytest.mark.parametrize("bits", [1024, 2047, 2050, 8448, 0, -2048])
def test_an_rsa_size_that_is_not_allowed_is_refused(bits: int) -> None:
    with pytest.raises(Invalid, match="2048 to 8192"):
        private_keys.generate(KeyKind.RSA, bits=bits)


def test_rsa_has_3072_bits_unless_told_otherwise() -> None:
    assert 380 < len(private_keys.generate(KeyKind.RSA).spki) < 430


REFUSED = {
    "RSA of 1024 bits": pkcs8_of(rsa.generate_private_key(65537, 1024)),
    "RSA with e = 3": pkcs8_of(rsa.generate_private_key(3, 2048)),
    "secp256k1": pkcs8_of(ec.generate_private_key(ec.SECP256K1())),
    "Ed448": pkcs8_of(ed448.Ed448PrivateKey.generate()),
}


@pytest.mark.parametrize("pkcs8", REFUSED.values(), ids=REFUSED)
def test_a_weak_or_unlisted_private_key_is_refused(pkcs8: bytes) -> None:
    for read in (private_keys.load, private_keys.load_own):
        with pytest.raises(UnknownAlgorithm):
            read(pkcs8)


def test_an_rsa_key_with_a_wrong_prime_is_refused_from_outside() -> None:
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    prime = numbers.p.to_bytes(128, "big")
    stored = pkcs8_of(numbers.private_key())
    at = stored.index(prime)
    with pytest.raises(Malformed):
        private_keys.load(stored[: at + 127] + bytes((prime[127] ^ 2,)) + stored[at + 128 :])


@given(st.binary(max_size=300))
def test_garbage_is_no_private_key(garbage: bytes) -> None:
    for read in (private_keys.load, private_keys.load_own):
        with pytest.raises((Malformed, UnknownAlgorithm)):
            read(garbage)


def test_a_file_too_long_is_refused_unread() -> None:
    with pytest.raises(Malformed, match="longer"):
        private_keys.load(bytes(7000))


@pytest.mark.parametrize("kind", KeyKind)
def test_a_private_key_shows_and_pickles_nothing_secret(kind: KeyKind) -> None:
    assert repr(KEYS[kind]) == f"<{kind} private key>"
    with pytest.raises(TypeError):
        pickle.dumps(KEYS[kind])


def test_the_sm2_key_is_given_for_batches_and_no_other() -> None:
    assert isinstance(KEYS[KeyKind.SM2].sm2_key(), sm2.PrivateKey)
    with pytest.raises(Invalid):
        KEYS[KeyKind.RSA].sm2_key()
