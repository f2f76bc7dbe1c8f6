"""Short writes of several requests in one transaction of SQLite: one begin, one wait for the disk.

SQLite has one writer at a time and syncs at every commit, so at a busy moment requests would wait
for one another's disk. Here whoever comes first takes along what waits meanwhile. Each piece of
work runs in a savepoint of its own: one that raises is undone alone and its caller told; when the
commit fails, every caller is. Nobody gets an answer before the disk has it. PostgreSQL groups its
commits itself, so there each piece has its own transaction.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from trust.db import Sessions

#: Pieces of one transaction: the first of them must not wait long for the others.
MAX: Final = 32

_T = TypeVar("_T")


class _Piece(Generic[_T]):
    """Work that waits, and then what came of it."""

    __slots__ = ("_error", "_found", "_work", "done")

    def __init__(self, work: Callable[[Session], _T]) -> None:
        self._work = work
        self._error: BaseException | None = None
        self._found: Any = None
        self.done = False

    def run(self, session: Session) -> None:
        self._found = self._work(session)

    def run_apart(self, session: Session) -> None:
        """As `run`, but a failure is this piece's alone."""
        try:
            with session.begin_nested():
                self._found = self._work(session)
        except Exception as error:
            self._error = error

    def fail(self, error: BaseException) -> None:
        self._error = error

    def outcome(self) -> _T:
        if self._error is not None:
            raise self._error
        found: _T = self._found
        return found


class GroupCommit:
    """Runs pieces of work for many threads. A piece must not begin another transaction.

    It does not hold the sessions: whoever remembers groups by them must be able to forget.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Piece[Any]] = deque()
        self._held = Lock()
        self._leading = Lock()

    def run(self, sessions: Sessions, work: Callable[[Session], _T]) -> _T:
        """What `work` returns, once it is committed; raises what it raises, undone."""
        piece = _Piece(work)
        with self._held:
            self._waiting.append(piece)
        with self._leading:  # while one commits, the next ones gather here
            while not piece.done:
                self._lead(sessions)
        return piece.outcome()

    def _lead(self, sessions: Sessions) -> None:
        with self._held:
            batch = [self._waiting.popleft() for _ in range(min(MAX, len(self._waiting)))]
        try:
            with sessions.begin() as session:
                if len(batch) == 1:
                    batch[0].run(session)
                else:
                    for piece in batch:
                        piece.run_apart(session)
        except BaseException as error:  # each caller's own to raise, the interrupted one's too
            for piece in batch:
                piece.fail(error)
        finally:
            for piece in batch:
                piece.done = True


_GROUPS: WeakKeyDictionary[Sessions, GroupCommit] = WeakKeyDictionary()
_MAKING: Final = Lock()


def committed(sessions: Sessions, work: Callable[[Session], _T]) -> _T:
    """Run `work` in a transaction and return what it returns once that is on disk."""
    if not _groups(sessions):
        with sessions.begin() as session:
            return work(session)
    found = _GROUPS.get(sessions)
    if found is None:
        with _MAKING:
            found = _GROUPS.setdefault(sessions, GroupCommit())
    return found.run(sessions, work)


def _groups(sessions: Sessions) -> bool:
    bind = sessions.kw.get("bind")
    return bind is not None and bind.dialect.name == "sqlite"
