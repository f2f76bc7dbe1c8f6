"""Pairs of certificates and the particulars of a subject."""

import subprocess
from pathlib import Path

import pytest

from ca import dual, issue, particulars, profiles
from ca.dual import NotAnSm2Key, Pair
from ca.issue import Order
from ca.particulars import UnknownParticular
from tests.ca.requests import NAME, authority, request_for
from tests.regions import Region
from tests.tools import find_tool
from trust import chain
from trust.access import SYSTEM
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import der, private_keys, sm2, sm2_envelope, x509
from trust.crypto.algorithms import KeyKind
from trust.crypto.errors import DecryptionFailed, Malformed
from trust.errors import Invalid

ORGANISATION = (
    ("organization-code", "11542421MB0123456X"),
    ("registration-number", "542421000012345"),
)


def pair(region: Region, key: private_keys.PrivateKey) -> Pair:
    return dual.issue_pair(
        region.platform.sessions, request_for(key), subject=NAME, issuer="issuing-sm2",
        keys=region.platform.keys, by=SYSTEM, at=utc_now(), particulars=ORGANISATION,
        base_url=region.platform.settings.base_url,
    )  # fmt: skip


def test_the_encryption_key_is_opened_by_the_signing_key(region: Region) -> None:
    own = private_keys.generate(KeyKind.SM2)
    made = pair(region, own)
    assert made.signing.spki == own.spki
    key = sm2_envelope.unseal(made.enveloped_key, owner=own.sm2_key())
    assert sm2.spki(key.public_key) == made.encryption.spki
    public = sm2.public_key_from_spki(made.encryption.spki)
    assert key.decrypt(sm2.encrypt(public, b"a session key")) == b"a session key"


def test_one_half_signs_and_the_other_encrypts(sqlite_region: Region) -> None:
    made = pair(sqlite_region, private_keys.generate(KeyKind.SM2))
    assert x509.key_usage(made.signing) == frozenset({x509.DIGITAL_SIGNATURE, x509.NON_REPUDIATION})
    assert x509.key_usage(made.encryption) == frozenset({2, 3, 4})
    assert made.signing.subject == made.encryption.subject
    assert chain.wrong_usage(made.encryption, purpose=None) == "keyUsage"
    assert chain.wrong_usage(made.signing, purpose=None) == ""


def test_the_encryption_key_is_nowhere_in_the_platform(
    sqlite_region: Region, tmp_path: Path
) -> None:
    own = private_keys.generate(KeyKind.SM2)
    before = sqlite_region.platform.keys.ids()
    scalar = sm2_envelope.unseal(
        pair(sqlite_region, own).enveloped_key, owner=own.sm2_key()
    ).scalar()
    assert sqlite_region.platform.keys.ids() == before
    for path in sqlite_region.platform.settings.home.glob("trust.db*"):
        assert scalar not in path.read_bytes()


def test_another_key_does_not_open_the_envelope(sqlite_region: Region) -> None:
    made = pair(sqlite_region, private_keys.generate(KeyKind.SM2))
    with pytest.raises(DecryptionFailed):
        sm2_envelope.unseal(made.enveloped_key, owner=sm2.PrivateKey.generate())


def test_one_changed_octet_of_an_envelope_is_noticed() -> None:
    owner, key = sm2.PrivateKey.generate(), sm2.PrivateKey.generate()
    envelope = sm2_envelope.seal(key, owner=owner.public_key)
    for at in range(len(envelope)):
        changed = bytearray(envelope)
        changed[at] ^= 0x04
        with pytest.raises(Invalid):
            sm2_envelope.unseal(bytes(changed), owner=owner)


def test_the_envelope_has_the_form_of_the_standard() -> None:
    owner, key = sm2.PrivateKey.generate(), sm2.PrivateKey.generate()
    parts = der.children(der.parse(sm2_envelope.seal(key, owner=owner.public_key)))
    assert x509.algorithm_oid(parts[0]) == "1.2.156.10197.1.104.1"
    assert len(owner.decrypt(parts[1].raw)) == 16
    assert der.read_bits(parts[2]) == b"\x04" + key.public_key
    assert len(der.read_bits(parts[3])) == 32


def test_an_rsa_key_gets_no_pair(sqlite_region: Region) -> None:
    with pytest.raises(NotAnSm2Key):
        pair(sqlite_region, private_keys.generate(KeyKind.RSA, bits=2048))


# --- particulars -------------------------------------------------------------------------------


def test_particulars_come_back_out_of_the_certificate(sqlite_region: Region) -> None:
    made = pair(sqlite_region, private_keys.generate(KeyKind.SM2)).signing
    assert dict(particulars.read(made)) == dict(ORGANISATION)
    assert not any(made.extensions[f"1.2.156.10260.4.1.{arc}"].critical for arc in (3, 4))


@pytest.mark.parametrize(
    ("name", "text", "encoded"),
    [
        ("resident-id", "11010519491231002X", "a01413123131303130353139343931323331303032 58"),
        ("military-id", "军", "a1050c03e5869b"),
        ("passport", "E1", "a20413024531"),
        ("insurance-number", "9", "130139"),
        ("registration-number", "9", "130139"),
    ],
)
def test_each_particular_has_the_encoding_of_the_standard(
    name: str, text: str, encoded: str
) -> None:
    (extension,) = particulars.write([(name, text)])
    assert extension.value == bytes.fromhex(encoded)


@pytest.mark.parametrize(
    "pairs",
    [
        [("social-credit-code", "11542421MB0123456X")],
        [("colour", "red")],
        [("resident-id", "")],
        [("resident-id", "1" * 65)],
        [("resident-id", "1\n")],
        [("resident-id", "一")],
        [("resident-id", "1"), ("passport", "2")],
    ],
)
def test_particulars_that_no_certificate_may_hold_are_refused(
    pairs: list[tuple[str, str]],
) -> None:
    with pytest.raises(Invalid):
        particulars.write(pairs)


def test_an_oid_that_is_not_set_is_no_kind() -> None:
    assert "social-credit-code" not in particulars.kinds()
    with pytest.raises(UnknownParticular):
        particulars.write([("social-credit-code", "1")])
    found = particulars.check({"new": {"oid": "1.2.3.4", "string": "utf8"}})
    assert found["new"].encode("一") == der.utf8("一")
    with pytest.raises(Invalid):
        particulars.check({"new": {"oid": "1.2.x", "string": "utf8"}})


def test_an_order_brings_its_policies_and_addresses(sqlite_region: Region, tmp_path: Path) -> None:
    openssl = find_tool("openssl")
    order = Order(
        "signing", NAME, private_keys.generate(KeyKind.RSA, bits=2048).spki, policies=("1.2.3.4",),
        base_url="https://trust.example",
    )  # fmt: skip
    made = issue.issue(
        sqlite_region.platform.sessions, order, issuer="issuing-rsa",
        keys=sqlite_region.platform.keys, by=SYSTEM, at=utc_now(),
    )  # fmt: skip
    (tmp_path / "made.pem").write_bytes(pem("CERTIFICATE", made.der))
    said = subprocess.run(
        [openssl, "x509", "-in", tmp_path / "made.pem", "-noout", "-text"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for text in (
        "Policy: 1.2.3.4", "OCSP - URI:https://trust.example/ocsp",
        "CA Issuers - URI:https://trust.example/ca/issuing-rsa.cer",
        "URI:https://trust.example/crl/issuing-rsa.crl",
    ):  # fmt: skip
        assert text in said
    assert made.issuer == authority(sqlite_region, "issuing-rsa").subject


def test_a_critical_purpose_stands_alone() -> None:
    content = {"years": 1, "key_usage": [0], "critical_purpose": True}
    for purposes in ([], ["1.2.3", "1.2.4"]):
        with pytest.raises(profiles.BadProfile):
            profiles.check("x", {**content, "extended_key_usage": purposes})


def test_garbage_is_no_envelope() -> None:
    for garbage in (b"", b"0", bytes(100), b"\xff" * 2000):
        with pytest.raises(Malformed):
            sm2_envelope.unseal(garbage, owner=sm2.PrivateKey.generate())
