"""Writing a seal signature into a PDF that we rendered: one incremental revision a seal.

The field's appearance is the drawn seal. The closing RSA signature covers all before it and locks
the document: `/Lock` of all fields with `/P 1` and the matching FieldMDP reference
(ISO 32000-2, 12.7.5.5 and 12.8.2.4).
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from seal.pdf import document, dss
from seal.pdf.document import Document
from seal.pdf.errors import BadPdf
from seal.pdf.objects import Dict, Name, Object, Real, Ref, Stream, write
from seal.pdf.update import Update
from seal.picture import Appearance
from trust.carried import Evidence

SM2_SEAL = ("Trust.GMPkiLite", "GM.sm2seal")
PADES = ("Adobe.PPKLite", "ETSI.CAdES.detached")
POINTS_PER_MM = 72 / 25.4
#: Print, and locked: the widget can be neither moved nor hidden (ISO 32000-1, table 165).
WIDGET_FLAGS = 4 | 128
#: Nothing may change any more, in no field (ISO 32000-2, table 236).
LOCK: Dict = {"Type": Name("SigFieldLock"), "Action": Name("All"), "P": 1}
_RANGE_WIDTH = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a seal's centre goes: page from 1, millimetres from the page's lower left corner."""

    page: int
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True)
class Visible:
    place: Place
    appearance: Appearance


@dataclass(frozen=True, slots=True)
class Field:
    """A signature field to be written. `size` is the most bytes its /Contents will need; the
    `evidence` becomes the DSS of the revision, so that the signature covers it."""

    name: str
    kind: tuple[str, str]
    signer: str
    size: int
    visible: Visible | None
    lock: bool = False
    evidence: Evidence | None = None


#: Gets the covered bytes and their range in words; returns the DER for /Contents.
Contents = Callable[[bytes, str], bytes]


@dataclass(frozen=True, slots=True)
class Begun:
    """A revision whose signature is still a placeholder, from `start` to `stop`. `covered` are the
    bytes to sign, `span` their range in words."""

    whole: bytearray
    field: Field
    start: int
    stop: int

    @property
    def covered(self) -> bytes:
        # Through a view: the file is copied once, not four times.
        with memoryview(self.whole) as whole:
            return b"".join((whole[: self.start], whole[self.stop :]))

    @property
    def span(self) -> str:
        return _range_text(self.start, self.stop, len(self.whole))

    def finish(self, der: bytes) -> bytes:
        """The file, with the signature in its place; BadPdf when it is longer than that."""
        return _fill_contents(self.whole, self.start, der, self.field)


def add_signature(pdf: bytes, field: Field, contents: Contents, *, at: datetime) -> bytes:
    """Append one signature. BadPdf/NotOurs when the file is not of the kind that we write.

    1. objects with an empty placeholder  2. the byte range  3. sign what it covers  4. fill in
    """
    begun = begin(pdf, field, at=at)
    return begun.finish(contents(begun.covered, begun.span))


def begin(pdf: bytes, field: Field, *, at: datetime) -> Begun:
    """Steps 1 and 2 of `add_signature`: for signatures that are made many at once."""
    base = document.read(pdf)
    update = Update(base)
    signature = update.reserve()
    _put_field(update, base, field, signature)
    body, range_at, contents_at = _signature_body(field, base.root, at)
    update.put_raw(signature, body)
    whole = bytearray(pdf + update.write())
    inner = update.offsets[signature.number] + len(b"%d %d obj\n" % signature)
    start = inner + contents_at
    stop = start + 2 * field.size + 2
    _fill_range(whole, inner + range_at, start, stop)
    return Begun(whole, field, start, stop)


def _range_text(start: int, stop: int, end: int) -> str:
    return f"[0 {start} {stop} {end - stop}]"


def signature_entries(field: Field, root: Ref, at: datetime) -> Dict:
    """The signature dictionary but for /ByteRange and /Contents."""
    handler, sub = field.kind
    entries: Dict = {"Type": Name("Sig"), "Filter": Name(handler), "SubFilter": Name(sub)}
    entries["M"] = at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ").encode()
    entries["Name"] = text_string(field.signer)
    if field.lock:
        parameters: Dict = {"Type": Name("TransformParams"), "Action": Name("All"),
                            "P": 1, "V": Name("1.2")}  # fmt: skip
        reference: Dict = {"Type": Name("SigRef"), "TransformMethod": Name("FieldMDP"),
                           "TransformParams": parameters, "Data": root}  # fmt: skip
        entries["Reference"] = [reference]
    return entries


def _signature_body(field: Field, root: Ref, at: datetime) -> tuple[bytes, int, int]:
    """The signature dictionary with placeholders, and where in it the two of them stand."""
    entries = signature_entries(field, root, at)
    body = write(entries)[:-2] + b" /ByteRange "
    range_at = len(body)
    body += b"[0" + b" " * (3 * (_RANGE_WIDTH + 1)) + b"] /Contents "
    return body + b"<" + b"0" * (2 * field.size) + b">>>", range_at, len(body)


def _fill_range(whole: bytearray, at: int, start: int, stop: int) -> None:
    text = _range_text(start, stop, len(whole)).encode()
    if len(text) > 3 + 3 * (_RANGE_WIDTH + 1):
        raise BadPdf("too_large", "the byte range does not fit its place")
    whole[at : at + len(text) - 1] = text[:-1]


def _fill_contents(whole: bytearray, start: int, der: bytes, field: Field) -> bytes:
    if len(der) > field.size:
        raise BadPdf("malformed", f"the signature needs {len(der)} bytes, {field.size} were kept")
    digits = der.hex().encode()
    whole[start + 1 : start + 1 + len(digits)] = digits
    return bytes(whole)


def _put_field(update: Update, base: Document, field: Field, signature: Ref) -> None:
    page = _page(base, field.visible.place.page if field.visible else 1)
    widget: Dict = {
        "Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Sig"),
        "T": field.name.encode(), "V": signature, "F": WIDGET_FLAGS, "P": page,
        "Rect": [0, 0, 0, 0],
    }  # fmt: skip
    if field.visible:
        widget["Rect"] = _rectangle(field.visible)
        widget["AP"] = {"N": update.add(form(field.visible.appearance))}
    if field.lock:
        widget["Lock"] = update.add(dict(LOCK))
    ref = update.add(widget)
    _append_annotation(update, base, page, ref)
    _append_form_field(update, base, ref, field.evidence)


def _page(base: Document, number: int) -> Ref:
    pages = base.pages()
    if not 1 <= number <= len(pages):
        raise BadPdf("malformed", f"the file has no page {number}")
    return pages[number - 1]


def _append_annotation(update: Update, base: Document, page: Ref, widget: Ref) -> None:
    """Annotations live in an array of their own, so that later seals leave the page alone."""
    dictionary = base.dictionary(page, "a page")
    current = dictionary.get("Annots")
    if isinstance(current, Ref):
        update.put(current, [*base.array(current, "Annots"), widget])
        return
    existing = base.array(current, "Annots") if current is not None else []
    update.put(page, {**dictionary, "Annots": update.add([*existing, widget])})


def _append_form_field(
    update: Update, base: Document, widget: Ref, evidence: Evidence | None
) -> None:
    catalog, gained = base.catalog(), Dict()
    if evidence is not None:
        if "DSS" in catalog:
            raise BadPdf("malformed", "the file carries long-term data already")
        gained["DSS"] = dss.add(update, evidence)
    current = catalog.get("AcroForm")
    if isinstance(current, Ref):
        form = base.dictionary(current, "AcroForm")
        fields: list[Object] = [*base.array(form.get("Fields"), "Fields"), widget]
        update.put(current, {**form, "Fields": fields, "SigFlags": 3})
    elif current is None:
        form = {"Fields": [widget], "SigFlags": 3}
        gained["AcroForm"] = update.add(form)
    else:
        raise BadPdf("malformed", "AcroForm is not an object of its own")
    if gained:
        update.put(base.root, {**catalog, **gained})


def form(appearance: Appearance) -> Stream:
    """The drawn seal as a form XObject (ISO 32000-1, 8.10)."""
    box: list[Object] = [0, 0, _real(appearance.width_pt), _real(appearance.height_pt)]
    # Multiply lets the print show through, as through ink; allowed in PDF/A since part 2.
    ink: Dict = {"ExtGState": {"Ink": {"Type": Name("ExtGState"), "BM": Name("Multiply")}}}
    dictionary: Dict = {"Type": Name("XObject"), "Subtype": Name("Form"), "BBox": box,
                        "Resources": ink, "Filter": Name("FlateDecode")}  # fmt: skip
    return Stream(dictionary, _deflated(b"/Ink gs\n" + appearance.content))


@lru_cache(maxsize=256)
def _deflated(content: bytes) -> bytes:
    return zlib.compress(content, 9)


def _rectangle(visible: Visible) -> list[Object]:
    place, picture = visible.place, visible.appearance
    left = place.x_mm * POINTS_PER_MM - picture.width_pt / 2
    bottom = place.y_mm * POINTS_PER_MM - picture.height_pt / 2
    return [_real(v) for v in (left, bottom, left + picture.width_pt, bottom + picture.height_pt)]


def _real(value: float) -> Real:
    return Real(f"{value:.3f}")


def text_string(text: str) -> bytes:
    """A PDF text string (ISO 32000-1, 7.9.2.2)."""
    return text.encode() if text.isascii() else b"\xfe\xff" + text.encode("utf-16-be")
