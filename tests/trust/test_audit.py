import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select, text, update
from sqlalchemy.orm import Session

from trust import audit, log
from trust.access import SYSTEM, Caller, Role
from trust.audit import AuditEntry, AuditReport, Signer
from trust.audit_entry import canonical_details, entry_hash
from trust.crypto import merkle
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.hashes import sm3
from trust.db import Base, Sessions, open_engine, open_reading, open_sessions
from trust.errors import Invalid
from trust.keys import SoftKeyStore
from trust.log_models import LogCheckpoint, LogHead, LogLeaf, LogNode

AT = datetime(2026, 6, 1, 8, 0, 0, 123456, tzinfo=UTC)
ORIGIN = "log.example.gov.cn/audit"
CLERK = Caller(account="clerk-1", authority="11621100999000013Q", roles=frozenset({Role.CLERK}))
Forgery = Callable[[Session], object]


@pytest.fixture(scope="module")
def keys(soft_keys: SoftKeyStore) -> SoftKeyStore:
    soft_keys.generate("test-audit", KeyKind.SM2)
    return soft_keys


@pytest.fixture(scope="module")
def signer(keys: SoftKeyStore) -> Signer:
    return Signer(ORIGIN, keys.public_key("test-audit"), Algorithm.SM2_SM3)


def fill(session: Session, count: int, *, act: str = "licence.issued") -> None:
    for _ in range(count):
        number = log.size(session, audit.LOG)
        audit.record(
            session,
            act,
            subject=f"licence {number}",
            by=CLERK,
            at=AT + timedelta(seconds=number),
            details={"digest": f"{number:064x}", "reason": "审批通过"},
        )


def sign(session: Session, keys: SoftKeyStore) -> str:
    return log.checkpoint(
        session,
        audit.LOG,
        origin=ORIGIN,
        keys=keys,
        key_id="test-audit",
        algorithm=Algorithm.SM2_SM3,
        at=AT,
    ).text


def found(report: AuditReport) -> list[tuple[int | None, str]]:
    return [(fault.sequence, fault.what) for fault in report.faults]


def test_a_log_that_nobody_touched_is_whole(
    sessions: Sessions, keys: SoftKeyStore, signer: Signer
) -> None:
    with sessions.begin() as session:
        assert found(audit.verify(session)) == []
    with sessions.begin() as session:
        fill(session, 7)
        first = sign(session, keys)
        fill(session, 6)
        sign(session, keys)
        fill(session, 3)
        root = log.root(session, audit.LOG)
    with sessions.begin() as session:
        report = audit.verify(session, signers=[signer], published=[first])
    assert found(report) == []
    assert (report.entries, report.checkpoints, report.signatures) == (16, 3, 3)
    assert report.root == root


def test_an_entry_says_who_did_what_and_when(sqlite_sessions: Sessions) -> None:
    china = timezone(timedelta(hours=8))
    with sqlite_sessions.begin() as session:
        number = audit.record(session, "ca.opened", subject="root", by=SYSTEM, at=AT)
        audit.record(
            session,
            "licence.issued",
            subject="许可证 1",
            by=CLERK,
            at=AT.astimezone(china),
            details={"b": [1, None, True], "a": "证"},
        )
    with sqlite_sessions.begin() as session:
        first, second = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))
    assert (number, first.authority, first.details) == (0, None, "{}")
    assert (second.account, second.authority) == ("clerk-1", "11621100999000013Q")
    assert (second.at, second.details) == (AT, '{"a":"证","b":[1,null,true]}')
    assert second.previous == first.hash


def test_the_hash_can_be_computed_by_hand() -> None:
    entry: dict[str, Any] = {
        "sequence": 1,
        "at": AT,
        "act": "licence.issued",
        "subject": "许可证 1",
        "account": "clerk-1",
        "authority": None,
        "details": '{"a":"证"}',
        "previous": bytes(32),
    }
    written = (
        '{"account":"clerk-1","act":"licence.issued","at":"2026-06-01T08:00:00.123456Z",'
        '"authority":null,"details":"{\\"a\\":\\"证\\"}","sequence":1,"subject":"许可证 1"}'
    )
    assert entry_hash(entry) == sm3(bytes(32) + written.encode())


def test_an_entry_can_be_proved_to_a_stranger(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 11)
        entry = session.get_one(AuditEntry, 4)
        merkle.verify_inclusion(
            merkle.leaf_hash(entry.hash),
            index=4,
            size=11,
            proof=log.inclusion_proof(session, audit.LOG, 4),
            root=log.root(session, audit.LOG),
        )


def swap(session: Session) -> None:
    for old, new in ((3, -1), (5, 3), (-1, 5)):
        session.execute(update(AuditEntry).where(AuditEntry.sequence == old).values(sequence=new))


def rechain(session: Session, start: int) -> None:
    """Make the hashes of all entries good again, as a careful forger would."""
    before = session.get_one(AuditEntry, start - 1).hash if start else bytes(32)
    rows = session.execute(
        select(*AuditEntry.__table__.c).where(AuditEntry.sequence >= start)
    ).mappings()
    for row in sorted(rows, key=lambda row: row["sequence"]):
        made = entry_hash({**row, "previous": before})
        session.execute(
            update(AuditEntry)
            .where(AuditEntry.sequence == row["sequence"])
            .values(previous=before, hash=made)
        )
        before = made


def regrow(session: Session) -> None:
    """Rebuild the Merkle log from the entries, as a forger with the whole database would."""
    hashes = session.scalars(select(AuditEntry.hash).order_by(AuditEntry.sequence)).all()
    for table in (LogHead, LogLeaf, LogNode):
        session.execute(delete(table).where(table.log == audit.LOG))
    for leaf in hashes:
        log.append(session, audit.LOG, leaf, at=AT)


def change(session: Session) -> None:
    session.execute(update(AuditEntry).where(AuditEntry.sequence == 4).values(account="nobody"))


def change_and_rehash(session: Session) -> None:
    change(session)
    row = session.execute(
        select(*AuditEntry.__table__.c).where(AuditEntry.sequence == 4)
    ).mappings()
    made = entry_hash(dict(row.one()))
    session.execute(update(AuditEntry).where(AuditEntry.sequence == 4).values(hash=made))


def change_with_its_leaf(session: Session) -> None:
    """Entry 8 made anew, with its hash and its leaf; only entry 9 still knows better."""
    session.execute(update(AuditEntry).where(AuditEntry.sequence == 8).values(account="nobody"))
    row = session.execute(
        select(*AuditEntry.__table__.c).where(AuditEntry.sequence == 8)
    ).mappings()
    made = entry_hash(dict(row.one()))
    session.execute(update(AuditEntry).where(AuditEntry.sequence == 8).values(hash=made))
    session.execute(
        update(LogLeaf)
        .where(LogLeaf.position == 8)
        .values(leaf=made, leaf_hash=merkle.leaf_hash(made))
    )


def change_and_rechain(session: Session) -> None:
    change(session)
    rechain(session, 4)


def rewrite(session: Session) -> None:
    change_and_rechain(session)
    regrow(session)


def truncate(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.sequence >= 7))
    regrow(session)


def insert_at_the_end(session: Session) -> None:
    row = dict(
        session.execute(select(*AuditEntry.__table__.c).where(AuditEntry.sequence == 9))
        .mappings()
        .one()
    )
    row |= {"sequence": 10, "previous": row["hash"]}
    session.execute(insert(AuditEntry), [row | {"hash": entry_hash(row)}])


def insert_in_the_middle(session: Session) -> None:
    for number in range(9, 4, -1):
        session.execute(
            update(AuditEntry).where(AuditEntry.sequence == number).values(sequence=number + 1)
        )
    row = dict(
        session.execute(select(*AuditEntry.__table__.c).where(AuditEntry.sequence == 4))
        .mappings()
        .one()
    )
    session.execute(insert(AuditEntry), [row | {"sequence": 5}])
    rechain(session, 5)


def run(statement: Any) -> Forgery:
    return lambda session: session.execute(statement)


# Ten entries, checkpoints at 4 and 8. Each forgery and what must be said of it.
FORGERIES: dict[str, tuple[Forgery, list[tuple[int | None, str]]]] = {
    "a changed account": (change, [(4, "changed")]),
    "a changed account and its hash": (change_and_rehash, [(4, "changed")]),
    "an entry made anew with its leaf": (
        change_with_its_leaf,
        [(9, "chain"), (None, "head")],
    ),
    "a changed account and all later hashes": (
        change_and_rechain,
        [(number, "changed") for number in range(4, 10)],
    ),
    "a changed time": (
        run(update(AuditEntry).where(AuditEntry.sequence == 2).values(at=AT)),
        [(2, "changed")],
    ),
    "changed details": (
        run(update(AuditEntry).where(AuditEntry.sequence == 2).values(details="{}")),
        [(2, "changed")],
    ),
    "a changed hash": (
        run(update(AuditEntry).where(AuditEntry.sequence == 2).values(hash=bytes(32))),
        [(2, "changed")],
    ),
    "a changed previous hash": (
        run(update(AuditEntry).where(AuditEntry.sequence == 2).values(previous=bytes(32))),
        [(2, "changed")],
    ),
    "a removed entry": (
        run(delete(AuditEntry).where(AuditEntry.sequence == 6)),
        [(6, "removed")],
    ),
    "the first entry removed": (
        run(delete(AuditEntry).where(AuditEntry.sequence == 0)),
        [(0, "removed")],
    ),
    "the last entries removed": (
        run(delete(AuditEntry).where(AuditEntry.sequence >= 8)),
        [(8, "removed"), (9, "removed")],
    ),
    "two entries exchanged": (swap, [(3, "moved"), (5, "moved")]),
    "an entry added at the end": (insert_at_the_end, [(10, "inserted")]),
    "an entry put in between": (
        insert_in_the_middle,
        [*((number, "changed") for number in range(5, 10)), (10, "inserted")],
    ),
    "a leaf changed too": (
        run(update(LogLeaf).where(LogLeaf.position == 9).values(leaf=bytes(32))),
        [(9, "leaf"), (9, "changed"), (None, "head")],
    ),
    "a leaf removed": (
        run(delete(LogLeaf).where(LogLeaf.position == 9)),
        [(9, "inserted"), (None, "head")],
    ),
    "a changed subtree": (
        run(update(LogNode).where(LogNode.level == 3).values(hash=bytes(32))),
        [(None, "head")],
    ),
    "a changed head": (run(update(LogHead).values(size=9)), [(None, "head")]),
    "the tail cut off without a trace": (truncate, [(7, "truncated")]),
    "the whole chain made anew": (rewrite, [(4, "rewritten")]),
    "a changed checkpoint row": (
        run(update(LogCheckpoint).where(LogCheckpoint.size == 8).values(root=bytes(32))),
        [(None, "checkpoint")],
    ),
    "an unreadable checkpoint": (
        run(update(LogCheckpoint).where(LogCheckpoint.size == 8).values(text="checkpoint")),
        [(None, "checkpoint"), (None, "checkpoint")],
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_the_walk_finds_and_names(
    name: str, sessions: Sessions, keys: SoftKeyStore, signer: Signer
) -> None:
    forge, expected = FORGERIES[name]
    with sessions.begin() as session:
        for count in (4, 4, 2):
            fill(session, count)
            if count == 4:
                sign(session, keys)
    with sessions.begin() as session:
        forge(session)
    with sessions.begin() as session:
        assert found(audit.verify(session, signers=[signer])) == expected


def test_a_rewritten_log_without_its_checkpoints_meets_a_published_one(
    sqlite_sessions: Sessions, keys: SoftKeyStore, signer: Signer
) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 8)
        published = sign(session, keys)
        rewrite(session)
        session.execute(delete(LogCheckpoint))
        assert found(audit.verify(session, signers=[signer])) == []
        report = audit.verify(session, signers=[signer], published=[published])
        assert found(report) == [(0, "rewritten")]
        with pytest.raises(Invalid):
            audit.verify(session, published=[published])


def test_a_checkpoint_by_an_unknown_key_is_a_fault(
    sqlite_sessions: Sessions, keys: SoftKeyStore, signer: Signer
) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 3)
        sign(session, keys)
        stranger = replace(signer, origin="another.example")
        assert found(audit.verify(session, signers=[stranger, signer])) == []
        report = audit.verify(session, signers=[stranger])
        assert {what for _, what in found(report)} == {"checkpoint"}


def test_a_row_that_cannot_be_read_is_a_changed_entry(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 9)
        session.execute(text("UPDATE audit_entry SET at = 'yesterday' WHERE sequence = 3"))
        session.execute(text("UPDATE audit_entry SET act = x'00ff' WHERE sequence = 5"))
        assert found(audit.verify(session)) == [(3, "changed"), (5, "changed")]


def test_a_log_of_faults_is_not_read_to_its_end(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 120)
        session.execute(update(AuditEntry).values(account="nobody"))
        assert len(audit.verify(session).faults) == 100


def test_the_writer_stops_where_the_last_entry_is_gone(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        fill(session, 3)
        session.execute(delete(AuditEntry).where(AuditEntry.sequence == 2))
        with pytest.raises(log.LogDamaged):
            fill(session, 1)


def test_verification_wants_a_transaction_of_its_own(postgresql_engine: Engine) -> None:
    with open_sessions(postgresql_engine).begin() as session:
        fill(session, 1)
        with pytest.raises(Invalid):
            audit.verify(session)


def test_an_append_during_the_walk_is_no_fault(sessions: Sessions, engine: Engine) -> None:
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            with sessions.begin() as session:
                fill(session, 1)

    with sessions.begin() as session:
        fill(session, 50)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(10):
            with open_reading(engine).begin() as session:
                assert found(audit.verify(session)) == []
    finally:
        done.set()
        writer.join()


def test_writers_at_once_never_fork_the_chain(sessions: Sessions) -> None:
    def write(account: str) -> None:
        for _ in range(10):
            with sessions.begin() as session:
                caller = replace(CLERK, account=account)
                audit.record(session, "licence.issued", subject="licence", by=caller, at=AT)

    threads = [threading.Thread(target=write, args=(f"clerk-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions.begin() as session:
        report = audit.verify(session)
    assert (report.entries, found(report)) == (40, [])


words = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z][a-z0-9_]{0,8}){0,2}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcXYZ_-", max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
acts = st.tuples(
    words,
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30),
    st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.dictionaries(st.sampled_from(["a", "reason", "digest"]), values, max_size=3),
)


@settings(deadline=None, max_examples=30)
@given(st.lists(acts, max_size=12))
def test_the_chain_is_whole_after_any_acts(made: list[tuple[str, str, datetime, Any]]) -> None:
    sessions = open_sessions(open_engine("sqlite://"))
    Base.metadata.create_all(
        sessions.kw["bind"],
        tables=[t.__table__ for t in (AuditEntry, LogHead, LogLeaf, LogNode, LogCheckpoint)],  # type: ignore[misc]
    )
    for act, subject, at, details in made:
        with sessions.begin() as session:
            audit.record(session, act, subject=subject, by=CLERK, at=at, details=details)
    with sessions.begin() as session:
        report = audit.verify(session)
        assert (report.entries, found(report)) == (len(made), [])
    sessions.kw["bind"].dispose()


REFUSED: dict[str, dict[str, Any]] = {
    "an act with capitals": {"act": "Licence.Issued"},
    "a long act": {"act": "a" * 65},
    "no subject": {"subject": ""},
    "a long subject": {"subject": "x" * 201},
    "a subject of two lines": {"subject": "a\nb"},
    "a lone surrogate": {"subject": "\ud800"},
    "a naive time": {"at": datetime(2026, 6, 1)},  # noqa: DTZ001
    "a fraction": {"details": {"a": 0.5}},
    "bytes": {"details": {"a": b"x"}},
    "a key that is not ASCII": {"details": {"键": 1}},
    "a number beyond 2^53": {"details": {"a": 2**53}},
    "a lone surrogate in details": {"details": {"a": "\ud800"}},
    "too much": {"details": {"a": "x" * 5000}},
    "a deep nest": {"details": {"a": [[[[[[[[[1]]]]]]]]]}},
}


@pytest.mark.parametrize("fault", REFUSED)
def test_an_entry_is_refused_for(fault: str, sqlite_sessions: Sessions) -> None:
    good: dict[str, Any] = {"act": "licence.issued", "subject": "licence", "at": AT}
    with sqlite_sessions.begin() as session:
        with pytest.raises(Invalid):
            audit.record(session, by=CLERK, **(good | REFUSED[fault]))
        assert log.size(session, audit.LOG) == 0


def test_equal_details_have_one_text() -> None:
    assert canonical_details({"b": 1, "a": "\u0000é"}) == '{"a":"\\u0000é","b":1}'
    assert canonical_details({"a": "\u0000é", "b": 1}) == canonical_details({"b": 1, "a": "\0é"})


def test_many_acts_at_once_are_the_same_log_as_one_by_one(sessions: Sessions) -> None:
    acts = [
        audit.Act("thing.done", f"thing-{number}", CLERK, AT + timedelta(seconds=number), {"n": 1})
        for number in range(11)
    ]
    with sessions.begin() as session:
        audit.record(session, "thing.begun", subject="thing", by=CLERK, at=AT)
        assert audit.record_all(session, acts[:7]) == 1
        assert audit.record_all(session, acts[7:]) == 8
    with sessions() as session:
        report = audit.verify(session, signers=[])
        assert (report.entries, report.faults) == (12, ())
        hashes = session.scalars(select(AuditEntry.hash).order_by(AuditEntry.sequence)).all()
        leaves = [merkle.leaf_hash(each) for each in hashes]
        assert log.root(session, audit.LOG) == merkle.root(leaves)
