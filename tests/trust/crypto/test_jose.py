"""JWS: one encoding, verified by another library's arithmetic, and no change unnoticed."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.crypto import pki
from trust.crypto import jose
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.errors import TrustError

TYP = "status+jwt"
SUITES = {Algorithm.ES256: KeyKind.P256, Algorithm.SM2_SM3: KeyKind.SM2}
PAYLOAD = jose.canonical_json({"b": 1, "a": ["证", None, True]})


def signed(algorithm: Algorithm = Algorithm.ES256, *, x5c: tuple[bytes, ...] = ()) -> str:
    key = pki.key(SUITES[algorithm])
    return jose.sign(
        PAYLOAD, algorithm=algorithm, sign=lambda message: key.sign(algorithm, message), typ=TYP,
        kid="key-1", x5c=x5c,
    )  # fmt: skip


@pytest.mark.parametrize("algorithm", list(SUITES))
def test_what_is_signed_is_read_and_verifies(algorithm: Algorithm) -> None:
    chain = (pki.leaf(KeyKind.P256).certificate, pki.root(KeyKind.P256).certificate)
    read = jose.parse(signed(algorithm, x5c=chain), typ=TYP)
    assert (read.algorithm, read.payload) == (algorithm, PAYLOAD)
    assert read.certificates() == chain
    assert read.header["kid"] == "key-1"
    jose.verify(read, pki.key(SUITES[algorithm]).spki)
    with pytest.raises(InvalidSignature):
        jose.verify(read, pki.key(SUITES[algorithm], 1).spki)


def test_our_es256_verifies_by_rfc_7515_alone() -> None:
    header, payload, signature = signed().split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    key = load_der_public_key(pki.key(KeyKind.P256).spki)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(
        encode_dss_signature(r, s), f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA256())
    )
    read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    assert read == {"alg": "ES256", "kid": "key-1", "typ": TYP}


def test_the_example_of_rfc_7515_a_3_is_refused_only_for_its_type() -> None:
    # Its header is {"alg":"ES256"}: a JWS of no type is not one of ours.
    example = (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
        "NvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSAp"
        "mWQxfKTUJqPP3-Kg6NU1Q"
    )
    with pytest.raises(Malformed, match="type"):
        jose.parse(example, typ=TYP)


def test_a_detached_signature_is_put_together_again() -> None:
    compact = signed()
    detached = jose.detach(compact)
    assert ".." in detached
    assert jose.attach(detached, PAYLOAD) == compact
    jose.verify(jose.parse(jose.attach(detached, PAYLOAD), typ=TYP), pki.key(KeyKind.P256).spki)
    other = jose.parse(jose.attach(detached, PAYLOAD + b" "), typ=TYP)
    with pytest.raises(InvalidSignature):
        jose.verify(other, pki.key(KeyKind.P256).spki)
    with pytest.raises(Malformed):
        jose.attach(compact, PAYLOAD)


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_one_changed_character_is_noticed(data: st.DataObject) -> None:
    algorithm = data.draw(st.sampled_from(list(SUITES)))
    good = signed(algorithm)
    at = data.draw(st.integers(0, len(good) - 1))
    new = data.draw(st.characters(min_codepoint=0, max_codepoint=0x2FF))
    if new == good[at]:
        return
    changed = good[:at] + new + good[at + 1 :]
    with pytest.raises(TrustError):
        jose.verify(jose.parse(changed, typ=TYP), pki.key(SUITES[algorithm]).spki)


@given(st.text(max_size=80))
@settings(max_examples=300)
def test_garbage_is_refused_and_nothing_else(text: str) -> None:
    for body in (
        text,
        f"{text}.{text}.{text}",
        f"{jose.b64url(text.encode('utf-8', 'replace'))}..x",
    ):
        with pytest.raises(TrustError):
            jose.parse(body, typ=TYP)
        with pytest.raises(TrustError):
            jose.attach(body, b"") and jose.parse(jose.attach(body, b""), typ=TYP)


def made(header: dict[str, object]) -> str:
    parts = (json.dumps(header).encode(), PAYLOAD, bytes(64))
    return ".".join(map(jose.b64url, parts))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ES256", "typ": TYP, "crit": ["x"]}, {"alg": "ES256", "typ": TYP, "jku": "http://x"},
        {"alg": "ES256", "typ": TYP, "jwk": {}}, {"alg": "ES256", "typ": TYP, "b64": False},
        {"alg": "ES256", "typ": "JWT"}, {"alg": "ES256"},
    ],
)  # fmt: skip
def test_a_header_that_says_more_or_other_is_malformed(header: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        jose.parse(made(header), typ=TYP)


@pytest.mark.parametrize(
    "alg", ["none", "HS256", "RS256", "PS256", "ES384", "es256", "", None, 1, ["ES256"]]
)
def test_an_algorithm_that_is_not_for_jws_here_is_refused(alg: object) -> None:
    with pytest.raises(UnknownAlgorithm):
        jose.parse(made({"alg": alg, "typ": TYP}), typ=TYP)


def test_rsa_is_not_signed_with() -> None:
    with pytest.raises(UnknownAlgorithm):
        jose.sign(b"", algorithm=Algorithm.RSA_SHA256, sign=lambda _: b"", typ=TYP, kid="")


@pytest.mark.parametrize("x5c", ["AAAA", [1], ["A A"], ["A"], {"a": "b"}, None])
def test_an_x5c_that_is_no_list_of_certificates_is_malformed(x5c: object) -> None:
    read = jose.parse(made({"alg": "ES256", "typ": TYP, "x5c": x5c}), typ=TYP)
    with pytest.raises(Malformed):
        read.certificates()


@given(st.binary(max_size=60))
def test_base64url_comes_back(data: bytes) -> None:
    assert jose.unb64url(jose.b64url(data)) == data


def test_of_every_last_character_only_those_with_spare_bits_zero_are_read() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for begun, every in (("A", 16), ("AA", 4)):
        for value, last in enumerate(alphabet):
            if value % every == 0:
                assert jose.b64url(jose.unb64url(begun + last)) == begun + last
            else:
                with pytest.raises(Malformed):
                    jose.unb64url(begun + last)


@pytest.mark.parametrize(
    "text", ["A", "AA=", "AA==", "AB", "AAB", "A+", "A/", "A A", "é", "AAAA\n"]
)
def test_base64url_in_another_spelling_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        jose.unb64url(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"b":{"a":1,"a":1}}',
        "NaN",
        "[Infinity]",
        "[" * 9999,
        "{",
        "",
        "01",
        "\ud800",
    ],
)
def test_json_that_can_be_read_two_ways_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        jose.load_json(text)


def test_json_over_the_cap_is_not_read() -> None:
    with pytest.raises(Malformed, match="over 3"):
        jose.load_json(b"[1,2]", cap=3)


def test_canonical_json_is_one_form() -> None:
    assert jose.canonical_json({"b": "证", "a": [1, {"d": None, "c": ""}]}) == (
        '{"a":[1,{"c":"","d":null}],"b":"证"}'.encode()
    )
