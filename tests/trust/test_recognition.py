"""What is recognised of other regions: rules, conditions, mappings, withdrawals by history."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.listing import DAY, NOW, make_key, publisher
from trust import list_sources, recognition_policy, recognition_withdraw
from trust.access import SYSTEM
from trust.db import Sessions
from trust.errors import NotFound
from trust.list_accept import take
from trust.lists_model import Service, ServiceType
from trust.recognition import (
    ANY,
    Conditions,
    Facts,
    Outcome,
    Policy,
    Rule,
    Verdict,
    Withdrawal,
    decide,
)
from trust.recognition_policy import BadRule, load, map_code, set_rule
from trust.recognition_withdraw import (
    AlreadyWithdrawn,
    BadWithdrawal,
    falls,
    lift,
    note_seen,
    withdraw,
)
from trust.recognition_words import REASONS, words

ALI, TYPE, ISSUER = "542500", "11100000000013127D001", "11542500MB1234567X"
OLD = NOW - 1000 * DAY


def rule(verdict: Verdict, **more: object) -> Rule:
    said: dict[str, object] = {"region": ALI, "type_code": ANY, "since": OLD} | more
    return Rule(verdict=verdict, **said)  # type: ignore[arg-type]


def outcome(policy: Policy, *, at: datetime = NOW, **facts: Any) -> tuple[Outcome, str]:
    known: dict[str, Any] = {"issued_at": NOW - 10 * DAY, "issuer": ISSUER} | facts
    found = decide(policy, ALI, TYPE, at, Facts(**known))
    return found.outcome, found.reasons[0]


def test_without_a_rule_nothing_is_taken() -> None:
    assert outcome(Policy()) == (Outcome.UNKNOWN, "no_rule")


def test_the_nearest_rule_decides() -> None:
    rules = (
        rule(Verdict.FULL, region=ANY), rule(Verdict.REFUSED),
        rule(Verdict.FULL, type_code=TYPE),
    )  # fmt: skip
    assert outcome(Policy(rules)) == (Outcome.RECOGNISED, "recognised_fully")
    assert outcome(Policy(rules[:2])) == (Outcome.REFUSED, "type_not_recognised")
    assert outcome(Policy(rules[:1])) == (Outcome.RECOGNISED, "recognised_fully")


def test_a_later_rule_holds_from_its_time_on() -> None:
    policy = Policy((rule(Verdict.FULL), rule(Verdict.REFUSED, since=NOW)))
    assert outcome(policy, at=NOW - DAY)[0] is Outcome.RECOGNISED
    assert outcome(policy)[0] is Outcome.REFUSED


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"level": 3, "seal_kinds": frozenset({"licence"}), "fields": frozenset({"a", "b"})},
         (Outcome.RECOGNISED, "conditions_met")),
        ({"level": 1, "seal_kinds": frozenset({"licence"}), "fields": frozenset({"a"})},
         (Outcome.REFUSED, "condition_level:2")),
        ({"level": 2, "seal_kinds": frozenset({"personal"}), "fields": frozenset({"a"})},
         (Outcome.REFUSED, "condition_seal:licence,statutory")),
        ({"level": 2, "seal_kinds": frozenset({"statutory"}), "fields": frozenset()},
         (Outcome.REFUSED, "condition_field:a")),
        ({"seal_kinds": frozenset({"statutory"}), "fields": frozenset({"a"})},
         (Outcome.CONDITIONAL, "condition_level:2")),
        ({"level": 2}, (Outcome.CONDITIONAL, "condition_seal:licence,statutory")),
    ],
    ids=["met", "level", "seal", "field", "level-unknown", "seal-unknown"],
)  # fmt: skip
def test_conditions_are_met_missed_or_open(
    known: dict[str, Any], expected: tuple[Outcome, str]
) -> None:
    wanted = Conditions(2, frozenset({"licence", "statutory"}), frozenset({"a"}))
    assert outcome(Policy((rule(Verdict.CONDITIONAL, conditions=wanted),)), **known) == expected


def test_a_regions_own_names_are_mapped_to_national_ones() -> None:
    wanted = Conditions(fields=frozenset({"name"}))
    policy = Policy(
        (rule(Verdict.CONDITIONAL, type_code="N1", conditions=wanted),),
        types={(ALI, TYPE): "N1"}, fields={(ALI, "mc"): "name"},
    )  # fmt: skip
    found = decide(policy, ALI, TYPE, NOW, Facts(fields=frozenset({"mc"})))
    assert (found.outcome, found.type_code) == (Outcome.RECOGNISED, "N1")


def test_what_was_issued_before_a_withdrawal_is_judged_by_history() -> None:
    policy = Policy((rule(Verdict.FULL),), (Withdrawal(ALI, "", NOW - 5 * DAY, False),))
    assert outcome(policy, issued_at=NOW - 6 * DAY)[0] is Outcome.RECOGNISED
    assert outcome(policy, issued_at=NOW - 5 * DAY) == (Outcome.REFUSED, "withdrawn")
    assert outcome(policy, issued_at=None) == (Outcome.UNKNOWN, "issue_time_unknown")


def test_after_a_compromise_nothing_is_taken() -> None:
    policy = Policy((rule(Verdict.FULL),), (Withdrawal(ALI, "", NOW - DAY, True),))
    assert outcome(policy, issued_at=OLD) == (Outcome.REFUSED, "withdrawn_compromised")


def test_a_withdrawal_to_come_changes_nothing_yet() -> None:
    policy = Policy((rule(Verdict.FULL),), (Withdrawal(ALI, "", NOW + DAY, True),))
    assert outcome(policy)[0] is Outcome.RECOGNISED
    assert outcome(policy, at=NOW + DAY)[0] is Outcome.REFUSED


def test_one_issuer_falls_alone() -> None:
    policy = Policy((rule(Verdict.FULL),), (Withdrawal(ALI, ISSUER, OLD, False),))
    assert outcome(policy)[0] is Outcome.REFUSED
    assert outcome(policy, issuer="other")[0] is Outcome.RECOGNISED


DAYS = st.integers(-20, 20).map(lambda days: NOW + days * DAY)


@settings(max_examples=200, deadline=None)
@given(
    effective=DAYS, at=DAYS, issued=st.none() | DAYS,
    compromised=st.sampled_from((True, False)), verdict=st.sampled_from(list(Verdict)),
)  # fmt: skip
def test_a_withdrawal_never_makes_more_recognised(
    effective: datetime, at: datetime, issued: datetime | None, compromised: bool,
    verdict: Verdict,
) -> None:  # fmt: skip
    rules = (rule(verdict, conditions=Conditions(2)),)
    facts = Facts(issued_at=issued, issuer=ISSUER, level=2)
    before = decide(Policy(rules), ALI, TYPE, at, facts)
    touched = Policy(rules, (Withdrawal(ALI, ISSUER, effective, compromised),))
    after = decide(touched, ALI, TYPE, at, facts)
    if after.recognised:
        assert before.recognised
        assert effective > at or (issued is not None and issued < effective and not compromised)


def test_every_reason_has_its_sentences() -> None:
    assert words("condition_level:2") == ("须核验持证人达到等级 2。",
                                          "The holder must be proved at level 2.")  # fmt: skip
    assert all(zh and en for zh, en in REASONS.values())


# In the database


def test_a_policy_is_kept_and_read_back(sessions: Sessions) -> None:
    wanted = Conditions(2, frozenset({"licence"}), frozenset({"name"}))
    with sessions.begin() as session:
        set_rule(session, ALI, ANY, Verdict.FULL, by=SYSTEM, at=NOW)
        set_rule(session, ALI, ANY, Verdict.CONDITIONAL, conditions=wanted, by=SYSTEM, at=NOW)
        map_code(session, ALI, "type", "local", "N1", by=SYSTEM, at=NOW)
        map_code(session, ALI, "type", "local", "N2", by=SYSTEM, at=NOW)
        map_code(session, ALI, "field", "mc", "name", by=SYSTEM, at=NOW)
        map_code(session, ALI, "field", "mc", "", by=SYSTEM, at=NOW)
    with sessions() as session:
        policy = load(session)
    assert policy.rules == (
        Rule(ALI, ANY, Verdict.FULL, recognition_policy.BEGINNING),
        Rule(ALI, ANY, Verdict.CONDITIONAL, NOW, wanted),
    )
    assert (dict(policy.types), dict(policy.fields)) == ({(ALI, "local"): "N2"}, {})


@pytest.mark.parametrize(
    ("region", "type_code", "verdict", "conditions"),
    [
        ("54250", ANY, Verdict.FULL, Conditions()), (ALI, "", Verdict.FULL, Conditions()),
        (ALI, ANY, Verdict.FULL, Conditions(2)), (ALI, ANY, Verdict.CONDITIONAL, Conditions()),
        (ALI, ANY, Verdict.CONDITIONAL, Conditions(4)),
        (ALI, ANY, Verdict.CONDITIONAL, Conditions(fields=frozenset({"a,b"}))),
    ],
    ids=["region", "type", "full-with", "conditional-without", "level", "field"],
)  # fmt: skip
def test_a_bad_rule_is_refused(
    sqlite_sessions: Sessions, region: str, type_code: str, verdict: Verdict,
    conditions: Conditions,
) -> None:  # fmt: skip
    with sqlite_sessions.begin() as session, pytest.raises(BadRule):
        set_rule(session, region, type_code, verdict, conditions=conditions, by=SYSTEM, at=NOW)


def seen(sessions: Sessions, number: int, *, days: int | None, issuer: str = ISSUER) -> None:
    with sessions.begin() as session:
        note_seen(
            session, f"licence/{number}", region=ALI, type_code=f"T{number % 2}", issuer=issuer,
            issued_at=None if days is None else NOW - days * DAY, at=NOW,
        )  # fmt: skip


def test_what_falls_is_told_before_it_is_done(sessions: Sessions) -> None:
    region, below = publisher(ALI), publisher("542521")
    region.services = (
        Service(ServiceType.ISSUER, "office", OLD, code=ISSUER),
        Service(ServiceType.CLAIM_SIGNER, "claims", OLD, make_key(ALI).der),
    )
    with sessions.begin() as session:
        list_sources.add(
            session, ALI, name="阿里", uri=region.uri, signers=(region.key.der,), by=SYSTEM, at=NOW
        )
    assert not take(sessions, ALI, region.list(pointers=(below.pointer(),)), own="110000", at=NOW
                    ).refused  # fmt: skip
    with sessions.begin() as session:
        set_rule(session, ALI, ANY, Verdict.FULL, by=SYSTEM, at=NOW)
    for number, days in enumerate((1, 2, 9, None)):
        seen(sessions, number, days=days)
    seen(sessions, 4, days=1, issuer="other")
    seen(sessions, 4, days=1, issuer="other")
    since = NOW - 5 * DAY
    with sessions() as session:
        whole = falls(session, ALI, effective_at=since, compromised=False)
        one = falls(session, ALI, issuer=ISSUER, effective_at=since, compromised=False)
        stolen = falls(session, ALI, effective_at=since, compromised=True)
    assert (whole.licences, whole.falling, whole.by_type) == (5, 4, (("T0", 2), ("T1", 2)))
    assert (whole.rules, whole.below) == (1, ("542521",))
    assert dict(whole.services) == {"claim-signer": 1, "licence-issuer": 1, "list-signer": 1}
    assert (one.licences, one.falling, one.services) == (4, 3, (("licence-issuer", 1),))
    assert stolen.falling == 5


def test_a_withdrawal_is_done_once_and_lifted(sessions: Sessions) -> None:
    with sessions.begin() as session:
        set_rule(session, ALI, ANY, Verdict.FULL, by=SYSTEM, at=NOW)
    with sessions.begin() as session:
        withdraw(session, ALI, effective_at=NOW, compromised=False, basis="第 1 条", by=SYSTEM,
                 at=NOW)  # fmt: skip
    with sessions.begin() as session, pytest.raises(AlreadyWithdrawn):
        withdraw(session, ALI, effective_at=NOW, compromised=False, basis="x", by=SYSTEM, at=NOW)
    with sessions.begin() as session:  # worse news may still come
        withdraw(session, ALI, effective_at=NOW, compromised=True, basis="x", by=SYSTEM, at=NOW)
    with sessions() as session:
        assert outcome(load(session))[1] == "withdrawn_compromised"
    with sessions.begin() as session:
        lift(session, ALI, by=SYSTEM, at=NOW + DAY)
    with sessions() as session:
        policy = load(session)
        assert recognition_withdraw.find_withdrawals(session) == []
    assert outcome(policy, at=NOW + DAY)[0] is Outcome.RECOGNISED
    assert outcome(policy)[0] is Outcome.REFUSED
    with sessions.begin() as session, pytest.raises(NotFound):
        lift(session, ALI, by=SYSTEM, at=NOW)


def test_a_withdrawal_states_its_basis(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session, pytest.raises(BadWithdrawal):
        withdraw(session, ALI, effective_at=NOW, compromised=False, basis=" ", by=SYSTEM, at=NOW)
