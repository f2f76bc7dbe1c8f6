"""Reading QR codes from pictures and pages: zxing-cpp, behind caps on bytes and pixels."""

import io
import struct
import zlib
from threading import Lock
from typing import Any

import pypdfium2
import zxingcpp
from PIL import Image, UnidentifiedImageError

from trust.errors import Invalid

IMAGE_MAX = 20 * 1024 * 1024
PIXELS_MAX = 40_000_000
SIDE_MAX = 4000
PAGE_POINTS_MAX = 1300  # A3 and a little
#: What Pillow raises for broken, unknown and oversized pictures.
_NO_PICTURE = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError,
    EOFError, IndexError, struct.error, zlib.error,
)  # fmt: skip
_SCALES = (150 / 72, 250 / 72)
#: PDFium is not thread-safe.
_PDFIUM = Lock()


class NoCode(Invalid):
    """No QR code can be read, or the picture is none."""

    code = "qr_unreadable"


def from_image(data: bytes) -> str:
    """The text of the one QR code in a picture (PNG, JPEG, WebP, GIF, BMP); NoCode."""
    if len(data) > IMAGE_MAX:
        raise NoCode(f"picture over {IMAGE_MAX} bytes")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF", "BMP")) as image:
            if image.width * image.height > PIXELS_MAX:
                raise NoCode("picture with too many pixels")
            image.thumbnail((SIDE_MAX, SIDE_MAX))
            return _decode(image.convert("L"))
    except _NO_PICTURE as error:
        raise NoCode("not a picture that can be read") from error


def from_pdf(data: bytes) -> str:
    """The text of the QR code on a PDF's first page; NoCode. Only for files already verified."""
    for scale in _SCALES:
        try:
            return _decode(_first_page(data, scale))
        except NoCode:
            continue
    raise NoCode("no QR code on the page")


def _first_page(data: bytes, scale: float) -> Image.Image:
    try:
        with _PDFIUM:
            pdf = pypdfium2.PdfDocument(data)
            try:
                page = pdf[0]
                if max(page.get_size()) > PAGE_POINTS_MAX:
                    raise NoCode("the page is too large")
                return page.render(scale=scale, grayscale=True).to_pil()
            finally:
                pdf.close()
    except (pypdfium2.PdfiumError, ValueError, IndexError) as error:
        raise NoCode("the page cannot be shown") from error


def _decode(image: Image.Image) -> str:
    wanted: Any = zxingcpp.BarcodeFormat.QRCode  # its stubs ask for a type that it does not take
    found = zxingcpp.read_barcodes(image, formats=wanted)
    texts = {code.text for code in found if code.valid}
    if len(texts) != 1:
        raise NoCode("no QR code, or several")
    return str(texts.pop())
