import math
import re
from io import BytesIO

import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seal import appearance as module
from seal.picture import (
    Centre,
    Rank,
    UndrawableSeal,
    UnusablePicture,
    appearance,
    diameter_mm,
    draw,
)

NAMES = (
    "噶尔县人民政府",
    "阿里雪域高原生态农牧科技有限公司",
    "西藏自治区阿里地区噶尔县狮泉河镇人民政府办公室",
)
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="42mm" height="42mm" viewBox="0 0 42 42">'
    b'<path fill="#e60012" d="M0 0L42 0L42 42L0 42Z"/></svg>'
)


def picture(name: str, *, diameter: float = 42, purpose: str = "", number: str = "") -> Image.Image:
    """The seal as grey pixels, 10 a millimetre, by way of its PDF operators."""
    centre = Centre.NONE if purpose else Centre.STAR
    drawn = draw(name=name, diameter_mm=diameter, centre=centre, purpose=purpose, number=number)
    made = appearance("svg", drawn, width_mm=diameter, height_mm=diameter)
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(made.width_pt, made.height_pt))
        page.Contents = pdf.make_stream(made.content)
        out = BytesIO()
        pdf.save(out)
    pages = pypdfium2.PdfDocument(out.getvalue())  # type: ignore[no-untyped-call]
    image: Image.Image = pages[0].render(scale=10).to_pil()
    return image.resize((round(diameter * 10),) * 2).convert("L")


def dark_share(image: Image.Image, inner: float, outer: float, start: float, end: float) -> float:
    """Share of ink between two radii (mm) and two clockwise angles from the top (degrees)."""
    middle, hits, all_ = image.width / 2, 0, 0
    for step in range(400):
        angle = math.radians(start + (end - start) * step / 400)
        for part in range(20):
            radius = 10 * (inner + (outer - inner) * part / 20)
            x, y = middle + radius * math.sin(angle), middle - radius * math.cos(angle)
            hits += int(image.getpixel((int(x), int(y))) < 160)  # type: ignore[operator]
            all_ += 1
    return hits / all_


@pytest.mark.parametrize(
    ("rank", "diameter"),
    [
        (Rank.STATE_COUNCIL, 60),
        (Rank.PROVINCE, 50),
        (Rank.VICE_MINISTRY, 45),
        (Rank.LOCAL_GOVERNMENT, 45),
        (Rank.COMMISSIONERS_OFFICE, 45),
        (Rank.TOWNSHIP, 42),
        (Rank.ENTERPRISE, 42),
        (Rank.SPECIAL, 40),
    ],
)
def test_the_diameter_follows_the_owner(rank: Rank, diameter: float) -> None:
    assert diameter_mm(rank) == diameter


def test_every_rank_has_a_diameter_that_can_be_drawn() -> None:
    for rank in Rank:
        draw(name="噶尔县人民政府", diameter_mm=diameter_mm(rank), centre=Centre.STAR)


@pytest.mark.parametrize("name", NAMES)
def test_a_seal_is_one_svg_of_paths_the_same_every_time(name: str) -> None:
    first = draw(name=name, diameter_mm=42, centre=Centre.STAR, number="5425210012345")
    assert first == draw(name=name, diameter_mm=42, centre=Centre.STAR, number="5425210012345")
    assert set(re.findall(rb"<(\w+)", first)) == {b"svg", b"path"}
    assert b'width="42mm" height="42mm"' in first
    assert len(first) < 64 * 1024


@pytest.mark.parametrize("name", NAMES)
def test_the_rim_is_closed_and_the_ground_before_the_name_empty(name: str) -> None:
    image = picture(name)
    assert dark_share(image, 19.95, 20.85, 0, 360) > 0.99
    assert dark_share(image, 19.15, 19.6, 0, 360) < 0.01


@pytest.mark.parametrize("name", NAMES)
def test_the_name_leaves_the_bottom_to_the_number(name: str) -> None:
    image = picture(name, number="542521001234567890")
    assert dark_share(image, 14.5, 18.5, -60, 60) > 0.1
    assert dark_share(image, 16.0, 19.2, 160, 200) > 0.05
    for start in (130, 222):
        assert dark_share(image, 12, 19.3, start, start + 8) < 0.01


def test_the_star_is_14_mm_across_at_42_mm() -> None:
    image = picture("噶尔县人民政府")
    assert dark_share(image, 0.1, 2.6, 0, 360) == 1
    assert dark_share(image, 6.0, 6.6, -0.5, 0.5) > 0.9
    assert dark_share(image, 7.1, 8.5, 0, 360) == 0


def test_a_special_seal_has_its_purpose_instead_of_a_star() -> None:
    image = picture(
        "噶尔县市场监督管理局", diameter=40, purpose="行政审批专用章", number="5425210012346"
    )
    for side in (90, 270):
        assert dark_share(image, 3.0, 8.0, side - 8, side + 8) > 0.1
    assert dark_share(image, 4.5, 9.0, 160, 200) == 0


@pytest.mark.parametrize(
    "words",
    [
        {"name": "阿"},
        {"name": "阿" * 31},
        {"name": "阿" * 41},
        {"name": "王𠮷商店"},
        {"name": "噶尔\n县"},
        {"name": "噶尔县", "purpose": "专" * 13},
        {"name": "噶尔县", "number": "1" * 19},
        {"name": "噶尔县", "number": "一二三"},
        {"name": "噶尔县", "diameter_mm": 29.0},
        {"name": "噶尔县", "diameter_mm": 61.0},
        {"name": "噶尔县", "diameter_mm": math.nan},
    ],
)
def test_words_that_do_not_fit_are_refused(words: dict[str, object]) -> None:
    with pytest.raises(UndrawableSeal):
        draw(**({"diameter_mm": 42.0, "centre": Centre.STAR, "number": "123"} | words))  # type: ignore[arg-type]


def test_an_appearance_fills_its_box_in_points_and_turns_the_y_axis() -> None:
    made = appearance("SVG", SVG.replace(b"M0 0L42 0L42 42L0 42Z", b"M0 0L42 0L0 21Z"),
                      width_mm=42, height_mm=42)  # fmt: skip
    assert made.width_pt == made.height_pt == pytest.approx(119.055, abs=0.001)
    assert made.content == b"q\n0.9 0 0.07 rg\n0 119.06 m\n119.06 119.06 l\n0 59.53 l\nh\nf\nQ\n"


def test_a_box_of_another_shape_keeps_the_pictures_shape() -> None:
    made = appearance("svg", SVG, width_mm=42, height_mm=84)
    assert b"0 178.58 m" in made.content
    assert b"119.06 59.53 l" in made.content


def test_a_quadratic_curve_becomes_the_cubic_with_the_same_shape() -> None:
    made = appearance(
        "svg", SVG.replace(b"L42 0L42 42L0 42", b"Q21 42 42 0"), width_mm=42, height_mm=42
    )
    assert b"39.69 39.69 79.37 39.69 119.06 119.06 c" in made.content


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        SVG[:-3],
        SVG + SVG,
        SVG.replace(b"path", b"image"),
        SVG.replace(b"<path", b"<g><path").replace(b"/></svg>", b"/></g></svg>"),
        b"<!DOCTYPE svg [<!ENTITY a 'b'>]>" + SVG,
        b'<?xml version="1.0"?><?xml-stylesheet href="x"?>' + SVG,
        SVG.replace(b"/>", b">text</path>"),
        SVG.replace(b"/>", b"><path d='M0 0Z'/></path>").replace(b"path d='", b"script d='"),
        SVG.replace(b'fill="#e60012"', b'fill="url(#a)"'),
        SVG.replace(b'fill="#e60012"', b'style="fill:red"'),
        SVG.replace(b'fill="#e60012"', b'onclick="x()"'),
        SVG.replace(b'fill="#e60012"', b'fill-rule="odd"'),
        SVG.replace(b"M0 0L42 0L42 42L0 42Z", b"M0 0l1 1"),
        SVG.replace(b"M0 0L42 0L42 42L0 42Z", b"L0 0"),
        SVG.replace(b"M0 0L42 0L42 42L0 42Z", b"M0 0L1"),
        SVG.replace(b"M0 0L42 0L42 42L0 42Z", b"M0 1e9"),
        SVG.replace(b"M0 0L42 0L42 42L0 42Z", b"M0 0Z1 1"),
        SVG.replace(b"M0 0L42 0L42 42L0 42Z", b"M0 NaN"),
        SVG.replace(b'viewBox="0 0 42 42"', b'viewBox="0 0 0 42"'),
        SVG.replace(b'viewBox="0 0 42 42"', b""),
        SVG.replace(b"http://www.w3.org/2000/svg", b"urn:x"),
        SVG.replace(b"Z", b"L1 1" * 30_000),
        SVG.replace(b"Z", b"Z" * 20_000),
        SVG.decode().encode("utf-16"),
        b"\xff" + SVG,
        SVG.replace(b"Z\"", b"Z\" \0"),
    ],
)  # fmt: skip
def test_anything_but_plain_paths_is_refused(data: bytes) -> None:
    with pytest.raises(UnusablePicture):
        appearance("svg", data, width_mm=42, height_mm=42)


def test_other_kinds_of_picture_are_refused_by_name() -> None:
    with pytest.raises(UnusablePicture, match="only SVG pictures can be applied"):
        appearance("png", b"\x89PNG", width_mm=42, height_mm=42)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60), st.integers(0, len(SVG)), st.integers(0, 20))
def test_garbage_is_refused_or_drawn_but_never_crashes(junk: bytes, at: int, cut: int) -> None:
    data = SVG[:at] + junk + SVG[at + cut :]
    try:
        made = appearance("svg", data, width_mm=42, height_mm=42)
    except UnusablePicture:
        return
    assert re.fullmatch(rb"[-0-9. qQrgRGwmlchfSB*\n]+", made.content)
    assert len(data) <= module.MAX_BYTES


def test_a_picture_is_worked_out_once() -> None:
    first = appearance("svg", SVG, width_mm=40, height_mm=40)
    assert appearance("svg", SVG, width_mm=40, height_mm=40) is first
