"""Honest PDFs by pikepdf (qpdf): ways of saving, forms, notes and what else pages carry."""

import io
from collections.abc import Callable
from typing import Any

import pikepdf
from PIL import Image

Make = Callable[[], bytes]
_Name, _Dict, _Array = pikepdf.Name, pikepdf.Dictionary, pikepdf.Array
ObjectStreams = pikepdf.ObjectStreamMode

Change = Callable[[pikepdf.Pdf], None]


def by_pikepdf(change: Change | None = None, *, pages: int = 1, **save: Any) -> Make:
    def make() -> bytes:
        out = io.BytesIO()
        with pikepdf.new() as pdf:
            for _ in range(pages):
                page = pdf.add_blank_page(page_size=(300, 400))
                page.Contents = pdf.make_stream(b"0.9 g 10 10 280 380 re f")
            if change is not None:
                change(pdf)
            pdf.save(out, **save)
        return out.getvalue()

    return make


def _widget(pdf: pikepdf.Pdf, kind: str, name: str, **more: Any) -> None:
    field = pdf.make_indirect(_Dict(
        Type=_Name.Annot, Subtype=_Name.Widget, FT=_Name("/" + kind), T=name,
        Rect=[10, 10, 90, 30], F=4, P=pdf.pages[0].obj, **more,
    ))  # fmt: skip
    page = pdf.pages[0]
    page.Annots = _Array([*(page.Annots if "/Annots" in page else []), field])
    held = list(pdf.Root.AcroForm.Fields) if "/AcroForm" in pdf.Root else []
    pdf.Root.AcroForm = _Dict(Fields=_Array([*held, field]))


def _note(subtype: str, **more: Any) -> Change:
    def change(pdf: pikepdf.Pdf) -> None:
        note = _Dict(Type=_Name.Annot, Subtype=_Name("/" + subtype), Rect=[20, 20, 60, 60], F=4,
                     Contents="checked by the clerk", **more)  # fmt: skip
        pdf.pages[0].Annots = _Array([pdf.make_indirect(note)])

    return change


def _annotations_elsewhere(pdf: pikepdf.Pdf) -> None:
    _note("Text")(pdf)
    pdf.pages[0].Annots = pdf.make_indirect(pdf.pages[0].Annots)


def _form_elsewhere(pdf: pikepdf.Pdf) -> None:
    _widget(pdf, "Tx", "elsewhere", V="x")
    pdf.Root.AcroForm = pdf.make_indirect(pdf.Root.AcroForm)


def _filled(pdf: pikepdf.Pdf) -> None:
    _widget(pdf, "Tx", "name", V="张三")
    _widget(pdf, "Btn", "agreed", V=_Name.Yes, AS=_Name.Yes)
    _widget(pdf, "Ch", "choice", V="one", Opt=_Array(["one", "two"]))


def _attached(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["data.xml"] = b"<data/>"


def _bookmarked(pdf: pikepdf.Pdf) -> None:
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("First", 0))


def _titled(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        metadata["dc:title"] = "通知"
    pdf.docinfo["/Title"] = "通知"


def _inheriting(pdf: pikepdf.Pdf) -> None:
    """The box and the turn stand on the page tree's root."""
    for page in pdf.pages:
        del page.MediaBox
    pdf.Root.Pages.MediaBox = _Array([0, 0, 300, 400])
    pdf.Root.Pages.Rotate = 90


def _layered(pdf: pikepdf.Pdf) -> None:
    layer = pdf.make_indirect(_Dict(Type=_Name.OCG, Name="draft"))
    pdf.Root.OCProperties = _Dict(OCGs=_Array([layer]), D=_Dict(ON=_Array([layer])))


def _empty_signature(pdf: pikepdf.Pdf) -> None:
    _widget(pdf, "Sig", "Left for later")


def _form_without_fields(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = _Dict(Fields=_Array([]))


def _tagged(pdf: pikepdf.Pdf) -> None:
    pdf.Root.MarkInfo, pdf.Root.Lang = _Dict(Marked=True), "zh-CN"
    pdf.Root.StructTreeRoot = pdf.make_indirect(_Dict(Type=_Name.StructTreeRoot))


def _opening(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = _Array([pdf.pages[0].obj, _Name.Fit])


def _several_contents(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].Contents = _Array([pdf.make_stream(b"q"), pdf.make_stream(b"Q")])


def _scanned(pdf: pikepdf.Pdf) -> None:
    out = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(out, "JPEG")
    image = pdf.make_stream(out.getvalue(), Type=_Name.XObject, Subtype=_Name.Image, Width=60,
                            Height=80, BitsPerComponent=8, ColorSpace=_Name.DeviceRGB,
                            Filter=_Name.DCTDecode)  # fmt: skip
    pdf.pages[0].Resources = _Dict(XObject=_Dict(I=image))
    pdf.pages[0].Contents = pdf.make_stream(b"q 300 0 0 400 0 0 cm /I Do Q")


PIKEPDF: dict[str, Make] = {
    "pikepdf": by_pikepdf(),
    "pikepdf, three pages": by_pikepdf(pages=3),
    "pikepdf, forty pages": by_pikepdf(pages=40),
    "pikepdf, object streams": by_pikepdf(object_stream_mode=ObjectStreams.generate),
    "pikepdf, linearized": by_pikepdf(linearize=True, pages=3),
    "pikepdf, linearized with object streams": by_pikepdf(
        linearize=True, object_stream_mode=ObjectStreams.generate
    ),
    "pikepdf, QDF": by_pikepdf(qdf=True),
    "pikepdf, uncompressed": by_pikepdf(compress_streams=False),
    "pikepdf, version 1.3": by_pikepdf(force_version="1.3"),
    "pikepdf, version 2.0": by_pikepdf(force_version="2.0"),
    "pikepdf, the same each time": by_pikepdf(deterministic_id=True),
    "pikepdf, a form filled in": by_pikepdf(_filled),
    "pikepdf, a form in object streams": by_pikepdf(
        _filled, object_stream_mode=ObjectStreams.generate
    ),
    "pikepdf, a form in an object of its own": by_pikepdf(_form_elsewhere),
    "pikepdf, a form without fields": by_pikepdf(_form_without_fields),
    "pikepdf, an empty signature field": by_pikepdf(_empty_signature),
    "pikepdf, a text note": by_pikepdf(_note("Text")),
    "pikepdf, a free text": by_pikepdf(_note("FreeText", DA="/Helv 10 Tf")),
    "pikepdf, a highlight": by_pikepdf(_note("Highlight", QuadPoints=[0, 9, 9, 9, 0, 0, 9, 0])),
    "pikepdf, a stamp": by_pikepdf(_note("Stamp", Name=_Name.Approved)),
    "pikepdf, ink": by_pikepdf(_note("Ink", InkList=_Array([_Array([1, 1, 9, 9])]))),
    "pikepdf, notes in object streams": by_pikepdf(
        _note("Square"), object_stream_mode=ObjectStreams.generate
    ),
    "pikepdf, a list of notes of its own": by_pikepdf(_annotations_elsewhere),
    "pikepdf, an attachment": by_pikepdf(_attached),
    "pikepdf, bookmarks": by_pikepdf(_bookmarked),
    "pikepdf, XMP and Info": by_pikepdf(_titled),
    "pikepdf, inherited attributes": by_pikepdf(_inheriting, pages=2),
    "pikepdf, a layer": by_pikepdf(_layered),
    "pikepdf, tagged": by_pikepdf(_tagged),
    "pikepdf, an open action": by_pikepdf(_opening),
    "pikepdf, several contents": by_pikepdf(_several_contents),
    "pikepdf, a scanned page": by_pikepdf(_scanned),
}
