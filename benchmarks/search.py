"""Searching the register: by holder and by number, over 10,000 and 1,000,000 licences.

    python -m benchmarks.search [--rows 10000 1000000] [--queries 3000] [--postgresql]

Rows are put in by bulk insert, as they would be after years; no file stands behind them. A query is
what the share interface and the desk ask: `certificates.search`, columns turned into values, a
transaction of its own. Times are of the wall clock, one query after the other, the same mix of
questions at both sizes: holders with one to a few licences, numbers that exist, one in ten that
does not. p99 beside p50 says how much a slow one costs, 1,000,000 beside 10,000 whether it grows.
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Engine, Table, event, insert, text

from certificates import search
from certificates.models import Application, Authority, Licence, LicenceHolder
from trust.db import Base, Sessions, open_engine, open_reading
from trust.vault import Vault

Row = tuple[str, float, str]
SIZES = (10_000, 1_000_000)
QUERIES = 3_000
CHUNK = 5_000
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_TYPES = ("11100000MB0143028R001", "11542500999000056Q001", "11542500999000064K001")
_AUTHORITY = "11542500999000056Q"
_VAULT = Vault(bytes(16), bytes(32))


def holder(number: int) -> str:
    return f"91542521MA{number:08d}"


def _holder_of(number: int, size: int) -> int:
    """A third of the holders has several licences; spread so that neighbours are strangers."""
    return number * 7919 % (size * 2 // 3)


def fill(engine: Engine, size: int) -> None:
    """The tables that a search reads, with `size` licences; every twentieth has two holders."""
    tables = [cast(Table, each.__table__) for each in (Authority, Application, Licence,
                                                       LicenceHolder)]  # fmt: skip
    Base.metadata.create_all(engine, tables=tables)
    with engine.begin() as connection:
        connection.execute(insert(tables[0]), {
            "code": _AUTHORITY, "name": "某市市场监督管理局", "division": "542500", "types": [],
        })  # fmt: skip
    for start in range(0, size, CHUNK):
        numbers = range(start, min(start + CHUNK, size))
        with engine.begin() as connection:
            connection.execute(insert(tables[1]), [_application(number) for number in numbers])
            connection.execute(insert(tables[2]), [_licence(number, size) for number in numbers])
            connection.execute(
                insert(tables[3]), [row for number in numbers for row in _holders(number, size)]
            )
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def _application(number: int) -> dict[str, Any]:
    return {
        "id": UUID(int=number + 1), "type_code": _TYPES[number % 3], "authority": _AUTHORITY,
        "state": "issued", "content_box": b"", "entered_by": "clerk", "entered_at": _AT,
    }  # fmt: skip


def _identifier(number: int) -> str:
    serial = hashlib.sha256(b"%d" % number).hexdigest()[:12].upper()
    return f"1.2.156.3005.2.{_TYPES[number % 3]}.{_AUTHORITY}.{serial}.001.X"


def _licence(number: int, size: int) -> dict[str, Any]:
    code = holder(_holder_of(number, size))
    return {
        "identifier": _identifier(number), "application": UUID(int=number + 1),
        "type_code": _TYPES[number % 3], "number": f"JY{number:012d}", "authority": _AUTHORITY,
        "holder_index": _VAULT.index(code, column=search.HOLDER), "holder_public": "某公司",
        "content_box": bytes(1600), "digest": bytes(32), "file_digest": bytes(32),
        "claim": "x" * 350, "status_list": number >> 20, "status_index": number & 0xFFFFF,
        "leaf_index": number, "issued_on": date(2026, 1, 1), "valid_from": date(2026, 1, 1),
        "issued_by": "approver", "issued_at": _AT, "state": "active", "state_at": _AT,
    }  # fmt: skip


def _holders(number: int, size: int) -> Iterator[dict[str, Any]]:
    if number % 20:
        return
    for position, who in enumerate((_holder_of(number, size), (number * 31) % (size * 2 // 3))):
        index = _VAULT.index(holder(who), column=search.HOLDER)
        yield {"licence": _identifier(number), "position": position, "code_index": index}


def measure(reading: Sessions, size: int, queries: int) -> dict[str, list[float]]:
    """Milliseconds of each query, the two kinds in turns."""
    found: dict[str, list[float]] = defaultdict(list)
    for turn in range(-200, queries):
        number = (turn * 104729 + 13) % size
        if turn % 10 == 9:
            number += size * 10  # there is none
        asks: dict[str, Callable[[Any], object]] = {
            "holder": partial(search.by_holder, vault=_VAULT, code=holder(number)),
            "number": partial(search.by_number, number=f"JY{number:012d}"),
        }
        for kind, ask in asks.items():
            before, own = time.perf_counter(), time.thread_time()
            with reading() as session:
                ask(session)
            if turn >= 0:  # the first two hundred warm up
                found[kind].append((time.perf_counter() - before) * 1000)
                found[f"{kind}, own CPU"].append((time.thread_time() - own) * 1000)
    return found


def rows(
    name: str, urls: Callable[[int], str], sizes: Sequence[int] = SIZES, queries: int = QUERIES
) -> list[Row]:
    found: list[Row] = []
    first: dict[str, tuple[float, float]] = {}
    for size in sizes:
        engine = open_engine(urls(size))
        if engine.dialect.name == "sqlite":
            _hurry(engine)
        fill(engine, size)
        for kind, taken in measure(open_reading(engine), size, queries).items():
            p50 = statistics.median(taken)
            p99 = statistics.quantiles(taken, n=100)[98]
            start = first.setdefault(kind, (p50, p99))
            found.append((
                f"{name}, {size:,} rows, by {kind}: p50 ms", p50,
                f"p99 {p99:.2f} = {p99 / p50:.1f} x p50; p50 {p50 / start[0]:.2f} and p99 "
                f"{p99 / start[1]:.2f} of {sizes[0]:,} rows",
            ))  # fmt: skip
        engine.dispose()
    return found


def _hurry(engine: Engine) -> None:
    """Filling need not survive a crash."""

    def quick(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(engine, "connect", quick)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--postgresql", action="store_true", help="a server of Debian's, for now")
    asked = parser.parse_args()
    print(f"  load {os.getloadavg()[0]:.1f}", flush=True)
    with ExitStack() as stack:
        if asked.postgresql:
            from tests.conftest import running_postgresql

            server = stack.enter_context(running_postgresql())
            name, urls = "PostgreSQL", lambda _size: server.url(server.create(empty=True))
        else:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            name, urls = "SQLite", lambda size: f"sqlite:///{home}/{size}.db"
        for what, value, remark in rows(name, urls, asked.rows, asked.queries):
            print(f"  {what:44} {value:8.3f}  {remark}", flush=True)


if __name__ == "__main__":
    main()
