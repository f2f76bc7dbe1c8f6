"""Particulars: sealed to their row, in one form, read for a purpose that is kept, shown masked."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso import masks, particulars
from sso.models import Account
from sso.particulars import InvalidParticulars, Particulars
from tests.sso.samples import AT, LI, NUMBER, SECURITY, VAULT, ZHANG, acts, add, details, row
from trust.audit_queue import AuditQueue
from trust.crypto.errors import DecryptionFailed
from trust.db import Sessions
from trust.errors import Invalid, NotFound
from trust.identifiers import InvalidIdentifier


def test_birth_date_and_gender_follow_from_a_citizen_id() -> None:
    known = particulars.checked(replace(ZHANG, birthdate="2000-01-01", gender="male"), at=AT)
    assert known.birthdate == "1949-12-31"
    assert known.gender == "female"
    assert particulars.checked(LI, at=AT).gender == "male"


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": " "}, {"name": "张\n三"}, {"name": "x" * 101}, {"name": "\ud800"},
        {"key_type": "112"}, {"key_type": ""}, {"mobile": "12800000001"}, {"mobile": "1380000000"},
        {"mobile": "+8601234"}, {"mobile": "１３８００００００01"}, {"email": "zhang"},
        {"email": "a@b"}, {"email": "a b@c.cn"}, {"email": "a" * 250 + "@b.cn"},
        {"address": "x" * 201}, {"key_type": "414", "key_number": "E1"},
        {"key_type": "414", "key_number": "E1234567", "birthdate": "1990-02-30"},
        {"key_type": "414", "key_number": "E1234567", "birthdate": "19900201"},
        {"key_type": "414", "key_number": "E1234567", "birthdate": "2990-02-01"},
        {"key_type": "414", "key_number": "E1234567", "gender": "m"},
    ],
    ids=str,
)  # fmt: skip
def test_what_breaks_a_rule_is_refused_without_its_value(change: dict[str, str]) -> None:
    with pytest.raises(InvalidParticulars) as refused:
        particulars.checked(replace(ZHANG, **change), at=AT)
    assert refused.value.item in str(refused.value)
    assert not any(value in str(refused.value) for value in change.values() if len(value) > 3)


def test_a_citizen_id_that_breaks_its_standard_is_refused() -> None:
    with pytest.raises(InvalidIdentifier):
        particulars.checked(replace(ZHANG, key_number="110105194912310021"), at=AT)


def test_one_name_has_one_form() -> None:
    composed, apart = "José", "Jose\N{COMBINING ACUTE ACCENT}"
    passport = Particulars(name=apart, key_type="414", key_number=" e1234567 ")
    known = particulars.checked(passport, at=AT)
    assert known.name == composed
    assert known.key_number == "E1234567"


def test_the_repr_shows_nothing() -> None:
    assert repr(ZHANG) == "Particulars(key_type='111')"


def test_the_box_opens_to_what_was_put_in_and_in_its_row_only(sqlite_sessions: Sessions) -> None:
    account = row(sqlite_sessions, add(sqlite_sessions))
    opened = particulars.open_particulars(VAULT, account)
    assert (opened.name, opened.key_number) == ("张三丰", NUMBER)
    stranger = Account(name="li.si", particulars=account.particulars)
    with pytest.raises(DecryptionFailed):
        particulars.open_particulars(VAULT, stranger)


def test_a_read_is_in_the_log_with_its_purpose_and_nothing_personal(
    sqlite_sessions: Sessions,
) -> None:
    name, queue = add(sqlite_sessions), AuditQueue(sqlite_sessions)
    with sqlite_sessions() as session:
        known = particulars.read(
            session, VAULT, queue, name, purpose="scope profile", by=SECURITY, at=AT
        )
    queue.flush()
    assert known.name == "张三丰"
    assert acts(sqlite_sessions)[-1] == "particulars.read"
    assert details(sqlite_sessions, "particulars.read") == {"purpose": "scope profile"}


@pytest.mark.parametrize("purpose", ["", "x" * 201, "a\nb"])
def test_nothing_is_read_without_a_purpose(sqlite_sessions: Sessions, purpose: str) -> None:
    name, queue = add(sqlite_sessions), AuditQueue(sqlite_sessions)
    with sqlite_sessions() as session, pytest.raises(Invalid):
        particulars.read(session, VAULT, queue, name, purpose=purpose, by=SECURITY, at=AT)
    assert queue.flush() == 0


def test_nobodys_particulars_are_not_found(sqlite_sessions: Sessions) -> None:
    queue = AuditQueue(sqlite_sessions)
    with sqlite_sessions() as session, pytest.raises(NotFound):
        particulars.read(session, VAULT, queue, "nobody", purpose="x", by=SECURITY, at=AT)


def test_equal_values_of_different_columns_have_different_indexes() -> None:
    indexes = {
        particulars.key_index(VAULT, "111", "1"), particulars.key_index(VAULT, "414", "1"),
        particulars.mobile_index(VAULT, "1"), particulars.email_index(VAULT, "1"),
    }  # fmt: skip
    assert len(indexes) == 4


@pytest.mark.parametrize(
    ("mask", "given", "shown"),
    [
        (masks.mask_name, "张三丰", "张**"),
        (masks.mask_name, "李四", "李*"),
        (masks.mask_name, "李", "李*"),
        (masks.mask_number, NUMBER, "1" + "*" * 16 + "X"),
        (masks.mask_code, "91542521MA9QTE10XC", "9154" + "*" * 12 + "XC"),
        (masks.mask_code, "A1234567", "********"),
        (masks.mask_mobile, "13800000001", "138****0001"),
        (masks.mask_mobile, "+85291234567", "+85****4567"),
        (masks.mask_email, "zhang@example.cn", "z***@example.cn"),
    ],
)
def test_masks(mask: Callable[[str], str], given: str, shown: str) -> None:
    assert mask(given) == shown


@given(st.text(max_size=60))
def test_a_masked_number_hides_at_least_half(text: str) -> None:
    for mask in (masks.mask_number, masks.mask_code):
        shown = mask(text)
        assert len(shown) == len(text)
        hidden = sum(1 for one in shown if one == "*")
        assert hidden * 2 >= len(text)
