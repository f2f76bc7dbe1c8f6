import hashlib
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageFilter

from certificates.document import Renderer, UnprintableLicence
from certificates.xmp import NAMESPACE
from tests.certificates.samples import AT, AUTHORITY, QR_TEXT, SLUGS, VERIFY_AT, licence
from trust.errors import Invalid, Unavailable


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def page(renderer: Renderer, slug: str, photo: bytes | None = None, **changes: object) -> bytes:
    licence_type, metadata = licence(slug, **changes)
    return renderer.render(
        licence_type,
        metadata,
        attachment=json.dumps(metadata, ensure_ascii=False).encode(),
        qr_text=QR_TEXT,
        verify_at=VERIFY_AT,
        at=AT,
        photo=photo,
    )


def words(pdf: bytes) -> str:
    """The text of the page without spaces and line ends."""
    pages = pypdfium2.PdfDocument(pdf)  # type: ignore[no-untyped-call]
    text = pages[0].get_textpage().get_text_range()
    return re.sub(r"\s", "", text)


def raster(pdf: bytes, dpi: int = 150) -> Image.Image:
    pages = pypdfium2.PdfDocument(pdf)  # type: ignore[no-untyped-call]
    image: Image.Image = pages[0].render(scale=dpi / 72).to_pil()
    return image.convert("L")


@pytest.mark.parametrize("slug", SLUGS)
def test_a_licence_has_what_pdf_a_3b_asks_for(renderer: Renderer, slug: str) -> None:
    with pikepdf.open(BytesIO(page(renderer, slug))) as pdf:
        assert len(pdf.pages) == 1
        intent = pdf.Root.OutputIntents[0]
        assert intent.S == "/GTS_PDFA1"
        assert b"RGB" in intent.DestOutputProfile.read_bytes()[:40]
        assert len(pdf.trailer.ID) == 2
        xmp = pdf.Root.Metadata.read_bytes()
        assert b"<pdfaid:part>3<" in xmp
        assert b"<pdfaid:conformance>B<" in xmp
        assert not pdf.is_encrypted


@pytest.mark.parametrize("slug", SLUGS)
def test_every_font_is_embedded_and_nothing_is_interpolated(renderer: Renderer, slug: str) -> None:
    with pikepdf.open(BytesIO(page(renderer, slug))) as pdf:
        dictionaries = [
            thing for thing in pdf.objects if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream)
        ]
        described = [d for d in dictionaries if d.get("/Type") == "/FontDescriptor"]
        assert described
        assert all(any(f"/FontFile{n}" in d for n in ("", "2", "3")) for d in described)
        assert not any(bool(d.get("/Interpolate", False)) for d in dictionaries)
        assert not any(d.get("/S") == "/JavaScript" for d in dictionaries)


def test_the_attachment_is_associated_data_and_unchanged(renderer: Renderer) -> None:
    _, metadata = licence("business-licence")
    with pikepdf.open(BytesIO(page(renderer, "business-licence"))) as pdf:
        (file,) = pdf.Root.AF
        assert file.AFRelationship == "/Data"
        assert file.UF == "licence.json"
        assert (
            file.EF.F.Subtype == "/application#2Fjson" or file.EF.F.Subtype == "/application/json"
        )
        assert json.loads(file.EF.F.read_bytes()) == metadata
        assert list(pdf.attachments) == ["licence.json"]


def test_the_items_are_in_the_xmp_and_declared_in_the_one_extension_bag(renderer: Renderer) -> None:
    with pikepdf.open(BytesIO(page(renderer, "business-licence"))) as pdf:
        packet = pdf.Root.Metadata.read_bytes().decode()
        with pdf.open_metadata() as xmp:
            assert xmp[f"{{{NAMESPACE}}}CZZT"] == "阿里雪域高原生态农牧科技发展有限公司"
            assert xmp[f"{{{NAMESPACE}}}ZZLXDM"] == "11100000MB0143028R001"
            assert xmp[f"{{{NAMESPACE}}}KZ_ZCZB"] == "伍佰万元整"
    assert packet.count("<pdfaExtension:schemas>") == 1
    declared = re.findall(r"<pdfaProperty:name>((?:ZZ|CZ|KZ)\w+)<", packet)
    used = re.findall(r"<licence:(\w+)>", packet)
    assert declared == used


def test_markup_in_the_xmp_is_escaped(renderer: Renderer) -> None:
    made = page(renderer, "business-licence", KZ_ZS="甲&<乙>]]>")
    with pikepdf.open(BytesIO(made)) as pdf, pdf.open_metadata() as xmp:
        assert xmp[f"{{{NAMESPACE}}}KZ_ZS"] == "甲&<乙>]]>"


def test_a_persons_number_is_veiled_on_the_face_and_in_the_xmp(renderer: Renderer) -> None:
    number = "542521200002290033"
    person: dict[str, Any] = {"CZZT": "扎西顿珠", "CZZTDM": number, "CZZTDMLXDM": "111"}
    made = page(renderer, "food-business-licence", **person)
    assert number not in words(made)
    assert "542*************33" in words(made)
    assert "公民身份号码" in words(made)
    with pikepdf.open(BytesIO(made)) as pdf:
        assert number.encode() not in pdf.Root.Metadata.read_bytes()


def test_the_file_has_a_classic_cross_reference_table(renderer: Renderer) -> None:
    made = page(renderer, "business-licence")
    assert made.startswith(b"%PDF-1.7")
    assert b"/ObjStm" not in made
    assert b"\nxref\n" in made
    assert b"/Linearized" not in made
    assert len(made) < 200_000


@pytest.mark.parametrize("slug", SLUGS)
def test_the_page_says_what_the_metadata_say(renderer: Renderer, slug: str) -> None:
    licence_type, metadata = licence(slug)
    text = words(page(renderer, slug))
    for item in ("CZZT", "CZZTDM", "ZZBH", "ZZBS"):
        assert str(metadata[item]) in text
    assert licence_type.name in text
    assert AUTHORITY in text
    assert "2024年5月20日" in text
    for field in licence_type.fields:
        value = metadata.get(field.name)
        if field.printed and isinstance(value, str) and field.kind in ("text", "money-text"):
            assert value in text, field.name


def test_pdftotext_finds_the_words_without_spaces_inside(
    renderer: Renderer, tmp_path: Path
) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    path = tmp_path / "licence.pdf"
    path.write_bytes(page(renderer, "business-licence", KZ_ZCZB="500万元整"))
    command = ["pdftotext", "-layout", str(path), "-"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    assert "500万元整" in text
    assert "2021年6月18日 至 长期" in text
    assert "阿里雪域高原生态农牧科技发展有限公司" in text


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("damage", ["none", "rotated", "blurred", "jpeg", "100 dpi"])
def test_the_code_is_read_back_from_paper(renderer: Renderer, slug: str, damage: str) -> None:
    made = page(renderer, slug)
    image = raster(made, 100 if damage == "100 dpi" else 150)
    if damage == "rotated":
        image = image.rotate(33, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    if damage == "blurred":
        image = image.filter(ImageFilter.GaussianBlur(1.2))
    if damage == "jpeg":
        out = BytesIO()
        image.save(out, "JPEG", quality=20)
        image = Image.open(out)
    found = zxingcpp.read_barcodes(image)
    assert [code.text for code in found] == [QR_TEXT]


def test_the_printed_code_has_level_m(renderer: Renderer) -> None:
    (found,) = zxingcpp.read_barcodes(raster(page(renderer, "business-licence")))
    assert found.ec_level == "M"


def test_the_same_licence_gives_the_same_bytes(renderer: Renderer) -> None:
    first = page(renderer, "business-licence")
    page(renderer, "road-transport-licence")
    assert page(Renderer(), "business-licence") == first
    with pikepdf.open(BytesIO(first)) as pdf:
        assert pdf.docinfo["/CreationDate"] == "D:20240520093000Z"


def test_another_process_makes_the_same_bytes(renderer: Renderer) -> None:
    code = (
        "import hashlib\n"
        "from certificates.document import Renderer\n"
        "from tests.certificates.test_document import page\n"
        "print(hashlib.sha256(page(Renderer(), 'food-business-licence')).hexdigest())\n"
    )
    root = Path(__file__).parents[2]
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=root
    ).stdout
    expected = hashlib.sha256(page(renderer, "food-business-licence")).hexdigest()
    assert made.decode().strip() == expected


def test_threads_do_not_mix_their_pages(renderer: Renderer) -> None:
    names = [f"噶尔县第{n}号商店" for n in "甲乙丙丁戊己庚辛"]
    with ThreadPoolExecutor(4) as pool:
        made = pool.map(lambda name: page(renderer, "road-transport-licence", CZZT=name), names)
    for name, pdf in zip(names, made, strict=True):
        assert name in words(pdf)


@pytest.mark.parametrize(
    "text",
    [
        '#import "/etc/passwd"',
        "*bold* _x_ `raw`",
        "$x^2$ <label> @ref",
        "#panic(1) // c",
        '#read("base.typ")',
        "\\u{41} \\ ~ -- ...",
        "= 标题 + 1. [x]",
        '"]) #sys.inputs',
        "http://example.cn/#x",
    ],
)
def test_what_looks_like_markup_is_printed_as_it_is(renderer: Renderer, text: str) -> None:
    made = page(renderer, "business-licence", KZ_ZS=text, CZZT=text)
    assert words(made).count(re.sub(r"\s", "", text)) == 2


@pytest.mark.parametrize("character", ["𠮷", "\ue863", "\U00031350"])
@pytest.mark.parametrize("field", ["CZZT", "KZ_ZS", "ZZBFJG"])
def test_a_character_without_glyph_is_never_dropped_in_silence(
    renderer: Renderer, character: str, field: str
) -> None:
    with pytest.raises(UnprintableLicence, match="glyph"):
        page(renderer, "business-licence", photo=None, **{field: f"王{character}商店"})


def test_a_long_text_is_set_smaller_and_one_too_long_is_refused(renderer: Renderer) -> None:
    scope = "食品销售；技术服务与技术咨询；农副产品加工；"
    assert scope * 35 in words(page(renderer, "business-licence", KZ_JYFW=scope * 35))
    with pytest.raises(UnprintableLicence, match="does not fit"):
        page(renderer, "business-licence", KZ_JYFW=scope * 60)


@pytest.mark.parametrize("slug", SLUGS)
def test_up_to_three_authorities_stand_under_their_seals(renderer: Renderer, slug: str) -> None:
    authorities = [AUTHORITY, "噶尔县农业农村局", "噶尔县行政审批和便民服务局"]
    text = words(page(renderer, slug, ZZBFJG=authorities))
    assert all(name in text for name in authorities)
    with pytest.raises(Invalid):
        page(renderer, slug, ZZBFJG=[*authorities, "噶尔县教育局"])


def test_a_photo_is_shown_and_a_bad_one_refused(renderer: Renderer) -> None:
    out = BytesIO()
    Image.new("RGB", (300, 400), (200, 30, 30)).save(out, "JPEG")
    made = page(renderer, "road-transport-licence", photo=out.getvalue())
    with pikepdf.open(BytesIO(made)) as pdf:
        images = [o for o in pdf.objects if isinstance(o, pikepdf.Stream) and "/Width" in o]
        assert len(images) == 1
        assert images[0].get("/Interpolate", False) is False
    with pytest.raises(Invalid, match="photo"):
        page(renderer, "road-transport-licence", photo=b"\x89PNG\r\n\x1a\n")


def test_an_attachment_must_be_text_and_the_time_must_have_a_zone(renderer: Renderer) -> None:
    licence_type, metadata = licence("business-licence")
    fixed: dict[str, Any] = {"qr_text": QR_TEXT, "verify_at": VERIFY_AT}
    with pytest.raises(Invalid, match="UTF-8"):
        renderer.render(licence_type, metadata, attachment=b"\xff", at=AT, **fixed)
    naive = datetime(2024, 5, 20)  # noqa: DTZ001 - that is the fault
    with pytest.raises(Invalid, match="zone"):
        renderer.render(licence_type, metadata, attachment=b"{}", at=naive, **fixed)


def test_a_fallback_that_cannot_be_loaded_stops_the_renderer(tmp_path: Path) -> None:
    with pytest.raises((Invalid, Unavailable)):
        Renderer(fallback=tmp_path / "absent.ttf")


def test_a_fallback_font_prints_what_ours_lacks(tmp_path: Path) -> None:
    from fontTools.ttLib import TTFont

    from trust import fonts

    font = TTFont(fonts.REGULAR)
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format == 12:
            table.cmap[0x20BB7] = table.cmap[ord("吉")]
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = "Wide Test"
    font.save(tmp_path / "wide.ttf")
    made = page(Renderer(fallback=tmp_path / "wide.ttf"), "business-licence", CZZT="𠮷野商店")
    assert "𠮷野商店" in words(made)
