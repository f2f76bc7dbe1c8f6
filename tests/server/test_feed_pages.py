"""Administrators' pages for webhooks, reporting and counters, and the same over HTTP."""

import re
import zipfile
from io import BytesIO

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from certificates.feeds import webhooks
from certificates.feeds.reporting_models import ReportRow, RowState
from certificates.feeds.webhooks_models import WebhookDelivery
from server import feeds
from server.cli import main
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.test_applications import As
from tests.server.test_applications import bearer as bearer
from trust.access import SYSTEM
from trust.clock import utc_now


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


def test_a_receiver_is_added_on_the_page_and_its_secret_shown_once(desk: Desk) -> None:
    visit = desk.visit("desk.system")
    page = visit.post(
        visit.get("/admin/feed/new"), "/feed/new", name="信用平台", signature="sm3",
        url="https://credit.example/hook", **{"kind.revoked": "yes"},
    )  # fmt: skip
    assert "whsec_" in page.text
    with desk.provider.reading() as session:
        row = next(each for each in webhooks.every(session) if each.name == "信用平台")
    assert (row.kinds, row.signature) == (["revoked"], "sm3")
    assert "whsec_" not in visit.get(f"/admin/feed?id={row.id}").text


def test_a_wrong_address_is_told_in_two_languages_and_the_rest_kept(desk: Desk) -> None:
    visit = desk.visit("desk.system")
    page = visit.post(
        visit.get("/admin/feed/new"), "/feed/new", name="档案系统", url="http://a.example/"
    )
    assert "地址须为 https" in page.text
    assert page.form("/feed/new")["fields"]["name"] == "档案系统"


@pytest.mark.parametrize("path", ["/admin/feeds", "/admin/reporting", "/admin/counters"])
def test_auditors_look_and_others_do_not(desk: Desk, path: str) -> None:
    for name, status in (("desk.audit", 200), ("market.clerk", 403)):
        visit = desk.visit(name)
        visit.get(path)
        assert visit.answer.status_code == status


def test_an_auditor_changes_nothing(desk: Desk) -> None:
    visit = desk.visit("desk.audit")
    visit.post(visit.get("/admin/feed/new"), "/feed/new", name="x", url="https://a.example/")
    assert visit.answer.status_code == 403


def test_a_dead_letter_is_retried_from_the_page(desk: Desk, served: Served) -> None:
    platform = served.region.platform
    with platform.sessions.begin() as session:
        made = webhooks.subscribe(
            session, webhooks.Wanted("监察", "https://127.0.0.1:9/"), vault=platform.vault,
            by=SYSTEM, at=utc_now(), allow_private=False,
        )  # fmt: skip
    licence = served.region.issued()
    feeds.route_all(platform, utc_now)
    with platform.sessions.begin() as session:
        for row in webhooks.deliveries(session, made.id):
            session.get_one(WebhookDelivery, row.id).state = "dead"
    visit = desk.visit("desk.system")
    page = visit.get(f"/admin/feed?id={made.id}&state=dead")
    assert page.text.count("已放弃 given up") >= 1
    assert licence.holder_public not in page.text
    page = visit.post(page, "/feed/retry")
    assert re.search(r"[1-9]\d* 条消息已重新排队", page.text)
    page = visit.post(page, "/feed/remove")
    assert "请先勾选确认" in page.text
    visit.post(page, "/feed/remove", understood="yes")
    with platform.reading() as session:
        assert made.id not in {row.id for row in webhooks.every(session)}


def test_a_rejected_row_is_sent_again_from_the_page(desk: Desk, served: Served) -> None:
    platform = served.region.platform
    licence = served.region.issued()
    feeds.route_all(platform, utc_now)
    with platform.sessions.begin() as session:
        row = session.scalars(
            select(ReportRow).where(ReportRow.licence == licence.identifier)
        ).one()
        row.state, row.remark = RowState.REJECTED, "类型未登记 / unknown type"
    visit = desk.visit("desk.system")
    page = visit.get("/admin/reporting")
    assert "类型未登记" in page.text
    assert "1 行将重新上报" in visit.post(page, "/reporting/resend").text


def test_receivers_over_http(client: TestClient, bearer: As, desk: Desk) -> None:
    admin, clerk = bearer("desk.system"), bearer("market.clerk")
    wanted = {"name": "x", "url": "https://a.example/hook", "kinds": ["issued"]}
    assert client.post("/v1/webhooks", json=wanted).status_code == 401
    assert client.post("/v1/webhooks", json=wanted, headers=clerk).status_code == 403
    bad = client.post("/v1/webhooks", json=wanted | {"kinds": ["nothing"]}, headers=admin)
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_subscription")
    made = client.post("/v1/webhooks", json=wanted, headers=admin)
    assert made.status_code == 201
    key = made.json()["id"]
    listed = client.get("/v1/webhooks", headers=admin)
    assert "whsec_" not in listed.text
    assert key in {each["id"] for each in listed.json()}
    assert client.post(f"/v1/webhooks/{key}/pause", headers=admin).status_code == 204
    replayed = client.post(f"/v1/webhooks/{key}/replay", json={"first": 1}, headers=admin)
    assert replayed.status_code == 200
    found = client.get(f"/v1/webhooks/{key}/deliveries", headers=admin).json()
    assert len(found) == replayed.json()["messages"]
    assert client.delete(f"/v1/webhooks/{key}", headers=admin).status_code == 204
    assert client.get(f"/v1/webhooks/{key}/deliveries", headers=admin).status_code == 404


def test_counters_name_numbers_only(
    client: TestClient,
    bearer: As,
    served: Served,
    desk: Desk,
) -> None:
    admin = bearer("desk.system")
    counted = client.get("/v1/counters", headers=admin).json()
    issued = [each for each in counted if each["event"] == "issued"]
    assert sum(each["total"] for each in issued) >= 1
    text = client.get("/v1/counters", headers=admin | {"Accept": "text/plain"})
    assert text.headers["content-type"].startswith("text/plain")
    assert 'event="issued"' in text.text
    assert served.licence.holder_public not in text.text
    assert client.get("/v1/counters", headers=bearer("market.clerk")).status_code == 403
    far = client.get("/v1/counters?first=2020-01-01&last=2026-01-01", headers=admin)
    assert far.status_code == 422


def test_an_archive_is_for_the_issuers_people_and_archive_systems(
    client: TestClient,
    bearer: As,
    served: Served,
    desk: Desk,
) -> None:
    path = f"/v1/licences/{served.licence.identifier}/archive"
    got = client.get(path, headers=bearer("market.clerk"))
    assert got.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(got.content)) as opened:
        assert opened.read("licence.pdf") == served.pdf
    assert client.get(path, headers=bearer("desk.system")).status_code == 403
    assert client.get(path, headers=bearer("transport.clerk")).status_code == 404
    assert client.get(path).status_code == 401


def test_the_command_packs_and_judges(
    served: Served, tmp_path: object, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    settings = served.region.platform.settings
    monkeypatch.setenv("TRUST_HOME", str(settings.home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", "a passphrase of the tests")
    monkeypatch.setenv("TRUST_DEVELOPMENT", "true")
    out = f"{tmp_path}/package.zip"
    assert main(["archive", served.licence.identifier, "--out", out]) == 0
    assert main(["archive", "--verify", out]) == 0
    monkeypatch.setenv("TRUST_HOME", f"{tmp_path}/nothing")
    assert main(["archive", "--verify", out]) == 2
    with open(out, "r+b") as file:
        file.seek(5000)
        file.write(b"!!!!")
    assert main(["archive", "--verify", out]) == 1
    assert "[part_changed]" in capsys.readouterr().out
    assert main(["archive"]) == 64
