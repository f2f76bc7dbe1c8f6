"""An incremental update (ISO 32000-1, 7.5.6), written the same way for the same input."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from seal.pdf.document import Document
from seal.pdf.objects import Dict, Object, Ref, write


@dataclass(slots=True)
class Update:
    """Collects changed and new objects, then writes one revision behind `document`.

    `next` is the number that the next new object gets. After `write`, `offsets` says where in the
    file each object begins.
    """

    document: Document
    _objects: dict[int, bytes] = field(default_factory=dict)
    next: int = 0
    offsets: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.next = self.document.size

    def reserve(self) -> Ref:
        """A number for an object that is put later."""
        ref = Ref(self.next, 0)
        self.next += 1
        return ref

    def put(self, ref: Ref, value: Object) -> None:
        self.put_raw(ref, write(value))

    def put_raw(self, ref: Ref, body: bytes) -> None:
        """An object in a spelling of the caller's (a signature with its placeholders)."""
        self._objects[ref.number] = b"%d %d obj\n" % ref + body + b"\nendobj\n"

    def add(self, value: Object) -> Ref:
        ref = self.reserve()
        self.put(ref, value)
        return ref

    def write(self) -> bytes:
        """The revision's bytes, to be appended to the document's."""
        base = self.document.end
        body, offsets = bytearray(), self.offsets
        if not self.document.data[:base].endswith((b"\n", b"\r")):
            body += b"\n"
        for number, raw in sorted(self._objects.items()):
            offsets[number] = base + len(body)
            body += raw
        table = base + len(body)
        body += b"xref\n" + b"".join(_subsections(offsets))
        body += b"trailer\n" + write(self._trailer(bytes(body))) + b"\n"
        return bytes(body) + b"startxref\n%d\n%%%%EOF\n" % table

    def _trailer(self, body: bytes) -> Dict:
        old = self.document.trailer
        trailer: Dict = {"Size": self.next, "Root": self.document.root}
        if "Info" in old:
            trailer["Info"] = old["Info"]
        previous = int(self._start_of_last_table())
        trailer["Prev"] = previous
        identifiers = self.document.resolve(old.get("ID"))
        if isinstance(identifiers, list) and len(identifiers) == 2:
            changed = hashlib.sha256(repr(identifiers[1]).encode() + body).digest()[:16]
            trailer["ID"] = [identifiers[0], changed]
        return trailer

    def _start_of_last_table(self) -> bytes:
        data, end = self.document.data, self.document.end
        at = data.rindex(b"startxref", 0, end)
        return data[at + 9 : end].split()[0]


def _subsections(offsets: dict[int, int]) -> Iterator[bytes]:
    numbers = sorted(offsets)
    start = 0
    while start < len(numbers):
        stop = start + 1
        while stop < len(numbers) and numbers[stop] == numbers[stop - 1] + 1:
            stop += 1
        yield b"%d %d\n" % (numbers[start], stop - start)
        for number in numbers[start:stop]:
            yield b"%010d 00000 n \n" % offsets[number]
        start = stop
