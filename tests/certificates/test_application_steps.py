"""An application's way: each step by its person, one winner, refusals written down, on both
databases."""

import contextlib
import threading
from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from certificates import states
from certificates.applications import issuing_grants, joint
from certificates.applications import verbs as applications
from certificates.applications.refusals import (
    AlreadyConsented,
    ConsentMissing,
    ContentChanged,
    HolderDiffers,
    ItemOfOtherTypes,
    JointInvalid,
    NotGrantedToAct,
    NotOfAuthority,
    OwnApplication,
    PaperNumberTaken,
    PreviousNotFound,
    PreviousRequired,
    ReasonNeeded,
    StepsMissing,
    WrongRole,
    WrongState,
    recording_refusals,
)
from certificates.content import InvalidField
from certificates.licence_types.item_models import ItemBinding, Organisation, ServiceItem
from certificates.models import Application, ApplicationKind, Authority
from certificates.states import LicenceNotInForce
from seal import covering, grants
from seal.grants import Terms
from tests.certificates.office import STRICT, Office, open_office
from tests.regions import MARKET, TRANSPORT, Region, example
from trust.access import Caller
from trust.clock import utc_now
from trust.errors import Conflict, Forbidden, NotFound, TrustError


@pytest.fixture
def office(region: Region) -> Office:
    return open_office(region)


def names(office: Office, key: object) -> list[str]:
    return [act for act, _ in office.audited(key)]


def test_the_long_way_takes_four_people(office: Office) -> None:
    key = office.enter(STRICT)
    with pytest.raises(StepsMissing):
        office.do("approve", key)
    with pytest.raises(OwnApplication):
        office.do("check", key, by="clerk")
    office.do("check", key, by="second", note="材料齐全")
    with pytest.raises(StepsMissing):
        office.do("approve", key)
    with pytest.raises(WrongRole):
        office.do("review", key, by="second")
    office.do("review", key, by="checker")
    with pytest.raises(OwnApplication):
        office.do("approve", key, by="checker")
    office.do("approve", key)
    licence = office.issue(key, by="head")
    assert licence.state == "active"
    with office.region.platform.reading() as session:
        way = [(step.state, step.by, step.reason) for step in applications.steps(session, key)]
    assert way[:4] == [
        ("entered", "market.clerk", ""), ("checked", "market.second", "材料齐全"),
        ("reviewed", "market.checker", ""), ("approved", "market.approver", ""),
    ]  # fmt: skip
    acts = names(office, key)
    assert [act.rpartition(".")[2] for act in acts[:4]] == [
        "entered", "checked", "reviewed", "approved",
    ]  # fmt: skip


def test_who_reviewed_or_checked_does_not_approve_even_where_no_step_is_asked_for(
    office: Office,
) -> None:
    key = office.enter()
    office.do("review", key, by="checker")
    with pytest.raises(OwnApplication):
        office.do("approve", key, by="checker")
    office.do("approve", key)
    assert office.read(key).decided_by == "market.approver"


def test_a_returned_application_is_corrected_and_begins_again(office: Office) -> None:
    key = office.enter()
    office.do("check", key, by="second")
    with pytest.raises(ReasonNeeded):
        office.do("return_", key, reason=" \n ")
    office.do("return_", key, reason="住所有误")
    assert office.read(key).state == "returned"
    for verb in ("check", "review", "approve"):
        with pytest.raises((WrongState, StepsMissing)):
            office.do(verb, key, by="head")
    vault = office.region.platform.vault
    office.do("correct", key, by="second", data=example("business-licence"), vault=vault)
    row = office.read(key)
    assert (row.state, row.revision, row.entered_by) == ("entered", 2, "market.second")
    with pytest.raises(OwnApplication):  # the first clerk entered it once
        office.do("check", key, by="clerk")
    with pytest.raises(WrongState):
        office.do("correct", key, by="clerk", data=example("business-licence"), vault=vault)
    office.do("approve", key, revision=2)


def test_what_was_looked_at_is_what_is_approved(office: Office) -> None:
    key = office.enter()
    office.do("return_", key, reason="补正")
    office.do("correct", key, by="clerk", data=example("business-licence"),
              vault=office.region.platform.vault)  # fmt: skip
    with pytest.raises(ContentChanged):
        office.do("approve", key, revision=1)
    assert office.read(key).state == "entered"


@pytest.mark.parametrize("verb", ["refuse", "withdraw"])
def test_a_refused_or_withdrawn_application_is_over(office: Office, verb: str) -> None:
    key = office.enter()
    office.do(verb, key, reason="不符合条件")
    for act, given in (
        ("approve", {}),
        ("return_", {"reason": "x"}),
        ("withdraw", {"reason": "x"}),
    ):
        with pytest.raises(WrongState):
            office.do(act, key, by="head", **given)
    with pytest.raises(Conflict):
        office.issue(key)


def test_nobody_else_takes_a_step(office: Office) -> None:
    key = office.enter()
    for verb, given in (("check", {}), ("approve", {}), ("refuse", {"reason": "x"})):
        with pytest.raises(NotOfAuthority):
            office.do(verb, key, by="transport.approver", **given)
        with pytest.raises(NotFound):
            office.do(verb, uuid4(), **given)
    for verb in ("review", "approve"):
        with pytest.raises(WrongRole):
            office.do(verb, key, by="market.seal")
    loose = Caller("loose", None, office.by("approver").roles)
    with office.sessions.begin() as session, pytest.raises(NotOfAuthority):
        applications.approve(session, key, by=loose, at=utc_now())


def test_of_twenty_approvals_at_once_exactly_one_wins(office: Office) -> None:
    key = office.enter()
    people = ["approver", "checker", "head"]
    start, outcomes = threading.Barrier(20), Counter[str]()

    def attempt(number: int) -> None:
        start.wait()
        try:
            office.do("approve", key, by=people[number % 3])
            outcomes["won"] += 1
        except TrustError as error:
            outcomes[error.code] += 1

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"won": 1, "application_state": 19}
    assert names(office, key).count("application.approved") == 1


def test_of_an_approval_and_a_refusal_at_once_one_wins(office: Office) -> None:
    key = office.enter()
    start, won = threading.Barrier(2), []

    def attempt(verb: str, by: str, given: dict[str, Any]) -> None:
        start.wait()
        with contextlib.suppress(WrongState):
            office.do(verb, key, by=by, **given)
            won.append(verb)

    threads = [
        threading.Thread(target=attempt, args=("approve", "approver", {})),
        threading.Thread(target=attempt, args=("refuse", "head", {"reason": "不符"})),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert office.read(key).state == {"approve": "approved", "refuse": "refused"}[won[0]]


# --- joint issue -------------------------------------------------------------------------------


def test_a_joint_licence_waits_for_every_consent_and_bears_every_seal(office: Office) -> None:
    _let_transport_seal(office)
    key = office.enter(joint=[TRANSPORT.code])
    office.do("approve", key)
    with pytest.raises(ConsentMissing):
        office.issue(key)
    assert office.read(key).state == "approved"
    with pytest.raises(NotOfAuthority):
        office.do("consent", key, by="approver")
    with pytest.raises(WrongRole):
        office.do("consent", key, by="transport.clerk")
    office.do("consent", key, by="transport.approver")
    with pytest.raises(AlreadyConsented):
        office.do("consent", key, by="transport.approver")
    with office.region.platform.reading() as session:
        row = session.get_one(Application, key)
        found = [(owner.code, who.account) for owner, who in joint.sealers(session, row)]
    assert found == [(MARKET.code, "market.approver"), (TRANSPORT.code, "transport.approver")]
    licence = office.issue(key)
    assert licence.joint == [TRANSPORT.code]


def test_a_joint_authority_returns_and_its_consent_is_asked_for_anew(office: Office) -> None:
    key = office.enter(joint=[TRANSPORT.code])
    office.do("consent", key, by="transport.approver")
    office.do("approve", key)
    office.do("return_", key, by="transport.approver", reason="范围有误")
    office.do("correct", key, by="clerk", data=example("business-licence"),
              vault=office.region.platform.vault)  # fmt: skip
    office.do("approve", key)
    with pytest.raises(ConsentMissing):
        office.issue(key)


@pytest.mark.parametrize(
    "codes", [[MARKET.code], [TRANSPORT.code, TRANSPORT.code], ["11542500999000064K"]],
    ids=["itself", "twice", "unknown"],
)  # fmt: skip
def test_joint_authorities_that_cannot_seal_are_refused(office: Office, codes: list[str]) -> None:
    with pytest.raises(JointInvalid):
        office.enter(joint=codes)


def _let_transport_seal(office: Office) -> None:
    """A grant of the transport authority's seal to its approver, for the market's type."""
    with office.region.platform.reading() as session:
        es_id = session.get_one(Authority, TRANSPORT.code).seal
    assert es_id is not None
    with office.sessions.begin() as session:
        grants.grant(
            session, es_id, Terms(account="transport.approver"),
            by=office.by("transport.seal"), at=utc_now(),
        )  # fmt: skip


# --- on behalf ---------------------------------------------------------------------------------


def test_another_authority_acts_only_under_a_grant_for_that_type_and_time(office: Office) -> None:
    road = example("road-transport-licence")
    slug = "road-transport-licence"
    at = utc_now()

    def enter(**given: Any) -> Any:
        return office.enter(slug, by="clerk", content=road, authority=TRANSPORT.code, **given)

    with pytest.raises(NotGrantedToAct):
        enter()
    with office.sessions.begin() as session:
        grant = issuing_grants.grant(
            session, TRANSPORT.code, MARKET.code, ["11100000000019713D008"], since=at,
            until=at + timedelta(hours=1), basis="阿政办发〔2026〕1号",
            by=office.by("region.guard"),
            at=at,
        ).id  # fmt: skip
    with pytest.raises(NotGrantedToAct):
        enter(at=at - timedelta(seconds=2))
    with pytest.raises(NotGrantedToAct):
        enter(at=at + timedelta(hours=1))
    key = enter()
    assert office.read(key).acting == MARKET.code
    office.do("approve", key)
    with pytest.raises(TrustError) as refused:  # the seal's own grant is asked for besides
        office.issue(key)
    assert refused.value.code == covering.NotGranted.code
    other = enter()
    with office.sessions.begin() as session:
        issuing_grants.end(session, grant, by=office.by("region.guard"), at=utc_now())
    with pytest.raises(NotGrantedToAct):
        office.do("approve", other)
    with pytest.raises(issuing_grants.GrantEnded), office.sessions.begin() as session:
        issuing_grants.end(session, grant, by=office.by("region.guard"), at=utc_now())
    office.do("approve", other, by="transport.approver")  # the authority itself still may


def test_only_a_security_administrator_gives_leave_and_only_for_its_own_types(
    office: Office,
) -> None:
    at = utc_now()

    def give(by: str, types: list[str]) -> None:
        with office.sessions.begin() as session:
            issuing_grants.grant(
                session, TRANSPORT.code, MARKET.code, types, since=at,
                until=at + timedelta(hours=1), basis="x", by=office.by(by), at=at,
            )  # fmt: skip

    with pytest.raises(WrongRole):
        give("transport.approver", ["11100000000019713D008"])
    with pytest.raises(TrustError):
        give("region.guard", ["11100000MB0143028R001"])


# --- what it follows ---------------------------------------------------------------------------


def test_a_reissue_takes_the_place_of_its_previous_licence(office: Office) -> None:
    first = office.issued()
    key = office.enter(kind=ApplicationKind.REISSUE, previous=first.identifier)
    office.do("approve", key)
    second = office.issue(key)
    assert second.previous == first.identifier
    with office.region.platform.reading() as session:
        history = [(row.state, row.by) for row in states.history(session, first.identifier)]
    assert [state for state, _ in history] == ["active", "replaced"]
    with pytest.raises(LicenceNotInForce):
        office.enter(kind=ApplicationKind.REISSUE, previous=first.identifier)


def test_a_suspended_licence_is_not_left_by_a_new_copy(office: Office) -> None:
    first = office.issued()
    key = office.enter(kind=ApplicationKind.REISSUE, previous=first.identifier)
    with office.sessions.begin() as session:
        states.suspend(
            session, first.identifier, basis="行政处罚法第九条", reason="核查",
            by=office.by("head"),
            at=utc_now(), vault=office.region.platform.vault,
        )  # fmt: skip
    with pytest.raises(LicenceNotInForce):
        office.do("approve", key)
    assert office.read(key).state == "entered"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"kind": ApplicationKind.REISSUE}, PreviousRequired),
        ({"previous": "1.2.156.3005.2.x"}, PreviousRequired),
        ({"kind": ApplicationKind.REISSUE, "previous": "1.2.156.3005.2.x"}, PreviousNotFound),
        ({"kind": ApplicationKind.TRANSFER_IN, "previous": "1.2.156.3005.2.x"}, PreviousRequired),
    ],
    ids=["names none", "new names one", "unknown", "nothing handed in"],
)
def test_what_cannot_be_followed_is_refused(
    office: Office, given: dict[str, Any], error: type[TrustError]
) -> None:
    with pytest.raises(error):
        office.enter(**given)


def test_a_licence_is_not_reissued_to_somebody_else(office: Office) -> None:
    first = office.issued("food-business-licence")
    other = example("food-business-licence") | {"CZZTDM": "91540100710906431Q"}
    with pytest.raises((HolderDiffers, InvalidField)) as refused:
        office.enter("food-business-licence", content=other, kind=ApplicationKind.REISSUE,
                     previous=first.identifier)  # fmt: skip
    assert refused.type in (HolderDiffers, InvalidField)


def test_a_paper_belongs_to_one_standing_licence(office: Office) -> None:
    paper = f"藏{uuid4().hex[:8]}"
    first = office.issued(paper_number=paper)
    with pytest.raises(PaperNumberTaken):
        office.enter(paper_number=paper)
    office.enter(paper_number=paper, kind=ApplicationKind.REISSUE, previous=first.identifier)
    with office.sessions.begin() as session:
        states.cancel(
            session, first.identifier, basis="行政许可法第七十条", reason="停业", at=utc_now(),
            by=office.by("head"), vault=office.region.platform.vault,
        )  # fmt: skip
    office.enter(paper_number=paper)


# --- refusals are written down -----------------------------------------------------------------


def test_a_refusal_is_audited_and_the_act_undone(office: Office) -> None:
    key = office.enter()
    by, at = office.by("clerk"), utc_now()
    with pytest.raises(Forbidden), recording_refusals(
        office.sessions, "application.check", subject=str(key), by=by, at=at
    ):  # fmt: skip
        office.do("check", key, by="clerk")
    assert office.audited(key)[-1] == (
        "act.refused", {"act": "application.check", "reason": "own_application"},
    )  # fmt: skip
    assert office.read(key).state == "entered"


def test_a_refusal_names_the_field_and_never_what_stood_in_it(office: Office) -> None:
    by, at, code = office.by("clerk"), utc_now(), f"T{uuid4().hex[:8]}"
    for content in ({"CZZTDM": "11010519491231002X"}, {"11010519491231002X": "x"}):
        with pytest.raises(InvalidField), recording_refusals(
            office.sessions, "application.enter", subject=code, by=by, at=at
        ):  # fmt: skip
            office.enter(content=example("business-licence") | content)
    told = office.audited(code)
    assert [details.get("field") for _, details in told] == ["CZZTDM", None]
    assert "1101" not in str(told)


def test_a_service_item_serves_only_the_types_that_it_is_bound_to(office: Office) -> None:
    item, at = f"54250000{uuid4().hex[:8]}", utc_now()
    with office.sessions.begin() as session:
        session.merge(Organisation(code=MARKET.code, name=MARKET.name, division="542500",
                                   imported_at=at))  # fmt: skip
        session.flush()
        session.add(ServiceItem(code=item, name="企业登记", organisation=MARKET.code,
                                imported_at=at))  # fmt: skip
        session.flush()
        session.add(ItemBinding(item=item, type_code="11100000MB0143028R001",
                                since=date(2020, 1, 1), bound_by="x"))  # fmt: skip
    assert office.read(office.enter(item_code=item)).item_code == item
    with pytest.raises(ItemOfOtherTypes):
        office.enter("food-business-licence", item_code=item)
    office.enter("food-business-licence", item_code="never-imported")
