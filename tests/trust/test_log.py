import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from trust import log
from trust.crypto import merkle
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.db import Sessions, open_engine, open_sessions
from trust.errors import Conflict, Invalid
from trust.keys import SoftKeyStore
from trust.log import LogDamaged
from trust.log_models import LogHead, LogLeaf, LogNode

AT = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
ORIGIN = "log.example.gov.cn/audit"


@pytest.fixture(scope="module")
def signer(soft_keys: SoftKeyStore) -> SoftKeyStore:
    soft_keys.generate("test-log", KeyKind.P256)
    return soft_keys


def fill(session: Session, count: int, name: str = "audit") -> list[bytes]:
    leaves = [f"leaf {number}".encode() for number in range(count)]
    for leaf in leaves:
        log.append(session, name, leaf, at=AT)
    return [merkle.leaf_hash(leaf) for leaf in leaves]


def sign(session: Session, keys: SoftKeyStore) -> log.Checkpoint:
    return log.checkpoint(
        session,
        "audit",
        origin=ORIGIN,
        keys=keys,
        key_id="test-log",
        algorithm=Algorithm.ES256,
        at=AT,
    )


def test_the_stored_tree_has_the_same_roots_and_proofs_as_its_leaves(sessions: Sessions) -> None:
    with sessions.begin() as session:
        hashes = fill(session, 37)
        fill(session, 5, "another")
    with sessions.begin() as session:
        assert log.size(session, "audit") == 37
        for size in range(38):
            assert log.root(session, "audit", size) == merkle.root(hashes[:size])
        for size in (1, 8, 21, 37):
            for index in range(size):
                proof = log.inclusion_proof(session, "audit", index, size)
                assert proof == merkle.inclusion_proof(hashes[:size], index)
            for first in range(size + 1):
                proof = log.consistency_proof(session, "audit", first, size)
                assert proof == merkle.consistency_proof(hashes[:size], first)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 9), max_size=8), st.data())
def test_a_log_grown_in_pieces_proves_every_leaf(pieces: list[int], data: st.DataObject) -> None:
    sessions = open_sessions(open_engine("sqlite://"))
    LogHead.metadata.create_all(sessions.kw["bind"])
    leaves: list[bytes] = []
    for piece in pieces:
        with sessions.begin() as session:
            for _ in range(piece):
                leaf = data.draw(st.binary(max_size=8))
                assert log.append(session, "audit", leaf, at=AT) == len(leaves)
                leaves.append(leaf)
    with sessions.begin() as session:
        root = log.root(session, "audit")
        for index, leaf in enumerate(leaves):
            merkle.verify_inclusion(
                merkle.leaf_hash(leaf),
                index=index,
                size=len(leaves),
                proof=log.inclusion_proof(session, "audit", index),
                root=root,
            )
    sessions.kw["bind"].dispose()


def test_what_is_rolled_back_was_never_appended(sessions: Sessions) -> None:
    with sessions.begin() as session:
        fill(session, 3)
        before = log.root(session, "audit")
    with sessions() as session:
        log.append(session, "audit", b"lost", at=AT)
        session.rollback()
    with sessions.begin() as session:
        assert log.root(session, "audit") == before
        assert log.append(session, "audit", b"kept", at=AT) == 3


def test_writers_at_once_get_every_index_once(sessions: Sessions) -> None:
    indexes: list[int] = []

    def write() -> None:
        for _ in range(10):
            with sessions.begin() as session:
                index = log.append(session, "audit", b"leaf", at=AT)
            indexes.append(index)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indexes) == list(range(40))
    with sessions.begin() as session:
        assert log.root(session, "audit") == merkle.root([merkle.leaf_hash(b"leaf")] * 40)


def test_a_head_that_was_not_locked_cannot_overwrite(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        head = log.lock(session, "audit")
        log.extend(session, head, b"first", at=AT)
        with pytest.raises(Conflict):
            log.extend(session, head, b"second", at=AT)


def test_a_checkpoint_verifies_and_is_signed_once_a_size(
    sessions: Sessions, signer: SoftKeyStore
) -> None:
    with sessions.begin() as session:
        hashes = fill(session, 5)
        made = sign(session, signer)
        assert sign(session, signer) == made
        assert log.latest_checkpoint(session, "audit") == made
    read = log.verify_checkpoint(
        made.text,
        spki=signer.public_key("test-log"),
        algorithm=Algorithm.ES256,
        origin=ORIGIN,
    )
    assert (read.size, read.root) == (5, merkle.root(hashes))


def test_an_empty_log_can_be_signed(sqlite_sessions: Sessions, signer: SoftKeyStore) -> None:
    with sqlite_sessions.begin() as session:
        assert log.latest_checkpoint(session, "audit") is None
        assert sign(session, signer).root == merkle.EMPTY_ROOT


def test_a_log_does_not_sign_under_two_names(
    sqlite_sessions: Sessions, signer: SoftKeyStore
) -> None:
    with sqlite_sessions.begin() as session:
        sign(session, signer)
        with pytest.raises(Conflict):
            log.checkpoint(
                session,
                "audit",
                origin="another.example",
                keys=signer,
                key_id="test-log",
                algorithm=Algorithm.ES256,
                at=AT,
            )


DAMAGES = {
    "a changed subtree": update(LogNode).where(LogNode.level == 2).values(hash=bytes(32)),
    "a missing subtree": delete(LogNode).where(LogNode.level == 2),
    "a changed leaf hash": update(LogLeaf).where(LogLeaf.position == 4).values(leaf_hash=bytes(32)),
    "a missing leaf": delete(LogLeaf).where(LogLeaf.position == 4),
    "a shorter head": update(LogHead).values(size=4, frontier=bytes(32)),
    "a changed frontier": update(LogHead).values(frontier=bytes(64)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_signed_over_a_log_with(
    damage: str, sqlite_sessions: Sessions, signer: SoftKeyStore
) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 5)
        sign(session, signer)
        session.execute(DAMAGES[damage])
        with pytest.raises(LogDamaged):
            sign(session, signer)


@pytest.mark.parametrize("count", [3, 6])
def test_a_log_that_was_rewritten_whole_contradicts_its_checkpoint(
    count: int, sqlite_sessions: Sessions, signer: SoftKeyStore
) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 5)
        sign(session, signer)
        for table in (LogHead, LogLeaf, LogNode):
            session.execute(delete(table))
        for _ in range(count):
            log.append(session, "audit", b"forged", at=AT)
        with pytest.raises(LogDamaged, match="contradicts its checkpoint at 5"):
            sign(session, signer)


def test_leaves_beyond_the_head_stop_the_writer(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions() as session:
        fill(session, 3)
        session.execute(update(LogHead).values(size=2, frontier=bytes(32)))
        with pytest.raises(LogDamaged):
            log.append(session, "audit", b"leaf", at=AT)


def test_impossible_requests_are_refused(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 3)
        for name in ("", "Audit", "a" * 65, "a b"):
            with pytest.raises(Invalid):
                log.append(session, name, b"leaf", at=AT)
        with pytest.raises(Invalid):
            log.append(session, "audit", bytes(log.LEAF_MAX + 1), at=AT)
        with pytest.raises(Invalid):
            log.root(session, "audit", 4)
        with pytest.raises(Invalid):
            log.inclusion_proof(session, "audit", 3)
        with pytest.raises(Invalid):
            log.consistency_proof(session, "audit", 3, 2)
