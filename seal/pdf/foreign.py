"""Writing a seal signature into anyone's PDF, through pyHanko's incremental writer.

Cross-reference streams, hybrid files and existing forms stay what they are: one revision is
appended. What it holds has the shape of those in the files that we render (`seal.pdf.sealing`):
the drawn seal, the whole revision covered, /Contents in lower-case hexadecimal.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, append_signature_field, enumerate_sig_fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_byterange import PdfByteRangeDigest

from seal.pdf.document import SIZE_MAX
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Dict, Name, Object, Real, Ref, Stream
from seal.pdf.sealing import (
    LOCK,
    POINTS_PER_MM,
    WIDGET_FLAGS,
    Contents,
    Field,
    Visible,
    form,
    signature_entries,
)

#: What pyHanko raises for files that break a rule: its own errors, and Python's when it trips.
_TRIPS = (
    PdfError, SigningError, ValueError, TypeError, LookupError, AttributeError, AssertionError,
    RecursionError, NotImplementedError, OverflowError, OSError, zlib.error, struct.error,
)  # fmt: skip
_QUARTER_TURNS: dict[int, list[Object]] = {
    90: [0, 1, -1, 0, 0, 0], 180: [-1, 0, 0, -1, 0, 0], 270: [0, -1, 1, 0, 0, 0],
}  # fmt: skip


class _Writer(IncrementalPdfFileWriter):
    """Leaves producer, dates and XMP as they are: a seal changes no words of the document."""

    def _update_meta(self) -> None:
        return


def add_signature(pdf: bytes, field: Field, contents: Contents, *, at: datetime) -> bytes:
    """Append one signature to a PDF of any make; BadPdf when it cannot carry one.

    The same as `seal.pdf.sealing.add_signature`; a field's name that is taken gets a number.
    """
    if len(pdf) > SIZE_MAX:
        raise BadPdf("too_large", f"{len(pdf)} > {SIZE_MAX} bytes")
    if not pdf.startswith(b"%PDF-"):
        raise BadPdf("not_a_pdf")
    with _tripping():
        writer = _Writer(io.BytesIO(pdf), strict=True)
        _require_unlocked(writer.prev)
        signature = PdfByteRangeDigest(bytes_reserved=2 * field.size)
        _put_field(writer, field, _free_name(field.name, _names(writer)), signature, at)
        out = io.BytesIO()
        writer.write(out)
        end = out.tell()
        start, stop = signature.contents.offsets
        signature.byte_range.fill_offsets(out, start, stop, end)
    whole = bytearray(out.getvalue())
    covered = bytes(whole[:start]) + bytes(whole[stop:])
    return _fill(whole, start, contents(covered, f"[0 {start} {stop} {end - stop}]"), field)


@contextmanager
def _tripping() -> Iterator[None]:
    try:
        yield
    except BadPdf:
        raise
    except _TRIPS as error:
        detail = f"{type(error).__name__}: {error}"[:160]
        raise BadPdf("malformed", detail) from error


def _require_unlocked(reader: PdfFileReader) -> None:
    """BadPdf when the file is encrypted, or a signature forbids what we are about to do."""
    if reader.encrypted:
        raise BadPdf("encrypted")
    for _name, value, field in enumerate_sig_fields(reader, filled_status=True):
        references = _entry(value.get_object(), "/Reference") or ()
        if any(_locks(reference.get_object()) for reference in references):
            raise BadPdf("locked")
        lock = _entry(field.get_object(), "/Lock")
        if lock is not None and _entry(lock, "/P") == 1:
            raise BadPdf("locked")


def _names(writer: _Writer) -> set[str]:
    """The names of the form's top fields, of whatever type."""
    form_dictionary = _entry(writer.root, "/AcroForm")
    fields = _entry(form_dictionary, "/Fields") if form_dictionary is not None else None
    return {str(_entry(field.get_object(), "/T")) for field in fields or ()}


def _entry(dictionary: Any, key: str) -> Any:
    """The object behind a key; None when there is none."""
    return dictionary[key] if key in dictionary else None  # noqa: SIM401  # .get does not resolve


def _locks(reference: Any) -> bool:
    """DocMDP that allows nothing, or FieldMDP of all fields (ISO 32000-2, 12.8.2)."""
    parameters = _entry(reference, "/TransformParams") or {}
    method = _entry(reference, "/TransformMethod")
    if method == "/FieldMDP":
        return bool(_entry(parameters, "/Action") == "/All")
    return bool(method == "/DocMDP" and _entry(parameters, "/P") == 1)


def _free_name(name: str, taken: set[str]) -> str:
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in numbered if candidate not in taken)


def _put_field(
    writer: _Writer, field: Field, name: str, signature: PdfByteRangeDigest, at: datetime
) -> None:
    number = field.visible.place.page if field.visible else 1
    if number < 1:
        raise BadPdf("malformed", f"the file has no page {number}")
    append_signature_field(writer, SigFieldSpec(name, on_page=number - 1, box=None))
    widget = next(enumerate_sig_fields(writer, with_name=name))[2].get_object()
    root = Ref(writer.root_ref.idnum, writer.root_ref.generation)
    for key, value in signature_entries(field, root, at).items():
        signature["/" + key] = _object(value, writer)
    widget["/V"] = writer.add_object(signature)
    widget["/F"] = generic.NumberObject(WIDGET_FLAGS)
    if field.visible:
        page = writer.find_page_for_modification(number - 1)[0].get_object()
        rectangle, matrix = _placed(field.visible, page)
        drawn = form(field.visible.appearance)
        drawn = Stream({**drawn.dictionary, **({"Matrix": matrix} if matrix else {})}, drawn.data)
        widget["/Rect"] = _object(rectangle, writer)
        normal = writer.add_object(_object(drawn, writer))
        widget["/AP"] = generic.DictionaryObject({generic.pdf_name("/N"): normal})
    if field.lock:
        widget["/Lock"] = writer.add_object(_object(dict(LOCK), writer))
    writer.root["/AcroForm"]["/SigFlags"] = generic.NumberObject(3)
    writer.update_container(writer.root["/AcroForm"])


def _placed(visible: Visible, page: Any) -> tuple[list[Object], list[Object]]:
    """The widget's rectangle and its form's matrix, so that the seal stands upright where the
    page as shown has its place, whatever the page's origin and rotation."""
    box = [float(number) for number in _inherited(page, "/CropBox", "/MediaBox")]
    turn = int(_inherited(page, "/Rotate") or 0) % 360
    left, bottom = min(box[0], box[2]), min(box[1], box[3])
    width, height = abs(box[2] - box[0]), abs(box[3] - box[1])
    x, y = visible.place.x_mm * POINTS_PER_MM, visible.place.y_mm * POINTS_PER_MM
    x, y = {
        0: (x, y), 90: (width - y, x), 180: (width - x, height - y), 270: (y, height - x),
    }[turn]  # fmt: skip
    half = visible.appearance.width_pt / 2, visible.appearance.height_pt / 2
    across, up = half if turn % 180 == 0 else half[::-1]
    x, y = x + left, y + bottom
    corners = (x - across, y - up, x + across, y + up)
    return [Real(f"{value:.3f}") for value in corners], list(_QUARTER_TURNS.get(turn, []))


def _inherited(page: Any, *keys: str) -> Any:
    """A page's attribute, its own or an ancestor's (ISO 32000-1, 7.7.3.4)."""
    for key in keys:
        node, steps = page, 0
        while node is not None and steps < 40:
            if key in node:
                return node[key]
            node, steps = _entry(node, "/Parent"), steps + 1
    return None


def _object(value: Object, writer: _Writer) -> generic.PdfObject:
    """One of our objects as one of pyHanko's."""
    if isinstance(value, Stream):
        entries = {
            generic.pdf_name("/" + k): _object(v, writer) for k, v in value.dictionary.items()
        }
        return generic.StreamObject(entries, encoded_data=value.data)
    if isinstance(value, dict):
        return _dictionary(value, writer)
    if isinstance(value, list):
        return generic.ArrayObject(_object(item, writer) for item in value)
    if isinstance(value, Ref):
        return generic.IndirectObject(value.number, value.generation, writer)
    if isinstance(value, Name):
        return generic.pdf_name("/" + value)
    if isinstance(value, Real):
        return generic.FloatObject(value)
    if isinstance(value, bytes):
        return generic.ByteStringObject(value)
    return generic.NumberObject(value)


def _dictionary(value: Dict, writer: _Writer) -> generic.DictionaryObject:
    return generic.DictionaryObject(
        {generic.pdf_name("/" + key): _object(item, writer) for key, item in value.items()}
    )


def _fill(whole: bytearray, start: int, der: bytes, field: Field) -> bytes:
    if len(der) > field.size:
        raise BadPdf("malformed", f"the signature needs {len(der)} bytes, {field.size} were kept")
    digits = der.hex().encode()
    whole[start + 1 : start + 1 + len(digits)] = digits
    return bytes(whole)
