import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import cases
from trust.crypto import hashes
from trust.crypto.errors import UnknownAlgorithm


@pytest.mark.parametrize("case", cases("sm3"))
def test_sm3_agrees_with_the_standard(case: dict[str, Any]) -> None:
    assert hashes.sm3(bytes.fromhex(case["message"])).hex() == case["digest"]


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_both_makers_of_sm3_agree(parts: list[bytes]) -> None:
    expected = hashes._sm3_by_cryptography(b"".join(parts))
    assert hashes._sm3_by_hashlib(*parts) == hashes._sm3_by_cryptography(*parts) == expected


@pytest.mark.parametrize(
    ("name", "other"), [("SHA-256", "sha256"), ("SHA-384", "sha384"), ("SHA-512", "sha512")]
)
def test_sha_2_is_found_by_its_name(name: str, other: str) -> None:
    assert hashes.digest(name, b"abc") == hashlib.new(other, b"abc").digest()


def test_sha_256_has_a_function_of_its_own() -> None:
    assert hashes.sha256(b"abc") == hashes.digest(hashes.Digest.SHA256, b"abc")


@pytest.mark.parametrize("name", ["MD5", "SHA-1", "sha-256", ""])
def test_another_digest_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownAlgorithm, match=repr(name)):
        hashes.digest(name, b"abc")
