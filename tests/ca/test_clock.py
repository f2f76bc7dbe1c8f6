"""A clock that was moved back: nothing is issued, the log rings, and readiness says so."""

import logging
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ca import clock_order, crl, issue
from ca.clock_order import ClockMovedBack
from ca.issue import Order
from ca.ocsp import Responder
from ca.timestamp import Stamper
from server.app import create_app
from tests.ca.requests import NAME, authority, certify
from tests.regions import Region, build
from trust import audit
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import ocsp, private_keys, tst
from trust.crypto.algorithms import KeyKind
from trust.crypto.hashes import Digest, sha256
from trust.crypto.ocsp import Response, ResponseStatus
from trust.crypto.tst import FailureInfo
from trust.errors import Invalid

HOUR = timedelta(hours=1)


def order(region: Region, at: datetime) -> None:
    wanted = Order("seal", NAME, private_keys.generate(KeyKind.SM2).spki)
    issue.issue(
        region.platform.sessions, wanted, issuer="issuing-sm2", keys=region.platform.keys,
        by=SYSTEM, at=at,
    )  # fmt: skip


def test_no_certificate_is_issued_before_the_last_one(
    region: Region, caplog: pytest.LogCaptureFixture
) -> None:
    certify(region, "sm2")
    with caplog.at_level(logging.CRITICAL), pytest.raises(ClockMovedBack) as refused:
        order(region, utc_now() - HOUR)
    assert refused.value.code == "clock_moved_back"
    assert "CLOCK WAS MOVED BACK" in caplog.text
    order(region, utc_now() - timedelta(seconds=0.5))


def test_no_root_and_no_crl_is_made_before_the_last_act(region: Region) -> None:
    certify(region, "sm2")
    platform, at = region.platform, utc_now() - HOUR
    with platform.sessions() as session, pytest.raises(ClockMovedBack):
        crl.publish(session, "issuing-sm2", keys=platform.keys, by=SYSTEM, at=at)
    with pytest.raises(ClockMovedBack):
        issue.create_root(
            platform.sessions, "late-root", subject=NAME, kind=KeyKind.SM2, keys=platform.keys,
            by=SYSTEM, at=at,
        )  # fmt: skip
    assert "late-root" not in platform.keys.ids()


def test_ocsp_gives_no_live_answer_and_the_authority_no_stamp(region: Region) -> None:
    made, platform = certify(region, "sm2"), region.platform
    responder = Responder(platform.reading, platform.keys)
    wanted = ocsp.cert_id(authority(region, "issuing-sm2"), made.serial)
    live = ocsp.write_request(wanted, nonce=bytes(16))
    moved = utc_now() - timedelta(seconds=20)
    refused = responder.answer(live, at=moved)
    assert ocsp.parse_response(refused.der) is ResponseStatus.TRY_LATER
    answer = responder.answer(live, at=utc_now())
    assert isinstance(ocsp.parse_response(answer.der), Response)
    stamper = Stamper(platform.sessions, platform.reading, platform.keys, clock=lambda: moved)
    query = tst.write_request(tst.imprint(Digest.SHA256, sha256(b"x")))
    assert tst.parse_response(stamper.answer(query)) == frozenset({FailureInfo.TIME_NOT_AVAILABLE})


def test_any_act_of_the_future_stops_the_ca_until_then_and_readiness_warns(tmp_path: Path) -> None:
    """In a region of its own: it is stopped for good."""
    region, later = build(tmp_path / "home"), utc_now() + HOUR
    app = create_app(region.platform.settings, platform=region.platform)
    app.state.platform, app.state.clock = region.platform, utc_now
    before = TestClient(app).get("/readyz")
    with region.platform.sessions.begin() as session:
        audit.record(session, "clock.tested", subject="clock", by=SYSTEM, at=later)
    with pytest.raises(ClockMovedBack):
        order(region, utc_now())
    after = TestClient(app).get("/readyz")
    assert [before.status_code, after.status_code] == [200, 200]
    told = [{each["code"] for each in one.json()["warnings"]} for one in (before, after)]
    assert ["clock_moved_back" in codes for codes in told] == [False, True]
    order(region, later)
    with pytest.raises(ClockMovedBack):
        order(region, utc_now())
    with region.platform.sessions.begin() as session:
        clock_order.accept(session, reason="it ran ahead", by=SYSTEM, at=utc_now())
    order(region, utc_now())
    certify(region, "rsa")
    with pytest.raises(ClockMovedBack):
        order(region, utc_now() - HOUR)
    with region.platform.sessions() as session, pytest.raises(Invalid):
        clock_order.accept(session, reason="again", by=SYSTEM, at=later + HOUR)
    region.platform.engine.dispose()
