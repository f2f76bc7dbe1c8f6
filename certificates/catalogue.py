"""The catalogue of licence types: find one, check a content against it, number it, date it."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from certificates import content as contents
from certificates.content import InvalidField, parse_date
from certificates.licence_number import check_number, number, require_number, sequence_name
from certificates.licence_type import (
    Field,
    Kind,
    LicenceType,
    Mask,
    NumberRule,
    Place,
    Term,
    masked,
)
from certificates.licence_types import number_format
from trust.errors import Invalid, NotFound

__all__ = [
    "Field",
    "InvalidField",
    "Kind",
    "LicenceType",
    "Mask",
    "Place",
    "check",
    "find",
    "load",
    "masked",
    "number",
    "parse",
    "seal_places",
    "sequence_name",
    "valid_from",
    "valid_until",
]

TYPES = Path(__file__).parent / "types"
#: The template for types that bring a layout, and those made for one type.
FORM = "form"
TEMPLATES = frozenset(
    path.stem for path in (Path(__file__).parent / "templates").glob("*.typ") if path.stem != "base"
)
TYPE_MAX = 256 * 1024
_ADAPTER = TypeAdapter(LicenceType)
#: Written by some systems for "no end" (GB/T 36903).
LONG_TERM = date(9999, 12, 31)


class BadType(Invalid):
    """The definition of a licence type breaks a rule; the message says which."""

    code = "bad_licence_type"


@lru_cache(maxsize=4)
def load(directory: Path = TYPES) -> tuple[LicenceType, ...]:
    """All types of the directory, by code; Invalid names the file that is wrong."""
    found: dict[str, LicenceType] = {}
    for path in sorted(directory.glob("*.json")):
        licence_type = parse(path.read_bytes(), name=path.name)
        if licence_type.code in found:
            raise Invalid(f"licence type {path.name}: {licence_type.code} is there twice")
        found[licence_type.code] = licence_type
    return tuple(found[code] for code in sorted(found))


def parse(raw: bytes, *, name: str) -> LicenceType:
    """A type from its JSON; BadType says what is wrong in the type that is called `name`."""
    if len(raw) > TYPE_MAX:
        raise BadType(f"类型 {name}：定义过长 / licence type {name}: over {TYPE_MAX} bytes")
    try:
        licence_type = _ADAPTER.validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:80]
        raise BadType(
            f"类型 {name}：{where} 不符合要求 / licence type {name}: {where}: {first['msg'][:200]}"
        ) from error
    _refuse_inconsistent(licence_type, name)
    return licence_type


def write(licence_type: LicenceType) -> bytes:
    """The type as JSON in one form: the same type gives the same bytes, what is default is left
    out."""
    return _ADAPTER.dump_json(licence_type, exclude_defaults=True)


def find(key: str) -> LicenceType:
    """The type by its 21-character code, its slug or its Chinese name; NotFound otherwise."""
    for licence_type in load():
        if key in (licence_type.code, licence_type.slug, licence_type.name):
            return licence_type
    raise NotFound(f"no licence type {key[:64]!r}")


def check(
    licence_type: LicenceType,
    data: Mapping[str, object],
    *,
    today: date,
    fallback: Path | None = None,
) -> dict[str, object]:
    """The checked content of a licence: see `certificates.content.check`; number and term as well.

    `today` is the issuing authority's day; `fallback` a font file for characters beyond ours.
    """
    content = contents.check(licence_type, data, today=today, fallback=fallback)
    require_number(licence_type, content)
    if "ZZBH" in content:
        check_number(licence_type, content)
    valid_until(licence_type, content, issued=today)
    return content


def valid_from(licence_type: LicenceType, content: Mapping[str, object], *, issued: date) -> date:
    """ZZYXQQSRQ, or else the type's own item, or else ZZBFRQ, or else the day of issue."""
    for key in ("ZZYXQQSRQ", licence_type.validity.start_field, "ZZBFRQ"):
        if key and key in content:
            return parse_date(key, content[key])
    return issued


def valid_until(
    licence_type: LicenceType, content: Mapping[str, object], *, issued: date
) -> date | None:
    """The last day the licence is valid; None for a long-term one.

    A given ZZYXQJZRQ may shorten the type's term, never lengthen it.
    """
    given = _end_given(licence_type, content)
    if licence_type.validity.term is Term.LONG:
        return None if given == LONG_TERM else given
    start = valid_from(licence_type, content, issued=issued)
    longest = _years_later(start, licence_type.validity.years) - timedelta(days=1)
    if given is not None and not start <= given <= longest:
        raise InvalidField(
            "ZZYXQJZRQ",
            f"须在起始日期与 {longest:%Y%m%d} 之间 / between the start and {longest:%Y%m%d}",
        )
    return longest if given is None else given


def seal_places(licence_type: LicenceType, count: int) -> tuple[Place, ...]:
    """Centres of the seals for `count` sealing authorities; Invalid when the face has no room."""
    places = licence_type.seals.places.get(count)
    if places is None:
        raise Invalid(f"{licence_type.name} has no place for {count} seals")
    return places


def _end_given(licence_type: LicenceType, content: Mapping[str, object]) -> date | None:
    """The end date the content names, if any."""
    for key in ("ZZYXQJZRQ", licence_type.validity.end_field):
        if key and key in content:
            return parse_date(key, content[key])
    return None


def _years_later(start: date, years: int) -> date:
    """The same day `years` later; 29 February becomes 1 March."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        if (start.month, start.day) != (2, 29):
            raise InvalidField("ZZYXQQSRQ", "年份过晚 / too late a year") from None
        return date(start.year + years, 3, 1)


def _refuse_inconsistent(licence_type: LicenceType, name: str) -> None:
    """What the shape alone cannot say about a type."""
    for holds, zh, en in (*_field_rules(licence_type), *_page_rules(licence_type)):
        if not holds:
            raise BadType(f"类型 {name}：{zh} / licence type {name}: {en}")
    if licence_type.number_format:
        number_format.parse(licence_type.number_format)


_Rules = tuple[tuple[bool, str, str], ...]


def _field_rules(licence_type: LicenceType) -> _Rules:
    fields, validity = licence_type.fields, licence_type.validity
    names = [entry.name for entry in fields]
    days = {entry.name for entry in fields if entry.kind is Kind.DATE}
    codes = set(contents.HOLDER_CODE_TYPES)
    listed = [entry for entry in fields if entry.per_holder]
    return (
        (len(set(names)) == len(names), "字段重复", "a field is there twice"),
        (bool(licence_type.holder_masks), "须有持证主体代码类型", "it needs a kind of holder code"),
        (set(licence_type.holder_masks) <= codes, "未知的代码类型", "unknown holder-code type"),
        (
            all((entry.kind is Kind.CODE) == bool(entry.choices) for entry in fields),
            "代码型字段须有选项，其他字段不得有",
            "choices belong to fields of kind code, and only there",
        ),
        (
            all(entry.kind is Kind.LIST for entry in listed), "逐人填写的字段须为列表",
            "what is said of each holder is a list",
        ),
        (
            not any(entry.public and entry.restricted for entry in fields),
            "字段不能既公开又受限", "a field is public or restricted, not both",
        ),
        (
            not validity.end_field or validity.end_field in days, "截止字段须为本类型的日期字段",
            "the end field must be a date of the type",
        ),
        (
            not validity.start_field or validity.start_field in days,
            "起始字段须为本类型的日期字段", "the start field must be a date of the type",
        ),
        (
            validity.term is Term.LONG or validity.years > 0, "按年计的有效期须填年数",
            "a term in years needs years",
        ),
    )  # fmt: skip


def _page_rules(licence_type: LicenceType) -> _Rules:
    rule, layout, places = licence_type.number_rule, licence_type.layout, licence_type.seals.places
    made_of = number_format.items(licence_type.number_format) if licence_type.number_format else ()
    names = {entry.name for entry in licence_type.fields}
    required = {entry.name for entry in licence_type.fields if entry.required}
    printed = {*layout.rows, *layout.wide, layout.long} if layout is not None else set()
    return (
        (
            licence_type.code.startswith(licence_type.definer.code), "类型代码须以定义机构代码开头",
            "the code must begin with its definer's code",
        ),
        (
            all(count == len(row) for count, row in places.items()), "印章位置数与印章数不符",
            "as many places as seals",
        ),
        (1 in places, "须有一枚印章的位置", "it needs a place for one seal"),
        (
            rule is not NumberRule.FORMAT or bool(licence_type.number_format), "须填编号格式",
            "the number rule needs a format",
        ),
        (
            rule is not NumberRule.FOOD or "KZ_ZTYT" in required, "此编号规则须有必填字段 KZ_ZTYT",
            "that number rule needs the required field KZ_ZTYT",
        ),
        (
            set(made_of) <= required, "编号用到的字段须为必填",
            "what the number is made of must be required fields",
        ),
        (
            {row for row in printed if row.startswith("KZ_")} <= names, "版式中有不存在的字段",
            "the layout prints a field that is not there",
        ),
        (licence_type.template in TEMPLATES, "没有这个模板", "there is no such template"),
        (
            (licence_type.template == FORM) == (layout is not None), f"模板 {FORM} 须有版式",
            f"template {FORM!r} has a layout",
        ),
    )  # fmt: skip
