"""DER (ITU-T X.690, 10): the one encoding of each ASN.1 value, written and read strictly.

Reading keeps the original bytes of every element (`Value.raw`), because what was signed is
verified as it stands and never as a re-encoding.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from trust.crypto.errors import Malformed

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8, PRINTABLE, T61, IA5 = 0x0C, 0x13, 0x14, 0x16
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
UNIVERSAL, BMP = 0x1C, 0x1E
SEQUENCE, SET = 0x30, 0x31

#: Tag -> codec of the string types that occur in names and seals.
TEXT = {
    UTF8: "utf-8", PRINTABLE: "ascii", T61: "latin-1", IA5: "ascii",
    BMP: "utf-16-be", UNIVERSAL: "utf-32-be",
}  # fmt: skip

#: UTCTime ends with 2049 (RFC 5280, 4.1.2.5).
_UTC_TIME_ENDS = 2050


class Value(NamedTuple):
    """One element: its tag byte, its content, and the whole of it as it was read."""

    tag: int
    content: bytes
    raw: bytes


# --- writing -----------------------------------------------------------------------------------


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    """SET OF, its elements in ascending order of their encodings (X.690, 11.6)."""
    return tlv(SET, b"".join(sorted(parts)))


def integer(value: int) -> bytes:
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return tlv(INTEGER, value.to_bytes(size, "big", signed=True))


def boolean(value: bool) -> bytes:
    return tlv(BOOLEAN, b"\xff" if value else b"\x00")


def null() -> bytes:
    return b"\x05\x00"


def octets(content: bytes) -> bytes:
    return tlv(OCTET_STRING, content)


def bits(content: bytes) -> bytes:
    """BIT STRING of whole octets."""
    return tlv(BIT_STRING, b"\x00" + content)


def named_bits(positions: frozenset[int] | set[int]) -> bytes:
    """A named-bit list without trailing zero bits (X.690, 11.2.2)."""
    if not positions:
        return tlv(BIT_STRING, b"\x00")
    highest = max(positions)
    content = bytearray(highest // 8 + 1)
    for position in positions:
        content[position // 8] |= 0x80 >> (position % 8)
    return tlv(BIT_STRING, bytes((7 - highest % 8,)) + bytes(content))


@lru_cache(maxsize=512)
def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = b"".join(_base128(arc) for arc in (first * 40 + second, *rest))
    return tlv(OID, body)


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(0x80 | (arc & 0x7F))
    return bytes(reversed(groups))


def utf8(text: str) -> bytes:
    return tlv(UTF8, text.encode())


def printable(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9 '()+,./:=?-]*", text):
        raise Malformed("text outside PrintableString")
    return tlv(PRINTABLE, text.encode())


def ia5(text: str) -> bytes:
    try:
        return tlv(IA5, text.encode("ascii"))
    except UnicodeEncodeError as error:
        raise Malformed("text outside IA5String") from error


def generalized_time(at: datetime) -> bytes:
    return tlv(GENERALIZED_TIME, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def time(at: datetime) -> bytes:
    """UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5)."""
    at = at.astimezone(UTC)
    if at.year >= _UTC_TIME_ENDS:
        return generalized_time(at)
    return tlv(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())


def explicit(number: int, inner: bytes) -> bytes:
    """[number] EXPLICIT."""
    return tlv(0xA0 | number, inner)


def implicit(number: int, encoded: bytes) -> bytes:
    """[number] IMPLICIT: the context tag in place of the universal one, constructed bit kept."""
    return bytes((0x80 | number | (encoded[0] & 0x20),)) + encoded[1:]


# --- reading -----------------------------------------------------------------------------------


def read(data: bytes, offset: int = 0) -> Value:
    """The element at `offset`; Malformed unless tag and length are in their DER form."""
    try:
        tag, length = data[offset], data[offset + 1]
        if tag & 0x1F == 0x1F:
            raise Malformed("ASN.1 tag numbers above 30 are not used here")
        start = offset + 2
        if length >= 0x80:
            width = length & 0x7F
            if not 1 <= width <= 4:
                raise Malformed("ASN.1 length is indefinite or too long")
            length = int.from_bytes(data[start : start + width], "big")
            start += width
            if length < 0x80 or length >> (8 * (width - 1)) == 0:
                raise Malformed("ASN.1 length is not in its shortest form")
    except IndexError as error:
        raise Malformed("ASN.1 element is cut short") from error
    end = start + length
    if end > len(data):
        raise Malformed("ASN.1 element is cut short")
    return Value(tag, data[start:end], data[offset:end])


def parse(data: bytes, *, tag: int | None = None, cap: int = 1 << 24) -> Value:
    """The one element that `data` is; Malformed for trailing bytes, another tag, over `cap`."""
    if len(data) > cap:
        raise Malformed(f"ASN.1 structure over {cap} bytes")
    value = read(data)
    if len(value.raw) != len(data):
        raise Malformed("bytes after the ASN.1 structure")
    if tag is not None:
        expect(value, tag)
    return value


def children(value: Value) -> list[Value]:
    """The elements inside a constructed one."""
    if not value.tag & 0x20:
        raise Malformed("a primitive ASN.1 element where a constructed one belongs")
    return list(_walk(value.content))


def parts(value: Value, *counts: int) -> list[Value]:
    """The elements inside, their number one of `counts`."""
    found = children(value)
    if len(found) not in counts:
        raise Malformed(f"an ASN.1 structure of {len(found)} parts")
    return found


def _walk(content: bytes) -> Iterator[Value]:
    offset = 0
    while offset < len(content):
        value = read(content, offset)
        yield value
        offset += len(value.raw)


def expect(value: Value, tag: int) -> Value:
    if value.tag != tag:
        raise Malformed(f"ASN.1 tag {value.tag:#04x} where {tag:#04x} belongs")
    return value


def read_integer(value: Value) -> int:
    content = expect(value, INTEGER).content
    if not content:
        raise Malformed("empty INTEGER")
    if len(content) > 1 and (
        (content[0] == 0 and content[1] < 0x80) or (content[:1] == b"\xff" and content[1] >= 0x80)
    ):
        raise Malformed("INTEGER is not in its shortest form")
    return int.from_bytes(content, "big", signed=True)


def read_boolean(value: Value) -> bool:
    content = expect(value, BOOLEAN).content
    if content not in (b"\x00", b"\xff"):
        raise Malformed("BOOLEAN is neither 00 nor FF")
    return content == b"\xff"


@lru_cache(maxsize=2048)
def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80:
        raise Malformed("OBJECT IDENTIFIER is cut short")
    arcs, arc, fresh = [], 0, True
    for byte in content:
        if fresh and byte == 0x80:
            raise Malformed("OBJECT IDENTIFIER is not in its shortest form")
        arc, fresh = arc << 7 | byte & 0x7F, not byte & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def read_oid(value: Value) -> str:
    content = expect(value, OID).content
    if len(content) > 64:
        raise Malformed("OBJECT IDENTIFIER over 64 bytes")
    return _dotted(content)


def read_octets(value: Value) -> bytes:
    return expect(value, OCTET_STRING).content


def read_bits(value: Value) -> bytes:
    """The octets of a BIT STRING without unused bits."""
    content = expect(value, BIT_STRING).content
    if not content or content[0] != 0:
        raise Malformed("BIT STRING is not whole octets")
    return content[1:]


def read_named_bits(value: Value) -> frozenset[int]:
    content = expect(value, BIT_STRING).content
    if not content or content[0] > 7 or (content[0] and len(content) == 1):
        raise Malformed("BIT STRING with wrong padding")
    body = content[1:]
    return frozenset(
        8 * at + bit for at, byte in enumerate(body) for bit in range(8) if byte & (0x80 >> bit)
    )


def read_text(value: Value) -> str:
    codec = TEXT.get(value.tag)
    if codec is None:
        raise Malformed(f"ASN.1 tag {value.tag:#04x} is no string")
    try:
        return value.content.decode(codec)
    except UnicodeDecodeError as error:
        raise Malformed("string does not hold what its type allows") from error


_UTC_TIME = re.compile(rb"[0-9]{12}Z")
_GENERALIZED_TIME = re.compile(rb"[0-9]{14}Z")


def read_time(value: Value) -> datetime:
    """UTCTime or GeneralizedTime, in UTC to the second, as RFC 5280, 4.1.2.5 writes them."""
    text = value.content
    if value.tag == UTC_TIME and _UTC_TIME.fullmatch(text):
        text = (b"19" if text >= b"50" else b"20") + text
    elif value.tag != GENERALIZED_TIME or not _GENERALIZED_TIME.fullmatch(text):
        raise Malformed("a time that is not in the form YYYYMMDDHHMMSSZ")
    try:
        # Field by field: strptime takes five times as long, and a CRL has a million of these.
        return datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]),
            int(text[8:10]), int(text[10:12]), int(text[12:14]), tzinfo=UTC,
        )  # fmt: skip
    except ValueError as error:
        raise Malformed("a time that no calendar has") from error
