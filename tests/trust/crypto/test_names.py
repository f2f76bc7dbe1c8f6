"""Names compared by RFC 5280, 7.1."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.crypto import der, names
from trust.crypto.errors import Malformed

ORGANIZATION, COMMON_NAME = der.oid("2.5.4.10"), der.oid("2.5.4.3")


def name(*values: bytes) -> bytes:
    return der.sequence(
        *(der.set_of(der.sequence(ORGANIZATION, value)) for value in values),
    )


def test_string_type_case_and_blanks_do_not_make_another_name() -> None:
    plain = name(der.utf8("Ngari Market Bureau"))
    for other in (
        der.printable("NGARI market bureau"),
        der.utf8("  Ngari   Market Bureau "),
        der.tlv(der.BMP, "ngari market bureau".encode("utf-16-be")),
        der.tlv(der.UNIVERSAL, "ngari market bureau".encode("utf-32-be")),
        der.utf8("Ｎｇａｒｉ Market Bureau"),
    ):
        assert names.same(plain, name(other))


@pytest.mark.parametrize(
    "other",
    [
        name(der.utf8("阿里地区")),
        name(der.utf8("阿里 地 区")),
        name(der.utf8("阿里地區")),
        name(der.utf8("阿里地区"), der.utf8("阿里地区")),
        der.sequence(der.set_of(der.sequence(COMMON_NAME, der.utf8("阿里地 区")))),
        name(der.octets("阿里地 区".encode())),
        b"",
        b"\x30\x00",
        b"\x30\x01",
    ],
)
def test_another_text_kind_number_or_order_is_another_name(other: bytes) -> None:
    assert not names.same(name(der.utf8("阿里地 区")), other)


def test_the_order_of_rdns_counts_and_that_within_one_does_not() -> None:
    one, two = der.sequence(ORGANIZATION, der.utf8("a")), der.sequence(COMMON_NAME, der.utf8("b"))
    assert not names.same(
        der.sequence(der.set_of(one), der.set_of(two)),
        der.sequence(der.set_of(two), der.set_of(one)),
    )
    assert names.same(
        der.sequence(der.tlv(der.SET, one + two)), der.sequence(der.tlv(der.SET, two + one))
    )


def test_what_is_not_text_equals_its_own_bytes_only_and_no_text() -> None:
    broken = name(der.tlv(der.UTF8, b"\xff"))
    assert names.same(broken, name(der.tlv(der.UTF8, b"\xff")))
    assert not names.same(broken, name(der.tlv(der.PRINTABLE, b"\xff")))
    assert not names.same(broken, name(der.utf8(f"#{der.tlv(der.UTF8, bytes([255])).hex()}")))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_comparing_garbage_never_fails_and_equals_only_itself(one: bytes, other: bytes) -> None:
    assert names.same(one, one)
    assert names.same(one, other) == names.same(other, one)
    try:
        names.read_name(one)
    except Malformed:
        assert names.same(one, other) == (one == other)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=12))
def test_a_text_in_two_string_types_is_one_name(text: str) -> None:
    try:
        wide = der.tlv(der.UNIVERSAL, text.encode("utf-32-be"))
        narrow = der.utf8(text)
    except UnicodeEncodeError:
        return
    assert names.same(name(wide), name(narrow))


@pytest.mark.parametrize(
    "encoded",
    [
        b"\x30\x00",
        der.sequence(der.tlv(0x86, b"http://a.cn")),
        der.sequence(der.tlv(0xA4, name(der.utf8("a"))) * 2),
        der.sequence(der.tlv(0xA4, b"\x0c\x01a")),
        der.sequence(der.tlv(0x9E, b"")),
    ],
)
def test_an_issuer_that_is_not_one_directory_name_is_malformed(encoded: bytes) -> None:
    with pytest.raises(Malformed):
        names.one_directory_name(encoded)
