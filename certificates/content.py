"""The content of one licence, checked against its type (GB/T 36903-2018 and KZ_ items)."""

import base64
import binascii
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from certificates import characters
from certificates.licence_type import Field, Kind, LicenceType
from trust import identifiers
from trust.errors import Invalid

#: GB/T 36903-2018, annex A: kinds of holder code.
HOLDER_CODE_TYPES = {
    "001": "统一社会信用代码",
    "099": "其他法人或其他组织有效证件代码",
    "111": "公民身份号码",
    "114": "中国人民解放军军官证号码",
    "115": "中国人民武装警察部队警官证号码",
    "118": "中国人民解放军士兵证号码",
    "119": "中国人民武装警察部队士兵证号码",
    "120": "中国人民解放军文职干部证号码",
    "122": "中国人民武装警察部队文职干部证号码",
    "411": "外交护照号码",
    "412": "公务护照号码",
    "413": "公务普通护照号码",
    "414": "普通护照号码",
    "511": "台湾居民来往大陆通行证号码",
    "516": "港澳居民来往内地通行证号码",
    "999": "其他自然人有效证件代码",
}

#: The items an applicant or clerk gives; all others of GB/T 36903 are filled by the issuing side.
COMMON = (
    "CZZT",
    "CZZTDM",
    "CZZTDMLX",
    "CZZTDMLXDM",
    "ZZBH",
    "ZZBFRQ",
    "ZZYXQQSRQ",
    "ZZYXQJZRQ",
)
COMMON_DATES = ("ZZBFRQ", "ZZYXQQSRQ", "ZZYXQJZRQ")

HOLDER_MAX = 100
LIST_MAX = 40
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


def check(
    licence_type: LicenceType,
    data: Mapping[str, object],
    *,
    today: date,
    fallback: Path | None = None,
) -> dict[str, object]:
    """The checked content: same keys, JSON-serialisable, without what the issuing side fills in.

    Dates are YYYYMMDD. CZZTDMLX and CZZTDMLXDM are both present in the result, whichever was given;
    a list stays a list, everything else is a string. Raises InvalidField or UnprintableCharacter.
    """
    allowed = {*COMMON, *(entry.name for entry in licence_type.fields)}
    for key in data:
        if key not in allowed:
            raise InvalidField(str(key)[:32], f"not a field of {licence_type.name}")
    content: dict[str, object] = _holder(licence_type, data, fallback)
    content |= _common_dates(data, today)
    if data.get("ZZBH") is not None:
        content["ZZBH"] = _text("ZZBH", data["ZZBH"], 128, fallback)
    for entry in licence_type.fields:
        if data.get(entry.name) is not None:
            content[entry.name] = _value(entry, data[entry.name], fallback)
    _refuse_missing(licence_type, content)
    return content


def parse_date(field: str, value: object) -> date:
    """A YYYYMMDD text as a date; InvalidField otherwise."""
    if not isinstance(value, str) or len(value) != 8 or not (value.isascii() and value.isdigit()):
        raise InvalidField(field, "a date is written YYYYMMDD")
    try:
        day = datetime.strptime(value, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise InvalidField(field, "no such day") from error
    if day.year < EARLIEST:
        raise InvalidField(field, f"not before {EARLIEST}")
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
        raise InvalidField(field, "ASCII letters and digits, at most 32")


def _holder(
    licence_type: LicenceType, data: Mapping[str, object], fallback: Path | None
) -> dict[str, object]:
    code_type = _code_type(licence_type, data)
    for key in ("CZZT", "CZZTDM"):
        if data.get(key) is None:
            raise InvalidField(key, "required")
    name = _text("CZZT", data["CZZT"], HOLDER_MAX, fallback)
    code = _text("CZZTDM", data["CZZTDM"], 32, fallback)
    check_code("CZZTDM", code, code_type)
    return {
        "CZZT": name,
        "CZZTDM": code,
        "CZZTDMLX": HOLDER_CODE_TYPES[code_type],
        "CZZTDMLXDM": code_type,
    }


def _code_type(licence_type: LicenceType, data: Mapping[str, object]) -> str:
    """The holder-code type, given by code or name; the only allowed one when neither is."""
    allowed = licence_type.holder_code_types
    code, name = data.get("CZZTDMLXDM"), data.get("CZZTDMLX")
    if code is None and name is None:
        if len(allowed) > 1:
            raise InvalidField("CZZTDMLXDM", f"required: one of {', '.join(allowed)}")
        return allowed[0]
    matching = [
        known
        for known in allowed
        if code in (None, known) and name in (None, known, HOLDER_CODE_TYPES[known])
    ]
    if not matching:
        raise InvalidField("CZZTDMLXDM", f"must be one of {', '.join(allowed)}")
    return matching[0]


def _common_dates(data: Mapping[str, object], today: date) -> dict[str, object]:
    days = {key: parse_date(key, data[key]) for key in COMMON_DATES if data.get(key) is not None}
    if days.get("ZZBFRQ", today) > today:
        raise InvalidField("ZZBFRQ", "a licence cannot be dated in the future")
    start, end = days.get("ZZYXQQSRQ"), days.get("ZZYXQJZRQ")
    if end is not None and end < (start or today):
        raise InvalidField("ZZYXQJZRQ", "must not lie before the start, nor before today")
    return {key: f"{day:%Y%m%d}" for key, day in days.items()}


def _value(entry: Field, value: object, fallback: Path | None) -> object:
    """One extension item, by its kind."""
    name = entry.name
    if entry.kind is Kind.LIST:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= LIST_MAX:
            raise InvalidField(name, f"a list of 1 to {LIST_MAX} texts")
        return [_text(name, part, entry.max_length, fallback) for part in value]
    if entry.kind is Kind.PHOTO:
        return _photo(name, value)
    text = _text(name, value, entry.max_length, fallback)
    if entry.kind is Kind.DATE:
        return f"{parse_date(name, text):%Y%m%d}"
    if entry.kind is Kind.CODE and text not in entry.choices:
        raise InvalidField(name, f"must be one of {', '.join(entry.choices)}")
    if entry.kind is Kind.USCC:
        check_code(name, text, "001")
    if entry.kind is Kind.CITIZEN_ID:
        check_code(name, text, "111")
    if entry.kind is Kind.MONEY and not any(map(str.isnumeric, text)):
        raise InvalidField(name, "an amount needs a number")
    return text


def _text(name: str, value: object, max_length: int, fallback: Path | None) -> str:
    if not isinstance(value, str):
        raise InvalidField(name, "must be a text")
    if not 1 <= len(value) <= max_length:
        raise InvalidField(name, f"1 to {max_length} characters")
    if value != value.strip():
        raise InvalidField(name, "no space at the start or end")
    if not unicodedata.is_normalized("NFC", value):
        raise InvalidField(name, "must be in Unicode form NFC")
    characters.check(value, field=name, fallback=fallback)
    return value


def _photo(name: str, value: object) -> str:
    """A base64 JPEG or PNG, grey or RGB: what a PDF/A page in sRGB may hold. Re-encoded base64."""
    if not isinstance(value, str) or len(value) > PHOTO_MAX_BYTES * 4 // 3 + 4:
        raise InvalidField(name, f"a base64 text of at most {PHOTO_MAX_BYTES} bytes")
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidField(name, "not base64") from error
    check_photo(name, raw)
    return base64.b64encode(raw).decode()


def check_photo(name: str, raw: bytes) -> str:
    """ "jpg" or "png"; InvalidField when the picture is broken, too large or in other colours."""
    if len(raw) > PHOTO_MAX_BYTES:
        raise InvalidField(name, f"at most {PHOTO_MAX_BYTES} bytes")
    try:
        with Image.open(BytesIO(raw), formats=("JPEG", "PNG")) as image:
            kind, mode, side = image.format, image.mode, max(image.size)
            if side > PHOTO_MAX_SIDE or mode not in ("L", "RGB"):
                raise InvalidField(name, f"grey or RGB, at most {PHOTO_MAX_SIDE} pixels a side")
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InvalidField(name, "not a readable JPEG or PNG picture") from error
    return "jpg" if kind == "JPEG" else "png"


def _refuse_missing(licence_type: LicenceType, content: Mapping[str, object]) -> None:
    groups: dict[str, list[Field]] = {}
    for entry in licence_type.fields:
        if entry.required and entry.name not in content:
            raise InvalidField(entry.name, f"required ({entry.zh})")
        if entry.group:
            groups.setdefault(entry.group, []).append(entry)
    for members in groups.values():
        if sum(entry.name in content for entry in members) != 1:
            names = ", ".join(entry.name for entry in members)
            raise InvalidField(members[0].name, f"give exactly one of {names}")
