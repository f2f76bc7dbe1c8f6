"""A seal's life: its states, who may move it, its kinds and what verification makes of its end."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from ca.models import Certificate, CertificateState
from certificates import evidence, publish
from certificates.models import Licence
from certificates.verify import verify_file
from seal import apply, asn1, decide, expire, file, freeze, grants, life, make, remake
from seal.decide import AlreadyDecided
from seal.grant_models import SealGrant
from seal.grants import Terms
from seal.life import SamePerson, SealNotInForce
from seal.life_models import RequestState, SealRequest, SealVersion
from seal.make import NotApproved
from seal.models import Seal, SealKind, SealState
from seal.picture import Rank
from seal.request import SealExists, Wanted
from server import provision, provision_seals
from tests.regions import MARKET, Region
from tests.seal import living
from trust import anchors
from trust.access import SYSTEM, Caller, Role
from trust.audit import AuditEntry
from trust.clock import utc_now
from trust.crypto import x509
from trust.errors import Conflict, Forbidden, Invalid, NotFound
from trust.report import Outcome

DEPARTMENT = Rank.DEPARTMENT
DAY = timedelta(days=1)
LICENCE = Wanted(SealKind.LICENCE, MARKET.seal_name, Rank.SPECIAL, number="7")


@pytest.fixture
def sealing(sqlite_region: Region) -> Iterator[str]:
    """A licence seal of the test's own, with which the market's licences are sealed meanwhile."""
    es_id = living.made(sqlite_region, LICENCE).es_id
    living.granted(sqlite_region, es_id, Terms(role=Role.APPROVER))
    before = living.use_as_licence_seal(sqlite_region, es_id)
    yield es_id
    living.use_as_licence_seal(sqlite_region, before)


def maker(region: Region) -> make.Maker:
    return provision_seals.seal_maker(region.platform, at=utc_now())


def fabricate(region: Region, key: UUID, *, by: Caller = SYSTEM) -> Seal:
    platform = region.platform
    return make.make(
        platform.sessions, key, maker=maker(region), keys=platform.keys, by=by, at=utc_now()
    )


def made_anew(region: Region, es_id: str, *, by: Caller = SYSTEM) -> Seal:
    return remake.remake(
        region.platform.sessions, es_id, reason="证书到期", maker=maker(region),
        keys=region.platform.keys, by=by, at=utc_now(),
    )  # fmt: skip


def test_a_seal_goes_its_whole_way_and_every_step_says_who_and_why(region: Region) -> None:
    platform, admin = region.platform, region.caller("market.seal")
    es_id = living.made(region).es_id
    for act, reason in ((freeze.freeze, "遗失"), (freeze.unfreeze, "找到")):
        with platform.sessions.begin() as session:
            act(session, es_id, reason=reason, by=admin, at=utc_now())
    living.cancelled(region, es_id)
    with platform.reading() as session:
        steps = [(step.state, step.by) for step in life.steps(session, seal=es_id)]
        reasons = [step.reason for step in life.steps(session, seal=es_id)][-3:]
        audited = session.scalars(
            select(AuditEntry.act)
            .where(AuditEntry.subject == es_id, AuditEntry.act.like("seal.%"))
            .order_by(AuditEntry.sequence)
        ).all()
    assert steps == [
        ("applied", "market.clerk"), ("approved", "market.seal"), ("made", "system"),
        ("filed", "system"), ("active", "system"), ("frozen", "market.seal"),
        ("active", "market.seal"), ("cancelled", "market.seal"),
    ]  # fmt: skip
    assert reasons == ["遗失", "找到", "更名"]
    assert audited == [
        "seal.made", "seal.filed", "seal.active", "seal.frozen", "seal.active", "seal.cancelled",
    ]  # fmt: skip


def test_the_seal_of_a_new_authority_was_four_peoples_work(sqlite_region: Region) -> None:
    with sqlite_region.platform.reading() as session:
        es_id = living.licence_seal(session)
        row = session.scalars(select(SealRequest).where(SealRequest.es_id == es_id)).one()
        people = (row.applied_by, row.decided_by, session.get_one(Seal, es_id).made_by)
    assert people == ("market.clerk", "market.seal", "system")


def test_setting_up_an_authority_again_makes_no_second_seal(sqlite_region: Region) -> None:
    platform = sqlite_region.platform

    def seals() -> int:
        with platform.reading() as session:
            return len(session.scalars(select(Seal.es_id)).all())

    before = seals()
    provision_seals.create(
        platform, MARKET.code, seal_name=MARKET.seal_name, people=MARKET.people, at=utc_now()
    )
    assert seals() == before


def test_nobody_decides_on_their_own_application(sqlite_region: Region) -> None:
    admin = sqlite_region.caller("market.seal")
    key = living.applied(sqlite_region, by=admin)
    with sqlite_region.platform.sessions() as session, pytest.raises(SamePerson):
        decide.approve(session, key, by=admin, at=utc_now())


@pytest.mark.parametrize("name", ["market.seal", "both"])
def test_who_applied_or_approved_does_not_make(sqlite_region: Region, name: str) -> None:
    both = living.person(sqlite_region, "both", Role.SEAL_ADMIN)
    key = living.applied(sqlite_region, by=both)
    with sqlite_region.platform.sessions.begin() as session:
        decide.approve(session, key, by=sqlite_region.caller("market.seal"), at=utc_now())
    with pytest.raises(SamePerson):
        fabricate(sqlite_region, key, by=sqlite_region.caller(name))


def test_another_administrator_of_the_owner_may_make(sqlite_region: Region) -> None:
    third = living.person(sqlite_region, "third", Role.SEAL_ADMIN)
    seal = file.make_and_file(
        sqlite_region.platform.sessions, living.approved(sqlite_region),
        maker=maker(sqlite_region), keys=sqlite_region.platform.keys, by=third, at=utc_now(),
    )  # fmt: skip
    assert (seal.state, seal.made_by) == (SealState.ACTIVE, "third")


@pytest.mark.parametrize("name", ["transport.seal", "market.clerk", "market.approver"])
def test_only_a_seal_administrator_of_the_owner_decides(sqlite_region: Region, name: str) -> None:
    key = living.applied(sqlite_region)
    by = sqlite_region.caller(name)
    with sqlite_region.platform.sessions() as session, pytest.raises(Forbidden):
        decide.approve(session, key, by=by, at=utc_now())


def test_nobody_applies_for_another_authority(sqlite_region: Region) -> None:
    with pytest.raises(Forbidden):
        living.applied(sqlite_region, by=sqlite_region.caller("transport.clerk"))


def test_anothers_seal_is_not_told_from_none(sqlite_region: Region) -> None:
    with sqlite_region.platform.reading() as session:
        es_id = living.licence_seal(session)
        for name in (es_id, "54250000000000"):
            with pytest.raises(NotFound, match="no seal"):
                life.find(session, name, by=sqlite_region.caller("transport.seal"))


def test_a_decision_is_made_once_and_a_refusal_is_never_made(region: Region) -> None:
    admin, key = region.caller("market.seal"), living.applied(region)
    with region.platform.sessions.begin() as session:
        decide.refuse(session, key, reason="重复申请", by=admin, at=utc_now())
    with region.platform.sessions() as session, pytest.raises(AlreadyDecided):
        decide.approve(session, key, by=admin, at=utc_now())
    with pytest.raises(NotApproved):
        fabricate(region, key)


def test_of_many_who_apply_for_the_statutory_seal_one_may(region: Region) -> None:
    wanted = Wanted(SealKind.STATUTORY, MARKET.name, DEPARTMENT)
    together, won, lost = threading.Barrier(6), [], []

    def run() -> None:
        together.wait()
        try:
            won.append(living.applied(region, wanted))
        except SealExists as error:
            lost.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)
    admin = region.caller("market.seal")
    with region.platform.sessions.begin() as session:
        decide.refuse(session, won[0], reason="试验", by=admin, at=utc_now())
    again = living.applied(region, wanted)  # the name is free again
    with region.platform.sessions.begin() as session:
        decide.refuse(session, again, reason="试验", by=admin, at=utc_now())


def test_there_may_be_several_of_one_special_kind(sqlite_region: Region) -> None:
    wanted = Wanted(SealKind.LICENCE, MARKET.seal_name, Rank.SPECIAL, number="2")
    assert living.applied(sqlite_region, wanted) != living.applied(sqlite_region, wanted)


def test_a_cancelled_seal_gives_its_name_back(sqlite_region: Region) -> None:
    wanted = Wanted(SealKind.DEPARTMENT, f"{MARKET.name}办公室", DEPARTMENT)
    es_id = living.made(sqlite_region, wanted).es_id
    with pytest.raises(SealExists):
        living.applied(sqlite_region, wanted)
    living.cancelled(sqlite_region, es_id)
    living.applied(sqlite_region, wanted)


@pytest.mark.parametrize("after", sorted(life.BEFORE))
def test_a_state_is_reached_only_from_those_before_it(
    sqlite_region: Region, after: SealState
) -> None:
    es_id = living.made(sqlite_region).es_id
    for before in SealState:
        with sqlite_region.platform.sessions.begin() as session:
            session.get_one(Seal, es_id).state = before
        try:
            with sqlite_region.platform.sessions.begin() as session:
                life.move(session, es_id, after, reason="试验", by=SYSTEM, at=utc_now())
            moved = True
        except SealNotInForce:
            moved = False
        assert moved == (before in life.BEFORE[after]), before


@pytest.mark.parametrize("reason", ["", "  ", "长" * 501, "两\n行"])
def test_a_reason_is_one_line_of_words(sqlite_region: Region, reason: str) -> None:
    admin = sqlite_region.caller("market.seal")
    with sqlite_region.platform.sessions() as session, pytest.raises(Invalid):
        freeze.freeze(session, living.licence_seal(session), reason=reason, by=admin, at=utc_now())


def test_of_two_who_make_one_seal_one_does(sqlite_region: Region) -> None:
    key, results = living.approved(sqlite_region), []
    together = threading.Barrier(2)

    def run() -> None:
        together.wait()
        try:
            results.append(fabricate(sqlite_region, key).es_id)  # fmt: skip
        except NotApproved:
            results.append("")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(bool, results)) == [False, True]


def test_what_a_crash_after_making_left_is_filed_when_said_again(sqlite_region: Region) -> None:
    platform, key = sqlite_region.platform, living.approved(sqlite_region)
    first = fabricate(sqlite_region, key)
    with platform.reading() as session, pytest.raises(SealNotInForce):
        apply.impression(session, first.es_id, at=utc_now())
    whole = file.make_and_file(
        platform.sessions, key, maker=maker(sqlite_region), keys=platform.keys, by=SYSTEM,
        at=utc_now(),
    )  # fmt: skip
    assert (whole.es_id, whole.state) == (first.es_id, SealState.ACTIVE)
    with pytest.raises(NotApproved):
        file.make_and_file(
            platform.sessions, key, maker=maker(sqlite_region), keys=platform.keys, by=SYSTEM,
            at=utc_now(),
        )  # fmt: skip


def test_a_seal_expires_by_time_and_is_then_written_down(sqlite_region: Region) -> None:
    es_id = living.made(sqlite_region).es_id
    with sqlite_region.platform.sessions.begin() as session:
        seal = session.get_one(Seal, es_id)
        seal.valid_until = utc_now() - DAY
    after = seal.valid_until + timedelta(seconds=1)
    assert life.present(seal, at=seal.valid_until) is SealState.ACTIVE
    assert life.present(seal, at=after) is SealState.EXPIRED
    with sqlite_region.platform.reading() as session, pytest.raises(SealNotInForce):
        apply.impression(session, es_id, at=after)
    admin = sqlite_region.caller("market.seal")
    with (
        sqlite_region.platform.sessions() as session,
        pytest.raises(SealNotInForce, match="expired"),
    ):
        freeze.freeze(session, es_id, reason="迟", by=admin, at=after)
    assert expire.expire(sqlite_region.platform.sessions, by=SYSTEM, at=after) == [es_id]
    assert expire.expire(sqlite_region.platform.sessions, by=SYSTEM, at=after) == []


def judged(region: Region, licence: Licence) -> Outcome:
    return verify_file(region.file(licence), region.platform.knowledge, at=utc_now()).outcome


def judged_offline(region: Region, licence: Licence, folder: Path) -> Outcome:
    """By the exported anchors and CRLs alone, a little later."""
    at = utc_now()
    publish.publish_crls(region.platform.sessions, keys=region.platform.keys, at=at)
    publish.export_anchors(
        region.platform.reading, folder, keys=region.platform.keys, at=at, lifetime=DAY
    )
    known = anchors.load(folder)
    away = evidence.offline(known, evidence.store_of(known))
    return verify_file(region.file(licence), away, at=utc_now()).outcome


def test_a_seal_made_anew_keeps_its_number_and_what_it_sealed_before(
    sqlite_region: Region, sealing: str, tmp_path: Path
) -> None:
    before = sqlite_region.issued()
    with sqlite_region.platform.reading() as session:
        old = session.get_one(Seal, sealing)
    new = made_anew(sqlite_region, old.es_id, by=SYSTEM)
    after = sqlite_region.issued()
    assert (new.es_id, new.state) == (old.es_id, SealState.ACTIVE)
    assert new.sm2_key != old.sm2_key
    picture = [asn1.parse_seal(each.seal).info.picture for each in (old, new)]
    assert picture[0] == picture[1]
    with sqlite_region.platform.reading() as session:
        version = session.get_one(SealVersion, (old.es_id, 1))
        serial = f"{x509.parse_certificate(new.sm2_certificate).serial:x}"
        renewed = session.scalars(
            select(Certificate.renews).where(Certificate.serial == serial)
        ).one()
    assert version.sm2_certificate == old.sm2_certificate
    assert renewed == f"{x509.parse_certificate(old.sm2_certificate).serial:x}"
    for licence in (before, after):
        assert judged(sqlite_region, licence) is Outcome.PASSED
        assert judged_offline(sqlite_region, licence, tmp_path / licence.number) is Outcome.PASSED


def test_an_expired_seal_is_in_force_again_when_made_anew(sqlite_region: Region) -> None:
    seal = living.made(sqlite_region, at=utc_now())
    with sqlite_region.platform.sessions.begin() as session:
        session.get_one(Seal, seal.es_id).valid_until = utc_now() - DAY
    expire.expire(sqlite_region.platform.sessions, by=SYSTEM, at=utc_now())
    again = made_anew(sqlite_region, seal.es_id, by=living.region_administrator(sqlite_region))
    assert (again.state, again.valid_until > utc_now()) == (SealState.ACTIVE, True)


def test_a_stopped_seal_is_not_made_anew(sqlite_region: Region) -> None:
    frozen, ended = (living.made(sqlite_region).es_id for _ in range(2))
    living.cancelled(sqlite_region, ended)
    with sqlite_region.platform.sessions.begin() as session:
        admin = sqlite_region.caller("market.seal")
        freeze.freeze(session, frozen, reason="停", by=admin, at=utc_now())
    for es_id in (frozen, ended):
        with pytest.raises(SealNotInForce):
            made_anew(sqlite_region, es_id, by=SYSTEM)


def test_what_a_cancelled_seal_sealed_before_stays_good(
    sqlite_region: Region, sealing: str, tmp_path: Path
) -> None:
    licence = sqlite_region.issued()
    living.cancelled(sqlite_region, sealing, at=utc_now() + timedelta(seconds=2))
    key = sqlite_region.approved()
    with pytest.raises(SealNotInForce):
        living.issue_as(sqlite_region, key, "market.approver")
    assert judged(sqlite_region, licence) is Outcome.PASSED
    assert judged_offline(sqlite_region, licence, tmp_path / "anchors") is Outcome.PASSED
    with sqlite_region.platform.reading() as session:
        der = session.get_one(Seal, sealing).sm2_certificate
        state = session.scalars(select(Certificate.state).where(Certificate.der == der)).one()
    assert state == CertificateState.REVOKED


def test_nothing_that_an_invalid_seal_sealed_is_believed(
    sqlite_region: Region, sealing: str, tmp_path: Path
) -> None:
    licence = sqlite_region.issued()
    living.invalidated(sqlite_region, sealing)
    assert judged(sqlite_region, licence) is Outcome.FAILED
    assert judged_offline(sqlite_region, licence, tmp_path / "anchors") is not Outcome.PASSED


def test_only_the_region_marks_a_seal_invalid(sqlite_region: Region) -> None:
    with sqlite_region.platform.reading() as session:
        es_id = living.licence_seal(session)
    with pytest.raises(Forbidden):
        living.invalidated(sqlite_region, es_id, by=sqlite_region.caller("market.seal"))


def test_a_cancelled_seal_may_still_be_marked_invalid_but_not_the_other_way(
    sqlite_region: Region,
) -> None:
    es_id = living.made(sqlite_region).es_id
    living.cancelled(sqlite_region, es_id)
    living.invalidated(sqlite_region, es_id)
    with pytest.raises(Conflict):
        living.cancelled(sqlite_region, es_id)


def test_an_authority_whose_seal_has_ended_gets_another_when_it_is_added_again(
    sqlite_region: Region, sealing: str
) -> None:
    living.cancelled(sqlite_region, sealing)
    provision.create_authority(sqlite_region.platform, MARKET, at=utc_now())
    with sqlite_region.platform.reading() as session:
        new = living.licence_seal(session)
    assert new != sealing
    assert judged(sqlite_region, sqlite_region.issued()) is Outcome.PASSED


def test_a_seal_older_than_grants_gets_its_approvers_when_the_region_is_set_up_again(
    sqlite_region: Region, sealing: str
) -> None:
    with sqlite_region.platform.sessions.begin() as session:
        session.execute(delete(SealGrant).where(SealGrant.seal == sealing))
    for _ in range(2):
        provision_seals.grant_older(sqlite_region.platform, at=utc_now())
    with sqlite_region.platform.reading() as session:
        roles = [row.role for row in grants.of_seal(session, sealing)]
    assert roles == ["approver"]
    assert judged(sqlite_region, sqlite_region.issued()) is Outcome.PASSED


def test_only_a_licence_seal_in_force_is_assigned_to_licences(sqlite_region: Region) -> None:
    special = living.made(sqlite_region).es_id
    ended = living.made(sqlite_region, LICENCE).es_id
    living.cancelled(sqlite_region, ended)
    admin = sqlite_region.caller("market.seal")
    for es_id, error in ((special, Invalid), (ended, SealNotInForce)):
        with sqlite_region.platform.sessions() as session, pytest.raises(error):
            provision_seals.assign(session, es_id, by=admin, at=utc_now())


def test_an_open_application_says_how_it_stands(sqlite_region: Region) -> None:
    key = living.approved(sqlite_region)
    with sqlite_region.platform.reading() as session:
        assert session.get_one(SealRequest, key).state == RequestState.APPROVED
        assert [step.state for step in life.steps(session, request=key)] == ["applied", "approved"]
