"""Fetching the lists of all regions that are named: hubs first, then whom they point to.

Nothing is fetched while a transaction is open. What cannot be had is an alarm; the last good list
stays. A walk asks each region once, at most `list_sources.SOURCES_MAX` of them, `WORKERS` at once.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update

from trust import list_alarms, list_sources, lists
from trust.db import Sessions
from trust.fetch import AnswerTooLong, BadAddress, Fetch, FetchFailed
from trust.list_accept import DEPTH_MAX, Taken, take
from trust.list_models import HeldList, ListSource
from trust.lists_judge import ListTooLarge

WORKERS: Final = 8
#: A list that ends sooner than this and cannot be renewed is worth an alarm already.
MARGIN: Final = timedelta(days=1)
UNREACHABLE: Final = "list_unreachable"


def refresh(sessions: Sessions, *, fetch: Fetch, own: str, at: datetime) -> tuple[Taken, ...]:
    """Fetch and judge every list that is named, each once; what became of them, by region."""
    taken: dict[str, Taken] = {}
    for _ in range(DEPTH_MAX + 1):
        # A list is fetched after the one that names it: that one names what was in force before.
        due = [
            (region, uri)
            for region, uri, parent in _sources(sessions)
            if region not in taken and (parent is None or parent in taken)
        ]
        if not due:
            break
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="lists") as pool:
            answers = list(pool.map(lambda source: _ask(fetch, source[1]), due))
        for (region, _), answer in zip(due, answers, strict=True):
            taken[region] = _judge(sessions, region, answer, own=own, at=at)
    tell_overdue(sessions, at=at)
    return tuple(taken[region] for region in sorted(taken))


def fetch_one(
    sessions: Sessions, region: str, *, fetch: Fetch, own: str, at: datetime
) -> Taken:  # fmt: skip
    """Fetch and judge the list of one region; NotFound."""
    with sessions() as session:
        uri = list_sources.find(session, region).uri
    return _judge(sessions, region, _ask(fetch, uri), own=own, at=at)


def _sources(sessions: Sessions) -> list[tuple[str, str, str | None]]:
    """(region, address, who names it) of those to be fetched: what is named by hand first."""
    with sessions() as session:
        rows = session.execute(
            select(ListSource.region, ListSource.uri, ListSource.parent)
            .where(ListSource.dropped_at.is_(None))
            .order_by(ListSource.parent.is_not(None), ListSource.region)
            .limit(list_sources.SOURCES_MAX)
        )
        return [(region, uri, parent) for region, uri, parent in rows]


def _ask(fetch: Fetch, uri: str) -> bytes | Taken:
    """The list, or why there is none; what is too long is cut off while it comes."""
    try:
        return fetch(uri, cap=lists.LIST_MAX)
    except AnswerTooLong as error:
        return Taken("", ListTooLarge.code, str(error))
    except (FetchFailed, BadAddress) as error:
        return Taken("", UNREACHABLE, str(error))


def _judge(
    sessions: Sessions, region: str, answer: bytes | Taken, *, own: str, at: datetime
) -> Taken:
    with sessions.begin() as session:
        session.execute(update(ListSource).where(ListSource.region == region).values(asked_at=at))
        if isinstance(answer, Taken):
            list_alarms.raise_(session, region, answer.code, answer.detail, at=at)
            return Taken(region, answer.code, answer.detail)
    try:
        return take(sessions, region, answer, own=own, at=at)
    except list_sources.SourceDropped as error:  # by a hub's list of this very walk
        return Taken(region, error.code, str(error))


def tell_overdue(sessions: Sessions, *, at: datetime) -> tuple[str, ...]:
    """Alarms for lists that are held and have ended, or soon will: nobody gave out a newer one, or
    somebody holds it back; the regions."""
    with sessions.begin() as session:
        late = session.execute(
            select(HeldList.region, HeldList.next_update)
            .join(ListSource, ListSource.region == HeldList.region)
            .where(HeldList.next_update < at + MARGIN, ListSource.dropped_at.is_(None))
            .order_by(HeldList.region)
        ).all()
        for region, until in late:
            ended = f"{until:%Y-%m-%dT%H:%M:%SZ}"
            list_alarms.raise_(session, region, "list_overdue", ended, at=at)
    return tuple(region for region, _ in late)
