"""The verification page with the network gone, in a real browser: good, revoked, tampered, stale,
foreign; by script and by picture; after the service is stopped for good."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import select

from ca import revoke as ca_revoke
from ca.models import Signer
from ca.revoke import Reason
from certificates import offline_bundle, qr_drawing, revoke
from certificates.models import Licence
from certificates.regions import region_list
from certificates.verify_claim import verify_claim
from server import offline
from server.app import create_app
from server.provision import RegionPlan
from tests.regions import Region, build
from tests.server.test_browser import WAIT, outcome, start
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import x509
from trust.crypto.algorithms import Algorithm

TAKE = """
  try { await trustOffline.take(WORDS); return "taken"; } catch (error) { return "refused"; }
"""


class Service:
    """A region's service that can be stopped, and started again on the same port."""

    def __init__(self, region: Region) -> None:
        self.region = region
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        app = create_app(self.region.platform.settings, platform=self.region.platform)
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, access_log=False, log_config=None,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self._server.started

    def stop(self) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join(timeout=20)


@dataclass
class Away:
    """A browser that took its knowledge while there was a network; now the service is gone."""

    browser: webdriver.Chrome
    service: Service
    good: Licence
    revoked: Licence
    foreign: Licence

    def verify(self, text: str) -> str:
        self.browser.get(f"{self.service.address}/v#{text.partition('#')[2]}")
        self.browser.refresh()  # another fragment alone is no new page
        return outcome(self.browser).text

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async () => {{ {script} }})().then(done, (error) => done('thrown ' + error));",
            *arguments,
        )


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    region = build(tmp_path_factory.mktemp("offline"))
    other = build(tmp_path_factory.mktemp("foreign"), plan=RegionPlan("621100", "定西市"))
    service = Service(region)
    good, gone, foreign = region.issued(), region.issued("food-business-licence"), other.issued()
    with region.platform.sessions.begin() as session:
        revoke.revoke(
            session, gone.identifier, reason="检查", by=region.caller("market.approver"),
            at=utc_now(), vault=region.platform.vault,
        )  # fmt: skip
    service.start()
    browser = start(tmp_path_factory.mktemp("profile"))
    browser.get(f"{service.address}/verify")
    WebDriverWait(browser, WAIT).until(
        lambda driver: "阿里地区" in driver.find_element(By.ID, "offline-state").text
    )
    found = Away(browser, service, good, gone, foreign)
    found.run("await navigator.serviceWorker.ready; await caches.keys(); return 1")
    WebDriverWait(browser, WAIT).until(
        lambda driver: driver.execute_script("return Boolean(navigator.serviceWorker.controller)")
    )
    service.stop()
    yield found
    browser.quit()
    for each in (region, other):
        each.platform.engine.dispose()


def page_text(away: Away) -> str:
    return away.browser.find_element(By.TAG_NAME, "main").text


def test_a_good_licence_passes_without_a_network_and_the_age_is_shown(away: Away) -> None:
    assert "真实有效" in away.verify(away.good.claim) or "通过" in away.verify(away.good.claim)
    told = page_text(away)
    assert "离线结果" in told
    assert "小时前的状态列表" in told
    assert away.good.identifier in told


def test_a_revoked_licence_fails_without_a_network(away: Away) -> None:
    away.verify(away.revoked.claim)
    assert "注销、撤销或吊销" in page_text(away)
    assert away.browser.find_elements(By.CSS_SELECTOR, ".banner.failed")


def test_a_tampered_code_fails_and_nothing_of_it_is_repeated(away: Away) -> None:
    base, _, claim = away.good.claim.partition("#")
    middle = len(claim) // 2
    changed = claim[:middle] + ("A" if claim[middle] != "A" else "B") + claim[middle + 1 :]
    away.verify(f"{base}#{changed}")
    assert away.browser.find_elements(By.CSS_SELECTOR, ".banner.failed")
    assert away.good.identifier not in page_text(away)


def test_a_code_of_a_region_nobody_here_knows_is_not_judged(away: Away) -> None:
    away.verify(away.foreign.claim)
    assert away.browser.find_elements(By.CSS_SELECTOR, ".banner.indeterminate")
    assert away.foreign.identifier not in page_text(away)


def judged(away: Away, text: str, *, later: timedelta = timedelta()) -> dict[str, Any]:
    script = """
      const known = await trustOffline.kept();
      return JSON.stringify(await trustOffline.judge(WORDS, known, Date.now() + LATER));
    """
    milliseconds = str(int(later.total_seconds() * 1000))
    found = away.run(script.replace("WORDS", json.dumps(text)).replace("LATER", milliseconds))
    report: dict[str, Any] = json.loads(found)
    return report


def codes(report: dict[str, Any]) -> dict[str, str]:
    return {check["code"]: check["outcome"] for check in report["checks"]}


def test_old_knowledge_says_that_it_does_not_know(away: Away) -> None:
    away.browser.get(f"{away.service.address}/verify")
    assert judged(away, away.good.claim)["outcome"] == "PASSED"
    for later in (timedelta(hours=25), timedelta(days=8), timedelta(days=-2)):
        report = judged(away, away.good.claim, later=later)
        assert report["outcome"] != "PASSED"
    stale = judged(away, away.good.claim, later=timedelta(hours=25))
    assert stale["outcome"] == "INDETERMINATE"
    assert codes(stale)["state_unknown"] == "INDETERMINATE"
    assert codes(judged(away, away.good.claim, later=timedelta(days=8)))["list_stale"]


def test_no_changed_character_of_a_code_passes(away: Away) -> None:
    """Every one of a sample of positions, replaced by another character of the alphabet."""
    away.browser.get(f"{away.service.address}/verify")
    claim = away.good.claim.partition("#")[2]
    script = """
      const known = await trustOffline.kept();
      const words = WORDS;
      const outcomes = [];
      for (let at = 0; at < words.length; at += 3) {
        const other = words[at] === "A" ? "B" : "A";
        const changed = words.slice(0, at) + other + words.slice(at + 1);
        const report = await trustOffline.judge(changed, known, Date.now());
        outcomes.push(report.outcome + (report.licence ? " shown" : ""));
      }
      return outcomes.join();
    """
    found = set(str(away.run(script.replace("WORDS", json.dumps(claim)))).split(","))
    assert found <= {"FAILED", "INDETERMINATE"}


def test_a_judgement_takes_less_than_a_second_on_a_slow_phone(away: Away) -> None:
    """CPU throttled four times; the first judgement, with nothing precomputed."""
    away.browser.get(f"{away.service.address}/verify")
    away.browser.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 4})
    script = """
      const known = await trustOffline.kept();
      const began = performance.now();
      const report = await trustOffline.judge(WORDS, known, Date.now());
      return report.outcome + " " + (performance.now() - began);
    """.replace("WORDS", json.dumps(away.good.claim))
    try:
        word, spent = str(away.run(script)).split()
    finally:
        away.browser.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 1})
    assert word == "PASSED"
    assert float(spent) < 1000


def test_a_picture_of_the_code_is_read_on_the_device(away: Away, tmp_path: Path) -> None:
    picture = tmp_path / "code.png"
    qr_drawing.picture(away.good.claim).save(picture)
    away.browser.get(f"{away.service.address}/verify")
    away.browser.execute_script("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    away.browser.find_element(By.ID, "file").send_keys(str(picture))
    away.browser.find_element(By.CSS_SELECTOR, "#upload button").click()
    outcome(away.browser)
    assert away.good.identifier in page_text(away)


def test_knowledge_that_is_forged_older_or_by_a_stranger_is_refused(
    away: Away, tmp_path: Path
) -> None:
    away.browser.get(f"{away.service.address}/verify")
    region = away.service.region.platform
    older = offline.write(region, at=utc_now())
    time.sleep(1.1)  # bundles are dated to the second
    newer = offline.write(region, at=utc_now())
    stranger = build(tmp_path / "stranger", plan=RegionPlan("542500", "阿里地区"), fresh=True)
    strange = offline.write(stranger.platform, at=utc_now())
    stranger.platform.engine.dispose()
    forged = newer.replace("阿里地区".encode(), "阿里地方".encode(), 1)

    def offered(document: bytes) -> str:
        return str(away.run(TAKE.replace("WORDS", json.dumps(document.decode()))))

    assert [offered(each) for each in (forged, strange, b"{}", b"x")] == ["refused"] * 4
    assert offered(newer) == "taken"
    assert offered(older) == "refused"


def test_what_the_page_judges_the_service_judges_alike(away: Away) -> None:
    """The same claim, the same outcome, at the same moment."""
    away.browser.get(f"{away.service.address}/verify")
    for licence in (away.good, away.revoked, away.foreign):
        by_service = verify_claim(
            licence.claim, away.service.region.platform.knowledge, at=utc_now()
        )
        assert judged(away, licence.claim)["outcome"] == str(by_service.outcome)


def test_a_bundle_is_read_as_it_was_written(away: Away) -> None:
    data = offline.write(away.service.region.platform, at=utc_now())
    found = offline_bundle.parse(data)
    assert [entry.region for entry in found.entries] == ["542500"]
    assert found.jws.algorithm is Algorithm.ES256


def test_codes_of_every_region_in_the_bundle_are_read_sm2_and_es256_alike(
    away: Away, tmp_path: Path
) -> None:
    plan = RegionPlan("361000", "抚州市", claim_algorithm=Algorithm.ES256)
    third = build(tmp_path / "third", plan=plan)
    made = third.issued("food-business-licence")
    at = utc_now()
    with third.platform.reading() as session:
        entry = offline.own_entry(session, third.platform, at=at)
    time.sleep(1.1)
    document = offline.write(
        away.service.region.platform, at=utc_now(), foreign=lambda *, at: [entry]
    )
    away.browser.get(f"{away.service.address}/verify")
    away.run(f"await trustOffline.take({json.dumps(document.decode())}); return 1")
    for licence, outcome_wanted in (
        (made, "PASSED"), (away.good, "PASSED"), (away.revoked, "FAILED"),
        (away.foreign, "INDETERMINATE"),
    ):  # fmt: skip
        assert judged(away, licence.claim)["outcome"] == outcome_wanted
    third.platform.engine.dispose()


def _only(entry: offline_bundle.Entry, *, at: datetime) -> list[offline_bundle.Entry]:
    return [entry]


def test_a_list_that_another_region_signed_is_refused(away: Away, tmp_path: Path) -> None:
    """The bundle's signer vouches for who signs a region's list, and for nothing in it."""
    other = build(tmp_path / "other", plan=RegionPlan("621100", "定西市"))
    with other.platform.reading() as session:
        entry = offline.own_entry(session, other.platform, at=utc_now())
    with away.service.region.platform.reading() as session:
        own = offline.own_entry(session, away.service.region.platform, at=utc_now())
    wrong = [
        replace(entry, list_signers=own.list_signers),
        replace(entry, region="542600"),
        replace(entry, status=own.status),
    ]
    away.browser.get(f"{away.service.address}/verify")
    for each in wrong:
        time.sleep(1.1)
        platform = away.service.region.platform
        document = offline.write(platform, at=utc_now(), foreign=partial(_only, each))
        assert away.run(TAKE.replace("WORDS", json.dumps(document.decode()))) == "refused"
    other.platform.engine.dispose()


def test_a_list_signed_by_a_stolen_status_signer_tells_no_state(away: Away, tmp_path: Path) -> None:
    """Whoever has the key would make revoked licences valid again, for every device offline."""
    other = build(tmp_path / "stolen", plan=RegionPlan("361000", "抚州市"))
    licence, platform = other.issued("food-business-licence"), other.platform
    with platform.reading() as session:
        entry = offline.own_entry(session, platform, at=utc_now())
        (row,) = session.scalars(select(Signer).where(Signer.purpose == "status-signer"))
    assert entry.status
    with platform.sessions.begin() as session:
        ca_revoke.revoke(
            session, issuer=row.issuer, reason=Reason.KEY_COMPROMISE, by=SYSTEM, at=utc_now(),
            serial=x509.parse_certificate(row.certificate).serial,
        )  # fmt: skip
    with platform.sessions.begin() as session:
        at = utc_now() + timedelta(minutes=11)
        listed = region_list.current(session, keys=platform.keys, at=at, issuer="")
    assert b"compromised" in listed.document
    stolen = replace(entry, trust_list=listed.document)
    away.browser.get(f"{away.service.address}/verify")
    time.sleep(1.1)
    document = offline.write(
        away.service.region.platform, at=utc_now(), foreign=partial(_only, stolen)
    )
    assert away.run(TAKE.replace("WORDS", json.dumps(document.decode()))) == "taken"
    report = judged(away, licence.claim)
    assert (report["outcome"], codes(report)["state_unknown"]) == (
        "INDETERMINATE", "INDETERMINATE"
    )  # fmt: skip
    platform.engine.dispose()


def test_a_region_that_lists_anothers_key_does_not_make_its_codes_false(away: Away) -> None:
    away.browser.get(f"{away.service.address}/verify")
    outcome_now = away.run(
        """
        const known = await trustOffline.kept();
        const [first] = known.regions;
        const rows = first.signers.map((each) => ({ ...each, region: "999999" }));
        known.regions.unshift({ ...first, region: "999999", signers: rows });
        return (await trustOffline.judge(arguments[0], known, Date.now())).outcome;
        """.replace("arguments[0]", json.dumps(away.good.claim))
    )
    assert outcome_now == "PASSED"
