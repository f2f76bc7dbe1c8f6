"""What an attack file is, and the strokes that several families share. Nothing is kept on disk."""

from collections.abc import Iterator
from dataclasses import dataclass

from seal.pdf import document
from seal.pdf.objects import Dict, Name, Object, Ref, Stream, write
from seal.pdf.update import Update


@dataclass(frozen=True)
class Attack:
    """A generated file. `codes`: one of them must be among the report's failed reasons."""

    family: str
    name: str
    pdf: bytes
    codes: frozenset[str]


Attacks = Iterator[Attack]

EVIL = b"BT /F1 40 Tf 100 400 Td (PAY THE ATTACKER) Tj ET"


def overwritten(pdf: bytes, at: int, old_end: int, new: bytes) -> bytes:
    """New bytes in the place of old ones, blanks after them: no other byte moves."""
    room = old_end - at
    if len(new) > room:
        raise ValueError("the new bytes do not fit")
    return pdf[:at] + new.ljust(room) + pdf[old_end:]


def evil_page(update: Update) -> None:
    """The first page shows something else."""
    page = update.document.pages()[0]
    held = update.document.dictionary(page, "page")
    content = update.add(Stream({}, EVIL))
    font: Dict = {"Type": Name("Font"), "Subtype": Name("Type1"), "BaseFont": Name("Helvetica")}
    resources: Dict = {"Font": {"F1": update.add(font)}}
    update.put(page, {**held, "Contents": content, "Resources": resources})


def updated(pdf: bytes) -> Update:
    return Update(document.read(pdf))


def object_bytes(ref: Ref, value: Object) -> bytes:
    return b"%d %d obj\n" % ref + write(value) + b"\nendobj\n"


def last_table(pdf: bytes) -> int:
    """Where the last cross-reference table begins."""
    return int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])


def raw_revision(
    pdf: bytes, objects: dict[int, bytes], *, entries: dict[int, bytes] | None = None,
    trailer: bytes = b"", table: int | None = None,
) -> bytes:  # fmt: skip
    """A revision written without our own writer: whatever entries and trailer the attack needs.

    `objects` are bodies by number; `entries` whole 20-byte lines in place of the true ones.
    """
    body, lines = b"", dict(entries or {})
    for number, content in objects.items():
        offset = len(pdf) + len(body)
        lines.setdefault(number, b"%010d 00000 n \n" % offset)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    at = len(pdf) + len(body)
    rows = b"".join(b"%d 1\n%b" % (number, lines[number]) for number in sorted(lines))
    previous = b" /Prev %d" % last_table(pdf) if b"/Prev" not in trailer else b""
    end = b"trailer\n<<%b%b>>\nstartxref\n%d\n%%%%EOF\n" % (
        trailer or standard_trailer(pdf), previous, at if table is None else table,
    )  # fmt: skip
    return pdf + body + b"xref\n" + rows + end


def standard_trailer(pdf: bytes) -> bytes:
    whole = document.read(pdf)
    return b"/Size %d /Root %d 0 R" % (whole.size + 20, whole.root.number)
