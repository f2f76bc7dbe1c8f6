"""What offices are given, and what it takes: rights one by one, ceilings, links, the record."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from certificates import catalogue, looks
from certificates.models import Licence, LicenceState
from certificates.purpose import purpose
from certificates.search import Found
from certificates.share import links as share_links
from certificates.share import rights as share_rights
from certificates.share import verbs as share_verbs
from certificates.share import verify as share_verify
from certificates.share.admission import Right, Way
from certificates.share.library import Query
from certificates.share.models import ShareCount, ShareDownload
from certificates.share.refusals import (
    BadQuery,
    ItemNotBound,
    LicenceVoid,
    LinkGone,
    NoShareRight,
    NoSuchLicence,
    NotAuthorised,
    NotEntrusted,
    PurposeMissing,
    ShareAddressRefused,
    ShareCategoryRefused,
    ShareCeilingReached,
    ShareRightNotInForce,
)
from certificates.share.verify import DataResult, FileResult, Said
from certificates.wallet import holder_grants, holder_licences
from tests.certificates.offices import (
    BUSINESS,
    FOOD,
    ITEM,
    OTHER_ITEM,
    Office,
    because,
    bind,
    holder_code,
    open_office,
)
from tests.certificates.test_life import end
from tests.regions import TRANSPORT, Region
from trust.access import SYSTEM, Caller, Role
from trust.audit import AuditEntry
from trust.clock import CHINA, utc_now
from trust.errors import Conflict, Forbidden, Invalid, NotFound, TrustError

TODAY = utc_now().astimezone(CHINA).date()
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def licence(sqlite_region: Region) -> Licence:
    return sqlite_region.issued("food-business-licence")


@pytest.fixture
def office(sqlite_region: Region) -> Iterator[Office]:
    with open_office(sqlite_region) as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def _items(sqlite_region: Region) -> None:
    bind(sqlite_region, ITEM, FOOD)
    bind(sqlite_region, OTHER_ITEM, BUSINESS)


def test_a_right_opens_the_items_of_a_licence(office: Office, licence: Licence) -> None:
    office.right()
    found = share_verbs.read(office.library, office.asking(), licence.identifier)
    assert found.items["ZZBH"] == licence.number
    assert found.licence.identifier == licence.identifier


#: What the right says, what the call says, and the refusal.
MATRIX: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "no right at all": (None, {}, NoShareRight),
    "of another type": ({"types": (BUSINESS,)}, {}, NoShareRight),
    "begins tomorrow": ({"since": TODAY + DAY}, {}, ShareRightNotInForce),
    "ended yesterday": ({"since": TODAY - 2 * DAY, "until": TODAY - DAY}, {}, ShareRightNotInForce),
    "ends today": ({"until": TODAY}, {}, None),
    "another network": ({"networks": ("10.2.0.0/16",)}, {}, ShareAddressRefused),
    "its network": ({"networks": ("10.1.0.0/16",)}, {}, None),
    "one of two networks": ({"networks": ("10.2.0.0/16", "10.1.2.3/32")}, {}, None),
    "mapped address": ({"networks": ("10.1.0.0/16",)}, {"address": "::ffff:10.1.2.3"}, None),
    "no address": ({"networks": ("10.1.0.0/16",)}, {"address": ""}, ShareAddressRefused),
    "for items only": ({"categories": ("0",)}, {}, ShareCategoryRefused),
    "for other ends only": (
        {"categories": ("1",)}, {"purpose": because(item_code=ITEM)}, ShareCategoryRefused,
    ),
    "no purpose": ({}, {"purpose": None}, PurposeMissing),
    "no purpose, right to originals": ({"original": True}, {"purpose": None}, None),
    "bound item": ({}, {"purpose": because(item_code=ITEM)}, None),
    "item of another type": ({}, {"purpose": because(item_code=OTHER_ITEM)}, ItemNotBound),
    "unknown item": ({}, {"purpose": because(item_code="no-such")}, ItemNotBound),
    "without the holder's leave": ({}, {"way": Way.GRANT}, NotAuthorised),
    "without entrustment": ({}, {"way": Way.ENTRUSTED, "agent": "zhang"}, NotEntrusted),
    "entrusted, by nobody": ({}, {"way": Way.ENTRUSTED}, NotEntrusted),
    "wrong network before missing purpose": (
        {"networks": ("10.2.0.0/16",)}, {"purpose": None}, ShareAddressRefused,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MATRIX)
def test_each_rule_of_a_right_has_its_own_refusal(
    office: Office, licence: Licence, case: str
) -> None:
    terms, changes, refusal = MATRIX[case]
    if terms is not None:
        office.right(*terms.pop("types", ()), **terms)
    asking = office.asking(**changes)
    if refusal is None:
        assert share_verbs.read(office.library, asking, licence.identifier).items
        assert office.calls()[-1].outcome == "given"
        return
    with pytest.raises(refusal) as refused:
        share_verbs.read(office.library, asking, licence.identifier)
    assert type(refused.value) is refusal
    last = office.calls()[-1]
    assert (last.outcome, last.licence) == (refusal.code, licence.identifier)


def test_the_refusal_nearest_to_success_is_told(office: Office, licence: Licence) -> None:
    office.right(since=TODAY + DAY)
    office.right(networks=("10.2.0.0/16",))
    with pytest.raises(ShareAddressRefused):
        share_verbs.read(office.library, office.asking(), licence.identifier)


def test_an_unknown_licence_is_told_only_to_those_with_a_right(
    office: Office, licence: Licence
) -> None:
    absent = licence.identifier.replace(".001.", ".002.")
    with pytest.raises(NoSuchLicence):
        share_verbs.read(office.library, office.asking(), absent)  # its check character is wrong
    office.right()
    with pytest.raises(NoSuchLicence):
        share_verbs.read(office.library, office.asking(), "x")


def test_a_field_whitelist_is_all_that_is_given(office: Office, licence: Licence) -> None:
    office.right(fields=("KZ_ZTYT",))
    found = share_verbs.read(office.library, office.asking(), licence.identifier).items
    given = {name for name in found if name.startswith("KZ_")}
    assert given <= {"KZ_ZTYT"}
    assert found["CZZTDM"] != holder_code(office.region, licence)
    assert "*" in found["CZZTDM"]


def test_the_holder_in_a_whitelist_is_given_in_clear(office: Office, licence: Licence) -> None:
    office.right(fields=("CZZTDM",))
    found = share_verbs.read(office.library, office.asking(), licence.identifier).items
    assert found["CZZTDM"] == holder_code(office.region, licence)


def test_a_right_that_ended_gives_nothing_from_the_next_call_on(
    office: Office, licence: Licence
) -> None:
    key = office.right()
    share_verbs.read(office.library, office.asking(), licence.identifier)
    with office.region.platform.sessions.begin() as session:
        share_rights.end(session, key, reason="测试", by=SYSTEM, at=utc_now())
    with pytest.raises(ShareRightNotInForce):
        share_verbs.read(office.library, office.asking(), licence.identifier)
    with office.region.platform.sessions.begin() as session, pytest.raises(Conflict):
        share_rights.end(session, key, reason="再次", by=SYSTEM, at=utc_now())


def test_searching_finds_only_types_of_the_right_and_by_duty_of_the_item(
    office: Office, licence: Licence
) -> None:
    code = holder_code(office.region, licence)
    business = office.region.issued("business-licence", CZZTDM=code)
    library = office.library
    both = {licence.identifier, business.identifier}

    def found(**changes: object) -> set[str]:
        rows = share_verbs.find(
            library, office.asking(**changes), Query(holder_code=code), limit=150
        ).rows
        return {row.identifier for row in rows} & both

    office.right(FOOD)
    assert found() == {licence.identifier}
    office.right(BUSINESS)
    assert found() == both
    assert found(purpose=because(item_code=OTHER_ITEM)) == {business.identifier}


def test_a_search_takes_one_thing_to_search_by(office: Office, licence: Licence) -> None:
    office.right()
    for query in (Query(), Query(number="1", licence="2")):
        with pytest.raises(BadQuery):
            share_verbs.find(office.library, office.asking(), query)
    by_number = share_verbs.find(office.library, office.asking(), Query(number=licence.number))
    assert [row.identifier for row in by_number.rows] == [licence.identifier]
    by_name = share_verbs.find(office.library, office.asking(), Query(licence=licence.identifier))
    assert [row.identifier for row in by_name.rows] == [licence.identifier]


def test_pages_follow_one_another_without_gap(office: Office) -> None:
    first, second = (
        office.region.issued("food-business-licence"),
        office.region.issued("food-business-licence"),
    )
    office.right(FOOD)
    code, seen, after = holder_code(office.region, first), [], ""
    while True:
        page = share_verbs.find(
            office.library, office.asking(), Query(holder_code=code), limit=1, after=after
        )
        seen += [row.identifier for row in page.rows]
        if page.next is None:
            break
        after = page.next
    assert {first.identifier, second.identifier} <= set(seen)
    assert seen == sorted(set(seen))


def test_by_authorisation_the_holders_leave_decides(office: Office, licence: Licence) -> None:
    office.right()
    why, at = purpose("办理贷款"), utc_now()
    with office.region.platform.sessions.begin() as session:
        holder_grants.grant(
            session, licence.identifier, office=TRANSPORT.code, purpose=why, until=at + DAY,
            by=SYSTEM, at=at - DAY,
        )  # fmt: skip
    asking = office.asking(purpose=why, way=Way.GRANT)
    assert share_verbs.read(office.library, asking, licence.identifier).items
    with pytest.raises(NotAuthorised):
        share_verbs.read(
            office.library, office.asking(purpose=purpose("另有用途"), way=Way.GRANT),
            licence.identifier,
        )  # fmt: skip


def test_with_a_purpose_a_copy_is_given_and_the_original_only_by_right(
    office: Office, licence: Licence
) -> None:
    office.right()
    copy = share_verbs.give(office.library, office.asking(), licence.identifier, maker="运政大厅")
    original = office.region.file(licence)
    assert copy.copy is not None
    assert copy.pdf.startswith(b"%PDF")
    assert copy.pdf != original
    office.right(original=True)
    given = share_verbs.give(
        office.library, office.asking(purpose=None), licence.identifier, maker="运政大厅"
    )
    assert (given.copy, given.pdf) == (None, original)


def test_a_licence_that_ended_has_no_file_to_give(office: Office) -> None:
    licence = office.region.issued("food-business-licence")
    end(office.region, licence)
    office.right(original=True)
    with pytest.raises(LicenceVoid):
        share_verbs.give(office.library, office.asking(purpose=None), licence.identifier, maker="x")
    assert (
        share_verbs.read(office.library, office.asking(), licence.identifier).licence.state
        == "revoked"
    )


@pytest.mark.parametrize("workers", [20])
def test_a_ceiling_holds_whoever_calls_at_once(region: Region, workers: int) -> None:
    licence = region.issued("food-business-licence")
    outcomes: list[str] = []
    with open_office(region) as office:
        key = office.right(ceiling=7)
        begin = threading.Barrier(workers)

        def call() -> None:
            begin.wait()
            try:
                share_verbs.read(office.library, office.asking(), licence.identifier)
                outcomes.append("given")
            except ShareCeilingReached as error:
                outcomes.append(error.code)

        threads = [threading.Thread(target=call) for _ in range(workers)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert outcomes.count("given") == 7
        assert len(outcomes) == workers
        with region.platform.reading() as session:
            counted = select(ShareCount.used).where(ShareCount.right_id == key)
            assert session.scalar(counted) == 7
        assert [row.outcome for row in office.calls()].count("given") == 7


def test_a_ceiling_is_of_a_day_of_china(office: Office, licence: Licence) -> None:
    night = utc_now().replace(hour=15, minute=59, second=59, microsecond=0)  # 23:59:59 in China
    office.right(ceiling=1, since=date(2020, 1, 1))
    share_verbs.read(office.library, office.asking(at=night), licence.identifier)
    with pytest.raises(ShareCeilingReached):
        share_verbs.read(office.library, office.asking(at=night), licence.identifier)
    share_verbs.read(
        office.library, office.asking(at=night + timedelta(seconds=1)), licence.identifier
    )


def test_a_refused_call_takes_nothing_of_the_ceiling(office: Office, licence: Licence) -> None:
    office.right(ceiling=1)
    with pytest.raises(PurposeMissing):
        share_verbs.read(office.library, office.asking(purpose=None), licence.identifier)
    assert share_verbs.read(office.library, office.asking(), licence.identifier).items


def test_of_two_who_follow_a_link_at_once_one_has_the_file(region: Region) -> None:
    licence = region.issued("food-business-licence")
    with open_office(region) as office:
        office.right(original=True)
        token = share_verbs.link(
            office.library, office.asking(purpose=None), licence.identifier, maker="x"
        )
        begin, got = threading.Barrier(8), []

        def fetch() -> None:
            begin.wait()
            try:
                with region.platform.sessions.begin() as session:
                    got.append(share_links.spend(session, token, at=utc_now()).stored_as)
            except LinkGone:
                got.append("")

        threads = [threading.Thread(target=fetch) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(got) == [""] * 7 + [licence.identifier]


def test_a_link_lives_ten_minutes_and_ends_with_its_right(office: Office, licence: Licence) -> None:
    key = office.right(original=True)
    asking = office.asking(purpose=None)
    token, other = (
        share_verbs.link(office.library, asking, licence.identifier, maker="x") for _ in range(2)
    )
    sessions = office.region.platform.sessions
    late = asking.at + share_links.LIFE
    with sessions.begin() as session, pytest.raises(LinkGone):
        share_links.spend(session, token, at=late)
    with sessions.begin() as session:
        share_links.check(session, token, at=late - timedelta(seconds=1))
        share_rights.end(session, key, reason="测试", by=SYSTEM, at=utc_now())
    with sessions.begin() as session, pytest.raises(LinkGone):
        share_links.spend(session, other, at=asking.at)


def test_a_link_is_not_in_the_database(office: Office, licence: Licence) -> None:
    office.right(original=True)
    token = share_verbs.link(
        office.library, office.asking(purpose=None), licence.identifier, maker="x"
    )
    assert len(token) == 32
    with office.region.platform.reading() as session:
        rows = session.scalars(select(ShareDownload)).all()
    assert all(token not in str(vars(row)) for row in rows)


def test_the_holder_sees_every_call_and_what_for(office: Office, licence: Licence) -> None:
    office.right()
    share_verbs.read(
        office.library, office.asking(purpose=because(item_code=ITEM)), licence.identifier
    )
    office.queue.flush()
    with office.region.platform.reading() as session:
        last = looks.of(session, licence.identifier, limit=1)[0]
    assert (last.account, last.office, last.item_code) == (office.machine, TRANSPORT.code, ITEM)
    assert (last.how, last.purpose) == ("duty", "办理道路运输经营许可")


def test_a_refusal_is_audited_and_says_nothing_of_the_holder(
    office: Office, licence: Licence
) -> None:
    code = holder_code(office.region, licence)
    with pytest.raises(NoShareRight):
        share_verbs.find(office.library, office.asking(), Query(holder_code=code))
    office.queue.flush()
    with office.region.platform.reading() as session:
        refused = select(AuditEntry).where(AuditEntry.account == office.machine)
        entries = list(session.scalars(refused))
    assert [entry.act for entry in entries] == ["share.refused"]
    assert code not in entries[0].details
    assert office.calls()[-1].outcome == "share_no_right"


SAID: dict[str, tuple[set[str], dict[str, Any], DataResult]] = {
    "number and code": ({"number", "holder_code"}, {}, DataResult.VALID),
    "holder by code": ({"holder", "holder_code"}, {}, DataResult.VALID),
    "identifier and holder": ({"licence", "holder"}, {}, DataResult.VALID),
    "number alone": ({"number"}, {}, DataResult.TOO_LITTLE),
    "holder alone": ({"holder"}, {}, DataResult.TOO_LITTLE),
    "nothing": (set(), {}, DataResult.TOO_LITTLE),
    "wrong holder": ({"number"}, {"holder": "某某公司"}, DataResult.WRONG),
    "wrong code": ({"number"}, {"holder_code": "91540000MAB03XYZ1A"}, DataResult.WRONG),
    "unknown number": ({"holder_code"}, {"number": "JY0000000000"}, DataResult.NO_RECORD),
    "wrong item": ({"number", "holder_code"}, {"items": {"KZ_ZTYT": "x"}}, DataResult.WRONG),
}  # fmt: skip


def said(office: Office, licence: Licence, names: set[str], **changes: Any) -> Said:
    platform = office.region.platform
    with platform.reading() as session:
        items = holder_licences.items(session, platform.vault, licence.identifier)
    known = {
        "licence": licence.identifier, "number": licence.number, "holder": items["CZZT"],
        "holder_code": items["CZZTDM"],
    }  # fmt: skip
    given = {name: known[name] for name in names}
    return Said(FOOD, **(given | changes))


@pytest.mark.parametrize("case", SAID)
def test_what_is_said_of_a_licence_is_answered_by_the_standards_number(
    office: Office, licence: Licence, case: str
) -> None:
    office.right()
    names, changes, expected = SAID[case]
    asking = office.asking(purpose=None)
    found = share_verify.data(office.library, asking, said(office, licence, names, **changes))
    assert found is expected


def test_the_state_of_a_licence_stands_in_the_answer(office: Office) -> None:
    office.right()
    licence = office.region.issued("food-business-licence")
    asking = office.asking(purpose=None)
    asked = said(office, licence, {"licence", "holder"})

    def answer(days: int = 0) -> DataResult:
        later = office.asking(purpose=None, at=asking.at + timedelta(days=days))
        return share_verify.data(office.library, later, asked)

    assert answer() is DataResult.VALID
    assert answer(days=365 * 40) is DataResult.OVER
    end(office.region, licence, LicenceState.SUSPENDED)
    assert answer() is DataResult.SUSPENDED
    end(office.region, licence, LicenceState.REVOKED)
    assert answer() is DataResult.OVER


def test_a_file_is_answered_by_what_is_wrong_with_it(office: Office, licence: Licence) -> None:
    office.right()
    good = office.region.file(licence)
    tampered = bytearray(good)
    tampered[good.index(b"stream") + 50] ^= 1
    asking = office.asking(purpose=None)

    def answer(content: bytes, kind: str = FOOD) -> FileResult:
        return share_verify.file(office.library, asking, kind, content).result

    assert answer(good) is FileResult.PASSED
    assert answer(bytes(tampered)) is FileResult.SEAL_FAILED
    assert answer(b"no file at all") is FileResult.FILE_FAILED
    assert answer(good, BUSINESS) is FileResult.FILE_FAILED


def test_rights_are_granted_by_security_administrators_to_whom_they_may(office: Office) -> None:
    terms = share_rights.Terms((FOOD,), TODAY, None, "测试")
    local = Caller("guard", TRANSPORT.code, frozenset({Role.SECURITY_ADMIN}))
    with office.region.platform.sessions.begin() as session:
        share_rights.grant(session, terms, by=local, at=utc_now(), office=TRANSPORT.code)
        for by, to in (
            (Caller("sys", None, frozenset({Role.SYSTEM_ADMIN})), {"office": TRANSPORT.code}),
            (local, {"client": office.client}),
        ):
            with pytest.raises(Forbidden):
                share_rights.grant(session, terms, by=by, at=utc_now(), **to)


BAD_TERMS: dict[str, tuple[dict[str, Any], Any]] = {
    "unknown type": ({"types": ("no-such-type",)}, NotFound),
    "no type": ({"types": ()}, Invalid),
    "host bits": ({"networks": ("10.1.2.3/16",)}, Invalid),
    "no network": ({"networks": ("anywhere",)}, Invalid),
    "no category": ({"categories": ()}, Invalid),
    "third category": ({"categories": ("2",)}, Invalid),
    "no ceiling": ({"ceiling": 0}, Invalid),
    "ends before it begins": ({"until": TODAY - DAY}, Invalid),
    "six years": ({"until": TODAY + 6 * 366 * DAY}, Invalid),
    "no reason": ({"reason": " "}, Invalid),
    "bad field": ({"fields": ("kz zs",)}, Invalid),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TERMS)
def test_terms_that_mean_nothing_are_refused(office: Office, case: str) -> None:
    changes, refusal = BAD_TERMS[case]
    given: dict[str, Any] = {
        "types": (FOOD,),
        "since": TODAY,
        "until": None,
        "reason": "测试",
    } | changes
    with office.region.platform.sessions.begin() as session, pytest.raises(refusal) as refused:
        share_rights.grant(
            session, share_rights.Terms(**given), by=SYSTEM, at=utc_now(),
            client=office.client,
        )  # fmt: skip
    assert isinstance(refused.value, TrustError)


def test_a_number_that_is_a_persons_own_is_masked_with_the_holder() -> None:
    kind = catalogue.find("resident-identity-card")
    number = "110101199003070038"
    items = {
        "CZZT": "张三丰", "CZZTDM": number, "CZZTDMLXDM": "111", "ZZBH": number, "KZ_MZ": "汉",
    }  # fmt: skip
    row = Found(
        "x", number, kind.code, kind.version, "y", "张**", LicenceState.ACTIVE, utc_now(), TODAY,
        utc_now(), TODAY, None, None, None, None,
    )  # fmt: skip
    listed = Right(
        uuid4(), frozenset({kind.code}), frozenset({"KZ_MZ"}), original=False, ceiling=None
    )
    found = share_verbs._covered(items, kind, listed, row)
    assert number not in found.values()
    assert (found["CZZT"], found["ZZBH"]) == ("张**", "110*************38")
    whole = share_verbs._covered(items, kind, replace(listed, fields=None), row)
    assert whole["CZZTDM"] == number


def test_restricted_items_are_given_only_where_a_right_lists_them() -> None:
    kind = next(each for each in catalogue.load() if any(entry.restricted for entry in each.fields))
    name = next(entry.name for entry in kind.fields if entry.restricted)
    items = {"CZZT": "x", "CZZTDM": "y", "CZZTDMLXDM": "001", "ZZBH": "1", name: "z"}
    row = Found(
        "x", "1", kind.code, kind.version, "y", "x", LicenceState.ACTIVE, utc_now(), TODAY,
        utc_now(), TODAY, None, None, None, None,
    )  # fmt: skip
    right = Right(uuid4(), frozenset({kind.code}), None, original=False, ceiling=None)
    assert name not in share_verbs._covered(items, kind, right, row)
    listing = replace(right, fields=frozenset({name}))
    assert share_verbs._covered(items, kind, listing, row)[name] == "z"
