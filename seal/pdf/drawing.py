"""Pages of anyone's PDF drawn before and after a change, in a process of its own (PDFium).

`python -m seal.pdf.drawing < input`: eight bytes with the length of the sealed revision, then the
whole file. Strangers' pages are drawn nowhere else: a page can keep a renderer busy for minutes or
take gigabytes, so time, memory, pages and pixels are limited (`trust.confined`).
"""

import base64
import io
import json
import sys
from typing import Any

from seal.pdf.errors import BadPdf
from trust import confined

SECONDS, MEMORY = 20, 1536 * 1024 * 1024
#: Looked at, shown, and the largest picture in pixels.
PAGES_MAX, SHOWN_MAX, PIXELS_MAX = 40, 4, 4_000_000
_OUTPUT_MAX = 64 * 1024 * 1024
_LOOK, _SHOW = 1.0, 110 / 72
#: Two renderings of one content differ by less; a comma differs by more.
_STEP, _RED = 24, (220, 0, 0)


def ask(data: bytes, sealed: int) -> dict[str, Any]:
    """What `_compare` answers for a file and the length of its sealed revision; BadPdf.

    {"pages": [before, after], "differing": [{"page", "before", "after" (PNG, base64, or null),
    "box": [left, top, right, bottom] in pixels of `after`, or null}]}
    """
    try:
        answer = confined.run(
            "seal.pdf.drawing", sealed.to_bytes(8, "big") + data, seconds=SECONDS,
            output_max=_OUTPUT_MAX,
        )  # fmt: skip
    except confined.Overrun as error:
        raise BadPdf("too_complex", str(error)) from error
    except confined.Stumbled as error:
        raise BadPdf("malformed", str(error)) from error
    found: dict[str, Any] = json.loads(answer)
    return found


# --- in the other process ----------------------------------------------------------------------


def _main() -> None:
    confined.limit(seconds=SECONDS, memory=MEMORY)
    given = sys.stdin.buffer.read()
    sealed, data = int.from_bytes(given[:8], "big"), given[8:]
    json.dump(_compare(data[:sealed], data), sys.stdout)


def _compare(before: bytes, after: bytes) -> dict[str, Any]:
    """The pages that look different, at most SHOWN_MAX of them, each in two pictures."""
    old, new = _opened(before), _opened(after)
    counts = [len(old) if old else 0, len(new) if new else 0]
    found: list[dict[str, Any]] = []
    for number in range(min(max(counts), PAGES_MAX)):
        looks = [_page(pdf, number, _LOOK) for pdf in (old, new)]
        if looks[0] is not None and looks[1] is not None and _box(*looks) is None:
            continue
        first, second = (_page(pdf, number, _SHOW) for pdf in (old, new))
        box = _box(first, second) if first is not None and second is not None else None
        found.append({
            "page": number + 1, "before": _png(first, box), "after": _png(second, box), "box": box,
        })  # fmt: skip
        if len(found) == SHOWN_MAX:
            break
    return {"pages": counts, "differing": found}


def _opened(data: bytes) -> Any:
    import pypdfium2

    opener: Any = pypdfium2.PdfDocument  # untyped
    try:
        pdf = opener(data)
        pdf.init_forms()  # or the seals, which are form fields, would not be drawn
    except pypdfium2.PdfiumError:
        return None
    return pdf


def _page(pdf: Any, number: int, scale: float) -> Any:
    """A page as a picture, smaller than asked for where it would be too large; None without it."""
    import pypdfium2

    if pdf is None or number >= len(pdf):
        return None
    try:
        page = pdf[number]
        width, height = page.get_size()
        pixels = max(width * height, 1.0)
        scale = min(scale, (PIXELS_MAX / pixels) ** 0.5)
        return page.render(scale=scale, may_draw_forms=True).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, ValueError, MemoryError):
        return None


def _box(one: Any, two: Any) -> list[int] | None:
    """Where two pictures differ; the whole of it when their sizes do."""
    from PIL import ImageChops

    if one.size != two.size:
        return [0, 0, *two.size]
    differing = ImageChops.difference(one, two).convert("L").point(lambda v: 255 * (v > _STEP))
    box = differing.getbbox()
    return list(box) if box else None


def _png(image: Any, box: list[int] | None) -> str | None:
    """The picture with a red frame around what differs."""
    from PIL import ImageDraw

    if image is None:
        return None
    if box is not None:
        frame = (box[0] - 4, box[1] - 4, box[2] + 4, box[3] + 4)
        ImageDraw.Draw(image).rectangle(frame, outline=_RED, width=2)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False)
    return base64.b64encode(out.getvalue()).decode()


if __name__ == "__main__":
    _main()
