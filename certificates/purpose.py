"""For what a licence is looked at or copied: the purpose object of GB/T 36906 (useCause)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trust.errors import Invalid

SYSTEM_MAX: Final = 64
CAUSE_MAX: Final = 200
ITEM_MAX: Final = 64
MATTER_MAX: Final = 200
#: For a service item, and for anything else.
FOR_ITEM, OTHERWISE = "0", "1"
_CODE = re.compile(r"[0-9A-Za-z._:-]*")
#: A purpose goes into the audit log and onto pages: digits that read as somebody's ID number or
#: mobile number do not belong there.
_PERSONAL = re.compile(r"[0-9]{15,17}[0-9Xx]|(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
#: Our name, the standard's name, as systems of the kind write it in JSON.
_NAMES: Final = (
    ("system", "certificateSystemName"), ("cause", "certificateCopyCause"),
    ("category", "certificateCallCategory"), ("item_code", "certificateEventCode"),
    ("matter", "certificateMatterName"),
)  # fmt: skip


class BadPurpose(Invalid):
    """A purpose that says nothing, too much, or something personal."""

    code = "bad_purpose"


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why. `cause` says it in words and always stands; `category` is "0" for a service item, then
    `item_code` names it, and "1" otherwise; `matter` is the matter's name. Made by `purpose`."""

    cause: str
    system: str = ""
    category: str = OTHERWISE
    item_code: str = ""
    matter: str = ""

    def as_json(self) -> dict[str, str]:
        """The five keys of the standard's purpose object."""
        return {theirs: getattr(self, ours) for ours, theirs in _NAMES}


def purpose(
    cause: str, *, system: str = "", category: str = "", item_code: str = "", matter: str = ""
) -> Purpose:
    """A checked purpose; without `category` it follows from the item code. BadPurpose."""
    item = item_code.strip()
    if len(item) > ITEM_MAX or not _CODE.fullmatch(item):
        raise BadPurpose(f"an item code has at most {ITEM_MAX} letters, digits and .:_-")
    chosen = category or (FOR_ITEM if item else OTHERWISE)
    if chosen not in (FOR_ITEM, OTHERWISE) or (chosen == FOR_ITEM and not item):
        raise BadPurpose("the category is 0 with an item code, or 1")
    said = _text("cause", cause, CAUSE_MAX)
    if not said:
        raise BadPurpose("a purpose says in words what the licence is wanted for")
    return Purpose(
        cause=said, system=_text("system", system, SYSTEM_MAX), category=chosen, item_code=item,
        matter=_text("matter", matter, MATTER_MAX),
    )  # fmt: skip


def from_json(content: Mapping[str, object]) -> Purpose:
    """Read the standard's purpose object; unknown keys and other kinds than text are BadPurpose."""
    known = dict((theirs, ours) for ours, theirs in _NAMES)
    if not set(content) <= set(known):
        raise BadPurpose("the purpose has the five keys of GB/T 36906 and no others")
    if not all(isinstance(value, str) for value in content.values()):
        raise BadPurpose("each part of a purpose is a text")
    given = {known[key]: str(value) for key, value in content.items()}
    return purpose(given.pop("cause", ""), **given)


def _text(item: str, value: str, longest: int) -> str:
    if len(value) > longest:
        raise BadPurpose(f"the {item} of a purpose has at most {longest} characters")
    normal = unicodedata.normalize("NFC", value).strip()
    if not normal.isprintable() and normal:
        raise BadPurpose(f"the {item} of a purpose is printable text")
    if _PERSONAL.search(normal):
        raise BadPurpose(f"the {item} of a purpose holds no identity or mobile numbers")
    return normal
