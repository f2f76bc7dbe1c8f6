"""Seals put into PDFs of other people's making, judged by programs that are not ours."""

import io
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
import typst
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from sqlalchemy import select

from seal import apply
from seal.apply import Impression, Suites
from seal.inspect import inspect
from seal.models import Seal
from seal.pdf.errors import BadPdf
from seal.pdf.foreign import add_signature
from seal.pdf.sealing import PADES, Field, Place
from tests.sealed import Sealed, sealed, untyped
from tests.tools import find_tool
from trust.report import Outcome

__all__ = ["sealed"]

asn1_x509, pypdfium2 = untyped("asn1crypto.x509"), untyped("pypdfium2")
generic = untyped("pyhanko.pdf_utils.generic")
pdf_name, PdfFileWriter = generic.pdf_name, untyped("pyhanko.pdf_utils.writer").PdfFileWriter

PLACE = Place(1, 60, 50)
MINIMAL = Path(__file__).parents[2] / "../shared/data/pdf/minimal.pdf"


@pytest.fixture(scope="module")
def seal(sealed: Sealed) -> Impression:
    with sealed.region.platform.reading() as session:
        es_id = session.scalars(select(Seal.es_id)).first()
        assert es_id is not None
        return apply.impression(session, es_id, at=sealed.at)


def seal_it(sealed: Sealed, seal: Impression, pdf: bytes, suites: Suites) -> bytes:
    return apply.apply(
        pdf, [(seal, PLACE)], suites=suites, keys=sealed.region.platform.keys, at=sealed.at,
        add=add_signature,
    )  # fmt: skip


def by_pikepdf(**save: object) -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(300, 400))
        pdf.add_blank_page(page_size=(300, 400))
        pdf.save(out, **save)  # type: ignore[arg-type]
    return out.getvalue()


def with_object_streams() -> bytes:
    return by_pikepdf(object_stream_mode=pikepdf.ObjectStreamMode.generate)


def linearized() -> bytes:
    return by_pikepdf(linearize=True)


def by_typst() -> bytes:
    made = typst.compile(b"= A page\nwith words", format="pdf")
    assert isinstance(made, bytes)
    return made


def by_pdfium() -> bytes:
    out = io.BytesIO()
    document = pypdfium2.PdfDocument.new()
    document.new_page(300, 400)
    document.save(out)
    return out.getvalue()


def by_pillow() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 400), "white").save(out, "PDF")
    return out.getvalue()


def by_pyhanko() -> bytes:
    out = io.BytesIO()
    writer = PdfFileWriter(stream_xrefs=True)
    page = generic.DictionaryObject({
        pdf_name("/Type"): pdf_name("/Page"),
        pdf_name("/MediaBox"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 300, 400))),
    })  # fmt: skip
    writer.insert_page(page)
    writer.write(out)
    return out.getvalue()


def with_a_form() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(300, 400))
        name = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx,
                T="Seal1", V="text", Rect=[10, 10, 90, 30], F=4, P=page.obj,
            )
        )  # fmt: skip
        page.Annots = pikepdf.Array([name])
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[name], NeedAppearances=True)
        pdf.save(out)
    return out.getvalue()


def minimal() -> bytes:
    if not MINIMAL.exists():
        pytest.skip(f"{MINIMAL} is not here")
    return MINIMAL.read_bytes()


MAKERS = (by_pikepdf, with_object_streams, linearized, by_typst, by_pdfium, by_pyhanko,
          with_a_form, minimal)  # fmt: skip


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
@pytest.mark.parametrize("suites", list(Suites))
def test_a_foreign_pdf_is_sealed_and_our_own_inspection_passes(
    sealed: Sealed, seal: Impression, maker: Callable[[], bytes], suites: Suites
) -> None:
    pdf = maker()
    done = seal_it(sealed, seal, pdf, suites)
    assert done.startswith(pdf)
    found = inspect(done, now=sealed.at, anchors=sealed.anchors())
    assert found.outcome is Outcome.PASSED, found.text()
    assert len(found.signatures) == (2 if suites is Suites.DUAL else 1)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_poppler_and_pyhanko_find_the_closing_signature_valid_over_the_whole_file(
    sealed: Sealed, seal: Impression, maker: Callable[[], bytes], tmp_path: Path
) -> None:
    done = seal_it(sealed, seal, maker(), Suites.DUAL)
    reader = PdfFileReader(io.BytesIO(done), strict=False)
    closing = [s for s in reader.embedded_signatures if s.field_name == "Final"]
    roots = [
        asn1_x509.Certificate.load(c.der) for c in sealed.anchors().roots
        if b"\x2a\x81\x1c\xcf\x55" not in c.der
    ]  # fmt: skip
    status = validate_pdf_signature(closing[0], ValidationContext(trust_roots=roots))
    assert status.intact
    assert status.valid
    assert status.coverage is not None
    assert status.coverage.name == "ENTIRE_FILE"
    (tmp_path / "sealed.pdf").write_bytes(done)
    shown = subprocess.run(
        [find_tool("pdfsig"), "-nocert", tmp_path / "sealed.pdf"], capture_output=True, text=True
    ).stdout
    last = shown.split("Signature #")[-1]
    assert "Signature is Valid" in last
    assert "Total document signed" in last


def test_contents_are_lower_case_and_nothing_but_the_seal_is_added(
    sealed: Sealed, seal: Impression
) -> None:
    pdf = by_typst()
    done = seal_it(sealed, seal, pdf, Suites.RSA)
    assert b"/ModDate" not in done[len(pdf) :]
    digits = done[done.rindex(b"/Contents <") + 11 :].split(b">")[0]
    assert digits == digits.lower()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("origin", [(0, 0), (-100, 50)])
def test_the_seal_stands_upright_at_its_place_whatever_the_pages_rotation(
    sealed: Sealed, seal: Impression, turn: int, origin: tuple[int, int]
) -> None:
    out = io.BytesIO()
    with pikepdf.new() as made:
        page = made.add_blank_page(page_size=(300, 400))
        page.MediaBox = [origin[0], origin[1], origin[0] + 300, origin[1] + 400]
        page.Rotate = turn
        made.save(out)
    plain = shown(seal_it(sealed, seal, out.getvalue(), Suites.RSA))
    with pikepdf.new() as made:
        made.add_blank_page(page_size=(300, 400) if turn % 180 == 0 else (400, 300))
        out = io.BytesIO()
        made.save(out)
    straight = shown(seal_it(sealed, seal, out.getvalue(), Suites.RSA))
    assert plain.size == straight.size
    differing = sum(
        abs(a - b) > 90 for a, b in zip(plain.tobytes(), straight.tobytes(), strict=True)
    )
    assert differing < len(plain.tobytes()) / 400
    assert min(straight.tobytes()) < 128


def shown(pdf: bytes) -> Image.Image:
    document = pypdfium2.PdfDocument(pdf)
    document.init_forms()
    image: Image.Image = document[0].render(scale=1, grayscale=True, may_draw_forms=True).to_pil()
    return image


def test_the_seal_lands_on_the_page_it_is_meant_for(sealed: Sealed, seal: Impression) -> None:
    done = apply.apply(
        by_pikepdf(), [(seal, Place(2, 60, 50))], suites=Suites.RSA,
        keys=sealed.region.platform.keys, at=sealed.at, add=add_signature,
    )  # fmt: skip
    with pikepdf.open(io.BytesIO(done)) as pdf:
        assert "/Annots" not in pdf.pages[0]
        assert len(pdf.pages[1].Annots) == 1


def add(pdf: bytes, *, page: int = 1, size: int = 100) -> bytes:
    field = Field("X", PADES, "name", size, None)
    return add_signature(pdf, field, lambda _covered, _span: b"0" * 100, at=datetime.now(UTC))


def test_a_locked_file_takes_no_more_seals(sealed: Sealed) -> None:
    with pytest.raises(BadPdf) as refused:
        add(sealed.dual)
    assert refused.value.code == "locked"


def test_an_encrypted_file_is_refused() -> None:
    pdf = by_pikepdf(encryption=pikepdf.Encryption(owner="a", user="b"))
    with pytest.raises(BadPdf) as refused:
        add(pdf)
    assert refused.value.code == "encrypted"


def test_a_page_that_is_not_there_is_refused(sealed: Sealed, seal: Impression) -> None:
    for page in (0, 3):
        with pytest.raises(BadPdf):
            apply.apply(
                by_pikepdf(), [(seal, Place(page, 60, 50))], suites=Suites.RSA,
                keys=sealed.region.platform.keys, at=sealed.at, add=add_signature,
            )  # fmt: skip


def test_a_pdf_that_breaks_the_standard_is_refused_and_the_fault_is_named() -> None:
    # Pillow writes generation 65536 for the free object (ISO 32000-1, 7.5.4 allows 65535).
    with pytest.raises(BadPdf, match="65536"):
        add(by_pillow())


@pytest.mark.parametrize(
    "pdf", [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"%PDF-1.7\n" + b"[" * 99_999, b"%PDF-1.4\n%%EOF"]
)
def test_what_is_no_pdf_is_refused_clearly(pdf: bytes) -> None:
    with pytest.raises(BadPdf):
        add(pdf)


def test_a_signature_larger_than_its_room_is_refused() -> None:
    with pytest.raises(BadPdf):
        add(by_pikepdf(), size=50)


def test_an_error_of_the_signer_comes_through_unchanged() -> None:
    def refuse(_covered: bytes, _span: str) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_signature(by_pikepdf(), Field("X", PADES, "n", 9, None), refuse, at=datetime.now(UTC))
