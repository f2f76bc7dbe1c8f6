"""Writing the file of a stamped licence: what never changes as it is, then six objects anew."""

import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from certificates import xmp
from certificates.press import typesetting
from certificates.press.stamping_page import QR_SIDE, Piece, Slot, Start
from certificates.press.stamping_still import Still
from certificates.press.typesetting import BOLD, REGULAR, Run, set_line
from seal.pdf import objects
from seal.pdf.objects import Dict, Name, Object, Real, Ref, Stream
from seal.pdf.sealing import text_string
from trust import font_subset
from trust.crypto import jose

#: Fast: four fifths of what the slowest gains for a quarter of its time. Outlines of characters
#: hardly pack any better than at the lowest.
_LEVEL, _OUTLINES_LEVEL = 4, 1
_GAP: Final = re.compile("@(?:TITLE|KEYWORDS|TIME|INSTANCE)@")


@dataclass(frozen=True, slots=True)
class Data:
    """One licence. `lines` are the lines of each text by name, `names` all texts in the order of
    their slots; `widths` of those texts whose lines fill it (points); `code` the QR symbol."""

    lines: Mapping[str, Sequence[str]]
    names: Sequence[str]
    shift: Mapping[str, float]
    widths: Mapping[str, float]
    code: tuple[int, Sequence[Sequence[tuple[int, int]]]]
    title: str
    authorities: tuple[str, ...]
    type_code: str
    number: str
    identifier: str
    items: Mapping[str, str]
    attachment: bytes
    at: datetime


def write(still: Still, pieces: Sequence[Piece], data: Data) -> bytes:
    """The page as a file; Unset when the packaged typeface lacks a character."""
    runs = {False: Run(typesetting.weight(REGULAR)), True: Run(typesetting.weight(BOLD))}
    text = _text(pieces, data, runs)
    digest = hashlib.sha256(b"".join((text, data.attachment, data.identifier.encode())))
    body, offsets = bytearray(still.body), dict(still.offsets)
    added = still.size

    def put(number: int, value: Object) -> None:
        offsets[number] = len(body)
        body.extend(b"%d 0 obj\n" % number + objects.write(value) + b"\nendobj\n")

    put(still.changing["text"], _packed({}, text))
    put(still.changing["metadata"], _metadata(still, data, digest.digest()))
    put(still.changing["info"], _info(still, data))
    put(still.changing["attached"], _attached(still, data))
    for bold, name in ((False, "regular"), (True, "bold")):
        for number, value in _font(runs[bold], still.changing[name], added).items():
            put(number, value)
            added = max(added, number + 1)
    return bytes(body) + _end(still, offsets, added, len(body), digest.digest()[:16])


def _end(still: Still, offsets: Mapping[int, int], size: int, start: int, mark: bytes) -> bytes:
    table = b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        at = offsets.get(number)
        table += b"0000000000 00000 f \n" if at is None else b"%010d 00000 n \n" % at
    trailer: Dict = {
        "Size": size, "Root": still.root, "Info": Ref(still.changing["info"], 0),
        "ID": [mark, mark],
    }  # fmt: skip
    return table + b"trailer\n" + objects.write(trailer) + b"\nstartxref\n%d\n%%%%EOF\n" % start


def _packed(dictionary: Dict, data: bytes, *, level: int = _LEVEL) -> Stream:
    return Stream({**dictionary, "Filter": Name("FlateDecode")}, zlib.compress(data, level))


# --- the text ----------------------------------------------------------------------------------


def _text(pieces: Sequence[Piece], data: Data, runs: Mapping[bool, Run]) -> bytes:
    found: list[bytes] = []
    shown: dict[tuple[int, int], bytes] = {}
    for piece in pieces:
        if piece is None:
            found.append(_code(data))
        elif isinstance(piece, bytes):
            found.append(piece)
        elif isinstance(piece, Start):
            found.append(_moved(piece, data, runs))
        elif piece.line >= 0:
            x, operand = _line(piece, data, runs)
            found.append(x)
            shown[piece.slot, piece.line] = operand
        else:
            found.append(shown[piece.slot, -1 - piece.line])
    return b"".join(found)


def _moved(piece: Start, data: Data, runs: Mapping[bool, Run]) -> bytes:
    """Where a text starts that stands beside a variable one."""
    by = 0.0
    if piece.beside is not None:
        name, as_set = data.names[piece.beside.slot], piece.beside.set_as
        setter = runs[as_set.bold].setter
        wide = set_line(data.lines[name][0], setter, tracking=as_set.gap, fill=None).wide
        by = piece.share * (as_set.wide - wide * as_set.size / 1000)
    return f"{piece.line.x + by:.5f}".encode()


def _line(piece: Slot, data: Data, runs: Mapping[bool, Run]) -> tuple[bytes, bytes]:
    """Where the line starts, and how it is shown."""
    name, as_set = data.names[piece.slot], piece.set_as
    lines = data.lines[name]
    run = runs[as_set.bold]
    width = data.widths.get(name) if piece.line + 1 < len(lines) else None
    found = set_line(
        lines[piece.line], run.setter, tracking=as_set.gap,
        fill=None if width is None else width * 1000 / as_set.size,
    )  # fmt: skip
    points = as_set.size / 1000
    x = as_set.x + data.shift[name] * (as_set.wide - found.wide * points) - found.out * points
    font = b"/s1 " if as_set.bold else b"/s0 "
    shown = font + f"{as_set.size:g} Tf 1 0 0 -1 0 0 Tm".encode()
    return f"{x:.5f}".encode(), shown + run.show(found.glyphs, found.gaps)


def _code(data: Data) -> bytes:
    """The QR symbol in place of the square, one unit of it a module."""
    side, rows = data.code
    scale = QR_SIDE / side
    runs = "".join(
        f"{start} {row} {end - start} 1 re\n" for row, spans in enumerate(rows)
        for start, end in spans
    )  # fmt: skip
    return f"q {scale:.6f} 0 0 {scale:.6f} 0 0 cm\n{runs}f\nQ".encode()


# --- fonts -------------------------------------------------------------------------------------


def _font(run: Run, number: int, free: int) -> dict[int, Object]:
    """The objects of a font that holds the glyphs used (ISO 32000-1, 9.7); `number` names it,
    `free` and the three after it are for its parts."""
    face = run.setter.face
    glyphs = list(run.numbers)
    file = font_subset.subset(face, glyphs)
    name = Name(f"{_tag(file)}+{run.setter.name}")
    unit = 1000 / face.units_per_em
    widths: list[Object] = [_real(face.advances[glyph] * unit) for glyph in glyphs]
    inner: Dict = {
        "Type": Name("Font"), "Subtype": Name("CIDFontType2"), "BaseFont": name,
        "CIDSystemInfo": {"Registry": b"Adobe", "Ordering": b"Identity", "Supplement": 0},
        "FontDescriptor": Ref(free + 1, 0), "DW": 1000, "W": [0, widths],
        "CIDToGIDMap": Name("Identity"),
    }  # fmt: skip
    descriptor: Dict = {
        "Type": Name("FontDescriptor"), "FontName": name, "Flags": 6,
        "FontBBox": [_real(each * unit) for each in face.box], "ItalicAngle": 0,
        "Ascent": _real(face.ascent * unit), "Descent": _real(face.descent * unit),
        "CapHeight": _real(face.cap_height * unit), "StemV": 95, "FontFile2": Ref(free + 2, 0),
    }  # fmt: skip
    return {
        number: {
            "Type": Name("Font"), "Subtype": Name("Type0"), "BaseFont": name,
            "Encoding": Name("Identity-H"), "DescendantFonts": [Ref(free, 0)],
            "ToUnicode": Ref(free + 3, 0),
        },
        free: inner, free + 1: descriptor,
        free + 2: _packed({"Length1": len(file)}, file, level=_OUTLINES_LEVEL),
        free + 3: _packed({}, _unicode(run.texts)),
    }  # fmt: skip


def _tag(file: bytes) -> str:
    """Six capitals, as a subset's name begins with."""
    return "".join(chr(ord("A") + byte % 26) for byte in hashlib.sha256(file).digest()[:6])


def _unicode(texts: Mapping[int, str]) -> bytes:
    """The ToUnicode CMap (ISO 32000-1, 9.10.3): at most 100 rows a block."""
    rows = [f"<{n:04x}><{text.encode('utf-16-be').hex()}>" for n, text in sorted(texts.items())]
    blocks = "".join(
        f"{len(rows[at : at + 100])} beginbfchar\n" + "\n".join(rows[at : at + 100])
        + "\nendbfchar\n" for at in range(0, len(rows), 100)
    )  # fmt: skip
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000><ffff>\nendcodespacerange\n"
        f"{blocks}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode()


def _real(value: float) -> Object:
    return int(value) if value == int(value) else Real(f"{value:.3f}")


# --- what is said about the document -----------------------------------------------------------


def _metadata(still: Still, data: Data, digest: bytes) -> Stream:
    """The renderer's packet, its marks and its time exchanged, and the licence's items."""
    filled = {
        "@TITLE@": escape(data.title), "@KEYWORDS@": escape(_keywords(data)),
        "@TIME@": f"{data.at:%Y-%m-%dT%H:%M:%S}+00:00", "@INSTANCE@": jose.b64url(digest[:16]),
    }  # fmt: skip
    packet = _GAP.sub(lambda gap: filled[gap[0]], still.packet)
    whole = xmp.extended(packet.encode(), data.items)
    return Stream({"Type": Name("Metadata"), "Subtype": Name("XML")}, whole)


def _keywords(data: Data) -> str:
    return f"{data.type_code}, {data.identifier}"


def _info(still: Still, data: Data) -> Dict:
    said = f"D:{data.at:%Y%m%d%H%M%S}Z".encode()
    return {
        "Title": text_string(data.title), "Author": text_string(", ".join(data.authorities)),
        "Keywords": text_string(_keywords(data)),
        "Creator": still.creator, "CreationDate": said, "ModDate": said,
    }  # fmt: skip


def _attached(still: Still, data: Data) -> Stream:
    dictionary = {k: v for k, v in still.attachment.items() if k not in ("Length", "Filter")}
    dictionary["Params"] = {
        "ModDate": f"D:{data.at:%Y%m%d%H%M%S}Z".encode(),
        "Size": len(data.attachment),
    }
    return _packed(dictionary, data.attachment)
