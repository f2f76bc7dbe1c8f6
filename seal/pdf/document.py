"""A PDF with classic cross-reference tables, read revision by revision and without repair.

Parsers that repair are what shadow and wrapping attacks live on. Here every byte offset must be
what the file says it is; cross-reference streams, hybrids and encryption are not of the kind that
we write (`NotOurs`, `BadPdf`).
"""

import re
from dataclasses import dataclass, field

from seal.pdf.errors import BadPdf, NotOurs
from seal.pdf.objects import Dict, Object, Parser, Ref, Stream

SIZE_MAX, REVISIONS_MAX, OBJECTS_MAX, NODES_MAX = 50 * 1024 * 1024, 32, 50_000, 2_000
#: Of all revisions together: each is looked through once for every later one.
ENTRIES_MAX = 200_000
_END = re.compile(rb"startxref\r?\n(\d{1,10})\r?\n%%EOF(?:\r?\n)?$")
_SECTION = re.compile(rb"xref[ ]*\r?\n")
_RANGE = re.compile(rb"(\d{1,8}) (\d{1,6})[ ]*\r?\n")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_AFTER_TRAILER = re.compile(rb"\s*startxref\r?\n(\d{1,10})\r?\n%%EOF(?:\r?\n)?")


@dataclass(frozen=True, slots=True)
class Revision:
    """One cross-reference section. `entries`: object number -> (offset or None if free, gen)."""

    start: int
    end: int
    trailer: Dict
    entries: dict[int, tuple[int | None, int]]


@dataclass(slots=True)
class Document:
    """The file up to the end of one revision. Oldest revision first.

    `_read` is shared by all views of one file: what stands at an offset is the same in each.
    """

    data: bytes
    revisions: tuple[Revision, ...]
    _table: dict[int, tuple[int | None, int]] = field(default_factory=dict)
    _cache: dict[int, Object] = field(default_factory=dict)
    _read: dict[int, Object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for revision in self.revisions:
            self._table.update(revision.entries)

    @property
    def trailer(self) -> Dict:
        return self.revisions[-1].trailer

    @property
    def end(self) -> int:
        return self.revisions[-1].end

    @property
    def root(self) -> Ref:
        root = self.trailer.get("Root")
        if not isinstance(root, Ref):
            raise BadPdf("malformed", "the trailer names no catalogue")
        return root

    @property
    def size(self) -> int:
        size = self.trailer.get("Size")
        if not isinstance(size, int) or not 0 < size <= OBJECTS_MAX:
            raise BadPdf("malformed", "the trailer's Size is wrong")
        return size

    def at(self, count: int) -> "Document":
        """The document as its first `count` revisions leave it."""
        return Document(self.data, self.revisions[:count], _read=self._read)

    def numbers(self) -> list[int]:
        return [number for number, (offset, _) in self._table.items() if offset is not None]

    def parser_at(self, ref: Ref) -> Parser:
        """A parser standing at the content of an indirect object."""
        offset, generation = self._table.get(ref.number, (None, 0))
        if offset is None or generation != ref.generation or offset >= self.end:
            raise BadPdf("malformed", f"object {ref.number} does not exist")
        parser = Parser(self.data, offset)
        head = b"%d %d obj" % ref
        if not self.data.startswith(head, offset):
            raise BadPdf("malformed", f"object {ref.number} is not where the table says")
        parser.position += len(head)
        return parser

    def get(self, ref: Ref) -> Object:
        """The object behind a reference."""
        if ref.number not in self._cache:
            self._cache[ref.number] = self._parsed(self.parser_at(ref))
        return self._cache[ref.number]

    def _parsed(self, parser: Parser) -> Object:
        start = parser.position
        if start in self._read:
            return self._read[start]
        value = parser.read()
        parser.skip()
        if isinstance(value, dict) and self.data.startswith(b"stream", parser.position):
            value = self._stream(value, parser)
        parser.take(b"endobj")
        # A length that stands elsewhere may be another one in another revision.
        if not (isinstance(value, Stream) and isinstance(value.dictionary.get("Length"), Ref)):
            self._read[start] = value
        return value

    def _stream(self, dictionary: Dict, parser: Parser) -> Stream:
        match = re.compile(rb"stream\r?\n").match(self.data, parser.position)
        length = self._length(dictionary.get("Length"))
        if match is None or not isinstance(length, int) or length < 0:
            raise BadPdf("malformed", "a stream without its length")
        end = match.end() + length
        parser.position = end
        parser.take(b"endstream")
        return Stream(dictionary, self.data[match.end() : end])

    def _length(self, value: Object) -> Object:
        """A stream's length, which may be a number elsewhere but no stream: not even this one."""
        return self.parser_at(value).read() if isinstance(value, Ref) else value

    def resolve(self, value: Object) -> Object:
        return self.get(value) if isinstance(value, Ref) else value

    def dictionary(self, value: Object, what: str) -> Dict:
        found = self.resolve(value)
        if not isinstance(found, dict):
            raise BadPdf("malformed", f"{what} is no dictionary")
        return found

    def array(self, value: Object, what: str) -> list[Object]:
        found = self.resolve(value)
        if not isinstance(found, list):
            raise BadPdf("malformed", f"{what} is no array")
        return found

    def catalog(self) -> Dict:
        return self.dictionary(self.root, "the catalogue")

    def pages(self) -> list[Ref]:
        """References to the pages, in order; a tree of bounded size, each node in it once."""
        found: list[Ref] = []
        waiting, seen = [self.catalog().get("Pages")], set[int]()
        while waiting:
            node = waiting.pop()
            if not isinstance(node, Ref) or node.number in seen or len(seen) > NODES_MAX:
                raise BadPdf("malformed", "the page tree is broken")
            seen.add(node.number)
            dictionary = self.dictionary(node, "a page")
            if dictionary.get("Type") == "Page":
                found.append(node)
            else:
                waiting += reversed(self.array(dictionary.get("Kids"), "the page tree"))
        return found


def read(data: bytes) -> Document:
    """Read the whole file's structure; BadPdf (with a report code) or NotOurs.

    1. size and header  2. the last startxref  3. each section back along Prev, ends contiguous
    """
    if len(data) > SIZE_MAX:
        raise BadPdf("too_large", f"{len(data)} > {SIZE_MAX} bytes")
    if not data.startswith(b"%PDF-"):
        raise BadPdf("not_a_pdf")
    end = _END.search(data, max(0, len(data) - 64))
    if end is None:
        raise BadPdf("malformed", "the file does not end with startxref and %%EOF")
    return Document(data, tuple(reversed(_sections(data, int(end[1]), len(data)))))


def _sections(data: bytes, offset: int, end: int) -> list[Revision]:
    """Newest first. Each revision must begin where the one before it ends."""
    found: list[Revision] = []
    revision = _section(data, offset)
    if revision.end != end:
        raise BadPdf("malformed", "the file does not end with its last revision")
    while (previous := revision.trailer.get("Prev")) is not None:
        if not isinstance(previous, int) or not 0 < previous < offset:
            raise BadPdf("malformed", "Prev does not point back")
        if len(found) >= REVISIONS_MAX - 1:
            raise BadPdf("too_complex", f"more than {REVISIONS_MAX} revisions")
        older = _section(data, previous)
        if older.end > offset:
            raise BadPdf("malformed", "a revision ends after the next one's table")
        if sum(len(one.entries) for one in (*found, revision, older)) > ENTRIES_MAX:
            raise BadPdf("too_complex", f"more than {ENTRIES_MAX} objects in all revisions")
        found.append(_starting(revision, older.end))
        revision, offset = older, previous
    found.append(_starting(revision, 0))
    return found


def _starting(revision: Revision, start: int) -> Revision:
    """Refuse entries that point into an earlier revision's bytes, or past their own."""
    for number, (at, _) in revision.entries.items():
        if at is not None and not start <= at < revision.end:
            raise BadPdf("malformed", f"object {number} is outside its own revision")
    return Revision(start, revision.end, revision.trailer, revision.entries)


def _section(data: bytes, offset: int) -> Revision:
    head = _SECTION.match(data, offset)
    if head is None:
        raise NotOurs("malformed", "no cross-reference table where startxref points")
    entries, position = _entries(data, head.end())
    parser = Parser(data, position)
    parser.take(b"trailer")
    trailer = parser.read()
    if not isinstance(trailer, dict):
        raise BadPdf("malformed", "the trailer is no dictionary")
    if "Encrypt" in trailer:
        raise BadPdf("encrypted")
    if "XRefStm" in trailer:
        raise NotOurs("malformed", "a hybrid cross-reference file")
    after = _AFTER_TRAILER.match(data, parser.position)
    if after is None or int(after[1]) != offset:
        raise BadPdf("malformed", "startxref does not point at its own table")
    return Revision(0, after.end(), trailer, entries)


def _entries(data: bytes, position: int) -> tuple[dict[int, tuple[int | None, int]], int]:
    entries: dict[int, tuple[int | None, int]] = {}
    ranges = 0
    while head := _RANGE.match(data, position):
        position = head.end()
        ranges += 1
        first, count = int(head[1]), int(head[2])
        if first + count > OBJECTS_MAX or ranges > OBJECTS_MAX:
            raise BadPdf("too_complex", f"more than {OBJECTS_MAX} objects")
        for number in range(first, first + count):
            entry = _ENTRY.match(data, position)
            if entry is None or number in entries:
                raise BadPdf("malformed", "a broken cross-reference table")
            position = entry.end()
            entries[number] = (int(entry[1]) if entry[3] == b"n" else None, int(entry[2]))
    return entries, position
