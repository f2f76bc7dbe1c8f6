import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.crypto import checkpoint, private_keys
from trust.crypto.algorithms import KeyKind
from trust.crypto.errors import InvalidSignature, Malformed

ORIGIN = "log.example.gov.cn/audit"
ROOT = bytes(range(32))
KEYS = {kind: private_keys.generate(kind, bits=2048) for kind in KeyKind}


def signed(kind: KeyKind, *, origin: str = ORIGIN, size: int = 42) -> str:
    key = KEYS[kind]
    body = checkpoint.body(origin=origin, size=size, root=ROOT)
    algorithm = key.default_algorithm
    signature = key.sign(algorithm, body)
    return checkpoint.attach(body, signature, name=origin, spki=key.spki, algorithm=algorithm)


def verify(text: str, kind: KeyKind = KeyKind.P256, origin: str = ORIGIN) -> checkpoint.Checkpoint:
    key = KEYS[kind]
    return checkpoint.verify_checkpoint(
        text, spki=key.spki, algorithm=key.default_algorithm, origin=origin
    )


P256_NOTE = signed(KeyKind.P256)


@pytest.mark.parametrize("kind", KeyKind)
def test_a_checkpoint_signed_by_any_kind_of_key_verifies(kind: KeyKind) -> None:
    read = verify(signed(kind), kind)
    assert (read.origin, read.size, read.root) == (ORIGIN, 42, ROOT)


def test_a_foreign_tool_can_check_the_ecdsa_form_by_hand() -> None:
    text, _, line = P256_NOTE.partition("\n\n")
    stamp = base64.b64decode(line.split(" ")[2])
    public = load_der_public_key(KEYS[KeyKind.P256].spki)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(stamp[4:], f"{text}\n".encode(), ec.ECDSA(hashes.SHA256()))
    digest = hashes.Hash(hashes.SHA256())
    digest.update(KEYS[KeyKind.P256].spki)
    assert stamp[:4] == digest.finalize()[:4]


def test_a_witness_line_is_ignored() -> None:
    witness = signed(KeyKind.SM2).splitlines()[-1].replace(ORIGIN, "witness.example")
    assert verify(P256_NOTE + witness + "\n").size == 42


def test_another_log_or_key_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="another log"):
        verify(signed(KeyKind.P256, origin="another.example"))
    with pytest.raises(InvalidSignature, match="no signature by this key"):
        verify(P256_NOTE, KeyKind.SM2)


def test_a_changed_size_is_refused() -> None:
    with pytest.raises(InvalidSignature):
        verify(P256_NOTE.replace("\n42\n", "\n43\n"))


def test_one_bad_signature_by_a_known_key_spoils_the_note() -> None:
    other = signed(KeyKind.P256, size=43).splitlines()[-1]
    with pytest.raises(InvalidSignature):
        verify(P256_NOTE + other + "\n")


MALFORMED = {
    "nothing": "",
    "no signature": "\n".join(P256_NOTE.split("\n")[:4]) + "\n",
    "an extension line": P256_NOTE.replace("\n\n", "\nextension\n\n"),
    "a leading zero": P256_NOTE.replace("\n42\n", "\n042\n"),
    "a negative size": P256_NOTE.replace("\n42\n", "\n-42\n"),
    "an arabic size": P256_NOTE.replace("\n42\n", "\n٤٢\n"),
    "a short root": P256_NOTE.replace(base64.b64encode(ROOT).decode(), "AAAA"),
    "stray base64 bits": P256_NOTE.replace("Hh8=", "Hh9="),
    "no last newline": P256_NOTE[:-1],
    "a second newline": P256_NOTE + "\n",
    "carriage returns": P256_NOTE.replace("\n", "\r\n"),
    "a hyphen for the dash": P256_NOTE.replace("\u2014", "-"),
    "a space in the origin": P256_NOTE.replace(ORIGIN, "log example"),
    "too many lines": P256_NOTE + P256_NOTE.splitlines()[-1] * 200,
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_checkpoint_is_refused_for(fault: str) -> None:
    assert MALFORMED[fault] != P256_NOTE
    with pytest.raises(Malformed):
        verify(MALFORMED[fault])


def test_an_origin_that_would_break_the_note_is_never_signed() -> None:
    for origin in ("", "a b", "a+b", "a\nb", "中文", "a" * 201):
        with pytest.raises(Malformed):
            checkpoint.body(origin=origin, size=0, root=ROOT)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_one_changed_character_is_always_noticed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(P256_NOTE) - 1))
    wrong = data.draw(st.characters(codec="utf-8").filter(lambda c: c != P256_NOTE[at]))
    with pytest.raises((Malformed, InvalidSignature)):
        verify(P256_NOTE[:at] + wrong + P256_NOTE[at + 1 :])


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=300))
def test_garbage_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        verify(text)
