"""The catalogue of licence types: find one, check a content against it, number it, date it."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from certificates import content as contents
from certificates.content import InvalidField, parse_date
from certificates.licence_number import check_number, number
from certificates.licence_type import Field, Kind, LicenceType, Mask, Place, Term, masked
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
    "seal_places",
    "valid_from",
    "valid_until",
]

TYPES = Path(__file__).parent / "types"
_ADAPTER = TypeAdapter(LicenceType)
#: Written by some systems for "no end" (GB/T 36903).
LONG_TERM = date(9999, 12, 31)


@lru_cache(maxsize=4)
def load(directory: Path = TYPES) -> tuple[LicenceType, ...]:
    """All types of the directory, by code; Invalid names the file that is wrong."""
    found: dict[str, LicenceType] = {}
    for path in sorted(directory.glob("*.json")):
        try:
            licence_type = _ADAPTER.validate_json(path.read_bytes())
        except ValidationError as error:
            raise Invalid(f"licence type {path.name}: {error.errors()[0]['msg']}") from error
        if licence_type.code in found:
            raise Invalid(f"licence type {path.name}: {licence_type.code} is there twice")
        _refuse_inconsistent(licence_type, path.name)
        found[licence_type.code] = licence_type
    return tuple(found[code] for code in sorted(found))


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
            "ZZYXQJZRQ", f"between the start and {longest:%Y%m%d} ({licence_type.validity.years} a)"
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
            raise InvalidField("ZZYXQQSRQ", "too late a year") from None
        return date(start.year + years, 3, 1)


def _refuse_inconsistent(licence_type: LicenceType, name: str) -> None:
    """What the shape alone cannot say about a type."""
    fields = [entry.name for entry in licence_type.fields]
    if len(set(fields)) != len(fields):
        raise Invalid(f"licence type {name}: a field is there twice")
    if not licence_type.code.startswith(licence_type.definer.code):
        raise Invalid(f"licence type {name}: the code must begin with its definer's code")
    if not set(licence_type.holder_masks) <= set(contents.HOLDER_CODE_TYPES):
        raise Invalid(f"licence type {name}: unknown holder-code type")
    if any((entry.kind is Kind.CODE) != bool(entry.choices) for entry in licence_type.fields):
        raise Invalid(f"licence type {name}: choices belong to fields of kind code, and only there")
    end = licence_type.extension(licence_type.validity.end_field)
    if licence_type.validity.end_field and (end is None or end.kind is not Kind.DATE):
        raise Invalid(f"licence type {name}: the end field must be a date of the type")
    if any(count != len(row) for count, row in licence_type.seals.places.items()):
        raise Invalid(f"licence type {name}: as many places as seals")
