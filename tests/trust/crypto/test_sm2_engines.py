"""libcrypto, gmssl, crypto_mb, the openssl program and plain integers must all say the same."""

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gmssl.sm2 import CryptSM2

from trust.crypto import _libcrypto, sm2, sm2_batch, sm2_portable
from trust.crypto.errors import InvalidSignature
from trust.crypto.hashes import sm3
from trust.crypto.sm2_formats import cipher, parse_cipher, parse_signature
from trust.errors import Unavailable

ROUNDS = 12
Item = tuple[bytes, bytes, bytes]


def gmssl_curve(key: sm2.PrivateKey) -> Any:
    """The foreign engine with a key of ours; C1C3C2."""
    curve: Any = CryptSM2(private_key=key.scalar().hex(), public_key="", mode=1)  # type: ignore[no-untyped-call]
    curve.public_key = key.public_key.hex()
    return curve


def gmssl_digest(key: sm2.PrivateKey, message: bytes) -> bytes:
    return sm3(sm2.za(key.public_key) + message)


def items(count: int) -> list[Item]:
    made = []
    for _ in range(count):
        key, message = sm2.PrivateKey.generate(), secrets.token_bytes(secrets.randbelow(200))
        made.append((key.public_key, message, key.sign(message)))
    return made


def test_gmssl_and_the_batch_accept_what_libcrypto_signed() -> None:
    made = items(ROUNDS)
    assert sm2_batch.verify_many(made) == [True] * ROUNDS
    for public_key, message, signature in made:
        digest = sm3(sm2.za(public_key) + message)
        sm2_portable.verify(public_key, digest, parse_signature(signature))


def test_gmssl_and_the_batch_refuse_what_libcrypto_refuses() -> None:
    made = [(key, message + b"!", signature) for key, message, signature in items(ROUNDS)]
    assert sm2_batch.verify_many(made) == [False] * ROUNDS
    for public_key, message, signature in made:
        with pytest.raises(InvalidSignature):
            sm2.verify(public_key, message, signature)
        digest = sm3(sm2.za(public_key) + message)
        with pytest.raises(InvalidSignature):
            sm2_portable.verify(public_key, digest, parse_signature(signature))


def test_libcrypto_and_the_batch_accept_what_gmssl_signed() -> None:
    made = []
    for _ in range(ROUNDS):
        key, message = sm2.PrivateKey.generate(), secrets.token_bytes(40)
        nonce = secrets.token_hex(31)
        raw = gmssl_curve(key).sign(gmssl_digest(key, message), nonce)
        signature = sm2.raw_to_der(bytes.fromhex(raw))
        sm2.verify(key.public_key, message, signature)
        made.append((key.public_key, message, signature))
    assert sm2_batch.verify_many(made) == [True] * ROUNDS


def test_gmssl_opens_what_libcrypto_closed_and_the_reverse() -> None:
    for _ in range(3):
        key, plaintext = sm2.PrivateKey.generate(), secrets.token_bytes(48)
        point, digest, text = parse_cipher(sm2.encrypt(key.public_key, plaintext))
        assert gmssl_curve(key).decrypt(point + digest + text) == plaintext
        made = gmssl_curve(key).encrypt(plaintext)
        assert key.decrypt(cipher(made[:64], made[64:96], made[96:])) == plaintext


@pytest.fixture
def no_libcrypto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose libcrypto is missing."""
    caches = (_libcrypto.load, sm2._engine)
    monkeypatch.setattr(_libcrypto, "_NAMES", ("libcrypto.so.none",))
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_without_libcrypto_signatures_are_verified_by_gmssl(
    request: pytest.FixtureRequest,
) -> None:
    (public_key, message, signature), other = items(2)
    assert sm2.engine().startswith("libcrypto 3.") or sm2.engine().startswith("libcrypto 4.")
    request.getfixturevalue("no_libcrypto")
    assert sm2.engine() == "gmssl 3.2.2 (portable; verifies only)"
    sm2.verify(public_key, message, signature)
    with pytest.raises(InvalidSignature):
        sm2.verify(public_key, message, other[2])


@pytest.mark.usefixtures("no_libcrypto")
def test_without_libcrypto_a_private_key_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="OpenSSL 3"):
        sm2.PrivateKey.generate()


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], capture_output=True, check=False)


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program")
DISTID = ("-pkeyopt", "distid:1234567812345678")


@needs_openssl
def test_the_openssl_program_accepts_our_key_and_signature(tmp_path: Path) -> None:
    key = sm2.PrivateKey.generate()
    files = {"k": sm2.spki(key.public_key), "m": b"by hand", "s": key.sign(b"by hand")}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    common = ("pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pubin", "-keyform", "DER")
    where = ("-inkey", tmp_path / "k", "-in", tmp_path / "m", "-sigfile", tmp_path / "s")
    assert openssl(*common, *where, *DISTID).returncode == 0
    (tmp_path / "m").write_bytes(b"by band")
    assert openssl(*common, *where, *DISTID).returncode == 1


@needs_openssl
def test_we_accept_a_signature_by_the_openssl_program(tmp_path: Path) -> None:
    key = sm2.PrivateKey.generate()
    (tmp_path / "k").write_bytes(key.pkcs8())
    (tmp_path / "m").write_bytes(b"by hand")
    signed = openssl(
        "pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-keyform", "DER",
        "-inkey", tmp_path / "k", "-in", tmp_path / "m", *DISTID,
    )  # fmt: skip
    assert signed.returncode == 0, signed.stderr
    sm2.verify(key.public_key, b"by hand", signed.stdout)


@needs_openssl
def test_we_read_keys_the_openssl_program_made(tmp_path: Path) -> None:
    path = tmp_path / "k"
    openssl("genpkey", "-algorithm", "SM2", "-outform", "DER", "-out", path)
    pkcs8 = openssl("pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER", "-in", path)
    key = sm2.PrivateKey.from_pkcs8(pkcs8.stdout)
    spki = openssl("pkey", "-inform", "DER", "-in", path, "-pubout", "-outform", "DER").stdout
    assert sm2.public_key_from_spki(spki) == key.public_key
    assert key.pkcs8() == pkcs8.stdout
