"""What holders decide: who may have their licences, who acts for them, what is wrong."""

from datetime import timedelta

import pytest

from certificates import issue, looks
from certificates.applications import verbs as applications
from certificates.models import ApplicationKind, Licence
from certificates.purpose import Purpose, purpose
from certificates.wallet import disputes, entrust, holder_grants
from certificates.wallet.disputes import DisputeDecided, NoDispute, NotItsReissue, TooManyDisputes
from certificates.wallet.entrust import Terms
from certificates.wallet.holder import MayNotDispose, NotYours
from certificates.wallet.holder_models import DisputeState
from sso.people_models import Capacity
from tests import holding
from tests.regions import MARKET, TRANSPORT, Region, example
from trust.audit import AuditEntry
from trust.audit_queue import AuditQueue
from trust.clock import utc_now
from trust.errors import Forbidden, Invalid, NotFound

WHY = purpose("办理道路运输经营许可", item_code="YS-001")


@pytest.fixture
def licence(region: Region) -> Licence:
    holding.holder(region)
    return holding.personal_licence(region)


def granted(
    region: Region, licence: Licence, office: str = TRANSPORT.code, why: Purpose = WHY,
    days: float = 0,
) -> bool:  # fmt: skip
    at = utc_now() + timedelta(days=days)
    with region.platform.reading() as session:
        found = holder_grants.granted(session, licence.identifier, office, why, at)
    return found is not None


def test_leave_is_for_one_office_one_purpose_and_a_time(region: Region, licence: Licence) -> None:
    mine = holding.wallet(region, "wallet.holder")
    assert not granted(region, licence)
    row = mine.authorise(
        licence.identifier, office=TRANSPORT.code, purpose=WHY, until=mine.at + timedelta(days=3)
    )
    assert granted(region, licence)
    assert granted(region, licence, why=purpose("别的说法", item_code="YS-001"))
    assert not granted(region, licence, why=purpose(WHY.cause, item_code="YS-002"))
    assert not granted(region, licence, office=MARKET.code)
    assert not granted(region, licence, days=3.1)
    mine.revoke_grant(licence.identifier, row.id)
    assert not granted(region, licence)
    with pytest.raises(NotFound):
        mine.revoke_grant(licence.identifier, row.id)


def test_leave_without_an_item_is_for_its_very_words(region: Region, licence: Licence) -> None:
    mine = holding.wallet(region, "wallet.holder")
    mine.authorise(
        licence.identifier, office=TRANSPORT.code, purpose=purpose("贷款"),
        until=mine.at + timedelta(days=1),
    )  # fmt: skip
    assert granted(region, licence, why=purpose("贷款"))
    assert not granted(region, licence, why=purpose("其他"))


@pytest.mark.parametrize("days", [-1, 0, 366], ids=["past", "now", "too-long"])
def test_leave_ends_within_a_year(region: Region, licence: Licence, days: int) -> None:
    mine = holding.wallet(region, "wallet.holder")
    with pytest.raises(Invalid):
        mine.authorise(
            licence.identifier, office=TRANSPORT.code, purpose=WHY,
            until=mine.at + timedelta(days=days),
        )  # fmt: skip


def test_a_body_is_nobodys_office_without_a_sound_code(region: Region, licence: Licence) -> None:
    mine = holding.wallet(region, "wallet.holder")
    with pytest.raises(Invalid):
        mine.authorise(
            licence.identifier, office="115425009990000720", purpose=WHY,
            until=mine.at + timedelta(days=1),
        )  # fmt: skip


def test_an_agent_uses_and_disposes_of_nothing(region: Region, licence: Licence) -> None:
    agent = holding.agent(region)
    mine = holding.wallet(region, "wallet.holder")
    with pytest.raises(NotYours):
        holding.wallet(region, agent).open(licence.identifier)
    mine.entrust(
        mine.holder.parties[0], agent,
        Terms("代办变更", mine.at + timedelta(days=2), licence=licence.identifier),
    )  # fmt: skip
    theirs = holding.wallet(region, agent)
    assert theirs.open(licence.identifier).items["CZZT"] == holding.NAME
    assert theirs.show(licence.identifier).text
    cards = [card for card in theirs.cards() if card.licence.identifier == licence.identifier]
    assert [card.principal for card in cards] == ["张**"]
    for act in (
        lambda: theirs.looks(licence.identifier),
        lambda: theirs.dispute(licence.identifier, "错"),
        lambda: theirs.grants(licence.identifier),
        lambda: theirs.authorise(
            licence.identifier, office=TRANSPORT.code, purpose=WHY,
            until=theirs.at + timedelta(days=1),
        ),
        lambda: theirs.entrust(
            theirs.holder.parties[0], holding.stranger(region),
            Terms("转托", theirs.at + timedelta(days=1), licence=licence.identifier),
        ),
    ):  # fmt: skip
        with pytest.raises(MayNotDispose):
            act()


def entrusted(region: Region, licence: Licence, agent: str, *, days: float = 0) -> bool:
    at = utc_now() + timedelta(days=days)
    with region.platform.reading() as session:
        found = entrust.entrusted(session, licence.identifier, agent=agent, at=at)
    return found is not None


def test_what_is_entrusted_goes_by_licence_type_holder_and_time(region: Region) -> None:
    holding.holder(region)
    agent = holding.citizen(region, "wallet.agent2", "110101199003070054", "孙七星")
    food, other = holding.personal_licence(region), region.issued()
    mine = holding.wallet(region, "wallet.holder")
    row = mine.entrust(
        mine.holder.parties[0], agent,
        Terms("代办", mine.at + timedelta(days=2), type_code=food.type_code),
    )  # fmt: skip
    assert entrusted(region, food, agent)
    assert entrusted(region, holding.personal_licence(region), agent), "of the type, made later"
    assert not entrusted(region, other, agent), "another holder's"
    assert not entrusted(region, food, agent, days=2.1)
    assert not entrusted(region, food, holding.stranger(region))
    holding.wallet(region, agent).revoke_entrustment(row.id)
    assert not entrusted(region, food, agent)
    with pytest.raises(NotFound):
        mine.revoke_entrustment(row.id)


def test_nobody_entrusts_what_is_anothers_or_themselves(region: Region, licence: Licence) -> None:
    other, agent = region.issued(), holding.agent(region)
    mine = holding.wallet(region, "wallet.holder")
    party, soon = mine.holder.parties[0], mine.at + timedelta(days=1)
    with pytest.raises(NotYours):
        mine.entrust(party, agent, Terms("代办", soon, licence=other.identifier))
    with pytest.raises(Invalid):
        mine.entrust(party, "wallet.holder", Terms("代办", soon))
    with pytest.raises(NotFound):
        mine.entrust(party, "nobody.here", Terms("代办", soon))
    stranger = holding.wallet(region, holding.stranger(region))
    with pytest.raises(NotYours):
        stranger.entrust(party, agent, Terms("代办", soon))


def test_who_represents_a_body_disposes_of_its_licences_and_an_agent_uses_them(
    region: Region,
) -> None:
    licence = region.issued()
    boss = holding.citizen(region, "wallet.boss", "110101199003070070", "周九鼎")
    hand = holding.citizen(region, "wallet.hand", "110101199003070097", "吴十全")
    holding.acting(region, boss, Capacity.LEGAL_REPRESENTATIVE)
    holding.acting(region, hand, Capacity.AGENT)
    assert holding.wallet(region, boss).grants(licence.identifier) == []
    theirs = holding.wallet(region, hand)
    assert theirs.open(licence.identifier).items["ZZBS"] == licence.identifier
    with pytest.raises(MayNotDispose):
        theirs.grants(licence.identifier)


def test_every_look_is_seen_by_the_holder(region: Region, licence: Licence) -> None:
    queue = AuditQueue(region.platform.sessions)
    mine = holding.wallet(region, "wallet.holder", queue=queue)
    mine.open(licence.identifier)
    office = holding.office(region)
    looks.note(
        queue, licence.identifier, by=office, how=looks.BY_DUTY, purpose=WHY, at=utc_now(),
        office=office.authority,
    )  # fmt: skip
    newest, first = mine.looks(licence.identifier)
    assert (newest.how, newest.office, newest.item_code) == ("duty", TRANSPORT.code, "YS-001")
    assert (first.how, first.account, first.office) == ("holder", "wallet.holder", "")
    assert mine.looks(licence.identifier, before=newest.sequence) == [first]


def test_nothing_personal_is_in_the_audit_log_of_a_holders_acts(
    region: Region, licence: Licence
) -> None:
    mine = holding.wallet(region, "wallet.holder")
    mine.open(licence.identifier)
    mine.dispute(licence.identifier, f"{holding.NAME} 的住所写错了")
    mine.queue.flush()
    with region.platform.reading() as session:
        told = [row.details + row.subject for row in session.query(AuditEntry)]
    assert not [text for text in told if holding.NAME in text or holding.NUMBER in text]


def test_a_complaint_is_answered_once_by_its_issuer_only(region: Region, licence: Licence) -> None:
    mine, vault = holding.wallet(region, "wallet.holder"), region.platform.vault
    row = mine.dispute(licence.identifier, "经营场所写错了")
    clerk, other = region.caller("market.clerk"), region.caller("transport.clerk")
    office = holding.office(region)

    def decide(by: object, state: DisputeState = DisputeState.REFUSED) -> None:
        with region.platform.sessions.begin() as session:
            disputes.decide(session, vault, row.id, state, "与登记一致", by=by, at=utc_now())  # type: ignore[arg-type]

    with pytest.raises(NoDispute):
        decide(other)
    with pytest.raises(Forbidden):
        decide(office)
    with pytest.raises(Invalid):
        decide(clerk, DisputeState.RESOLVED)
    decide(clerk)
    with pytest.raises(DisputeDecided):
        decide(clerk, DisputeState.ACCEPTED)
    (told,) = mine.disputes(licence.identifier)
    assert (told.state, told.words, told.answer) == ("refused", "经营场所写错了", "与登记一致")


def test_nobody_buries_an_issuer_in_complaints(region: Region, licence: Licence) -> None:
    mine = holding.wallet(region, "wallet.holder")
    for number in range(disputes.MOST):
        mine.dispute(licence.identifier, f"错误 {number}")
    with pytest.raises(TooManyDisputes):
        mine.dispute(licence.identifier, "又一个")


def test_an_accepted_complaint_is_closed_by_the_re_issue_that_follows_the_licence(
    region: Region, licence: Licence
) -> None:
    platform, mine = region.platform, holding.wallet(region, "wallet.holder")
    clerk, approver = region.caller("market.clerk"), region.caller("market.approver")
    row = mine.dispute(licence.identifier, "监督电话写错了")
    unrelated = holding.personal_licence(region)

    def resolve(reissued: str) -> None:
        with platform.sessions.begin() as session:
            disputes.resolve(session, row.id, reissued=reissued, by=clerk, at=utc_now())

    content = example("food-business-licence") | holding.HOLDER
    with platform.sessions.begin() as session:
        key = applications.enter(
            session, "food-business-licence", content, authority=MARKET.code, by=clerk,
            at=utc_now(), vault=platform.vault, kind=ApplicationKind.REISSUE,
            previous=licence.identifier,
        ).id  # fmt: skip
    with platform.sessions.begin() as session:
        applications.approve(session, key, by=approver, at=utc_now())
    made = issue.issue(platform.workshop(at=utc_now()), key, by=approver, at=utc_now())
    with pytest.raises(DisputeDecided):
        resolve(made.identifier)
    with platform.sessions.begin() as session:
        disputes.decide(
            session, platform.vault, row.id, DisputeState.ACCEPTED, "将换发", by=clerk,
            at=utc_now(),
        )  # fmt: skip
    for other in (unrelated.identifier, licence.identifier, "none"):
        with pytest.raises(NotItsReissue):
            resolve(other)
    resolve(made.identifier)
    (told,) = mine.disputes(licence.identifier)
    assert (told.state, told.resolved_by_licence) == ("resolved", made.identifier)
