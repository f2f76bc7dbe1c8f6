"""The form of an application, made from its licence type: inputs out of fields, content out of what
was filled in."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from certificates.content import COMMON_DATES
from certificates.licence_type import HOLDER_CODE_TYPES, Field, Kind, LicenceType
from server.pages import life_words
from server.pages.form import Form

#: Longer texts get a box of several lines.
_LONG: Final = 60
_HOLDER: Final = (("CZZT", 100), ("CZZTDM", 32))


@dataclass(frozen=True, slots=True)
class Input:
    """One labelled input: `shape` is text, lines, date, choice or photo."""

    name: str
    zh: str
    en: str
    shape: str
    value: str = ""
    required: bool = False
    cap: int = 256
    hint: tuple[str, str] | None = None
    choices: tuple[tuple[str, str], ...] = ()
    kept: bool = False  # a photo that is there already


def holder_inputs(licence_type: LicenceType, values: Mapping[str, str]) -> list[Input]:
    """Who will hold it; a type with several holders takes one a line."""
    several = licence_type.holders_max > 1
    hint = ("每行一个，顺序一致", "one a line, in the same order") if several else None
    found = []
    for name, cap in _HOLDER:
        zh, en = life_words.label(licence_type, name)
        shape = "lines" if several else "text"
        most = cap * licence_type.holders_max * 2 if several else cap
        found.append(Input(name, zh, en, shape, values.get(name, ""), True, most, hint))
    kinds = licence_type.holder_code_types
    if len(kinds) > 1 and not several:
        choices = tuple((code, f"{code} {HOLDER_CODE_TYPES[code]}") for code in kinds)
        zh, en = life_words.label(licence_type, "CZZTDMLXDM")
        chosen = values.get("CZZTDMLXDM", "")
        found.append(Input("CZZTDMLXDM", zh, en, "choice", chosen, True, choices=choices))
    elif len(kinds) > 1:
        zh, en = life_words.label(licence_type, "CZZTDMLXDM")
        said = "、".join(f"{code} {HOLDER_CODE_TYPES[code]}" for code in kinds)
        hint = (f"每行一个：{said}", "one a line, by number")
        chosen = values.get("CZZTDMLXDM", "")
        found.append(Input("CZZTDMLXDM", zh, en, "lines", chosen, True, 200, hint))
    return found


def field_inputs(licence_type: LicenceType, values: Mapping[str, str]) -> list[Input]:
    """The type's own fields, in its order."""
    return [_input(entry, values.get(entry.name, "")) for entry in licence_type.fields]


def _input(entry: Field, value: str) -> Input:
    group = ("同组只填一项", "give one of this group") if entry.group else None
    if entry.kind is Kind.CODE:
        choices = tuple((code, f"{text}") for code, text in entry.choices.items())
        return Input(entry.name, entry.zh, entry.en, "choice", value, entry.required,
                     hint=group, choices=choices)  # fmt: skip
    if entry.kind is Kind.PHOTO:
        hint = ("JPG 或 PNG，不超过 50 KB", "JPG or PNG, 50 KB at most")
        return Input(entry.name, entry.zh, entry.en, "photo", "", entry.required, hint=hint,
                     kept=bool(value))  # fmt: skip
    if entry.kind is Kind.DATE:
        return Input(entry.name, entry.zh, entry.en, "date", value, entry.required, 10, group)
    if entry.kind is Kind.LIST:
        hint = ("每行一项", "one a line")
        return Input(entry.name, entry.zh, entry.en, "lines", value, entry.required,
                     min(entry.max_length * 40, 60_000), hint)  # fmt: skip
    shape = "lines" if entry.max_length > _LONG * 2 else "text"
    return Input(entry.name, entry.zh, entry.en, shape, value, entry.required,
                 min(entry.max_length * 2, 60_000), group)  # fmt: skip


def common_inputs(values: Mapping[str, str]) -> list[Input]:
    """Number and dates that are usually made by the rules of the type."""
    found = [Input("ZZBH", *life_words.COMMON["ZZBH"], "text", values.get("ZZBH", ""), cap=128)]
    for name in COMMON_DATES:
        zh, en = life_words.COMMON[name]
        found.append(Input(name, zh, en, "date", values.get(name, ""), cap=10))
    return found


def content(
    licence_type: LicenceType, form: Form, kept: Mapping[str, object] | None = None
) -> dict[str, object]:
    """What was filled in, for `applications.enter`; empty fields are left out. `kept` is the
    content before a correction: a photo that was not chosen anew stays."""
    found: dict[str, object] = {}
    for name in ("CZZT", "CZZTDM", "CZZTDMLXDM"):
        lines = _lines(form, name)
        if lines:
            found[name] = lines if licence_type.holders_max > 1 and len(lines) > 1 else lines[0]
    if form.text("ZZBH"):
        found["ZZBH"] = form.text("ZZBH")
    for name in COMMON_DATES:
        if form.text(name):
            found[name] = form.text(name).replace("-", "")
    for entry in licence_type.fields:
        value = _value(entry, form, kept or {})
        if value:
            found[entry.name] = value
    return found


def _value(entry: Field, form: Form, kept: Mapping[str, object]) -> object:
    if entry.kind is Kind.PHOTO:
        uploaded = form.file(entry.name)
        if uploaded:
            return base64.b64encode(uploaded).decode()
        return kept.get(entry.name, "")
    if entry.kind is Kind.LIST:
        return _lines(form, entry.name)
    text = form.text(entry.name, cap=64 * 1024)
    if entry.kind is Kind.DATE:
        return text.replace("-", "")
    # A box of several lines gives CR LF; a licence has single lines.
    return " ".join(text.split()) if "\n" in text else text


def _lines(form: Form, name: str) -> list[str]:
    text = form.text(name, cap=64 * 1024)
    return [line.strip() for line in text.splitlines() if line.strip()]


def values_of(licence_type: LicenceType, content: Mapping[str, object]) -> dict[str, str]:
    """A content as the form's inputs hold it; a photo is only said to be there."""
    found: dict[str, str] = {}
    photos = {entry.name for entry in licence_type.fields if entry.kind is Kind.PHOTO}
    dates = {entry.name for entry in licence_type.fields if entry.kind is Kind.DATE}
    for name, value in content.items():
        if name in photos:
            found[name] = "kept"
        elif isinstance(value, list):
            found[name] = "\n".join(str(part) for part in value)
        elif name in dates or name in COMMON_DATES:
            text = str(value)
            found[name] = f"{text[:4]}-{text[4:6]}-{text[6:]}"
        else:
            found[name] = str(value)
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """One item of a content as a page shows it; `values` has one text, or those of a list."""

    zh: str
    en: str
    values: tuple[str, ...]
    photo: str = ""


def shown(licence_type: LicenceType, content: Mapping[str, object]) -> list[Shown]:
    """A content for people, in the form's order."""
    names = ["CZZT", "CZZTDM", "CZZTDMLX", "ZZBH", *COMMON_DATES]
    names += [entry.name for entry in licence_type.fields]
    return [_shown(licence_type, name, content[name]) for name in names if name in content]


def _shown(licence_type: LicenceType, name: str, value: object) -> Shown:
    zh, en = life_words.label(licence_type, name)
    entry = licence_type.extension(name)
    kind = entry.kind if entry is not None else None
    if kind is Kind.PHOTO:
        return Shown(zh, en, (), name)
    texts = [str(part) for part in value] if isinstance(value, list) else [str(value)]
    if kind is Kind.CODE and entry is not None:
        texts = [entry.choices.get(text, text) for text in texts]
    if kind is Kind.DATE or name in COMMON_DATES:
        texts = [f"{text[:4]}-{text[4:6]}-{text[6:]}" for text in texts]
    return Shown(zh, en, tuple(texts))
