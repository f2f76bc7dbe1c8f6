"""Reading QR codes from pictures and pages: zxing-cpp, behind caps on bytes and pixels."""

import json
from threading import BoundedSemaphore, Lock

import pypdfium2
from PIL import Image

from certificates import picture_door
from trust import confined
from trust.errors import Invalid

IMAGE_MAX = 20 * 1024 * 1024
PAGE_POINTS_MAX = 1300  # A3 and a little
_SCALES = (150 / 72, 250 / 72)
#: PDFium is not thread-safe.
PDFIUM = Lock()
_DOORS = BoundedSemaphore(2)


class NoCode(Invalid):
    """No QR code can be read, or the picture is none."""

    code = "qr_unreadable"


def from_image(data: bytes) -> str:
    """The text of the one QR code in a picture (PNG, JPEG, WebP, GIF, BMP); NoCode.

    Read in a process of its own, two at a time: pictures come from anyone.
    """
    if len(data) > IMAGE_MAX:
        raise NoCode(f"picture over {IMAGE_MAX} bytes")
    try:
        with _DOORS:
            answer = confined.run(
                "certificates.picture_door", data, seconds=picture_door.SECONDS, output_max=65536
            )
    except (confined.Overrun, confined.Stumbled) as error:
        raise NoCode("the picture takes more work than is allowed") from error
    return _only(set(json.loads(answer)))


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
        with PDFIUM:
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
    return _only(picture_door.texts(image))


def _only(texts: set[str]) -> str:
    if len(texts) != 1:
        raise NoCode("no QR code, or several")
    return texts.pop()
