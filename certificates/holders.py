"""A licence's holders: one, whose items are plain texts, or several, whose items are lists in one
order (GB/T 36903: CZZT, CZZTDM, CZZTDMLX, CZZTDMLXDM)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from certificates.licence_type import (
    HOLDER_CODE_TYPES,
    ORGANISATION_CODES,
    LicenceType,
    Mask,
    masked,
)
from certificates.values import InvalidField, check_code, check_text

HOLDER_MAX = 100
CODE_MAX = 32
_KEYS = ("CZZT", "CZZTDM", "CZZTDMLX", "CZZTDMLXDM")


@dataclass(frozen=True, slots=True)
class Holder:
    """`code_type` is the kind of `code` (GB/T 36903-2018, annex A)."""

    name: str
    code: str
    code_type: str

    @property
    def shown_code(self) -> str:
        """The code, masked when it is a natural person's."""
        if self.code_type in ORGANISATION_CODES:
            return self.code
        return masked(self.code, Mask.CODE)


def of(content: Mapping[str, object]) -> tuple[Holder, ...]:
    """Everybody that a checked content or licence.json names as holder, in its order."""
    columns = [_listed(content[key]) for key in ("CZZT", "CZZTDM", "CZZTDMLXDM")]
    return tuple(Holder(*each) for each in zip(*columns, strict=True))


def check(
    licence_type: LicenceType, data: Mapping[str, object], fallback: Path | None
) -> dict[str, object]:
    """The four holder items, checked: texts of one holder, lists of several; InvalidField."""
    for key in ("CZZT", "CZZTDM"):
        if data.get(key) is None:
            raise InvalidField(key, "必填 / required")
    count = _count(licence_type, data)
    if count is None:
        return dict(zip(_KEYS, _one(licence_type, data, fallback), strict=True))
    rows = [
        _one(licence_type, {key: _at(key, data.get(key), at) for key in _KEYS}, fallback)
        for at in range(count)
    ]
    codes = [row[1] for row in rows]
    if len(set(codes)) != count:
        raise InvalidField("CZZTDM", "持证主体重复 / each holder once")
    if count == 1:
        return dict(zip(_KEYS, rows[0], strict=True))
    return {key: [row[at] for row in rows] for at, key in enumerate(_KEYS)}


def _count(licence_type: LicenceType, data: Mapping[str, object]) -> int | None:
    """How many holders the lists name; None where there are plain texts."""
    lists = {key: data[key] for key in _KEYS if isinstance(data.get(key), list | tuple)}
    if not lists:
        return None
    lengths = {len(value) for value in lists.values() if isinstance(value, list | tuple)}
    if len(lengths) != 1 or not {"CZZT", "CZZTDM"} <= lists.keys():
        raise InvalidField(
            "CZZT", "名称与代码须一一对应 / names and codes of the holders are lists of one length"
        )
    (count,) = lengths
    if not 1 <= count <= licence_type.holders_max:
        most = licence_type.holders_max
        raise InvalidField("CZZT", f"持证主体 1 至 {most} 个 / 1 to {most} holders")
    return count


def _at(key: str, value: object, at: int) -> object:
    return value[at] if isinstance(value, list | tuple) else value


def _one(
    licence_type: LicenceType, data: Mapping[str, object], fallback: Path | None
) -> tuple[str, str, str, str]:
    code_type = _code_type(licence_type, data)
    name = check_text("CZZT", data["CZZT"], HOLDER_MAX, fallback)
    code = check_text("CZZTDM", data["CZZTDM"], CODE_MAX, fallback)
    check_code("CZZTDM", code, code_type)
    return name, code, HOLDER_CODE_TYPES[code_type], code_type


def _code_type(licence_type: LicenceType, data: Mapping[str, object]) -> str:
    """The holder-code type, given by code or name; the only allowed one when neither is."""
    allowed = licence_type.holder_code_types
    code, name = data.get("CZZTDMLXDM"), data.get("CZZTDMLX")
    if code is None and name is None:
        if len(allowed) > 1:
            raise InvalidField(
                "CZZTDMLXDM", f"必填，取所列代码 / required: one of {', '.join(allowed)}"
            )
        return allowed[0]
    matching = [
        known
        for known in allowed
        if code in (None, known) and name in (None, known, HOLDER_CODE_TYPES[known])
    ]
    if not matching:
        raise InvalidField("CZZTDMLXDM", f"只能取所列代码 / must be one of {', '.join(allowed)}")
    return matching[0]


def _listed(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
