"""Passwords: argon2id, strong ones only, the last five never again, staff's for ninety days."""

import contextlib
import threading
import time
import unicodedata
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

import tests.sso.signing_in
from sso import accounts, passwords
from sso.credential_models import PasswordHistory
from sso.models import Account
from sso.password_strength import _LIST
from sso.passwords import Hasher, HashingBusy, WeakPassword, WrongPassword, check_strength
from tests.sso.provider import START
from tests.sso.signing_in import at_once, himself
from trust.access import SYSTEM, Caller, Role
from trust.db import Sessions

assert tests.sso.signing_in  # all tables
HASHER = Hasher(memory_kib=8, iterations=1)
OWN = ("zhang.san", "张三丰", "11010519491231002X", "13800000001", "zhang@example.cn")


def account(sessions: Sessions, *roles: Role) -> None:
    with sessions.begin() as session:
        accounts.create(
            session, "zhang.san", display_name="窗口", authority=None, roles=roles, by=SYSTEM,
            at=START,
        )  # fmt: skip


def set_password(
    sessions: Sessions, text: str, by: Caller | None = None, at: datetime = START
) -> None:
    with sessions.begin() as session:
        holder = session.get_one(Account, "zhang.san")
        passwords.set_password(
            session, holder, text, hasher=HASHER, by=by or himself("zhang.san"), at=at
        )


def stale(sessions: Sessions, at: datetime = START) -> bool:
    with sessions() as session:
        return passwords.is_stale(session, "zhang.san", at=at)


def rule_of(text: str, words: tuple[str, ...] = OWN) -> str:
    with pytest.raises(WeakPassword) as refusal:
        check_strength(text, account_words=words)
    assert text not in str(refusal.value) or not text
    return refusal.value.rule


def test_the_hash_is_argon2id_at_the_stated_cost() -> None:
    stored = Hasher().hash("Gehe-47-mauve")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    Hasher().verify(stored, "Gehe-47-mauve")
    with pytest.raises(WrongPassword):
        Hasher().verify(stored, "Gehe-47-mauvE")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_only_the_same_text_verifies(text: str, other: str) -> None:
    stored = HASHER.hash(text)
    HASHER.verify(stored, text)
    if unicodedata.normalize("NFKC", text) != unicodedata.normalize("NFKC", other):
        with pytest.raises(WrongPassword):
            HASHER.verify(stored, other)


def test_a_text_typed_by_another_keyboard_is_the_same() -> None:
    HASHER.verify(HASHER.hash("Gehe-47-mauvé"), "Ｇehe-４7-mauve\u0301")


@pytest.mark.parametrize(
    "stored", ["", "x", "$argon2id$", "$2b$12$abc", "\ud800", "$argon2id$v=19$m=8,t=1,p=1$AA$AA"]
)
def test_a_damaged_hash_is_a_wrong_password(stored: str) -> None:
    with pytest.raises(WrongPassword):
        HASHER.verify(stored, "Gehe-47-mauve")


def test_what_is_too_long_or_no_text_verifies_never() -> None:
    empty = HASHER.hash("")
    for text in ("x" * 1025, "好" * 400, "\ud800"):
        with pytest.raises(WrongPassword):
            HASHER.verify(empty, text)
        with pytest.raises(WeakPassword):
            HASHER.hash(text)


def test_work_for_nobody_is_the_work_for_somebody() -> None:
    hasher = Hasher()
    stored = hasher.hash("Gehe-47-mauve")

    def taken(call: object) -> float:
        assert callable(call)
        begun = time.perf_counter()
        with pytest.raises(WrongPassword):
            call()
        return time.perf_counter() - begun

    wrong = min(taken(lambda: hasher.verify(stored, "wrong")) for _ in range(7))
    nobody = min(taken(lambda: hasher.waste("wrong")) for _ in range(7))
    endless = min(taken(lambda: hasher.verify(stored, "x" * 10**6)) for _ in range(7))
    assert max(wrong, nobody, endless) < 1.6 * min(wrong, nobody, endless)


def test_no_more_than_two_hash_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_PATIENCE", 0.05)
    hasher = Hasher(memory_kib=8, iterations=1, at_once=2)
    inside, leave = threading.Barrier(3), threading.Event()

    def stay() -> None:
        with hasher._turn():
            inside.wait(5)
            leave.wait(5)

    threads = [threading.Thread(target=stay) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(5)
    with pytest.raises(HashingBusy):
        hasher.hash("third")
    leave.set()
    for thread in threads:
        thread.join(5)
    hasher.hash("third")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "length"), ("Gehe-47-m", "length"), ("x" * 257, "length"), ("y" * 10**6, "length"),
        ("Gehe-47-mau\n", "characters"), ("Gehe-47-mau\x00", "characters"),
        ("gehe47mauve", "classes"), ("GEHE47MAUVE", "classes"), ("gehe-mauve-", "classes"),
        ("Xzhang.san-7", "own"), ("X张三丰-Gehe-47", "own"), ("Gehe-19491231", "own"),
        ("Gehe-000001-m", "own"), ("ZHANG.SAN-gehe1", "own"),
        ("Password123!", "predictable"), ("P@ssw0rd2024", "predictable"),
        ("Wangwei@1987", "predictable"), ("Qwer1234!@#$", "predictable"),
        ("Admin@123456", "predictable"), ("Woaini5201314!", "predictable"),
        ("Beijing@2008", "predictable"), ("Abc20240101!!", "predictable"),
        ("1qaz2WSX3edc", "common"), ("1QAZ@wsx#EDC4rfv", "predictable"),
        ("aaaaaaaaaaaaaaaaaaaa", "predictable"), ("12345678901234567890", "predictable"),
    ],
)  # fmt: skip
def test_a_weak_password_is_refused_by_its_rule(text: str, rule: str) -> None:
    assert rule_of(text) == rule


@pytest.mark.parametrize(
    "text",
    ["Gehe-47-mauve", "kX9#mQ2$vL", "correct horse battery staple", "床前明月光疑是地上霜Ab1xyz",
     "purple-mongoose-eats-42", "Tr0ub4dor&3"],
)  # fmt: skip
def test_a_strong_password_is_taken(text: str) -> None:
    check_strength(text, account_words=OWN)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300), st.lists(st.text(max_size=40), max_size=4))
def test_judging_a_password_never_crashes(text: str, words: list[str]) -> None:
    with contextlib.suppress(WeakPassword):
        check_strength(text, account_words=words)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["password", "woaini", "qwerty", "admin", "zhongguo"]), st.integers(0, 9999))
def test_a_common_word_with_a_number_behind_it_is_never_enough(word: str, number: int) -> None:
    assert rule_of(f"{word.title()}@{number:04}!", ()) == "predictable"


def test_the_packaged_list_is_in_the_form_it_is_compared_in() -> None:
    lines = _LIST.read_text("utf-8").splitlines()
    words = [line for line in lines if not line.startswith("# ")]
    assert len(words) > 3000
    assert words == sorted(set(words))
    assert [word for word in words if word != word.casefold().strip() or len(word) < 2] == []


def test_none_of_the_last_five_comes_back(sessions: Sessions) -> None:
    account(sessions)
    used = [f"Gehe-{number}7-mauve" for number in range(1, 7)]
    for text in used:
        set_password(sessions, text)
    for text in used[1:]:
        with pytest.raises(WeakPassword) as refusal:
            set_password(sessions, text)
        assert refusal.value.rule == "repeated"
    set_password(sessions, used[0])  # the sixth before
    with sessions() as session:
        kept = session.scalar(select(func.count()).select_from(PasswordHistory))
    assert kept == passwords.REMEMBERED - 1


def test_two_first_passwords_at_once_leave_one(sessions: Sessions) -> None:
    account(sessions)
    outcomes = at_once(
        lambda: set_password(sessions, "Gehe-47-mauve"),
        lambda: set_password(sessions, "Gans-83-ocker"),
    )
    assert outcomes == [None, None]
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(PasswordHistory)) == 1


def test_staff_change_theirs_after_ninety_days(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions, Role.CLERK)
    set_password(sqlite_sessions, "Gehe-47-mauve")
    assert not stale(sqlite_sessions, START + timedelta(days=89, hours=23))
    assert stale(sqlite_sessions, START + timedelta(days=90))


def test_a_citizens_password_does_not_age(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    assert not stale(sqlite_sessions)
    set_password(sqlite_sessions, "Gehe-47-mauve")
    assert not stale(sqlite_sessions, START + timedelta(days=4000))


def test_a_password_that_somebody_else_set_is_for_one_use(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    set_password(sqlite_sessions, "Gehe-47-mauve", by=himself("security.admin"))
    assert stale(sqlite_sessions)
    set_password(sqlite_sessions, "Gans-83-ocker")
    assert not stale(sqlite_sessions)


def test_a_refused_password_leaves_the_old_one(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    set_password(sqlite_sessions, "Gehe-47-mauve")
    with pytest.raises(WeakPassword):
        set_password(sqlite_sessions, "zhang.san-A1")
    with sqlite_sessions() as session:
        stored = passwords.hash_of(session, "zhang.san")
    assert stored is not None
    HASHER.verify(stored, "Gehe-47-mauve")
