"""The desk's pages of seals, by forms alone: applied for, decided, made, used, frozen, ended."""

import csv
import io

import pytest
from fastapi.testclient import TestClient

from certificates.models import Authority
from seal import use
from seal.grants import Terms
from seal.ledger import Use
from seal.models import SealKind
from seal.request import Wanted
from tests.regions import MARKET
from tests.seal import living
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.identity_site import BROWSER, Page, Visit
from trust.access import Role
from trust.clock import utc_now
from trust.errors import TrustError

NAME = f"{MARKET.name}行政审批专用章"
NUMERALS = "一二三四五六七八"
SQUARE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
    b'<circle cx="20" cy="20" r="19"/></svg>'
)


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


def apply(visit: Visit, files: dict[str, tuple[str, bytes]] | None = None, **values: str) -> Page:
    """The form of an application, sent as browsers send forms with a file."""
    form = visit.get("/desk/seal-requests/new").form("/new")
    typed = {"kind": "special", "name": NAME} | values
    fields = {name: text for name, text in form["fields"].items() if name != "picture"} | typed
    answer = visit.http.post(
        form["action"], data=fields, files=files or {"picture": ("", b"")}, headers=BROWSER
    )
    return visit._land(answer)


def act(visit: Visit, where: str, name: str, **values: str) -> Page:
    """The page that asks, and its form."""
    page = visit.get(f"{where}/act/{name}")
    return visit.post(page, f"/act/{name}", understood="yes", **values)


@pytest.fixture
def applied(desk: Desk) -> str:
    """The address of an application by the market's clerk."""
    visit = desk.visit("market.clerk")
    apply(visit)
    assert visit.answer.status_code == 200, visit.answer.text
    return visit.path


@pytest.fixture
def made(desk: Desk, applied: str) -> str:
    """The address of a seal that was made through the pages."""
    act(desk.visit("market.seal"), applied, "approve")
    visit = desk.visit("desk.region")
    page = act(visit, applied, "make")
    assert "已制作、备案并启用" in page.text
    return next(each["href"] for each in page.all("a") if each["href"].startswith("/desk/seals/"))


def test_a_seal_lives_through_the_forms(desk: Desk, made: str) -> None:
    admin, region = desk.visit("market.seal"), desk.visit("desk.region")
    assert NAME in admin.get("/desk/seals").text
    for name, state in (("freeze", "已冻结"), ("unfreeze", "使用中")):
        page = act(admin, made, name, reason="遗失 <b>")
        assert state in page.text
    assert "遗失 &lt;b&gt;" in admin.answer.text
    page = act(region, made, "remake", reason="证书到期")
    assert page.text.count("旧") >= 2  # its two former certificates
    assert "已注销" in act(admin, made, "cancel", reason="更名").text
    page = act(region, made, "invalidate", reason="违规制作")
    assert "无效" in page.text
    for who in ("market.clerk", "market.seal", "desk.region"):
        assert who in page.text
    assert [each for each in page.all("a") if "/act/" in each.get("href", "")] == []


def test_the_picture_is_shown_as_a_picture_and_runs_nothing(desk: Desk, made: str) -> None:
    visit = desk.visit("market.seal")
    visit.get(f"{made}/picture")
    assert visit.answer.headers["content-type"] == "image/svg+xml"
    assert visit.answer.headers["content-security-policy"] == "default-src 'none'"
    assert visit.answer.content.startswith(b"<svg")


def test_an_act_for_good_wants_a_fresh_sign_in_and_its_box(desk: Desk, made: str) -> None:
    stale = desk.visit("market.seal", minutes_ago=31)
    page = stale.get(f"{made}/act/cancel")
    assert "30 分钟" in page.text
    assert not [form for form in page.forms if form["action"].endswith("/cancel")]
    fresh = desk.visit("market.seal")
    form = fresh.get(f"{made}/act/cancel").form("/cancel")["fields"]
    token = stale.get(f"{made}/act/freeze").form("/freeze")["fields"]["csrf"]
    sent = {"csrf": token, "reason": "更名", "understood": "yes"}
    answer = stale.http.post(f"{made}/act/cancel", data=sent, headers=BROWSER)
    assert answer.status_code == 403
    answer = fresh.http.post(f"{made}/act/cancel", data=form | {"reason": "x"}, headers=BROWSER)
    assert answer.status_code == 422
    assert "请先勾选" in answer.text
    assert "使用中" in fresh.get(made).text
    act(stale, made, "freeze", reason="可恢复")  # what can be undone does not
    assert "已冻结" in fresh.get(made).text


@pytest.mark.parametrize("reason", ["", "   ", "一" * 501, "行\n行"])
def test_a_change_without_a_usable_reason_is_refused_on_its_page(
    desk: Desk, made: str, reason: str
) -> None:
    visit = desk.visit("market.seal")
    page = act(visit, made, "freeze", reason=reason)
    assert visit.answer.status_code == 422
    assert [each for each in page.all("div") if each.get("role") == "alert"]
    assert "使用中" in visit.get(made).text


def test_nobody_decides_on_their_own_application_and_who_decided_does_not_make(desk: Desk) -> None:
    own = desk.visit("market.seal")
    apply(own, name=f"{MARKET.name}财务专用章")
    where = own.path
    assert "批准申请" not in own.get(where).text
    act(own, where, "approve")
    assert own.answer.status_code == 403
    assert "必须是不同的人" in own.answer.text
    region = desk.visit("desk.region")
    act(region, where, "approve")
    assert "制作并备案" not in region.get(where).text
    act(region, where, "make")
    assert region.answer.status_code == 403


def test_a_refused_application_says_why(desk: Desk, applied: str) -> None:
    visit = desk.visit("market.seal")
    page = act(visit, applied, "refuse", reason="与现有印章重复")
    assert "不予批准" in page.text
    assert "与现有印章重复" in desk.visit("market.clerk").get(applied).text
    act(visit, applied, "approve")
    assert visit.answer.status_code == 409


@pytest.mark.parametrize(
    ("picture", "status"),
    [
        (SQUARE, 200), (b"GIF89a", 422), (b"\x89PNG\r\n\x1a\nnone", 422),
        (SQUARE.replace(b"<circle", b"<script>alert(1)</script><circle"), 422),
        (SQUARE + b" " * 600_000, 422),
    ],
)  # fmt: skip
def test_a_picture_is_uploaded_and_checked(desk: Desk, picture: bytes, status: int) -> None:
    visit = desk.visit("market.clerk")
    page = apply(visit, {"picture": ("seal.svg", picture)})
    assert visit.answer.status_code == status, page.text
    if status == 200:
        assert "40 × 40 mm, 上传" in page.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": ""}, {"kind": "emperor"}, {"kind": "department", "rank": "moon"},
        {"name": "别处的专用章"}, {"kind": "statutory", "name": "", "rank": "province"},
        {"number": "编码"}, {"kind": "personal", "name": "张三", "width": "NaN", "height": "20"},
    ],
)  # fmt: skip
def test_a_bad_application_is_refused_and_keeps_what_was_typed(
    desk: Desk, wrong: dict[str, str]
) -> None:
    visit = desk.visit("market.clerk")
    files = {"picture": ("s.svg", SQUARE)} if wrong.get("kind") == "personal" else None
    page = apply(visit, files, **wrong)
    assert visit.answer.status_code == 422
    assert [each for each in page.all("div") if each.get("role") == "alert"]
    if name := wrong.get("name"):
        assert f'value="{name}"' in visit.answer.text


def test_a_clerk_sees_their_own_applications_and_no_seals(desk: Desk, made: str) -> None:
    visit = desk.visit("market.clerk")
    assert NAME in visit.get("/desk/seal-requests").text
    for path in (
        "/desk/seals", made, f"{made}/picture", f"{made}/grants", "/desk/ledger",
        "/desk/seal-uses", f"{made}/act/freeze",
    ):  # fmt: skip
        visit.get(path)
        assert visit.answer.status_code == 403, path


def test_another_authority_finds_nothing(desk: Desk, made: str, applied: str) -> None:
    visit = desk.visit("transport.seal")
    es_id = made.rpartition("/")[2]
    assert es_id not in visit.get("/desk/seals").text
    for path in (
        made, f"{made}/picture", f"{made}/grants", applied, f"{applied}/picture",
        f"{made}/act/freeze", f"/desk/ledger?seal={es_id}", f"/desk/ledger.csv?seal={es_id}",
    ):  # fmt: skip
        visit.get(path)
        assert visit.answer.status_code == 404, path


def test_an_audit_administrator_sees_everything_and_changes_nothing(desk: Desk, made: str) -> None:
    visit, admin = desk.visit("desk.audit"), desk.visit("market.seal")
    page = visit.get(made)
    assert NAME in page.text
    assert not [each for each in page.all("a") if "/act/" in each.get("href", "")]
    assert visit.get(f"{made}/grants").forms == []
    token = admin.get(f"{made}/act/freeze").form("/freeze")["fields"]["csrf"]
    for path in (f"{made}/act/freeze", f"{made}/grants", "/desk/seal-uses"):
        sent = {"csrf": token, "reason": "x", "account": "market.approver"}
        answer = visit.http.post(path, data=sent, headers=BROWSER)
        assert answer.status_code == 403, path
    visit.get(f"{made}/act/freeze")
    assert visit.answer.status_code == 403


@pytest.mark.parametrize("name", ["desk.ca", "desk.system"])
def test_other_offices_have_no_seals(desk: Desk, name: str) -> None:
    visit = desk.visit(name)
    visit.get("/desk/seals")
    assert visit.answer.status_code == 403
    assert "印章申请" not in visit.get("/desk/health").text


def test_a_form_of_another_session_or_site_changes_nothing(desk: Desk, made: str) -> None:
    visit, other = desk.visit("market.seal"), desk.visit("desk.region")
    token = other.get(f"{made}/act/freeze").form("/freeze")["fields"]["csrf"]
    for sent, headers in (
        ({"reason": "x"}, BROWSER), ({"reason": "x", "csrf": token}, BROWSER),
        ({"reason": "x", "csrf": visit.get(f"{made}/act/freeze").form("/freeze")["fields"]["csrf"]},
         BROWSER | {"Sec-Fetch-Site": "cross-site"}),
    ):  # fmt: skip
        answer = visit.http.post(f"{made}/act/freeze", data=sent, headers=headers)
        assert answer.status_code == 403
    assert "使用中" in visit.get(made).text


def test_who_is_not_signed_in_signs_in_first(desk: Desk, made: str) -> None:
    visit = Visit(desk.app, base=desk.provider.issuer)
    visit.get(made)
    assert visit.path.startswith("/sign-in")


def test_the_desk_leads_everybody_to_their_first_page(desk: Desk) -> None:
    for name, path in (
        ("market.seal", "/desk/seals"), ("market.approver", "/desk/cases"),
        ("market.clerk", "/desk/cases"), ("desk.ca", "/desk/certificates"),
        ("desk.system", "/desk/health"),
    ):  # fmt: skip
        visit = desk.visit(name)
        visit.get("/desk/")
        assert visit.path == path
    assert desk.visit("market.clerk").get("/desk").text  # the counter is still where it was


def test_grants_are_given_shown_and_taken_back(desk: Desk, made: str) -> None:
    visit = desk.visit("market.seal")
    page = visit.get(f"{made}/grants")
    page = visit.post(
        page, "/grants", account="market.approver", ceiling="3", second_person="yes",
        valid_from="2026-01-01", valid_until="2027-01-01", item="食品经营许可",
    )  # fmt: skip
    for words in (
        "market.approver",
        "每日 3 次",
        "须另一人确认",
        "食品经营许可",
        "2027-01-02 00:00",
    ):
        assert words in page.text
    page = visit.post(page, "/revocation")
    assert "已收回" in page.text
    assert not [form for form in page.forms if form["action"].endswith("/revocation")]


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"account": "nobody.here"}, {"account": "market.clerk"}, {"role": "audit_admin"},
        {"role": "approver", "ceiling": "-1"}, {"role": "approver", "ceiling": "0"},
        {"role": "approver", "valid_until": "2020-01-01"},
        {"role": "approver", "valid_from": "tomorrow"},
        {"role": "approver", "valid_until": "9999-12-31"}, {"system": "a\nb"},
    ],
)  # fmt: skip
def test_a_bad_grant_is_refused_on_its_page(desk: Desk, made: str, wrong: dict[str, str]) -> None:
    visit = desk.visit("market.seal")
    page = visit.post(visit.get(f"{made}/grants"), "/grants", **wrong)
    assert visit.answer.status_code in (403, 404, 422)
    assert [each for each in page.all("div") if each.get("role") == "alert"]
    assert "没有授权" in page.text


def test_a_use_is_asked_for_by_one_and_confirmed_by_another(desk: Desk, made: str) -> None:
    es_id = made.rpartition("/")[2]
    living.granted(desk.region, es_id, Terms(role=Role.APPROVER, second_person=True))
    user, admin = desk.visit("market.approver"), desk.visit("market.seal")
    page = user.post(user.get("/desk/seal-uses"), "/seal-uses", seal=es_id, case="C-1")
    assert "等待另一人确认" in page.text
    assert not [form for form in page.forms if form["action"].endswith("/confirmation")]
    own = admin.get("/desk/seal-uses").form("/confirmation")["action"]
    form = user.get("/desk/seal-uses").form("/seal-uses")["fields"]
    answer = user.http.post(own, data={"csrf": form["csrf"]}, headers=BROWSER)
    assert answer.status_code == 403
    assert "必须是不同的人" in answer.text
    page = admin.post(admin.get("/desk/seal-uses"), "/confirmation")
    assert "已确认" in page.text
    assert "market.seal" in user.get("/desk/seal-uses").text
    user.post(user.get("/desk/seal-uses"), "/seal-uses", seal=es_id, case="")
    assert user.answer.status_code == 422


@pytest.fixture(scope="module")
def used(desk: Desk) -> str:
    """The market's licence seal: it has sealed a licence, and its use was refused once."""
    sessions, at = desk.region.platform.sessions, utc_now()
    with sessions() as session:
        found = session.get_one(Authority, MARKET.code).seal
    assert found is not None
    by = desk.region.caller("market.clerk")
    asked = Use(found, "", "=1+1", "文件.pdf", item="试用")
    with (
        pytest.raises(TrustError),
        use.recording_refusals(sessions, by=by, at=at),
        sessions.begin() as session,
    ):
        use.take(session, asked, by=by, at=at)
    return found


def test_the_ledger_is_filtered_paged_and_exported(desk: Desk, used: str) -> None:
    visit = desk.visit("market.seal")
    here = f"/desk/ledger?seal={used}"
    assert {"已用印", "已拒绝"} <= set(visit.get(here).text.split())
    for query, shown in (
        ("&result=refused", True), ("&result=used", False), ("&item=试用", True),
        ("&operator=market.clerk", True), ("&operator=market.approver", False),
        ("&since=2020-01-01", True), ("&until=2020-01-01", False), ("&case=%3D1%2B1", True),
        ("&since=2020-01-01&until=2199-12-31&result=", True),
    ):  # fmt: skip
        assert ("=1+1" in visit.get(here + query).text.partition("导出 CSV")[2]) is shown, query
    page = visit.get(f"{here}&result=refused")
    export = next(each["href"] for each in page.all("a") if ".csv" in each["href"])
    visit.get(export)
    assert visit.answer.headers["content-disposition"] == f'attachment; filename="seal-{used}.csv"'
    rows = list(csv.DictReader(io.StringIO(visit.answer.text.removeprefix("\ufeff"))))
    assert {row["result"] for row in rows} == {"refused"}
    assert rows[0]["case"] == "'=1+1"


@pytest.mark.parametrize(
    "query", ["result=perhaps", "since=yesterday", "until=2026-13-01", "digest=xyz", "below=x"]
)
def test_a_bad_filter_is_refused_on_its_page(desk: Desk, used: str, query: str) -> None:
    visit = desk.visit("market.seal")
    page = visit.get(f"/desk/ledger?seal={used}&{query}")
    assert visit.answer.status_code in (404, 422)
    assert [each for each in page.all("div") if each.get("role") == "alert"]


@pytest.mark.parametrize(
    "path",
    ["/desk/seals?q=%00", "/desk/seals/%00", "/desk/ledger?case=%00", "/desk/seal-requests/%00"],
)
def test_an_address_that_no_database_can_hold_leads_nowhere(desk: Desk, path: str) -> None:
    visit = desk.visit("market.seal")
    visit.get(path)
    assert visit.answer.status_code == 404


def test_lists_are_paged_in_the_database(desk: Desk) -> None:
    for n in range(52):
        wanted = Wanted(SealKind.PERSONAL, f"王{NUMERALS[n // 8]}{NUMERALS[n % 8]}", None)
        living.applied(desk.region, wanted)
    visit, shown = desk.visit("market.seal"), set()
    page = visit.get("/desk/seal-requests?state=applied")
    for _ in range(3):
        links = [each["href"] for each in page.all("a")]
        shown |= {link for link in links if link.startswith("/desk/seal-requests/")}
        onward = [link for link in links if "after=" in link]
        if not onward:
            break
        page = visit.get(onward[0])
    assert len(shown) >= 53  # the way to a new one is among them
