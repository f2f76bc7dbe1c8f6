"""Certificates, requests and CRLs: what we write others read, what others write we read."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509 as library
from cryptography.hazmat.primitives import hashes as library_hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sealed import untyped
from tests.trust.crypto import pki
from tests.trust.crypto.der_mutations import mutations
from trust.crypto import der, signatures, x509, x509_write
from trust.crypto.algorithms import DEFAULT, KeyKind, by_oid
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate, Revoked
from trust.errors import TrustError

DATA = Path(__file__).parents[3] / "../shared/data"
asn1 = untyped("asn1crypto.x509")
asn1_crl = untyped("asn1crypto.crl")
#: No certificate is signed by EdDSA here.
KINDS = [kind for kind in KeyKind if kind is not KeyKind.ED25519]


@pytest.mark.parametrize("kind", [KeyKind.RSA, KeyKind.P256, KeyKind.P384])
def test_the_library_reads_our_certificate_as_we_do(kind: KeyKind) -> None:
    root, leaf = pki.root(kind), pki.leaf(kind)
    theirs, ours = (
        library.load_der_x509_certificate(leaf.certificate),
        x509.parse_certificate(leaf.certificate),
    )
    theirs.verify_directly_issued_by(library.load_der_x509_certificate(root.certificate))
    assert theirs.serial_number == ours.serial
    assert (theirs.not_valid_before_utc, theirs.not_valid_after_utc) == (pki.BEGIN, pki.END)
    assert (ours.not_before, ours.not_after) == (pki.BEGIN, pki.END)
    assert theirs.subject.public_bytes() == ours.subject
    assert theirs.tbs_certificate_bytes == ours.tbs
    usage = theirs.extensions.get_extension_for_class(library.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_cert_sign) == (True, False)
    assert x509.key_usage(ours) == frozenset({0, 1})
    purposes = theirs.extensions.get_extension_for_class(library.ExtendedKeyUsage).value
    assert tuple(purpose.dotted_string for purpose in purposes) == x509.extended_key_usage(ours)


@pytest.mark.parametrize("kind", KINDS)
def test_asn1crypto_reads_our_certificate_as_we_do(kind: KeyKind) -> None:
    data = pki.root(kind).certificate
    theirs, ours = asn1.Certificate.load(data, strict=True), x509.parse_certificate(data)
    assert theirs.serial_number == ours.serial
    assert theirs.issuer.dump() == theirs.subject.dump() == ours.issuer == ours.subject
    assert theirs["tbs_certificate"].dump() == ours.tbs
    assert theirs.key_identifier == x509.subject_key_id(ours)
    assert theirs.authority_key_identifier == x509.authority_key_id(ours.extensions)
    assert (theirs.ca, theirs.max_path_length) == x509.basic_constraints(ours) == (True, 1)
    assert theirs["signature_value"].native == ours.signature


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_verifies_under_its_issuer_and_no_other(kind: KeyKind) -> None:
    leaf = x509.parse_certificate(pki.leaf(kind).certificate)
    algorithm = by_oid(leaf.signature_oid)
    assert algorithm is DEFAULT[kind]
    signatures.verify(algorithm, pki.root(kind).key.spki, leaf.tbs, leaf.signature)
    with pytest.raises(InvalidSignature):
        signatures.verify(algorithm, leaf.spki, leaf.tbs, leaf.signature)


def test_names_are_shown_with_their_labels() -> None:
    leaf = x509.parse_certificate(pki.leaf(KeyKind.SM2).certificate)
    assert x509.name_text(leaf.subject) == "C=CN, O=阿里地区, CN=叶 Leaf"
    assert x509.name_value(leaf.subject, x509.COMMON_NAME) == "叶 Leaf"
    assert x509.name_value(leaf.subject, x509.UNIT) is None
    assert x509.name_text(b"garbage").startswith("(unreadable name")


def test_a_name_that_breaks_its_own_type_is_shown_all_the_same() -> None:
    email = der.tlv(der.IA5, "章@例.cn".encode())
    odd = der.sequence(der.set_of(der.sequence(der.oid("1.2.840.113549.1.9.1"), email)))
    assert x509.name_text(odd) == "emailAddress=章@例.cn"


def foreign(not_after: dt.datetime) -> bytes:
    """A certificate made by the library."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = library.Name([library.NameAttribute(NameOID.COMMON_NAME, "x")])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    builder = (
        library.CertificateBuilder().subject_name(subject).issuer_name(subject)
        .public_key(key.public_key()).serial_number(5).not_valid_before(begin)
        .not_valid_after(not_after)
    )  # fmt: skip
    return builder.sign(key, library_hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("year", [2049, 2050, 2999])
def test_a_foreign_certificate_is_read_through_the_turn_of_its_time_types(year: int) -> None:
    end = dt.datetime(year, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    read = x509.parse_certificate(foreign(end))
    assert read.not_after == end
    assert x509.key_usage(read) is None
    assert x509.extended_key_usage(read) is None
    assert x509.basic_constraints(read) == (False, None)


def test_explicit_curve_parameters_are_read_and_refused_as_a_key() -> None:
    path = DATA / "cms/explicit_curve_cert.der"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    read = x509.parse_certificate(path.read_bytes())
    with pytest.raises((UnknownAlgorithm, Malformed)):
        signatures.kind_of(read.spki)


def test_every_certificate_of_nists_suite_is_read_or_refused() -> None:
    files = sorted((DATA / "pkits").rglob("*.crt"))
    if not files:
        pytest.skip("the NIST certificates are not here")
    read = 0
    for path in files:
        try:
            certificate = x509.parse_certificate(path.read_bytes())
        except Malformed:
            continue
        theirs = asn1.Certificate.load(certificate.der, strict=True)
        assert theirs.serial_number == certificate.serial
        assert theirs["tbs_certificate"].dump() == certificate.tbs
        assert theirs.subject.dump() == certificate.subject
        read += 1
    assert read > len(files) * 0.9


def resigned(change: tuple[bytes, bytes]) -> bytes:
    """The leaf with some bytes of its TBS exchanged; the reader does not look at its signature."""
    whole = pki.leaf(KeyKind.P256).certificate
    tbs = x509.parse_certificate(whole).tbs
    assert tbs.count(change[0]) >= 1
    parts = [value.raw for value in der.children(der.parse(tbs))]
    changed = [part.replace(*change) for part in parts]
    rest = [value.raw for value in der.children(der.parse(whole))][1:]
    return der.sequence(der.sequence(*changed), *rest)


def test_a_certificate_that_breaks_the_profile_is_refused() -> None:
    for change in (
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01"),  # version 2
        (b"\xa0\x03\x02\x01\x02", b""),  # version 1, that is none
        (der.oid("1.2.840.10045.4.3.2"), der.oid("1.2.840.10045.4.3.3")),  # inner is not outer
        (b"260102030405Z", b"260132030405Z"),  # 32 January
    ):
        with pytest.raises(Malformed):
            x509.parse_certificate(resigned(change))


def test_an_extension_that_stands_twice_is_refused() -> None:
    twice = [x509_write.key_usage({0}), x509_write.key_usage({5})]
    made = pki.certify(pki.key(KeyKind.P256), "a", pki.key(KeyKind.P256), "b", 1, twice)
    with pytest.raises(Malformed, match="twice"):
        x509.parse_certificate(made)


def test_a_certificate_over_the_cap_is_refused() -> None:
    with pytest.raises(Malformed, match="over"):
        x509.parse_certificate(der.sequence(der.octets(bytes(x509.CERTIFICATE_MAX))))


# --- requests and CRLs ---------------------------------------------------------------------------


def test_the_library_accepts_our_request() -> None:
    key = pki.key(KeyKind.P256)
    tbs = x509_write.tbs_request(pki.name("req"), key.spki)
    oid = DEFAULT[KeyKind.P256].row.oid
    data = x509_write.signed(tbs, oid, key.sign(DEFAULT[KeyKind.P256], tbs))
    theirs, ours = library.load_der_x509_csr(data), x509.parse_request(data)
    assert theirs.is_signature_valid
    assert theirs.subject.public_bytes() == ours.subject == pki.name("req")
    assert (ours.spki, ours.tbs) == (key.spki, tbs)


def test_a_foreign_sm2_request_is_read() -> None:
    path = DATA / "cms/smx509_csrFromAli.pem"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    import base64

    body = "".join(path.read_text().split("-----")[2].split())
    read = x509.parse_request(base64.b64decode(body))
    signatures.verify(by_oid(read.signature_oid), read.spki, read.tbs, read.signature)


def crl(kind: KeyKind, entries: list[Revoked]) -> bytes:
    root = pki.root(kind)
    algorithm = DEFAULT[kind]
    tbs = x509_write.tbs_crl(
        signature_oid=algorithm.row.oid, issuer=pki.name("Root"), this_update=pki.BEGIN,
        next_update=pki.END, entries=entries, extensions=[x509_write.crl_number(7)],
    )  # fmt: skip
    return x509_write.signed(tbs, algorithm.row.oid, root.key.sign(algorithm, tbs))


@pytest.mark.parametrize("kind", [KeyKind.RSA, KeyKind.P256])
def test_the_library_reads_our_crl_as_we_do(kind: KeyKind) -> None:
    entries = [Revoked(2**90, pki.BEGIN, 1), Revoked(3, pki.END, 0)]
    data = crl(kind, entries)
    theirs, ours = library.load_der_x509_crl(data), x509.parse_crl(data)
    root = library.load_der_x509_certificate(pki.root(kind).certificate)
    assert theirs.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    assert {one.serial_number: one.revocation_date_utc for one in theirs} == {
        one.serial: one.at for one in entries
    }
    assert list(ours.entries.values()) == entries
    assert (ours.this_update, ours.next_update) == (pki.BEGIN, pki.END)


@pytest.mark.parametrize("kind", [KeyKind.SM2, KeyKind.P384])
def test_asn1crypto_reads_our_crl_as_we_do(kind: KeyKind) -> None:
    data = crl(kind, [])
    theirs = asn1_crl.CertificateList.load(data, strict=True)
    assert theirs["tbs_cert_list"].dump() == x509.parse_crl(data).tbs
    assert x509.parse_crl(data).entries == {}


# --- garbage -------------------------------------------------------------------------------------


def look_at_all_of(certificate: Certificate) -> None:
    for look in (
        x509.basic_constraints, x509.key_usage, x509.extended_key_usage, x509.subject_key_id,
        lambda one: x509.authority_key_id(one.extensions), lambda one: one.is_ca,
        lambda one: signatures.kind_of(one.spki), lambda one: x509.name_text(one.subject),
    ):  # fmt: skip
        try:
            look(certificate)
        except TrustError:
            continue


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_bytes_at_random_are_malformed_as_certificate_request_and_crl(data: bytes) -> None:
    for read in (x509.parse_certificate, x509.parse_request, x509.parse_crl):
        with pytest.raises(Malformed):
            read(data)


@pytest.mark.parametrize("kind", [KeyKind.SM2, KeyKind.RSA])
def test_a_certificate_with_exchanged_parts_is_refused_or_read_but_never_crashes(
    kind: KeyKind,
) -> None:
    for data in mutations(pki.leaf(kind).certificate, seed=5280, count=1500):
        try:
            look_at_all_of(x509.parse_certificate(data))
        except TrustError:
            continue


def test_a_changed_certificate_never_verifies() -> None:
    good = x509.parse_certificate(pki.leaf(KeyKind.SM2).certificate)
    root = pki.root(KeyKind.SM2).key.spki
    for data in mutations(good.der, seed=3280, count=800):
        try:
            read = x509.parse_certificate(data)
            signatures.verify(by_oid(read.signature_oid), root, read.tbs, read.signature)
        except TrustError:
            continue
        # Only the outer algorithm's parameters and nothing signed may differ, never the content.
        assert read.tbs == good.tbs


def test_a_name_of_one_part_is_malformed() -> None:
    odd = der.sequence(der.set_of(der.sequence(der.oid("2.5.4.3"))))
    with pytest.raises(Malformed):
        x509.name_value(odd, x509.COMMON_NAME)


def test_a_crl_entry_of_no_parts_is_malformed() -> None:
    data = crl(KeyKind.P256, [Revoked(1, pki.BEGIN, 0)])
    with pytest.raises(Malformed):
        x509.parse_crl(_emptied(data))


def _emptied(data: bytes) -> bytes:
    """The CRL with its one entry empty."""
    parts = [value.raw for value in der.children(der.parse(data))]
    inner = [value.raw for value in der.children(der.parse(parts[0]))]
    inner[5] = der.sequence(der.sequence())
    return der.sequence(der.sequence(*inner), *parts[1:])
