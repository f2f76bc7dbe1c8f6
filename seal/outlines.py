"""Characters as outlines: the packaged bold type, placed and turned, as SVG path data."""

import math
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from fontTools.pens.basePen import BasePen
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.transformPen import TransformPen

from trust import fonts
from trust.errors import Invalid

#: The em box of the packaged typeface reaches from -0.12 to 0.88 em.
EM_MIDDLE = 0.38
#: Middle of a digit's or capital's height, in em.
CAP_MIDDLE = 0.355
#: From here on characters fill their em box; before it (Latin) each has its own width.
FIRST_FULL_WIDTH = 0x2E80

#: An open font reads its glyphs from the file as they are asked for: one thread at a time.
_READING = Lock()


class UndrawableSeal(Invalid):
    """The words of the seal cannot be set in its circle."""

    code = "undrawable_seal"


def glyph(
    character: str,
    x: float,
    y: float,
    angle: float,
    width: float,
    height: float,
    fallback: Path | None,
) -> str:
    """A character's outline with the middle of its box at (x, y), turned clockwise by `angle`."""
    with _READING:
        return _placed(character, x, y, angle, width, height, fallback)


def _placed(
    character: str,
    x: float,
    y: float,
    angle: float,
    width: float,
    height: float,
    fallback: Path | None,
) -> str:
    glyphs, glyph_name, units, middle_x, middle_y = _outline(character, fallback)
    pen = PathPen(glyphs)
    across, up = width / units, height / units
    cos, sin = math.cos(angle), math.sin(angle)
    # The font's y grows upwards, the drawing's downwards.
    a, b, c, d = across * cos, across * sin, up * sin, -up * cos
    e = x - a * middle_x - c * middle_y
    f = y - b * middle_x - d * middle_y
    turned = TransformPen(pen, (a, b, c, d, e, f))  # type: ignore[no-untyped-call]
    glyphs[glyph_name].draw(turned)
    return "".join(pen.parts)


@lru_cache(maxsize=2048)
def _outline(character: str, fallback: Path | None) -> tuple[Any, str, int, float, float]:
    """Glyph set, glyph, units per em, and the middle of the box to centre on."""
    for path in (fonts.BOLD, *(() if fallback is None else (fallback,))):
        if ord(character) not in fonts.code_points(path):
            continue
        font = _font(path)
        glyphs, units = font.getGlyphSet(), int(font["head"].unitsPerEm)
        glyph = font.getBestCmap()[ord(character)]
        if ord(character) >= FIRST_FULL_WIDTH:
            return glyphs, glyph, units, units / 2, units * EM_MIDDLE
        bounds = BoundsPen(glyphs)  # type: ignore[no-untyped-call]
        glyphs[glyph].draw(bounds)
        left, _, right, _ = bounds.bounds or (0, 0, 0, 0)
        return glyphs, glyph, units, (left + right) / 2, units * CAP_MIDDLE
    raise UndrawableSeal(f"U+{ord(character):04X} cannot be drawn: no font here has it")


@lru_cache(maxsize=4)
def _font(path: Path) -> Any:
    return fonts.open_font(path)


class PathPen(BasePen):
    """Writes SVG path data, absolute, two decimals: a hundredth of a millimetre."""

    def __init__(self, glyphs: Any) -> None:
        super().__init__(glyphs)  # type: ignore[no-untyped-call]
        self.parts: list[str] = []

    def _add(self, letter: str, *points: tuple[float, float]) -> None:
        self.parts.append(letter + " ".join(f"{plain(x)} {plain(y)}" for x, y in points))

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802 - fontTools' names
        self._add("M", pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._add("L", pt)

    def _curveToOne(  # noqa: N802
        self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]
    ) -> None:
        self._add("C", pt1, pt2, pt3)

    def _qCurveToOne(self, pt1: tuple[float, float], pt2: tuple[float, float]) -> None:  # noqa: N802
        self._add("Q", pt1, pt2)

    def _closePath(self) -> None:  # noqa: N802
        self.parts.append("Z")


def plain(value: float) -> str:
    """At most two decimals, no exponent, no trailing zeros, no minus zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
