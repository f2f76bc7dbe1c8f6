"""Showing a licence (亮证): one code, one office, one answer, one look, and short lives."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from certificates import looks
from certificates.models import Licence
from certificates.purpose import purpose
from certificates.wallet import showing, showing_look
from certificates.wallet.holder import NotYours
from certificates.wallet.showing import CodeRefused, NoShowing, ShowingOver
from certificates.wallet.showing_models import ShowingState
from sso import agents
from sso.people_models import Capacity
from tests import holding
from tests.regions import Region
from trust.access import SYSTEM, Caller
from trust.clock import utc_now
from trust.errors import Forbidden, Invalid

WHY = purpose("办理道路运输经营许可", item_code="YS-001")


@pytest.fixture
def licence(region: Region) -> Licence:
    holding.holder(region)
    return holding.personal_licence(region)


@pytest.fixture
def office(region: Region) -> Caller:
    return holding.office(region)


def code(region: Region, licence: Licence, at: datetime) -> showing.Code:
    platform = region.platform
    with platform.sessions.begin() as session:
        return showing.new_code(
            session, platform.vault, licence.identifier, by=region.caller("wallet.holder"), at=at
        )


def ask(region: Region, typed: str, by: Caller, at: datetime) -> UUID:
    platform = region.platform
    with platform.sessions.begin() as session:
        return showing.begin(session, platform.vault, typed, purpose=WHY, by=by, at=at)


def confirm(region: Region, key: UUID, at: datetime, *, name: str = "wallet.holder") -> None:
    with region.platform.sessions.begin() as session:
        showing.confirm(session, key, by=region.caller(name), at=at)


def state(region: Region, key: UUID, by: Caller, at: datetime) -> ShowingState:
    with region.platform.reading() as session:
        return showing.standing(session, key, by=by, at=at).state


def together(acts: list[Callable[[], object]]) -> list[object]:
    """What came of acts begun at once; a refusal stands for itself."""
    begin, found = threading.Barrier(len(acts)), list[object]()

    def run(act: Callable[[], object]) -> None:
        begin.wait()
        try:
            found.append(act())
        except (CodeRefused, ShowingOver) as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_two_offices_with_one_code_one_wins(region: Region, licence: Licence) -> None:
    at = utc_now()
    shown = code(region, licence, at)
    offices = [holding.office(region), holding.office(region, "wallet.office2")]
    found = together([partial(ask, region, shown.text, by, at) for by in offices])
    assert sorted(type(one).__name__ for one in found) == ["CodeRefused", "UUID"]


def test_of_two_looks_at_once_one_is_given(
    region: Region, licence: Licence, office: Caller
) -> None:
    at, platform = utc_now(), region.platform
    key = ask(region, code(region, licence, at).text, office, at)
    confirm(region, key, at)
    look = partial(showing_look.take, platform.sessions, platform.vault, key, by=office, at=at)
    found = together([look, look])
    assert sorted(type(one).__name__ for one in found) == ["Look", "ShowingOver"]


def test_a_code_ends_after_a_minute(region: Region, licence: Licence, office: Caller) -> None:
    at = utc_now()
    shown = code(region, licence, at)
    with pytest.raises(CodeRefused):
        ask(region, shown.text, office, at + showing.CODE_LIFE)
    assert ask(region, shown.text, office, at + showing.CODE_LIFE - timedelta(seconds=1))


def test_the_next_code_ends_the_one_before(
    region: Region, licence: Licence, office: Caller
) -> None:
    at = utc_now()
    first, second = code(region, licence, at), code(region, licence, at)
    with pytest.raises(CodeRefused):
        ask(region, first.text, office, at + showing.OVERLAP)
    assert ask(region, second.typed, office, at + showing.OVERLAP)


def test_a_page_that_is_loaded_again_shows_the_same_code_until_it_is_used(
    region: Region, licence: Licence, office: Caller
) -> None:
    at, platform = utc_now(), region.platform
    by = region.caller("wallet.holder")

    def same(at: datetime) -> showing.Code:
        with platform.sessions.begin() as session:
            return showing.same_code(session, platform.vault, licence.identifier, by=by, at=at)

    first = same(at)
    assert same(at + timedelta(seconds=30)) == first
    assert same(at + timedelta(seconds=55)).text != first.text
    other = same(at + timedelta(seconds=56))
    ask(region, other.text, office, at + timedelta(seconds=57))
    assert same(at + timedelta(seconds=58)).text != other.text


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("0000000000", CodeRefused), ("LZ1.ZZZZZZZZZZ", CodeRefused), ("", Invalid),
        ("12345", Invalid), ("x" * 2000, Invalid), ("ABCDE\0FGHJ", Invalid),
        ("' OR 1=1--", Invalid), ("ＡＢＣＤＥＦＧＨＪＫ", Invalid),
    ],
    ids=["guess", "guess-qr", "empty", "short", "long", "nul", "quote", "wide"],
)  # fmt: skip
def test_garbage_and_guesses_open_nothing(
    region: Region, licence: Licence, office: Caller, typed: str, error: type[Exception]
) -> None:
    code(region, licence, utc_now())
    with pytest.raises(error):
        ask(region, typed, office, utc_now())


def test_a_code_is_read_as_people_type_it(region: Region, licence: Licence, office: Caller) -> None:
    at = utc_now()
    typed = code(region, licence, at).typed
    assert ask(region, f" {typed.lower()} ".replace("0", "o").replace("1", "l"), office, at)


def test_nobody_without_an_office_asks(region: Region, licence: Licence) -> None:
    at = utc_now()
    shown = code(region, licence, at)
    holding.stranger(region)
    with pytest.raises(Forbidden):
        ask(region, shown.text, region.caller("wallet.stranger"), at)
    assert ask(region, shown.text, holding.office(region), at), "the code was not spent by that"


def test_a_request_is_seen_and_fetched_by_who_asked_only(
    region: Region, licence: Licence, office: Caller
) -> None:
    at, platform = utc_now(), region.platform
    other = holding.office(region, "wallet.office2")
    key = ask(region, code(region, licence, at).text, office, at)
    confirm(region, key, at)
    with pytest.raises(NoShowing):
        state(region, key, other, at)
    with pytest.raises(NoShowing):
        showing_look.take(platform.sessions, platform.vault, key, by=other, at=at)
    assert state(region, key, office, at) == ShowingState.GRANTED


def test_nobody_but_the_one_who_showed_it_answers(
    region: Region, licence: Licence, office: Caller
) -> None:
    at = utc_now()
    key = ask(region, code(region, licence, at).text, office, at)
    with pytest.raises(NoShowing):
        confirm(region, key, at, name=holding.stranger(region))
    assert state(region, key, office, at) == ShowingState.WAITING


def test_waiting_and_fetching_both_run_out(
    region: Region, licence: Licence, office: Caller
) -> None:
    at, platform = utc_now(), region.platform
    late = at + showing.ANSWER_WITHIN
    first = ask(region, code(region, licence, at).text, office, at)
    assert state(region, first, office, late) == ShowingState.EXPIRED
    with pytest.raises(ShowingOver):
        confirm(region, first, late)
    second = ask(region, code(region, licence, at).text, office, at)
    confirm(region, second, at)
    later = at + showing.FETCH_WITHIN
    assert state(region, second, office, later) == ShowingState.EXPIRED
    with pytest.raises(ShowingOver):
        showing_look.take(platform.sessions, platform.vault, second, by=office, at=later)


def test_a_look_is_on_record_before_anything_was_opened(
    region: Region, licence: Licence, office: Caller
) -> None:
    at, platform = utc_now(), region.platform
    key = ask(region, code(region, licence, at).text, office, at)
    confirm(region, key, at)
    with platform.sessions.begin() as session:
        showing.fetch(session, key, by=office, at=at)
    with platform.reading() as session:
        newest = looks.of(session, licence.identifier)[0]
    assert (newest.how, newest.office, newest.purpose) == (
        looks.BY_SHOWING, office.authority, WHY.cause,
    )  # fmt: skip


def test_who_may_use_the_licence_no_longer_lets_nobody_look(region: Region) -> None:
    """An agent of a body shows its licence and is dismissed before they confirm."""
    agent = holding.citizen(region, "wallet.clerk", "110101199003070038", "赵六合")
    holding.acting(region, agent, Capacity.AGENT)
    licence, office = region.issued(), holding.office(region)
    wallet = holding.wallet(region, agent)
    key = ask(region, wallet.show(licence.identifier).text, office, utc_now())
    with region.platform.sessions.begin() as session:
        for row in agents.acting_for(session, agent, at=utc_now()):
            agents.revoke(session, row.id, by=SYSTEM, at=utc_now())
    with pytest.raises(NotYours):
        holding.wallet(region, agent).confirm(key)
    assert state(region, key, office, utc_now()) == ShowingState.WAITING
