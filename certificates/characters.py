"""Which characters can be printed on a licence: checked at intake, not found out at the printer.

Python's own Unicode tables are older than GB 18030-2022, so "unassigned" proves nothing here: what
decides is whether a font has the character.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path

from trust import fonts
from trust.errors import Invalid

#: Categories that have no picture of their own, or none that two readers would agree on.
REFUSED = {
    "Cc": "a control character",
    "Cf": "an invisible format character",
    "Cs": "a surrogate",
    "Co": "a private-use character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


class UnprintableCharacter(Invalid):
    """A character of a printed text has no agreed picture, or no font here has it."""

    code = "unprintable_character"

    def __init__(self, character: str, field: str, reason: str) -> None:
        shown = f"“{character}” " if reason.startswith("no font") else ""
        super().__init__(f"{field}: {shown}U+{ord(character):04X} cannot be printed: {reason}")
        self.character = character
        self.field = field


def missing(text: str, files: tuple[Path, ...]) -> tuple[str, ...]:
    """The characters of `text` that none of the fonts has, each once, in order."""
    known = [fonts.code_points(path) for path in files]
    return tuple(
        dict.fromkeys(each for each in text if not any(ord(each) in points for points in known))
    )


def check(text: str, *, field: str, fallback: Path | None = None) -> None:
    """Raise UnprintableCharacter for the first character that cannot be printed.

    Both packaged weights must have it, or the fallback must.
    """
    for character in dict.fromkeys(text):
        reason = _reason(character, fallback)
        if reason is not None:
            raise UnprintableCharacter(character, field, reason)


@lru_cache(maxsize=65_536)
def _reason(character: str, fallback: Path | None) -> str | None:
    """Why it cannot be printed. Remembered: a bulk job asks for the same few thousand, always."""
    refused = REFUSED.get(unicodedata.category(character)) or _selector(character)
    if refused is not None:
        return refused
    extra = () if fallback is None else (fallback,)
    weights = (fonts.REGULAR, fonts.BOLD)
    absent = any(missing(character, (weight, *extra)) for weight in weights)
    return "no font here has it" if absent else None


def _selector(character: str) -> str | None:
    """A variation selector asks for a glyph our fonts cannot promise."""
    point = ord(character)
    if 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF:
        return "a variation selector"
    return None
