"""Licences stamped: a page that was set once, and in it the texts, the code and the data of each.

Nothing of a template is known here. The first pages of a type are rendered whole. Then pages whose
texts are marks are rendered, and from them is read where each text stands, how wide its lines may
be and how it is aligned (`stamping_page`). How many lines the texts of a licence take decides its
*shape*; a shape that comes a second time is rendered once more, with that many lines of marks, and
from then on licences of that shape are stamped. Whatever does not fit this (photos, tables, a
character that only the fallback font has, a text beside others in one line) is rendered whole.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final

from certificates import qr_drawing
from certificates.document import Renderer, face_of, public_items, utf8
from certificates.licence_type import Kind, LicenceType
from certificates.press import stamping_file
from certificates.press.stamping_learning import Texts, fixed, learn, probe, variable
from certificates.press.stamping_page import (
    MARK_LENGTH,
    Piece,
    Slot,
    Start,
    Taken,
    Unstampable,
    mark,
)
from certificates.press.stamping_still import Still, still
from certificates.press.typesetting import BOLD, REGULAR, Unset, wrap

#: Pages of a type that are rendered whole before it is worth a look: what is learnt costs ten more.
WHOLE_FIRST: Final = 8
#: Shapes kept, some 200 kB each.
SHAPES_MAX: Final = 128
KINDS_MAX: Final = 64
LINES_MAX: Final = 40
#: Kinds and shapes that are counted.
SEEN_MAX: Final = 5_000
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """A page set for texts of so many lines each."""

    still: Still
    pieces: tuple[Piece, ...]
    sizes: Mapping[str, float]


@dataclass(slots=True)
class _Learnt:
    """`kinds` and `shapes` hold None for what cannot be stamped."""

    seen: Counter[Any] = field(default_factory=Counter)
    kinds: OrderedDict[Any, Texts | None] = field(default_factory=OrderedDict)
    shapes: OrderedDict[Any, Shape | None] = field(default_factory=OrderedDict)

    def count(self, what: Any) -> int:
        """How often it came, this time too; what is rare is forgotten with the rest."""
        if len(self.seen) >= SEEN_MAX:
            self.seen.clear()
        self.seen[what] += 1
        return self.seen[what]


class StampingRenderer(Renderer):
    """Renders whole what it cannot stamp. The same arguments give the same bytes only as long as
    the same way is taken: a licence is rendered once, and its file kept."""

    def __init__(self, *args: Any, whole_first: int = WHOLE_FIRST, **options: Any) -> None:
        super().__init__(*args, **options)
        self._whole_first = whole_first
        self._learnt, self._learning = _Learnt(), Lock()
        self.stamped = self.whole = 0

    def render(
        self, licence_type: LicenceType, metadata: Mapping[str, object], *, attachment: bytes,
        qr_text: str, verify_at: str, at: datetime, photo: bytes | None = None,
    ) -> bytes:  # fmt: skip
        """See `Renderer.render`."""
        if photo is None and at.tzinfo is not None:
            face = face_of(licence_type, metadata, None)
            # Texts that many licences share are part of the page's kind.
            shared = [entry.name for entry in licence_type.fields if entry.kind is Kind.CODE]
            face |= {"families": self._families, "verify-at": verify_at, "shared": shared}
            try:
                made = self._stamped(face, licence_type, metadata, attachment, qr_text, at)
            except (Unstampable, Unset):
                made = None
            if made is not None:
                self.stamped += 1
                return made
        self.whole += 1
        return super().render(
            licence_type, metadata, attachment=attachment, qr_text=qr_text, verify_at=verify_at,
            at=at, photo=photo,
        )  # fmt: skip

    def _stamped(
        self, face: dict[str, Any], licence_type: LicenceType, metadata: Mapping[str, object],
        attachment: bytes, qr_text: str, at: datetime,
    ) -> bytes | None:  # fmt: skip
        key = _key(face, licence_type)
        with self._learning:
            kind = self._kind(key, face, licence_type.template)
            if kind is None:
                return None
            found = self._shape(key, kind, face, licence_type.template)
        if found is None:
            return None
        shape, lines = found
        side, runs = qr_drawing.dark_runs(qr_text)
        data = stamping_file.Data(
            lines=lines, shift=kind.shift, widths={n: w.points for n, w in kind.widths.items()
                                                   if w.justified},
            names=kind.slots, code=(side, runs), title=f"{face['title']} {face['number']}",
            authorities=tuple(face["authorities"]), type_code=licence_type.code,
            number=str(face["number"]), identifier=str(face["identifier"]),
            items=public_items(licence_type, metadata), attachment=utf8(attachment).encode(),
            at=at.astimezone(UTC).replace(microsecond=0),
        )  # fmt: skip
        return stamping_file.write(shape.still, shape.pieces, data)

    # --- learning ------------------------------------------------------------------------------

    def _kind(self, key: Any, face: dict[str, Any], template: str) -> Texts | None:
        """What is known of such pages; None while too few were seen, or when it is no use."""
        learnt = self._learnt
        if key in learnt.kinds:
            learnt.kinds.move_to_end(key)
            return learnt.kinds[key]
        if learnt.count(key) <= self._whole_first:
            return None
        try:
            kind: Texts | None = learn(self._compile, face, template)
        except (Unstampable, Unset):
            kind = None
        learnt.kinds[key] = kind
        if len(learnt.kinds) > KINDS_MAX:
            learnt.kinds.popitem(last=False)
        return kind

    def _shape(
        self, key: Any, kind: Texts, face: dict[str, Any], template: str
    ) -> tuple[Shape, dict[str, tuple[str, ...]]] | None:
        """The shape that the texts take, and their lines. The template sets a full page smaller,
        so sizes are lowered until texts broken at them are set at them."""
        texts = {name: text for name, text in variable(face).items() if name in kind.sizes}
        largest = {name: line.size for name, line in kind.sizes.items()}
        roomy = {name: _lines(kind, name, text, largest[name]) for name, text in texts.items()}
        sizes, lines = largest, roomy
        for _ in range(_TRIES):
            wanted = _Wanted(
                tuple((name, len(each)) for name, each in lines.items()),
                # A text that gains lines at a larger size is why that one was not taken.
                tuple((n, sizes[n]) for n in kind.widths if len(lines[n]) < len(roomy[n])),
            )
            shape = self._shape_of(key, kind, face, template, wanted)
            if shape is None:
                return None
            lower = {name: min(sizes[name], shape.sizes[name]) for name in sizes}
            if all(shape.sizes[name] == lower[name] == sizes[name] for name in kind.widths):
                return shape, lines
            if lower == sizes:
                return None
            sizes = lower
            lines = {name: _lines(kind, name, text, sizes[name]) for name, text in texts.items()}
        return None

    def _shape_of(
        self, key: Any, kind: Texts, face: dict[str, Any], template: str, wanted: "_Wanted"
    ) -> Shape | None:
        learnt = self._learnt
        if (key, wanted) in learnt.shapes:
            learnt.shapes.move_to_end((key, wanted))
            return learnt.shapes[key, wanted]
        if learnt.count((key, wanted)) < 2 and self._whole_first > 0:
            return None
        lines, full = dict(wanted.lines), dict(wanted.full)

        def marks(slot: int, name: str) -> list[str]:
            filling = ""
            if name in full:
                # As long as a line of that size may be, so that it breaks at any larger one.
                filling = "国" * (int(kind.widths[name].points / full[name]) - MARK_LENGTH)
            return [mark(slot, number) + filling for number in range(lines.get(name, 1))]

        try:
            taken = probe(self._compile, face, template, variable(face), marks)
            shape: Shape | None = _shape(taken, kind, lines)
        except Unstampable:
            shape = None
        learnt.shapes[key, wanted] = shape
        if len(learnt.shapes) > SHAPES_MAX:
            learnt.shapes.popitem(last=False)
        return shape


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How many lines each text takes, and at which size those that must fill them."""

    lines: tuple[tuple[str, int], ...]
    full: tuple[tuple[str, float], ...]


def _shape(taken: Taken, kind: Texts, lines: Mapping[str, int]) -> Shape:
    found = {(slot.slot, slot.line): slot.set_as for slot in taken.slots if slot.line >= 0}
    wanted = {
        (kind.slots.index(name), number) for name, each in lines.items()
        for number in range(each)
    }  # fmt: skip
    if found.keys() != wanted:
        raise Unstampable("a line that was not set, or twice")
    sizes = {name: found[kind.slots.index(name), 0].size for name in lines}
    firsts = {slot.slot: slot for slot in taken.slots if slot.line == 0}
    pieces = [_joined(piece, kind, firsts) for piece in taken.pieces]
    return Shape(still(taken), tuple(_packed(pieces)), sizes)


def _joined(piece: Piece, kind: Texts, firsts: Mapping[int, Slot]) -> Piece:
    """A text that never moves becomes bytes."""
    if not isinstance(piece, Start):
        return piece
    if piece.line.text not in kind.moved:
        return f"{piece.line.x:.5f}".encode()
    name, share = kind.moved[piece.line.text]
    return Start(piece.line, firsts[kind.slots.index(name)], share)


def _packed(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Bytes that follow one another in one piece."""
    waiting = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            waiting += piece
            continue
        yield from (waiting, piece)
        waiting = b""
    yield waiting


def _lines(kind: Texts, name: str, text: str, size: float) -> tuple[str, ...]:
    width = kind.widths.get(name)
    if width is None:
        if "\n" in text:
            raise Unstampable("a line with a break in it")
        return (text,)
    path = BOLD if kind.sizes[name].bold else REGULAR
    found = wrap(text, path, width=width.points * 1000 / size, justified=width.justified)
    if len(found) > LINES_MAX:
        raise Unstampable("a text of very many lines")
    return found


def _key(face: Mapping[str, Any], licence_type: LicenceType) -> Any:
    """What makes two pages the same but for their variable texts."""
    if face["photo"] is not None or "HOLDERS" in json.dumps(face.get("layout")):
        raise Unstampable("a page with a photo or a table")
    return (
        licence_type.code, licence_type.version, licence_type.template, face["title"],
        tuple(face["authorities"]), face["verify-at"], tuple(face["fields"]),
        tuple(fixed(face).items()), face["number"] == face["holder-code"],
        json.dumps(face.get("layout"), sort_keys=True),
    )  # fmt: skip
