"""What marks a copy (加注件, GB/T 36901): its number, its items, who may seal it.

`licence.json` of a copy is the original's with the four items JZJ* of GB/T 36903 added to `licence`
and, beside it, `copy`: `{"number", "original", "file", "purpose"}`; `original` is SM3 of the
original's licence.json and `file` SHA-256 of its file, in hexadecimal.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from certificates.purpose import Purpose
from trust.clock import CHINA
from trust.crypto import jose
from trust.crypto.errors import Malformed

MADE_AT, MAKER, CAUSE, UNTIL = "JZJZZSJ", "JZJZZZ", "JZJZZSY", "JZJYXQJZSJ"
ITEMS: Final = (MADE_AT, MAKER, CAUSE, UNTIL)
MAKER_MAX: Final = 200
#: No letters that are mistaken for digits (Crockford's base 32): the number may be typed.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NUMBER: Final = re.compile(r"JZ[0-9A-HJKMNP-TV-Z]{14}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def sealer(region: str) -> str:
    """The code in whose name a region's copies are sealed: eighteen characters that no body has,
    because a unified social credit code never begins with 0."""
    return region.rjust(18, "0")


def new_number() -> str:
    """`JZ` and fourteen characters at random (70 bits)."""
    return "JZ" + "".join(secrets.choice(_ALPHABET) for _ in range(14))


def stamp(at: datetime) -> str:
    """A time as the items write it: YYYYMMDDhhmmss in China."""
    return f"{at.astimezone(CHINA):%Y%m%d%H%M%S}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a copy's file says of itself. `until` as in JZJYXQJZSJ; `original` is 32 bytes."""

    number: str
    original: bytes
    cause: str
    maker: str
    until: datetime


def write(
    raw: bytes, *, number: str, digest: bytes, file_digest: bytes, purpose: Purpose, maker: str,
    until: datetime, at: datetime,
) -> tuple[bytes, dict[str, Any]]:  # fmt: skip
    """licence.json of a copy, and its items; `raw` and `digest` are the original's.

    It has a salt of its own, so that the digests of two copies tell nobody that they are of one
    licence.
    """
    body: dict[str, Any] = json.loads(raw)
    licence = body["licence"] | {
        MADE_AT: stamp(at), MAKER: maker, CAUSE: purpose.cause, UNTIL: stamp(until),
    }  # fmt: skip
    copy = {
        "number": number, "original": digest.hex(), "file": file_digest.hex(),
        "purpose": purpose.as_json(),
    }  # fmt: skip
    salt = jose.b64url(secrets.token_bytes(16))
    made = body | {"licence": licence, "copy": copy, "salt": salt, "seals": "dual"}
    return jose.canonical_json(made), licence


def read(body: Mapping[str, Any]) -> Mark | None:
    """The mark of a licence.json, None for an original's; Malformed for half a mark."""
    items = [key for key in ITEMS if key in body["licence"]]
    if "copy" not in body and not items:
        return None
    copy, licence = body.get("copy"), body["licence"]
    if not isinstance(copy, dict) or len(items) != len(ITEMS):
        raise Malformed("half a copy's mark")
    number, original = copy.get("number"), copy.get("original")
    texts = [licence[key] for key in ITEMS]
    if not all(isinstance(text, str) and text for text in (number, original, *texts)):
        raise Malformed("a copy's mark lacks something")
    if not _NUMBER.fullmatch(str(number)) or not _DIGEST.fullmatch(str(original)):
        raise Malformed("a copy's number or original is malformed")
    return Mark(
        str(number), bytes.fromhex(str(original)), licence[CAUSE], licence[MAKER],
        _time(licence[UNTIL]),
    )  # fmt: skip


def _time(text: str) -> datetime:
    try:
        found = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError as error:
        raise Malformed("a copy's time is written YYYYMMDDhhmmss") from error
    if stamp(found) != text:
        raise Malformed("a copy's time is written YYYYMMDDhhmmss")
    return found
