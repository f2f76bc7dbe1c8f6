"""Lists as JSON, their history, and whom they cover."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.listing import DAY, NOW, Publisher, make_key, publisher
from trust import lists
from trust.crypto import jose
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.lists_judge import ListRefused, judge
from trust.lists_model import (
    Period,
    Service,
    ServiceStatus,
    ServiceType,
    TrustList,
    Was,
    covers,
    was_trusted,
)

KEY = make_key("542500")
STATUS = st.sampled_from(list(ServiceStatus))
KIND = st.sampled_from(list(ServiceType))


@st.composite
def service(draw: st.DrawFn) -> Service:
    days = sorted(draw(st.lists(st.integers(1, 4000), min_size=1, max_size=5, unique=True)))
    newest, *older = (Period(draw(STATUS), NOW - each * DAY) for each in days)
    return Service(
        draw(KIND), draw(st.text("ab 市局", max_size=9)), newest.since,
        draw(st.sampled_from((b"", KEY.der))), draw(st.sampled_from(("", "https://a.example/x"))),
        draw(st.sampled_from(("", "11542500MB1234567X"))), newest.status, tuple(older),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(services=st.lists(service(), max_size=5), number=st.integers(0, 2**53 - 1))
def test_a_list_says_again_what_was_written(services: list[Service], number: int) -> None:
    region = Publisher("542500", KEY)
    pointer = publisher("542521").pointer()
    content = region.content(number=number, services=tuple(services), pointers=(pointer,))
    found = lists.parse(region.sign(content))
    assert found.services == content.services
    assert found.pointers == (pointer,)
    assert (found.sequence, found.issued_at, found.next_update) == (number, NOW, NOW + 7 * DAY)


@settings(max_examples=80, deadline=None)
@given(at=st.floats(0, 1), to=st.integers(0, 255))
def test_no_change_of_a_byte_changes_what_is_believed(at: float, to: int) -> None:
    region = Publisher("542500", KEY)
    data = bytearray(region.list(number=3))
    sound = judge(bytes(data), region="542500", signers=[KEY.certificate], at=NOW)
    data[int(at * (len(data) - 1))] = to
    try:
        found = judge(bytes(data), region="542500", signers=[KEY.certificate], at=NOW)
    except ListRefused:
        return
    assert said(found) == said(sound)


def said(found: TrustList) -> tuple[object, ...]:
    return (found.region, found.sequence, found.services, found.pointers, found.next_update)


def mended(data: bytes, **changes: object) -> bytes:
    document = jose.load_json(data)
    document["list"] |= changes
    return jose.canonical_json(document)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 1}, {"more": 1}, {"schemeTerritory": "54250"}, {"schemeTerritory": "54250x"},
        {"sequenceNumber": -1}, {"sequenceNumber": 2**53}, {"sequenceNumber": True},
        {"issueDateTime": "2026-11-22T08:00:00+00:00"}, {"issueDateTime": "2026-11-22T8:00:00Z"},
        {"schemeOperatorName": "a" * 201}, {"schemeOperatorName": "a\u0000"}, {"services": {}},
        {"services": [{}]}, {"pointers": [{"schemeTerritory": "542500"}]}, {"services": [[]]},
    ],
    ids=lambda changes: str(sorted(changes.items()))[:60],
)  # fmt: skip
def test_another_form_of_a_list_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        lists.parse(mended(Publisher("542500", KEY).list(number=1), **changes))


def test_a_history_that_does_not_run_backwards_is_refused() -> None:
    later = Period(ServiceStatus.GRANTED, NOW)
    odd = Service(ServiceType.TSA, "tsa", NOW - DAY, KEY.der, history=(later,))
    with pytest.raises(Malformed):
        lists.parse(Publisher("542500", KEY).list(number=1, services=(odd,)))


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=400))
def test_garbage_is_no_list(data: bytes) -> None:
    with pytest.raises((Malformed, UnknownAlgorithm)):
        lists.parse(data)


def test_history_answers_whether_it_was_trusted_then() -> None:
    granted = Period(ServiceStatus.GRANTED, NOW - 100 * DAY)
    ended = Service(ServiceType.TSA, "tsa", NOW - 10 * DAY, KEY.der,
                    status=ServiceStatus.WITHDRAWN, history=(granted,))  # fmt: skip

    def was(at: timedelta) -> Was:
        return was_trusted((ended,), ServiceType.TSA, KEY.der, NOW - at)

    assert was(101 * DAY) is Was.NOT_YET
    assert was(100 * DAY) is Was.GRANTED
    assert was(10 * DAY + timedelta(seconds=1)) is Was.GRANTED
    assert was(10 * DAY) is Was.WITHDRAWN
    assert was_trusted((ended,), ServiceType.OCSP, KEY.der, NOW) is Was.NOT_LISTED


def test_a_compromise_leaves_no_earlier_time_believable() -> None:
    granted = Period(ServiceStatus.GRANTED, NOW - 100 * DAY)
    stolen = Service(ServiceType.TSA, "tsa", NOW - 10 * DAY, KEY.der,
                     status=ServiceStatus.COMPROMISED, history=(granted,))  # fmt: skip
    again = Service(ServiceType.TSA, "again", NOW - DAY, KEY.der)
    found = was_trusted((stolen, again), ServiceType.TSA, KEY.der, NOW - 50 * DAY)
    assert found is Was.COMPROMISED


def test_a_body_is_found_by_its_code() -> None:
    body = Service(ServiceType.ISSUER, "office", NOW - DAY, code="11542500MB1234567X")
    assert was_trusted((body,), ServiceType.ISSUER, body.code, NOW) is Was.GRANTED
    assert was_trusted((body,), ServiceType.ISSUER, "other", NOW) is Was.NOT_LISTED


@pytest.mark.parametrize(
    ("region", "division", "within"),
    [
        ("540000", "542500", "in"), ("542500", "542521", "in"), ("542500", "540000", "out"),
        ("542500", "542600", "out"), ("100000", "621100", "in"), ("542521", "542521", "in"),
        ("110000", "100000", "out"),
    ],
)  # fmt: skip
def test_a_region_covers_what_lies_within_it(region: str, division: str, within: str) -> None:
    assert covers(region, division) == (within == "in")
