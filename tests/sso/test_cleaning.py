"""What has ended is deleted, a batch at a time, and nothing else."""

from datetime import timedelta

from sqlalchemy import func, select

from sso import cleaning
from sso.cleaning import Rule, clean
from sso.cleaning_rules import RULES
from sso.credential_models import Challenge
from sso.people_models import OneTimeCode
from tests.sso.provider import START
from trust.db import Base, Sessions

KEEP = timedelta(hours=1)
CHALLENGES = Rule(Challenge, Challenge.digest, Challenge.expires_at, KEEP)


def add(sessions: Sessions, number: int, *, hours: float) -> None:
    """So many challenges that ended `hours` before START."""
    with sessions.begin() as session:
        known = session.scalar(select(func.count()).select_from(Challenge)) or 0
        session.add_all(
            Challenge(
                digest=(known + each).to_bytes(32), purpose="passkey", bound_to=bytes(32),
                expires_at=START - timedelta(hours=hours),
            )
            for each in range(number)
        )  # fmt: skip


def left(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Challenge)) or 0


def test_only_what_ended_long_enough_ago_goes(sessions: Sessions) -> None:
    add(sessions, 3, hours=2)
    add(sessions, 2, hours=0.5)
    assert clean(sessions, (CHALLENGES,), at=START) == 3
    assert left(sessions) == 2


def test_one_call_deletes_a_bounded_number_of_rows(sessions: Sessions) -> None:
    add(sessions, 2 * cleaning.BATCH + 1, hours=2)
    assert clean(sessions, (CHALLENGES,), at=START, rounds=1) == cleaning.BATCH
    assert clean(sessions, (CHALLENGES,), at=START, rounds=5) == cleaning.BATCH + 1
    assert left(sessions) == 0


def test_rows_that_share_a_part_of_their_key_are_judged_one_by_one(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for purpose, hours in (("register", 200), ("sign_in", 0)):
            session.add(
                OneTimeCode(
                    recipient=bytes(32), purpose=purpose, digest=bytes(32), issued_at=START,
                    expires_at=START - timedelta(hours=hours), day="2026-11-22", sent=1,
                )
            )  # fmt: skip
    rule = Rule(OneTimeCode, OneTimeCode.recipient, OneTimeCode.expires_at, KEEP)
    assert clean(sessions, (rule,), at=START) == 1
    with sessions() as session:
        assert session.scalars(select(OneTimeCode.purpose)).all() == ["sign_in"]


def test_every_rule_can_be_run(sessions: Sessions) -> None:
    assert clean(sessions, RULES, at=START) == 0


def test_every_table_that_says_when_its_rows_end_has_a_rule() -> None:
    ending = {
        table.name for table in Base.metadata.tables.values()
        if "expires_at" in table.columns and not table.name.startswith("test_")
    }  # fmt: skip
    ruled = {rule.table.__tablename__ for rule in RULES}
    # Evidence is a record of what was believed and when; it is kept.
    assert ending - ruled == {"evidence"}
