import base64
import gc
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.crypto import der, sm2, sm2_formats
from trust.crypto.errors import Malformed
from trust.crypto.sm2_formats import ORDER

KEY = sm2.PrivateKey.from_scalar(bytes.fromhex("33" * 32))
OTHER = sm2.PrivateKey.from_scalar(bytes.fromhex("44" * 32))
DATA = Path(__file__).parents[3] / "../shared/data/keys"
ALGORITHM = sm2_formats.ALGORITHM


def test_a_key_comes_back_from_every_form() -> None:
    for again in (
        sm2.PrivateKey.from_scalar(KEY.scalar()),
        sm2.PrivateKey.from_pkcs8(KEY.pkcs8()),
        sm2.PrivateKey.from_sec1(KEY.sec1()),
    ):
        assert (again.scalar(), again.public_key) == (KEY.scalar(), KEY.public_key)
    assert sm2.public_key_from_spki(sm2.spki(KEY.public_key)) == KEY.public_key


@pytest.mark.parametrize("named", [True, False], ids=["curve inside", "curve outside"])
@pytest.mark.parametrize("public", [KEY.public_key, None], ids=["with point", "without point"])
def test_the_shapes_other_programs_write_are_read(named: bool, public: bytes | None) -> None:
    sec1 = sm2_formats.sec1(KEY.scalar(), public, named=named)
    pkcs8 = sm2_formats.pkcs8(KEY.scalar(), public, named=named)
    assert sm2.PrivateKey.from_sec1(sec1).public_key == KEY.public_key
    assert sm2.PrivateKey.from_pkcs8(pkcs8).public_key == KEY.public_key


def test_a_key_file_with_another_public_key_is_refused() -> None:
    with pytest.raises(Malformed, match="not its own"):
        sm2.PrivateKey.from_pkcs8(sm2_formats.pkcs8(KEY.scalar(), OTHER.public_key))


BROKEN = {
    "nothing": b"",
    "cut short": KEY.pkcs8()[:-1],
    "trailing byte": KEY.pkcs8() + b"\0",
    "a bare ECPrivateKey": KEY.sec1(),
    "another version": der.sequence(der.integer(1), ALGORITHM, der.octets(KEY.sec1())),
    "attributes": der.sequence(
        der.integer(0), ALGORITHM, der.octets(KEY.sec1()), der.tlv(0xA0, b"")
    ),
    "a short scalar": der.sequence(
        der.integer(0), ALGORITHM, der.octets(sm2_formats.sec1(b"\x33" * 31, None))
    ),
    "scalar 0": sm2_formats.pkcs8(bytes(32), None),
    "scalar n - 1": sm2_formats.pkcs8((ORDER - 1).to_bytes(32, "big"), None),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_private_key_is_refused(broken: bytes) -> None:
    with pytest.raises(Malformed):
        sm2.PrivateKey.from_pkcs8(broken)


@given(st.binary(max_size=200))
def test_garbage_is_no_key(garbage: bytes) -> None:
    for read in (
        sm2.PrivateKey.from_pkcs8, sm2.PrivateKey.from_sec1,
        sm2.PrivateKey.from_scalar, sm2.public_key_from_spki,
    ):  # fmt: skip
        if len(garbage) != 32:
            with pytest.raises(Malformed):
                read(garbage)


SPKI = sm2.spki(KEY.public_key)
BAD_SPKI = {
    "trailing byte": SPKI + b"\0",
    "another curve": SPKI.replace(bytes.fromhex("5501822d"), bytes.fromhex("5501822e")),
    "compressed point": der.sequence(
        ALGORITHM, der.bits(bytes((2 + KEY.public_key[63] % 2,)) + KEY.public_key[:32])
    ),
    "hybrid point": SPKI[:26] + bytes((6 + KEY.public_key[63] % 2,)) + SPKI[27:],
    "unused bits": SPKI[:25] + b"\1" + SPKI[26:],
    "off the curve": SPKI[:-1] + bytes((SPKI[-1] ^ 1,)),
    "long length": b"\x30\x81\x59" + SPKI[2:],
}


@pytest.mark.parametrize("spki", BAD_SPKI.values(), ids=BAD_SPKI)
def test_another_encoding_of_a_public_key_is_refused(spki: bytes) -> None:
    with pytest.raises(Malformed):
        sm2.public_key_from_spki(spki)


@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_raw_and_der_signatures_turn_into_each_other(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert sm2.der_to_raw(sm2.raw_to_der(raw)) == raw


@pytest.mark.parametrize("raw", [b"", bytes(64), b"\xff" * 64, b"\1" * 63, b"\1" * 65])
def test_a_raw_signature_of_a_wrong_size_or_range_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        sm2.raw_to_der(raw)
    with pytest.raises(Malformed):
        sm2.der_to_raw(raw)


def test_a_key_never_shows_its_secret() -> None:
    shown = f"{KEY!r} {KEY}"
    assert KEY.scalar().hex() not in shown
    assert str(int.from_bytes(KEY.scalar(), "big")) not in shown
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def test_a_thousand_keys_come_and_go() -> None:
    for _ in range(1000):
        sm2.PrivateKey.generate()
    gc.collect()
    KEY.sign(b"still here")


@pytest.mark.skipif(not DATA.is_dir(), reason="the foreign key files are not here")
def test_a_foreign_key_file_is_read() -> None:
    text = (DATA / "sign_key.pem").read_text()
    body = text.split("-----BEGIN EC PRIVATE KEY-----")[1].split("-----END")[0]
    key = sm2.PrivateKey.from_sec1(base64.b64decode(body))
    certificate = (DATA / "sign_cert.pem").read_text().split("-----")[2]
    assert key.public_key in base64.b64decode(certificate)
