"""Setting lines of text in the packaged typeface: what they measure, where they may break, and how
they are written into a page.

The text engine is HarfBuzz, as it is the page renderer's, so that kerning is the same. Breaks are
those of running Chinese: between any two characters but before a closing mark and after an opening
one, never inside a word or number.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

import uharfbuzz

from trust import fonts
from trust.errors import Invalid
from trust.font_subset import Face, open_face

_hb: Any = uharfbuzz

#: Marks whose ink is in the left half of their square, and in the right half (GB/T 15834; the room
#: beside it is given up where two marks meet, at a line's ends, and where a line is too full).
LEFT: Final = frozenset("，。．、：；！？》）』」】〗〕〉］｝")
RIGHT: Final = frozenset("《（『「【〖〔〈［｛")
_HALF: Final = 500.0
#: No line begins with one of these, none ends with one of those (GB/T 15834).
CLOSING: Final = frozenset("，。、；：？！）》〉」』】〕〗”’…—～％·,.;:?!)]}%")
OPENING: Final = frozenset("（《〈「『【〔〖“‘([{￥$")


class Unset(Invalid):
    """A text that is not set here: a character that the packaged typeface lacks."""

    code = "text_unset"


@dataclass(frozen=True, slots=True)
class Glyph:
    """`number` in the font, its advance in units of a thousandth of the type size, what it stands
    for, and the number of its first character."""

    number: int
    advance: float
    text: str
    at: int


class Weight:
    """One weight of the typeface."""

    def __init__(self, path: Path) -> None:
        self.face: Face = open_face(path)
        self.name = path.stem
        self._font = _hb.Font(_hb.Face(_hb.Blob(self.face.data)))
        self._unit = 1000 / self.face.units_per_em

    def shape(self, text: str) -> list[Glyph]:
        """The glyphs of one line; Unset."""
        missing = next((c for c in text if ord(c) not in self.face.glyphs), None)
        if missing is not None:
            raise Unset(f"the packaged typeface has no U+{ord(missing):04X}")
        buffer: Any = _hb.Buffer()
        buffer.add_str(text)
        buffer.direction, buffer.script, buffer.language = "ltr", _script(text), "zh-cn"
        _hb.shape(self._font, buffer)
        infos, places = buffer.glyph_infos, buffer.glyph_positions
        starts = [info.cluster for info in infos]
        found = []
        for index, (info, place) in enumerate(zip(infos, places, strict=True)):
            if place.x_offset or place.y_offset:
                raise Unset("a text that needs marks to be placed")
            stop = starts[index + 1] if index + 1 < len(starts) else len(text)
            found.append(
                Glyph(info.codepoint, place.x_advance * self._unit, text[info.cluster : stop],
                      info.cluster)
            )  # fmt: skip
        return found


def _script(text: str) -> str:
    return "hani" if any(is_wide(c) for c in text) else "latn"


@lru_cache(maxsize=4)
def weight(path: Path) -> Weight:
    return Weight(path)


REGULAR: Final = fonts.REGULAR
BOLD: Final = fonts.BOLD


@lru_cache(maxsize=16384)
def is_wide(character: str) -> bool:
    """Whether it is as wide as it is high, as Han characters and their marks are."""
    return unicodedata.east_asian_width(character) in ("W", "F")


@lru_cache(maxsize=4096)
def wrap(text: str, path: Path, *, width: float, justified: bool) -> tuple[str, ...]:
    """The lines of a text in the font at `path`, none wider than `width` thousandths of the type
    size.

    Each takes what it can, a justified one also by giving up room beside its marks. Marks at a
    line's ends, and marks that meet, give up their half anyway. Spaces at a line's end are dropped.
    A word wider than a line stands alone.
    """
    wide, met, spare = _sums(text, weight(path))
    lines, start, last = [], 0, 0
    for stop in _breaks(text):
        end = start + len(text[start:stop].rstrip(" "))
        if last > start and end > start:
            ends = (text[start] in RIGHT) + (text[end - 1] in LEFT)
            least = wide[end] - wide[start] - _HALF * (met[end - 1] - met[start] + ends)
            if justified:
                least -= _HALF * _SHRINK * (spare[end] - spare[start])
            if least > width + 0.5:
                lines.append(text[start:last].rstrip(" "))
                start = last
        last = stop
    return (*lines, text[start:].rstrip(" "))


#: How much of the room beside its marks a line gives up before it rather gives up a word.
_SHRINK: Final = 0.5


def _sums(text: str, setter: Weight) -> tuple[list[float], list[int], list[int]]:
    """Up to each character: widths without kerning, marks that meet, marks with room to spare."""
    glyphs, advances = setter.face.glyphs, setter.face.advances
    unit = 1000 / setter.face.units_per_em
    try:
        widths = [advances[glyphs[ord(c)]] * unit for c in text]
    except KeyError as error:
        raise Unset(f"the packaged typeface has no U+{int(str(error)):04X}") from error
    meets = [int(_meet(one, other)) for one, other in pairwise(text)]
    spares = [abs(_spare_at(text, at)) for at in range(len(text))]
    return ([0.0, *accumulate(widths)], [0, *accumulate(meets)], [0, *accumulate(spares)])


def _meet(one: str, other: str) -> bool:
    """Whether half a square is given up between the two marks."""
    marks = (one in LEFT or one in RIGHT) and (other in LEFT or other in RIGHT)
    return marks and (one in LEFT or other in RIGHT)


def _spare_at(line: str, at: int) -> int:
    """-1 when the mark there could give up its left half, 1 its right half, 0 neither."""
    mark = line[at]
    if mark in LEFT and at + 1 < len(line) and not _meet(mark, line[at + 1]):
        return 1
    if mark in RIGHT and at > 0 and not _meet(line[at - 1], mark):
        return -1
    return 0


@dataclass(frozen=True, slots=True)
class SetLine:
    """The glyphs of a line, the room behind each of them beside its advance (thousandths), how far
    the first stands out to the left, and how wide all of it is."""

    glyphs: tuple[Glyph, ...]
    gaps: tuple[float, ...]
    out: float
    wide: float


def set_line(line: str, setter: Weight, *, tracking: float, fill: float | None) -> SetLine:
    """Set one line; to `fill` thousandths when that is given."""
    glyphs = setter.shape(line)
    gaps = [tracking] * len(glyphs)
    starts = {glyph.at: index for index, glyph in enumerate(glyphs)}
    for at, (one, other) in enumerate(pairwise(line)):
        if _meet(one, other) and at in starts:
            gaps[starts[at]] -= _HALF
    out = _HALF if line[:1] in RIGHT else 0.0
    wide = sum(glyph.advance for glyph in glyphs) + sum(gaps[:-1]) - out
    if line[-1:] in LEFT:
        wide -= _HALF
    if fill is not None and glyphs:
        _justify(line, glyphs, gaps, starts, fill - wide)
        wide = fill
    return SetLine(tuple(glyphs), tuple(gaps), out, wide)


def _justify(
    line: str, glyphs: Sequence[Glyph], gaps: list[float], starts: dict[int, int], room: float
) -> None:
    """Spread what a line lacks over the places where it may grow, or take what it has too much of
    from its marks."""
    if room < 0:
        places = [
            starts[at] if side > 0 else starts[at - 1] for at in range(len(line))
            if (side := _spare_at(line, at)) and at in starts and at + min(side, 0) in starts
        ]  # fmt: skip
    else:
        places = [
            at for at, (one, other) in enumerate(pairwise(glyphs))
            if one.text == " " or is_wide(one.text[-1]) or is_wide(other.text[0])
        ]  # fmt: skip
    for index in places:
        gaps[index] += room / len(places)


def _breaks(text: str) -> Iterator[int]:
    """Where a line may end, the end of the text the last."""
    for at in range(1, len(text)):
        before, after = text[at - 1], text[at]
        if after in CLOSING or after == " " or before in OPENING:
            continue
        if before == " " or is_wide(before) or is_wide(after):
            yield at
    yield len(text)


@dataclass(slots=True)
class Run:
    """The glyphs of one weight that a page needs, numbered from 0, .notdef, as they come."""

    setter: Weight
    numbers: dict[int, int] = field(default_factory=lambda: {0: 0})
    texts: dict[int, str] = field(default_factory=dict)

    def show(self, glyphs: Sequence[Glyph], gaps: Sequence[float]) -> bytes:
        """The operand of TJ for a line; `gaps` are thousandths added behind each glyph."""
        parts, row = [], ""
        unit = 1000 / self.setter.face.units_per_em
        for glyph, gap in zip(glyphs, gaps, strict=True):
            number = self.numbers.setdefault(glyph.number, len(self.numbers))
            self.texts[number] = glyph.text
            row += f"{number:04x}"
            back = self.setter.face.advances[glyph.number] * unit - glyph.advance - gap
            if abs(back) >= 0.01:
                parts.append(f"<{row}>{back:.2f}")
                row = ""
        if row:
            parts.append(f"<{row}>")
        return f"[{''.join(parts)}]TJ".encode()
