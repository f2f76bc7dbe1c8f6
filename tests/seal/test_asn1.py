"""SESeal and SES_Signature: round trips, three generations, no change unnoticed, no crash."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal import asn1
from seal.asn1 import CertListType, Generation, SealInfo
from seal.inspect import inspect
from seal.verify import verify_value
from tests.trust.crypto import pki
from tests.trust.crypto.der_mutations import mutations
from trust.crypto import der, hashes, x509
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.sm2 import der_to_raw
from trust.report import Outcome

DATA = Path(__file__).parents[2] / "../shared/data"
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ORIGINAL = "原文".encode()
INFO = SealInfo(
    version=4, vendor="TRUST", es_id="54250012345678", kind=4, name="电子证照专用章",
    cert_list_type=CertListType.CERTIFICATES, cert_list=(pki.leaf(KeyKind.SM2).certificate,),
    created=AT - timedelta(days=9), valid_from=AT - timedelta(days=9),
    valid_until=AT + timedelta(days=99), picture_type="SVG", picture=b"<svg/>", width=40, height=40,
)  # fmt: skip


def seal(info: SealInfo = INFO) -> bytes:
    maker = pki.leaf(KeyKind.SM2)
    written = asn1.write_info(info)
    value = maker.key.sign(Algorithm.SM2_SM3, written)
    return asn1.write_seal(written, maker=maker.certificate, signature=value)


def stamp(sealed: bytes | None = None) -> bytes:
    signer = pki.leaf(KeyKind.SM2)
    tbs = asn1.write_tbs(
        sealed or seal(), at=AT, data_hash=hashes.sm3(ORIGINAL), property_info="[0 1 2 3]"
    )
    value = signer.key.sign(Algorithm.SM2_SM3, tbs)
    return asn1.write_stamp(tbs, signer=signer.certificate, signature=value)


def test_a_seal_comes_back_as_it_was_written() -> None:
    read = asn1.parse_seal(seal())
    assert read.info == INFO
    assert read.generation is Generation.V4
    assert read.oddities == ()
    assert read.time_stamp is None
    assert read.signed == read.info_raw == asn1.write_info(INFO)
    verify_value(
        read.algorithm, x509.parse_certificate(read.maker).spki, read.signed, read.signature
    )


def test_a_stamp_comes_back_as_it_was_written() -> None:
    read = asn1.parse_stamp(stamp())
    asn1.require_canonical(read)
    assert read.seal == asn1.parse_seal(read.seal.raw)
    assert (read.version, read.at, read.property_info) == (4, AT, "[0 1 2 3]")
    assert read.data_hash == hashes.sm3(ORIGINAL)
    assert asn1.lists(read.seal, read.signer, ())
    assert not asn1.lists(read.seal, pki.root(KeyKind.SM2).certificate, ())
    spki = x509.parse_certificate(read.signer).spki
    verify_value(read.algorithm, spki, read.tbs, read.signature)
    with pytest.raises(InvalidSignature):
        verify_value(read.algorithm, spki, read.tbs + b"x", read.signature)


@given(
    st.text(min_size=1, max_size=40), st.integers(1, 200), st.integers(0, 2**31),
    st.binary(max_size=3000), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_whatever_a_seal_holds_comes_back(
    name: str, size: int, kind: int, picture: bytes, at: datetime
) -> None:
    when = at.replace(microsecond=0, tzinfo=UTC)
    info = replace(INFO, name=name, width=size, kind=kind, picture=picture, valid_until=when)
    assert asn1.parse_seal(seal(info)).info == info


def test_only_the_one_form_is_written() -> None:
    for wrong in (replace(INFO, version=5), replace(INFO, cert_list_type=CertListType.DIGESTS)):
        with pytest.raises(Malformed):
            asn1.write_info(wrong)
    with pytest.raises(Malformed):
        asn1.write_info(replace(INFO, es_id="编号"))


def parts_of(data: bytes) -> list[bytes]:
    return [value.raw for value in der.children(der.parse(data))]


def test_a_list_of_digests_names_its_certificate_by_digest() -> None:
    certificate = pki.leaf(KeyKind.SM2).certificate
    info, *rest = parts_of(seal())
    fields = parts_of(info)
    held = parts_of(fields[2])
    held[2] = der.integer(CertListType.DIGESTS)
    held[3] = der.sequence(der.sequence(der.printable("SM3"), der.octets(hashes.sm3(certificate))))
    fields[2] = der.sequence(*held)
    read = asn1.parse_seal(der.sequence(der.sequence(*fields), *rest))
    assert asn1.lists(read, certificate, (hashes.sm3(certificate),))
    assert not asn1.lists(read, certificate, (hashes.sha256(certificate),))


def test_a_raw_signature_verifies_and_is_not_canonical() -> None:
    read = asn1.parse_stamp(stamp())
    tbs, signer, oid, _ = parts_of(read.raw)
    again = der.sequence(tbs, signer, oid, der.bits(der_to_raw(read.signature)))
    raw = asn1.parse_stamp(again)
    verify_value(raw.algorithm, x509.parse_certificate(raw.signer).spki, raw.tbs, raw.signature)
    with pytest.raises(Malformed):
        asn1.require_canonical(raw)


def test_a_time_stamp_is_kept_in_each_of_its_tags_and_canonical_in_one() -> None:
    token = b"\x30\x00"
    ours = der.explicit(0, der.bits(token))
    for tagged in (ours, der.tlv(0x80, b"\x00" + token), der.bits(token)):
        read = asn1.parse_stamp(der.sequence(*parts_of(stamp()), tagged))
        assert read.time_stamp == token
        if tagged == ours:
            asn1.require_canonical(read)
        else:
            with pytest.raises(Malformed):
                asn1.require_canonical(read)
        aged = asn1.parse_seal(der.sequence(*parts_of(seal()), tagged))
        assert (aged.generation, aged.time_stamp) == (Generation.V5, token)


@pytest.mark.parametrize(
    ("name", "generation"),
    [("UserV1", Generation.V1), ("UserV4", Generation.V4), ("UserV5", Generation.V5)],
)
def test_a_published_seal_of_each_generation_is_read_and_verifies(
    name: str, generation: Generation
) -> None:
    path = DATA / f"seals/{name}.esl"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    read = asn1.parse_seal(path.read_bytes())
    assert read.generation is generation
    spki = x509.parse_certificate(read.maker).spki
    verify_value(read.algorithm, spki, read.signed, read.signature)
    with pytest.raises(InvalidSignature):
        verify_value(read.algorithm, spki, read.info_raw + b"x", read.signature)


@pytest.mark.parametrize(
    ("encoded", "iso"),
    [
        (der.bits(b"2020-01-25T07:31:56.377Z"), "2020-01-25T07:31:56.377000+00:00"),
        (der.bits(b"2020-01-25 15:31:56"), "2020-01-25T15:31:56+00:00"),
        (der.bits(der.time(AT)), AT.isoformat()),
        (der.octets(b"2020-01-25"), "2020-01-25T00:00:00+00:00"),
        (der.time(AT), AT.isoformat()), (der.bits(b"yesterday"), None), (der.bits(b"\xff"), None),
        (der.bits(b"0001-01-01T00:00:00+23:59"), None), (der.bits(b""), None),
    ],
)  # fmt: skip
def test_the_times_that_occur_in_the_field_are_read_or_left_unknown(
    encoded: bytes, iso: str | None
) -> None:
    tbs, *rest = parts_of(stamp())
    fields = parts_of(tbs)
    fields[2] = encoded
    read = asn1.parse_stamp(der.sequence(der.sequence(*fields), *rest))
    assert (read.at.isoformat() if read.at else None) == iso
    # And a report on it is made, whatever the time.
    assert inspect(read.raw, now=AT).text()


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    good = STAMP
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes((good[at] ^ data.draw(st.integers(1, 255)),)) + good[at + 1 :]
    found = inspect(changed, now=AT, original=ORIGINAL)
    assert found.outcome is Outcome.FAILED


STAMP = stamp()


def test_the_unchanged_stamp_lacks_nothing_but_anchors() -> None:
    assert inspect(STAMP, now=AT, original=ORIGINAL).outcome is Outcome.INDETERMINATE


def test_exchanged_parts_are_noticed_and_never_crash() -> None:
    for data in mutations(STAMP, seed=38540, count=1500):
        found = inspect(data, now=AT, original=ORIGINAL)
        assert found.text()
        if found.outcome is not Outcome.FAILED:
            # A time-stamp or other spelling of what stands outside the signed bytes, at most.
            assert found.kind == "stamp"
            read = asn1.parse_stamp(data)
            assert read.tbs == asn1.parse_stamp(STAMP).tbs


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_garbage_is_malformed(data: bytes) -> None:
    for read in (asn1.parse_seal, asn1.parse_stamp):
        with pytest.raises(Malformed):
            read(data)


def test_too_much_is_not_looked_at() -> None:
    with pytest.raises(Malformed, match="over"):
        asn1.parse_seal(der.sequence(der.octets(bytes(asn1.SEAL_MAX))))


def test_a_seal_inside_a_stamp_that_is_swapped_is_noticed() -> None:
    other = seal(replace(INFO, name="别的章"))
    tbs, *rest = parts_of(STAMP)
    fields = parts_of(tbs)
    fields[1] = other
    read = asn1.parse_stamp(der.sequence(der.sequence(*fields), *rest))
    with pytest.raises(InvalidSignature):
        verify_value(
            read.algorithm, x509.parse_certificate(read.signer).spki, read.tbs, read.signature
        )
