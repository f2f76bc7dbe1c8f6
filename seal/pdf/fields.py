"""The signatures of a PDF as its own structure names them, with ranges checked to the byte."""

from dataclasses import dataclass

from seal.pdf.document import Document
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Dict, Name, Object, Ref
from trust.crypto import der
from trust.crypto.errors import Malformed

FIELDS_MAX = 64


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature. `contents` is the DER without padding; it covers [0, start) and [stop, end).

    `revision` counts from 1: the signature covers exactly that many revisions.
    """

    number: int
    field: str
    sub_filter: str
    contents: bytes
    start: int
    stop: int
    end: int
    revision: int
    time: str
    locks: bool
    rectangle: tuple[float, ...]

    def covered(self, data: bytes) -> bytes:
        """The bytes that the signature is over."""
        whole = memoryview(data)
        return b"".join((whole[: self.start], whole[self.stop : self.end]))


def signatures(document: Document) -> list[Signature]:
    """All filled signature fields, in the order in which they were applied.

    BadPdf `byte_range` when a range is not exactly: everything up to the end of one revision but
    its own /Contents; `not_canonical` for another spelling of /Contents than ours.
    """
    form = document.catalog().get("AcroForm")
    if form is None:
        return []
    fields = document.array(document.dictionary(form, "AcroForm").get("Fields"), "Fields")
    if len(fields) > FIELDS_MAX:
        raise BadPdf("too_complex", f"more than {FIELDS_MAX} form fields")
    found = [_signature(document, field) for field in fields]
    ordered = sorted((s for s in found if s), key=lambda s: s.end)
    if len({s.end for s in ordered}) != len(ordered):
        raise BadPdf("byte_range", "two signatures cover the same revision")
    return ordered


def _signature(document: Document, field: Object) -> Signature | None:
    if not isinstance(field, Ref):
        raise BadPdf("malformed", "a form field is not an object of its own")
    widget = document.dictionary(field, "a form field")
    value = widget.get("V")
    if widget.get("FT") != "Sig" or "Kids" in widget:
        raise NotPlain(f"form field {field.number} is no plain signature field")
    if value is None:
        return None
    if not isinstance(value, Ref):
        raise BadPdf("malformed", "a signature is not an object of its own")
    return _read(document, value, widget)


class NotPlain(BadPdf):
    """A form that our own files never have; foreign files are read through pyHanko."""

    def __init__(self, detail: str) -> None:
        super().__init__("malformed", detail)


def _read(document: Document, ref: Ref, widget: Dict) -> Signature:
    parser = document.parser_at(ref)
    dictionary = parser.read()
    if not isinstance(dictionary, dict) or "Contents" not in parser.spans:
        raise BadPdf("malformed", "a signature without /Contents")
    start, stop = parser.spans["Contents"]
    end = _covered_end(dictionary.get("ByteRange"), start, stop)
    ends = [revision.end for revision in document.revisions]
    if end not in ends:
        raise BadPdf("byte_range", "a signature does not end with a revision")
    name = widget.get("T")
    return Signature(
        number=ref.number, field=name.decode("latin-1") if isinstance(name, bytes) else "",
        sub_filter=_name(dictionary.get("SubFilter")),
        contents=_contents(document.data[start:stop], dictionary["Contents"]),
        start=start, stop=stop, end=end,
        revision=ends.index(end) + 1, time=_time(dictionary.get("M")),
        locks=_locks(document, dictionary, widget), rectangle=_numbers(widget.get("Rect")),
    )  # fmt: skip


def _name(value: Object) -> str:
    return str(value) if isinstance(value, Name) else ""


def _time(value: Object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else ""


def _numbers(value: Object) -> tuple[float, ...]:
    try:
        return tuple(float(str(item)) for item in value) if isinstance(value, list) else ()
    except ValueError as error:
        raise BadPdf("malformed", "a rectangle that is none") from error


def _covered_end(value: Object, start: int, stop: int) -> int:
    if not isinstance(value, list) or len(value) != 4 or not all(type(n) is int for n in value):
        raise BadPdf("byte_range", "a ByteRange is not four numbers")
    zero, length, after, rest = (int(str(n)) for n in value)
    if zero != 0 or length != start or after != stop or rest <= 0:
        raise BadPdf("byte_range", "a ByteRange leaves out other than its own /Contents")
    return after + rest


def _contents(raw: bytes, data: Object) -> bytes:
    """`data` as it stands in `raw`: lower-case hex, one DER element, then zeros only."""
    if not isinstance(data, bytes) or raw != b"<%s>" % data.hex().encode():
        raise BadPdf("not_canonical", "/Contents is not in lower-case hexadecimal")
    try:
        value = der.read(data)
    except Malformed as error:
        raise BadPdf("signature_malformed", str(error)) from error
    if data[len(value.raw) :].strip(b"\x00"):
        raise BadPdf("not_canonical", "bytes other than padding after the signature")
    return value.raw


def _locks(document: Document, dictionary: Dict, widget: Dict) -> bool:
    """/Lock of all fields with /P 1, and the matching FieldMDP reference."""
    lock = document.resolve(widget.get("Lock"))
    references = document.resolve(dictionary.get("Reference"))
    if not isinstance(lock, dict) or not isinstance(references, list) or len(references) != 1:
        return False
    reference = document.resolve(references[0])
    if not isinstance(reference, dict) or reference.get("TransformMethod") != "FieldMDP":
        return False
    parameters = document.resolve(reference.get("TransformParams"))
    return (
        isinstance(parameters, dict)
        and parameters.get("Action") == lock.get("Action") == "All"
        and lock.get("P") == parameters.get("P") == 1
    )
