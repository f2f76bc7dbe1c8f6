"""A licence's life as a state machine: whatever is tried in whatever order, no state is without
actor, basis and reason, one version is active, and the audit chain is whole."""

import threading
from collections import Counter
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from certificates import states
from certificates.applications.refusals import ReasonNeeded
from certificates.models import (
    ApplicationKind,
    Licence,
    LicenceState,
    StateChange,
)
from certificates.states import Cause, LicenceNotInForce
from tests.certificates.office import Office, open_office
from tests.regions import Region
from trust import audit
from trust.clock import utc_now

#: What each act needs and makes: the model that the register is held against.
MODEL: Final = {
    "suspend": ({"active"}, "suspended"),
    "resume": ({"suspended"}, "active"),
    "rescind": ({"active", "suspended"}, "rescinded"),
    "revoke": ({"active", "suspended"}, "revoked"),
    "cancel": ({"active", "suspended"}, "cancelled"),
    "transfer_out": ({"active"}, "transferred_out"),
}
BASIS, REASON = "行政许可法第七十条", "试验"


class Life(RuleBasedStateMachine):
    """One business, from its first licence through changes of state and re-issues."""

    office: Office

    @initialize()
    def issue_the_first(self) -> None:
        licence = self.office.issued()
        self.chain = [licence.identifier]
        self.states = {licence.identifier: "active"}

    @rule(
        act=st.sampled_from(sorted(MODEL)), back=st.integers(0, 2),
        by=st.sampled_from(["approver", "head"]), cause=st.sampled_from(list(Cause)),
    )  # fmt: skip
    def change(self, act: str, back: int, by: str, cause: Cause) -> None:
        """An act on the newest licence or one before it."""
        identifier = self.chain[-1 - min(back, len(self.chain) - 1)]
        before, after = MODEL[act]
        given: dict[str, Any] = {"cause": cause} if act == "cancel" else {}
        allowed = self.states[identifier] in before
        try:
            with self.office.sessions.begin() as session:
                getattr(states, act)(
                    session, identifier, basis=BASIS, reason=REASON, by=self.office.by(by),
                    at=utc_now(), vault=self.office.region.platform.vault, **given,
                )  # fmt: skip
        except LicenceNotInForce:
            assert not allowed
        else:
            assert allowed
            self.states[identifier] = after

    @rule()
    def reissue(self) -> None:
        """A new version in the place of the newest, when that one is active."""
        previous = self.chain[-1]
        try:
            key = self.office.enter(kind=ApplicationKind.REISSUE, previous=previous)
        except LicenceNotInForce:
            assert self.states[previous] != "active"
            return
        assert self.states[previous] == "active"
        self.office.do("approve", key)
        licence = self.office.issue(key)
        assert licence.previous == previous
        self.states[previous] = "replaced"
        self.chain.append(licence.identifier)
        self.states[licence.identifier] = "active"

    @invariant()
    def every_change_has_actor_basis_and_reason(self) -> None:
        with self.office.region.platform.reading() as session:
            for identifier in self.chain:
                rows = session.scalars(
                    select(StateChange)
                    .where(StateChange.licence == identifier)
                    .order_by(StateChange.id)
                ).all()
                assert rows[0].state == "active"
                assert rows[-1].state == self.states[identifier]
                assert all(row.by and row.reason for row in rows)
                assert all(row.basis for row in rows[1:])

    @invariant()
    def the_register_is_the_model_and_at_most_one_version_is_active(self) -> None:
        with self.office.region.platform.reading() as session:
            rows = session.execute(
                select(Licence.identifier, Licence.state).where(Licence.identifier.in_(self.chain))
            )
            found = {identifier: str(state) for identifier, state in rows}
        assert found == self.states
        standing = (LicenceState.ACTIVE, LicenceState.SUSPENDED)
        assert sum(state in standing for state in found.values()) <= 1

    def teardown(self) -> None:
        with self.office.region.platform.reading() as session:
            assert audit.verify(session).faults == ()


def test_whatever_is_tried_a_licences_life_stays_whole(sqlite_region: Region) -> None:
    life = cast(type[Life], type("LifeHere", (Life,), {"office": open_office(sqlite_region)}))
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=8, stateful_step_count=12, deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )  # fmt: skip


@pytest.mark.parametrize("act", sorted(MODEL))
def test_an_act_without_basis_or_reason_changes_nothing(sqlite_region: Region, act: str) -> None:
    office = open_office(sqlite_region)
    licence = office.issued()
    for basis, reason in (("", REASON), (BASIS, " "), (BASIS, "行\n行"), ("一" * 301, REASON)):
        with office.sessions.begin() as session, pytest.raises(ReasonNeeded):
            getattr(states, act)(
                session, licence.identifier, basis=basis, reason=reason, by=office.by("approver"),
                at=utc_now(), vault=sqlite_region.platform.vault,
            )  # fmt: skip
    with sqlite_region.platform.reading() as session:
        assert len(states.history(session, licence.identifier)) == 1


def test_of_ten_changes_at_once_exactly_one_wins(region: Region) -> None:
    office = open_office(region)
    identifier = office.issued().identifier
    start, outcomes = threading.Barrier(10), Counter[str]()

    def attempt(act: str) -> None:
        start.wait()
        try:
            with office.sessions.begin() as session:
                getattr(states, act)(
                    session, identifier, basis=BASIS, reason=REASON, by=office.by("approver"),
                    at=utc_now(), vault=region.platform.vault,
                )  # fmt: skip
            outcomes["won"] += 1
        except LicenceNotInForce:
            outcomes["lost"] += 1

    acts = ["revoke", "cancel", "rescind", "transfer_out", "revoke"] * 2
    threads = [threading.Thread(target=attempt, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"won": 1, "lost": 9}
    with region.platform.reading() as session:
        assert len(states.history(session, identifier)) == 2
