"""Parquet to JSON lines, in a process of its own (`trust.confined`).

Runs as `python -m certificates.bulk.parquet_door < FILE`. A file of a few kilobytes may say that it
unpacks to gigabytes, and its reader is native code.
"""

import datetime
import io
import json
import sys
from typing import Any

from trust import confined

SECONDS, MEMORY = 120, 6 * 1024 * 1024 * 1024
ROWS_MAX, COLUMNS_MAX = 1_000_000, 200
_BATCH = 1000


def _plain(value: object) -> object:
    """Dates as licences write them; everything else JSON has, or the check of the row refuses."""
    if isinstance(value, datetime.datetime | datetime.date):
        return f"{value:%Y%m%d}"
    if isinstance(value, str | int | float | bool | list | type(None)):
        return value
    return str(type(value).__name__)


def main() -> int:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        print("pyarrow is not installed (pip install trust-platform[parquet])", file=sys.stderr)
        return 1
    arrow: Any = pyarrow  # it has no types of its own
    confined.limit(seconds=SECONDS, memory=MEMORY)
    try:
        file = arrow.parquet.ParquetFile(io.BytesIO(sys.stdin.buffer.read()))
        if file.metadata.num_rows > ROWS_MAX or file.metadata.num_columns > COLUMNS_MAX:
            print(f"at most {ROWS_MAX} rows and {COLUMNS_MAX} columns", file=sys.stderr)
            return 1
        for batch in file.iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                shown = {name: _plain(value) for name, value in row.items()}
                json.dump(shown, sys.stdout, ensure_ascii=False, default=str)
                sys.stdout.write("\n")
    except (arrow.ArrowException, OSError, ValueError) as error:
        print(f"{type(error).__name__}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
