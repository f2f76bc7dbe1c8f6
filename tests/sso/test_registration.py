"""Registering oneself: the mobile is proved, the number is only said, nobody learns who is here."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sso import assurance, contact, passwords, registration
from sso.messages import FileMessages
from sso.one_time_code import TooManyCodes, WrongOneTimeCode
from sso.particulars import InvalidParticulars
from sso.people import AccountTaken
from sso.provider import Provider
from sso.registration import Application
from tests.sso.provider import make_provider
from tests.sso.samples import (
    AT,
    LI,
    MOBILE,
    NUMBER,
    OTHER_MOBILE,
    USCC,
    acts,
    add,
    found,
    himself,
    row,
)
from trust.db import Sessions
from trust.errors import Invalid
from trust.keys import SoftKeyStore

PASSWORD = "Yak-Wool8Shear"


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return make_provider(sqlite_sessions, soft_keys, tmp_path)


def texts(provider: Provider, to: str = MOBILE) -> list[str]:
    assert isinstance(provider.messages, FileMessages)
    return [message.text for message in provider.messages.sent() if message.to == to]


def code_sent(provider: Provider, to: str = MOBILE) -> str:
    found = re.search(r"[0-9]{6}", texts(provider, to)[-1])
    assert found is not None
    return found[0]


def application(code: str) -> Application:
    return Application(
        mobile=MOBILE, code=code, name="张三丰", key_number=NUMBER, password=PASSWORD
    )


def test_a_person_registers_on_both_databases(
    sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    provider = make_provider(sessions, soft_keys, tmp_path)
    registration.begin(provider, MOBILE, at=AT)
    name = registration.create(provider, application(code_sent(provider)), at=AT)
    assert found(sessions, MOBILE) == name
    with sessions() as session:
        assert assurance.level(session, name, at=AT) == 0
        stored = passwords.hash_of(session, name)
        assert stored is not None
        provider.hasher.verify(stored, PASSWORD)
        assert not passwords.is_stale(session, name, at=AT)
    assert row(sessions, name).display_name == "张**"
    assert acts(sessions) == ["account.created", "password.set", "assurance.raised"]


def test_a_number_somebody_only_says_names_nobody(provider: Provider) -> None:
    registration.begin(provider, MOBILE, at=AT)
    registration.create(provider, application(code_sent(provider)), at=AT)
    assert found(provider.sessions, NUMBER) is None


def test_a_mobile_with_an_account_is_answered_alike_and_its_holder_told(
    provider: Provider,
) -> None:
    add(provider.sessions)
    registration.begin(provider, MOBILE, at=AT)
    (told,) = texts(provider)
    assert "已有账户" in told
    assert re.search(r"[0-9]{6}", told) is None
    with pytest.raises(WrongOneTimeCode):
        registration.create(provider, application("123456"), at=AT)
    with pytest.raises(TooManyCodes):
        registration.begin(provider, MOBILE, at=AT)


def test_an_id_number_with_an_account_is_answered_like_any_other(provider: Provider) -> None:
    other = add(provider.sessions, replace(LI, key_number=NUMBER))
    registration.begin(provider, MOBILE, at=AT)
    name = registration.create(provider, application(code_sent(provider)), at=AT)
    assert name != other
    assert found(provider.sessions, NUMBER) == other


def test_a_wrong_code_makes_nothing(provider: Provider) -> None:
    registration.begin(provider, MOBILE, at=AT)
    code = code_sent(provider)
    with pytest.raises(WrongOneTimeCode):
        registration.create(provider, application(f"{(int(code) + 1) % 10**6:06}"), at=AT)
    assert found(provider.sessions, MOBILE) is None


@pytest.mark.parametrize(
    "change",
    [
        {"password": "1234567890"}, {"password": "a" + NUMBER + "B"}, {"name": ""},
        {"key_number": "110105194912310021"}, {"key_type": "001", "key_number": USCC},
    ],
    ids=["weak", "own number", "no name", "no such number", "a body"],
)  # fmt: skip
def test_what_can_be_mended_does_not_spend_the_code(
    provider: Provider, change: dict[str, str]
) -> None:
    registration.begin(provider, MOBILE, at=AT)
    right = application(code_sent(provider))
    with pytest.raises(Invalid):
        registration.create(provider, replace(right, **change), at=AT)
    assert registration.create(provider, right, at=AT)


@pytest.mark.parametrize("mobile", ["", "1", "zhang", "x" * 10_000, "\ud800", "1380000000１"])
def test_no_message_goes_to_what_is_no_mobile(provider: Provider, mobile: str) -> None:
    with pytest.raises(InvalidParticulars):
        registration.begin(provider, mobile, at=AT)
    assert texts(provider) == []


def test_the_form_shows_nothing_of_itself() -> None:
    assert repr(application("123456")) == "Application(key_type='111')"


def test_a_new_mobile_is_proved_and_the_old_one_told(provider: Provider) -> None:
    name = add(provider.sessions)
    contact.begin_change(provider, name, "sms", OTHER_MOBILE, at=AT)
    code = code_sent(provider, OTHER_MOBILE)
    contact.finish_change(provider, name, "sms", OTHER_MOBILE, code, by=himself(name), at=AT)
    assert found(provider.sessions, OTHER_MOBILE) == name
    assert "已更改" in texts(provider, MOBILE)[-1]
    assert "已更改" in texts(provider, "zhang@example.cn")[-1]


def test_a_code_for_one_account_does_not_change_another(provider: Provider) -> None:
    name, other = add(provider.sessions), add(provider.sessions, LI)
    contact.begin_change(provider, name, "email", "new@example.cn", at=AT)
    code = code_sent(provider, "new@example.cn")
    with pytest.raises(WrongOneTimeCode):
        contact.finish_change(
            provider, other, "email", "new@example.cn", code, by=himself(other), at=AT
        )
    contact.finish_change(provider, name, "email", "new@example.cn", code, by=himself(name), at=AT)
    assert found(provider.sessions, "new@example.cn") == name


def test_a_mobile_of_another_account_is_not_taken(provider: Provider) -> None:
    name = add(provider.sessions)
    add(provider.sessions, LI)
    contact.begin_change(provider, name, "sms", OTHER_MOBILE, at=AT)
    with pytest.raises(AccountTaken):
        contact.finish_change(
            provider, name, "sms", OTHER_MOBILE, code_sent(provider, OTHER_MOBILE),
            by=himself(name), at=AT,
        )  # fmt: skip
    assert found(provider.sessions, MOBILE) == name
