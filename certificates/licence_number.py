"""The number printed on a licence (ZZBH), by its type's rule."""

import re
from collections.abc import Mapping

from certificates.content import InvalidField
from certificates.licence_type import LicenceType, NumberRule
from trust.errors import Invalid
from trust.identifiers import iso7064_mod11_10

SEQUENCE_MAX = 999_999
_FOOD = re.compile(r"JY([123][0-9]{12})([0-9])")
_ROAD = re.compile(r"[0-9]{12}")
_DIVISION = re.compile(r"[1-9][0-9]{5}")


def number(
    licence_type: LicenceType, content: Mapping[str, object], sequence: int, division: str
) -> str:
    """The number for this content; Invalid when the sequence is used up or the division malformed.

    `sequence` counts from 1 within the division, `division` is a six-digit code (GB/T 2260).
    """
    if licence_type.number_rule is NumberRule.HOLDER_CODE:
        return str(content["CZZTDM"])
    if not 1 <= sequence <= SEQUENCE_MAX:
        raise Invalid(f"a licence number's sequence is 1 to {SEQUENCE_MAX}")
    if not _DIVISION.fullmatch(division):
        raise Invalid("a division code has six digits")
    if licence_type.number_rule is NumberRule.DIVISION_SEQUENCE:
        return f"{division}{sequence:06d}"
    body = f"{content['KZ_ZTYT']}{division}{sequence:06d}"
    return f"JY{body}{iso7064_mod11_10(body)}"


def check_number(licence_type: LicenceType, content: Mapping[str, object]) -> None:
    """Raise InvalidField unless ZZBH in the content obeys the type's rule."""
    given = str(content["ZZBH"])
    if licence_type.number_rule is NumberRule.HOLDER_CODE:
        if given != content["CZZTDM"]:
            raise InvalidField("ZZBH", "must equal the holder's code")
        return
    if licence_type.number_rule is NumberRule.DIVISION_SEQUENCE:
        if not _ROAD.fullmatch(given):
            raise InvalidField("ZZBH", "division (6 digits) and sequence (6 digits)")
        return
    match = _FOOD.fullmatch(given)
    if match is None or match[1][0] != content["KZ_ZTYT"]:
        raise InvalidField("ZZBH", "JY, the digit of 主体业态, division, sequence, check digit")
    if iso7064_mod11_10(match[1]) != match[2]:
        raise InvalidField("ZZBH", "wrong check digit (ISO/IEC 7064, MOD 11,10)")
