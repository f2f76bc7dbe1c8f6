"""The picture in a seal: a round vector drawing after 国发〔1999〕25号, outlines only.

The name runs from left to right around the top, feet to the centre; a star or nothing in the
middle; a purpose below it; a number on the lower arc, feet to the rim. No emblem is drawn: seals
that carry the national emblem get their picture from the office that is entitled to it.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from seal.appearance import Appearance, UnusablePicture, appearance
from seal.outlines import UndrawableSeal, glyph, plain

__all__ = [
    "Appearance",
    "Centre",
    "Rank",
    "UndrawableSeal",
    "UnusablePicture",
    "appearance",
    "diameter_mm",
    "draw",
]

RED = "#e60012"
NAME_MAX = 40
PURPOSE_MAX = 12
NUMBER_MAX = 18
#: Below this share of its own width a character is no longer read at a glance.
NARROWEST = 0.5
#: Millimetres.
SMALLEST_PURPOSE = 2.0
#: Degrees from the first character's middle to the last one's.
WIDEST_ARC = 272.0
#: With a number below, the name must leave room for it.
WIDEST_ARC_OVER_NUMBER = 230.0
WIDEST_NUMBER_ARC = 84.0


class Centre(StrEnum):
    """What stands in the middle."""

    STAR = "star"
    NONE = "none"


class Rank(StrEnum):
    """Whose seal it is decides the diameter (国发〔1999〕25号; the last two by practice)."""

    STATE_COUNCIL = "state-council"
    PROVINCE = "province"
    MINISTRY = "ministry"
    COORDINATION_BODY = "coordination-body"
    VICE_MINISTRY = "vice-ministry"
    NATIONAL_BUREAU = "national-bureau"
    LOCAL_GOVERNMENT = "local-government"
    COMMISSIONERS_OFFICE = "commissioners-office"
    DEPARTMENT = "department"
    INTERNAL_BODY = "internal-body"
    FOREIGN_AFFAIRS = "foreign-affairs"
    ENTERPRISE = "enterprise"
    TOWNSHIP = "township"
    SPECIAL = "special"


_DIAMETERS = {
    Rank.STATE_COUNCIL: 60.0,
    Rank.PROVINCE: 50.0,
    Rank.MINISTRY: 50.0,
    Rank.COORDINATION_BODY: 50.0,
    Rank.VICE_MINISTRY: 45.0,
    Rank.NATIONAL_BUREAU: 45.0,
    Rank.LOCAL_GOVERNMENT: 45.0,
    Rank.COMMISSIONERS_OFFICE: 45.0,
    Rank.DEPARTMENT: 45.0,
    Rank.TOWNSHIP: 42.0,
    Rank.INTERNAL_BODY: 42.0,
    Rank.FOREIGN_AFFAIRS: 42.0,
    Rank.ENTERPRISE: 42.0,
    Rank.SPECIAL: 40.0,
}


def diameter_mm(rank: Rank) -> float:
    """The diameter of such an owner's seal, in millimetres."""
    return _DIAMETERS[rank]


@dataclass(frozen=True, slots=True)
class _Circle:
    """Measures of one seal in millimetres; the drawing's origin is the upper left corner."""

    diameter: float
    name_size: float

    @property
    def unit(self) -> float:
        """Everything is given for 42 mm and grows with the diameter."""
        return self.diameter / 42

    @property
    def middle(self) -> float:
        return self.diameter / 2

    @property
    def rim(self) -> float:
        return 1.0 if self.diameter <= 40 else 1.2 * self.unit

    @property
    def inside(self) -> float:
        """Radius within which words may stand."""
        return self.middle - self.rim - 0.8 * self.unit


def draw(
    *,
    name: str,
    diameter_mm: float,
    centre: Centre,
    purpose: str = "",
    number: str = "",
    fallback: Path | None = None,
) -> bytes:
    """The seal as an SVG of `<path>` elements, in millimetres; the same words give the same bytes.

    `number` is up to 18 digits or capitals. `fallback` is a font for characters the packaged one
    lacks. Raises UndrawableSeal when the words do not fit or a character has no glyph.
    """
    _refuse_unfit(name, diameter_mm, purpose, number)
    shrink = 1.0 - 0.02 * max(0, min(len(name), 24) - 12)
    circle = _Circle(diameter_mm, 6.2 * shrink * diameter_mm / 42)
    paths = [_rim(circle)]
    if centre is Centre.STAR:
        paths.append(_star(circle))
    paths.append(_name(circle, name, bool(number), fallback))
    if purpose:
        paths.append(_purpose(circle, purpose, centre, fallback))
    if number:
        paths.append(_number(circle, number))
    side = plain(diameter_mm)
    body = "".join(f'<path fill="{RED}" d="{path}"/>' for path in paths)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}mm" height="{side}mm" '
        f'viewBox="0 0 {side} {side}">{body}</svg>'
    ).encode()


def _refuse_unfit(name: str, diameter: float, purpose: str, number: str) -> None:
    if not 30 <= diameter <= 60:
        raise UndrawableSeal("a seal is 30 to 60 mm across")
    if not 2 <= len(name) <= NAME_MAX:
        raise UndrawableSeal(f"the name on a seal has 2 to {NAME_MAX} characters")
    if len(purpose) > PURPOSE_MAX:
        raise UndrawableSeal(f"the purpose on a seal has at most {PURPOSE_MAX} characters")
    if len(number) > NUMBER_MAX or (number and not (number.isascii() and number.isalnum())):
        raise UndrawableSeal(f"the number on a seal has at most {NUMBER_MAX} digits or letters")


def _rim(circle: _Circle) -> str:
    """Two circles of opposite direction: the ring between them is filled under either fill rule."""
    middle, outer = circle.middle, circle.middle
    inner = outer - circle.rim
    return _round(middle, outer, 1) + _round(middle, inner, -1)


def _round(middle: float, radius: float, direction: int) -> str:
    """A circle as four cubic arcs (error below 0.03 % of the radius)."""
    k = 4 / 3 * math.tan(math.pi / 8)
    parts = [f"M{plain(middle + radius)} {plain(middle)}"]
    for quarter in range(4):
        a, b = (direction * math.pi / 2 * (quarter + step) for step in (0, 1))
        tangent = direction * k
        points = (
            math.cos(a) - tangent * math.sin(a),
            math.sin(a) + tangent * math.cos(a),
            math.cos(b) + tangent * math.sin(b),
            math.sin(b) - tangent * math.cos(b),
            math.cos(b),
            math.sin(b),
        )
        parts.append("C" + " ".join(plain(middle + radius * value) for value in points))
    return "".join(parts) + "Z"


def _star(circle: _Circle) -> str:
    """A five-pointed star, 14 mm across at 42 mm, one point up."""
    outer = 7 * circle.unit
    inner = outer * math.sin(math.radians(18)) / math.sin(math.radians(126))
    corners = []
    for index in range(10):
        radius = inner if index % 2 else outer
        angle = math.radians(index * 36)
        corners.append((radius * math.sin(angle), -radius * math.cos(angle)))
    points = [f"{plain(circle.middle + x)} {plain(circle.middle + y)}" for x, y in corners]
    return "M" + "L".join(points) + "Z"


def _name(circle: _Circle, name: str, numbered: bool, fallback: Path | None) -> str:
    size = circle.name_size
    widest = WIDEST_ARC_OVER_NUMBER if numbered else WIDEST_ARC
    arc = min(widest, 116.0 + 11.0 * len(name))
    pitch = arc / (len(name) - 1)
    feet = circle.inside - size
    room = math.radians(pitch) * (feet + 0.15 * size)
    width = min(1.0, room / size)
    if width < NARROWEST:
        raise UndrawableSeal(f"the name is too long for a seal of {circle.diameter:g} mm")
    radius = circle.inside - size / 2
    parts = []
    for index, character in enumerate(name):
        angle = math.radians(-arc / 2 + index * pitch)
        x, y = circle.middle + radius * math.sin(angle), circle.middle - radius * math.cos(angle)
        parts.append(glyph(character, x, y, angle, size * width, size, fallback))
    return "".join(parts)


def _purpose(circle: _Circle, purpose: str, centre: Centre, fallback: Path | None) -> str:
    """A straight line below the star, or across the middle where there is none."""
    size = 4.4 * circle.unit
    below = (10.6 if centre is Centre.STAR else -1.2) * circle.unit
    feet = circle.inside - circle.name_size if centre is Centre.NONE else circle.inside * 0.82
    half = 0.93 * math.sqrt(max(feet**2 - (below + size / 2) ** 2, 0.0)) or size
    step = min(size * 1.06, 2 * half / len(purpose))
    size = min(size, step / 0.76)  # rather smaller than thin
    width = min(1.0, step / size)
    if size < SMALLEST_PURPOSE:
        raise UndrawableSeal(f"the purpose is too long for a seal of {circle.diameter:g} mm")
    left = circle.middle - step * (len(purpose) - 1) / 2
    return "".join(
        glyph(c, left + index * step, circle.middle + below, 0.0, size * width, size, fallback)
        for index, c in enumerate(purpose)
    )


def _number(circle: _Circle, number: str) -> str:
    """On the lower arc from left to right, feet to the rim."""
    size = 2.2 * circle.unit
    radius = circle.inside - size * 0.32
    pitch = min(math.degrees(1.45 * circle.unit / radius), WIDEST_NUMBER_ARC / len(number))
    parts = []
    for index, character in enumerate(number):
        turn = math.radians((len(number) - 1) / 2 * pitch - index * pitch)
        x, y = circle.middle - radius * math.sin(turn), circle.middle + radius * math.cos(turn)
        parts.append(glyph(character, x, y, turn, size, size, None))
    return "".join(parts)
