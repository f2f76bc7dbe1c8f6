"""A page of the renderer taken apart: where its variable texts stand, and what never changes.

The renderer sets a page whose variable texts are marks; the lines that hold marks become slots,
all else stays as it is. So the template decides where everything stands, and nothing about it is
written down a second time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import pikepdf

from seal.pdf import document
from seal.pdf.attachments import decoded
from seal.pdf.document import Document
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Dict, Object, Parser, Ref, Stream
from trust.errors import Invalid

#: A mark: which slot, and which of its lines.
_DIGITS: Final = "甲乙丙丁戊己庚辛壬癸"
_LEAD: Final = "龙"
MARK: Final = re.compile(f"{_LEAD}([{_DIGITS}])([{_DIGITS}])([{_DIGITS}])([{_DIGITS}])")
#: Characters of a mark.
MARK_LENGTH: Final = 5
#: Stands for the QR symbol: a dark square of so many units.
QR_SIDE: Final = 997
QR: Final = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{QR_SIDE}" height="{QR_SIDE}" '
    f'viewBox="0 0 {QR_SIDE} {QR_SIDE}"><path d="M0 0h{QR_SIDE}v{QR_SIDE}H0z"/></svg>'
)
_SQUARE: Final = re.compile(rb"0 0 m 997 0 l 997 997 l 0 997 l\s*h\s*f(?=\s)")
_LINE: Final = re.compile(
    rb"q 1 0 0 -1 (-?[\d.]+) (-?[\d.]+) cm([^\n]*)\nBT 0 Tr/(f\d+) ([\d.]+) Tf 1 0 0 -1 0 0 Tm"
)
_BACKGROUND_END: Final = re.compile(rb"EMC(?=/(?:Span|Artifact|H1|P)\b)")


class Unstampable(Invalid):
    """The page is not of the kind that can be taken apart; it is rendered whole."""

    code = "unstampable"


def mark(slot: int, line: int) -> str:
    number = f"{slot:02d}{line:02d}"
    return _LEAD + "".join(_DIGITS[int(digit)] for digit in number)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text on the page: from where, in which font and size (points), with which gap
    behind each glyph (thousandths), and how wide all of it is (points)."""

    text: str
    x: float
    y: float
    bold: bool
    size: float
    gap: float
    wide: float
    justified: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """A line of a variable text in the stream of the page."""

    slot: int
    line: int
    set_as: Line


@dataclass(frozen=True, slots=True)
class Start:
    """Where a text that never changes starts. `beside` is a slot that moves it: by `share` of what
    that one's text is wider."""

    line: Line
    beside: Slot | None = None
    share: float = 0.0


#: The stream of the page in pieces: bytes as they are, a slot, where a text starts, or the QR
#: symbol (None).
Piece = bytes | Slot | Start | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A page taken apart. `background` is the stream up to the first text."""

    base: Document
    page: Ref
    background: bytes
    pieces: tuple[Piece, ...]
    lines: tuple[Line, ...]

    @property
    def slots(self) -> list[Slot]:
        return [piece for piece in self.pieces if isinstance(piece, Slot)]


def take_apart(pdf: bytes) -> Taken:
    """Read a page as the renderer makes it; Unstampable."""
    try:
        base = document.read(_classic(pdf))
        (page,) = base.pages()
        held = base.dictionary(page, "a page")
        stream = base.resolve(held["Contents"])
        if not isinstance(stream, Stream):
            raise Unstampable("a page whose contents are not one stream")
        content = decoded(stream, 1 << 24)
        fonts = _fonts(base, held)
        background, rest = _split(content)
        pieces, lines = _pieces(rest, fonts)
    except (BadPdf, KeyError, ValueError, pikepdf.PdfError) as error:
        raise Unstampable("a page of an unknown form") from error
    return Taken(base, page, background, tuple(pieces), tuple(lines))


def _classic(pdf: bytes) -> bytes:
    """With one classic cross-reference table."""
    with pikepdf.open(BytesIO(pdf)) as opened:
        out = BytesIO()
        opened.save(
            out, min_version="1.7", deterministic_id=True, fix_metadata_version=False,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )  # fmt: skip
    return out.getvalue()


def _split(content: bytes) -> tuple[bytes, bytes]:
    found = _BACKGROUND_END.search(content)
    if found is None:
        raise Unstampable("a page without a background of its own")
    return content[: found.end()], content[found.end() :]


# --- fonts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Font:
    bold: bool
    texts: Mapping[int, str]
    widths: Mapping[int, float]


def _fonts(base: Document, page: Dict) -> dict[str, _Font]:
    resources = base.dictionary(page["Resources"], "resources")
    return {
        name: _font(base, base.dictionary(font, "a font"))
        for name, font in base.dictionary(resources["Font"], "fonts").items()
    }


def _font(base: Document, font: Dict) -> _Font:
    unicode = base.resolve(font["ToUnicode"])
    inner = base.dictionary(base.array(font["DescendantFonts"], "fonts")[0], "a font")
    if not isinstance(unicode, Stream):
        raise Unstampable("a font without a map to Unicode")
    return _Font(
        str(font["BaseFont"]).endswith("Bold"), _texts(decoded(unicode, 1 << 20)),
        _widths(base.array(inner["W"], "widths"), base),
    )  # fmt: skip


def _texts(table: bytes) -> dict[int, str]:
    """A ToUnicode CMap that maps one code at a time, or ranges."""
    found: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, text in re.findall(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>", block):
            found[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, text in re.findall(
            rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>", block
        ):
            start = bytes.fromhex(text.decode()).decode("utf-16-be")
            for code in range(int(first, 16), int(last, 16) + 1):
                found[code] = start[:-1] + chr(ord(start[-1]) + code - int(first, 16))
    return found


def _widths(table: list[Object], base: Document) -> dict[int, float]:
    """/W (ISO 32000-1, 9.7.4.3)."""
    found: dict[int, float] = {}
    waiting = list(table)
    while waiting:
        first, second = waiting.pop(0), base.resolve(waiting.pop(0))
        if isinstance(second, list):
            for step, width in enumerate(second):
                found[int(str(first)) + step] = float(str(width))
        else:
            width = waiting.pop(0)
            for code in range(int(str(first)), int(str(second)) + 1):
                found[code] = float(str(width))
    return found


# --- lines -------------------------------------------------------------------------------------


def _pieces(content: bytes, fonts: Mapping[str, _Font]) -> tuple[list[Piece], list[Line]]:
    pieces: list[Piece] = []
    lines: list[Line] = []
    done = 0
    for found in _LINE.finditer(content):
        if found.start() < done:
            continue
        parser = Parser(content, found.end())
        line = _line(found, parser.read(), fonts)
        parser.take(b"TJ")
        lines.append(line)
        before = content[done : found.start()] + b"q 1 0 0 -1 "
        if _LEAD not in line.text:
            pieces += [before, Start(line), content[found.end(1) : parser.position]]
            done = parser.position
            continue
        marked = MARK.match(line.text)
        if marked is None:
            raise Unstampable("a mark that was broken")
        slot = int("".join(str(_DIGITS.index(c)) for c in marked.groups()[:2]))
        number = int("".join(str(_DIGITS.index(c)) for c in marked.groups()[2:]))
        rest = b" " + found[2] + b" cm" + found[3] + b"\nBT 0 Tr"
        pieces += [before, Slot(slot, number, line), rest, Slot(slot, -1 - number, line)]
        done = parser.position
    pieces.append(content[done:])
    return _with_square(pieces), lines


def _line(found: re.Match[bytes], shown: Object, fonts: Mapping[str, _Font]) -> Line:
    font, size = fonts[found[4].decode()], float(found[5])
    if not isinstance(shown, list):
        raise Unstampable("a line that is no array")
    text, moves, width, count = "", list[float](), 0.0, 0
    lead = True
    for item in shown:
        if isinstance(item, bytes):
            codes = [int.from_bytes(item[at : at + 2], "big") for at in range(0, len(item), 2)]
            text += "".join(font.texts.get(code, "\ufffd") for code in codes)
            width += sum(font.widths.get(code, 1000.0) for code in codes)
            count += len(codes)
            lead = False
        elif not lead:
            moves.append(-float(str(item)))
    width += sum(moves)
    # A gap that is everywhere the same is tracking, or the filling of a justified line.
    even = len(moves) >= count - 1 > 0
    gap = moves[0] if even else 0.0
    return Line(
        text=text, x=float(found[1]), y=float(found[2]), bold=font.bold, size=size, gap=gap,
        wide=width * size / 1000, justified=even and gap != 0,
    )  # fmt: skip


def _with_square(pieces: list[Piece]) -> list[Piece]:
    """The square that stands for the QR symbol, found once, becomes None."""
    found: list[Piece] = []
    seen = 0
    for piece in pieces:
        if not isinstance(piece, bytes):
            found.append(piece)
            continue
        before, *after = _SQUARE.split(piece)
        found.append(before)
        for part in after:
            seen += 1
            found += [None, part]
    if seen != 1:
        raise Unstampable("not one QR symbol on the page")
    return found
