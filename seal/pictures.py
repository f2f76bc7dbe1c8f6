"""The page as it was sealed beside the page as the file shows it now."""

import base64
from dataclasses import dataclass
from pathlib import Path

from seal.pdf import anyone, drawing
from seal.pdf.errors import BadPdf
from trust.errors import Unavailable


class CannotDraw(Unavailable):
    """The file's pages take more work than is allowed, or no reader opens them."""

    code = "cannot_draw"


@dataclass(frozen=True, slots=True)
class Pair:
    """One page that looks different: PNG before and after; None where the page is not there."""

    page: int
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Pictures:
    """`pages` before and after; `field` names the signature that the comparison begins from."""

    field: str
    pages: tuple[int, int]
    pairs: tuple[Pair, ...]

    def lines(self) -> list[str]:
        """For people: which pages look different since."""
        if not self.pairs:
            return [f"  页面外观自签章 {self.field} 后未变 The pages look as they did when sealed"]
        numbers = ", ".join(str(pair.page) for pair in self.pairs)
        return [f"  自签章 {self.field} 后外观改变的页 Pages that look different since: {numbers}"]


def draw(data: bytes) -> Pictures | None:
    """What looks different since the first signature after which something was changed.

    None when nothing was appended after any signature, or the file has none. CannotDraw.
    """
    try:
        signed = anyone.signatures(data)
        at = _first_changed(signed)
        if at is None:
            return None
        found = drawing.ask(data, at.end)
    except BadPdf as error:
        raise CannotDraw(f"{error.code} {error.detail}".strip()) from error
    pairs = tuple(
        Pair(int(one["page"]), _bytes(one["before"]), _bytes(one["after"]))
        for one in found["differing"]
    )
    before, after = found["pages"]
    return Pictures(at.field, (int(before), int(after)), pairs)


def _first_changed(signed: list[anyone.Found]) -> anyone.Found | None:
    sound = [one for one in signed if not one.problem]
    return next((one for one in sound if one.after == "changes"), None)


def _bytes(encoded: str | None) -> bytes | None:
    return base64.b64decode(encoded) if encoded is not None else None


def save(pictures: Pictures, directory: Path) -> list[Path]:
    """Write `page-N-before.png` and `page-N-after.png`; the files, in that order."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for pair in pictures.pairs:
        for name, png in (("before", pair.before), ("after", pair.after)):
            if png is not None:
                path = directory / f"page-{pair.page}-{name}.png"
                path.write_bytes(png)
                written.append(path)
    return written
