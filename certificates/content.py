"""The content of one licence, checked against its type (GB/T 36903-2018 and KZ_ items)."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from certificates import holders
from certificates.holders import HOLDER_MAX
from certificates.licence_type import HOLDER_CODE_TYPES, Field, Kind, LicenceType
from certificates.values import (
    EARLIEST,
    PHOTO_MAX_BYTES,
    PHOTO_MAX_SIDE,
    InvalidField,
    check_code,
    check_photo,
    check_text,
    encode_photo,
    parse_date,
)

__all__ = [
    "COMMON",
    "COMMON_DATES",
    "EARLIEST",
    "HOLDER_CODE_TYPES",
    "HOLDER_MAX",
    "LIST_MAX",
    "NUMBER_MAX",
    "PHOTO_MAX_BYTES",
    "PHOTO_MAX_SIDE",
    "InvalidField",
    "check",
    "check_code",
    "check_photo",
    "parse_date",
]

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

LIST_MAX = 40
NUMBER_MAX = 128


def check(
    licence_type: LicenceType,
    data: Mapping[str, object],
    *,
    today: date,
    fallback: Path | None = None,
) -> dict[str, object]:
    """The checked content: same keys, JSON-serialisable, without what the issuing side fills in.

    Dates are YYYYMMDD. CZZTDMLX and CZZTDMLXDM are both present in the result, whichever was given;
    a list stays a list, everything else is a string. Several holders are lists in one order; one
    alone is plain texts. Raises InvalidField or UnprintableCharacter.
    """
    allowed = {*COMMON, *(entry.name for entry in licence_type.fields)}
    for key in data:
        if key not in allowed:
            raise InvalidField(
                str(key)[:32], f"该类证照没有此项 / not a field of {licence_type.name_en}"
            )
    content = holders.check(licence_type, data, fallback)
    content |= _common_dates(data, today)
    if data.get("ZZBH") is not None:
        content["ZZBH"] = check_text("ZZBH", data["ZZBH"], NUMBER_MAX, fallback)
    for entry in licence_type.fields:
        if data.get(entry.name) is not None:
            content[entry.name] = _value(entry, data[entry.name], fallback)
    _refuse_missing(licence_type, content)
    _refuse_uneven(licence_type, content)
    return content


def _common_dates(data: Mapping[str, object], today: date) -> dict[str, object]:
    days = {key: parse_date(key, data[key]) for key in COMMON_DATES if data.get(key) is not None}
    if days.get("ZZBFRQ", today) > today:
        raise InvalidField("ZZBFRQ", "不得晚于今天 / a licence cannot be dated in the future")
    start, end = days.get("ZZYXQQSRQ"), days.get("ZZYXQJZRQ")
    if end is not None and end < (start or today):
        raise InvalidField(
            "ZZYXQJZRQ", "不得早于起始日期和今天 / must not lie before the start, nor before today"
        )
    return {key: f"{day:%Y%m%d}" for key, day in days.items()}


def _value(entry: Field, value: object, fallback: Path | None) -> object:
    """One extension item, by its kind."""
    name = entry.name
    if entry.kind is Kind.LIST:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= LIST_MAX:
            raise InvalidField(
                name, f"须为 1 至 {LIST_MAX} 项文本 / a list of 1 to {LIST_MAX} texts"
            )
        return [check_text(name, part, entry.max_length, fallback) for part in value]
    if entry.kind is Kind.PHOTO:
        return encode_photo(name, value)
    text = check_text(name, value, entry.max_length, fallback)
    if entry.kind is Kind.DATE:
        return f"{parse_date(name, text):%Y%m%d}"
    if entry.kind is Kind.CODE and text not in entry.choices:
        raise InvalidField(name, f"只能取所列代码 / must be one of {', '.join(entry.choices)}")
    if entry.kind is Kind.USCC:
        check_code(name, text, "001")
    if entry.kind is Kind.CITIZEN_ID:
        check_code(name, text, "111")
    if entry.kind is Kind.MONEY and not any(map(str.isnumeric, text)):
        raise InvalidField(name, "金额须含数字 / an amount needs a number")
    return text


def _refuse_missing(licence_type: LicenceType, content: Mapping[str, object]) -> None:
    groups: dict[str, list[Field]] = {}
    for entry in licence_type.fields:
        if entry.required and entry.name not in content:
            raise InvalidField(entry.name, f"必填：{entry.zh} / required: {entry.en}")
        if entry.group:
            groups.setdefault(entry.group, []).append(entry)
    for members in groups.values():
        if sum(entry.name in content for entry in members) != 1:
            names = ", ".join(entry.name for entry in members)
            raise InvalidField(
                members[0].name, f"须填且只填一项：{names} / give exactly one of {names}"
            )


def _refuse_uneven(licence_type: LicenceType, content: Mapping[str, object]) -> None:
    """What is said of each holder must be said of every one."""
    count = len(holders.of(content))
    for entry in licence_type.fields:
        value = content.get(entry.name)
        if entry.per_holder and isinstance(value, list) and len(value) != count:
            raise InvalidField(
                entry.name, f"每个持证主体一项，共 {count} 项 / one entry for each holder: {count}"
            )
