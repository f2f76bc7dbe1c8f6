"""DER: round trips, agreement with another library, and one encoding of each thing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sealed import untyped
from trust.crypto import der
from trust.crypto.errors import Malformed

core = untyped("asn1crypto.core")
OIDS = st.builds(
    lambda first, second, rest: ".".join(map(str, (first, second, *rest))),
    st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=6),
)  # fmt: skip


@given(st.integers(-(2**200), 2**200))
def test_an_integer_comes_back_and_asn1crypto_reads_the_same(value: int) -> None:
    written = der.integer(value)
    assert der.read_integer(der.parse(written)) == value
    assert core.Integer.load(written, strict=True).native == value
    assert core.Integer(value).dump() == written


@given(OIDS)
def test_an_object_identifier_comes_back(dotted: str) -> None:
    written = der.oid(dotted)
    assert der.read_oid(der.parse(written)) == dotted
    assert core.ObjectIdentifier(dotted).dump() == written


@given(st.datetimes(datetime(1950, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001  # a zone is put on
def test_a_time_comes_back_to_the_second(naive: datetime) -> None:
    at = naive.replace(microsecond=0, tzinfo=UTC)
    assert der.read_time(der.parse(der.time(at))) == at
    assert der.read_time(der.parse(der.generalized_time(at))) == at
    assert (der.time(at)[0] == der.UTC_TIME) is (at.year < 2050)


@given(st.text(max_size=40))
def test_text_comes_back(text: str) -> None:
    assert der.read_text(der.parse(der.utf8(text))) == text


@given(st.binary(max_size=700))
def test_octets_and_bits_come_back_whatever_their_length(data: bytes) -> None:
    assert der.read_octets(der.parse(der.octets(data))) == data
    assert der.read_bits(der.parse(der.bits(data))) == data
    assert core.OctetString(data).dump() == der.octets(data)


@given(st.frozensets(st.integers(0, 20)))
def test_named_bits_come_back(positions: frozenset[int]) -> None:
    assert der.read_named_bits(der.parse(der.named_bits(positions))) == positions


@given(st.lists(st.binary(max_size=5), max_size=5))
def test_a_set_is_sorted_and_a_sequence_is_not(items: list[bytes]) -> None:
    parts = [der.octets(item) for item in items]
    assert [v.raw for v in der.children(der.parse(der.sequence(*parts)))] == parts
    assert [v.raw for v in der.children(der.parse(der.set_of(*parts)))] == sorted(parts)


READERS = (
    der.read_integer, der.read_boolean, der.read_oid, der.read_octets, der.read_bits,
    der.read_named_bits, der.read_text, der.read_time, der.children,
)  # fmt: skip


@given(st.binary(max_size=60), st.sampled_from([b"", *(bytes((tag,)) for tag in range(1, 0x32))]))
@settings(max_examples=500)
def test_garbage_is_malformed_and_nothing_else(data: bytes, tag: bytes) -> None:
    body = tag + bytes((len(data),)) + data if tag else data
    try:
        value = der.parse(body)
    except Malformed:
        return
    for reader in READERS:
        try:
            reader(value)
        except Malformed:
            continue


@given(st.binary(max_size=40))
@settings(max_examples=300)
def test_what_is_accepted_is_what_would_be_written(data: bytes) -> None:
    forms: tuple[tuple[Any, Any, int], ...] = (
        (der.read_integer, der.integer, der.INTEGER), (der.read_oid, der.oid, der.OID),
        (der.read_bits, der.bits, der.BIT_STRING), (der.read_boolean, der.boolean, der.BOOLEAN),
    )  # fmt: skip
    for reader, writer, tag in forms:
        encoded = der.tlv(tag, data)
        try:
            value = reader(der.parse(encoded))
        except Malformed:
            continue
        assert writer(value) == encoded


@pytest.mark.parametrize(
    "encoded",
    [
        "", "30", "3001", "308000000000", "30810130", "3081020500", "30820002 0500", "3f1f00",
        "30840000000205 00", "3085000000000100", "3003050000 00", "30ff", "02810101",
    ],
)  # fmt: skip
def test_lengths_that_are_not_the_shortest_or_do_not_fit_are_refused(encoded: str) -> None:
    with pytest.raises(Malformed):
        der.parse(bytes.fromhex(encoded))


@pytest.mark.parametrize(
    ("reader", "encoded"),
    [
        (der.read_integer, "0200"), (der.read_integer, "02020001"), (der.read_integer, "0202ffff"),
        (der.read_boolean, "010101"), (der.read_boolean, "0100"), (der.read_boolean, "0102ffff"),
        (der.read_oid, "0600"), (der.read_oid, "06022a80"), (der.read_oid, "06032a8001"),
        (der.read_oid, "0641" + "81" * 64 + "01"), (der.read_bits, "0300"),
        (der.read_bits, "03020101"),
        (der.read_named_bits, "0300"),
        (der.read_named_bits, "030108"), (der.read_named_bits, "030101"),
        (der.read_text, "0c01ff"), (der.read_text, "130180"), (der.read_text, "1e0100"),
        (der.read_text, "040161"), (der.read_time, "170b323630313031303030305a"),
        (der.read_time, "180f32303236303233303030303030305a"),
        (der.read_time, "180e3230323630313031303030303030"),
        (der.read_time, "181132303236303130313030303030302e305a"),
        (der.read_time, "17113236303130313030303030302b30303030"), (der.children, "0400"),
    ],
)  # fmt: skip
def test_a_second_spelling_of_a_value_is_refused(reader: object, encoded: str) -> None:
    assert callable(reader)
    with pytest.raises(Malformed):
        reader(der.parse(bytes.fromhex(encoded)))


def test_a_structure_over_the_cap_is_not_looked_at() -> None:
    with pytest.raises(Malformed, match="over 10 bytes"):
        der.parse(der.octets(bytes(20)), cap=10)


def test_text_outside_its_type_is_not_written() -> None:
    for write in (der.printable, der.ia5):
        with pytest.raises(Malformed):
            write("印章")
    with pytest.raises(Malformed):
        der.printable("a@b")


def test_context_tags_are_put_around_and_in_place() -> None:
    inner = der.integer(5)
    assert der.explicit(0, inner).hex() == "a003020105"
    assert der.implicit(0, inner).hex() == "800105"
    assert der.implicit(1, der.sequence(inner)).hex() == "a103020105"
