"""Pictures from anyone: read, or refused in bounded time."""

import io
import struct
import warnings
import zlib

import pytest
from PIL import Image

from certificates import qr_drawing, qr_reading
from certificates.qr_reading import NoCode

TEXT = "https://trust.example.gov.cn/v#oRRog"


def picture(form: str, *, size: int | None = None) -> bytes:
    drawn = qr_drawing.picture(TEXT)
    if size:
        drawn = drawn.resize((size, size))
    out = io.BytesIO()
    drawn.save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_code_is_read_from_a_picture(form: str) -> None:
    assert qr_reading.from_image(picture(form)) == TEXT


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that says it is `side` pixels square."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * min(side, 2000)), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF____WEBP",
        picture("PNG")[:200], picture("JPEG")[:200], bomb(9_000), bomb(20_000), bomb(60_000),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", bytes(21 * 1024 * 1024),
    ],
)  # fmt: skip
def test_what_is_no_readable_picture_is_refused(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(NoCode):
            qr_reading.from_image(data)


def test_two_codes_in_one_picture_are_refused() -> None:
    one = qr_drawing.picture(TEXT)
    other = qr_drawing.picture(TEXT + "x")
    both = Image.new("L", (one.width + other.width + 40, max(one.height, other.height)), 255)
    both.paste(one, (0, 0))
    both.paste(other, (one.width + 40, 0))
    out = io.BytesIO()
    both.save(out, "PNG")
    with pytest.raises(NoCode):
        qr_reading.from_image(out.getvalue())
