"""Mutual recognition by command, over HTTP and on the administrators' page: two real regions."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from server import cli, health
from server.app import create_app
from server.commands import lists as list_command
from server.commands import region_trust
from server.provision import RegionPlan
from tests.regions import MARKET, Region, build
from tests.server.desk import Desk, open_desk
from tests.trust.listing import Web
from trust import lists, lists_xml_read, recognition_withdraw
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import x509

URI = "https://ali.example/trust-list"


@dataclass
class Pair:
    """A region that relies, and what another one publishes."""

    region: Region
    web: Web
    signer: Path


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    found = build(tmp_path_factory.mktemp("other"))
    yield found
    found.platform.engine.dispose()


@pytest.fixture(scope="module")
def pair(other: Region, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    home = tmp_path_factory.mktemp("pair")
    region = build(home / "home", plan=RegionPlan("621100", "定西市"))
    with TestClient(create_app(other.platform.settings, platform=other.platform)) as client:
        document = client.get("/trust-list").content
    (der, *_) = lists.parse(document).jws.certificates()
    signer = home / "signer.pem"
    signer.write_bytes(pem("CERTIFICATE", der))
    yield Pair(region, Web({URI: document}), signer)
    region.platform.engine.dispose()


@pytest.fixture
def run(pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Run":
    """The command line in that region's home, the web faked."""
    settings = pair.region.platform.settings
    assert isinstance(settings.key_passphrase, SecretStr)
    monkeypatch.setenv("TRUST_HOME", str(settings.home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", settings.key_passphrase.get_secret_value())
    monkeypatch.setenv("TRUST_DEVELOPMENT", "1")
    monkeypatch.setattr(list_command, "Fetcher", lambda: pair.web)
    return Run(capsys)


@dataclass
class Run:
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str, code: int = 0) -> str:
        self.capsys.readouterr()
        assert cli.main(list(words)) == code
        return self.capsys.readouterr().out


def test_a_region_is_added_fetched_shown_and_recognised_by_command(run: Run, pair: Pair) -> None:
    assert "无" not in run("list", "show")
    run("region", "add", "542500", "--uri", URI, "--signer", str(pair.signer), "--point")
    assert "542500  unknown" in run("region", "list")
    run("list", "show", "542500", code=2)
    assert "✓ 542500 accepted" in run("list", "fetch")
    assert "✓ 542500 unchanged" in run("list", "fetch", "542500")
    told = json.loads(run("list", "show", "--json"))
    assert told["regions"][0]["freshness"] == "fresh"
    shown = run("list", "show", "542500")
    assert "claim-signer" in shown
    assert "granted" in shown
    assert "→ 542500" in (run("list", "publish") and run("list", "show", "621100"))
    run("region", "policy", "542500", "--say", "full")
    run("region", "policy", "542500", "--type", "T1", "--say", "conditional", "--level", "2",
        "--seal", "licence", "--map-type", "X=T1")  # fmt: skip
    policy = run("region", "policy", "542500")
    assert re.search(r"542500  \* +full +always", policy)
    assert '"level": 2' in policy
    assert "type X = T1" in policy


def test_a_list_in_a_file_is_judged_by_who_is_named_for_it(
    run: Run, pair: Pair, tmp_path: Path
) -> None:
    run("list", "publish", "--out", str(tmp_path))
    assert "✓ 621100" in run("list", "verify", str(tmp_path / "trust-list.json"))
    good = tmp_path / "ali.json"
    good.write_bytes(pair.web.pages[URI])
    assert "✓ 542500" in run("list", "verify", str(good))
    bad = tmp_path / "bad.json"
    bad.write_bytes(good.read_bytes().replace(b"tsa", b"tsb", 1))
    assert "[list_signature_wrong]" in run("list", "verify", str(bad), code=1)
    xml = str(tmp_path / "trust-list.xml")
    assert "[list_signer_unknown]" in run(
        "list", "verify", xml, "--signer", str(pair.signer), code=1
    )
    assert "[list_expired]" in run("list", "verify", str(good), "--at", "2040-01-01", code=1)


def test_what_is_refused_ends_with_1_and_what_does_not_come_with_2(run: Run, pair: Pair) -> None:
    good = pair.web.pages[URI]
    try:
        pair.web.pages[URI] = good.replace(b"tsa", b"tsb", 1)
        assert "list_signature_wrong" in run("list", "fetch", code=1)
        del pair.web.pages[URI]
        assert "list_unreachable" in run("list", "fetch", code=2)
    finally:
        pair.web.pages[URI] = good
    (alarm,) = [
        each for each in json.loads(run("list", "show", "--json"))["alarms"]
        if each["code"] == "list_signature_wrong"
    ]  # fmt: skip
    warned = health.warnings(pair.region.platform, utc_now())
    assert ("trust_list 542500", "list_signature_wrong") in [(w.what, w.code) for w in warned]
    run("list", "settle", str(alarm["number"]))
    run("list", "fetch")
    assert json.loads(run("list", "show", "--json"))["alarms"] == []


def test_a_withdrawal_is_tried_dry_then_done_then_taken_back(run: Run, pair: Pair) -> None:
    with pair.region.platform.sessions.begin() as session:
        recognition_withdraw.note_seen(
            session, "a/licence", region="542500", type_code="T1", issuer="", issued_at=None,
            at=utc_now(),
        )  # fmt: skip
    dry = json.loads(run("region", "withdraw", "542500", "--dry-run", "--json"))
    assert (dry["licences"], dry["falling"], dry["by_type"]) == (1, 1, {"T1": 1})
    assert "withdrawn" not in run("region", "policy", "542500")
    run("region", "withdraw", "542500", code=65)  # without its basis
    assert "证照" in run("region", "withdraw", "542500", "--basis", "第 1 条")
    assert "withdrawn all" in run("region", "policy", "542500")
    run("region", "restore", "542500")
    assert "withdrawn" not in run("region", "policy", "542500")


def test_other_signers_are_pinned_and_a_source_dropped(run: Run, pair: Pair) -> None:
    run("region", "pin", "542500", "--signer", str(pair.signer))
    run("region", "drop", "542500")
    assert '"dropped": true' in run("region", "list", "--json")
    run("region", "drop", "542500", code=67)
    run("region", "add", "542500", "--uri", URI, "--signer", str(pair.signer))
    run("region", "add", "542500", "--uri", URI, "--signer", str(pair.signer), code=75)


def test_an_authority_that_issues_no_more_is_withdrawn_in_the_next_list(run: Run) -> None:
    run("list", "notice", MARKET.code, "--status", "withdrawn")
    office = next(
        line for line in run("list", "show", "621100").splitlines() if MARKET.code in line
    )
    assert re.search(r"withdrawn \S+ < granted", office)
    run("list", "notice", "91110000600037341L", "--status", "withdrawn", code=67)


@pytest.mark.parametrize(
    "words",
    [
        ("region", "policy", "542500", "--say", "full", "--level", "2"),
        ("region", "add", "54250", "--uri", URI),
        ("region", "add", "542501", "--uri", "ftp://x"),
    ],
    ids=["rule", "code", "address"],
)
def test_what_is_off_is_refused_in_one_line(run: Run, pair: Pair, words: tuple[str, ...]) -> None:
    more = ("--signer", str(pair.signer)) if words[1] == "add" else ()
    assert run(*words, *more, code=65) == ""


# Over HTTP


def test_both_forms_are_published_with_an_etag(other: Region) -> None:
    with TestClient(create_app(other.platform.settings, platform=other.platform)) as client:
        for path, kind in (("/trust-list", "application/json"),
                           ("/trust-list.xml", "application/vnd.etsi.tsl+xml")):  # fmt: skip
            answer = client.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(kind)
            again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 304
        listed = lists.parse(client.get("/trust-list").content)
        signer = x509.parse_certificate(listed.jws.certificates()[0])
        xml = lists_xml_read.judge(
            client.get("/trust-list.xml").content, signers=[signer], at=utc_now()
        )
    assert xml.sequence == listed.sequence


# On the page


@pytest.fixture(scope="module")
def site(pair: Pair) -> Iterator[FastAPI]:
    app = create_app(pair.region.platform.settings, platform=pair.region.platform)
    with TestClient(app):
        yield app


@pytest.fixture(scope="module")
def desk(site: FastAPI, pair: Pair) -> Desk:
    return open_desk(site, pair.region)


def token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found.group(1)


def test_the_page_shows_lists_and_alarms_and_sets_rules(desk: Desk, pair: Pair) -> None:
    visit = desk.visit("desk.system")
    page = visit.http.get("/admin/trust")
    assert page.status_code == 200
    assert "542500" in page.text
    answer = visit.http.post("/admin/trust/rule", data={
        "csrf": token(page.text), "region": "542500", "type": "T9", "verdict": "conditional",
        "level": "3", "seals": "licence，statutory", "fields": "", "since": "2026-01-01T08:00",
    })  # fmt: skip
    assert answer.status_code == 303
    assert "T9" in visit.http.get("/admin/trust").text
    bad = visit.http.post("/admin/trust/rule", data={
        "csrf": token(page.text), "region": "542500", "verdict": "conditional",
    })  # fmt: skip
    assert bad.status_code == 422
    assert "至少一项条件" in bad.text
    odd = visit.http.post("/admin/trust/rule", data={"csrf": token(page.text), "verdict": "x"})
    assert odd.status_code == 422
    region = visit.http.get("/admin/trust/region?code=542500")
    assert region.status_code == 200
    assert "定西市统一身份认证" in region.text
    assert "datetime" not in region.text
    assert visit.http.get("/admin/trust/region?code=999999").status_code == 404


def test_a_withdrawal_on_the_page_shows_what_falls_first(desk: Desk) -> None:
    visit = desk.visit("desk.system")
    page = visit.http.get("/admin/trust/withdraw?region=542500")
    form = {"csrf": token(page.text), "region": "542500", "issuer": "", "since": "",
            "basis": "第 1 条", "compromised": "yes"}  # fmt: skip
    shown = visit.http.post("/admin/trust/withdraw", data=form)
    assert shown.status_code == 200
    assert "将失效的内容" in shown.text
    refused = visit.http.post("/admin/trust/withdraw", data=form | {"act": "yes"})
    assert refused.status_code == 422
    done = visit.http.post("/admin/trust/withdraw", data=form | {"act": "yes", "understood": "yes"})
    assert done.status_code == 303
    page = visit.http.get("/admin/trust?done=withdrawn")
    assert "已停止互认" in page.text
    back = visit.http.post(
        "/admin/trust/restore", data={"csrf": token(page.text), "region": "542500", "issuer": ""}
    )
    assert back.status_code == 303


def test_a_withdrawal_wants_a_fresh_sign_in(desk: Desk) -> None:
    visit = desk.visit("desk.system", minutes_ago=600)
    page = visit.http.get("/admin/trust/withdraw?region=542500")
    form = {"csrf": token(page.text), "region": "542500", "basis": "x", "act": "yes",
            "understood": "yes"}  # fmt: skip
    assert visit.http.post("/admin/trust/withdraw", data=form).status_code in (401, 403)


def test_auditors_look_and_change_nothing(desk: Desk) -> None:
    visit = desk.visit("desk.audit")
    page = visit.http.get("/admin/trust")
    assert page.status_code == 200
    assert "/admin/trust/rule" not in page.text
    for path in ("rule", "fetch", "settle", "withdraw", "restore"):
        answer = visit.http.post(f"/admin/trust/{path}", data={"csrf": "none"})
        assert answer.status_code == 403
    assert desk.visit("desk.ca").http.get("/admin/trust").status_code == 403


def test_region_commands_read_times_in_china() -> None:
    assert region_trust._moment("2026-11-22T08:00").isoformat() == "2026-11-22T08:00:00+08:00"
