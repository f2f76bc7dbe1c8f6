"""How sure we are: evidence, its life, registries that raise a level, and tries that run out."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso import agents, assurance, claim_key, raise_level, registry_checks, representation
from sso.particulars import Particulars
from sso.people_models import Capacity
from sso.registry_checks import Checks
from tests.sso.provider import make_provider
from tests.sso.samples import (
    AT,
    BODY,
    LI,
    NUMBER,
    USCC,
    VAULT,
    ZHANG,
    acts,
    add,
    add_body,
    details,
    found,
    himself,
    registries,
)
from trust.access import SYSTEM
from trust.db import Sessions
from trust.errors import Invalid, NotFound
from trust.keys import SoftKeyStore

YEAR = timedelta(days=365)


def prove(
    sessions: Sessions, name: str, method: str, *, at: datetime = AT, level: int | None = None,
    expires_at: datetime | None = None,
) -> int:  # fmt: skip
    with sessions.begin() as session:
        return assurance.add_evidence(
            session, name, method, by=SYSTEM, at=at, level=level, expires_at=expires_at
        ).id


def level(sessions: Sessions, name: str, at: datetime = AT) -> int:
    with sessions() as session:
        return assurance.level(session, name, at=at)


def check(sessions: Sessions, checks: Checks, name: str, method: str, picture: bytes = b"") -> None:
    raise_level.raise_level(
        sessions, VAULT, checks, name, method=method, by=himself(name), at=AT, picture=picture
    )


def test_the_level_is_the_highest_that_evidence_gives(sessions: Sessions) -> None:
    name = add(sessions)
    assert level(sessions, name) == 0
    prove(sessions, name, "face")
    prove(sessions, name, "population_match")
    assert level(sessions, name) == 2
    with sessions() as session:
        methods = [row.method for row in assurance.evidence(session, name, AT)]
    assert methods == ["face", "population_match"]


def test_evidence_ends_with_its_life(sessions: Sessions) -> None:
    name = add(sessions)
    prove(sessions, name, "face")
    prove(sessions, name, "population_match")
    assert level(sessions, name, AT + YEAR - timedelta(seconds=1)) == 2
    assert level(sessions, name, AT + YEAR) == 1
    assert level(sessions, name, AT + 3 * YEAR) == 0


def test_evidence_does_not_count_before_it_was_obtained(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions)
    prove(sqlite_sessions, name, "counter")
    assert level(sqlite_sessions, name, AT - timedelta(seconds=1)) == 0


def test_a_certificates_end_shortens_evidence_and_nothing_lengthens_it(
    sqlite_sessions: Sessions,
) -> None:
    name = add(sqlite_sessions)
    prove(sqlite_sessions, name, "certificate", expires_at=AT + timedelta(days=1))
    prove(sqlite_sessions, name, "face", expires_at=AT + 9 * YEAR)
    assert level(sqlite_sessions, name, AT + timedelta(days=1)) == 2
    assert level(sqlite_sessions, name, AT + YEAR) == 0


def test_withdrawn_evidence_counts_no_more_and_is_withdrawn_once(sessions: Sessions) -> None:
    name = add(sessions)
    evidence_id = prove(sessions, name, "face")
    for refused in (False, True):
        with sessions.begin() as session:
            if refused:
                with pytest.raises(NotFound):
                    assurance.withdraw(session, name, evidence_id, reason="x", by=SYSTEM, at=AT)
            else:
                assurance.withdraw(session, name, evidence_id, reason="x", by=SYSTEM, at=AT)
    assert level(sessions, name) == 0
    assert acts(sessions)[-1] == "assurance.withdrawn"


def test_every_raise_is_in_the_log(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions)
    prove(sqlite_sessions, name, "population_match")
    prove(sqlite_sessions, name, "face")
    assert details(sqlite_sessions, "assurance.raised") == {
        "method": "face", "level": 2, "source": "", "before": 1, "after": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "given"), [("guess", None), ("face", 3), ("imported", None), ("imported", 4)]
)
def test_evidence_says_no_level_but_its_methods(
    sqlite_sessions: Sessions, method: str, given: int | None
) -> None:
    name = add(sqlite_sessions)
    with pytest.raises(Invalid):
        prove(sqlite_sessions, name, method, level=given)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    obtained=st.lists(
        st.tuples(st.sampled_from(["population_match", "face", "counter"]), st.integers(0, 5)),
        max_size=5,
    ),
    after=st.integers(0, 9),
)
def test_the_level_is_a_maximum_over_what_is_in_force(
    sqlite_sessions: Sessions, obtained: list[tuple[str, int]], after: int
) -> None:
    name = add(
        sqlite_sessions,
        Particulars(name="某", key_type="999", key_number="N0001"),
        key_checked=False,
    )
    expected = 0
    for method, year in obtained:
        prove(sqlite_sessions, name, method, at=AT + year * YEAR)
        known = assurance.METHODS[method]
        life = known.life or timedelta()
        if year * YEAR <= after * YEAR < year * YEAR + life:
            expected = max(expected, known.level or 0)
    assert level(sqlite_sessions, name, AT + after * YEAR) == expected


def test_the_population_base_raises_to_one_and_a_face_to_two(
    sessions: Sessions, tmp_path: Path
) -> None:
    checks, name = registries(tmp_path), add(sessions, key_checked=False)
    check(sessions, checks, name, "population_match")
    assert level(sessions, name) == 1
    check(sessions, checks, name, "face", b"face of Zhang")
    assert level(sessions, name) == 2
    assert found(sessions, NUMBER) == name


def test_another_face_is_refused_and_the_refusal_is_in_the_log(
    sqlite_sessions: Sessions, tmp_path: Path
) -> None:
    name = add(sqlite_sessions, key_checked=False)
    with pytest.raises(raise_level.CheckRefused):
        check(sqlite_sessions, registries(tmp_path), name, "face", b"face of Li")
    assert level(sqlite_sessions, name) == 0
    assert found(sqlite_sessions, NUMBER) is None
    assert details(sqlite_sessions, "assurance.refused") == {"method": "face", "answer": "no_match"}


def test_guessing_ends_after_five_tries_a_day(sessions: Sessions, tmp_path: Path) -> None:
    checks, name = registries(tmp_path), add(sessions)
    for _ in range(raise_level.TRIES):
        with pytest.raises(raise_level.CheckRefused):
            check(sessions, checks, name, "face", b"guess")
    with pytest.raises(raise_level.TooManyChecks):
        check(sessions, checks, name, "face", b"face of Zhang")
    raise_level.raise_level(
        sessions, VAULT, checks, name, method="face", by=himself(name),
        at=AT + timedelta(days=1), picture=b"face of Zhang",
    )  # fmt: skip
    assert level(sessions, name, AT + timedelta(days=1)) == 2


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"population": 3}', '{"population": '])
def test_a_registry_that_does_not_answer_costs_no_try(
    sqlite_sessions: Sessions, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / registry_checks.SIMULATOR).write_text(content)
    name = add(sqlite_sessions)
    for _ in range(raise_level.TRIES + 1):
        with pytest.raises(raise_level.CheckUnavailable):
            check(sqlite_sessions, registry_checks.simulated(tmp_path), name, "population_match")
    assert level(sqlite_sessions, name) == 0


def test_without_adapters_every_check_is_unavailable(sqlite_sessions: Sessions) -> None:
    with pytest.raises(raise_level.CheckUnavailable):
        check(sqlite_sessions, registry_checks.absent(), add(sqlite_sessions), "population_match")


@pytest.mark.parametrize("method", ["entity_match", "counter", "self_declared", "nonsense"])
def test_a_person_is_not_checked_by_what_is_for_others(
    sqlite_sessions: Sessions, tmp_path: Path, method: str
) -> None:
    with pytest.raises(Invalid):
        check(sqlite_sessions, registries(tmp_path), add(sqlite_sessions), method)


def test_a_passport_is_not_in_the_population_base(
    sqlite_sessions: Sessions, tmp_path: Path
) -> None:
    name = add(sqlite_sessions, Particulars(name="张三丰", key_type="414", key_number="E1234567"))
    with pytest.raises(raise_level.CheckRefused):
        check(sqlite_sessions, registries(tmp_path), name, "population_match")


def test_a_body_is_raised_by_its_registry_and_its_representatives_face(
    sqlite_sessions: Sessions, tmp_path: Path
) -> None:
    checks = registries(tmp_path)
    body = add_body(sqlite_sessions, representative_name="张三丰", representative_number=NUMBER)
    check(sqlite_sessions, checks, body, "entity_match")
    assert level(sqlite_sessions, body) == 1
    with pytest.raises(raise_level.CheckRefused):
        check(sqlite_sessions, checks, body, "representative_face", b"face of Li")
    check(sqlite_sessions, checks, body, "representative_face", b"face of Zhang")
    assert level(sqlite_sessions, body) == 2


def test_a_number_confirmed_elsewhere_is_not_confirmed_again_by_as_little(
    sqlite_sessions: Sessions, tmp_path: Path
) -> None:
    checks, first = registries(tmp_path), add(sqlite_sessions, key_checked=False)
    check(sqlite_sessions, checks, first, "population_match")
    again = Particulars(name="张三丰", key_type="111", key_number=NUMBER)
    second = add(sqlite_sessions, again, key_checked=False)
    with pytest.raises(claim_key.KeyTaken):
        check(sqlite_sessions, checks, second, "population_match")
    assert level(sqlite_sessions, second) == 0
    assert details(sqlite_sessions, "assurance.refused")["answer"] == "taken"


def test_a_representative_brings_their_organisation(
    sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    registries(tmp_path)
    provider = make_provider(sessions, soft_keys, tmp_path)
    name = add(sessions)
    with pytest.raises(representation.LevelTooLow):
        representation.represent(provider, name, uscc=USCC, name=BODY, at=AT)
    prove(sessions, name, "face")
    agency = representation.represent(provider, name, uscc=USCC, name=BODY, at=AT)
    assert agency.capacity == Capacity.LEGAL_REPRESENTATIVE
    assert found(sessions, USCC) == agency.organisation
    assert level(sessions, agency.organisation) == 2
    again = representation.represent(provider, name, uscc=USCC, name=BODY, at=AT)
    assert again.id == agency.id


def test_a_stranger_does_not_bring_anothers_organisation(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    registries(tmp_path)
    provider = make_provider(sqlite_sessions, soft_keys, tmp_path)
    name = add(sqlite_sessions, LI, level=3)
    with pytest.raises(raise_level.CheckRefused):
        representation.represent(provider, name, uscc=USCC, name=BODY, at=AT)
    assert found(sqlite_sessions, USCC) is None


def test_a_new_representative_ends_the_former(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    registries(tmp_path)
    provider = make_provider(sqlite_sessions, soft_keys, tmp_path)
    former, present = add(sqlite_sessions, level=2), add(sqlite_sessions, LI, level=2)
    representation.represent(provider, former, uscc=USCC, name=BODY, at=AT)
    entity = {"uscc": USCC, "name": BODY, "representative": "李四", "number": LI.key_number}
    content = json.dumps({"population": [], "entities": [entity]}, ensure_ascii=False)
    (tmp_path / registry_checks.SIMULATOR).write_text(content, encoding="utf-8")
    later = AT + timedelta(days=1)
    agency = representation.represent(provider, present, uscc=USCC, name=BODY, at=later)
    with sqlite_sessions() as session:
        assert agents.acting_for(session, former, at=later) == []
        found_now = agents.may_act(session, present, agency.organisation, at=later)
    assert found_now.id == agency.id
    assert ZHANG.name not in str(acts(sqlite_sessions))
