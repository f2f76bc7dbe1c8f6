"""Status lists: what is written is read, and nothing unbounded is."""

import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from certificates import registry
from certificates.models import StatusShard
from certificates.status import lists as status_list
from certificates.status.lists import CAPACITY, Status
from tests.regions import Region
from trust.crypto import jose, private_keys
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import Malformed

KEY = private_keys.generate(KeyKind.P256)
AT = datetime(2026, 11, 22, tzinfo=UTC)


def write(states: dict[int, Status]) -> str:
    return status_list.write(
        states, subject="https://x/status/1", at=AT, lifetime=timedelta(hours=24),
        ttl=timedelta(minutes=10), algorithm=Algorithm.ES256, kid="k", x5c=(),
        sign=lambda message: KEY.sign(Algorithm.ES256, message),
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(0, CAPACITY - 1), st.sampled_from(Status), max_size=50))
def test_every_state_is_read_as_written(states: dict[int, Status]) -> None:
    listed = status_list.parse(write(states))
    jose.verify(listed.jws, KEY.spki)
    for index in {*states, 0, CAPACITY - 1}:
        assert listed.status(index) is states.get(index, Status.VALID)
    with pytest.raises(Malformed):
        listed.status(CAPACITY)
    with pytest.raises(Malformed):
        listed.status(-1)


def test_the_bits_are_where_the_draft_puts_them() -> None:
    """Token Status List, 4.1: the first entry is in the least significant bits."""
    listed = status_list.parse(write({0: Status.VOID, 1: Status.SUSPENDED, 3: Status.OTHER}))
    assert listed.packed[0] == 0b11_00_10_01


def token(payload: dict[str, object]) -> str:
    return jose.sign(
        jose.canonical_json(payload), algorithm=Algorithm.ES256, typ=status_list.TYPE, kid="k",
        sign=lambda message: KEY.sign(Algorithm.ES256, message),
    )  # fmt: skip


GOOD = {"sub": "s", "iat": 1, "exp": 2, "status_list": {"bits": 2, "lst": ""}}


@pytest.mark.parametrize(
    "change",
    [
        {"status_list": {"bits": 1, "lst": jose.b64url(zlib.compress(b"1234"))}},
        {"status_list": {"bits": 2, "lst": jose.b64url(b"not deflated")}},
        {"status_list": {"bits": 2, "lst": jose.b64url(zlib.compress(bytes(1 << 25)))}},
        {"status_list": {"bits": 2, "lst": jose.b64url(zlib.compress(b"12")[:-3])}},
        {"status_list": {"bits": 2}},
        {"iat": 5},
        {"iat": True},
        {"exp": 10**30},
    ],
)
def test_a_list_of_another_form_is_malformed(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        status_list.parse(token({**GOOD, **change}))


def test_a_full_list_is_followed_by_another(region: Region) -> None:
    with region.platform.sessions() as session:
        first = registry.take_status_place(session)
        session.execute(update(StatusShard).values(used=CAPACITY))
        second, third = (registry.take_status_place(session) for _ in range(2))
        session.rollback()
    assert (second.number, third.number) == (first.number + 1, first.number + 1)
    assert second.index != third.index


def test_indexes_are_handed_out_once_and_not_in_order(region: Region) -> None:
    with region.platform.sessions() as session:
        places = [registry.take_status_place(session) for _ in range(300)]
        session.rollback()
    assert len(set(places)) == 300
    indexes = [place.index for place in places]
    assert indexes != sorted(indexes)
    assert all(0 <= index < CAPACITY for index in indexes)
