"""Two key stores as one: SM2 in the soft one, the rest in the other."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from trust.crypto import signatures
from trust.crypto.algorithms import DEFAULT, KeyKind
from trust.errors import Conflict, NotFound
from trust.keys import SoftKeyStore
from trust.keys_combined import CombinedKeyStore


@pytest.fixture
def stores(tmp_path: Path) -> tuple[SoftKeyStore, SoftKeyStore]:
    """Two soft stores: a token's own behaviour is tested against SoftHSM."""
    passphrase = SecretStr("a passphrase")
    return SoftKeyStore(tmp_path / "a", passphrase), SoftKeyStore(tmp_path / "b", passphrase)


def test_sm2_stays_soft_and_the_rest_goes_to_the_token(
    stores: tuple[SoftKeyStore, SoftKeyStore],
) -> None:
    soft, token = stores
    both = CombinedKeyStore(soft, token)
    for kind in (KeyKind.SM2, KeyKind.P256):
        spki = both.generate(f"key-{kind.value.lower()}", kind)
        algorithm = DEFAULT[kind]
        signature = both.sign(f"key-{kind.value.lower()}", b"message", algorithm)
        signatures.verify(algorithm, spki, b"message", signature)
        assert both.public_key(f"key-{kind.value.lower()}") == spki
    assert soft.ids() == ["key-sm2"]
    assert token.ids() == ["key-p-256"]
    assert both.ids() == ["key-p-256", "key-sm2"]


def test_an_id_is_given_once_in_both_places(stores: tuple[SoftKeyStore, SoftKeyStore]) -> None:
    both = CombinedKeyStore(*stores)
    both.generate("one", KeyKind.P256)
    with pytest.raises(Conflict):
        both.generate("one", KeyKind.SM2)
    with pytest.raises(NotFound):
        both.sign("two", b"", DEFAULT[KeyKind.SM2])
