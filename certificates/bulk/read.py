"""Rows out of a bulk file: CSV (UTF-8 with or without a mark, or GB 18030), JSON lines, Parquet.

A file whose form is wrong is refused whole (`BulkFileInvalid`); a row that is wrong is handed on
with its fault, so that a report can name all of them at once.
"""

import csv
import io
from collections.abc import Iterator

from certificates.bulk.columns import BulkFileInvalid, Columns, Row
from certificates.bulk.models import BulkForm
from trust import confined
from trust.crypto import jose
from trust.crypto.errors import Malformed

#: By command; an upload is bounded by the server's body limit before.
FILE_MAX = 256 * 1024 * 1024
ROWS_MAX = 1_000_000
LINE_MAX = 512 * 1024
_SUFFIXES = {".csv": BulkForm.CSV, ".jsonl": BulkForm.JSONL, ".parquet": BulkForm.PARQUET}
_MAGIC = b"PAR1"
#: What a Parquet file may unpack to: a small one to so much, a large one to so many times its size.
_UNPACKED_LEAST, _UNPACKED_TIMES = 64 * 1024 * 1024, 32

#: GB 18030-2022 gives these characters their own code points where the older table, which Python
#: has, still points into the private use area.
_FOLDED = str.maketrans(
    dict(
        zip(
            "\ue816\ue817\ue818\ue81e\ue826\ue82b\ue82c\ue831\ue832\ue83b\ue843\ue854\ue855\ue864"
            "\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796",
            "\U00020087\U00020089\U000200cc\u9fb4\u9fb5\u9fb6\u9fb7\U000215d7\u9fb8\U0002298f"
            "\u9fb9\u9fba\U000241fe\u9fbb\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18"
            "\ufe19",
            strict=True,
        )
    )
)


def form_of(name: str) -> BulkForm:
    """The form that a file's name says; BulkFileInvalid for other names."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix not in _SUFFIXES:
        raise BulkFileInvalid(
            "文件须为 .csv、.jsonl 或 .parquet / a bulk file is called .csv, .jsonl or .parquet"
        )
    return _SUFFIXES[suffix]


def rows(data: bytes, form: BulkForm, columns: Columns) -> Iterator[Row]:
    """The rows in order; BulkFileInvalid when it is no such file, is empty or has too many."""
    if len(data) > FILE_MAX:
        raise BulkFileInvalid(f"文件过大 / a bulk file has at most {FILE_MAX} bytes")
    readers = {BulkForm.CSV: _csv, BulkForm.JSONL: _json_lines, BulkForm.PARQUET: _parquet}
    last = 0
    for row in readers[form](data, columns):
        last = row.number
        if last > ROWS_MAX:
            raise BulkFileInvalid(f"至多 {ROWS_MAX} 行 / a bulk file has at most {ROWS_MAX} rows")
        yield row
    if last == 0:
        raise BulkFileInvalid("文件没有数据行 / the file has no rows")


def _text(data: bytes) -> str:
    """UTF-8 with or without a mark, else GB 18030, which spreadsheets in China still write."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("gb18030").translate(_FOLDED)
    except UnicodeDecodeError as error:
        raise BulkFileInvalid(
            "编码既非 UTF-8 也非 GB 18030 / the file is neither UTF-8 nor GB 18030"
        ) from error


def _csv(data: bytes, columns: Columns) -> Iterator[Row]:
    text = _text(data)
    if "\0" in text:
        raise BulkFileInvalid("文件含空字符 / the file holds a NUL")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        keys = columns.heading(next(reader, []))
        for cells in reader:
            if any(cells):
                number += 1
                yield columns.row_of_texts(number, keys, cells)
    except csv.Error as error:
        # Its own words may quote a cell.
        raise BulkFileInvalid(
            f"第 {reader.line_num} 行不是 CSV / line {reader.line_num} is not CSV (RFC 4180)"
        ) from error


def _json_lines(data: bytes, columns: Columns) -> Iterator[Row]:
    number = 0
    for line in io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")):
        if not line.strip():
            continue
        number += 1
        yield _json_row(number, line, columns)


def _json_row(number: int, line: bytes, columns: Columns) -> Row:
    try:
        found = jose.load_json(line.decode(), cap=LINE_MAX)
    except (UnicodeDecodeError, Malformed):
        rule = f"不是 JSON，或行过长 / not JSON in UTF-8 of at most {LINE_MAX} bytes"
        return Row(number, fault=("", rule))
    if not isinstance(found, dict):
        return Row(number, fault=("", "不是 JSON 对象 / not a JSON object"))
    return columns.row_of_values(number, found)


def _parquet(data: bytes, columns: Columns) -> Iterator[Row]:
    """Turned into JSON lines by a process of its own: its reader is C++ and takes any file."""
    if not (data.startswith(_MAGIC) and data.endswith(_MAGIC)):
        raise BulkFileInvalid("不是 Parquet 文件 / this is not a Parquet file")
    try:
        lines = confined.run(
            "certificates.bulk.parquet_door",
            data,
            seconds=60,
            output_max=min(2 * FILE_MAX, _UNPACKED_LEAST + _UNPACKED_TIMES * len(data)),
        )
    except confined.Stumbled as error:
        raise BulkFileInvalid(
            f"Parquet 文件无法读取 / the Parquet file cannot be read: {error}"
        ) from error
    except confined.Overrun as error:
        raise BulkFileInvalid(
            "Parquet 文件过大 / the Parquet file takes too long or too much memory"
        ) from error
    return _json_lines(lines, columns)
