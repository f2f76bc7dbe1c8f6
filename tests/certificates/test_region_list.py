"""Our own list, what it says of the past, and what is believed of other regions by theirs."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ca import profiles, revoke, signers
from ca.issue import Order, issue
from ca.models import Signer
from ca.revoke import Reason
from certificates.evidence import Knowledge
from certificates.regions import region_list, region_services
from certificates.regions.region_knowledge import RegionsKnowledge, anchors_of
from certificates.regions.region_services import BadNotice, notice
from certificates.verify_claim import verify_claim
from server import authorities
from server.provision import RegionPlan, subject_name
from tests.regions import MARKET, Region, build
from tests.trust.listing import NOW, Key, Publisher, make_key, publisher
from trust import chain, list_sources, lists, lists_judge, lists_xml_read
from trust.access import SYSTEM
from trust.anchors import key_id
from trust.clock import utc_now
from trust.crypto import x509
from trust.crypto.algorithms import KeyKind
from trust.errors import NotFound
from trust.list_accept import take
from trust.list_store import ListStore, TrustedRegion
from trust.lists_model import Service, ServiceStatus, ServiceType, Was
from trust.report import Check, Outcome, passed
from trust.validation import Standing, Status

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def ali(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """A region of its own: its keys are rotated and revoked."""
    found = build(tmp_path_factory.mktemp("ali"))
    yield found
    found.platform.engine.dispose()


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """A region whose tests look some days ahead: nothing can be issued there any more."""
    found = build(tmp_path_factory.mktemp("later"))
    yield found
    found.platform.engine.dispose()


@pytest.fixture(scope="module")
def dingxi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """The region that relies on the other one."""
    found = build(tmp_path_factory.mktemp("dingxi"), plan=RegionPlan("621100", "定西市"))
    yield found
    found.platform.engine.dispose()


def publish(region: Region, *, after: timedelta = timedelta()) -> region_list.Published:
    platform = region.platform
    return region_list.publish(platform.sessions, keys=platform.keys, at=utc_now() + after)


def signers_of(region: Region) -> list[x509.Certificate]:
    with region.platform.reading() as session:
        rows = session.query(Signer).filter(Signer.purpose == "list-signer")
        return [x509.parse_certificate(row.certificate) for row in rows]


def test_a_list_is_made_anew_only_when_it_says_something_new_or_grows_old(later: Region) -> None:
    first = publish(later)
    assert publish(later, after=timedelta(hours=1)) == first
    renewed = publish(later, after=1.5 * DAY)
    assert renewed.sequence > first.sequence
    with later.platform.sessions.begin() as session:
        notice(
            session, ServiceType.ISSUER, MARKET.code, status=ServiceStatus.WITHDRAWN,
            since=utc_now(), by=SYSTEM, at=utc_now(),
        )  # fmt: skip
    changed = publish(later, after=1.5 * DAY + timedelta(minutes=1))
    assert changed.sequence > renewed.sequence
    found = lists.parse(changed.document)
    office = next(each for each in found.services if each.code == MARKET.code)
    assert office.was(utc_now() + DAY) is Was.WITHDRAWN
    assert office.was(office.since - timedelta(seconds=1)) is Was.GRANTED


def test_both_forms_say_the_same_and_hold(ali: Region) -> None:
    made, at = publish(ali), utc_now()
    known = signers_of(ali)
    ours = lists_judge.judge(made.document, region="542500", signers=known, at=at)
    xml = lists_xml_read.judge(made.xml, signers=known, at=at)
    assert (xml.sequence, len(xml.services)) == (ours.sequence, len(ours.services))
    assert made.digest == ours.digest


def test_a_notice_speaks_of_bodies_and_of_what_is_so(ali: Region) -> None:
    at = utc_now()
    with ali.platform.sessions.begin() as session:
        with pytest.raises(BadNotice):
            notice(session, ServiceType.TSA, "tsa", status=ServiceStatus.WITHDRAWN, since=at,
                   by=SYSTEM, at=at)  # fmt: skip
        with pytest.raises(BadNotice):
            notice(session, ServiceType.ISSUER, MARKET.code, status=ServiceStatus.WITHDRAWN,
                   since=at + DAY, by=SYSTEM, at=at)  # fmt: skip
        with pytest.raises(NotFound):
            notice(session, ServiceType.ISSUER, "91110000600037341L",
                   status=ServiceStatus.WITHDRAWN, since=at, by=SYSTEM, at=at)  # fmt: skip


def test_a_revoked_signer_is_withdrawn_since_then_and_a_stolen_one_compromised(
    ali: Region,
) -> None:
    made = [authorities.rotate_signer(ali.platform, "tsa-rsa", at=utc_now()) for _ in range(2)]
    for key, reason in zip(made, (Reason.SUPERSEDED, Reason.KEY_COMPROMISE), strict=True):
        with ali.platform.sessions.begin() as session:
            row = session.get(Signer, key)
            assert row is not None
            serial = x509.parse_certificate(row.certificate).serial
            revoke.revoke(session, issuer=row.issuer, serial=serial, reason=reason, by=SYSTEM,
                          at=utc_now())  # fmt: skip
    with ali.platform.reading() as session:
        said = region_services.services(session, issuer="", at=utc_now())
    found = {each.name: each for each in said}
    assert [found[key].status for key in made] == ["withdrawn", "compromised"]
    assert found[made[0]].history[0].status is ServiceStatus.GRANTED
    assert found["tsa-rsa"].status is ServiceStatus.GRANTED


def test_an_ended_certificate_is_withdrawn_since_its_end(ali: Region) -> None:
    with ali.platform.reading() as session:
        said = region_services.services(session, issuer="", at=utc_now() + 1200 * DAY)
    claim = next(each for each in said if each.kind is ServiceType.CLAIM_SIGNER)
    assert claim.status is ServiceStatus.WITHDRAWN
    assert claim.since == x509.parse_certificate(claim.certificate).not_after


def test_a_new_list_signer_is_announced_before_it_signs(tmp_path: Path) -> None:
    """Whoever fetched the list of the old key knows the new one when it begins to sign."""
    region = build(tmp_path)
    (old,) = signers_of(region)
    key = authorities.rotate_signer(region.platform, "list-signer", at=utc_now())
    made = publish(region, after=DAY)
    listed = lists_judge.judge(made.document, region="542500", signers=[old], at=utc_now() + DAY)
    announced = [each.name for each in listed.of_kind(ServiceType.LIST_SIGNER)]
    assert sorted(announced) == sorted(["list-signer", key])
    with region.platform.reading() as session:
        ready = region_list.list_signer(
            session, keys=region.platform.keys, at=utc_now() + region_list.ROLLOVER + DAY
        )
    assert ready.key_id == key
    region.platform.engine.dispose()


def test_the_old_list_signer_no_longer_signs_once_it_is_revoked(tmp_path: Path) -> None:
    region = build(tmp_path)
    key = authorities.rotate_signer(region.platform, "list-signer", at=utc_now())
    with region.platform.sessions.begin() as session:
        row = session.get(Signer, "list-signer")
        assert row is not None
        serial = x509.parse_certificate(row.certificate).serial
        revoke.revoke(session, issuer=row.issuer, serial=serial, reason=Reason.KEY_COMPROMISE,
                      by=SYSTEM, at=utc_now())  # fmt: skip
    with region.platform.reading() as session:
        assert (
            region_list.list_signer(session, keys=region.platform.keys, at=utc_now()).key_id == key
        )
        assert signers.active(
            session, "list-signer", keys=region.platform.keys, at=utc_now()
        ).key_id == key  # fmt: skip
    region.platform.engine.dispose()


# What is believed of others


class Good:
    """Whoever is asked about other regions' certificates and licences says that all is well."""

    def status(self, *_: object, **__: object) -> Status:
        return Status(Standing.GOOD)

    def state(self, *_: object, **__: object) -> Check:
        return passed("state", "in_force")


def knowledge(region: Region) -> RegionsKnowledge:
    return RegionsKnowledge(
        ListStore(region.platform.reading), own=region.platform.own_knowledge, revocation=Good(),
        status=Good(), own_region="621100",
    )  # fmt: skip


def rely(on: Publisher | Region, *, by: Region, data: bytes, code: str, key: bytes) -> None:
    with by.platform.sessions.begin() as session:
        list_sources.add(session, code, name=code, uri=f"https://{code}.example/trust-list",
                         signers=(key,), by=SYSTEM, at=utc_now())  # fmt: skip
    taken = take(by.platform.sessions, code, data, own="621100", at=utc_now())
    assert taken.code == "accepted", taken


def test_a_claim_of_another_region_is_verified_by_its_list(ali: Region, dingxi: Region) -> None:
    licence = ali.issued()
    made = region_list.publish(ali.platform.sessions, keys=ali.platform.keys, at=utc_now())
    first = knowledge(dingxi)
    assert verify_claim(licence.claim, first.every(), at=utc_now()).outcome is Outcome.INDETERMINATE
    signer = lists.parse(made.document).jws.certificates()[0]
    rely(ali, by=dingxi, data=made.document, code="542500", key=signer)
    known = knowledge(dingxi)
    for each in (known.every(), known.of("542500")):
        report = verify_claim(licence.claim, each, at=utc_now())
        assert report.outcome is Outcome.PASSED, report.checks
    own = verify_claim(dingxi.issued().claim, known.every(), at=utc_now())
    assert own.outcome is Outcome.PASSED, own.checks


def test_the_list_answers_whether_a_signer_was_trusted_then(ali: Region, dingxi: Region) -> None:
    known, now = knowledge(dingxi), utc_now()
    with ali.platform.reading() as session:
        row = session.get(Signer, "claim-signer-sm2")
        assert row is not None
        claim = x509.parse_certificate(row.certificate)

    def told(subject: x509.Certificate, *, region: str = "542500", later: int = 0) -> str:
        return known.listed(
            region, ServiceType.CLAIM_SIGNER, subject, at=now, now=now + later * DAY
        ).code

    assert told(claim) == "on_list"
    assert told(make_key("542500").certificate) == "not_on_list"
    assert told(claim, later=30) == "list_stale"
    assert told(claim, region="110000") == "region_unknown"


def liar(code: str, *slipped_in: tuple[ServiceType, Key]) -> tuple[Publisher, bytes]:
    made = publisher(code)
    made.services = tuple(made.service(key, kind=kind) for kind, key in slipped_in)
    return made, made.list(at=utc_now().replace(microsecond=0))


@pytest.mark.parametrize("unit", ["621100", "542500", ""], ids=["ours", "anothers", "nobodys"])
def test_no_region_brings_in_certificates_of_another_or_of_none(unit: str) -> None:
    """A root of region B in the list of region A would let A's people sign for B; one of nobody's
    would stand under everybody's seals."""
    root, signer = make_key(unit, ca=True), make_key(unit)
    mine = make_key("110000", ca=True)
    made, data = liar(
        "110000", (ServiceType.ROOT_CA, root), (ServiceType.CLAIM_SIGNER, signer),
        (ServiceType.ROOT_CA, mine),
    )  # fmt: skip
    found = lists.parse(data)
    region = TrustedRegion("110000", "北京", made.uri, None, None, found, None)
    known = anchors_of(region)
    assert known.roots == (mine.certificate,)
    assert known.signer(key_id(signer.certificate.spki)) is None


def test_a_ca_of_one_region_signs_for_no_other(ali: Region, dingxi: Region) -> None:
    """Ali's CA certifies a signer that calls itself Dingxi's: a path is built, and no more."""
    subject = subject_name(RegionPlan("621100", "定西市"), "claim-signer")
    platform = ali.platform
    key = platform.keys.generate("impostor", KeyKind.P256)
    impostor = issue(platform.sessions, Order("claim-signer", subject, key), issuer="issuing-rsa",
                     keys=platform.keys, by=SYSTEM, at=utc_now())  # fmt: skip
    store = knowledge(dingxi).every().store
    legs = chain.judge("", impostor, store=store, at=utc_now(), now=utc_now(),
                       purpose=profiles.purpose("claim-signer"), region="621100")  # fmt: skip
    assert [leg.code for leg in legs] == ["region_mismatch", "revocation_not_reached"]
    own = chain.judge("", impostor, store=store, at=utc_now(), now=utc_now(),
                      purpose=profiles.purpose("claim-signer"))  # fmt: skip
    assert [leg.code for leg in own] == ["chain_valid", "not_revoked"]


def test_a_compromised_service_is_no_anchor() -> None:
    root = make_key("110000", ca=True)
    made = publisher("110000")
    made.services = (
        Service(ServiceType.ROOT_CA, "root", NOW, root.der, status=ServiceStatus.COMPROMISED),
    )
    region = TrustedRegion("110000", "北京", made.uri, None, None, lists.parse(made.list()), None)
    assert anchors_of(region).roots == ()


def test_our_own_region_is_what_we_know_of_it(dingxi: Region) -> None:
    own: Knowledge = knowledge(dingxi).of("621100")
    assert own is dingxi.platform.own_knowledge


def test_the_hubs_list_points_to_what_it_holds(dingxi: Region) -> None:
    with dingxi.platform.sessions.begin() as session:
        source = list_sources.find(session, "542500")
        source.pointed = True
    listed = lists.parse(publish(dingxi).document)
    (pointer,) = listed.pointers
    held = ListStore(dingxi.platform.reading).region("542500")
    assert (pointer.region, pointer.sequence, pointer.digest) == (
        "542500", held.sequence, held.digest
    )  # fmt: skip
    assert pointer.signers
