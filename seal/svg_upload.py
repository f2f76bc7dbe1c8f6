"""SVG as drawing programs save it, read by an allow-list and written anew as plain outlines.

Elements: svg, g, path, rect, circle, ellipse, polygon. Attributes: geometry, transform, fill,
stroke, stroke-width, fill-rule, id. Everything else (style, text, image, use, script, on…, href,
entities, comments) is refused: a picture that needs it is to be saved as plain outlines.
"""

import math
import re
from xml.parsers import expat

from fontTools.pens.transformPen import TransformPen
from fontTools.svgLib.path.parser import parse_path

from seal.appearance import SVG_NAMESPACE, UnusablePicture
from seal.outlines import PathPen, plain
from seal.seal_kinds import Size

#: a b c d e f of SVG 1.1, 7.4: x' = ax + cy + e, y' = bx + dy + f.
Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
SHAPES_MAX = 2000
DEPTH_MAX = 30
_PROPORTION = 0.02
_PAINT = {"fill", "stroke", "stroke-width", "fill-rule"}
_GEOMETRY = {
    "svg": {"viewBox", "width", "height", "version"},
    "g": set(),
    "path": {"d"},
    "rect": {"x", "y", "width", "height"},
    "circle": {"cx", "cy", "r"},
    "ellipse": {"cx", "cy", "rx", "ry"},
    "polygon": {"points"},
}
_COLOURS = {"red": "#ff0000", "black": "#000000", "none": "none"}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_NUMBERS = re.compile(rf"\s*{_NUMBER}(?:[\s,]+{_NUMBER})*\s*")
_ONE_NUMBER = re.compile(_NUMBER)
_TRANSFORM = re.compile(r"\s*(matrix|translate|scale|rotate)\s*\(([^()]{1,200})\)[\s,]*")
#: What fontTools' path parser raises for what is no path.
_NO_PATH = (
    ValueError, IndexError, KeyError, TypeError, AttributeError, AssertionError, ArithmeticError,
)  # fmt: skip


def convert(data: bytes, size: Size) -> bytes:
    """The picture in millimetres, in the form of seal.appearance; UnusablePicture."""
    try:
        text = data.decode("utf-8")
        if "<!" in text or "<?" in text[5:] or "\0" in text:
            raise UnusablePicture("a picture may hold no declarations, comments or instructions")
        reader = _Reader(size)
        parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
        parser.CharacterDataHandler = reader.text
        parser.Parse(text, True)
    except (UnicodeDecodeError, expat.ExpatError) as error:
        raise UnusablePicture("the picture is not well-formed XML") from error
    if not reader.paths:
        raise UnusablePicture("the picture draws nothing")
    width, height = plain(size.width), plain(size.height)
    return (
        f'<svg xmlns="{SVG_NAMESPACE}" width="{width}mm" height="{height}mm" '
        f'viewBox="0 0 {width} {height}">{"".join(reader.paths)}</svg>'
    ).encode("ascii")


class _Reader:
    """Walks the elements; each level has its transform and what it paints with."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._levels: list[tuple[Matrix, dict[str, str]]] = []
        self.paths: list[str] = []

    def text(self, text: str) -> None:
        if text.strip():
            raise UnusablePicture("a picture may hold no text")

    def end(self, _tag: str) -> None:
        self._levels.pop()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        if space != SVG_NAMESPACE or name not in _GEOMETRY or (name == "svg") != (not self._levels):
            raise UnusablePicture("a picture may hold only groups and plain shapes")
        for attribute in attributes:
            if attribute not in _GEOMETRY[name] | _PAINT | {"id", "transform"}:
                raise UnusablePicture("a picture may hold only plain geometry and colours")
        if len(self._levels) >= DEPTH_MAX or len(self.paths) >= SHAPES_MAX:
            raise UnusablePicture("the picture has too many parts")
        above, painted = self._levels[-1] if self._levels else (IDENTITY, {})
        if name == "svg":
            above = self._millimetres(attributes.get("viewBox", ""))
        here = _within(above, _transform(attributes.get("transform", "")))
        paint = painted | {key: attributes[key] for key in _PAINT & attributes.keys()}
        self._levels.append((here, paint))
        if name not in ("svg", "g"):
            self.paths.append(_shape(_path_of(name, attributes), here, paint))

    def _millimetres(self, view_box: str) -> Matrix:
        x, y, width, height = _numbers(view_box, 4)
        if not (0 < width <= 100_000 and 0 < height <= 100_000):
            raise UnusablePicture("the picture has no usable viewBox")
        if abs(width / height * self._size.height / self._size.width - 1) > _PROPORTION:
            raise UnusablePicture("the picture's sides are in another proportion than the seal's")
        across, down = self._size.width / width, self._size.height / height
        return (across, 0.0, 0.0, down, -x * across, -y * down)


def _numbers(text: str, count: int) -> tuple[float, ...]:
    found = _every_number(text)
    if len(found) != count:
        raise UnusablePicture(f"{count} numbers were expected")
    return found


def _every_number(text: str) -> tuple[float, ...]:
    if not _NUMBERS.fullmatch(text):
        raise UnusablePicture("plain numbers were expected")
    return tuple(float(each) for each in _ONE_NUMBER.findall(text))


def _within(outer: Matrix, inner: Matrix) -> Matrix:
    """First `inner`, then `outer`."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (
        a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e,
        b * k + d * m + f,
    )  # fmt: skip


def _transform(text: str) -> Matrix:
    """SVG 1.1, 7.6: a list of transforms, the first one outermost."""
    made, position = IDENTITY, 0
    while position < len(text.rstrip()):
        match = _TRANSFORM.match(text, position)
        if match is None:
            raise UnusablePicture("transforms are matrix, translate, scale and rotate")
        position = match.end()
        made = _within(made, _one_transform(match[1], _every_number(match[2])))
    return made


def _one_transform(name: str, numbers: tuple[float, ...]) -> Matrix:
    match name, numbers:
        case "matrix", (a, b, c, d, e, f):
            return (a, b, c, d, e, f)
        case "translate", (x,):
            return (1.0, 0.0, 0.0, 1.0, x, 0.0)
        case "translate", (x, y):
            return (1.0, 0.0, 0.0, 1.0, x, y)
        case "scale", (x,):
            return (x, 0.0, 0.0, x, 0.0, 0.0)
        case "scale", (x, y):
            return (x, 0.0, 0.0, y, 0.0, 0.0)
        case "rotate", (degrees,):
            return _rotation(degrees)
        case "rotate", (degrees, x, y):
            there = _within((1.0, 0.0, 0.0, 1.0, x, y), _rotation(degrees))
            return _within(there, (1.0, 0.0, 0.0, 1.0, -x, -y))
    raise UnusablePicture("a transform has a wrong count of numbers")


def _rotation(degrees: float) -> Matrix:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (cos, sin, -sin, cos, 0.0, 0.0)


def _path_of(name: str, attributes: dict[str, str]) -> str:
    """The shape as path data."""
    if name == "path":
        return attributes.get("d", "")
    if name == "polygon":
        points = _every_number(attributes.get("points", ""))
        if len(points) < 6 or len(points) % 2:
            raise UnusablePicture("a polygon has three points or more")
        return "M" + " ".join(str(each) for each in points) + "Z"

    def of(attribute: str, otherwise: str = "0") -> float:
        return _numbers(attributes.get(attribute, otherwise).removesuffix("px"), 1)[0]

    if name == "rect":
        x, y, width, height = of("x"), of("y"), of("width"), of("height")
        return f"M{x} {y}H{x + width}V{y + height}H{x}Z"
    rx, ry = (of("r"), of("r")) if name == "circle" else (of("rx"), of("ry"))
    x, y = of("cx"), of("cy")
    return f"M{x - rx} {y}A{rx} {ry} 0 1 0 {x + rx} {y}A{rx} {ry} 0 1 0 {x - rx} {y}Z"


def _shape(path: str, transform: Matrix, paint: dict[str, str]) -> str:
    pen = PathPen(None)
    try:
        parse_path(path, TransformPen(pen, transform))  # type: ignore[no-untyped-call]
        drawn = "".join(pen.parts)
    except _NO_PATH as error:
        raise UnusablePicture("the picture holds a path that cannot be read") from error
    fill, stroke = _colour(paint.get("fill", "black")), _colour(paint.get("stroke", "none"))
    words = [f'fill="{fill}"']
    if paint.get("fill-rule", "nonzero") == "evenodd":
        words.append('fill-rule="evenodd"')
    if stroke != "none":
        a, b, c, d, *_ = transform
        width = _numbers(paint.get("stroke-width", "1"), 1)[0] * math.sqrt(abs(a * d - b * c))
        words += [f'stroke="{stroke}"', f'stroke-width="{plain(width)}"']
    return f'<path {" ".join(words)} d="{drawn}"/>'


def _colour(text: str) -> str:
    text = _COLOURS.get(text.strip().lower(), text.strip().lower())
    if re.fullmatch("#[0-9a-f]{3}", text):
        text = "#" + "".join(2 * digit for digit in text[1:])
    if text != "none" and not re.fullmatch("#[0-9a-f]{6}", text):
        raise UnusablePicture("colours are #rrggbb, #rgb, red, black or none")
    return text
