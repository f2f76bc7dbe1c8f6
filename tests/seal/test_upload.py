"""Uploaded pictures: plain shapes are taken over as outlines, everything else is refused."""

import io
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from seal import picture, upload
from seal.appearance import UnusablePicture, appearance
from seal.seal_kinds import Size

SIZE = Size(42, 42)
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"'


def svg(body: str, *, head: str = HEAD, more: str = "") -> bytes:
    return f"{head}{more}>{body}</svg>".encode()


def png(side: int = 300, *, mode: str = "RGB", height: int | None = None) -> bytes:
    """A red ring with a blob in it."""
    image = Image.new(mode, (side, height or side), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((2, 2, side - 3, side - 3), outline="#e60012", width=8)
    draw.ellipse((side / 3, side / 3, side / 2, side / 2), fill="#c01020")
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def ink(data: bytes) -> int:
    """How many square millimetres the outlines' boxes reach over, roughly: not nothing."""
    return len(appearance("SVG", data, width_mm=42, height_mm=42).content)


def test_our_own_drawing_comes_through_as_it_is() -> None:
    drawn = picture.draw(name="阿里地区交通运输局", diameter_mm=42, centre=picture.Centre.STAR)
    again = upload.read(drawn, SIZE)
    assert upload.read(again, SIZE) == again
    assert again.count(b"<path") == drawn.count(b"<path")


@pytest.mark.parametrize(
    "body",
    [
        '<path fill="#e60012" d="m10 10h80v80h-80z"/>',
        '<path d="M50 10a40 40 0 1 0 .1 0z" fill="red"/>',
        '<g transform="translate(10 10) rotate(45 40 40) scale(.5)"><path d="M0 0h80v80Z"/></g>',
        '<g fill="none" stroke="#e60012" stroke-width="3"><circle cx="50" cy="50" r="40"/></g>',
        '<rect x="10" y="10" width="80" height="20"/>',
        '<ellipse cx="50" cy="50" rx="40" ry="20" id="rim"/>',
        '<polygon points="10,10 90,10 50,90"/>',
        '<path d="M10 10q40 80 80 0t-80 0s20 20 30 0"/>',
    ],
)
def test_shapes_of_drawing_programs_become_outlines_in_millimetres(body: str) -> None:
    read = upload.read(svg(body), SIZE)
    assert b'width="42mm"' in read
    assert b"transform" not in read
    assert ink(read) > 20


@pytest.mark.parametrize(
    "data",
    [
        svg("<script>1</script>"),
        svg('<path d="M0 0L9 9" onclick="x()"/>'),
        svg('<image href="http://evil.example/x.png"/>'),
        svg('<use href="#a"/>'),
        svg('<path d="M0 0L9 9Z" style="fill:url(http://evil.example)"/>'),
        svg('<path d="M0 0L9 9Z" fill="url(#g)"/>'),
        svg("<text>假</text>"),
        svg("<style>*{}</style>"),
        svg("<foreignObject/>"),
        svg("<!-- c --><path d='M0 0L9 9Z'/>"),
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("<path d='M0 0L9 9Z'/>"),
        svg("<path d='M0 0L9 9Z'/>", more=' onload="x()"'),
        svg("<svg viewBox='0 0 1 1'/>"),
        svg("<path d='M0 0L9 9Z'/>", head='<svg viewBox="0 0 100 100"'),
        svg(""),
        svg("<path d='M0 0L9 9Z'/>", head='<svg xmlns="http://www.w3.org/2000/svg"'),
        svg("<path d='Q9'/>"),
        svg("<path d='M0 0L1e999 0Z'/>"),
        svg("<path d='M0 0L9 9Z' transform='skewX(3)'/>"),
        svg("<circle r='5%'/>"),
        svg("<g>" * 40 + "</g>" * 40),
        svg("<path d='M0 0L9 9Z'/>" * 2001),
        svg("<path d='M0 0" + "L9 9" * 30_000 + "Z'/>"),
        svg("<path d='M0 0L9 9Z'/>").decode().encode("utf-16"),
        b"\xff\xfe<svg/>",
        b"",
        b"GIF89a",
        b"<svg" + b" " * upload.UPLOAD_MAX,
    ],
    ids=range(28),
)
def test_what_is_not_plain_outlines_is_refused(data: bytes) -> None:
    with pytest.raises(UnusablePicture):
        upload.read(data, SIZE)


def test_a_picture_of_another_shape_is_not_squeezed() -> None:
    wide = svg("<path d='M0 0L9 9L9 0Z'/>", head=HEAD.replace("100 100", "100 90"))
    for data in (wide, png(300, height=260)):
        with pytest.raises(UnusablePicture, match="proportion"):
            upload.read(data, SIZE)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_a_png_is_traced_to_red_outlines(mode: str) -> None:
    traced = upload.read(png(mode=mode), SIZE)
    assert b"#e60012" in traced
    assert traced.count(b"M") >= 3  # two edges of the ring, the blob


def test_a_traced_ring_is_a_ring() -> None:
    found = appearance("SVG", upload.read(png(), SIZE), width_mm=42, height_mm=42).content
    assert b"f*" in found  # even-odd, so that the middle stays empty


def bomb() -> bytes:
    """A PNG that claims 30000 by 30000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + kind + body + checksum

    header = (30000).to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    data = zlib.compress(bytes(3751 * 30000), 9)
    return upload.PNG + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def noise() -> bytes:
    """Every second pixel black: more borders than any seal has."""
    image = Image.frombytes("L", (900, 900), bytes([0, 255] * 405_000)).rotate(45)
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize(
    "data", [upload.PNG, png()[:200], png(100), bomb(), noise()],
    ids=["empty", "cut", "tiny", "bomb", "noise"],
)  # fmt: skip
def test_a_png_that_is_no_seal_is_refused(data: bytes) -> None:
    with pytest.raises(UnusablePicture):
        upload.read(data, SIZE)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60).map(lambda text: svg(f'<path d="{text}"/>')),
        st.text("MmLlHhVvCcSsQqTtAaZz0123456789.-eE, ", max_size=60).map(
            lambda text: svg(f'<path d="{text}"/>')
        ),
        st.text(max_size=40).map(lambda text: svg(f'<g transform="{text}"><path d="M0 0"/></g>')),
        st.binary(max_size=80).filter(lambda data: not data.startswith(upload.PNG)),
    )
)
def test_garbage_is_refused_or_drawn_and_never_anything_else(data: bytes) -> None:
    try:
        read = upload.read(data, SIZE)
    except UnusablePicture:
        return
    appearance("SVG", read, width_mm=42, height_mm=42)
