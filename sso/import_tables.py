"""Tables of a bulk import: the cells of a file in CSV or JSON lines, UTF-8."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Final, Literal

from trust.errors import Invalid

Format = Literal["csv", "jsonl"]
FILE_MAX: Final = 32 * 1024 * 1024


class UnreadableFile(Invalid):
    """Not UTF-8, too large, or not the table it should be."""

    code = "unreadable_import"


def read(
    content: bytes, form: Format, columns: tuple[str, ...]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each row's cells with its line; the form of the file is checked, not yet what it says."""
    if len(content) > FILE_MAX:
        raise UnreadableFile(f"a file has at most {FILE_MAX} bytes; import it in parts")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile("the file is not UTF-8 (spreadsheets: CSV UTF-8)") from error
    rows = _csv_rows(text, columns) if form == "csv" else _json_rows(text, columns)
    try:
        yield from rows
    except (csv.Error, RecursionError) as error:
        raise UnreadableFile("the file is not the table it should be") from error


def _csv_rows(text: str, columns: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [cell.strip() for cell in next(reader, [])]
    if not header or not set(header) <= set(columns) or len(set(header)) != len(header):
        raise UnreadableFile(f"the first line names columns, each once, of: {', '.join(columns)}")
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise UnreadableFile(f"line {reader.line_num}: {len(header)} cells are needed")
        yield reader.line_num, _stripped(dict(zip(header, cells, strict=True)))


def _json_rows(text: str, columns: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise UnreadableFile(f"line {number}: not JSON") from error
        if not isinstance(found, dict) or not set(found) <= set(columns):
            raise UnreadableFile(f"line {number}: an object with members of {', '.join(columns)}")
        if not all(isinstance(value, str | int) for value in found.values()):
            raise UnreadableFile(f"line {number}: the values are texts or numbers")
        yield number, _stripped({key: str(value) for key, value in found.items()})


def _stripped(cells: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value.strip() for key, value in cells.items()}
