"""An uploaded picture of a seal, brought into our own form: outlines, flat colours, nothing else.

What comes out holds no script, reference, text or style, whatever went in: it is written anew from
the outlines that were read. PNG is traced in a process of its own (seal.png_door).
"""

import base64

from seal import png_door, svg_upload
from seal.appearance import UnusablePicture, appearance
from seal.seal_kinds import Size
from trust import confined

UPLOAD_MAX = 512 * 1024
PNG = b"\x89PNG\r\n\x1a\n"


def read(data: bytes, size: Size) -> bytes:
    """An SVG of our own form, in millimetres, from an uploaded SVG or PNG; UnusablePicture.

    The picture's sides must be in the proportion of `size` within 2 %: nothing is squeezed.
    """
    if len(data) > UPLOAD_MAX:
        raise UnusablePicture(f"a seal's picture has at most {UPLOAD_MAX} bytes")
    svg = svg_upload.convert(_trace(data) if data.startswith(PNG) else data, size)
    appearance("SVG", svg, width_mm=size.width, height_mm=size.height)  # what sealing will draw
    return svg


def from_base64(text: str) -> bytes:
    """An upload as JSON carries it; UnusablePicture."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise UnusablePicture("the picture is not Base64") from error


def _trace(data: bytes) -> bytes:
    try:
        return confined.run("seal.png_door", data, seconds=png_door.SECONDS, output_max=UPLOAD_MAX)
    except confined.Overrun as error:
        raise UnusablePicture("the picture takes more work than is allowed") from error
    except confined.Stumbled as error:
        raise UnusablePicture("the picture is no PNG of a seal that can be traced") from error
