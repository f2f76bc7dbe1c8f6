"""Rows for bulk jobs: business licences of companies that differ."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from tests.regions import example
from trust.identifiers import organisation_check_character, uscc_check_character

TYPE = "business-licence"


def usccs(count: int, *, start: int = 0) -> Iterator[str]:
    """Credit codes of companies that there are not."""
    for number in range(start, start + count):
        body = f"MA{number:06d}"
        code = f"91542521{body}{organisation_check_character(body)}"
        yield code + uscc_check_character(code)


def contents(count: int, *, start: int = 0) -> list[dict[str, Any]]:
    """What the rows of a file say, as dictionaries."""
    return [
        example(TYPE) | {"CZZT": f"阿里第{start + index}号商贸有限公司", "CZZTDM": code}
        for index, code in enumerate(usccs(count, start=start))
    ]


def as_csv(rows: list[dict[str, Any]], *, encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
