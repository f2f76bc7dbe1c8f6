"""The administrators' pages of licence types and items, by forms alone."""

import html
import json

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete

from certificates.licence_types import registry as type_registry
from certificates.licence_types.item_models import ItemBinding, Organisation, ServiceItem
from certificates.licence_types.models import LicenceTypeVersion
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.identity_site import Visit

HOTEL = "11542500999000056Q091"
FOOD = "11542500999000056Q001"
BUREAU = "1154252199900011XY"


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


@pytest.fixture
def boss(desk: Desk) -> Visit:
    """A system administrator; what they leave is taken away."""
    with desk.provider.sessions.begin() as session:
        session.execute(delete(LicenceTypeVersion).where(LicenceTypeVersion.code == HOTEL))
        for model in (ItemBinding, ServiceItem, Organisation):
            session.execute(delete(model))
    return desk.visit("desk.system")


def begin(boss: Visit) -> str:
    """A new type's editor, as text."""
    page = boss.get("/admin/types")
    boss.post(page, "/types/new", name="旅馆业特种行业许可证", code=HOTEL, slug="hotel-licence")
    assert boss.answer.status_code == 200, boss.answer.text[:300]
    return boss.answer.text


def test_the_list_shows_every_type_and_a_page_its_specimen(boss: Visit) -> None:
    boss.get("/admin/types")
    assert "不动产权证书" in boss.answer.text
    boss.get(f"/admin/type?code={FOOD}")
    assert "食品经营许可证" in boss.answer.text
    boss.get(f"/admin/type/picture?code={FOOD}&version=001")
    assert boss.answer.content.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["desk.region", "desk.ca", "desk.guard"])
def test_types_and_items_are_not_for_other_offices(desk: Desk, name: str) -> None:
    visit = desk.visit(name)
    for path in ("/admin/types", "/admin/items", f"/admin/type?code={FOOD}",
                 f"/admin/type/picture?code={FOOD}&version=001"):  # fmt: skip
        visit.get(path)
        assert visit.answer.status_code == 403, path


def test_an_auditor_looks_and_changes_nothing(desk: Desk) -> None:
    visit = desk.visit("desk.audit")
    page = visit.get("/admin/types")
    assert visit.answer.status_code == 200
    assert not [form for form in page.forms if "/types/new" in form["action"]]


def test_a_type_is_made_in_the_editor_looked_at_and_put_in_force(desk: Desk, boss: Visit) -> None:
    text = begin(boss)
    assert "data:image/png;base64," in text
    page = boss.get(f"/admin/type/field?code={HOTEL}")
    page = boss.post(
        page, "/type/edit", name="kz_fjs", zh="客房数", en="Rooms", kind="text", max_length="10",
        printed="yes", right="public", mask="none",
    )  # fmt: skip
    assert "KZ_FJS" in boss.answer.text
    boss.post(page, "/type/edit", section="layout", paper="landscape", ink="#335577", columns="1",
              rows="CZZT\nCZZTDM\nKZ_SX\nKZ_FJS\nTERM", wide="", long="", preamble="",
              number_zh="编号", number_en="No.", authority_zh="发证机关",
              authority_en="Issued by", act="preview")  # fmt: skip
    assert "尚未保存" in boss.answer.text
    page = boss.get(f"/admin/type/ask/publish?code={HOTEL}")
    boss.post(page, "/ask/publish")
    assert "生效" in boss.answer.text
    with desk.provider.reading() as session:
        found = type_registry.current(session, "hotel-licence")
    assert found.layout is not None
    assert found.layout.paper == "portrait"  # what was only looked at was not kept
    assert found.extension("KZ_FJS") is not None


def test_what_is_wrong_with_a_draft_is_said_where_it_was_typed(desk: Desk, boss: Visit) -> None:
    begin(boss)
    page = boss.get(f"/admin/type/edit?code={HOTEL}")
    boss.post(page, "/type/edit", section="json", json="{")
    assert boss.answer.status_code == 422
    assert "不是 JSON" in boss.answer.text
    boss.post(page, "/type/edit", section="remove", name="KZ_SX")
    with desk.provider.reading() as session:
        assert "KZ_SX" not in type_registry.draft(session, HOTEL).definition


@pytest.mark.parametrize(
    "text",
    ['{"fields": 5}', '{"holder_masks": 5, "fields": [1]}', "{}", '{"layout": [[]]}',
     '{"number_format": "' + "{place}" * 11 + '"}'],
    ids=["fields", "masks", "empty", "layout", "format"],
)  # fmt: skip
@pytest.mark.parametrize("act", ["save", "preview"])
def test_a_definition_of_any_shape_is_refused_on_its_page(boss: Visit, text: str, act: str) -> None:
    """What was typed stays in its box; the rest of the page shows what is kept."""
    begin(boss)
    page = boss.get(f"/admin/type/edit?code={HOTEL}")
    boss.post(page, "/type/edit", section="json", json=text, act=act)
    assert boss.answer.status_code == 422
    assert html.escape(text) in boss.answer.text or text.split('"')[1] in boss.answer.text


def test_a_page_of_an_older_revision_saves_nothing(desk: Desk, boss: Visit) -> None:
    begin(boss)
    first = boss.get(f"/admin/type/edit?code={HOTEL}")
    again = boss.get(f"/admin/type/edit?code={HOTEL}")
    boss.post(first, "/type/edit", section="down", name="KZ_SX")
    assert boss.answer.status_code == 200
    boss.post(again, "/type/edit", section="remove", name="KZ_SX")
    assert boss.answer.status_code == 409
    with desk.provider.reading() as session:
        assert "KZ_SX" in type_registry.draft(session, HOTEL).definition


def test_a_type_goes_out_as_a_file_with_its_schema(boss: Visit) -> None:
    boss.get(f"/admin/type/file?code={FOOD}")
    assert json.loads(boss.answer.content)["slug"] == "food-business-licence"
    assert "attachment" in boss.answer.headers["content-disposition"]
    boss.get(f"/admin/type/schema?code={FOOD}")
    assert json.loads(boss.answer.content)["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize(
    "path",
    ["/admin/type?code=11542500999000056Q999", "/admin/type/edit?code=11542500999000056Q001",
     "/admin/type/ask/burn?code=11542500999000056Q001", "/admin/type?code=x",
     "/admin/type/picture?code=11542500999000056Q001&version=9"],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_no_fault(boss: Visit, path: str) -> None:
    boss.get(path)
    assert boss.answer.status_code in {404, 409, 422}


def test_items_are_imported_bound_and_wrong_rows_named(boss: Visit) -> None:
    page = boss.get("/admin/items")
    token = page.forms[-1]["fields"]["csrf"]
    good = f"code,name,division,parent\n{BUREAU},噶尔县市场监督管理局,542523,\n"
    upload(boss, "organisations", good, token)
    assert "1 rows imported" in boss.answer.text
    bad = f"code,name,organisation,category\nXK-1,食品经营许可,{BUREAU},\nXK-2,,{BUREAU},\n"
    upload(boss, "items", bad, token)
    assert boss.answer.status_code == 422
    assert "必填 / required" in boss.answer.text
    upload(boss, "items", bad.replace("XK-2,,", "XK-2,另一事项,"), token)
    page = boss.get("/admin/items?q=XK")
    boss.post(page, "/items/bind", item="XK-1", type=FOOD, since="2026-01-01")
    assert "已关联" in boss.answer.text
    boss.post(page, "/items/bind", item="XK-1", type=FOOD, since="2026-01-01")
    assert boss.answer.status_code == 409
    page = boss.get("/admin/items?q=XK-1")
    boss.post(page, "/items/unbind")
    assert boss.answer.status_code == 200


def upload(boss: Visit, what: str, text: str, token: str) -> None:
    boss.answer = boss.http.post(
        f"/admin/items/import/{what}", data={"csrf": token},
        files={"file": (f"{what}.csv", text.encode(), "text/csv")},
        headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=True,
    )  # fmt: skip


# --- the same for business systems -------------------------------------------------------------


def test_the_catalogue_a_definition_and_its_schema_are_open_to_anyone(client: TestClient) -> None:
    rows = client.get("/v1/licence-types").json()
    assert FOOD in {row["CertificateTypeCode"] for row in rows}
    assert client.get(f"/v1/licence-types/{FOOD}").json()["name"] == "食品经营许可证"
    made = client.get("/v1/licence-types/食品经营许可证/schema").json()
    assert made["properties"]["KZ_ZTYT"]["title"] == "主体业态"


@pytest.mark.parametrize("key", ["no-such-type", "a%00b", "x" * 256])
def test_a_type_that_is_not_there_is_a_problem_document(client: TestClient, key: str) -> None:
    answer = client.get(f"/v1/licence-types/{key}/schema")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
