"""Words across a page, as outlines: no font is embedded, and no reader can take them for print.

The page stays PDF/A-3b: DeviceRGB beside our sRGB output intent, and transparency, which that part
allows (ISO 19005-3, 6.2.10).
"""

import math
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf

from seal import outlines
from seal.appearance import POINTS_PER_MM, Appearance, appearance
from seal.outlines import FIRST_FULL_WIDTH, UndrawableSeal
from trust import fonts
from trust.errors import Invalid

#: Millimetres: a character, the lines of one mark, and from mark to mark.
_EM, _LEADING, _ROWS, _WIDEST = 4.6, 6.6, 62.0, 190.0
_COLOUR, _OPACITY = "#8c2318", 0.2
_ANGLE = math.radians(32)
_LATIN = 0.62
#: What stands for a character that no font here has.
_MISSING = "□"
LINE_MAX = 44


def fit(text: str) -> str:
    """A line of a mark: at most LINE_MAX characters, cut with an ellipsis."""
    return text if len(text) <= LINE_MAX else text[: LINE_MAX - 1] + "…"


def add(pdf: bytes, lines: Sequence[str], *, fallback: Path | None = None) -> bytes:
    """The one-page document with `lines` across it again and again; the same bytes for the same
    arguments. Invalid for a document that is not one page."""
    mark = _mark([fit(line) for line in lines], fallback)
    try:
        with pikepdf.open(BytesIO(pdf)) as document:
            if len(document.pages) != 1:
                raise Invalid("a copy is one page, as its original is")
            _put(document, mark)
            out = BytesIO()
            document.save(
                out, min_version="1.7", deterministic_id=True, linearize=False, qdf=False,
                object_stream_mode=pikepdf.ObjectStreamMode.disable, fix_metadata_version=False,
            )  # fmt: skip
    except pikepdf.PdfError as error:
        raise Invalid("the page made is not a readable PDF") from error
    return out.getvalue()


def _mark(lines: Sequence[str], fallback: Path | None) -> Appearance:
    """The drawn lines."""
    widest = max(_advance(line) for line in lines) * _EM
    em = _EM * min(1.0, _WIDEST / widest)
    width, height = widest * em / _EM + em, _LEADING * len(lines)
    paths = []
    for row, line in enumerate(lines):
        x = (width - _advance(line) * em) / 2
        for character in line:
            step = _step(character) * em
            if character != " ":
                y = _LEADING * (row + 0.5)
                paths.append(_glyph(character, x + step / 2, y, em, fallback))
            x += step
    drawn = "".join(f'<path d="{path}" fill="{_COLOUR}"/>' for path in paths if path)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.2f} {height:.2f}">'
        f"{drawn}</svg>"
    )
    return appearance("SVG", svg.encode(), width_mm=width, height_mm=height)


def _glyph(character: str, x: float, y: float, em: float, fallback: Path | None) -> str:
    try:
        return outlines.glyph(character, x, y, 0.0, em, em, fallback)
    except UndrawableSeal:
        known = ord(_MISSING) in fonts.code_points(fonts.BOLD)
        return outlines.glyph(_MISSING, x, y, 0.0, em, em, fallback) if known else ""


def _advance(line: str) -> float:
    """The width of a line, in em."""
    return sum(map(_step, line))


def _step(character: str) -> float:
    return 1.0 if ord(character) >= FIRST_FULL_WIDTH else _LATIN


def _put(document: pikepdf.Pdf, mark: Appearance) -> None:
    page: Any = document.pages[0]
    name = pikepdf.Name
    form = pikepdf.Stream(document, zlib.compress(mark.content, 9))
    form.Type, form.Subtype, form.Filter = name.XObject, name.Form, name.FlateDecode
    form.BBox = pikepdf.Array([0, 0, round(mark.width_pt, 3), round(mark.height_pt, 3)])
    form.Resources = pikepdf.Dictionary()
    state = pikepdf.Dictionary(Type=name.ExtGState, ca=_OPACITY)
    resources = page.obj.Resources
    for group, key, value in (
        ("/XObject", "/CopyMark", document.make_indirect(form)),
        ("/ExtGState", "/CopyInk", state),
    ):
        if group not in resources:
            resources[group] = pikepdf.Dictionary()
        resources[group][key] = value
    box = [float(value) for value in page.mediabox]
    drawing = _drawing(box[2] - box[0], box[3] - box[1], mark)
    # What the page leaves set must not reach the mark.
    page.contents_add(document.make_stream(b"q\n"), prepend=True)
    page.contents_add(document.make_stream(b"\nQ\n" + drawing))


def _drawing(width: float, height: float, mark: Appearance) -> bytes:
    """The mark in rows from the middle outwards, turned, every other row shifted by half."""
    cos, sin = math.cos(_ANGLE), math.sin(_ANGLE)
    rise, run = _ROWS * POINTS_PER_MM, mark.width_pt * 1.15
    reach = math.hypot(width, height) / 2
    parts = ["q /CopyInk gs"]
    rows = range(-int(reach // rise) - 1, int(reach // rise) + 2)
    for row in rows:
        shift = run / 2 if row % 2 else 0.0
        for column in range(-int(reach // run) - 1, int(reach // run) + 2):
            along, across = (
                column * run + shift - mark.width_pt / 2,
                row * rise - mark.height_pt / 2,
            )
            x = width / 2 + along * cos - across * sin
            y = height / 2 + along * sin + across * cos
            parts.append(
                f"q {cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f} {x:.2f} {y:.2f} cm /CopyMark Do Q"
            )
    parts.append("Q\n")
    return "\n".join(parts).encode("ascii")
