"""A QR symbol as one vector path (ISO/IEC 18004): no seams between modules, small, sharp."""

import re
from typing import Any

import zxingcpp
from PIL import Image

from trust.errors import Invalid

#: What a phone still reads well from 40 mm of paper.
MAX_VERSION = 15
MAX_TEXT = 2000
_DARK = re.compile(b"\x00+")


def draw(text: str) -> str:
    """The symbol for `text` at level M as an SVG, one unit a module, without quiet zone.

    Raises Invalid when the text is empty or needs more than version 15.
    """
    side, runs = dark_runs(text)
    # Runs of dark modules, all in one path: edges that touch cancel out, so no seam can show.
    path = "".join(
        f"M{start} {row}h{end - start}v1H{start}z"
        for row, spans in enumerate(runs)
        for start, end in spans
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" '
        f'viewBox="0 0 {side} {side}"><path d="{path}"/></svg>'
    )


def dark_runs(text: str) -> tuple[int, list[list[tuple[int, int]]]]:
    """The symbol's side in modules, and of each row where runs of dark modules begin and end."""
    if not 0 < len(text) <= MAX_TEXT:
        raise Invalid(f"a QR text has 1 to {MAX_TEXT} characters")
    try:
        # `ec_level` must be its own argument: inside `options` it is silently ignored.
        barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    except (ValueError, RuntimeError) as error:
        raise Invalid("the QR text cannot be encoded") from error
    image: Any = barcode.to_image(scale=1, add_quiet_zones=False)
    drawn, side = memoryview(image).tobytes(), int(image.shape[0])
    if (side - 17) // 4 > MAX_VERSION:
        raise Invalid(f"the QR code would be larger than version {MAX_VERSION}")
    return side, [
        [match.span() for match in _DARK.finditer(drawn[row * side : (row + 1) * side])]
        for row in range(side)
    ]


def picture(text: str, *, scale: int = 6) -> Image.Image:
    """The symbol as a picture with its quiet zone, for screens and for trying a reader."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: Any = barcode.to_image(scale=scale, add_quiet_zones=True)
    drawn = memoryview(image)
    height, width = image.shape
    return Image.frombytes("L", (width, height), drawn.tobytes())
