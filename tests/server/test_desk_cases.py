"""Applications and licences through the desk's forms: entered, checked, decided, issued, changed;
refusals shown where they happened and written down."""

import base64
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from certificates import catalogue
from certificates.applications import verbs as applications
from tests.certificates.office import STRICT, Office, open_office
from tests.regions import MARKET, TRANSPORT, example
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.identity_site import BROWSER, Page, Visit

BUSINESS = "11100000MB0143028R001"
NEW = f"/desk/new-case/{MARKET.code}"


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


@pytest.fixture(scope="module")
def office(served: Served, desk: Desk) -> Office:
    return open_office(served.region)


def typed(content: dict[str, Any]) -> dict[str, str]:
    """A content as somebody fills it in."""
    found = {}
    for name, value in content.items():
        text = "\r\n".join(value) if isinstance(value, list) else str(value)
        dated = len(text) == 8 and text.isdigit() and text[:2] in ("19", "20")
        found[name] = f"{text[:4]}-{text[4:6]}-{text[6:]}" if dated else text
    return found


def send(
    visit: Visit, path: str, values: dict[str, str], files: dict[str, Any] | None = None
) -> Page:
    """The form of an application, as browsers send forms with files."""
    form = visit.get(path).form(path.rpartition("/")[2])
    fields = {name: text for name, text in form["fields"].items() if name not in (files or {})}
    fields = {name: text for name, text in fields.items() if not name.startswith("joint-")}
    answer = visit.http.post(
        form["action"], data=fields | values, headers=BROWSER,
        files=files or {"unused": ("", b"")},
    )  # fmt: skip
    return visit._land(answer)


def press(visit: Visit, where: str, name: str, **values: str) -> Page:
    """A button of a case's page, or the page that asks."""
    page = visit.get(where)
    hrefs = [each.get("href", "") for each in page.all("a")]
    links = [href for href in hrefs if href.endswith(f"/act/{name}")]
    if links:
        page = visit.get(links[0])
    return visit.post(page, f"/act/{name}", **values)


def enter(desk: Desk, **values: str) -> str:
    """The address of an application that the clerk has typed in."""
    visit = desk.visit("market.clerk")
    send(visit, f"{NEW}/{BUSINESS}", typed(example("business-licence")) | values)
    assert visit.answer.status_code == 200, visit.answer.text
    assert visit.path.startswith("/desk/cases/"), visit.answer.text
    return visit.path.partition("?")[0]


def test_an_application_goes_from_the_form_to_an_issued_licence(desk: Desk, office: Office) -> None:
    where = enter(desk, case_number="2026-118")
    approver = desk.visit("market.approver")
    page = approver.get(where)
    for text in ("2026-118", example("business-licence")["CZZT"], "已录入"):
        assert text in page.text
    assert "已批准" in press(approver, where, "approve").text
    page = press(approver, where, "issue")
    assert "证照已签发" in page.text
    licence = next(
        each["href"] for each in page.all("a") if each["href"].startswith("/desk/licences/")
    )
    assert "有效" in approver.get(licence).text
    approver.get(f"{licence}/file")
    assert approver.answer.content.startswith(b"%PDF-")
    for name in ("suspend", "resume"):
        page = press(approver, licence, name, basis="行政处罚法第九条", reason="核查")
        assert approver.answer.status_code == 200
    assert page.text.count("行政处罚法第九条") >= 2
    page = press(approver, licence, "cancel", basis="行政许可法第七十条", reason="停业", cause="1",
                 understood="yes")  # fmt: skip
    assert "证照已注销" in page.text
    assert [each for each in page.all("a") if "/act/" in each.get("href", "")] == []


def test_a_wrong_field_is_named_as_the_form_names_it_and_nothing_is_entered(
    desk: Desk, office: Office
) -> None:
    visit = desk.visit("market.clerk")
    wrong = typed(example("business-licence")) | {"CZZTDM": "915425210000000000"}
    page = send(visit, f"{NEW}/{BUSINESS}", wrong)
    assert visit.answer.status_code == 422
    assert [each for each in page.all("div") if each.get("role") == "alert"]
    assert "代码" in page.text
    assert example("business-licence")["CZZT"] in visit.answer.text  # what was typed is still there
    told = office.audited(BUSINESS)[-1]
    assert told == (
        "act.refused",
        {"act": "application.enter", "reason": "invalid_field", "field": "CZZTDM"},
    )


def test_nobody_decides_on_their_own_and_the_attempt_is_on_record(
    desk: Desk, office: Office
) -> None:
    visit = desk.visit("market.approver")
    send(visit, f"{NEW}/{BUSINESS}", typed(example("business-licence")))
    where = visit.path.partition("?")[0]
    assert not [form for form in visit.get(where).forms if form["action"].endswith("/approve")]
    token = visit.get(f"{where}/act/check").form("/check")["fields"]["csrf"]
    answer = visit.http.post(f"{where}/act/approve", data={"csrf": token}, headers=BROWSER)
    assert answer.status_code == 403
    assert "本人经手" in answer.text
    assert office.audited(where.rpartition("/")[2])[-1][1]["reason"] == "own_application"


def test_the_long_way_by_forms_with_a_return_and_a_correction(desk: Desk, office: Office) -> None:
    key = office.enter(STRICT)
    where = f"/desk/cases/{key}"
    second = desk.visit("market.second")
    page = press(second, where, "return", reason="建设规模有误 <b>")
    assert "建设规模有误 &lt;b&gt;" in second.answer.text
    page = second.get(f"{where}/correct")
    assert "建设规模有误" in page.text
    send(second, f"{where}/correct", typed(example(STRICT)))
    assert "已补正" in second.answer.text, second.answer.text
    checker, head = desk.visit("market.checker"), desk.visit("market.head")
    press(checker, where, "check", note="已改")
    press(head, where, "review", note="")
    page = press(desk.visit("market.approver"), where, "approve")
    assert "已批准" in page.text


def test_joint_authorities_agree_on_their_own_list(desk: Desk, office: Office) -> None:
    where = enter(desk, **{f"joint-{TRANSPORT.code}": "yes"})
    other = desk.visit("transport.approver")
    assert where in str(other.get("/desk/cases?part=joint").all("a"))
    page = press(other, where, "consent")
    assert "本机构已同意" in page.text
    assert where not in str(other.get("/desk/cases").all("a"))


def test_a_photo_is_uploaded_kept_over_a_correction_and_shown_as_a_picture(
    desk: Desk, office: Office
) -> None:
    buffer = BytesIO()
    Image.new("RGB", (200, 260), (120, 140, 160)).save(buffer, "JPEG")
    content = {
        name: text for name, text in typed(example("driving-licence")).items() if name != "KZ_ZP"
    }
    visit = desk.visit("market.clerk")
    code = catalogue.find("driving-licence").code
    files = {"KZ_ZP": ("photo.jpg", buffer.getvalue(), "image/jpeg")}
    page = send(visit, f"{NEW}/{code}", content, files)
    where = visit.path.partition("?")[0]
    assert where.startswith("/desk/cases/"), visit.answer.text
    picture = next(
        each["src"] for each in page.all("img") if each["src"].startswith("/desk/cases/")
    )
    visit.get(picture)
    assert visit.answer.content == buffer.getvalue()
    press(desk.visit("market.second"), where, "return", reason="补正")
    send(visit, f"{where}/correct", content)
    key = where.rpartition("/")[2]
    kept = applications.content(office.read(UUID(key)), office.region.platform.vault)
    assert base64.b64decode(str(kept["KZ_ZP"])) == buffer.getvalue()


def test_licences_are_found_for_a_purpose_and_the_search_is_on_record_without_its_words(
    desk: Desk, office: Office
) -> None:
    licence = office.issued("food-business-licence")
    visit = desk.visit("market.clerk")
    page = visit.get("/desk/licences")
    code = example("food-business-licence")["CZZTDM"]
    page = visit.post(page, "/licences", how="holder", text=code, purpose="年审")
    assert licence.identifier in str(page.all("a"))
    desk.app.state.audit.flush()
    acts = [entry for entry in office.audited(MARKET.code) if entry[0] == "licence.searched"]
    assert acts[-1][1]["purpose"] == "年审"
    assert code not in str(acts)
    visit.post(visit.get("/desk/licences"), "/licences", how="holder", text=code, purpose="")
    assert visit.answer.status_code == 422


def test_another_authoritys_cases_and_licences_are_not_there(desk: Desk, office: Office) -> None:
    key, licence = office.enter(), office.issued("food-business-licence")
    visit = desk.visit("transport.approver")
    for path in (
        f"/desk/cases/{key}", f"/desk/cases/{key}/act/approve", f"/desk/cases/{key}/correct",
        f"/desk/licences/{licence.identifier}", f"/desk/licences/{licence.identifier}/file",
        f"{NEW}/{BUSINESS}", "/desk/cases/nonsense", "/desk/licences/1.2.3",
    ):  # fmt: skip
        visit.get(path)
        assert visit.answer.status_code == 404, path
    for name in ("market.seal", "desk.audit"):
        other = desk.visit(name)
        other.get(f"/desk/cases/{key}")
        assert other.answer.status_code == 403


def test_every_look_at_a_case_is_audited(desk: Desk, office: Office) -> None:
    key = office.enter()
    desk.visit("market.approver").get(f"/desk/cases/{key}")
    desk.app.state.audit.flush()
    assert "application.read" in [act for act, _ in office.audited(key)]
