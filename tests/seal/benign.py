"""PDFs of many makers, honest and odd: what real offices hand in to be sealed."""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typst
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.seal.benign_pikepdf import PIKEPDF
from tests.sealed import untyped

pypdfium2 = untyped("pypdfium2")
generic = untyped("pyhanko.pdf_utils.generic")
writers = untyped("pyhanko.pdf_utils.writer")
fields = untyped("pyhanko.sign.fields")
Make = Callable[[], bytes]

# --- typst ----------------------------------------------------------------------------------------


def by_typst(source: str, **options: Any) -> Make:
    def make() -> bytes:
        made = typst.compile(source.encode(), format="pdf", **options)
        assert isinstance(made, bytes)
        return made

    return make


_TYPST: dict[str, Make] = {
    "typst, words": by_typst("= A notice\nwith some words and $x^2$"),
    "typst, three pages": by_typst("one #pagebreak() two #pagebreak() three"),
    "typst, a table and links": by_typst(
        '#table(columns: 2, [a], [b], [c], [d]) #link("https://example.org")[here]'
    ),
    "typst, landscape": by_typst("#set page(flipped: true)\nwide"),
    "typst, outline": by_typst("#outline()\n= One\n== Two\n= Three"),
    "typst, drawings": by_typst("#circle(fill: red) #rect(fill: gradient.linear(red, blue))"),
    "typst, PDF/A-2b": by_typst("archive", pdf_standards="a-2b"),
    "typst, PDF/A-3b": by_typst("archive", pdf_standards="a-3b"),
    "typst, PDF 1.4": by_typst("old", pdf_standards="1.4"),
    "typst, PDF 2.0": by_typst("new", pdf_standards="2.0"),
}

# --- PDFium, pyHanko, Pillow ----------------------------------------------------------------------


def by_pdfium(pages: int, version: int | None = None) -> Make:
    def make() -> bytes:
        out, document = io.BytesIO(), pypdfium2.PdfDocument.new()
        for _ in range(pages):
            document.new_page(300, 400)
        document.save(out, version=version)
        return out.getvalue()

    return make


def _imported() -> bytes:
    out, document = io.BytesIO(), pypdfium2.PdfDocument.new()
    document.import_pages(pypdfium2.PdfDocument(_TYPST["typst, three pages"]()))
    document.save(out)
    return out.getvalue()


def by_pyhanko(**options: Any) -> Make:
    def make() -> bytes:
        name, out = generic.pdf_name, io.BytesIO()
        writer = writers.PdfFileWriter(**options)
        box = generic.ArrayObject(map(generic.NumberObject, (0, 0, 300, 400)))
        page = {name("/Type"): name("/Page"), name("/MediaBox"): box}
        writer.insert_page(generic.DictionaryObject(page))
        writer.write(out)
        return out.getvalue()

    return make


def by_pillow() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 400), "white").save(out, "PDF")
    return out.getvalue()


def updated(make: Make) -> Make:
    """Saved once more by pyHanko, with an empty signature field in the appended revision."""

    def again() -> bytes:
        writer: Any = IncrementalPdfFileWriter(io.BytesIO(make()))
        fields.append_signature_field(writer, fields.SigFieldSpec("Prepared"))
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()

    return again


_OTHERS: dict[str, Make] = {
    "PDFium": by_pdfium(1),
    "PDFium, five pages": by_pdfium(5),
    "PDFium, version 1.4": by_pdfium(1, 14),
    "PDFium, pages of typst": _imported,
    "pyHanko, streams": by_pyhanko(stream_xrefs=True),
    "pyHanko, tables": by_pyhanko(stream_xrefs=False),
    "Pillow": by_pillow,
    "typst, updated by pyHanko": updated(_TYPST["typst, words"]),
    "pikepdf, updated by pyHanko": updated(PIKEPDF["pikepdf"]),
    "object streams, updated by pyHanko": updated(PIKEPDF["pikepdf, object streams"]),
    "linearized, updated by pyHanko": updated(PIKEPDF["pikepdf, linearized"]),
}

# --- by hand --------------------------------------------------------------------------------------


def by_hand(
    *, line: bytes = b"\n", head: bytes = b"%PDF-1.7", tail: bytes = b"", hybrid: bool = False,
    comments: bool = False,
) -> Make:  # fmt: skip
    """A page with a table by hand; `hybrid` adds the cross-reference stream that older readers
    pass over (ISO 32000-1, 7.5.8.4)."""

    def make() -> bytes:
        objects = [
            b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
            b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Contents 4 0 R>>",
            b"<</Length 1>>" + line + b"stream\n \nendstream",
        ]  # fmt: skip
        data, offsets = head + line + (b"%\xe2\xe3\xcf\xd3" + line if comments else b""), []
        for number, body in enumerate(objects, 1):
            offsets.append(len(data))
            note = b"% object" + line if comments else b""
            data += b"%d 0 obj" % number + line + note + body + line + b"endobj" + line
        extra = b""
        if hybrid:
            extra = b" /XRefStm %d" % len(data)
            entry = b"\x01" + len(data).to_bytes(4, "big") + b"\x00"
            data += (
                b"5 0 obj\n<</Type /XRef /Size 6 /W [1 4 1] /Index [5 1] /Root 1 0 R /Length 6>>\n"
                b"stream\n%b\nendstream\nendobj\n" % entry
            )
        space = b" \n" if line == b"\n" else b"\r\n"
        rows = b"0000000000 65535 f" + space
        rows += b"".join(b"%010d 00000 n" % offset + space for offset in offsets)
        table = len(data)
        size = 6 if hybrid else 5
        data += b"xref" + line + b"0 5" + line + rows + b"trailer" + line
        data += b"<</Size %d /Root 1 0 R%b>>" % (size, extra) + line
        return data + b"startxref" + line + b"%d" % table + line + b"%%EOF" + line + tail

    return make


_BY_HAND: dict[str, Make] = {
    "by hand": by_hand(),
    "by hand, CR LF": by_hand(line=b"\r\n"),
    "by hand, CR": by_hand(line=b"\r"),
    "by hand, comments": by_hand(comments=True),
    "by hand, version 1.0": by_hand(head=b"%PDF-1.0"),
    "by hand, blanks at the end": by_hand(tail=b"\n\n  \n"),
    "by hand, hybrid": by_hand(hybrid=True),
}

# --- programs, where they are ---------------------------------------------------------------------


def by_program(*command: str, source: Make = _TYPST["typst, three pages"]) -> Make:
    """A program that turns IN into OUT; FileNotFoundError where it is not installed."""

    def make() -> bytes:
        if shutil.which(command[0]) is None:
            raise FileNotFoundError(command[0])
        with tempfile.TemporaryDirectory() as folder:
            old, new = Path(folder) / "in.pdf", Path(folder) / "out.pdf"
            old.write_bytes(source())
            words = [word.replace("IN", str(old)).replace("OUT", str(new)) for word in command]
            subprocess.run(words, check=True, capture_output=True, timeout=60)
            return new.read_bytes()

    return make


PROGRAMS: dict[str, Make] = {
    "cairo (pdftocairo)": by_program("pdftocairo", "-pdf", "IN", "OUT"),
    "poppler (pdfunite)": by_program("pdfunite", "IN", "IN", "OUT"),
    "poppler (pdfseparate)": by_program("pdfseparate", "-f", "1", "-l", "1", "IN", "OUT"),
    "qpdf, linearized": by_program("qpdf", "--linearize", "IN", "OUT"),
    "qpdf, object streams": by_program("qpdf", "--object-streams=generate", "IN", "OUT"),
    "qpdf, coalesced": by_program("qpdf", "--coalesce-contents", "--qdf", "IN", "OUT"),
    "Ghostscript": by_program(
        "gs", "-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=pdfwrite", "-sOutputFile=OUT", "IN"
    ),
    "MuPDF": by_program("mutool", "clean", "IN", "OUT"),
}

FILES: dict[str, Make] = {**_TYPST, **PIKEPDF, **_OTHERS, **_BY_HAND}
