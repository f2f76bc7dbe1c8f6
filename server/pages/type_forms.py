"""Forms of the type editor: a part of a type's definition, put into fields and taken out again.

A definition is the JSON of `catalogue.write`; whether it holds together is for `catalogue.parse`.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from certificates import catalogue
from certificates.licence_type import HOLDER_CODE_TYPES, Kind, LicenceType, Mask, NumberRule, Step
from certificates.licence_types.layout import Layout, Paper
from server.pages.form import Form

Definition = dict[str, Any]
Words = tuple[str, str]

LEVELS: Final = ("国家", "省", "地市", "区县", "乡镇", "其他")
CATEGORIES: Final = ("自然人", "法人", "混合")
KINDS: Final[dict[str, Words]] = {
    Kind.TEXT: ("文本", "text"), Kind.LIST: ("列表", "list of texts"), Kind.DATE: ("日期", "date"),
    Kind.CODE: ("选项", "one of several"), Kind.MONEY: ("金额", "amount"),
    Kind.USCC: ("统一社会信用代码", "USCC"), Kind.CITIZEN_ID: ("公民身份号码", "identity number"),
    Kind.PHOTO: ("照片", "photo"),
}  # fmt: skip
MASKS: Final[dict[str, Words]] = {
    Mask.NONE: ("不遮盖", "whole"), Mask.NAME: ("姓名", "as a name"),
    Mask.CODE: ("号码", "as a code"), Mask.ADDRESS: ("地址", "as an address"),
}  # fmt: skip
RULES: Final[dict[str, Words]] = {
    NumberRule.FORMAT: ("按格式", "by the format"),
    NumberRule.HOLDER_CODE: ("同持证主体代码", "the holder's code"),
    NumberRule.DIVISION_SEQUENCE: ("区划 6 位加顺序 6 位", "division and sequence"),
    NumberRule.FOOD: ("食品经营 JY", "food business, JY"),
}
STEPS: Final[dict[str, Words]] = {
    Step.CHECK: ("受理核对", "checked first"), Step.REVIEW: ("审核", "reviewed first"),
}  # fmt: skip
PAPERS: Final[dict[str, Words]] = {
    Paper.PORTRAIT: ("A4 竖版", "A4 upright"), Paper.LANDSCAPE: ("A4 横版", "A4 across"),
    Paper.CARD: ("卡片（A5 横版）", "card (A5 across)"),
}  # fmt: skip
#: Where seals stand by default: one, two or three of them, 45 mm at most.
_PLACES: Final[Mapping[Paper, Mapping[str, tuple[tuple[int, int], ...]]]] = {
    Paper.PORTRAIT: {"1": ((147, 60),), "2": ((65, 60), (145, 60)),
                     "3": ((51, 60), (105, 60), (159, 60))},
    Paper.LANDSCAPE: {"1": ((232, 56),), "2": ((176, 48), (236, 48)),
                      "3": ((136, 48), (188, 48), (240, 48))},
    Paper.CARD: {"1": ((168, 41),)},
}  # fmt: skip


def definition_of(licence_type: LicenceType) -> Definition:
    found: Definition = json.loads(catalogue.write(licence_type))
    return found


_DEFAULTS: Final = {
    "holder_zh": "名称", "holder_en": "Name", "holders_max": 1, "number_format": "", "note": "",
    "steps": [], "layout": None,
}  # fmt: skip
_FIELD: Final = {
    "kind": "text", "max_length": 60, "required": False, "printed": True, "public": False,
    "restricted": False, "per_holder": False, "mask": "none", "group": "", "choices": {},
}  # fmt: skip


def shown(definition: Definition) -> Definition:
    """The definition with what it leaves to its defaults, for a template."""
    made = _DEFAULTS | definition
    masks = dict.fromkeys(HOLDER_CODE_TYPES, "") | dict(definition["holder_masks"])
    validity = {"years": "", "start_field": "", "end_field": "", **definition["validity"]}
    return made | {
        "holder_masks": masks, "validity": validity,
        "fields": [shown_field(each) for each in definition["fields"]],
    }  # fmt: skip


def shown_field(field: Definition) -> Definition:
    return _FIELD | field


def blank(code: str, name: str, slug: str) -> Definition:
    """A new type to begin from: one field, an A4 page, a number of division and sequence."""
    return {
        "code": code, "slug": slug, "name": name, "name_en": "Licence", "version": "001",
        "definer": {"name": "定义机构", "code": code[:18], "level": "3"}, "items": {},
        "holder_category": "混合", "holder_masks": {"001": "none", "111": "name"},
        "issuing_levels": ["地市", "区县"], "validity_range": ["长期"],
        "validity": {"term": "long"}, "number_rule": "format",
        "number_format": "{division}{year}{sequence:6}",
        "fields": [{"name": "KZ_SX", "zh": "许可事项", "en": "Matter", "kind": "text",
                    "max_length": 200, "required": True, "public": True}],
        "template": catalogue.FORM, "seals": seals(Paper.PORTRAIT),
        "layout": {"rows": ["CZZT", "CZZTDM", "KZ_SX", "TERM"]},
    }  # fmt: skip


def seals(paper: str) -> Definition:
    """The usual places of seals on that paper."""
    rows = {
        count: [{"x_mm": x, "y_mm": y} for x, y in places]
        for count, places in _PLACES[Paper(paper)].items()
    }
    return {"max_diameter_mm": 45, "places": rows}


def with_basics(definition: Definition, form: Form) -> Definition:
    """Name, definer, holders, validity and number, as they were filled in."""
    validity: Definition = {"term": form.text("term")}
    if form.text("term") == "years":
        validity["years"] = _number(form, "years")
    for name in ("start_field", "end_field"):
        if form.text(name):
            validity[name] = form.text(name)
    masks = {
        code: form.text(f"holder.{code}")
        for code in HOLDER_CODE_TYPES
        if form.text(f"holder.{code}")
    }
    plain = ("slug", "name", "name_en", "holder_category", "holder_zh", "holder_en", "number_rule")
    return definition | {name: form.text(name) for name in plain} | {
        "definer": {"name": form.text("definer_name"), "code": definition["code"][:18],
                    "level": form.text("definer_level")},
        "holder_masks": masks, "holders_max": _number(form, "holders_max"),
        "issuing_levels": [level for level in LEVELS if form.text(f"level.{level}")],
        "validity_range": _words(form.text("validity_range")), "validity": validity,
        "number_format": form.text("number_format"),
        "steps": [step for step in STEPS if form.text(f"step.{step}")],
        "note": form.text("note", cap=2000),
    }  # fmt: skip


def with_layout(definition: Definition, form: Form) -> Definition:
    """The page. Another paper moves the seals to their usual places on it."""
    held = definition.get("layout") or {}
    layout = {
        **held, "paper": form.text("paper"), "ink": form.text("ink").lower(),
        "rows": _words(form.text("rows", cap=2000)), "wide": _words(form.text("wide", cap=2000)),
        "long": form.text("long"), "columns": _number(form, "columns"),
        "preamble": form.text("preamble", cap=600),
    }  # fmt: skip
    for name in ("number_zh", "number_en", "authority_zh", "authority_en"):
        layout[name] = form.text(name)
    made = definition | {"layout": layout, "template": catalogue.FORM}
    if held.get("paper", Paper.PORTRAIT) != layout["paper"] and layout["paper"] in _PLACES:
        made["seals"] = seals(str(layout["paper"]))
    return made


def with_field(definition: Definition, form: Form) -> Definition:
    """A field put in the place of the one called `was`, or at the end."""
    was = form.text("was")
    field: Definition = {
        "name": form.text("name").upper(), "zh": form.text("zh"), "en": form.text("en"),
        "kind": form.text("kind"), "max_length": _number(form, "max_length"),
        "mask": form.text("mask"), "group": form.text("group"),
        **{flag: bool(form.text(flag)) for flag in ("required", "printed", "per_holder")},
        "public": form.text("right") == "public", "restricted": form.text("right") == "restricted",
        "choices": _choices(form.text("choices", cap=8000)),
    }  # fmt: skip
    fields = list(definition["fields"])
    if was:
        fields = [field if each["name"] == was else each for each in fields]
    else:
        fields.append(field)
    renamed = {was: field["name"]} if was and was != field["name"] else {}
    return _renamed(definition | {"fields": fields}, renamed)


def without_field(definition: Definition, name: str) -> Definition:
    """The field gone, from the page too."""
    fields = [each for each in definition["fields"] if each["name"] != name]
    return _renamed(definition | {"fields": fields}, {name: ""})


def moved(definition: Definition, name: str, *, by: int) -> Definition:
    """The field so many places further down; up for a negative number."""
    fields = list(definition["fields"])
    at = next((at for at, each in enumerate(fields) if each["name"] == name), None)
    if at is None or not 0 <= at + by < len(fields):
        return definition
    fields.insert(at + by, fields.pop(at))
    return definition | {"fields": fields}


def printing(definition: Definition, name: str) -> Definition:
    """The field at the end of the rows, where the page does not show it yet."""
    layout = definition.get("layout")
    if not layout or name in (*layout.get("rows", ()), *layout.get("wide", ())):
        return definition
    return definition | {"layout": layout | {"rows": [*layout.get("rows", Layout().rows), name]}}


def _renamed(definition: Definition, names: Mapping[str, str]) -> Definition:
    """The page with fields by their new names; those without one are taken off it."""
    layout = definition.get("layout")
    if not layout or not names:
        return definition
    changed = dict(layout)
    for part in ("rows", "wide"):
        new = [names.get(each, each) for each in layout.get(part, ())]
        changed[part] = [each for each in new if each]
    changed["long"] = names.get(layout.get("long", ""), layout.get("long", ""))
    return definition | {"layout": changed}


def _number(form: Form, name: str) -> int:
    """0 for what is no number: the type's own rules refuse it by name."""
    text = form.text(name, cap=6)
    return int(text) if text.isascii() and text.isdigit() else 0


def _words(text: str) -> list[str]:
    """Words on lines or between commas."""
    for mark in "，,、；;\r\n\t":
        text = text.replace(mark, " ")
    return text.split()


def _choices(text: str) -> dict[str, str]:
    """`1 男` a line: the code, then its name."""
    found = {}
    for line in text.splitlines():
        code, _, name = line.strip().partition(" ")
        if code:
            found[code] = name.strip() or code
    return found
