"""Writes of several requests in one transaction: each is whole, and fails alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trust.db import Sessions, open_sessions
from trust.group_commit import GroupCommit, committed


class Refused(Exception):
    pass


@pytest.fixture
def places(sessions: Sessions) -> Sessions:
    with sessions.begin() as session:
        session.execute(text("CREATE TABLE place (number INTEGER PRIMARY KEY)"))
    return sessions


def add(session: Session, number: int) -> int:
    session.execute(text("INSERT INTO place VALUES (:number)"), {"number": number})
    return number


def held(sessions: Sessions) -> set[int]:
    with sessions() as session:
        return set(session.scalars(text("SELECT number FROM place")))


def together(sessions: Sessions, works: int, fail: int = -1) -> list[object]:
    """Many threads at once; the one numbered `fail` raises after it has written."""
    gate = threading.Barrier(works)

    def work(number: int) -> object:
        def piece(session: Session) -> int:
            add(session, number)
            if number == fail:
                raise Refused
            return number

        gate.wait()
        try:
            return committed(sessions, piece)
        except Refused as error:
            return type(error)

    with ThreadPoolExecutor(works) as pool:
        return list(pool.map(work, range(works)))


def test_everyone_gets_what_their_own_work_returned(places: Sessions) -> None:
    assert together(places, 12) == list(range(12))
    assert held(places) == set(range(12))


def test_what_fails_is_undone_alone(places: Sessions) -> None:
    found = together(places, 12, fail=5)
    assert found[5] is Refused
    assert held(places) == set(range(12)) - {5}


def test_one_of_two_that_want_the_same_wins(places: Sessions) -> None:
    def work(_: int) -> bool:
        try:
            committed(places, lambda session: add(session, 1))
        except Exception:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 1


def test_a_commit_that_fails_is_told_to_all(sqlite_engine: Engine) -> None:
    sessions = open_sessions(sqlite_engine)
    with sessions.begin() as session:
        session.execute(text("CREATE TABLE place (number INTEGER PRIMARY KEY)"))
        session.execute(
            text("CREATE TABLE held (number INTEGER PRIMARY KEY, "
                 "place INTEGER REFERENCES place DEFERRABLE INITIALLY DEFERRED)")
        )  # fmt: skip
    failed: list[BaseException] = []

    def work(number: int) -> None:
        def piece(session: Session) -> None:
            # Nothing is wrong with it before the commit.
            session.execute(text("INSERT INTO held VALUES (:number, 7)"), {"number": number})

        try:
            committed(sessions, piece)
        except IntegrityError as error:
            failed.append(error)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(failed) == 4
    with sessions.begin() as session:
        assert session.scalars(text("SELECT number FROM held")).all() == []


def test_many_writers_need_fewer_transactions_than_there_are_writes(
    sqlite_engine: Engine,
) -> None:
    sessions = open_sessions(sqlite_engine)
    with sessions.begin() as session:
        session.execute(text("CREATE TABLE place (number INTEGER PRIMARY KEY)"))
    begun: list[object] = []
    event.listen(sqlite_engine, "begin", begun.append)
    group, first = GroupCommit(), threading.Event()

    def slow(session: Session) -> int:
        first.set()
        threading.Event().wait(0.2)  # meanwhile the others come
        return add(session, 100)

    with ThreadPoolExecutor(16) as pool:
        leader = pool.submit(group.run, sessions, slow)
        first.wait()
        waiting = [
            pool.submit(group.run, sessions, lambda session, n=number: add(session, n))
            for number in range(15)
        ]
        assert leader.result() == 100
        assert [each.result() for each in waiting] == list(range(15))
    assert len(begun) <= 4
