"""Grants: who may use a seal, for what, how often a day, with whose second word."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from seal import apply, confirm, freeze, grants, use
from seal.apply import Impression
from seal.confirm import NotConfirmed
from seal.covering import NotGranted
from seal.grant_models import SealGrant
from seal.grants import CeilingReached, Terms
from seal.ledger import Use
from seal.life import SamePerson, SealNotInForce
from seal.models import SealKind
from seal.picture import Rank
from seal.request import Wanted
from tests.regions import MARKET, TRANSPORT, Region
from tests.seal import living
from trust.access import Caller, Role
from trust.clock import utc_now
from trust.errors import Conflict, Forbidden, Invalid, NotFound

TYPE = MARKET.types[0]
HOUR = timedelta(hours=1)
LICENCE = Wanted(SealKind.LICENCE, MARKET.seal_name, Rank.SPECIAL, number="9")


@pytest.fixture(scope="module")
def _seals() -> dict[int, str]:
    return {}


@pytest.fixture
def es_id(region: Region, _seals: dict[int, str]) -> str:
    """One seal in force for all these tests; each makes its own grants, for a case of its own."""
    if id(region) not in _seals:
        _seals[id(region)] = living.made(region).es_id
    return _seals[id(region)]


@pytest.fixture(autouse=True)
def _no_grants_left(region: Region) -> Iterator[None]:
    """A grant of one test must not serve another."""
    yield
    with region.platform.sessions.begin() as session:
        mine = session.query(SealGrant).filter(SealGrant.role.is_distinct_from("approver"))
        mine.update({"revoked_at": utc_now()})


def operator(region: Region, name: str = "window.one") -> Caller:
    return living.person(region, name, Role.CLERK)


def wanted(es_id: str, **changes: str) -> Use:
    words = {"type_code": TYPE, "case": "case-1", "document": "paper.pdf"} | changes
    return Use(es_id, **words)


@contextmanager
def refusing(error: type[Exception]) -> Iterator[None]:
    """The refusal as it leaves `recording_refusals`; what happens inside is rolled back."""
    with pytest.raises(error):
        yield


def take(
    region: Region, wish: Use, by: Caller, *, at: datetime | None = None
) -> tuple[Impression, UUID]:
    at = at or utc_now()
    platform = region.platform
    with (
        use.recording_refusals(platform.sessions, by=by, at=at),
        platform.sessions.begin() as session,
    ):
        taken = use.take(session, wish, by=by, at=at)
        return taken.impression, taken.grant


def test_nobody_uses_a_seal_without_a_grant(region: Region, es_id: str) -> None:
    with refusing(NotGranted):
        take(region, wanted(es_id), operator(region))


def test_an_account_uses_what_it_was_granted(region: Region, es_id: str) -> None:
    key = living.granted(region, es_id, Terms(account=operator(region).account))
    found, grant = take(region, wanted(es_id), operator(region))
    assert (found.es_id, grant) == (es_id, key)
    with refusing(NotGranted):
        take(region, wanted(es_id), operator(region, "window.two"))


@pytest.mark.parametrize(
    ("terms", "changes"),
    [
        ({"type_code": TYPE}, {"type_code": MARKET.types[1]}),
        ({"item": "设立登记"}, {"item": "注销登记"}),
        ({"item": "设立登记"}, {}),
        ({"system": "approval-desk"}, {"system": "another"}),
        ({"system": "approval-desk"}, {}),
        ({"valid_from": datetime(2999, 1, 1, tzinfo=UTC)}, {}),
        ({"valid_from": datetime(2001, 1, 1, tzinfo=UTC),
          "valid_until": datetime(2002, 1, 1, tzinfo=UTC)}, {}),
    ],
    ids=["type", "item", "no item", "system", "no system", "too early", "too late"],
)  # fmt: skip
def test_a_grant_covers_only_what_it_says(
    region: Region, es_id: str, terms: dict[str, object], changes: dict[str, str]
) -> None:
    by = operator(region)
    living.granted(region, es_id, Terms(account=by.account, **terms))  # type: ignore[arg-type]
    with refusing(NotGranted):
        take(region, wanted(es_id, **changes), by)


def test_a_grant_covers_what_it_says(region: Region, es_id: str) -> None:
    by = operator(region)
    terms = Terms(account=by.account, type_code=TYPE, item="设立登记", system="approval-desk")
    living.granted(region, es_id, terms)
    take(region, wanted(es_id, item="设立登记", system="approval-desk"), by)


def test_a_role_counts_at_the_seals_owner_only(region: Region, es_id: str) -> None:
    living.granted(region, es_id, Terms(role=Role.CLERK))
    take(region, wanted(es_id), operator(region))
    with refusing(NotGranted):
        take(region, wanted(es_id), region.caller("transport.clerk"))


def test_a_system_uses_a_seal_through_whichever_account(region: Region, es_id: str) -> None:
    living.granted(region, es_id, Terms(system="batch"))
    for name in ("window.one", "window.two"):
        take(region, wanted(es_id, system="batch"), operator(region, name))


def test_a_grant_that_was_taken_back_is_worth_nothing(region: Region, es_id: str) -> None:
    by, admin = operator(region), region.caller("market.seal")
    key = living.granted(region, es_id, Terms(account=by.account))
    with region.platform.sessions.begin() as session:
        grants.revoke(session, key, by=admin, at=utc_now())
    with refusing(NotGranted):
        take(region, wanted(es_id), by)
    with region.platform.sessions() as session, pytest.raises(Conflict):
        grants.revoke(session, key, by=admin, at=utc_now())


@pytest.mark.parametrize("name", ["market.clerk", "market.seal"])
def test_who_applied_approved_or_made_does_not_use(region: Region, es_id: str, name: str) -> None:
    by = region.caller(name)
    living.granted(region, es_id, Terms(system="trust"))
    with refusing(SamePerson):
        take(region, wanted(es_id), by)


@pytest.mark.parametrize("name", ["market.clerk", "market.seal"])
def test_nor_are_they_granted_to(region: Region, es_id: str, name: str) -> None:
    with pytest.raises(SamePerson):
        living.granted(region, es_id, Terms(account=name))


@pytest.mark.parametrize("name", ["transport.seal", "market.approver"])
def test_only_the_owners_administrator_grants(region: Region, es_id: str, name: str) -> None:
    terms, by = Terms(role=Role.CLERK), region.caller(name)
    with region.platform.sessions() as session, pytest.raises(NotFound):
        grants.grant(session, es_id, terms, by=by, at=utc_now())


@pytest.mark.parametrize(
    "terms",
    [
        Terms(),
        Terms(system=""),
        Terms(system="x" * 101),
        Terms(role=Role.CLERK, ceiling=0),
        Terms(role=Role.CLERK, ceiling=-1),
        Terms(role=Role.CLERK, valid_until=datetime(2001, 1, 1, tzinfo=UTC)),
        Terms(role=Role.CLERK, item="a\nb"),
        Terms(role=Role.CLERK, type_code="x" * 22),
    ],
)
def test_a_grant_must_make_sense(region: Region, es_id: str, terms: Terms) -> None:
    with pytest.raises(Invalid):
        living.granted(region, es_id, terms)


def test_a_grant_to_nobody_or_without_uses_is_refused_by_the_database_too(
    region: Region, es_id: str
) -> None:
    row = {"seal": es_id, "valid_from": utc_now(), "second_person": False, "granted_by": "x",
           "granted_at": utc_now()}  # fmt: skip
    for wrong in ({}, {"role": "clerk", "ceiling": 0}):
        with pytest.raises(IntegrityError), region.platform.sessions.begin() as session:
            session.add(SealGrant(id=uuid4(), **row, **wrong))


def test_an_ended_seal_is_granted_to_nobody(sqlite_region: Region) -> None:
    es_id = living.made(sqlite_region).es_id
    living.cancelled(sqlite_region, es_id)
    with pytest.raises(SealNotInForce):
        living.granted(sqlite_region, es_id, Terms(role=Role.CLERK))


# --- ceilings ----------------------------------------------------------------------------------


def test_of_many_uses_at_once_exactly_the_ceiling_win(region: Region, es_id: str) -> None:
    by, ceiling, tries = operator(region), 7, 20
    key = living.granted(region, es_id, Terms(account=by.account, ceiling=ceiling))
    at, together = utc_now(), threading.Barrier(tries)
    won: list[bool] = []

    def run() -> None:
        together.wait()
        try:
            take(region, wanted(es_id), by, at=at)
            won.append(True)
        except CeilingReached:
            won.append(False)

    threads = [threading.Thread(target=run) for _ in range(tries)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), sum(won)) == (tries, ceiling)
    with region.platform.reading() as session:
        assert grants.used(session, key, at=at) == ceiling


def test_a_ceiling_is_for_one_day_of_china(region: Region, es_id: str) -> None:
    by = operator(region)
    # 23:59 in China; in UTC both moments are of the same day.
    late = datetime(2026, 7, 1, 15, 59, tzinfo=UTC) + timedelta(days=365)
    terms = Terms(account=by.account, ceiling=1, valid_from=late - HOUR)
    living.granted(region, es_id, terms)
    with region.platform.sessions.begin() as session:
        grants.take(session, wanted(es_id), owner=MARKET.code, by=by, at=late)
    with region.platform.sessions() as session, pytest.raises(CeilingReached):
        grants.take(session, wanted(es_id), owner=MARKET.code, by=by, at=late)
    with region.platform.sessions.begin() as session:
        grants.take(
            session, wanted(es_id), owner=MARKET.code, by=by, at=late + timedelta(minutes=2)
        )


def test_a_use_that_is_rolled_back_was_not_counted(region: Region, es_id: str) -> None:
    by = operator(region)
    key, at = living.granted(region, es_id, Terms(account=by.account, ceiling=1)), utc_now()
    with region.platform.sessions() as session:
        use.take(session, wanted(es_id), by=by, at=at)
        session.rollback()
    take(region, wanted(es_id), by, at=at)
    with region.platform.reading() as session:
        assert grants.used(session, key, at=at) == 1


def test_a_plain_grant_is_used_before_one_with_a_ceiling(region: Region, es_id: str) -> None:
    by = operator(region)
    narrow = living.granted(region, es_id, Terms(account=by.account, ceiling=1))
    plain, at = living.granted(region, es_id, Terms(role=Role.CLERK)), utc_now()
    assert [take(region, wanted(es_id), by, at=at)[1] for _ in range(3)] == [plain] * 3
    with region.platform.reading() as session:
        assert grants.used(session, narrow, at=at) == 0


# --- a second person ---------------------------------------------------------------------------


def asked(region: Region, wish: Use, by: Caller) -> UUID:
    with region.platform.sessions.begin() as session:
        return confirm.ask(session, wish, by=by, at=utc_now()).id


def confirmed(region: Region, key: UUID, by: Caller, *, at: datetime | None = None) -> None:
    with region.platform.sessions.begin() as session:
        confirm.confirm(session, key, by=by, at=at or utc_now())


def test_a_use_goes_ahead_once_a_second_person_confirmed_it(region: Region, es_id: str) -> None:
    by, wish = operator(region), wanted(es_id, case="case-2")
    living.granted(region, es_id, Terms(account=by.account, second_person=True))
    with refusing(NotConfirmed):
        take(region, wish, by)
    key = asked(region, wish, by)
    with refusing(NotConfirmed):
        take(region, wish, by)
    confirmed(region, key, region.caller("market.approver"))
    for other in (wanted(es_id, case="case-3"),):
        with refusing(NotConfirmed):
            take(region, other, by)
    take(region, wish, by)
    with refusing(NotConfirmed):
        take(region, wish, by)


def test_of_many_one_spends_a_confirmation(region: Region, es_id: str) -> None:
    by, wish = operator(region), wanted(es_id, case="case-4")
    living.granted(region, es_id, Terms(account=by.account, second_person=True))
    confirmed(region, asked(region, wish, by), region.caller("market.approver"))
    together, won = threading.Barrier(6), []

    def run() -> None:
        together.wait()
        with suppress(NotConfirmed):
            won.append(take(region, wish, by))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_who_asks_does_not_confirm_nor_does_a_stranger(region: Region, es_id: str) -> None:
    by = living.person(region, "approver.two", Role.APPROVER)
    living.granted(region, es_id, Terms(account=by.account, second_person=True))
    key = asked(region, wanted(es_id, case="case-5"), by)
    for name, error in (
        ("approver.two", SamePerson), ("transport.approver", NotFound), ("market.clerk", Forbidden),
    ):  # fmt: skip
        with pytest.raises(error):
            confirmed(region, key, region.caller(name))
    confirmed(region, key, region.caller("market.approver"))
    with pytest.raises(Conflict):
        confirmed(region, key, region.caller("market.approver"))


def test_a_confirmation_is_good_for_a_day(region: Region, es_id: str) -> None:
    by, wish = operator(region), wanted(es_id, case="case-6")
    living.granted(region, es_id, Terms(account=by.account, second_person=True))
    key = asked(region, wish, by)
    before = utc_now() - confirm.GOOD_FOR - timedelta(seconds=1)
    confirmed(region, key, region.caller("market.approver"), at=before)
    with refusing(NotConfirmed):
        take(region, wish, by)


def test_a_confirmation_is_kept_when_the_ceiling_stops_the_use(region: Region, es_id: str) -> None:
    by, wish = operator(region), wanted(es_id, case="case-7")
    living.granted(region, es_id, Terms(account=by.account, second_person=True, ceiling=1))
    at = utc_now()
    for _ in range(2):
        confirmed(region, asked(region, wish, by), region.caller("market.approver"))
    take(region, wish, by, at=at)
    with refusing(CeilingReached):
        take(region, wish, by, at=at)
    with region.platform.sessions() as session:  # on the next day it serves
        use.take(session, wish, by=by, at=at + timedelta(hours=23, minutes=59))


def test_nobody_asks_without_a_grant_that_wants_it(region: Region, es_id: str) -> None:
    with pytest.raises(NotGranted):
        asked(region, wanted(es_id), operator(region))


# --- issuing -----------------------------------------------------------------------------------


def test_a_licence_is_issued_only_under_a_grant(region: Region) -> None:
    es_id = living.made(region, LICENCE).es_id
    before = living.use_as_licence_seal(region, es_id)
    try:
        key = region.approved()
        with refusing(NotGranted):
            living.issue_as(region, key, "market.approver")
        living.granted(region, es_id, Terms(role=Role.APPROVER, second_person=True, ceiling=5))
        with refusing(NotConfirmed):
            living.issue_as(region, key, "market.approver")
        by = region.caller("market.approver")
        wish = Use(es_id, TYPE, str(key), "")
        other = living.person(region, "approver.two", Role.APPROVER)
        confirmed(region, asked(region, wish, by), other)
        assert living.issue_as(region, key, "market.approver").application == key
    finally:
        living.use_as_licence_seal(region, before)


def test_freezing_reaches_another_process_within_a_second(region: Region, es_id: str) -> None:
    """The other process reads the seal's state every few milliseconds, as uses do."""
    admin, url = region.caller("market.seal"), region.platform.settings.database
    watching = subprocess.Popen(
        [sys.executable, "-c", _WATCH, url, es_id], stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    try:
        assert watching.stdout.readline() == "in force\n"
        with region.platform.sessions.begin() as session:
            freeze.freeze(session, es_id, reason="遗失", by=admin, at=utc_now())
        frozen = time.time()
        noticed = float(watching.stdout.readline())
        assert noticed - frozen < 1.0
    finally:
        watching.kill()
        watching.wait()
        with region.platform.sessions.begin() as session:
            freeze.unfreeze(session, es_id, reason="找到", by=admin, at=utc_now())


_WATCH = """
import sys, time
from seal.apply import impression
from seal.life import SealNotInForce
from trust.clock import utc_now
from trust.db import open_engine, open_sessions
import seal.grant_models
sessions = open_sessions(open_engine(sys.argv[1]))
said = False
while True:
    try:
        with sessions() as session:
            impression(session, sys.argv[2], at=utc_now())
        if not said:
            print("in force", flush=True)
            said = True
    except SealNotInForce:
        print(time.time(), flush=True)
        break
    time.sleep(0.01)
"""


def test_a_seal_frozen_while_it_seals_lets_no_document_out(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The freeze falls between the two transactions of issuing."""
    admin, real = region.caller("market.seal"), apply.apply
    with region.platform.reading() as session:
        es_id = living.licence_seal(session)

    def freeze_first(*words: object, **named: object) -> bytes:
        with region.platform.sessions.begin() as session:
            freeze.freeze(session, es_id, reason="遗失", by=admin, at=utc_now())
        return real(*words, **named)  # type: ignore[arg-type]

    key = region.approved()
    monkeypatch.setattr(apply, "apply", freeze_first)
    try:
        with pytest.raises(SealNotInForce):
            living.issue_as(region, key, "market.approver")
    finally:
        with region.platform.sessions.begin() as session:
            freeze.unfreeze(session, es_id, reason="找到", by=admin, at=utc_now())
    monkeypatch.undo()
    assert living.issue_as(region, key, "market.approver").application == key


def test_the_owner_of_another_seal_sees_none_of_its_grants(region: Region, es_id: str) -> None:
    key = living.granted(region, es_id, Terms(role=Role.CLERK))
    stranger = region.caller("transport.seal")
    assert stranger.authority == TRANSPORT.code
    with region.platform.sessions() as session, pytest.raises(NotFound):
        grants.revoke(session, key, by=stranger, at=utc_now())
