"""Shadow attacks (NDSS 2021): the document is prepared before it is sealed, so that a small
revision afterwards shows what was hidden, replaces what was seen, or both.

`PREPARED` are documents as a forger hands them in; each has strokes that are made after sealing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seal.pdf.objects import Dict, Name, Object, Ref, Stream
from seal.pdf.update import Update
from tests.attacks.attack import Attack, raw_revision, standard_trailer, updated

Stroke = Callable[[bytes], bytes]
_BOX: list[Object] = [0, 0, 300, 400]
_TRUE = b"BT /F1 20 Tf 20 300 Td (Pay 100 to the school) Tj ET"
_FALSE = b"BT /F1 20 Tf 20 300 Td (Pay 999 to the forger) Tj ET"
_COVER = b"1 g 10 290 280 40 re f BT /F1 20 Tf 0 g 20 300 Td (Pay 1 to anyone) Tj ET"
CATALOGUE, PAGES, PAGE, CONTENT, FONT, COVER, HIDDEN = 1, 2, 3, 4, 5, 6, 7
HIDDEN_CATALOGUE, HIDDEN_PAGES, HIDDEN_PAGE, FIELD, NOTE, LAYER, FORM = 8, 9, 10, 11, 12, 13, 14


def prepared(*, twice: bool = False) -> bytes:
    """One document with everything that the strokes need: a cover, a layer, a form field, a note,
    a hidden document; with `twice` the page's content stands twice under one number."""
    font = b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>"
    objects: list[tuple[int, bytes]] = [
        (CATALOGUE, b"<</Type /Catalog /Pages 2 0 R /AcroForm 14 0 R /OCProperties "
                    b"<</OCGs [13 0 R] /D <</ON [13 0 R]>>>>>>"),
        (PAGES, b"<</Type /Pages /Kids [3 0 R] /Count 1>>"),
        (PAGE, b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Contents 4 0 R /Annots "
               b"[11 0 R 12 0 R] /Resources <</Font <</F1 5 0 R>> /XObject <</C 6 0 R>> "
               b"/Properties <</L 13 0 R>>>>>>"),
        (FONT, font),
        (COVER, _form(_COVER)),
        (HIDDEN, _stream(_FALSE)),
        (HIDDEN_CATALOGUE, b"<</Type /Catalog /Pages 9 0 R>>"),
        (HIDDEN_PAGES, b"<</Type /Pages /Kids [10 0 R] /Count 1>>"),
        (HIDDEN_PAGE, b"<</Type /Page /Parent 9 0 R /MediaBox [0 0 300 400] /Contents 7 0 R "
                      b"/Resources <</Font <</F1 5 0 R>>>>>>"),
        (FIELD, b"<</Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (100) /Rect "
                b"[20 200 120 220] /F 4 /P 3 0 R>>"),
        (NOTE, b"<</Type /Annot /Subtype /Square /Rect [10 290 290 330] /F 4 /IC [1 1 1]>>"),
        (LAYER, b"<</Type /OCG /Name (cover)>>"),
        (FORM, b"<</Fields [11 0 R]>>"),
        (CONTENT, _stream(b"/OC /L BDC " + _TRUE + b" EMC /C Do")),
    ]  # fmt: skip
    if twice:
        objects.insert(0, (CONTENT, _stream(_FALSE)))
    data, offsets = b"%PDF-1.7\n", dict[int, int]()
    for number, body in objects:
        offsets[number] = len(data)
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % offsets[n] for n in sorted(offsets))
    size = len(offsets) + 1
    return data + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n"
        b"%%%%EOF\n" % (size, rows, size, len(data))
    )


def _stream(content: bytes) -> bytes:
    return b"<</Length %d>>\nstream\n%b\nendstream" % (len(content), content)


def _form(content: bytes) -> bytes:
    return (
        b"<</Type /XObject /Subtype /Form /BBox [0 0 300 400] /Resources <</Font <</F1 5 0 R>>>> "
        b"/Length %d>>\nstream\n%b\nendstream" % (len(content), content)
    )


def _by_update(change: Callable[[Update], None]) -> Stroke:
    def stroke(pdf: bytes) -> bytes:
        update = updated(pdf)
        change(update)
        return pdf + update.write()

    return stroke


def _put(number: int, value: Object) -> Stroke:
    return _by_update(lambda update: update.put(Ref(number, 0), value))


def _entries(number: int, **entries: Object) -> Stroke:
    """An object with these entries changed."""
    ref = Ref(number, 0)
    return _by_update(
        lambda update: update.put(ref, {**update.document.dictionary(ref, ""), **entries})
    )


def _freed(number: int) -> Stroke:
    return lambda pdf: raw_revision(pdf, {}, entries={number: b"0000000000 00001 f \n"})


def _without_annotation(pdf: bytes) -> bytes:
    update = updated(pdf)
    ref, page = Ref(PAGE, 0), update.document.dictionary(Ref(PAGE, 0), "page")
    listed = update.document.array(page["Annots"], "Annots")
    update.put(ref, {**page, "Annots": [item for item in listed if item != Ref(NOTE, 0)]})
    return pdf + update.write()


def _other_root(pdf: bytes) -> bytes:
    root = standard_trailer(pdf).replace(b"/Root 1 0 R", b"/Root 8 0 R")
    return raw_revision(pdf, {}, trailer=root, entries={90: b"0000000000 65535 f \n"})


def _kept_fields_in_other_root(pdf: bytes) -> bytes:
    """The hidden catalogue takes the form with it, so that the signatures stay in the panel."""
    update = updated(pdf)
    form = update.document.catalog()["AcroForm"]
    update.put(Ref(HIDDEN_CATALOGUE, 0), {
        "Type": Name("Catalog"), "Pages": Ref(HIDDEN_PAGES, 0), "AcroForm": form,
    })  # fmt: skip
    written = pdf + update.write()
    at = written.rindex(b"/Root 1 0 R")
    return written[:at] + b"/Root 8 0 R" + written[at + 11 :]


def _first_of_two(pdf: bytes) -> bytes:
    """The table alone is changed: the number means the other body, which was signed as well."""
    offset = pdf.index(b"%d 0 obj" % CONTENT)
    return raw_revision(pdf, {}, entries={CONTENT: b"%010d 00000 n \n" % offset})


_SWAPPED: Dict = {
    "Type": Name("Font"), "Subtype": Name("Type1"), "BaseFont": Name("Helvetica"),
    "Encoding": {"Type": Name("Encoding"), "Differences": [49, Name("nine"), 48, Name("nine")]},
}  # fmt: skip
_NEW_LOOK = Stream({"Subtype": Name("Form"), "BBox": _BOX}, _FALSE)

STROKES: dict[str, dict[str, Stroke]] = {
    "hide": {
        "the cover emptied": _put(COVER, Stream({"Subtype": Name("Form"), "BBox": _BOX}, b"")),
        "the cover freed": _freed(COVER),
        "the covering note removed": _without_annotation,
        "the covering note hidden": _entries(NOTE, F=2),
        "the covering note freed": _freed(NOTE),
        "the layer switched off": _entries(
            CATALOGUE, OCProperties={"OCGs": [Ref(LAYER, 0)], "D": {"OFF": [Ref(LAYER, 0)]}}
        ),
    },
    "replace": {
        "the font's glyphs": _put(FONT, _SWAPPED),
        "a field's value": _entries(FIELD, V=b"999"),
        "a field's look": _entries(FIELD, AP={"N": Ref(HIDDEN, 0)}),
        "the cover's words": _put(COVER, _NEW_LOOK),
        "the content by the hidden one": _entries(PAGE, Contents=Ref(HIDDEN, 0)),
        "the resources": _entries(PAGE, Resources={"Font": {"F1": _SWAPPED}}),
        "the page turned and cut": _entries(PAGE, CropBox=[0, 0, 9, 9], Rotate=180),
    },
    "hide-and-replace": {
        "the hidden catalogue by the trailer": _other_root,
        "the hidden catalogue with the form": _kept_fields_in_other_root,
        "the hidden pages": _entries(CATALOGUE, Pages=Ref(HIDDEN_PAGES, 0)),
        "the hidden page among the kids": _entries(PAGES, Kids=[Ref(HIDDEN_PAGE, 0)]),
        "the hidden page after the true one": _entries(
            PAGES, Kids=[Ref(PAGE, 0), Ref(HIDDEN_PAGE, 0)], Count=2
        ),
        "an action that opens the hidden page": _entries(
            CATALOGUE, OpenAction=[Ref(HIDDEN_PAGE, 0), Name("Fit")]
        ),
    },
}
REASONS = frozenset({"changed", "malformed", "no_signature", "byte_range"})


@dataclass(frozen=True)
class Shadow:
    sort: str
    name: str
    stroke: Stroke


def strokes() -> Iterator[Shadow]:
    for sort, named in STROKES.items():
        for name, stroke in named.items():
            yield Shadow(sort, name, stroke)


def attacks(sealed: bytes, sealed_twice: bytes) -> Iterator[Attack]:
    """Each stroke on a sealed prepared document; `sealed_twice` is the one with two contents."""
    for shadow in strokes():
        yield Attack(f"shadow {shadow.sort}", shadow.name, shadow.stroke(sealed), REASONS)
    yield Attack(
        "shadow hide-and-replace", "the table alone", _first_of_two(sealed_twice), REASONS
    )  # fmt: skip
