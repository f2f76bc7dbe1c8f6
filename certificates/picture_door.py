"""Reading a QR code from anyone's picture, in a process of its own (`trust.confined`).

A picture of 40 kB can keep a QR reader busy for half a minute, and one of 2 kB unpack to a
gigabyte; so this runs as `python -m certificates.picture_door < picture` and prints JSON.
"""

import io
import json
import struct
import sys
import zlib
from typing import Any

import zxingcpp
from PIL import Image, UnidentifiedImageError

from trust import confined

SECONDS, MEMORY = 5, 1536 * 1024 * 1024
PIXELS_MAX, SIDE_MAX = 60_000_000, 3000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
#: What Pillow raises for broken, unknown and oversized pictures.
_NO_PICTURE = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError,
    EOFError, IndexError, struct.error, zlib.error,
)  # fmt: skip


def texts(image: Image.Image) -> set[str]:
    """The texts of all QR codes in a picture."""
    wanted: Any = zxingcpp.BarcodeFormat.QRCode  # its stubs ask for a type that it does not take
    return {str(code.text) for code in zxingcpp.read_barcodes(image, formats=wanted) if code.valid}


def read(data: bytes) -> set[str]:
    """The texts in an encoded picture; none for what is no picture."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                return set()
            image.draft("L", (SIDE_MAX, SIDE_MAX))  # a JPEG is made smaller while it is decoded
            image.thumbnail((SIDE_MAX, SIDE_MAX))
            return texts(image.convert("L"))
    except _NO_PICTURE:
        return set()


if __name__ == "__main__":
    confined.limit(seconds=SECONDS, memory=MEMORY)
    json.dump(sorted(read(sys.stdin.buffer.read())), sys.stdout)
