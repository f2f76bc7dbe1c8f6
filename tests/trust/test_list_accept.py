"""Lists that are taken and refused: the attacks that TUF names, on a real database."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trust.listing import DAY, NOW, Key, Publisher, Web, make_key, publisher
from trust import list_accept, list_alarms, list_fetch, list_sources, lists
from trust.access import SYSTEM
from trust.audit_entry import AuditEntry
from trust.db import Sessions
from trust.errors import NotFound
from trust.list_accept import Taken, take
from trust.list_models import HeldList, ListSource
from trust.list_sources import SourceDropped
from trust.list_store import Freshness, ListStore, NoSuchRegion, decoded
from trust.lists_model import ServiceStatus, ServiceType, Was

OWN = "110000"
ALI, DINGXI = "542500", "621100"


def name(sessions: Sessions, region: Publisher, *signers: Key) -> None:
    with sessions.begin() as session:
        list_sources.add(
            session, region.code, name=region.code, uri=region.uri,
            signers=tuple(key.der for key in signers or (region.key,)), by=SYSTEM, at=NOW,
        )  # fmt: skip


def give(
    sessions: Sessions, region: Publisher, data: bytes, *, after: timedelta = timedelta()
) -> Taken:
    return take(sessions, region.code, data, own=OWN, at=NOW + after)


def held(sessions: Sessions, region: str) -> int | None:
    with sessions() as session:
        found = session.get(HeldList, region)
        return found.sequence if found else None


def alarms(sessions: Sessions) -> set[tuple[str, str]]:
    with sessions() as session:
        return {(each.region, each.code) for each in list_alarms.open_alarms(session)}


@pytest.fixture
def ali(sessions: Sessions) -> Publisher:
    made = publisher(ALI)
    name(sessions, made)
    return made


def test_a_list_by_a_pinned_signer_is_believed(sessions: Sessions, ali: Publisher) -> None:
    assert give(sessions, ali, ali.list()).code == "accepted"
    region = ListStore(sessions).region(ALI)
    assert region.freshness(NOW) is Freshness.FRESH
    assert region.was_trusted(ServiceType.LIST_SIGNER, ali.key.der, NOW) is Was.GRANTED
    with sessions() as session:
        acts = [row.act for row in session.query(AuditEntry).order_by(AuditEntry.sequence)]
    assert acts == ["trust_list.source_added", "trust_list.accepted"]


def test_the_same_list_again_changes_nothing(sessions: Sessions, ali: Publisher) -> None:
    data = ali.list()
    give(sessions, ali, data)
    assert give(sessions, ali, data).code == "unchanged"


def forged(region: Publisher) -> bytes:
    """A sound list, one letter of it changed after it was signed."""
    return region.list(number=9).replace(b"a service", b"a swindle", 1)


REFUSED: dict[str, Callable[[Publisher], bytes]] = {
    "list_rollback": lambda r: r.list(number=4),
    "list_forked": lambda r: r.list(number=5, life=6 * DAY),
    "list_signature_wrong": forged,
    "list_signer_unknown": lambda r: r.list(number=9, by=make_key(r.code)),
    "list_of_another_region": lambda r: r.list(number=9, region=DINGXI),
    "list_from_future": lambda r: r.list(number=9, at=NOW + timedelta(hours=1)),
    "list_expired": lambda r: r.list(number=9, at=NOW - 9 * DAY),
    "list_life_too_long": lambda r: r.list(number=9, life=400 * DAY),
    "list_malformed": lambda r: b'{"list": {}, "signature": "a..b"}',
    "list_too_large": lambda r: b" " * (lists.LIST_MAX + 1),
    "list_pointer_loop": lambda r: r.list(number=9, pointers=(r.pointer(),)),
}


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_a_bad_list_is_refused_by_name_and_the_last_good_one_kept(
    sqlite_sessions: Sessions, code: str
) -> None:
    region = publisher(ALI)
    name(sqlite_sessions, region)
    give(sqlite_sessions, region, region.list(number=5))
    assert give(sqlite_sessions, region, REFUSED[code](region)).code == code
    assert held(sqlite_sessions, ALI) == 5
    assert alarms(sqlite_sessions) == {(ALI, code)}


def test_a_signer_whose_certificate_had_ended_signs_no_list(sqlite_sessions: Sessions) -> None:
    region = Publisher(ALI, make_key(ALI, until=NOW - DAY))
    name(sqlite_sessions, region)
    assert give(sqlite_sessions, region, region.list()).code == "list_signer_not_in_force"


def test_an_alarm_is_raised_once_counted_and_settled(
    sqlite_sessions: Sessions,
) -> None:
    region = publisher(ALI)
    name(sqlite_sessions, region)
    for _ in range(3):
        give(sqlite_sessions, region, forged(region))
    with sqlite_sessions() as session:
        (alarm,) = list_alarms.open_alarms(session)
    assert alarm.times == 3
    with sqlite_sessions.begin() as session:
        list_alarms.settle(session, alarm.id, by=SYSTEM, at=NOW)
    assert alarms(sqlite_sessions) == set()
    with sqlite_sessions.begin() as session, pytest.raises(NotFound):
        list_alarms.settle(session, alarm.id, by=SYSTEM, at=NOW)


def test_a_good_list_ends_an_alarm_that_was_only_lateness(sqlite_sessions: Sessions) -> None:
    region = publisher(ALI)
    name(sqlite_sessions, region)
    give(sqlite_sessions, region, forged(region))
    list_fetch.fetch_one(sqlite_sessions, ALI, fetch=Web(), own=OWN, at=NOW)
    assert alarms(sqlite_sessions) == {(ALI, "list_unreachable"), (ALI, "list_signature_wrong")}
    give(sqlite_sessions, region, region.list())
    assert alarms(sqlite_sessions) == {(ALI, "list_signature_wrong")}


# Keys that change


def test_a_new_key_announced_by_a_list_of_the_old_one_signs_the_next(
    sessions: Sessions, ali: Publisher
) -> None:
    new = make_key(ALI)
    both = (ali.service(), ali.service(new))
    give(sessions, ali, ali.list(services=both))
    gone = (ali.service(status=ServiceStatus.WITHDRAWN), ali.service(new))
    assert give(sessions, ali, ali.list(services=gone, by=new)).code == "accepted"
    assert give(sessions, ali, ali.list(services=gone, by=ali.key)).code == "list_signer_unknown"
    assert give(sessions, ali, ali.list(services=gone, by=new)).code == "accepted"


def test_a_thief_of_the_old_key_is_got_rid_of_by_other_pins(
    sessions: Sessions, ali: Publisher
) -> None:
    thief, fresh = make_key(ALI), make_key(ALI)
    both = (ali.service(), ali.service(thief), ali.service(fresh))
    give(sessions, ali, ali.list(services=both, number=2**52))
    stolen = ali.list(services=both, number=2**52 + 1, by=thief)
    assert give(sessions, ali, stolen).code == "accepted"
    with sessions.begin() as session:
        list_sources.pin(session, ALI, signers=(fresh.der,), by=SYSTEM, at=NOW)
    after = ali.list(services=both, number=2**52 + 2, by=thief)
    assert give(sessions, ali, after).code == "list_signer_unknown"
    # The numbers that the thief used up do not bind the true one.
    assert give(sessions, ali, ali.list(number=7, by=fresh)).code == "accepted"
    assert held(sessions, ALI) == 7


# Hubs


@pytest.fixture
def hub(sqlite_sessions: Sessions) -> Publisher:
    made = publisher("100000")
    name(sqlite_sessions, made)
    return made


def test_a_hub_names_regions_and_who_signs_their_lists(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    one, two = publisher(ALI), publisher(DINGXI)
    first = one.list()
    web = Web({
        hub.uri: hub.list(pointers=(one.pointer(first), two.pointer())),
        one.uri: first, two.uri: two.list(),
    })  # fmt: skip
    taken = list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert {each.region: each.code for each in taken} == dict.fromkeys(
        ("100000", ALI, DINGXI), "accepted"
    )
    store = ListStore(sqlite_sessions)
    assert store.region(ALI).parent == "100000"
    assert [each.code for each in store.regions()] == ["100000", ALI, DINGXI]
    assert set(web.asked.values()) == {1}


def test_a_region_that_the_hub_no_longer_names_is_dropped(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    one = publisher(ALI)
    web = Web({hub.uri: hub.list(pointers=(one.pointer(),)), one.uri: one.list()})
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    web.pages[hub.uri] = hub.list()
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert ListStore(sqlite_sessions).region(ALI).freshness(NOW) is Freshness.STALE
    with sqlite_sessions.begin() as session, pytest.raises(SourceDropped):
        list_accept.accept(session, ALI, one.list(), own=OWN, at=NOW)


def test_an_older_list_than_the_hub_names_is_a_rollback_even_for_a_newcomer(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    one = publisher(ALI)
    old, new = one.list(), one.list()
    web = Web({hub.uri: hub.list(pointers=(one.pointer(new),)), one.uri: old})
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert (ALI, "list_rollback") in alarms(sqlite_sessions)
    assert held(sqlite_sessions, ALI) is None


def test_another_list_of_the_number_that_the_hub_names_is_mixed(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    one = publisher(ALI)
    named, shown = one.list(number=3), one.list(number=3, life=5 * DAY)
    web = Web({hub.uri: hub.list(pointers=(one.pointer(named),)), one.uri: shown})
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert (ALI, "list_mixed") in alarms(sqlite_sessions)


def test_a_hub_that_names_an_older_list_than_before_is_mixed(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    one = publisher(ALI)
    old, new = one.list(), one.list()
    give(sqlite_sessions, hub, hub.list(pointers=(one.pointer(new),)))
    assert give(sqlite_sessions, hub, hub.list(pointers=(one.pointer(old),))).code == "list_mixed"


def test_a_held_list_is_stale_when_the_hub_names_a_newer_one(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    """Somebody holds the region's lists back, not the hub's: a freeze is seen at once."""
    one = publisher(ALI)
    first = one.list()
    web = Web({hub.uri: hub.list(pointers=(one.pointer(first),)), one.uri: first})
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    web.pages[hub.uri] = hub.list(pointers=(one.pointer(one.list()),))
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert ListStore(sqlite_sessions).region(ALI).freshness(NOW) is Freshness.STALE
    assert held(sqlite_sessions, ALI) == 1


def test_a_pointer_loop_is_refused_where_it_closes(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    one = publisher(ALI)
    web = Web({
        hub.uri: hub.list(pointers=(one.pointer(),)), one.uri: one.list(pointers=(hub.pointer(),)),
    })  # fmt: skip
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert alarms(sqlite_sessions) == {(ALI, "list_pointer_loop")}
    assert held(sqlite_sessions, "100000") == 1


def test_lists_point_to_lists_only_so_deep_and_within_their_own_region(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    tibet, ali, county, dingxi = (
        publisher("540000"), publisher(ALI), publisher("542521"), publisher(DINGXI)
    )  # fmt: skip
    web = Web({
        hub.uri: hub.list(pointers=(tibet.pointer(),)),
        tibet.uri: tibet.list(pointers=(ali.pointer(),)),
        ali.uri: ali.list(pointers=(county.pointer(),)), county.uri: county.list(),
    })  # fmt: skip
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert alarms(sqlite_sessions) == {(ALI, "list_too_deep")}
    assert held(sqlite_sessions, "542521") is None
    web.pages[tibet.uri] = tibet.list(pointers=(dingxi.pointer(),))
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert ("540000", "list_outside_scope") in alarms(sqlite_sessions)
    assert held(sqlite_sessions, "540000") == 1


def test_what_is_named_by_hand_no_hub_names_otherwise(
    sqlite_sessions: Sessions, hub: Publisher
) -> None:
    one, impostor = publisher(ALI), publisher(ALI)
    name(sqlite_sessions, one)
    give(sqlite_sessions, hub, hub.list(pointers=(impostor.pointer(),)))
    assert give(sqlite_sessions, one, impostor.list()).code == "list_signer_unknown"
    with sqlite_sessions() as session:
        found = session.get(ListSource, ALI)
        assert found is not None
        assert decoded(found.signers) == (one.key.certificate,)


def test_two_hubs_that_name_one_region_are_told(sqlite_sessions: Sessions, hub: Publisher) -> None:
    other, one, another = publisher("110000"), publisher(ALI), publisher(ALI)
    name(sqlite_sessions, other)
    give(sqlite_sessions, hub, hub.list(pointers=(one.pointer(),)))
    taken = take(
        sqlite_sessions, "110000", other.list(pointers=(another.pointer(),)), own="120000", at=NOW
    )
    assert taken.code == "accepted"
    assert (ALI, "list_named_twice") in alarms(sqlite_sessions)
    with sqlite_sessions() as session:
        assert list_sources.find(session, ALI).parent == "100000"


def test_a_list_that_is_too_long_is_cut_off_and_told(sqlite_sessions: Sessions) -> None:
    region = publisher(ALI)
    name(sqlite_sessions, region)
    web = Web({region.uri: bytes(100 * 1024 * 1024)})
    (taken,) = list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert taken.code == "list_too_large"


def test_a_list_nobody_renews_is_told_before_it_ends(sqlite_sessions: Sessions) -> None:
    region = publisher(ALI)
    name(sqlite_sessions, region)
    web = Web({region.uri: region.list()})
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW)
    assert alarms(sqlite_sessions) == set()
    list_fetch.refresh(sqlite_sessions, fetch=web, own=OWN, at=NOW + 6.5 * DAY)
    assert alarms(sqlite_sessions) == {(ALI, "list_overdue")}
    found = ListStore(sqlite_sessions).region(ALI)
    assert found.freshness(NOW + 8 * DAY) is Freshness.STALE


def test_a_region_that_nobody_named_is_not_known(sqlite_sessions: Sessions) -> None:
    with pytest.raises(NoSuchRegion):
        ListStore(sqlite_sessions).region(ALI)
    with pytest.raises(NotFound):
        take(sqlite_sessions, ALI, publisher(ALI).list(), own=OWN, at=NOW)


STEPS = st.lists(
    st.tuples(
        st.integers(1, 6),  # the number
        st.integers(-9, 9),  # days between its issue and now
        st.sampled_from(("own", "stranger", "announced")),
        st.booleans(),  # whether it announces the second key
        st.integers(0, 3),  # days until the next one
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_whatever_lists_come_the_number_never_goes_down_and_none_is_taken_past_its_life(
    sqlite_sessions: Sessions, steps: list[tuple[int, int, str, bool, int]]
) -> None:
    with sqlite_sessions.begin() as session:
        session.query(HeldList).delete()
        session.query(ListSource).delete()
    region, second, at = publisher(ALI), make_key(ALI), NOW
    name(sqlite_sessions, region)
    signers = {"own": region.key, "stranger": make_key(ALI), "announced": second}
    announced = False
    for number, age, who, announces, wait in steps:
        services = (region.service(), *((region.service(second),) if announces else ()))
        issued = at - age * DAY
        data = region.list(number=number, at=issued, services=services, by=signers[who])
        before = held(sqlite_sessions, ALI)
        taken = take(sqlite_sessions, ALI, data, own=OWN, at=at)
        after = held(sqlite_sessions, ALI)
        if before is not None:
            assert after is not None
            assert after >= before
        if not taken.refused:
            assert who != "stranger"
            assert who == "own" or announced
            assert issued <= at <= issued + 7 * DAY
            assert after == number
            announced = announces
        else:
            assert after == before
        at += wait * DAY
