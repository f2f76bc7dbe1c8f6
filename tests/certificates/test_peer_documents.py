"""Documents of peers as they are kept, on both databases: only a newer one replaces a good one."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from certificates.regions import exchange_records
from certificates.regions.exchange_messages import Kind, Question
from certificates.regions.exchange_records import Direction, QuestionRepeated
from certificates.regions.peer_circuit import Circuits
from certificates.regions.peer_documents import KEEP, PeerAnswerRefused, PeerDocuments, Read, Wanted
from tests.network import Seconds
from trust.db import Sessions
from trust.errors import NotFound
from trust.fetch import FetchFailed
from trust.vault import Vault

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@dataclass
class Peer:
    """Gives out numbers; what is no number is not signed by it."""

    says: bytes | None = b"1"
    asked: int = 0
    refused: set[bytes] = field(default_factory=set)

    def __call__(
        self, url: str, *, body: bytes | None = None, media_type: str = "", cap: int = 0
    ) -> bytes:
        self.asked += 1
        if self.says is None:
            raise FetchFailed("no route")
        return self.says

    def wanted(self, *, context: str = "list 1") -> Wanted[int]:
        def read(data: bytes) -> Read[int]:
            if not data.isdigit() or data in self.refused:
                raise PeerAnswerRefused("not signed")
            at = NOW + timedelta(seconds=int(data))
            return Read(int(data), at, at + timedelta(days=1))

        return Wanted("542500", "status", "1", "http://ali/status/1", context, read, 100)


def opened(sessions: Sessions, peer: Peer, tick: Seconds) -> PeerDocuments:
    return PeerDocuments(sessions, sessions, fetch=peer, circuits=Circuits(tick=tick), tick=tick)


def value(documents: PeerDocuments, wanted: Wanted[int]) -> int | None:
    found = documents.newest(wanted, at=NOW)
    return found.value if found is not None else None


def test_a_newer_one_is_kept_and_an_older_or_a_bad_one_is_not(sessions: Sessions) -> None:
    peer, tick = Peer(), Seconds()
    documents = opened(sessions, peer, tick)
    told = []
    for said in (b"1", b"5", b"3", b"lie", None, b"6"):
        peer.says = said
        told.append(value(documents, peer.wanted()))
        tick.now += 10
    assert told == [1, 5, 5, 5, 5, 6]
    assert documents.document(("542500", "status", "1")) == b"6"


def test_a_process_that_begins_anew_answers_from_what_was_kept(sessions: Sessions) -> None:
    peer, tick = Peer(b"7"), Seconds()
    assert value(opened(sessions, peer, tick), peer.wanted()) == 7
    peer.says = None
    assert value(opened(sessions, peer, tick), peer.wanted()) == 7


def test_an_older_one_never_takes_the_place_of_a_newer_one_in_the_database(
    sessions: Sessions,
) -> None:
    """Two processes: the second is behind."""
    peer, tick = Peer(b"9"), Seconds()
    assert value(opened(sessions, peer, tick), peer.wanted()) == 9
    behind = opened(sessions, peer, tick)
    behind._slot(peer.wanted().key).loaded = True  # as if it had looked before the other wrote
    peer.says = b"2"
    assert value(behind, peer.wanted()) == 2
    assert behind.document(("542500", "status", "1")) == b"9"
    peer.says = None
    tick.now += 10
    assert value(behind, peer.wanted()) == 9


def test_nobody_asks_again_within_the_moment_for_which_it_counts_as_new(
    sqlite_sessions: Sessions,
) -> None:
    peer, tick = Peer(), Seconds()
    documents = opened(sqlite_sessions, peer, tick)
    for _ in range(5):
        value(documents, peer.wanted())
    assert peer.asked == 1
    tick.now += KEEP
    value(documents, peer.wanted())
    assert peer.asked == 2


def test_what_is_held_is_judged_anew_when_the_regions_list_changes(
    sqlite_sessions: Sessions,
) -> None:
    peer, tick = Peer(), Seconds()
    documents = opened(sqlite_sessions, peer, tick)
    assert value(documents, peer.wanted()) == 1
    peer.refused.add(b"1")
    assert value(documents, peer.wanted()) == 1
    assert value(documents, peer.wanted(context="list 2")) is None


def question(number: str) -> Question:
    return Question(
        number.rjust(22, "A"), "621100", "542500", "核对", Kind.STATUS, NOW,
        NOW + timedelta(minutes=1), "a/licence",
    )  # fmt: skip


def test_a_question_is_written_once_and_answered_once(sessions: Sessions) -> None:
    vault, asked = Vault(bytes(16), bytes(32)), question("1")
    message = base64.b64encode(b"question").decode()

    def begin(direction: Direction) -> None:
        exchange_records.begin(
            sessions, vault, direction, asked, message, account="market.clerk", at=NOW
        )

    def finish() -> None:
        with sessions.begin() as session:
            exchange_records.finish(
                session, vault, Direction.ASKED, asked, answer="answer", stamp=b"stamp",
                outcome="found", subject="a/licence",
            )  # fmt: skip

    begin(Direction.ASKED)
    begin(Direction.ANSWERED)  # the other end may live in the same database
    with pytest.raises(QuestionRepeated):
        begin(Direction.ASKED)
    finish()
    with pytest.raises(QuestionRepeated):
        finish()
    with sessions() as session:
        first, second = exchange_records.find(session, vault, asked.id)
        assert (first.answer, first.question, second.answer) == ("answer", message, "")
        with pytest.raises(NotFound):
            exchange_records.find(session, vault, "no such")
