"""The office's desk and the administration of its rights, by forms alone."""

import hashlib
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from certificates import looks
from certificates.models import Licence
from certificates.share.models import ShareCall, ShareKey, ShareRight, VerificationSlip
from seal.ledger_models import SealUse
from seal.pdf import document, fields
from tests.certificates.offices import (
    BUSINESS,
    FOOD,
    ITEM,
    OTHER_ITEM,
    bind,
    holder_code,
    open_office,
)
from tests.regions import TRANSPORT
from tests.seal import living
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.identity_site import BROWSER, Page, Visit
from trust.access import Role
from trust.crypto import sm2

CLERK = "transport.office"
CASE = {"way": "duty", "item_code": ITEM, "case_number": "〔2026〕0001", "cause": "办理许可"}


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    opened = open_desk(served.app, served.region)
    living.person(served.region, CLERK, Role.OFFICE, authority=TRANSPORT.code)
    bind(served.region, ITEM, FOOD)
    bind(served.region, OTHER_ITEM, BUSINESS)
    visit = opened.visit("desk.guard")
    grant(visit, to="office", grantee=TRANSPORT.code)
    return opened


@pytest.fixture(scope="module")
def licence(served: Served) -> Licence:
    return served.region.issued("food-business-licence")


def grant(visit: Visit, *types: str, **values: str) -> Page:
    chosen = {f"type_{code}": "yes" for code in types or (FOOD,)}
    page = visit.get("/admin/share/new")
    return visit.post(page, "/admin/share/new", **({"reason": "测试"} | chosen | values))


def search(visit: Visit, **values: str) -> Page:
    return visit.post(visit.get("/desk/office"), "/desk/office", **(CASE | values))


def test_the_office_finds_looks_and_has_a_copy_made(
    desk: Desk, served: Served, licence: Licence
) -> None:
    visit, code = desk.visit(CLERK), holder_code(served.region, licence)
    found = search(visit, by="holder_code", key=code)
    assert licence.number in found.text
    assert visit.path == "/desk/office"
    page = visit.post(found, "/desk/office/licence", licence=licence.identifier)
    assert code in page.text
    assert "本次查看已记录" in page.text
    form = page.form("/desk/office/copy")
    answer = visit.http.post(form["action"], data=form["fields"], headers=BROWSER)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    served.app.state.audit.flush()
    with served.region.platform.reading() as session:
        seen = looks.of(session, licence.identifier, limit=3)
        calls = session.scalars(select(ShareCall).where(ShareCall.account == CLERK)).all()
    assert {each.item_code for each in seen} == {ITEM}
    assert calls[-1].case_number == "〔2026〕0001"
    history = visit.get("/desk/office/calls").text
    assert "已提供" in history
    assert ITEM in history
    assert code not in history


REFUSED = {
    "item without this type": ({"item_code": OTHER_ITEM}, 403, "该事项当前不使用此类证照"),
    "no item": ({"item_code": ""}, 422, "查询条件不符合要求"),
    "no case": ({"case_number": ""}, 422, "查询条件不符合要求"),
    "no cause": ({"cause": ""}, 422, "请写明用途"),
    "a number as cause": ({"cause": "查 110101199003070038"}, 422, "不要填写证件号或手机号"),
    "nothing searched": ({"key": ""}, 422, "查询条件不符合要求"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_without_purpose_item_or_case_nothing_is_searched(
    desk: Desk, licence: Licence, case: str
) -> None:
    changes, status, words = REFUSED[case]
    visit = desk.visit(CLERK)
    page = search(visit, **({"by": "number", "key": licence.number} | changes))
    assert visit.answer.status_code == status
    assert words in page.text
    assert page.all("table") == []


def test_a_holder_without_leave_is_not_found_by_leave(desk: Desk, licence: Licence) -> None:
    page = search(desk.visit(CLERK), by="number", key=licence.number, way="grant")
    assert "没有找到可供本单位使用的证照" in page.text


def test_the_desk_is_for_offices(desk: Desk) -> None:
    for path in ("/desk/office", "/desk/office/scan", "/desk/office/calls"):
        visit = desk.visit("market.clerk")
        visit.get(path)
        assert visit.answer.status_code == 403


def verified(visit: Visit, content: bytes) -> Page:
    form = visit.get("/desk/office/scan").form("/scan")
    typed = {name: value for name, value in form["fields"].items() if name != "file"}
    files = {"file": ("licence.pdf", content)}
    return visit._land(visit.http.post(form["action"], data=typed, files=files, headers=BROWSER))


def slip_of(page: Page) -> str:
    links = (each["href"] for each in page.all("a") if "/slips/" in each.get("href", ""))
    return next(links)


def test_a_file_is_verified_and_its_slip_printed_sealed_and_found_by_its_code(
    desk: Desk, served: Served, licence: Licence
) -> None:
    visit = desk.visit(CLERK)
    content = served.region.file(licence)
    page = verified(visit, content)
    assert "通过" in page.text
    link = slip_of(page)
    first = visit.http.get(link, headers=BROWSER)
    again = visit.http.get(link, headers=BROWSER)
    assert first.headers["content-type"] == "application/pdf"
    assert first.content == again.content
    assert len(fields.signatures(document.read(first.content))) == 2
    number = link.rpartition("/")[2].removesuffix(".pdf")
    with served.region.platform.reading() as session:
        row = session.get_one(VerificationSlip, number)
        used = select(SealUse.digest).where(SealUse.case == number)
        assert session.scalars(used).all() == [hashlib.sha256(first.content).digest()]
    assert row.subject_digest == hashlib.sha256(content).digest()
    assert (row.outcome, row.licence, row.made_by) == ("PASSED", licence.identifier, CLERK)
    public = TestClient(served.app).get(f"/slip/{number}")
    assert licence.identifier in public.text
    assert holder_code(served.region, licence) not in public.text


def test_a_file_that_fails_has_a_slip_that_says_so(desk: Desk, served: Served) -> None:
    visit = desk.visit(CLERK)
    page = verified(visit, served.tampered())
    assert "不通过" in page.text
    assert visit.http.get(slip_of(page), headers=BROWSER).content.startswith(b"%PDF")


def test_the_text_of_a_code_is_verified_too(desk: Desk, served: Served) -> None:
    visit = desk.visit(CLERK)
    page = visit.get("/desk/office/scan")
    form = page.form("/scan")
    typed = {name: value for name, value in form["fields"].items() if name != "file"}
    landed = visit._land(
        visit.http.post(form["action"], data=typed | {"qr": served.licence.claim},
                        files={"file": ("", b"")}, headers=BROWSER)
    )  # fmt: skip
    assert served.licence.identifier in landed.text


def test_nothing_to_verify_is_said_on_the_page(desk: Desk) -> None:
    visit = desk.visit(CLERK)
    form = visit.get("/desk/office/scan").form("/scan")
    typed = {name: value for name, value in form["fields"].items() if name != "file"}
    visit._land(visit.http.post(form["action"], data=typed, files={"file": ("", b"")},
                                headers=BROWSER))  # fmt: skip
    assert visit.answer.status_code == 422
    assert "请选择文件" in visit.answer.text


def test_a_slip_is_its_offices_and_others_learn_nothing(
    desk: Desk, served: Served, licence: Licence
) -> None:
    link = slip_of(verified(desk.visit(CLERK), served.region.file(licence)))
    living.person(served.region, "market.office", Role.OFFICE)
    visit = desk.visit("market.office")
    visit.get(link)
    assert visit.answer.status_code == 404
    assert TestClient(served.app).get("/slip/HY00000000000000").status_code == 404


def test_rights_are_granted_listed_and_ended(desk: Desk, served: Served) -> None:
    visit = desk.visit("desk.guard")
    page = grant(
        visit, BUSINESS, to="office", grantee=TRANSPORT.code, category_1="yes", ceiling="2000",
        networks="10.1.0.0/16", fields="KZ_ZS KZ_LX",
    )  # fmt: skip
    assert "权限已授予" in page.text
    with served.region.platform.reading() as session:
        newest = select(ShareRight).order_by(ShareRight.granted_at.desc()).limit(1)
        row = session.scalars(newest).one()
    assert (row.types, row.ceiling, row.fields) == ([BUSINESS], 2000, ["KZ_ZS", "KZ_LX"])
    assert (row.networks, row.categories, row.original) == (["10.1.0.0/16"], ["0", "1"], False)
    listed = visit.get(f"/admin/share?of={TRANSPORT.code}")
    assert str(row.id) in visit.answer.text
    page = visit.post(listed, "/admin/share/end", right=str(row.id), reason="测试结束")
    assert "权限已终止" in page.text
    with served.region.platform.reading() as session:
        assert session.get_one(ShareRight, row.id).ended_by == "desk.guard"


def test_a_form_that_breaks_a_rule_comes_back_filled_in(desk: Desk) -> None:
    visit = desk.visit("desk.guard")
    page = grant(visit, to="office", grantee=TRANSPORT.code, networks="10.1.2.3/16")
    assert visit.answer.status_code == 422
    assert "10.1.2.3/16" in [each.get("value") for each in page.all("input")]
    visit.post(visit.get("/admin/share"), "/admin/share/key", client="x", public_key="00" * 64)
    assert visit.answer.status_code == 404


def test_a_key_is_registered(desk: Desk, served: Served) -> None:

    key = sm2.PrivateKey.generate().public_key
    with open_office(served.region) as office:
        visit = desk.visit("desk.guard")
        page = visit.post(
            visit.get("/admin/share"), "/admin/share/key", client=office.client,
            public_key="04" + key.hex(), signed="yes",
        )  # fmt: skip
        assert "公钥已登记" in page.text
        with served.region.platform.reading() as session:
            row = session.get_one(ShareKey, office.client)
        assert (row.public_key, row.signed) == (key, True)


def test_only_security_administrators_grant_and_auditors_look(desk: Desk) -> None:
    for name, status in (("desk.audit", 200), ("desk.system", 403), (CLERK, 403)):
        visit = desk.visit(name)
        visit.get("/admin/share")
        assert visit.answer.status_code == status
    visit = desk.visit("desk.audit")
    page = visit.get("/admin/share")
    with desk.region.platform.reading() as session:
        key: UUID = session.scalars(select(ShareRight.id)).first() or UUID(int=0)
    visit.post(page, "/admin/share/end", right=str(key), reason="x")
    assert visit.answer.status_code == 403
