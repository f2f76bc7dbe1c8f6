"""A seal's picture as PDF drawing operators.

Pictures come out of foreign seals too, so the reader is strict: an `svg` with `path` elements, flat
colours, absolute M L C Q Z. No entities, no scripts, no references, nothing that could fetch.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from xml.parsers import expat

from trust.errors import Invalid

MAX_BYTES = 256 * 1024
MAX_SEGMENTS = 20_000
POINTS_PER_MM = 72 / 25.4
SVG_NAMESPACE = "http://www.w3.org/2000/svg"

_ROOT_ATTRIBUTES = {"width", "height", "viewBox", "version"}
_PATH_ATTRIBUTES = {"d", "fill", "fill-rule", "stroke", "stroke-width"}
_COLOUR = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_TOKEN = re.compile(r"[\s,]*(?:([MLCQZ])|(-?(?:\d{1,6}(?:\.\d{0,9})?|\.\d{1,9})))")
_NUMBERS = {"M": 2, "L": 2, "C": 6, "Q": 4, "Z": 0}


class UnusablePicture(Invalid):
    """The picture in the seal is not of the kind that can be applied."""

    code = "unusable_picture"


@dataclass(frozen=True, slots=True)
class Appearance:
    """`content` draws in points into the box [0 0 width_pt height_pt], in DeviceRGB."""

    content: bytes
    width_pt: float
    height_pt: float


@dataclass(frozen=True, slots=True)
class _Path:
    segments: tuple[tuple[str, tuple[float, ...]], ...]
    fill: str
    stroke: str
    stroke_width: float
    even_odd: bool


@lru_cache(maxsize=64)
def appearance(picture_type: str, data: bytes, *, width_mm: float, height_mm: float) -> Appearance:
    """The picture scaled into `width_mm` by `height_mm`, keeping its shape, centred.

    DeviceRGB is legal in PDF/A-3 beside our sRGB output intent. Raises UnusablePicture.
    """
    if picture_type.lower() != "svg":
        raise UnusablePicture("only SVG pictures can be applied")
    if not (1 <= width_mm <= 200 and 1 <= height_mm <= 200):
        raise UnusablePicture("a seal's picture is 1 to 200 mm wide and high")
    box, paths = _parse(data)
    width, height = width_mm * POINTS_PER_MM, height_mm * POINTS_PER_MM
    scale = min(width / box[2], height / box[3])
    left = (width - scale * box[2]) / 2 - scale * box[0]
    top = (height + scale * box[3]) / 2 + scale * box[1]
    lines = ["q"]
    for path in paths:
        lines.extend(_operators(path, scale, left, top))
    lines.append("Q\n")
    return Appearance("\n".join(lines).encode("ascii"), round(width, 3), round(height, 3))


def _parse(data: bytes) -> tuple[tuple[float, float, float, float], tuple[_Path, ...]]:
    """The viewBox and the paths; UnusablePicture for anything outside the subset."""
    if len(data) > MAX_BYTES:
        raise UnusablePicture(f"the picture is larger than {MAX_BYTES} bytes")
    reader = _Reader()
    try:
        # Decoded here, so that no other encoding can carry a declaration past the next line.
        text = data.decode("utf-8")
        if "<!" in text or "<?" in text[5:] or "\0" in text:
            raise UnusablePicture("a picture may hold no declarations, comments or instructions")
        reader.read(text)
    except (UnicodeDecodeError, expat.ExpatError) as error:
        raise UnusablePicture("the picture is not well-formed XML") from error
    if reader.box is None or not reader.paths:
        raise UnusablePicture("the picture draws nothing")
    return reader.box, tuple(reader.paths)


class _Reader:
    """Collects the root's viewBox and the paths as expat meets them."""

    def __init__(self) -> None:
        self.box: tuple[float, float, float, float] | None = None
        self.paths: list[_Path] = []
        self._segments = 0

    def read(self, text: str) -> None:
        parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._text
        parser.Parse(text, True)

    def _text(self, text: str) -> None:
        if text.strip():
            raise UnusablePicture("a picture may hold no text")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == f"{SVG_NAMESPACE} svg" and self.box is None:
            self.box = _view_box(attributes)
        elif tag == f"{SVG_NAMESPACE} path" and self.box is not None:
            self._path(attributes)
        else:
            raise UnusablePicture("a picture may hold only paths")

    def _path(self, attributes: dict[str, str]) -> None:
        _refuse_others(attributes, _PATH_ATTRIBUTES)
        segments = []
        for segment in _segments(attributes.get("d", "")):
            segments.append(segment)
            self._segments += 1
            if self._segments > MAX_SEGMENTS:
                raise UnusablePicture(f"the picture has more than {MAX_SEGMENTS} segments")
        rule = attributes.get("fill-rule", "nonzero")
        if rule not in ("nonzero", "evenodd"):
            raise UnusablePicture("unknown fill rule")
        self.paths.append(
            _Path(
                tuple(segments),
                _colour(attributes.get("fill", "#000000")),
                _colour(attributes.get("stroke", "none")),
                _numbers(attributes.get("stroke-width", "1"), 1)[0],
                rule == "evenodd",
            )
        )


def _refuse_others(attributes: dict[str, str], allowed: set[str]) -> None:
    for name in attributes:
        if name not in allowed:
            raise UnusablePicture("a picture may hold only plain geometry and colours")


def _view_box(attributes: dict[str, str]) -> tuple[float, float, float, float]:
    _refuse_others(attributes, _ROOT_ATTRIBUTES)
    x, y, width, height = _numbers(attributes.get("viewBox", ""), 4)
    if not (0 < width <= 10_000 and 0 < height <= 10_000):
        raise UnusablePicture("the picture has no usable viewBox")
    return x, y, width, height


def _numbers(text: str, count: int) -> tuple[float, ...]:
    tokens = list(_tokens(text))
    if len(tokens) != count or not all(isinstance(token, float) for token in tokens):
        raise UnusablePicture(f"{count} numbers were expected")
    return tuple(float(token) for token in tokens)


def _tokens(text: str) -> Iterator[str | float]:
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnusablePicture("only absolute M, L, C, Q and Z, and plain numbers")
        position = match.end()
        yield match[1] if match[1] else float(match[2])


def _segments(text: str) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The path's segments; a command may be followed by several groups of numbers."""
    letter = ""
    numbers: list[float] = []
    for part in _tokens(text):
        if isinstance(part, str):
            if numbers or (not letter and part != "M"):
                raise UnusablePicture("a path is cut short")
            letter = part
            if part == "Z":
                yield "Z", ()
            continue
        if letter in ("", "Z"):
            raise UnusablePicture("a number stands where a command must")
        numbers.append(part)
        if len(numbers) == _NUMBERS[letter]:
            yield letter, tuple(numbers)
            numbers = []
            letter = "L" if letter == "M" else letter
    if numbers:
        raise UnusablePicture("a path is cut short")


def _colour(text: str) -> str:
    """The colour's three PDF numbers; "" for none."""
    if text == "none":
        return ""
    match = _COLOUR.fullmatch(text)
    if match is None:
        raise UnusablePicture("colours are #rrggbb or none")
    return " ".join(_plain(int(part, 16) / 255) for part in match.groups())


def _operators(path: _Path, scale: float, left: float, top: float) -> Iterator[str]:
    """One path (ISO 32000-1, 8.5); a quadratic becomes the cubic with the same curve."""
    if not path.fill and not path.stroke:
        return
    if path.fill:
        yield f"{path.fill} rg"
    if path.stroke:
        yield f"{path.stroke} RG {_plain(path.stroke_width * scale)} w"
    here = (0.0, 0.0)
    for letter, raw in path.segments:
        if letter == "Z":
            yield "h"
            continue
        points = [(left + scale * raw[i], top - scale * raw[i + 1]) for i in range(0, len(raw), 2)]
        if letter == "Q":
            (cx, cy), (x, y) = points
            first = (here[0] + 2 / 3 * (cx - here[0]), here[1] + 2 / 3 * (cy - here[1]))
            points = [first, (x + 2 / 3 * (cx - x), y + 2 / 3 * (cy - y)), (x, y)]
        here = points[-1]
        numbers = " ".join(f"{_plain(x)} {_plain(y)}" for x, y in points)
        yield f"{numbers} {'c' if letter in 'CQ' else letter.lower()}"
    yield _paint(path)


def _paint(path: _Path) -> str:
    star = "*" if path.even_odd else ""
    if path.fill and path.stroke:
        return "B" + star
    return "f" + star if path.fill else "S"


def _plain(value: float) -> str:
    """At most two decimals of a point (4 micrometres)."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
