"""What was read a moment ago, so that hot paths need not ask the database each time."""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from trust.db import Sessions

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, each for `life` and at most `room` of them; the oldest goes first.

    A cache belongs to one database: two in one process never see each other's values.
    """

    def __init__(self, *, life: timedelta, room: int) -> None:
        self._life, self._room = life, room
        self._of: WeakKeyDictionary[Sessions, OrderedDict[K, tuple[datetime, V]]]
        self._of = WeakKeyDictionary()
        self._held = Lock()

    def find(self, database: Sessions, key: K, *, at: datetime) -> V | None:
        """The value if it is younger than `life`; None otherwise."""
        values = self._of.get(database)
        kept = values.get(key) if values is not None else None
        # abs: a clock that is set back must not make a value live for ever.
        if kept is None or abs(at - kept[0]) >= self._life:
            return None
        return kept[1]

    def keep(self, database: Sessions, key: K, value: V, *, at: datetime) -> None:
        with self._held:
            values = self._of.setdefault(database, OrderedDict())
            values[key] = (at, value)
            values.move_to_end(key)
            while len(values) > self._room:
                values.popitem(last=False)

    def forget(self, database: Sessions, key: K) -> None:
        """For whoever changed it in this process."""
        with self._held:
            self._of.get(database, OrderedDict()).pop(key, None)
