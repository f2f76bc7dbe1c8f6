"""A licence's items as a page shows them: labels in two languages, plain or masked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from certificates import holders, holders_shown
from certificates.content import parse_date
from certificates.licence_type import Field, Kind, LicenceType, Mask, masked

_AUTHORITY: Final = ("颁发机构", "Issued by")


@dataclass(frozen=True, slots=True)
class Row:
    """One item: its short name (GB/T 36903), labels, and its text."""

    name: str
    zh: str
    en: str
    text: str = field(repr=False)


def plain(licence_type: LicenceType, items: Mapping[str, Any]) -> list[Row]:
    """Everything but a photo, in full: for the holder, and for whom they let look."""
    names = "、".join(each.name for each in holders.of(items))
    codes = "、".join(each.code for each in holders.of(items))
    rest = [
        Row(entry.name, entry.zh, entry.en, _text(entry, items[entry.name]))
        for entry in licence_type.fields
        if entry.name in items and entry.kind is not Kind.PHOTO
    ]
    return [*_head(licence_type, items, names, codes, str(items["ZZBH"])), *rest]


def veiled(licence_type: LicenceType, items: Mapping[str, Any]) -> list[Row]:
    """The same with whatever names or describes a person masked: a screen may be looked at over a
    shoulder."""
    (first, *_) = holders.of(items)
    codes = "、".join(each.shown_code for each in holders.of(items))
    number = str(items["ZZBH"])
    if licence_type.number_is_personal(first.code_type):
        number = masked(number, Mask.CODE)
    rest = [
        Row(entry.name, entry.zh, entry.en, _veiled(entry, _text(entry, items[entry.name])))
        for entry in licence_type.fields
        if entry.name in items and entry.kind is not Kind.PHOTO
    ]
    shown = holders_shown.shown(licence_type, items)
    return [*_head(licence_type, items, shown, codes, number), *rest]


def _head(
    licence_type: LicenceType, items: Mapping[str, Any], names: str, codes: str, number: str
) -> list[Row]:
    authorities = items["ZZBFJG"]
    listed = authorities if isinstance(authorities, list) else [authorities]
    return [
        Row("CZZT", licence_type.holder_zh, licence_type.holder_en, names),
        Row("CZZTDM", "持证主体代码", "Holder's code", codes),
        Row("ZZBH", "证照编号", "Number", number),
        Row("ZZBFJG", *_AUTHORITY, "、".join(map(str, listed))),
    ]


def _veiled(entry: Field, text: str) -> str:
    """By the type's own mask; what is not public and has none keeps its first character."""
    if entry.mask is not Mask.NONE:
        return masked(text, entry.mask)
    return text if entry.public else masked(text, Mask.NAME)


def _text(entry: Field, value: object) -> str:
    if isinstance(value, list | tuple):
        return "；".join(str(part) for part in value)
    if entry.kind is Kind.DATE:
        return parse_date(entry.name, value).isoformat()
    return entry.choices.get(str(value), str(value)) if entry.kind is Kind.CODE else str(value)
