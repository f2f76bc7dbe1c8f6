"""BER (ITU-T X.690, 8) of foreign signatures turned into the DER of the same value.

Libraries write SignedData with indefinite lengths unless told otherwise. What was signed inside is
DER by its standard, and stays as it is; where it is not, its signature fails, as it should.
"""

from seal.asn1 import STAMP_MAX
from trust.crypto import der
from trust.crypto.errors import Malformed

DEPTH_MAX, ELEMENTS_MAX = 30, 20_000
_CONSTRUCTED_OCTETS, _ENDED = 0x24, b"\x00\x00"


def to_der(data: bytes) -> tuple[bytes, bool]:
    """The value in DER, and whether it was anything else before.

    Zero bytes after a value in BER are padding and go. What is no value at all stays as it is: its
    parser says what is wrong with it.
    """
    if len(data) > STAMP_MAX:
        return data, False
    try:
        value, end = _Reader(data).element(0, 0)
    except Malformed:
        return data, False
    if value == data[:end] or data[end:].strip(b"\x00"):
        return data, False
    return value, True


class _Reader:
    """Counts the elements: a file of empty ones costs time otherwise."""

    def __init__(self, data: bytes) -> None:
        self.data, self.count = data, 0

    def element(self, offset: int, depth: int) -> tuple[bytes, int]:
        """The element at `offset` in DER, and where it ends."""
        self.count += 1
        if depth > DEPTH_MAX or self.count > ELEMENTS_MAX:
            raise Malformed("an ASN.1 structure of unheard-of depth or size")
        head = self.data[offset : offset + 2]
        if len(head) < 2 or head[0] & 0x1F == 0x1F:
            raise Malformed("ASN.1 element is cut short, or of a tag that is not used here")
        tag, length, start = head[0], head[1], offset + 2
        if length == 0x80:
            return self._indefinite(tag, start, depth)
        if length > 0x80:
            width = length & 0x7F
            length = int.from_bytes(self.data[start : start + width], "big")
            start += width
        end = start + length
        if end > len(self.data):
            raise Malformed("ASN.1 element is cut short")
        if not tag & 0x20:
            return der.tlv(tag, self.data[start:end]), end
        parts, position = [], start
        while position < end:
            part, position = self.element(position, depth + 1)
            parts.append(part)
        if position != end:
            raise Malformed("ASN.1 element is cut short")
        return _joined(tag, parts), end

    def _indefinite(self, tag: int, position: int, depth: int) -> tuple[bytes, int]:
        if not tag & 0x20:
            raise Malformed("a primitive ASN.1 element of indefinite length")
        parts = []
        while self.data[position : position + 2] != _ENDED:
            part, position = self.element(position, depth + 1)
            parts.append(part)
        return _joined(tag, parts), position + 2


def _joined(tag: int, parts: list[bytes]) -> bytes:
    """A constructed element; an OCTET STRING in pieces becomes one of one piece."""
    if tag != _CONSTRUCTED_OCTETS:
        return der.tlv(tag, b"".join(parts))
    return der.octets(b"".join(der.read_octets(der.read(part)) for part in parts))
