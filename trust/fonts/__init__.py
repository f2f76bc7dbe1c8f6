"""The packaged typeface (a subset of Noto Serif SC, SIL OFL) and what characters it has.

It lies on the lowest floor because both the seal picture and the licence page are set in it.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont, TTLibError

from trust.errors import Invalid

DIRECTORY = Path(__file__).parent
FAMILY = "Trust Serif SC"
REGULAR = DIRECTORY / "TrustSerifSC-Regular.ttf"
BOLD = DIRECTORY / "TrustSerifSC-Bold.ttf"
#: 通用规范汉字表 (2013), 8,105 characters in its order, 50 a line.
TGH = DIRECTORY / "tgh8105.txt"

#: File names tried, best first, where an operator installed a wide fallback font.
FALLBACKS = (
    "HanaMinB.ttf",
    "HanaMinA.ttf",
    "NotoSerifCJK-Regular.ttc",
)


def open_font(path: Path) -> TTFont:
    """Open a font file; Invalid when it is missing or not a font."""
    try:
        return TTFont(path, fontNumber=0, lazy=True)
    except (OSError, TTLibError) as error:
        raise Invalid(f"{path.name} is not a usable font file") from error


@lru_cache(maxsize=8)
def code_points(path: Path) -> frozenset[int]:
    """The code points for which the font at `path` has a glyph."""
    with open_font(path) as font:
        return frozenset(font.getBestCmap() or {})


@lru_cache(maxsize=8)
def family(path: Path) -> str:
    """The family name written in the font at `path`."""
    with open_font(path) as font:
        names: Any = font["name"]
        name = names.getBestFamilyName()
    if not name:
        raise Invalid(f"{path.name} has no family name")
    return str(name)


def find_fallback(root: Path = Path("/usr/share/fonts")) -> Path | None:
    """The best wide font installed under `root`, or None. Looked up once, at start."""
    found = {path.name: path for path in sorted(root.rglob("*.tt[fc]"), reverse=True)}
    return next((found[name] for name in FALLBACKS if name in found), None)
