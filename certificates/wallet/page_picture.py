"""A licence's page as a picture, for a screen. Only of files of our own store: whoever may look at
the file may look at its picture."""

from io import BytesIO
from typing import Any, Final

import pypdfium2

from certificates.qr_reading import PDFIUM
from trust.errors import Unavailable

#: Pixels across: sharp on a phone, small enough to fetch there.
WIDTH: Final = 1240


def png(pdf: bytes, *, width: int = WIDTH) -> bytes:
    """The first page with its seals, as PNG; Unavailable when it cannot be drawn."""
    opener: Any = pypdfium2.PdfDocument  # untyped
    try:
        with PDFIUM:
            document = opener(pdf)
            try:
                document.init_forms()  # or the seals, which are form fields, would not be drawn
                page = document[0]
                scale = width / page.get_size()[0]
                image = page.render(scale=scale, may_draw_forms=True).to_pil()
            finally:
                document.close()
    except (pypdfium2.PdfiumError, ValueError, IndexError) as error:
        raise Unavailable("the page cannot be drawn") from error
    out = BytesIO()
    image.convert("P", palette=1, colors=128).save(out, "PNG", optimize=False)
    return out.getvalue()
