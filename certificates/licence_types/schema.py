"""The content of a licence of a type as a JSON Schema (draft 2020-12), for whoever fills it in.

Whatever `catalogue.check` accepts is valid here. The schema cannot say everything: check
characters, days that exist, printable characters and the numbers' rules are checked only there.
"""

from typing import Any, Final

from certificates.content import HOLDER_MAX, LIST_MAX, NUMBER_MAX, PHOTO_MAX_BYTES
from certificates.holders import CODE_MAX
from certificates.licence_type import HOLDER_CODE_TYPES, Field, Kind, LicenceType

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_DAY: Final = {"type": "string", "pattern": "^[0-9]{8}$"}
_DAYS: Final = {
    "ZZBFRQ": ("颁发日期", "Issued on"),
    "ZZYXQQSRQ": ("有效期起始", "Effective from"),
    "ZZYXQJZRQ": ("有效期截止", "Expires on"),
}


def schema(licence_type: LicenceType) -> dict[str, Any]:
    """The schema of that version of the type, as JSON."""
    properties: dict[str, Any] = {
        **_holder_properties(licence_type),
        "ZZBH": {"title": "证照编号", "type": "string", "minLength": 1, "maxLength": NUMBER_MAX},
    }
    for name, (zh, en) in _DAYS.items():
        properties[name] = {"title": zh, "description": en, **_DAY}
    for entry in licence_type.fields:
        shape = _shape(entry)
        properties[entry.name] = {"title": entry.zh, "description": entry.en, **shape}
    required = ["CZZT", "CZZTDM", *(each.name for each in licence_type.fields if each.required)]
    made: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"urn:trust:licence-type:{licence_type.code}:{licence_type.version}",
        "title": licence_type.name,
        "description": licence_type.name_en,
        "type": "object",
        "properties": {name: _or_absent(each) for name, each in properties.items()},
        "required": required,
        "additionalProperties": False,
    }
    rules = _group_rules(licence_type) + [_given(name) for name in required]
    if len(licence_type.holder_masks) > 1:
        rules.append({"anyOf": [_given("CZZTDMLX"), _given("CZZTDMLXDM")]})
    return {**made, "allOf": rules}


def _or_absent(shape: dict[str, Any]) -> dict[str, Any]:
    """A field that is null is a field that is not given."""
    titles: dict[str, Any] = {key: shape[key] for key in ("title", "description") if key in shape}
    rest = {key: value for key, value in shape.items() if key not in titles}
    return {**titles, "anyOf": [rest, {"type": "null"}]}


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _group_rules(licence_type: LicenceType) -> list[dict[str, Any]]:
    """Exactly one of the fields that share a group."""
    groups: dict[str, list[str]] = {}
    for entry in licence_type.fields:
        if entry.group:
            groups.setdefault(entry.group, []).append(entry.name)
    return [{"oneOf": [_given(name) for name in names]} for names in groups.values()]


def _holder_properties(licence_type: LicenceType) -> dict[str, Any]:
    """One holder as plain texts, several as lists."""
    allowed = licence_type.holder_code_types
    code = {"type": "string", "minLength": 1, "maxLength": CODE_MAX}
    single: dict[str, tuple[str, str, dict[str, Any]]] = {
        "CZZT": (licence_type.holder_zh, licence_type.holder_en,
                 {"type": "string", "minLength": 1, "maxLength": HOLDER_MAX}),
        "CZZTDM": ("持证主体代码", "Holder's code", code),
        "CZZTDMLX": ("持证主体代码类型", "Kind of code",
                     {"enum": [*allowed, *(HOLDER_CODE_TYPES[each] for each in allowed)]}),
        "CZZTDMLXDM": ("持证主体代码类型代码", "Kind of code, by number", {"enum": [*allowed]}),
    }  # fmt: skip
    most = licence_type.holders_max
    return {
        name: {"title": zh, "description": en, **(shape if most == 1 else _or_list(shape, most))}
        for name, (zh, en, shape) in single.items()
    }


def _or_list(shape: dict[str, Any], most: int) -> dict[str, Any]:
    return {"anyOf": [shape, {"type": "array", "items": shape, "minItems": 1, "maxItems": most}]}


def _shape(entry: Field) -> dict[str, Any]:
    """What a value of the field looks like, by its kind."""
    text: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": entry.max_length}
    if entry.kind is Kind.LIST:
        return {"type": "array", "items": text, "minItems": 1, "maxItems": LIST_MAX}
    if entry.kind is Kind.DATE:
        return dict(_DAY)
    if entry.kind is Kind.CODE:
        return {"enum": list(entry.choices)}
    if entry.kind is Kind.USCC:
        return {"type": "string", "pattern": "^[0-9A-HJ-NP-RTUW-Y]{18}$"}
    if entry.kind is Kind.CITIZEN_ID:
        return {"type": "string", "pattern": "^[0-9]{17}[0-9X]$"}
    if entry.kind is Kind.PHOTO:
        most = PHOTO_MAX_BYTES * 4 // 3 + 4
        return {"type": "string", "contentEncoding": "base64", "minLength": 1, "maxLength": most}
    return text
