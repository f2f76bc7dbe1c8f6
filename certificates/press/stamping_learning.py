"""Learning where the texts of a page stand: pages are rendered whose variable texts are marks.

A mark that grows moves when it is centred or flush right, and whatever stands beside it moves too;
a very long text shows how wide its lines may be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from certificates.document import UnprintableLicence
from certificates.press import stamping_page
from certificates.press.stamping_page import QR, Line, Start, Taken, Unstampable, mark

#: Renders a template with a face at a time: `Renderer._compile`.
Compile = Callable[[str, Mapping[str, object], datetime], bytes]
#: When marks are rendered: stands for the time of making.
PROBED_AT: Final = datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC)
_SINGLE: Final = ("number", "identifier", "holder-code", "issued")
#: Characters that make a line break, however wide it is, and how many such texts: digits before
#: them find the edge within a glyph. The first that the page has room for.
_LONG: Final = ((48, 4), (48, 1), (90, 4), (90, 1), (30, 1))


@dataclass(frozen=True, slots=True)
class Width:
    """How wide the lines of a text may be (points), and whether all but the last fill that."""

    points: float
    justified: bool


@dataclass(frozen=True, slots=True)
class Texts:
    """What was learnt of the pages that have the same texts in the same places.

    `slots` names the variable texts; `shift` how far a line's start moves left for each point that
    it is wider: 0, 1/2 or 1. `moved` are unchanging texts that stand beside a variable one and
    move with it by such a share. `widths` are of texts that may take several lines.
    """

    slots: tuple[str, ...]
    moved: Mapping[str, tuple[str, float]]
    sizes: Mapping[str, Line]
    shift: Mapping[str, float]
    widths: Mapping[str, Width]


def learn(compile_: Compile, face: dict[str, Any], template: str) -> Texts:
    """Render pages of marks and see where they are set; Unstampable."""
    names = variable(face)
    short = probe(compile_, face, template, names, lambda slot, _: [mark(slot, 0)])
    wider = probe(compile_, face, template, names, lambda slot, _: [mark(slot, 0) + "国"])
    placed, moved = _placed(short, names), _placed(wider, names)
    if placed.keys() != moved.keys():
        raise Unstampable("a text that comes and goes with its length")
    shift = {name: _share(line, moved[name], line, moved[name]) for name, line in placed.items()}
    widths = {
        name: _width(compile_, face, template, names, name)
        for name in placed if name not in _SINGLE and shift[name] == 0.0
    }  # fmt: skip
    return Texts(tuple(names), _beside(short, wider, placed, moved), placed, shift, widths)


def _width(
    compile_: Compile, face: dict[str, Any], template: str, names: Mapping[str, str], name: str
) -> Width:
    """Of the lines of one text: how much of them a very long one fills."""
    for length, edges in _LONG:
        try:
            found = _filled(compile_, face, template, names, name, length, edges)
        except Unstampable:
            continue
        if found is not None:
            return found
    raise Unstampable("a text whose lines have no end")


def _filled(
    compile_: Compile, face: dict[str, Any], template: str, names: Mapping[str, str], name: str,
    length: int, edges: int,
) -> Width | None:  # fmt: skip
    wanted = list(names).index(name)

    def lines(slot: int, _: str) -> list[str]:
        if slot != wanted:
            return [mark(slot, 0)]
        return [mark(slot, edge) + "1" * edge + "国" * length for edge in range(edges)]

    taken = probe(compile_, face, template, names, lines)
    first = [slot.set_as for slot in taken.slots if slot.slot == wanted and slot.line >= 0]
    if len(first) != edges or any(len(line.text) > length for line in first):
        return None
    return Width(max(line.wide for line in first), any(line.justified for line in first))


def probe(
    compile_: Compile, face: dict[str, Any], template: str, names: Mapping[str, str],
    lines: Callable[[int, str], list[str]],
) -> Taken:  # fmt: skip
    """The page with marks in place of the texts, taken apart."""
    texts = {name: "\n".join(lines(slot, name)) for slot, name in enumerate(names)}
    marked = {**face, "qr": QR, "attachment": "{}", "fields": {
        key: {**entry, "text": texts.get(f"fields.{key}", entry["text"])}
        for key, entry in face["fields"].items()
    }}  # fmt: skip
    marked |= {name: texts[name] for name in _SINGLE if name in texts}
    if face["number"] == face["holder-code"]:
        marked["number"] = marked["holder-code"]
    try:
        return stamping_page.take_apart(compile_(template, marked, PROBED_AT))
    except UnprintableLicence as error:
        raise Unstampable("the page has no room for marks") from error


def _share(line: Line, moved: Line, text: Line, wider: Line) -> float:
    """By which part of what `text` grew the line moved to the left: 0, 1/2 or all of it."""
    grown = wider.wide - text.wide
    share = (line.x - moved.x) / grown if grown else 0.0
    if abs(line.y - moved.y) > 0.01 or not any(abs(share - n) < 0.02 for n in (0.0, 0.5, 1.0)):
        raise Unstampable("a text that is aligned in no known way")
    return round(share * 2) / 2


def _beside(
    short: Taken, wider: Taken, placed: Mapping[str, Line], moved: Mapping[str, Line]
) -> dict[str, tuple[str, float]]:
    """The unchanging texts that move with a variable one: it stands on the same line."""
    found: dict[str, tuple[str, float]] = {}
    pairs = zip(_starts(short), _starts(wider), strict=True)
    for line, after in pairs:
        if line.text != after.text:
            raise Unstampable("a text that comes and goes")
        if abs(line.x - after.x) < 0.01 and abs(line.y - after.y) < 0.01:
            continue
        names = [name for name, each in placed.items() if abs(each.y - line.y) < 0.01]
        if len(names) != 1 or line.text in found:
            raise Unstampable("a text that moves with several others")
        share = _share(line, after, placed[names[0]], moved[names[0]])
        found[line.text] = names[0], share
    return found


def _starts(taken: Taken) -> list[Line]:
    return [piece.line for piece in taken.pieces if isinstance(piece, Start)]


def _placed(taken: Taken, names: Mapping[str, str]) -> dict[str, Line]:
    """Each text's line on the page; those that the template does not show are not there."""
    found: dict[str, Line] = {}
    listed = list(names)
    for slot in taken.slots:
        if slot.line < 0:
            continue
        name = listed[slot.slot]
        alone = stamping_page.MARK.sub("", slot.set_as.text).strip("国") == ""
        if name in found or not alone:
            raise Unstampable(f"{name} stands beside other text, or twice")
        found[name] = slot.set_as
    return found


def variable(face: Mapping[str, Any]) -> dict[str, str]:
    """The variable texts of a page by name, in one order."""
    found = {name: str(face[name]) for name in _SINGLE}
    if face["number"] == face["holder-code"]:
        del found["number"]
    known = fixed(face)
    return found | {
        f"fields.{key}": entry["text"] for key, entry in face["fields"].items()
        if key not in known
    }  # fmt: skip


def fixed(face: Mapping[str, Any]) -> dict[str, str]:
    """The texts that are part of the page's kind."""
    return {
        key: entry["text"] for key, entry in face["fields"].items() if key in face["shared"]
    }  # fmt: skip
