"""The wallet's pages, and the office's and issuer's desk on the other side of them."""

import re
from datetime import timedelta

import httpx
import pytest
from fastapi.testclient import TestClient

from certificates.models import Licence
from tests import holding
from tests.server.conftest import Served
from tests.server.desk import Desk
from tests.server.identity_site import Visit
from trust.clock import utc_now


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return Desk(served.app, served.region)


@pytest.fixture(scope="module")
def licence(desk: Desk) -> Licence:
    holding.holder(desk.region)
    holding.stranger(desk.region)
    holding.office(desk.region)
    return holding.personal_licence(desk.region)


@pytest.fixture
def me(desk: Desk, licence: Licence) -> Visit:
    return desk.visit("wallet.holder")


def path(licence: Licence, rest: str = "") -> str:
    return f"/wallet/licences/{licence.identifier}{rest}"


def get(visit: Visit, address: str) -> httpx.Response:
    visit.get(address)
    return visit.answer


def post(visit: Visit, address: str, ending: str, **values: str) -> httpx.Response:
    """Fill in and send the form of the page at an address."""
    visit.post(visit.get(address), ending, **values)
    return visit.answer


def day(days: int) -> str:
    return f"{utc_now() + timedelta(days=days):%Y-%m-%d}"


def test_a_licence_is_shown_from_one_screen_to_the_other(
    desk: Desk, licence: Licence, me: Visit
) -> None:
    shown = get(me, path(licence, "/show")).text
    typed = re.search(r'class="typed"[^>]*>([0-9A-Z-]{11})<', shown)
    assert typed is not None
    office = desk.visit("wallet.office")
    waiting = post(
        office, "/desk/showing", "/desk/showing", code=typed[1], cause="办理许可", item_code=""
    ).text
    assert "等待持证人确认" in waiting
    assert holding.NAME not in waiting
    here = office.path
    assert "阿里地区交通运输局 请求查看" in get(me, path(licence, "/show")).text
    confirmation = f"/{here.rpartition('/')[2]}/confirmation"
    assert "对方可查看一次" in post(me, path(licence, "/show"), confirmation).text
    look = post(office, here, "/licence").text
    assert holding.NAME in look
    assert holding.NUMBER in look
    assert holding.NAME not in get(office, here).text
    assert "阿里地区交通运输局" in get(me, path(licence, "/looks")).text


def test_what_is_personal_is_masked_until_it_is_asked_for(licence: Licence, me: Visit) -> None:
    for page in ("/wallet", path(licence)):
        shown = get(me, page).text
        assert holding.NUMBER not in shown
        assert holding.NAME not in shown
    assert holding.NUMBER in get(me, path(licence) + "?view=full").text
    picture = get(me, path(licence, "/picture"))
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["cache-control"] == "no-store"
    assert me.http.get(path(licence, "/file")).content.startswith(b"%PDF")


def test_copies_leave_and_complaints_are_made_by_form(licence: Licence, me: Visit) -> None:
    made = post(
        me, path(licence, "/copies"), "/copies", cause="办理贷款", maker="某银行", until=day(30)
    )
    link = re.search(r'href="([^"]+/copies/JZ[0-9A-Z]{14})"', made.text)
    assert link is not None
    assert me.http.get(link[1]).content.startswith(b"%PDF")
    given = post(
        me, path(licence, "/authorisations"), "/authorisations", office="11542500999000072E",
        cause="办理许可", item_code="", until=day(3),
    )  # fmt: skip
    assert "已授权" in given.text
    back = post(me, path(licence, "/authorisations"), "/authorisations/revocation")
    assert "已收回" in back.text
    sent = post(me, path(licence, "/disputes"), "/disputes", words="住所写错了\n应为 2 层")
    assert "待答复" in sent.text


def test_a_complaint_is_answered_at_the_issuers_desk(
    desk: Desk, licence: Licence, me: Visit
) -> None:
    post(me, path(licence, "/disputes"), "/disputes", words="电话写错了，应为 12345")
    clerk = desk.visit("market.clerk")
    page = get(clerk, "/desk/disputes").text
    assert "电话写错了" in page
    action = re.findall(r'action="(/desk/disputes/[0-9a-f-]+/decision)"', page)[-1]
    answered = post(clerk, "/desk/disputes", action, decision="refused", answer="与登记一致")
    assert "已答复" in answered.text
    assert "与登记一致" in get(me, path(licence, "/disputes")).text
    assert "电话写错了" not in get(desk.visit("transport.clerk"), "/desk/disputes").text


def test_entrusting_is_given_and_taken_back(desk: Desk, licence: Licence, me: Visit) -> None:
    agent = desk.visit(holding.agent(desk.region))
    assert get(agent, path(licence)).status_code == 404
    given = post(
        me, "/wallet/entrustments", "/wallet/entrustments", what=f"l:{licence.identifier}",
        agent="wallet.agent", matter="代办变更", until=day(3),
    )  # fmt: skip
    assert "已委托" in given.text
    assert get(agent, path(licence)).status_code == 200
    post(me, "/wallet/entrustments", "/wallet/entrustments/revocation")
    assert get(agent, path(licence)).status_code == 404


@pytest.mark.parametrize(
    ("page", "fields", "words"),
    [
        ("/copies", {"cause": "", "maker": "x"}, "请写明用途"),
        ("/copies", {"cause": "好", "maker": "x", "until": "2020-01-01"}, "不符合规定"),
        ("/copies", {"cause": "好", "maker": "x", "until": "soon"}, "不符合规定"),
        ("/authorisations", {"office": "1" * 18, "cause": "好"}, "单位代码有误"),
        ("/disputes", {"words": ""}, "不符合规定"),
    ],
    ids=["no-purpose", "past", "no-day", "no-office", "no-words"],
)
def test_what_is_wrong_is_said_on_the_same_page(
    licence: Licence, me: Visit, page: str, fields: dict[str, str], words: str
) -> None:
    answer = post(me, path(licence, page), page, **fields)
    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.parametrize(
    "rest",
    ["", "/show", "/looks", "/copies", "/authorisations", "/disputes", "/picture", "/file",
     "/copies/JZ0123456789ABCD"],
)  # fmt: skip
def test_a_stranger_finds_no_page_of_it(desk: Desk, licence: Licence, rest: str) -> None:
    answer = get(desk.visit("wallet.stranger"), path(licence, rest))
    assert answer.status_code == 404
    assert holding.NAME not in answer.text


def test_who_is_not_proved_is_told_how_to_be(desk: Desk, licence: Licence) -> None:
    answer = get(desk.visit("market.clerk"), "/wallet")
    assert answer.status_code == 403
    assert "认证等级" in answer.text


def test_nobody_posts_without_the_pages_token(licence: Licence, me: Visit) -> None:
    answer = me.http.post(
        path(licence, "/disputes"), data={"words": "没有令牌"}, follow_redirects=False
    )
    assert answer.status_code == 403
    assert "没有令牌" not in get(me, path(licence, "/disputes")).text


def test_garbage_codes_are_refused_on_the_page(desk: Desk, licence: Licence) -> None:
    office = desk.visit("wallet.office")
    for typed, status in (("0000000000", 404), ("'", 422), ("x" * 50, 422)):
        answer = post(office, "/desk/showing", "/desk/showing", code=typed, cause="好")
        assert answer.status_code == status
    assert get(office, "/wallet/licences/%00").status_code in (403, 404)
