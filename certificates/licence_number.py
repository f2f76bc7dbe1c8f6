"""The number printed on a licence (ZZBH), by its type's rule."""

import re
from collections.abc import Mapping
from datetime import date

from certificates.licence_type import LicenceType, NumberRule
from certificates.licence_types import number_format
from certificates.values import InvalidField, parse_date
from trust.errors import Invalid
from trust.identifiers import iso7064_mod11_10

SEQUENCE_MAX = 999_999
_FOOD = re.compile(r"JY([123][0-9]{12})([0-9])")
_ROAD = re.compile(r"[0-9]{12}")
_DIVISION = re.compile(r"[1-9][0-9]{5}")


def number(
    licence_type: LicenceType, content: Mapping[str, object], sequence: int, division: str, *,
    on: date | None = None,
) -> str:  # fmt: skip
    """The number for this content; Invalid when the sequence is used up or the division malformed.

    `sequence` counts from 1 within `sequence_name`, `division` is a six-digit code (GB/T 2260),
    `on` the day of issue, ZZBFRQ of the content when it is not given.
    """
    rule = licence_type.number_rule
    if rule is NumberRule.HOLDER_CODE:
        return str(content["CZZTDM"])
    if rule is NumberRule.FORMAT:
        day = on or parse_date("ZZBFRQ", content.get("ZZBFRQ"))
        return number_format.write(
            licence_type.number_format, content, sequence=sequence, division=division, on=day
        )
    if not 1 <= sequence <= SEQUENCE_MAX:
        raise Invalid(f"a licence number's sequence is 1 to {SEQUENCE_MAX}")
    if not _DIVISION.fullmatch(division):
        raise Invalid("a division code has six digits")
    if rule is NumberRule.DIVISION_SEQUENCE:
        return f"{division}{sequence:06d}"
    body = f"{content['KZ_ZTYT']}{division}{sequence:06d}"
    return f"JY{body}{iso7064_mod11_10(body)}"


def sequence_name(licence_type: LicenceType, division: str, *, on: date) -> str:
    """The counter that a number of this type takes its sequence from: its own for each day or
    year where the format begins anew with it."""
    name = f"{licence_type.code}/{division}"
    if licence_type.number_rule is not NumberRule.FORMAT:
        return name
    resets = number_format.resets(licence_type.number_format)
    if not resets:
        return name
    return f"{name}/{on:%Y}" if resets == "year" else f"{name}/{on:%Y%m%d}"


def check_number(licence_type: LicenceType, content: Mapping[str, object]) -> None:
    """Raise InvalidField unless ZZBH in the content obeys the type's rule."""
    given, rule = str(content["ZZBH"]), licence_type.number_rule
    if rule is NumberRule.HOLDER_CODE and given != content["CZZTDM"]:
        raise InvalidField("ZZBH", "须与持证主体代码相同 / must equal the holder's code")
    if rule is NumberRule.DIVISION_SEQUENCE and not _ROAD.fullmatch(given):
        raise InvalidField(
            "ZZBH", "6 位区划代码加 6 位顺序号 / division (6 digits) and sequence (6 digits)"
        )
    if licence_type.number_format:
        wrong = number_format.matches(licence_type.number_format, given, content)
        if wrong is not None:
            raise InvalidField("ZZBH", wrong)
    if rule is NumberRule.FOOD:
        _check_food(given, content)


def require_number(licence_type: LicenceType, content: Mapping[str, object]) -> None:
    """InvalidField when the number is one that only the issuing side knows, and is missing."""
    if licence_type.number_rule is not NumberRule.FORMAT or "ZZBH" in content:
        return
    if not number_format.is_made_here(licence_type.number_format):
        raise InvalidField(
            "ZZBH",
            "必填：该类编号由外部给定 / required: numbers of this type are given from outside",
        )


def _check_food(given: str, content: Mapping[str, object]) -> None:
    match = _FOOD.fullmatch(given)
    if match is None or match[1][0] != content["KZ_ZTYT"]:
        raise InvalidField(
            "ZZBH",
            "格式不符 / JY, the digit of 主体业态, division, sequence, check digit",
        )
    if iso7064_mod11_10(match[1]) != match[2]:
        raise InvalidField("ZZBH", "校验码有误 / wrong check digit (ISO/IEC 7064, MOD 11,10)")
