"""Witnesses: a log that only grows is cosigned, one with two faces is caught and named."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from trust import log, witness
from trust.audit_entry import AuditEntry
from trust.crypto import checkpoint, cosignature, merkle, private_keys
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature, Malformed
from trust.db import Sessions
from trust.witness import (
    CheckpointNotSigned,
    InconsistentCheckpoint,
    LogKey,
    Request,
    Signing,
    SplitViewSeen,
    StaleCheckpoint,
    UnknownLog,
)
from trust.witness_models import WitnessedLog

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
ORIGIN = "trust.542500/licences"
WITNESS = "trust.621100/witness"
LOG = private_keys.generate(KeyKind.P256)
COSIGNER = private_keys.generate(KeyKind.P256)
STRANGER = private_keys.generate(KeyKind.P256)
ES256 = Algorithm.ES256
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(40)]


def note(size: int, *, leaves: Sequence[bytes] = LEAVES, key: object = LOG) -> str:
    body = checkpoint.body(origin=ORIGIN, size=size, root=merkle.root(leaves[:size]))
    signer = STRANGER if key is STRANGER else LOG
    return checkpoint.attach(
        body, signer.sign(ES256, body), name=ORIGIN, spki=signer.spki, algorithm=ES256
    )


def asking(old: int, size: int, *, leaves: Sequence[bytes] = LEAVES) -> Request:
    proof = merkle.consistency_proof(leaves[:size], old) if old else []
    return Request(old, tuple(proof), note(size, leaves=leaves))


def keys_of(origin: str) -> list[LogKey]:
    return [LogKey(LOG.spki, ES256)] if origin == ORIGIN else []


SIGNING = Signing(WITNESS, COSIGNER.spki, ES256, lambda message: COSIGNER.sign(ES256, message))


def ask(sessions: Sessions, asked: Request, *, at: datetime = AT) -> str:
    return witness.witness(sessions, asked, keys_of=keys_of, signing=SIGNING, at=at)


def test_a_growing_log_is_cosigned_and_the_line_verifies(sessions: Sessions) -> None:
    for old, size in ((0, 3), (3, 8), (8, 8), (8, 37)):
        line = ask(sessions, asking(old, size), at=AT + timedelta(minutes=size))
        found, when = cosignature.verify_cosignature(
            cosignature.join(note(size), line), name=WITNESS, spki=COSIGNER.spki, algorithm=ES256
        )
        assert (found.size, when) == (size, AT + timedelta(minutes=size))
    with sessions() as session:
        assert witness.seen_size(session, ORIGIN) == 37


def test_a_cosignature_is_no_signature_of_the_log_and_holds_for_its_time_only(
    sqlite_sessions: Sessions,
) -> None:
    joined = cosignature.join(note(3), ask(sqlite_sessions, asking(0, 3)))
    with pytest.raises(InvalidSignature):
        cosignature.verify_cosignature(joined, name=WITNESS, spki=STRANGER.spki, algorithm=ES256)
    with pytest.raises(InvalidSignature):
        cosignature.verify_cosignature(joined, name="other", spki=COSIGNER.spki, algorithm=ES256)
    checkpoint.verify_checkpoint(joined, spki=LOG.spki, algorithm=ES256, origin=ORIGIN)


def test_two_faces_of_one_log_are_caught_kept_and_audited(sessions: Sessions) -> None:
    ask(sessions, asking(0, 9))
    other = [*LEAVES[:8], merkle.leaf_hash(b"another licence")]
    with pytest.raises(SplitViewSeen, match=ORIGIN):
        ask(sessions, Request(9, (), note(9, leaves=other)))
    with sessions() as session:
        (kept,) = witness.split_views(session)
        faces = [
            checkpoint.verify_checkpoint(text, spki=LOG.spki, algorithm=ES256, origin=ORIGIN)
            for text in (kept.first, kept.second)
        ]
        assert [face.size for face in faces] == [9, 9]
        assert faces[0].root == merkle.root(LEAVES[:9]) != faces[1].root == merkle.root(other)
        acts = session.scalars(select(AuditEntry.act)).all()
    assert acts == ["log.split_view"]


def test_the_proof_of_two_faces_is_kept_once_however_often_it_is_sent(sessions: Sessions) -> None:
    """Anybody may send a signed note again: neither the table nor the audit log grows by it."""
    ask(sessions, asking(0, 9))
    for last in (b"another licence", b"another licence", b"a third"):
        face = note(9, leaves=[*LEAVES[:8], merkle.leaf_hash(last)])
        with pytest.raises(SplitViewSeen):
            ask(sessions, Request(9, (), face))
    with sessions() as session:
        assert len(witness.split_views(session)) == 1
        assert session.scalars(select(AuditEntry.act)).all() == ["log.split_view"]


def test_a_log_that_was_rewritten_is_refused(sessions: Sessions) -> None:
    ask(sessions, asking(0, 9))
    other = [merkle.leaf_hash(b"rewritten"), *LEAVES[1:]]
    with pytest.raises(InconsistentCheckpoint):
        ask(sessions, asking(9, 20, leaves=other))
    with sessions() as session:
        assert witness.seen_size(session, ORIGIN) == 9


def test_a_request_from_another_size_learns_the_right_one(sqlite_sessions: Sessions) -> None:
    ask(sqlite_sessions, asking(0, 9))
    for old in (0, 8, 10):
        with pytest.raises(StaleCheckpoint) as told:
            ask(sqlite_sessions, asking(old, 12))
        assert told.value.size == 9
    with pytest.raises(InconsistentCheckpoint):
        ask(sqlite_sessions, Request(9, (), note(5)))


def test_strangers_are_refused(sqlite_sessions: Sessions) -> None:
    with pytest.raises(CheckpointNotSigned):
        ask(sqlite_sessions, Request(0, (), note(3, key=STRANGER)))
    other = note(3).replace(ORIGIN, "trust.000000/licences")
    with pytest.raises(UnknownLog):
        ask(sqlite_sessions, Request(0, (), other))


def test_of_many_at_once_one_remembers_each_size(sessions: Sessions) -> None:
    ask(sessions, asking(0, 5))
    won: list[str] = []
    lost: list[Exception] = []

    def attempt(size: int) -> None:
        try:
            won.append(ask(sessions, asking(5, size)))
        except StaleCheckpoint as refusal:
            lost.append(refusal)

    threads = [threading.Thread(target=attempt, args=(6 + number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)


@pytest.mark.parametrize(
    "body",
    [b"", b"old", b"old x\n\n", b"old -1\n\n", b"old 1\nAAA\n\n", b"new 1\n\n", b"\xff\xfe",
     b"old 1\n" + b"A" * 44 + b"\n\n", b"x" * 40_000],
    ids=["empty", "word", "letters", "negative", "short", "other", "bytes", "long", "huge"],
)  # fmt: skip
def test_requests_of_another_form_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        checkpoint.parse(witness.read_request(body).note)


def test_a_request_is_read_as_written() -> None:
    asked = asking(3, 20)
    body = witness.write_request(asked.note, old_size=3, proof=asked.proof)
    assert witness.read_request(body) == asked


def test_our_own_log_is_witnessed(sessions: Sessions) -> None:
    """The proofs that trust.log gives are those a witness takes."""
    with sessions.begin() as session:
        for number in range(13):
            log.append(session, "licences", bytes([number]), at=AT)
    with sessions() as session:
        roots = {size: log.root(session, "licences", size) for size in (4, 13)}
        proof = log.consistency_proof(session, "licences", 4, 13)
    notes = {}
    for size, root in roots.items():
        body = checkpoint.body(origin=ORIGIN, size=size, root=root)
        notes[size] = checkpoint.attach(
            body, LOG.sign(ES256, body), name=ORIGIN, spki=LOG.spki, algorithm=ES256
        )
    ask(sessions, Request(0, (), notes[4]))
    ask(sessions, Request(4, tuple(proof), notes[13]))
    with sessions() as session:
        assert session.scalars(select(WitnessedLog.size)).all() == [13]
