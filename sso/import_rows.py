"""Rows of a bulk import, checked one by one: a person or an organisation each.

docs/identity-levels.md lists the columns. Every fault is reported with its line and column and
never with the value: the report is for a screen and a log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final

from sso import accounts, import_tables, particulars
from sso.import_tables import FILE_MAX, Format, UnreadableFile
from sso.particulars import CITIZEN_ID, USCC, Particulars
from sso.people_models import Capacity
from sso.policy import LEVELS
from trust import identifiers
from trust.access import Role
from trust.clock import CHINA
from trust.errors import Invalid

__all__ = [
    "FILE_MAX", "ORGANISATION_COLUMNS", "PERSON_COLUMNS", "ROWS_MAX", "Appointment", "Format",
    "Problem", "Row", "Rows", "UnreadableFile", "read_organisations", "read_people",
]  # fmt: skip

ROWS_MAX: Final = 100_000
CELL_MAX: Final = 500

_WHO: Final = ("user_name", "name", "mobile", "email", "level")
ORGANISATION_COLUMNS: Final = (*_WHO, "uscc", "representative_name", "representative_number")
PERSON_COLUMNS: Final = (
    *_WHO, "key_type", "key_number", "birthdate", "gender", "address", "roles", "authority",
    "organisation", "capacity", "scope", "not_after",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: `line` as an editor counts, `column` "" for the row as a whole."""

    line: int
    column: str
    rule: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """For whom an imported person acts: an organisation by its USCC."""

    uscc: str
    capacity: Capacity
    scope: str
    not_after: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """One person or organisation, checked by itself."""

    line: int
    known: Particulars
    user_name: str | None
    level: int
    roles: frozenset[Role] = frozenset()
    authority: str | None = None
    appointment: Appointment | None = None


@dataclass(slots=True)
class Rows:
    """What a file holds: the rows that are right by themselves, and the faults of the others."""

    good: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _Fault(Exception):
    """A rule that one column breaks."""

    def __init__(self, column: str, rule: str) -> None:
        self.column, self.rule = column, rule


_Build = Callable[[int, Mapping[str, str], datetime], Row]


def read_people(content: bytes, form: Format, *, at: datetime) -> Rows:
    """The persons of a file; UnreadableFile when it cannot be read as a table at all."""
    return _read(content, form, PERSON_COLUMNS, _person, at=at)


def read_organisations(content: bytes, form: Format, *, at: datetime) -> Rows:
    """The organisations of a file; errors as of `read_people`."""
    return _read(content, form, ORGANISATION_COLUMNS, _organisation, at=at)


def _read(
    content: bytes, form: Format, columns: tuple[str, ...], build: _Build, *, at: datetime
) -> Rows:
    rows = Rows()
    seen: dict[tuple[str, str], int] = {}
    for line, cells in import_tables.read(content, form, columns):
        if line - 1 > ROWS_MAX:
            raise UnreadableFile(f"more than {ROWS_MAX} rows; import it in parts")
        try:
            row = build(line, cells, at)
            _refuse_repeated(row, seen)
        except _Fault as fault:
            rows.problems.append(Problem(line, fault.column, fault.rule))
        except particulars.InvalidParticulars as error:
            rows.problems.append(Problem(line, error.item, str(error).partition(": ")[2]))
        except identifiers.InvalidIdentifier as error:
            column = "uscc" if error.identifier_kind == "uscc" else "key_number"
            rows.problems.append(Problem(line, column, str(error)))
        else:
            rows.good.append(row)
    return rows


def _person(line: int, cells: Mapping[str, str], at: datetime) -> Row:
    known = particulars.checked_person(
        Particulars(
            name=_needed(cells, "name"), key_type=cells.get("key_type") or CITIZEN_ID,
            key_number=_needed(cells, "key_number"), mobile=_cell(cells, "mobile"),
            email=_cell(cells, "email"), birthdate=_cell(cells, "birthdate"),
            gender=_cell(cells, "gender"), address=_cell(cells, "address"),
        ),
        at=at,
    )  # fmt: skip
    roles = _roles(_cell(cells, "roles"))
    authority = _uscc(cells, "authority") if cells.get("authority") else None
    return Row(
        line, known, _user_name(cells), _level(cells), roles=roles, authority=authority,
        appointment=_appointment(cells) if cells.get("organisation") else None,
    )  # fmt: skip


def _organisation(line: int, cells: Mapping[str, str], at: datetime) -> Row:
    known = particulars.checked(
        Particulars(
            name=_needed(cells, "name"), key_type=USCC, key_number=_needed(cells, "uscc"),
            mobile=_cell(cells, "mobile"), email=_cell(cells, "email"),
            representative_name=_cell(cells, "representative_name"),
            representative_number=_cell(cells, "representative_number"),
        ),
        at=at,
    )  # fmt: skip
    return Row(line, known, _user_name(cells), _level(cells))


def _appointment(cells: Mapping[str, str]) -> Appointment:
    """`not_after` is the last day, to its end in China."""
    capacity = cells.get("capacity") or Capacity.AGENT
    if capacity not in tuple(Capacity):
        raise _Fault("capacity", f"one of {', '.join(Capacity)}")
    ends = _last_day(_cell(cells, "not_after"))
    if ends is None and capacity == Capacity.AGENT:
        raise _Fault("not_after", "an agent's authorisation has an end date")
    scope = particulars.text("scope", _needed(cells, "scope"), 200)
    return Appointment(_uscc(cells, "organisation"), Capacity(capacity), scope, ends)


def _last_day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - the zone follows
    except ValueError:
        raise _Fault("not_after", "a day written YYYY-MM-DD") from None
    return datetime.combine(day, time.max, CHINA)


def _cell(cells: Mapping[str, str], column: str) -> str:
    value = cells.get(column, "")
    if len(value) > CELL_MAX:
        raise _Fault(column, f"at most {CELL_MAX} characters")
    return value


def _needed(cells: Mapping[str, str], column: str) -> str:
    value = _cell(cells, column)
    if not value:
        raise _Fault(column, "needed")
    return value


def _uscc(cells: Mapping[str, str], column: str) -> str:
    code = _cell(cells, column).upper()
    try:
        identifiers.check_uscc(code)
    except identifiers.InvalidIdentifier as error:
        raise _Fault(column, str(error)) from error
    return code


def _user_name(cells: Mapping[str, str]) -> str | None:
    name = _cell(cells, "user_name")
    if not name:
        return None
    try:
        accounts.check_name(name)
    except Invalid as error:
        raise _Fault("user_name", str(error)) from error
    return name


def _level(cells: Mapping[str, str]) -> int:
    text = _cell(cells, "level") or "0"
    if text not in {str(level) for level in LEVELS}:
        raise _Fault("level", "0 to 3")
    return int(text)


def _roles(text: str) -> frozenset[Role]:
    words = text.replace(";", " ").split()
    unknown = [word for word in words if word not in tuple(Role)]
    if unknown:
        raise _Fault("roles", "role codes with spaces between them")
    wanted = frozenset(Role(word) for word in words)
    try:
        accounts.check_roles(wanted)
    except Invalid as error:
        raise _Fault("roles", str(error)) from error
    return wanted


def _refuse_repeated(row: Row, seen: dict[tuple[str, str], int]) -> None:
    """Two rows of one file are never the same person, mobile or user name."""
    uniques = {
        "key_number": f"{row.known.key_type}:{row.known.key_number}",
        "mobile": row.known.mobile,
        "user_name": row.user_name or "",
    }
    for column, value in uniques.items():
        earlier = seen.get((column, value)) if value else None
        if earlier is not None:
            raise _Fault(column, f"the same as in line {earlier}")
    for column, value in uniques.items():
        seen[column, value] = row.line
