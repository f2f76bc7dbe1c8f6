"""Single values of a licence's content, checked: texts, days, codes, photos."""

import base64
import binascii
import unicodedata
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from certificates import characters
from trust import identifiers
from trust.errors import Invalid

PHOTO_MAX_BYTES = 50 * 1024
PHOTO_MAX_SIDE = 2000
#: No licence here, and nobody that one is granted to, is older.
EARLIEST = 1800


class InvalidField(Invalid):
    """One field of the content breaks a rule; `field` and `rule` say which."""

    code = "invalid_field"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


def parse_date(field: str, value: object) -> date:
    """A YYYYMMDD text as a date; InvalidField otherwise."""
    if not isinstance(value, str) or len(value) != 8 or not (value.isascii() and value.isdigit()):
        raise InvalidField(field, "日期格式为 YYYYMMDD / a date is written YYYYMMDD")
    try:
        day = datetime.strptime(value, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise InvalidField(field, "没有这一天 / no such day") from error
    if day.year < EARLIEST:
        raise InvalidField(field, f"不得早于 {EARLIEST} 年 / not before {EARLIEST}")
    return day


def check_code(field: str, code: str, code_type: str) -> None:
    """Check a holder code by its type: 001 and 111 have check characters, others only a shape."""
    if code_type in ("001", "111"):
        checker = identifiers.check_uscc if code_type == "001" else identifiers.check_citizen_id
        try:
            checker(code)
        except Invalid as error:
            raise InvalidField(field, str(error)) from error
    elif not (code.isascii() and code.isalnum() and len(code) <= 32):
        raise InvalidField(field, "字母和数字，至多 32 位 / ASCII letters and digits, at most 32")


def check_text(name: str, value: object, max_length: int, fallback: Path | None) -> str:
    """A printable text in NFC without blanks around it, of 1 to `max_length` characters."""
    if not isinstance(value, str):
        raise InvalidField(name, "须为文本 / must be a text")
    if not 1 <= len(value) <= max_length:
        raise InvalidField(name, f"须为 1 至 {max_length} 字 / 1 to {max_length} characters")
    if value != value.strip():
        raise InvalidField(name, "首尾不得有空格 / no space at the start or end")
    if not unicodedata.is_normalized("NFC", value):
        raise InvalidField(name, "须为 Unicode NFC 形式 / must be in Unicode form NFC")
    characters.check(value, field=name, fallback=fallback)
    return value


def encode_photo(name: str, value: object) -> str:
    """A base64 JPEG or PNG, grey or RGB: what a PDF/A page in sRGB may hold. Re-encoded base64."""
    if not isinstance(value, str) or len(value) > PHOTO_MAX_BYTES * 4 // 3 + 4:
        raise InvalidField(
            name,
            f"须为 base64，至多 {PHOTO_MAX_BYTES} 字节 / base64 of at most {PHOTO_MAX_BYTES} bytes",
        )
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidField(name, "不是 base64 / not base64") from error
    check_photo(name, raw)
    return base64.b64encode(raw).decode()


def check_photo(name: str, raw: bytes) -> str:
    """ "jpg" or "png"; InvalidField when the picture is broken, too large or in other colours."""
    if len(raw) > PHOTO_MAX_BYTES:
        raise InvalidField(name, f"至多 {PHOTO_MAX_BYTES} 字节 / at most {PHOTO_MAX_BYTES} bytes")
    try:
        with Image.open(BytesIO(raw), formats=("JPEG", "PNG")) as image:
            kind, mode, side = image.format, image.mode, max(image.size)
            if side > PHOTO_MAX_SIDE or mode not in ("L", "RGB"):
                raise InvalidField(
                    name,
                    f"颜色或尺寸不符 / grey or RGB, at most {PHOTO_MAX_SIDE} pixels a side",
                )
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InvalidField(
            name, "不是可读的 JPEG 或 PNG / not a readable JPEG or PNG picture"
        ) from error
    return "jpg" if kind == "JPEG" else "png"
