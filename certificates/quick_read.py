"""One row by the database's own driver: for what is asked for every code that anybody scans.

SQLAlchemy's layers take five times as long as SQLite itself for a row by its key. What they do
about types is done here as well: by the same types, from the same statement.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

from sqlalchemy import Engine, Select

from trust.db import Sessions

_Convert = Callable[[Any], Any] | None


class RowByKey:
    """A SELECT of columns that gives one row or none, prepared once for a database.

    Each call is a transaction of its own, which reads and ends. Raises what the driver raises: the
    caller asks again by SQLAlchemy, whose errors are known everywhere.
    """

    def __init__(self, sessions: Sessions, statement: Select[*tuple[Any, ...]]) -> None:
        self._engine = cast(Engine, sessions.kw["bind"])
        self._dialect = self._engine.dialect
        compiled = statement.compile(dialect=self._dialect)
        self._text, self._compiled = str(compiled), compiled
        self._columns = [column.type for column in statement.selected_columns]
        self._convert: tuple[_Convert, ...] | None = None

    @property
    def refusals(self) -> type[Exception]:
        """What the driver raises."""
        return cast(type[Exception], self._dialect.loaded_dbapi.Error)

    def __call__(self, **asked: object) -> tuple[Any, ...] | None:
        found: Any = self._compiled.construct_params(asked)
        if self._compiled.positional:
            found = tuple(found[name] for name in self._compiled.positiontup or ())
        with closing(self._engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(self._text, found)
            row = cursor.fetchone()
            if row is None:
                return None
            convert = self._convert or self._converters(cursor.description)
        return tuple(
            value if change is None else change(value)
            for change, value in zip(convert, row, strict=True)
        )

    def _converters(self, description: Any) -> tuple[_Convert, ...]:
        """As the types say of values of this driver, whose codes the first row tells."""
        self._convert = tuple(
            kind.dialect_impl(self._dialect).result_processor(self._dialect, column[1])
            for kind, column in zip(self._columns, description, strict=True)
        )
        return self._convert
