"""The columns of a bulk file, by item code or by Chinese label, and what a cell stands for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from certificates.content import COMMON
from certificates.licence_type import Kind, LicenceType
from trust.errors import Invalid

COLUMNS_MAX = 200
#: Labels of the common items (GB/T 36903-2018, table 1), as spreadsheets head them.
LABELS = {
    "持证主体": "CZZT",
    "持证主体代码": "CZZTDM",
    "持证主体代码类型": "CZZTDMLX",
    "持证主体代码类型代码": "CZZTDMLXDM",
    "证照编号": "ZZBH",
    "证照颁发日期": "ZZBFRQ",
    "证照有效期起始日期": "ZZYXQQSRQ",
    "证照有效期截止日期": "ZZYXQJZRQ",
    "纸质证照编号": "paper_number",
    "事项编码": "item_code",
    "办件编号": "case_number",
}
#: What an application says besides its content, and how long it may be.
ABOUT = {"paper_number": 128, "item_code": 64, "case_number": 64}
#: Between the entries of a list in one cell.
SEPARATOR = "；"
_NO_COLUMN = "该类证照没有此列 / not a column of this type"
_TWICE = "此列重复 / there twice"


class BulkFileInvalid(Invalid):
    """The file as a whole cannot be read; no row of it was looked at."""

    code = "bulk_file_invalid"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was written: item codes to values, texts about the application apart.

    `number` counts from 1, without the heading. `fault` is (column, rule) when the row could not
    even be read so far.
    """

    number: int
    content: Mapping[str, object] = field(default_factory=dict, repr=False)
    about: Mapping[str, str] = field(default_factory=dict, repr=False)
    fault: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """What the headings of one type mean."""

    names: Mapping[str, str]
    lists: frozenset[str]

    def heading(self, cells: Iterable[str]) -> tuple[str, ...]:
        """The keys of a heading row, in its order; BulkFileInvalid names a column at fault."""
        shown = [cell.strip() for cell in cells]
        while shown and not shown[-1]:  # spreadsheets leave empty columns at the end
            shown.pop()
        if not 1 <= len(shown) <= COLUMNS_MAX:
            raise BulkFileInvalid(
                f"表头须有 1 至 {COLUMNS_MAX} 列 / a heading has 1 to {COLUMNS_MAX} columns"
            )
        keys = []
        for place, cell in enumerate(shown, 1):
            # By its place: in a file without a heading this is somebody's data.
            key = self.names.get(cell)
            if key is None:
                raise BulkFileInvalid(
                    f"没有第 {place} 列的列名 / unknown heading of column {place}"
                )
            if key in keys:
                raise BulkFileInvalid(f"第 {place} 列重复 / column {place} is there twice")
            keys.append(key)
        return tuple(keys)

    def row_of_texts(self, number: int, keys: tuple[str, ...], cells: list[str]) -> Row:
        """A row of a table: an empty cell says nothing, a list's entries are split."""
        if any(cells[len(keys) :]) or len(cells) < len(keys):
            rule = f"单元格数与列数不符 / {len(cells)} cells under {len(keys)} columns"
            return Row(number, fault=("", rule))
        found: dict[str, object] = {}
        for key, cell in zip(keys, cells, strict=False):
            if cell:
                found[key] = self._entries(key, cell)
        return self._sorted(number, found)

    def row_of_values(self, number: int, given: Mapping[str, object]) -> Row:
        """A row of named values; null says nothing."""
        found: dict[str, object] = {}
        for place, (name, value) in enumerate(given.items(), 1):
            key = self.names.get(name)
            if key is None or key in found:
                rule = _NO_COLUMN if key is None else _TWICE
                return Row(number, fault=(f"#{place}", rule))
            if value is not None:
                found[key] = value
        return self._sorted(number, found)

    def _entries(self, key: str, cell: str) -> object:
        if key not in self.lists:
            return cell
        parts = cell.replace(";", SEPARATOR).split(SEPARATOR)
        entries = [part.strip() for part in parts if part.strip()]
        # A holder's item is a list only where there are several holders.
        return entries if key not in COMMON or len(entries) > 1 else cell

    @staticmethod
    def _sorted(number: int, found: dict[str, object]) -> Row:
        about: dict[str, str] = {}
        for key, most in ABOUT.items():
            if (value := found.pop(key, None)) is None:
                continue
            if not isinstance(value, str) or not 1 <= len(value) <= most or not value.isprintable():
                rule = f"须为 1 至 {most} 字 / a text of 1 to {most} printable characters"
                return Row(number, fault=(key, rule))
            about[key] = value
        return Row(number, found, about)


def columns_of(licence_type: LicenceType) -> Columns:
    """What files of this type may have as columns."""
    names = {label: key for label, key in LABELS.items()}
    names |= {key: key for key in (*COMMON, *ABOUT)}
    lists = set()
    for entry in licence_type.fields:
        names |= {entry.zh: entry.name, entry.name: entry.name}
        if entry.kind is Kind.LIST:
            lists.add(entry.name)
    if getattr(licence_type, "holders_max", 1) > 1:
        lists |= {"CZZT", "CZZTDM", "CZZTDMLX", "CZZTDMLXDM"}
    return Columns(names, frozenset(lists))
