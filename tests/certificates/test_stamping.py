"""Stamped licences: the same text and the same look as pages rendered whole."""

import re
import struct
import subprocess
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageStat

from certificates import catalogue, licence_json
from certificates.document import Renderer, UnprintableLicence
from certificates.identifier import Identifier
from certificates.models import Authority
from certificates.press import typesetting
from certificates.press.stamping import StampingRenderer
from tests.regions import example
from trust import font_subset, fonts

AT = datetime(2026, 11, 22, 2, 30, 0, tzinfo=UTC)
SLUGS = ("business-licence", "food-business-licence", "road-transport-licence")
OWNER = SimpleNamespace(name="阿里地区市场监督管理局", code="11542500999000056Q")


def arguments(slug: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    """What a renderer is given for one licence."""
    kind = catalogue.find(slug)
    content = catalogue.check(kind, example(slug) | changes, today=AT.date())
    known = Identifier(kind.code, OWNER.code, f"{number:012d}")
    metadata = licence_json.complete(
        kind, content, [cast(Authority, OWNER)], known,
        number=str(content.get("ZZBH") or catalogue.number(kind, content, number, "542500")),
        previous=None, at=AT,
    )  # fmt: skip
    return {
        "licence_type": kind, "metadata": metadata, "attachment": b'{"number":%d}' % number,
        "qr_text": f"http://localhost:8000/v#{number:05d}" + "Ab3" * 110,
        "verify_at": "http://localhost:8000/verify", "at": AT,
    }  # fmt: skip


@pytest.fixture(scope="module")
def stamping() -> StampingRenderer:
    return StampingRenderer(whole_first=0)


@pytest.fixture(scope="module")
def whole() -> Renderer:
    return Renderer()


def text(pdf: bytes, path: Path) -> str:
    """What a reader copies out, by poppler, in the order of the stream."""
    path.write_bytes(pdf)
    shown = subprocess.run(["pdftotext", "-raw", str(path), "-"], check=True, capture_output=True)
    return "".join(shown.stdout.decode().split())


def picture(pdf: bytes) -> Image.Image:
    document: Any = cast(Any, pypdfium2).PdfDocument(pdf)
    try:
        return cast(Image.Image, document[0].render(scale=1.0).to_pil().convert("L"))
    finally:
        document.close()


def difference(one: bytes, other: bytes) -> float:
    """The mean difference of grey levels (0 to 255)."""
    found = ImageStat.Stat(ImageChops.difference(picture(one), picture(other)))
    return float(found.mean[0])


def rendered(
    stamping: StampingRenderer, whole: Renderer, given: dict[str, Any]
) -> tuple[bytes, bytes]:
    before = stamping.stamped
    found = stamping.render(**given), whole.render(**given)
    assert stamping.stamped == before + 1, "it was rendered whole"
    return found


@pytest.mark.parametrize("slug", SLUGS)
def test_a_stamped_licence_has_the_text_and_look_of_a_whole_one(
    slug: str, stamping: StampingRenderer, whole: Renderer, tmp_path: Path
) -> None:
    stamped, page = rendered(stamping, whole, arguments(slug, 7))
    assert text(stamped, tmp_path / "s.pdf") == text(page, tmp_path / "w.pdf")
    # One line more or less in a long text is 6; a page without its text 8 and more.
    assert difference(stamped, page) < 2.0


@pytest.mark.parametrize(
    "changes",
    [
        {"CZZT": "阿里地区甲乙丙丁戊己庚辛壬癸云计算信息科技有限责任公司狮泉河镇第二分公司"},
        {"KZ_JYFW": "食品销售"},
        {"KZ_JYFW": "许可项目：" + "食品销售；餐饮服务（依法须经批准的项目）。" * 12},
        {"KZ_ZCZB": "AV1,000.50 万元（人民币）"},
        {"KZ_ZFB": "1"},
    ],
    ids=["long name", "short scope", "long scope", "Latin", "another choice"],
)
def test_texts_of_any_length_stand_where_the_template_puts_them(
    changes: dict[str, str], stamping: StampingRenderer, whole: Renderer, tmp_path: Path
) -> None:
    stamped, page = rendered(stamping, whole, arguments("business-licence", 9, **changes))
    assert text(stamped, tmp_path / "s.pdf") == text(page, tmp_path / "w.pdf")
    assert difference(stamped, page) < 4.0


def test_the_same_licence_stamped_twice_is_the_same_to_the_byte(
    stamping: StampingRenderer, whole: Renderer
) -> None:
    given = arguments("food-business-licence", 3)
    first, _ = rendered(stamping, whole, given)
    assert stamping.render(**given) == first
    assert StampingRenderer(whole_first=0).render(**given) == first


_ID = re.compile(r"(?<=(?:stanceID|cumentID)>)[^<]*")


def test_data_and_metadata_are_those_of_the_licence(
    stamping: StampingRenderer, whole: Renderer
) -> None:
    given = arguments("road-transport-licence", 5)
    stamped, page = rendered(stamping, whole, given)
    with pikepdf.open(BytesIO(stamped)) as one, pikepdf.open(BytesIO(page)) as other:
        assert bytes(one.attachments["licence.json"].get_file().read_bytes()) == given["attachment"]
        assert {k: str(v) for k, v in one.docinfo.items()} == {
            k: str(v) for k, v in other.docinfo.items()
        }
        packets = [found.Root.Metadata.read_bytes().decode() for found in (one, other)]
        for token in ("@TITLE@", "@KEYWORDS@", "@TIME@", "@INSTANCE@", "龙甲"):
            assert token not in packets[0]
        one_form, other_form = (_ID.sub("", packet) for packet in packets)
        assert one_form == other_form
        assert one.Root.MarkInfo.Marked
        assert one.Root.StructTreeRoot.keys() == other.Root.StructTreeRoot.keys()


def test_nothing_of_a_mark_or_of_another_licence_is_in_the_file(
    stamping: StampingRenderer, whole: Renderer, tmp_path: Path
) -> None:
    rendered(stamping, whole, arguments("business-licence", 1, CZZT="先前公司"))
    stamped, _ = rendered(stamping, whole, arguments("business-licence", 2, CZZT="后来公司"))
    shown = text(stamped, tmp_path / "s.pdf")
    assert "后来公司" in shown
    assert "先前公司" not in shown
    assert "龙甲" not in shown
    assert "国国国" not in shown


def test_what_cannot_be_stamped_is_rendered_whole() -> None:
    """A page with a photo, and a character that the packaged typeface lacks."""
    renderer = StampingRenderer(whole_first=0)
    given = arguments("business-licence", 1)
    renderer.render(**given)
    picture = BytesIO()
    Image.new("RGB", (30, 40), "white").save(picture, "JPEG")
    renderer.render(**given, photo=picture.getvalue())
    given["metadata"] = given["metadata"] | {"KZ_FDDBR": "王\U00031350"}
    with pytest.raises(UnprintableLicence):
        renderer.render(**given)
    assert (renderer.stamped, renderer.whole) == (1, 2)


def test_the_first_pages_of_a_type_are_rendered_whole() -> None:
    renderer = StampingRenderer(whole_first=2)
    for number in range(1, 6):
        renderer.render(**arguments("food-business-licence", number))
    # Two of the type, one to learn it and see its shape once: the next are stamped.
    assert (renderer.whole, renderer.stamped) == (3, 2)


def test_a_subset_font_draws_what_its_characters_are(tmp_path: Path) -> None:
    face = font_subset.open_face(fonts.REGULAR)
    glyphs = [0, *(face.glyphs[ord(c)] for c in "营业执照àñ")]
    made = font_subset.subset(face, glyphs)
    assert made == font_subset.subset(face, glyphs)
    assert sum(struct.unpack(f">{len(made) // 4}I", made)) & 0xFFFFFFFF == 0xB1B0AFBA
    path = tmp_path / "subset.ttf"
    path.write_bytes(made)
    with fonts.open_font(path) as small, fonts.open_font(fonts.REGULAR) as large:
        order, names = small.getGlyphOrder(), large.getGlyphOrder()
        for new, old in enumerate(glyphs):
            one, other = small["glyf"][order[new]], large["glyf"][names[old]]
            drawn = [each[0] for each in (one.getCoordinates(small["glyf"]),
                                          other.getCoordinates(large["glyf"]))]  # fmt: skip
            assert list(drawn[0]) == list(drawn[1])


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    scope = (
        "许可项目：种畜禽生产；道路货物运输（不含危险货物）。（依法须经批准的项目）ABC 123456。" * 4
    )
    for width in range(3000, 12000, 500):
        for justified in (True, False):
            lines = typesetting.wrap(scope, fonts.REGULAR, width=width, justified=justified)
            assert "".join(lines).replace(" ", "") == scope.replace(" ", "")
            assert not any(line[0] in typesetting.CLOSING for line in lines)
            assert not any(line[-1] in typesetting.OPENING for line in lines)
            assert not any("123456"[:3] == line[-3:] for line in lines[:-1])
