"""Versions of licence types: in force, superseded, withdrawn; who may, and who was first."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import certificates.models  # noqa: F401 - tables
from certificates import catalogue
from certificates.catalogue import BadType
from certificates.licence_type import LicenceType
from certificates.licence_types import life as type_life
from certificates.licence_types import registry as type_registry
from certificates.licence_types.life import TypeChangedMeanwhile, TypeNameTaken
from certificates.licence_types.models import TypeState
from certificates.licence_types.registry import NoDraft, TypeNotPublished
from trust.access import Caller, Role
from trust.db import Sessions
from trust.errors import Forbidden, Invalid, NotFound, TrustError

AT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
LATER = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
ADMIN = Caller("types.admin", None, frozenset({Role.SYSTEM_ADMIN}))
CLERK = Caller("clerk", "1154252199900011XY", frozenset({Role.CLERK}))
BUSINESS = "11100000MB0143028R001"
HOTEL = "11542500999000056Q077"


@pytest.fixture
def seeded(sessions: Sessions) -> Sessions:
    with sessions.begin() as session:
        type_life.seed(session, at=AT)
    return sessions


def hotel(**changes: object) -> bytes:
    """A type of our own, as a file."""
    data = json.loads((catalogue.TYPES / "construction-permit.json").read_bytes())
    data |= {"code": HOTEL, "slug": "hotel-licence", "name": "旅馆业特种行业许可证",
             "definer": {"name": "阿里地区行政公署", "code": HOTEL[:18], "level": "3"}}  # fmt: skip
    return json.dumps(data | changes).encode()


def amended(sessions: Sessions, change: Callable[[LicenceType], LicenceType]) -> int:
    """A draft of the business licence, changed; its revision."""
    with sessions.begin() as session:
        row = type_life.amend(session, BUSINESS, by=ADMIN, at=AT)
        made = change(type_registry.opened(row))
        return type_life.save_draft(session, made, revision=row.revision, by=ADMIN, at=AT).revision


def relabelled(found: LicenceType) -> LicenceType:
    fields = tuple(
        replace(each, zh="经营住所") if each.name == "KZ_ZS" else each for each in found.fields
    )
    return replace(found, fields=fields)


def label(found: LicenceType, name: str = "KZ_ZS") -> str:
    field = found.extension(name)
    assert field is not None
    return field.zh


def test_the_packaged_types_are_put_in_once(seeded: Sessions) -> None:
    with seeded.begin() as session:
        assert type_life.seed(session, at=LATER) == ()
        found = type_registry.all_current(session)
    assert {each.code for each in found} == {each.code for each in catalogue.load()}


def test_an_empty_registry_is_as_packaged(sessions: Sessions) -> None:
    with sessions() as session:
        assert type_registry.current(session, "营业执照") == catalogue.find(BUSINESS)
        assert type_registry.of(session, BUSINESS, "001") == catalogue.find(BUSINESS)
        assert len(type_registry.all_current(session)) == len(catalogue.load())
        with pytest.raises(NotFound):
            type_registry.of(session, BUSINESS, "002")


@pytest.mark.parametrize("key", [BUSINESS, "business-licence", "营业执照"])
def test_a_type_is_found_by_each_of_its_names(seeded: Sessions, key: str) -> None:
    with seeded() as session:
        assert type_registry.current(session, key).code == BUSINESS


@pytest.mark.parametrize("key", ["", "no such", "\0", "x" * 5000, BUSINESS.lower()])
def test_an_unknown_type_is_not_found(seeded: Sessions, key: str) -> None:
    with seeded() as session, pytest.raises(NotFound):
        type_registry.current(session, key)


def test_an_old_licence_keeps_the_labels_of_its_version(seeded: Sessions) -> None:
    revision = amended(seeded, relabelled)
    with seeded() as session:
        assert label(type_registry.current(session, BUSINESS)) == "住所"
    with seeded.begin() as session:
        type_life.publish(session, BUSINESS, revision=revision, by=ADMIN, at=LATER)
    with seeded() as session:
        assert label(type_registry.current(session, BUSINESS)) == "经营住所"
        assert type_registry.current(session, BUSINESS).version == "002"
        assert label(type_registry.of(session, BUSINESS, "001")) == "住所"
        old, new = sorted(type_registry.versions(session, BUSINESS), key=lambda row: row.version)
        assert (old.state, old.until, old.ended_by) == (TypeState.SUPERSEDED, LATER, ADMIN.account)
        assert (new.state, new.since) == (TypeState.PUBLISHED, LATER)


def test_a_draft_is_nothing_to_those_who_issue(seeded: Sessions) -> None:
    amended(seeded, relabelled)
    with seeded() as session:
        assert type_registry.current(session, BUSINESS).version == "001"
        with pytest.raises(NotFound):
            type_registry.of(session, BUSINESS, "002")


def test_a_withdrawn_type_is_issued_no_more_and_can_still_be_read(seeded: Sessions) -> None:
    with seeded.begin() as session:
        type_life.withdraw(session, BUSINESS, reason="改为新类型", by=ADMIN, at=LATER)
    with seeded() as session:
        with pytest.raises(TypeNotPublished):
            type_registry.current(session, "business-licence")
        assert type_registry.of(session, BUSINESS, "001").code == BUSINESS
        assert BUSINESS not in {each.code for each in type_registry.all_current(session)}
    with seeded.begin() as session, pytest.raises(TypeNotPublished):
        type_life.withdraw(session, BUSINESS, reason="再停一次", by=ADMIN, at=LATER)


def test_what_was_withdrawn_comes_back_as_a_new_version(seeded: Sessions) -> None:
    with seeded.begin() as session:
        type_life.withdraw(session, BUSINESS, reason="暂停", by=ADMIN, at=AT)
        row = type_life.amend(session, BUSINESS, by=ADMIN, at=AT)
        type_life.publish(session, BUSINESS, revision=row.revision, by=ADMIN, at=LATER)
        assert type_registry.current(session, BUSINESS).version == "002"


def test_a_packaged_type_can_be_amended_before_the_registry_knows_it(sessions: Sessions) -> None:
    with sessions.begin() as session:
        assert type_life.amend(session, BUSINESS, by=ADMIN, at=AT).version == "002"
        assert type_registry.current(session, BUSINESS).version == "001"


def test_a_type_of_ones_own_goes_in_by_file_and_out_again(seeded: Sessions) -> None:
    with seeded.begin() as session:
        row = type_life.import_(session, hotel(version="007"), by=ADMIN, at=AT)
        assert (row.version, row.state) == ("001", TypeState.DRAFT)
        with pytest.raises(TypeNotPublished):
            type_registry.current(session, HOTEL)
        type_life.publish(session, HOTEL, revision=1, by=ADMIN, at=AT)
    with seeded.begin() as session:
        raw = type_registry.export(session, HOTEL)
        again = type_life.import_(session, raw, by=ADMIN, at=AT)
        assert (again.version, again.state) == ("001", TypeState.PUBLISHED)
    with seeded.begin() as session:
        changed = type_life.import_(session, hotel(name_en="Hotel Permit"), by=ADMIN, at=AT)
        assert (changed.version, changed.state) == ("002", TypeState.DRAFT)


def test_two_types_in_force_never_share_a_name(seeded: Sessions) -> None:
    with seeded.begin() as session:
        type_life.import_(session, hotel(slug="driving-licence"), by=ADMIN, at=AT)
    with seeded.begin() as session, pytest.raises(TypeNameTaken):
        type_life.publish(session, HOTEL, revision=1, by=ADMIN, at=AT)
    with seeded() as session:
        assert type_registry.current(session, "driving-licence").name == "机动车驾驶证"


def test_a_save_over_somebody_elses_is_refused(seeded: Sessions) -> None:
    revision = amended(seeded, relabelled)
    with seeded() as session:
        made = type_registry.opened(type_registry.draft(session, BUSINESS))
    with seeded.begin() as session, pytest.raises(TypeChangedMeanwhile):
        type_life.save_draft(session, made, revision=revision - 1, by=ADMIN, at=AT)
    with seeded.begin() as session, pytest.raises(TypeChangedMeanwhile):
        type_life.publish(session, BUSINESS, revision=revision - 1, by=ADMIN, at=AT)
    with seeded.begin() as session, pytest.raises(TypeChangedMeanwhile):
        type_life.discard(session, BUSINESS, revision=revision - 1, by=ADMIN, at=AT)
    with seeded() as session:
        assert type_registry.current(session, BUSINESS).version == "001"


def test_a_type_has_one_draft_at_a_time(seeded: Sessions) -> None:
    amended(seeded, relabelled)
    with seeded.begin() as session, pytest.raises(TypeChangedMeanwhile):
        type_life.amend(session, BUSINESS, by=ADMIN, at=AT)


def test_a_discarded_draft_is_gone(seeded: Sessions) -> None:
    revision = amended(seeded, relabelled)
    with seeded.begin() as session:
        type_life.discard(session, BUSINESS, revision=revision, by=ADMIN, at=AT)
        with pytest.raises(NoDraft):
            type_registry.draft(session, BUSINESS)


@pytest.mark.parametrize("act", ["amend", "withdraw", "import", "publish", "discard"])
def test_only_system_administrators_keep_types(seeded: Sessions, act: str) -> None:
    acts: dict[str, Callable[..., object]] = {
        "amend": lambda s: type_life.amend(s, BUSINESS, by=CLERK, at=AT),
        "withdraw": lambda s: type_life.withdraw(s, BUSINESS, reason="x", by=CLERK, at=AT),
        "import": lambda s: type_life.import_(s, hotel(), by=CLERK, at=AT),
        "publish": lambda s: type_life.publish(s, BUSINESS, revision=1, by=CLERK, at=AT),
        "discard": lambda s: type_life.discard(s, BUSINESS, revision=1, by=CLERK, at=AT),
    }
    with seeded.begin() as session, pytest.raises(Forbidden):
        acts[act](session)


def test_a_withdrawal_needs_a_reason(seeded: Sessions) -> None:
    for reason in ("", "  ", "长" * 501):
        with seeded.begin() as session, pytest.raises(Invalid):
            type_life.withdraw(session, BUSINESS, reason=reason, by=ADMIN, at=AT)


def test_a_definition_that_is_none_is_refused(seeded: Sessions) -> None:
    for raw in (b"", b"{}", b"[]", b"\xff", hotel(code=BUSINESS), hotel(fields=1)):
        with seeded.begin() as session, pytest.raises(BadType):
            type_life.import_(session, raw, by=ADMIN, at=AT)


def test_what_was_rolled_back_was_never_said(seeded: Sessions) -> None:
    """A version that never came about must not be remembered in its number's place."""
    with seeded() as session:
        row = type_life.import_(session, hotel(name_en="First"), by=ADMIN, at=AT)
        type_life.publish(session, HOTEL, revision=row.revision, by=ADMIN, at=AT)
        assert type_registry.of(session, HOTEL, "001").name_en == "First"
        session.rollback()
    with seeded.begin() as session:
        row = type_life.import_(session, hotel(name_en="Second"), by=ADMIN, at=AT)
        type_life.publish(session, HOTEL, revision=row.revision, by=ADMIN, at=AT)
    with seeded() as session:
        assert type_registry.of(session, HOTEL, "001").name_en == "Second"


def test_of_two_who_publish_at_once_one_wins(seeded: Sessions) -> None:
    revision = amended(seeded, relabelled)
    barrier, outcomes = threading.Barrier(2), list[str]()

    def publish() -> None:
        barrier.wait()
        try:
            with seeded.begin() as session:
                type_life.publish(session, BUSINESS, revision=revision, by=ADMIN, at=LATER)
            outcomes.append("published")
        except TrustError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=publish) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("published") == 1
    assert set(outcomes) <= {"published", "type_changed_meanwhile", "no_type_draft"}
    with seeded() as session:
        states = [row.state for row in type_registry.versions(session, BUSINESS)]
    assert states == [TypeState.PUBLISHED, TypeState.SUPERSEDED]


def test_of_two_who_amend_at_once_one_wins(seeded: Sessions) -> None:
    barrier, outcomes = threading.Barrier(2), list[str]()

    def amend() -> None:
        barrier.wait()
        try:
            with seeded.begin() as session:
                outcomes.append(type_life.amend(session, BUSINESS, by=ADMIN, at=AT).version)
        except TypeChangedMeanwhile as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=amend) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["002", "type_changed_meanwhile"]
