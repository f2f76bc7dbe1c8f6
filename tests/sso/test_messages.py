"""Messages and one-time codes: once, for a while, for one purpose, not too often."""

import re
import stat
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from sso import one_time_code
from sso.messages import FileMessages, Message, MessageNotSent
from sso.one_time_code import Purpose, TooManyCodes, WrongOneTimeCode
from sso.people_models import OneTimeCode
from tests.sso.samples import AT, MOBILE, OTHER_MOBILE, VAULT
from trust.db import Sessions


def issue(
    sessions: Sessions, *, to: str = MOBILE, purpose: Purpose = Purpose.SIGN_IN,
    at: datetime = AT, binding: str = "",
) -> str:  # fmt: skip
    return one_time_code.issue(sessions, VAULT, to=to, purpose=purpose, at=at, binding=binding)


def verify(
    sessions: Sessions, code: str, *, to: str = MOBILE, purpose: Purpose = Purpose.SIGN_IN,
    at: datetime = AT, binding: str = "",
) -> None:  # fmt: skip
    one_time_code.verify(sessions, VAULT, to=to, purpose=purpose, code=code, at=at, binding=binding)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_messages_are_lines_that_only_the_owner_reads(tmp_path: Path) -> None:
    messages = FileMessages(tmp_path / "messages.jsonl")
    assert messages.sent() == []
    messages.send("sms", MOBILE, "你好\n世界")
    messages.send("email", "zhang@example.cn", "x")
    assert stat.S_IMODE((tmp_path / "messages.jsonl").stat().st_mode) == 0o600
    assert messages.sent() == [
        Message("sms", MOBILE, "你好\n世界"), Message("email", "zhang@example.cn", "x")
    ]  # fmt: skip
    assert MOBILE not in repr(messages.sent())


def test_a_message_that_cannot_be_written_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(MessageNotSent):
        FileMessages(tmp_path / "missing" / "file").send("sms", MOBILE, "x")


def test_a_code_opens_once(sessions: Sessions) -> None:
    code = issue(sessions)
    assert re.fullmatch(r"[0-9]{6}", code)
    verify(sessions, code)
    with pytest.raises(WrongOneTimeCode):
        verify(sessions, code)


def test_of_two_at_once_one_wins(sessions: Sessions) -> None:
    code, won = issue(sessions), []

    def redeem() -> None:
        try:
            verify(sessions, code)
        except WrongOneTimeCode:
            return
        won.append(code)

    threads = [threading.Thread(target=redeem) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [code]


def test_a_code_is_good_for_five_minutes(sqlite_sessions: Sessions) -> None:
    code = issue(sqlite_sessions)
    with pytest.raises(WrongOneTimeCode):
        verify(sqlite_sessions, code, at=AT + one_time_code.LIFE)
    verify(sqlite_sessions, code, at=AT + one_time_code.LIFE - timedelta(seconds=1))


def test_a_code_is_good_for_its_number_purpose_and_attempt_only(sqlite_sessions: Sessions) -> None:
    code = issue(sqlite_sessions, binding="attempt 1")
    with pytest.raises(WrongOneTimeCode):
        verify(sqlite_sessions, code, to=OTHER_MOBILE, binding="attempt 1")
    with pytest.raises(WrongOneTimeCode):
        verify(sqlite_sessions, code, purpose=Purpose.RECOVER, binding="attempt 1")
    with pytest.raises(WrongOneTimeCode):
        verify(sqlite_sessions, code, binding="attempt 2")
    verify(sqlite_sessions, code, binding="attempt 1")


def test_five_wrong_tries_spend_a_code(sessions: Sessions) -> None:
    code = issue(sessions)
    for _ in range(one_time_code.TRIES):
        with pytest.raises(WrongOneTimeCode):
            verify(sessions, wrong(code))
    with pytest.raises(WrongOneTimeCode):
        verify(sessions, code)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "x" * 100_000, "\ud800", "１２３４５６"])
def test_no_nonsense_is_a_code(sqlite_sessions: Sessions, typed: str) -> None:
    issue(sqlite_sessions)
    with pytest.raises(WrongOneTimeCode):
        verify(sqlite_sessions, typed)


def test_a_newer_code_takes_the_place_of_an_older_one(sqlite_sessions: Sessions) -> None:
    first = issue(sqlite_sessions)
    second = issue(sqlite_sessions, at=AT + one_time_code.PAUSE)
    if first != second:  # one time in a million they are equal
        with pytest.raises(WrongOneTimeCode):
            verify(sqlite_sessions, first, at=AT + one_time_code.PAUSE)
    verify(sqlite_sessions, second, at=AT + one_time_code.PAUSE)


def test_codes_come_a_minute_apart_and_ten_a_day(sessions: Sessions) -> None:
    at = AT
    for _ in range(one_time_code.A_DAY):
        issue(sessions, at=at)
        with pytest.raises(TooManyCodes):
            issue(sessions, at=at + one_time_code.PAUSE - timedelta(seconds=1))
        at += one_time_code.PAUSE
    with pytest.raises(TooManyCodes):
        issue(sessions, at=at)
    issue(sessions, at=at, to=OTHER_MOBILE)
    issue(sessions, at=at + timedelta(days=1))


def test_neither_the_code_nor_the_number_is_stored(sqlite_sessions: Sessions) -> None:
    code = issue(sqlite_sessions)
    with sqlite_sessions() as session:
        stored = session.scalars(select(OneTimeCode)).one()
    assert code.encode() not in stored.digest
    assert MOBILE.encode() not in stored.recipient


def test_a_code_is_sent_with_its_purpose_in_both_languages(
    sqlite_sessions: Sessions, tmp_path: Path
) -> None:
    messages = FileMessages(tmp_path / "messages.jsonl")
    one_time_code.send(sqlite_sessions, VAULT, messages, to=MOBILE, purpose=Purpose.REGISTER, at=AT)
    (sent,) = messages.sent()
    codes = re.findall(r"[0-9]{6}", sent.text)
    assert codes[0] == codes[1]
    assert "注册" in sent.text
    assert "register" in sent.text
    verify(sqlite_sessions, codes[0], purpose=Purpose.REGISTER)
