"""CMS SignedData: our own form, others' forms, and that no change goes unnoticed."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sealed import untyped
from tests.tools import find_tool
from tests.trust.crypto import pki
from tests.trust.crypto.der_mutations import mutations
from trust.anchors import pem
from trust.crypto import cms, der, hashes, x509
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.cms import Dress
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.errors import TrustError

asn1 = untyped("asn1crypto.cms")
DATA = Path(__file__).parents[3] / "../shared/data"
CONTENT = "内容".encode()
SUITES = {
    Dress.RFC5652: (KeyKind.RSA, Algorithm.RSA_SHA256, hashes.sha256),
    Dress.GMT0010: (KeyKind.SM2, Algorithm.SM2_SM3, hashes.sm3),
}


def signed(dress: Dress = Dress.RFC5652) -> bytes:
    kind, algorithm, digest = SUITES[dress]
    leaf = pki.leaf(kind)
    return cms.signed_data(
        digest(CONTENT), signer=leaf.certificate, chain=(pki.root(kind).certificate,),
        sign=lambda message: leaf.key.sign(algorithm, message), dress=dress,
    )  # fmt: skip


@pytest.mark.parametrize("dress", list(Dress))
def test_what_is_signed_verifies_and_names_its_signer(dress: Dress) -> None:
    kind, _, digest = SUITES[dress]
    read = cms.parse(signed(dress))
    cms.require_canonical(read)
    assert read.dress is dress
    assert read.content is None
    assert len(read.certificates) == 2
    assert cms.verify(read, digest(CONTENT)).der == pki.leaf(kind).certificate


@pytest.mark.parametrize("dress", list(Dress))
def test_another_content_does_not_verify(dress: Dress) -> None:
    with pytest.raises(InvalidSignature):
        cms.verify(cms.parse(signed(dress)), SUITES[dress][2](b"other"))


def test_openssl_verifies_our_signature(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(pem("CERTIFICATE", pki.root(KeyKind.RSA).certificate))
    (tmp_path / "s").write_bytes(signed())
    (tmp_path / "c").write_bytes(CONTENT)
    done = subprocess.run(
        [find_tool("openssl"), "cms", "-verify", "-inform", "DER", "-in", tmp_path / "s",
         "-content", tmp_path / "c", "-binary", "-CAfile", tmp_path / "root.pem", "-purpose",
         "any", "-attime", str(int(pki.BEGIN.timestamp()) + 9)],
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == CONTENT


def test_asn1crypto_reads_the_same_parts() -> None:
    data = signed()
    theirs, ours = asn1.ContentInfo.load(data, strict=True), cms.parse(data)
    assert theirs.dump(force=True) == data
    info = theirs["content"]["signer_infos"][0]
    assert info["signature"].native == ours.signature
    assert info["signed_attrs"].untag().dump() == ours.attributes
    assert info["sid"].chosen["serial_number"].native == ours.serial
    assert {c.chosen.dump() for c in theirs["content"]["certificates"]} == set(ours.certificates)


def test_openssls_signature_is_read_and_verified(tmp_path: Path) -> None:
    leaf = pki.leaf(KeyKind.RSA)
    (tmp_path / "c.pem").write_bytes(pem("CERTIFICATE", leaf.certificate))
    (tmp_path / "k.pem").write_bytes(pem("PRIVATE KEY", leaf.key.pkcs8()))
    (tmp_path / "c").write_bytes(CONTENT)
    command: list[str | Path] = [
        find_tool("openssl"), "cms", "-sign", "-binary", "-outform", "DER", "-signer",
        tmp_path / "c.pem", "-inkey", tmp_path / "k.pem", "-in", tmp_path / "c", "-md",
    ]  # fmt: skip
    for digest, name in (("sha256", "SHA-256"), ("sha384", "SHA-384"), ("sha512", "SHA-512")):
        done = subprocess.run([*command, digest], capture_output=True, check=True)
        read = cms.parse(done.stdout)
        assert cms.digest_name(read) == name
        assert cms.verify(read, hashes.digest(name, CONTENT)).der == leaf.certificate
    weak = subprocess.run([*command, "sha1"], capture_output=True, check=True)
    with pytest.raises(TrustError, match=r"1\.3\.14\.3\.2\.26"):
        cms.digest_name(cms.parse(weak.stdout))


def test_a_signature_made_by_cfca_verifies_over_its_own_content() -> None:
    path = DATA / "cms/cfca-sadk-attached.der"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    read = cms.parse(path.read_bytes())
    assert read.dress is Dress.GMT0010
    assert read.content == b"Hello Secret World!"
    assert not read.attributes
    assert read.signature_oid == cms.SM2_SIGN
    signer = cms.verify(read, hashes.sm3(read.content), read.content)
    assert x509.name_text(signer.issuer) == "O=Acme Co, CN=Eddard Stark"
    with pytest.raises(InvalidSignature):
        cms.verify(read, hashes.sm3(b"x"), b"x")
    with pytest.raises(Malformed):
        cms.verify(read, hashes.sm3(read.content))


@pytest.mark.parametrize("dress", list(Dress))
def test_no_change_of_structure_verifies_as_canonical(dress: Dress) -> None:
    good = signed(dress)
    digest = SUITES[dress][2](CONTENT)
    for data in mutations(good, seed=5652, count=1500):
        try:
            read = cms.parse(data)
            cms.require_canonical(read)
            cms.verify(read, digest)
        except TrustError:
            continue
        # What is left is not signed: companions, which whoever verifies compares with the chain.
        assert read.signer().der == pki.leaf(SUITES[dress][0]).certificate
        assert read.attributes == cms.parse(good).attributes


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    good = signed()
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes((good[at] ^ data.draw(st.integers(1, 255)),)) + good[at + 1 :]
    try:
        read = cms.parse(changed)
        cms.require_canonical(read)
        cms.verify(read, hashes.sha256(CONTENT))
    except TrustError:
        return
    assert read.signer().der == pki.leaf(KeyKind.RSA).certificate
    assert read.attributes == cms.parse(good).attributes


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_garbage_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        cms.parse(data)


def rebuilt(*, attributes: bytes) -> bytes:
    """Our signature with other signed attributes (tagged [0]) in place."""
    outer = der.children(der.parse(signed()))
    body = der.children(der.parse(outer[1].content))
    info = [part.raw for part in der.children(der.children(body[4])[0])]
    info[3] = attributes
    parts = [part.raw for part in body[:4]]
    whole = der.sequence(*parts, der.set_of(der.sequence(*info)))
    return der.sequence(outer[0].raw, der.explicit(0, whole))


def with_attributes(*extra: bytes, without: str = "") -> bytes:
    kept = [
        item.raw for item in der.children(der.parse(cms.parse(signed()).attributes))
        if not without or der.read_oid(der.children(item)[0]) != without
    ]  # fmt: skip
    return rebuilt(attributes=der.tlv(0xA0, b"".join([*kept, *extra])))


def attribute(oid: str, *values: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(*values))


@pytest.mark.parametrize(
    "data",
    [
        with_attributes(attribute(cms.MESSAGE_DIGEST, der.octets(bytes(32)))),
        with_attributes(attribute(cms.MESSAGE_DIGEST), without=cms.MESSAGE_DIGEST),
        with_attributes(without=cms.MESSAGE_DIGEST),
        with_attributes(without=cms.CONTENT_TYPE),
        with_attributes(attribute(cms.MESSAGE_DIGEST, der.null()), without=cms.MESSAGE_DIGEST),
        rebuilt(attributes=b"\xa0\x00"),
    ],
)  # fmt: skip
def test_attributes_that_stand_twice_or_not_at_all_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        cms.verify(cms.parse(data), hashes.sha256(CONTENT))


@pytest.mark.parametrize(
    "odd",
    [b"\x30\x00", der.sequence(der.null()), der.sequence(der.oid("1.2"), der.null(), der.null())],
)
def test_an_attribute_of_other_than_two_parts_is_malformed(odd: bytes) -> None:
    with pytest.raises(Malformed):
        cms.verify(cms.parse(with_attributes(odd)), hashes.sha256(CONTENT))


@pytest.mark.parametrize("odd", [b"\x30\x00", b"\x30\x02\x30\x00", b"\x30\x04\x30\x02\x30\x00"])
def test_an_empty_signing_certificate_attribute_is_malformed(odd: bytes) -> None:
    leaf = pki.leaf(KeyKind.RSA)
    attributes = der.set_of(
        attribute(cms.CONTENT_TYPE, der.oid(Dress.RFC5652.value[1])),
        attribute(cms.MESSAGE_DIGEST, der.octets(hashes.sha256(CONTENT))),
        attribute(cms.SIGNING_CERTIFICATE_V2, odd),
    )
    data = cms._assemble(
        Dress.RFC5652, cms.SHA256, (leaf.certificate,), x509.parse_certificate(leaf.certificate),
        attributes, "1.2.840.113549.1.1.11", leaf.key.sign(Algorithm.RSA_SHA256, attributes),
    )  # fmt: skip
    with pytest.raises(Malformed):
        cms.verify(cms.parse(data), hashes.sha256(CONTENT))


def test_a_signature_bound_to_another_certificate_is_refused() -> None:
    leaf = pki.leaf(KeyKind.RSA)
    other = pki.certify(
        pki.key(KeyKind.RSA), "Root", leaf.key, "another name",
        x509.parse_certificate(leaf.certificate).serial, [],
    )  # fmt: skip
    outer = der.children(der.parse(signed()))
    body = [part.raw for part in der.children(der.parse(outer[1].content))]
    body[3] = der.tlv(0xA0, other)
    data = der.sequence(outer[0].raw, der.explicit(0, der.sequence(*body)))
    with pytest.raises(InvalidSignature, match="another certificate"):
        cms.verify(cms.parse(data), hashes.sha256(CONTENT))


def test_an_algorithm_that_is_not_on_the_list_is_named() -> None:
    data = signed().replace(der.oid("1.2.840.113549.1.1.11"), der.oid("1.2.840.113549.1.1.14"))
    # The same OID stands in the certificates: only the last one is the signature's.
    with pytest.raises((UnknownAlgorithm, Malformed)):
        cms.verify(cms.parse(data), hashes.sha256(CONTENT))
