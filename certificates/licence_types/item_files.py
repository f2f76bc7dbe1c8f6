"""Items, organisations and bindings from files: CSV in UTF-8 with a first row of names, or a JSON
list of objects. Every row is read before any is kept, and each error names row and column.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from trust import identifiers
from trust.errors import Invalid, TrustError

FILE_MAX: Final = 32 * 1024 * 1024
ROWS_MAX: Final = 200_000
CELL_MAX: Final = 1000
#: After so many errors the rest is not worth telling.
ERRORS_MAX: Final = 200


class UnreadableFile(Invalid):
    """The file as a whole is no table that is known here."""

    code = "unreadable_table"


class RowsRefused(Invalid):
    """Some rows are wrong, and nothing was kept."""

    code = "rows_refused"

    def __init__(self, errors: Sequence["RowError"]) -> None:
        first = errors[0]
        super().__init__(
            f"{len(errors)} 行有误，全部未导入；第 {first.row} 行 {first.column}：{first.reason} / "
            f"{len(errors)} errors, nothing was imported; row {first.row}, {first.column}: "
            f"{first.reason}"
        )
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class RowError:
    """`row` counts lines of data from 1; `column` is its name in the file."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: rows read, new, changed, and as they were before."""

    rows: int
    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file, by its English or its Chinese name."""

    name: str
    zh: str
    most: int
    required: bool = True
    check: Callable[[str], None] = lambda _: None


Row = dict[str, str]


def _division(text: str) -> None:
    if text != identifiers.NATIONAL_DIVISION:
        identifiers.check_division(text)


def _day(text: str) -> None:
    if text:
        parse_day(text)


def parse_day(text: str) -> date:
    """2024-05-20 or 20240520; Invalid."""
    try:
        if len(text) not in (8, 10) or not text.isascii():
            raise ValueError
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("日期写作 2024-05-20 / a day is written 2024-05-20") from error


def _plain(text: str) -> None:
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise Invalid("只可用字母、数字和符号 / ASCII without blanks")


ORGANISATION: Final = (
    Column("code", "统一社会信用代码", 18, check=identifiers.check_uscc),
    Column("name", "机构名称", 200),
    Column("division", "行政区划代码", 6, check=_division),
    Column("parent", "上级机构代码", 18, required=False,
           check=lambda text: identifiers.check_uscc(text) if text else None),
)  # fmt: skip
ITEM: Final = (
    Column("code", "事项代码", 64, check=_plain),
    Column("name", "事项名称", 300),
    Column("organisation", "实施机构代码", 18, check=identifiers.check_uscc),
    Column("category", "事项类型", 40, required=False),
)
BINDING: Final = (
    Column("item", "事项代码", 64, check=_plain),
    Column("type", "证照类型", 256),
    Column("since", "起始日期", 10, check=_day),
    Column("until", "截止日期", 10, required=False, check=_day),
)


# --- reading a table ---------------------------------------------------------------------------


def read(raw: bytes, columns: Sequence[Column]) -> list[Row]:
    """The rows of a CSV or JSON file, every cell checked by itself: UnreadableFile, RowsRefused."""
    if len(raw) > FILE_MAX:
        raise UnreadableFile(f"文件超过 {FILE_MAX} 字节 / the file is too large")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile("文件须为 UTF-8 编码 / the file must be UTF-8") from error
    found = _from_json(text) if text.lstrip()[:1] in ("[", "{") else _from_csv(text)
    if not found:
        raise UnreadableFile("文件中没有数据行 / there are no rows in the file")
    errors: list[RowError] = []
    rows = [_checked(number, given, columns, errors) for number, given in enumerate(found, start=1)]
    _raise(errors)
    return rows


def _from_json(text: str) -> list[Mapping[str, object]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile("不是 JSON / this is not JSON") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UnreadableFile("JSON 须为对象列表 / the JSON must be a list of objects")
    if len(found) > ROWS_MAX:
        raise UnreadableFile(f"超过 {ROWS_MAX} 行 / more than {ROWS_MAX} rows")
    return found


def _from_csv(text: str) -> list[Mapping[str, object]]:
    reader = csv.reader(io.StringIO(text), strict=True)
    found: list[Mapping[str, object]] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        if len(set(names)) != len(names):
            raise UnreadableFile("列名重复 / a column is there twice")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(found) >= ROWS_MAX:
                raise UnreadableFile(f"超过 {ROWS_MAX} 行 / more than {ROWS_MAX} rows")
            # Cells without a name are kept under one that no column has, and so refused.
            extra = {"?": "".join(cells[len(names) :])} if len(cells) > len(names) else {}
            found.append({**dict(zip(names, cells, strict=False)), **extra})
    except csv.Error as error:
        raise UnreadableFile(f"不是 CSV / this is not CSV: {error}") from error
    return found


def _checked(
    number: int, given: Mapping[str, object], columns: Sequence[Column], errors: list[RowError]
) -> Row:
    """The row by our names; what is wrong with it goes to `errors`."""
    known = {name for column in columns for name in (column.name, column.zh)}
    for name in given:
        if name not in known:
            errors.append(RowError(number, str(name)[:40], "没有这一列 / no such column"))
    row: Row = {}
    for column in columns:
        value = given.get(column.name, given.get(column.zh, ""))
        reason = _fault(column, value)
        if reason is not None:
            errors.append(RowError(number, column.name, reason))
        row[column.name] = value.strip() if isinstance(value, str) else ""
    return row


def _fault(column: Column, value: object) -> str | None:
    if value is None:
        value = ""
    if not isinstance(value, str):
        return "须为文本 / must be a text"
    text = value.strip()
    if not text:
        return "必填 / required" if column.required else None
    if len(text) > column.most or "\0" in text:
        return f"至多 {column.most} 字 / at most {column.most} characters"
    try:
        column.check(text)
    except TrustError as error:
        return str(error)
    return None


def _raise(errors: Sequence[RowError]) -> None:
    if errors:
        raise RowsRefused(errors[:ERRORS_MAX])
