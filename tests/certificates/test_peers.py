"""Two regions that recognise each other: each verifies what the other issued."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from certificates import qr
from certificates.evidence import Foreign
from certificates.regions.peer_documents import PeerAnswerRefused
from certificates.regions.peer_models import PeerDocument
from certificates.verify_claim import Verification, verify_claim
from server.platform import Platform
from server.provision import RegionPlan
from tests.certificates.test_life import end
from tests.network import Pair
from tests.regions import build
from trust import recognition_withdraw
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.lists_model import ServiceStatus, ServiceType
from trust.recognition_models import ForeignLicenceSeen
from trust.report import Outcome


def codes(report: Verification) -> dict[str, str]:
    return {check.name: check.code for check in report.checks}


def test_each_region_verifies_what_the_other_issued_by_code_and_by_file(pair: Pair) -> None:
    for here, there in ((pair.ali, pair.dingxi), (pair.dingxi, pair.ali)):
        licence = there.region.issued()
        for given in (licence.claim, there.region.file(licence)):
            report = here.verify(given)
            assert report.outcome is Outcome.PASSED, report.checks
            told = codes(report)
            assert (told["listed"], told["listed.issuer"]) == ("on_list", "on_list")
            assert told["recognition"] == "recognised"
            assert report.licence is not None
            assert report.licence["identifier"] == licence.identifier
        with here.platform.reading() as session:
            seen = session.scalars(select(ForeignLicenceSeen.identifier)).all()
        assert licence.identifier in seen


def test_a_revocation_is_seen_by_the_other_region_within_ten_seconds(pair: Pair) -> None:
    licence = pair.ali.region.issued()
    assert pair.dingxi.verify(licence.claim).outcome is Outcome.PASSED
    end(pair.ali.region, licence)
    pair.later(10)
    for given in (licence.claim, pair.ali.region.file(licence)):
        report = pair.dingxi.verify(given)
        assert report.outcome is Outcome.FAILED
        assert codes(report)["state"] == "void"


def test_of_many_looks_in_one_moment_one_asks(pair: Pair) -> None:
    licence = pair.ali.region.issued()
    pair.later()
    before = sum(pair.network.asked.values())
    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(pair.dingxi.verify, [licence.claim] * 12))
    assert {report.outcome for report in reports} == {Outcome.PASSED}
    urls = [url for url in pair.network.asked if "/status/" in url]
    assert urls
    # The status list once; a CRL now and then.
    assert sum(pair.network.asked.values()) - before <= 3


def test_a_region_that_is_cut_off_is_judged_by_its_last_list_and_not_beyond_its_life(
    pair: Pair,
) -> None:
    licence, now = pair.ali.region.issued(), utc_now()
    assert pair.dingxi.verify(licence.claim).outcome is Outcome.PASSED
    pair.network.cut.add("ali")
    try:
        pair.later()
        end(pair.ali.region, licence)
        assert pair.dingxi.verify(licence.claim).outcome is Outcome.PASSED
        restarted = Platform(
            pair.dingxi.platform.settings, fetch=pair.network, tick=pair.tick
        )  # fmt: skip
        kept = verify_claim(licence.claim, restarted.knowledge, at=now)
        assert kept.outcome is Outcome.PASSED, kept.checks
        restarted.engine.dispose()
        late = pair.dingxi.verify(licence.claim, at=now + timedelta(hours=25))
        assert (late.outcome, codes(late)["state"]) == (Outcome.INDETERMINATE, "state_unknown")
    finally:
        pair.network.cut.clear()
    pair.later()
    assert pair.dingxi.verify(licence.claim).outcome is Outcome.FAILED


def test_an_old_list_that_is_played_again_changes_nothing(pair: Pair) -> None:
    licence = pair.ali.region.issued()
    assert pair.dingxi.verify(licence.claim).outcome is Outcome.PASSED
    with pair.dingxi.platform.reading() as session:
        old = session.get_one(PeerDocument, ("542500", "status", "1")).document
    time.sleep(1.1)  # lists are dated to the second
    end(pair.ali.region, licence)
    pair.later()
    assert pair.dingxi.verify(licence.claim).outcome is Outcome.FAILED
    pair.network.tamper = lambda url, found: old if "/status/" in url else found
    try:
        pair.later()
        assert pair.dingxi.verify(licence.claim).outcome is Outcome.FAILED
    finally:
        pair.network.tamper = None
    with pair.dingxi.platform.reading() as session:
        assert session.get_one(PeerDocument, ("542500", "status", "1")).document != old


@pytest.mark.parametrize("name", ["garbage", "cut short", "one bit", "another region's"])
def test_what_is_not_signed_by_the_region_is_not_believed(pair: Pair, name: str) -> None:
    licence = pair.ali.region.issued()
    assert pair.dingxi.verify(licence.claim).outcome is Outcome.PASSED
    others = pair.dingxi.client.get("/status/1").content

    def spoil(url: str, found: bytes) -> bytes:
        if "/status/" not in url:
            return found
        bit = bytes([found[-3] ^ 1])
        spoilt: dict[str, bytes] = {
            "garbage": b"\x00\xff" * 40, "cut short": found[: len(found) // 2],
            "one bit": found[:-3] + bit + found[-2:], "another region's": others,
        }  # fmt: skip
        return spoilt[name]

    pair.network.tamper = spoil
    try:
        pair.later()
        report = pair.dingxi.verify(licence.claim)
        assert report.outcome is Outcome.PASSED, report.checks  # by the last good one
        end(pair.ali.region, licence)
        late = pair.dingxi.verify(licence.claim, at=utc_now() + timedelta(hours=25))
        assert late.outcome is Outcome.INDETERMINATE
    finally:
        pair.network.tamper = None


def test_without_a_rule_nothing_is_recognised_and_a_withdrawal_is_seen(pair: Pair) -> None:
    licence, platform = pair.ali.region.issued(), pair.dingxi.platform
    with platform.sessions.begin() as session:
        found = recognition_withdraw.withdraw(
            session, "542500", effective_at=utc_now() - timedelta(hours=1), compromised=False,
            basis="第 1 条", by=SYSTEM, at=utc_now(),
        )  # fmt: skip
    assert found.licences > 0
    try:
        platform.peers.forget()
        report = pair.dingxi.verify(licence.claim)
        assert codes(report)["recognition"] == "not_recognised"
        assert report.outcome is Outcome.FAILED
        assert "停止互认" in next(
            c.reason()["zh"] for c in report.checks if c.name == "recognition"
        )
    finally:
        with platform.sessions.begin() as session:
            recognition_withdraw.lift(session, "542500", by=SYSTEM, at=utc_now())
        platform.peers.forget()


def test_a_region_that_nobody_named_is_indeterminate_with_what_to_do(
    pair: Pair, tmp_path: Path
) -> None:
    stranger = build(tmp_path, plan=RegionPlan("540100", "拉萨市"))
    licence = stranger.issued()
    for given in (licence.claim, stranger.file(licence)):
        report = pair.dingxi.verify(given)
        assert report.outcome is Outcome.INDETERMINATE, report.checks
        assert codes(report)["listed"] == "region_unknown"
    stranger.platform.engine.dispose()


def test_a_stale_trust_list_makes_nothing_pass(pair: Pair) -> None:
    licence = pair.ali.region.issued()
    report = pair.dingxi.verify(licence.claim, at=utc_now() + timedelta(days=8))
    assert report.outcome is Outcome.INDETERMINATE
    assert codes(report)["listed"] == "list_stale"


def test_a_status_signer_that_the_list_has_withdrawn_signs_no_more_lists(pair: Pair) -> None:
    pair.ali.region.issued()
    platform, at = pair.dingxi.platform, utc_now()
    region, document = platform.lists.region("542500"), pair.ali.client.get("/status/1").content
    wanted = platform.peers.status.wanted(region, 1, at=at)
    assert wanted is not None
    assert wanted.read(document).value
    assert region.listed is not None
    ended = tuple(
        replace(each, status=ServiceStatus.WITHDRAWN) if each.kind is ServiceType.STATUS else each
        for each in region.listed.services
    )
    later = replace(region, listed=replace(region.listed, services=ended))
    refusing = platform.peers.status.wanted(later, 1, at=at)
    assert refusing is not None
    with pytest.raises(PeerAnswerRefused):
        refusing.read(document)


def test_a_list_older_than_the_claim_leaves_its_issuer_unknown_and_a_newer_one_refuses_it(
    pair: Pair,
) -> None:
    """An authority that began a moment ago stands in the next list only."""
    elsewhere = pair.dingxi.platform.peers.knowledge
    signed = qr.parse(pair.ali.region.issued().claim)
    signer = elsewhere.of("542500").signer(signed.message.kid)
    assert signer is not None
    unknown_issuer = replace(signed.claim.identifier, issuer="91110000600037341L")
    for hours, code in ((1, "list_stale"), (-1, "not_on_list")):
        made_at = utc_now() + timedelta(hours=hours)
        claim = replace(signed.claim, identifier=unknown_issuer, made_at=made_at)
        told = {each.name: each.code for each in elsewhere.judge(
            Foreign(claim, signer), at=utc_now())}  # fmt: skip
        assert told["listed.issuer"] == code
