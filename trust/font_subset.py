"""A few glyphs of a TrueType font as a font of their own, for embedding in PDF.

Written by hand because it is done for every licence: the general subsetters read the whole font
each time, here a glyph is a slice of bytes. Unhinted fonts with `glyf` outlines, as the packaged
ones are; no layout tables are kept, text is shaped before.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from trust import fonts
from trust.errors import Invalid

#: OpenType 1.9, glyf: flags of a component.
_WORDS, _SCALE, _MORE, _XY_SCALE, _TWO_BY_TWO = 0x0001, 0x0008, 0x0020, 0x0040, 0x0080
_KEPT: Final = ("glyf", "head", "hhea", "hmtx", "loca", "maxp")
_CHECKSUM_MAGIC: Final = 0xB1B0AFBA


@dataclass(frozen=True, slots=True)
class Face:
    """A font opened once. `advances` and `outlines` are by glyph number, `glyphs` by code point;
    lengths are in units of 1/`units_per_em`."""

    data: bytes
    units_per_em: int
    ascent: int
    descent: int
    cap_height: int
    box: tuple[int, int, int, int]
    advances: tuple[int, ...]
    bearings: tuple[int, ...]
    outlines: tuple[bytes, ...]
    glyphs: dict[int, int]
    tables: dict[str, bytes]


@lru_cache(maxsize=4)
def open_face(path: Path) -> Face:
    """The font at `path`; Invalid when it is missing, hinted or without `glyf` outlines."""
    with fonts.open_font(path) as font:
        tables: Any = font
        if "glyf" not in tables or {"fpgm", "prep", "cvt "} & set(tables.keys()):
            raise Invalid(f"{path.name} is not an unhinted TrueType font")
        raw = {name: bytes(tables.reader[name]) for name in _KEPT}
        places = list(tables["loca"].locations)
        metrics = tables["hmtx"].metrics
        order = tables.getGlyphOrder()
        numbers = {name: number for number, name in enumerate(order)}
        head, hhea = tables["head"], tables["hhea"]
        return Face(
            data=path.read_bytes(), units_per_em=head.unitsPerEm, ascent=hhea.ascent,
            descent=hhea.descent, cap_height=tables["OS/2"].sCapHeight,
            box=(head.xMin, head.yMin, head.xMax, head.yMax),
            advances=tuple(metrics[name][0] for name in order),
            bearings=tuple(metrics[name][1] for name in order),
            outlines=tuple(
                raw["glyf"][start:stop] for start, stop in pairwise(places)
            ),
            glyphs={code: numbers[name] for code, name in tables.getBestCmap().items()},
            tables={name: raw[name] for name in ("head", "hhea", "maxp")},
        )  # fmt: skip


def subset(face: Face, glyphs: Sequence[int]) -> bytes:
    """A font whose glyph n is `glyphs[n]` of the face; what composites are made of comes after.

    The first must be 0, .notdef. The same glyphs give the same bytes.
    """
    kept, outlines = list(glyphs), []
    renumbered = {old: new for new, old in enumerate(kept)}
    at = 0
    while at < len(kept):
        outlines.append(_renumbered(face.outlines[kept[at]], renumbered, kept))
        at += 1
    return _font(face, kept, outlines)


def _renumbered(outline: bytes, renumbered: dict[int, int], kept: list[int]) -> bytes:
    """The outline, its components named by their new numbers."""
    if len(outline) < 10 or outline[:2] != b"\xff\xff":
        return outline
    made, position = bytearray(outline), 10
    while True:
        flags, old = struct.unpack_from(">HH", outline, position)
        if old not in renumbered:
            renumbered[old] = len(kept)
            kept.append(old)
        struct.pack_into(">H", made, position + 2, renumbered[old])
        position += 4 + (4 if flags & _WORDS else 2)
        for flag, size in ((_SCALE, 2), (_XY_SCALE, 4), (_TWO_BY_TWO, 8)):
            position += size if flags & flag else 0
        if not flags & _MORE:
            return bytes(made)


def _font(face: Face, kept: Sequence[int], outlines: Sequence[bytes]) -> bytes:
    padded = [outline + bytes(-len(outline) % 4) for outline in outlines]
    places = [0]
    for outline in padded:
        places.append(places[-1] + len(outline))
    head, hhea = bytearray(face.tables["head"]), bytearray(face.tables["hhea"])
    maxp = bytearray(face.tables["maxp"])
    struct.pack_into(">I", head, 8, 0)  # checkSumAdjustment, known at the end
    struct.pack_into(">h", head, 50, 1)  # indexToLocFormat: long
    struct.pack_into(">H", hhea, 34, len(kept))  # numberOfHMetrics
    struct.pack_into(">H", maxp, 4, len(kept))
    metrics = b"".join(struct.pack(">Hh", face.advances[old], face.bearings[old]) for old in kept)
    return _written(sum(map(_outline_sum, padded)), {
        "glyf": b"".join(padded), "head": bytes(head), "hhea": bytes(hhea), "hmtx": metrics,
        "loca": struct.pack(f">{len(places)}I", *places), "maxp": bytes(maxp),
    })  # fmt: skip


def _written(glyf_sum: int, tables: dict[str, bytes]) -> bytes:
    """The table directory and the tables, in the order of their tags. The sum of the outlines, most
    of the file, is known from those of each."""
    count = len(tables)
    power = 1 << count.bit_length() - 1
    directory = struct.pack(
        ">IHHHH", 0x00010000, count, power * 16, power.bit_length() - 1, (count - power) * 16
    )
    place, body, total = 12 + 16 * count, b"", 0
    for tag, table in sorted(tables.items()):
        checksum = (glyf_sum if tag == "glyf" else _sum(table)) & 0xFFFFFFFF
        directory += struct.pack(">4sIII", tag.encode(), checksum, place + len(body), len(table))
        body += table + bytes(-len(table) % 4)
        total += checksum
    whole = bytearray(directory + body)
    head = whole.index(tables["head"], 12 + 16 * count)
    adjustment = (_CHECKSUM_MAGIC - total - _sum(directory)) & 0xFFFFFFFF
    struct.pack_into(">I", whole, head + 8, adjustment)
    return bytes(whole)


@lru_cache(maxsize=32768)
def _outline_sum(outline: bytes) -> int:
    return _sum(outline)


def _sum(table: bytes) -> int:
    padded = table + bytes(-len(table) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & 0xFFFFFFFF
