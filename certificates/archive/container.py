"""The container of an archive package: a ZIP in its one form, so that every byte is accounted for.

Parts are stored, not compressed, in the order of their names; no times, comments, extra fields
or flags, ASCII names. Equal parts give equal bytes. The reader takes this form alone: what `write`
would not have written from the parts is another container.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Final

from trust.errors import Invalid

#: A licence has at most 20 MiB; everything beside it is small.
SIZE_MAX: Final = 64 * 1024 * 1024
PARTS_MAX: Final = 500
NAME_MAX: Final = 120
_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")
#: 1980-01-01 00:00, the beginning of time in a ZIP.
_DATE: Final = 33
_VERSION: Final = 20


class BadContainer(Invalid):
    """Not an archive package in its one form."""

    code = "archive_container"


def write(parts: Mapping[str, bytes]) -> bytes:
    """The package of these parts."""
    body, central = bytearray(), bytearray()
    for name in sorted(parts):
        data, encoded = parts[name], name.encode("ascii")
        common = (_VERSION, 0, 0, 0, _DATE, zlib.crc32(data), len(data), len(data), len(encoded), 0)
        central += _CENTRAL.pack(0x02014B50, _VERSION, *common, 0, 0, 0, 0, len(body)) + encoded
        body += _LOCAL.pack(0x04034B50, *common) + encoded + data
    count = len(parts)
    end = _END.pack(0x06054B50, 0, 0, count, count, len(central), len(body), 0)
    return bytes(body + central + end)


def read(data: bytes) -> dict[str, bytes]:
    """The parts as they stand, before anybody looked whether they are the right ones.

    BadContainer when the headers cannot be followed; whether they are to the byte what `write`
    writes is for `require_canonical`.
    """
    if len(data) > SIZE_MAX:
        raise BadContainer(f"the package is over {SIZE_MAX} bytes")
    found: dict[str, bytes] = {}
    at, last = 0, "the beginning"
    while data[at : at + 4] == b"PK\x03\x04":
        if len(data) < at + _LOCAL.size or len(found) >= PARTS_MAX:
            raise BadContainer(f"the package is cut short or too full after {last}")
        *_, stored, size, length, extra = _LOCAL.unpack_from(data, at)
        start = at + _LOCAL.size + length
        name = data[at + _LOCAL.size : start].decode("ascii", "replace")
        if stored != size or extra or length > NAME_MAX or start + size > len(data):
            raise BadContainer(f"the header after {last} is of another form")
        if not name.isprintable() or name in found:
            raise BadContainer(f"the name after {last} is twice there or not printable")
        found[name] = data[start : start + size]
        at, last = start + size, name
    if not found:
        raise BadContainer("not a ZIP of stored parts")
    return found


def require_canonical(data: bytes, parts: Mapping[str, bytes]) -> None:
    """BadContainer, with the place, unless the package is what `write` makes of these parts."""
    try:
        wanted = write(parts)
    except UnicodeEncodeError as error:
        raise BadContainer("a part's name is not ASCII") from error
    if wanted == data:
        return
    at = next(
        (n for n, (one, other) in enumerate(zip(wanted, data, strict=False)) if one != other),
        min(len(wanted), len(data)),
    )
    raise BadContainer(f"the container differs at byte {at}")
