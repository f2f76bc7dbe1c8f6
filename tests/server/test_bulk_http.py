"""Bulk jobs by page and by API: handed in by a clerk, released by an approver, receipts fetched."""

import json
import time
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from certificates.bulk.models import BulkJob
from tests.certificates.bulk_rows import TYPE, as_csv, as_jsonl, contents
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.identity_site import BROWSER, Visit
from tests.server.test_applications import As
from tests.server.test_applications import bearer as bearer
from trust.crypto import hashes


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


def hand_in(visit: Visit, data: bytes, **values: str) -> str:
    """The address of the job that the form makes."""
    form = visit.get("/desk/bulk").form("/desk/bulk")
    fields = {name: text for name, text in form["fields"].items() if name not in ("file", "stock")}
    answer = visit.http.post(
        form["action"], data=fields | {"type": "11100000MB0143028R001", "form": "csv"} | values,
        files={"file": ("rows", data)}, headers=BROWSER,
    )  # fmt: skip
    visit._land(answer)
    assert answer.status_code in (200, 303), answer.text
    return visit.path


def settled(desk: Desk, where: str, state: str) -> None:
    """The running service brings a job into this state within seconds."""
    key, deadline = UUID(where.rpartition("/")[2]), time.monotonic() + 60
    found = ""
    while time.monotonic() < deadline and found != state:
        with desk.region.platform.reading() as session:
            found = str(session.get_one(BulkJob, key).state)
        time.sleep(0.1)
    assert found == state


def test_a_file_is_handed_in_released_by_another_and_its_receipts_are_fetched(desk: Desk) -> None:
    clerk, approver = desk.visit("market.clerk"), desk.visit("market.approver")
    where = hand_in(clerk, as_csv(contents(2, start=70_000)))
    settled(desk, where, "checked")
    page = clerk.get(where)
    assert "已核对" in page.text
    assert "/act/release" not in page.text  # not to the clerk who handed it in
    asking = approver.get(f"{where}/act/release")
    page = approver.post(asking, "/act/release", understood="yes")
    assert "已放行" in page.text
    assert approver.answer.headers["Refresh"]
    settled(desk, where, "done")
    assert "已完成" in approver.get(where).text
    receipts = approver.http.get(f"{where}/receipts.jsonl", headers=BROWSER).content
    lines = [json.loads(line) for line in receipts.splitlines()]
    assert [line["state"] for line in lines[1:]] == ["issued", "issued"]
    assert hashes.sm3(receipts).hex() in approver.get(where).text


def test_bad_rows_are_named_and_nothing_is_issued_until_somebody_goes_on(desk: Desk) -> None:
    rows = contents(3, start=71_000)
    rows[1]["CZZTDM"] = "91542521MA9QTE10XX"
    rows[2]["KZ_CLRQ"] = "2021061X"
    clerk, approver = desk.visit("market.clerk"), desk.visit("market.approver")
    where = hand_in(clerk, as_csv(rows))
    settled(desk, where, "held")
    page = approver.get(where)
    for shown in ("有不合格行", "CZZTDM", "KZ_CLRQ", "YYYYMMDD"):
        assert shown in page.text
    assert rows[1]["CZZTDM"] not in page.text
    asking = approver.get(f"{where}/act/release")
    assert "不合格" in approver.post(asking, "/act/release", understood="yes").text
    report = clerk.http.get(f"{where}/report.csv", headers=BROWSER).content.decode("utf-8-sig")
    assert [line.split(",")[0] for line in report.splitlines()[1:]] == ["2", "3"]
    asking = approver.get(f"{where}/act/release-good")
    assert "已放行合格的行" in approver.post(asking, "/act/release-good", understood="yes").text


def test_the_same_file_leads_to_the_same_job_and_a_cancelled_one_to_a_new(desk: Desk) -> None:
    clerk, data = desk.visit("market.clerk"), as_csv(contents(2, start=72_000))
    first = hand_in(clerk, data)
    assert hand_in(clerk, data) == first
    page = clerk.get(f"{first}/act/cancel")
    assert "已取消" in clerk.post(page, "/act/cancel", understood="yes").text
    assert hand_in(clerk, data) != first


def test_another_authority_cannot_see_a_job(desk: Desk) -> None:
    where = hand_in(desk.visit("market.clerk"), as_csv(contents(2, start=73_000)))
    stranger = desk.visit("transport.approver")
    stranger.get(where)
    assert stranger.answer.status_code == 404


def test_a_system_hands_rows_in_and_an_approver_releases_them(
    desk: Desk, client: TestClient, bearer: As
) -> None:
    data = as_jsonl(contents(2, start=74_000))
    made = client.post(
        f"/v1/bulk-jobs?type={TYPE}", content=data,
        headers=bearer("market.clerk") | {"Content-Type": "application/x-ndjson"},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    where = made.headers["Location"]
    settled(desk, where, "checked")
    assert client.get(where, headers=bearer("market.clerk")).json()["state"] == "checked"
    early = client.get(f"{where}/receipts", headers=bearer("market.clerk"))
    assert early.status_code == 409
    release = f"{where}/release"
    assert client.post(release, json={}, headers=bearer("market.clerk")).status_code == 403
    done = client.post(release, json={"rows": "all"}, headers=bearer("market.approver"))
    assert done.json()["state"] == "running"
    settled(desk, where, "done")
    assert client.get(where, headers=bearer("market.clerk")).json()["counts"]["issued"] == 2
    receipts = client.get(f"{where}/receipts", headers=bearer("market.clerk")).content
    shown = client.get(where, headers=bearer("market.clerk")).json()
    assert hashes.sm3(receipts).hex() == shown["receipts_sm3"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", b""),
        ("text/csv", b"CZZT,CZZT\n1,2\n"),
        ("text/csv", b'CZZT,CZZTDM\n"open,1\n'),
        ("application/pdf", b"%PDF"),
        ("application/vnd.apache.parquet", b"PAR1 not PAR1"),
    ],
    ids=["empty", "column twice", "open quote", "another kind", "no parquet"],
)
def test_a_file_that_cannot_be_read_is_refused_or_marked_unreadable(
    desk: Desk, client: TestClient, bearer: As, kind: str, body: bytes
) -> None:
    made = client.post(
        f"/v1/bulk-jobs?type={TYPE}", content=body,
        headers=bearer("market.clerk") | {"Content-Type": kind},
    )  # fmt: skip
    if made.status_code == 201:
        where = made.headers["Location"]
        settled(desk, where, "unreadable")
        shown = client.get(where, headers=bearer("market.clerk")).json()
        assert shown["trouble"]
    else:
        assert made.status_code == 422
