"""The account's own pages: what is shown, what may be changed, on how good a sign-in."""

import re
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from sso import agents, browser_session, device, grants, people
from sso.people_models import Capacity
from sso.provider import Provider
from tests.server.identity_site import BROWSER, Visit, application, open_provider
from tests.sso import samples, signing_in
from tests.sso.front import add as add_client
from tests.sso.provider import START, HandClock
from trust import audit
from trust.access import SYSTEM
from trust.db import Sessions
from trust.keys import SoftKeyStore

NEW = "Lake-and-9-Hills"


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return open_provider(sqlite_sessions, soft_keys, tmp_path)


@pytest.fixture
def visit(provider: Provider) -> Visit:
    return Visit(application(provider))


@pytest.fixture
def person(provider: Provider) -> str:
    return signing_in.citizen(provider)


def access(provider: Provider, person: str, client_id: str) -> None:
    with provider.sessions.begin() as session:
        grants.begin_grant(
            session, account=person, client_id=client_id, at=provider.clock(),
            scopes=("openid", "profile", "offline_access"),
        )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/account",
        "/account/credentials",
        "/account/history",
        "/device",
        "/admin/",
        "/qr/" + "x" * 22,
    ],
)
def test_a_page_for_those_signed_in_leads_to_the_sign_in_and_back(
    provider: Provider, visit: Visit, person: str, path: str
) -> None:
    page = visit.get(path)
    assert visit.path.startswith("/sign-in/")
    visit.post(page, "/password", username=person, password=signing_in.PASSWORD)
    assert visit.path == path


def test_what_is_personal_is_masked_on_the_account_page(visit: Visit, person: str) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    shown = visit.answer.text
    for secret in (signing_in.CITIZEN, signing_in.MOBILE, "张三丰", "zhang@example.cn"):
        assert secret not in shown
    assert "138****0001" in shown
    assert visit.answer.headers["cache-control"] == "no-store"


def test_a_new_password_ends_the_other_sessions(
    provider: Provider, visit: Visit, person: str
) -> None:
    other = Visit(visit.app)
    other.sign_in(person, signing_in.PASSWORD)
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/credentials")
    refused = visit.post(page, "/password", current="wrong wrong", password=NEW)
    assert [each for each in refused.all("div") if each.get("role") == "alert"]
    page = visit.post(page, "/password", current=signing_in.PASSWORD, password=NEW)
    assert "密码已更改" in page.text
    other.get("/account")
    assert other.path.startswith("/sign-in/")
    visit.get("/account")
    assert visit.path == "/account"


def test_an_authenticator_is_set_up_and_turned_off_again(
    provider: Provider, visit: Visit, person: str
) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/totp/new")
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', visit.answer.text)
    assert secret is not None
    page = visit.post(page, "/totp", otp="000000")
    assert "验证码不正确" in page.text
    assert secret[1] not in visit.answer.text
    page = visit.post(page, "/totp", otp=pyotp.TOTP(secret[1]).at(provider.clock()))
    assert "请保存恢复码" in page.text
    page = visit.get("/account/credentials")
    assert "已开通" in page.text
    # It was a password alone that signed in here: the new factor cannot be taken off with that.
    answer = visit.post(page, "/totp/remove")
    assert visit.answer.status_code == 403
    assert "第二因素" in answer.text


def test_credentials_are_not_changed_on_an_old_sign_in(
    provider: Provider, visit: Visit, person: str
) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    assert isinstance(provider.clock, HandClock)
    for _ in range(2):
        provider.clock.forward(minutes=20)
        visit.get("/account")
    visit.get("/account/passkeys/new")
    assert visit.answer.status_code == 403


def test_a_session_elsewhere_can_be_ended_and_all_of_them(
    provider: Provider, visit: Visit, person: str
) -> None:
    other = Visit(visit.app)
    other.sign_in(person, signing_in.PASSWORD)
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/sessions")
    assert page.text.count("本设备") == 1
    visit.post(page, "/sessions/end")
    other.get("/account")
    assert other.path.startswith("/sign-in/")
    page = visit.get("/account/sessions")
    page = visit.post(page, "/sessions/end-all")
    assert "已退出登录" in page.text
    visit.get("/account")
    assert visit.path.startswith("/sign-in/")


def test_nobody_ends_another_persons_session(provider: Provider, visit: Visit, person: str) -> None:
    signing_in.staff(provider, "somebody.else")
    other = Visit(visit.app)
    other.sign_in("somebody.else", signing_in.PASSWORD)
    with provider.sessions() as session:
        rows = browser_session.of_account(
            session, "somebody.else", at=provider.clock(), policy=provider.policy
        )
    visit.sign_in(person, signing_in.PASSWORD)
    Visit(visit.app).sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/sessions")
    visit.post(page, "/sessions/end", id=rows[0].id)
    assert visit.answer.status_code == 404
    other.get("/account")
    assert other.path == "/account"


def test_access_of_a_platform_is_seen_and_taken_back(
    provider: Provider, visit: Visit, person: str
) -> None:
    client = add_client(provider, at=START, client_name="不动产登记平台").client
    access(provider, person, client.client_id)
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/platforms")
    assert "不动产登记平台" in page.text
    assert "可离线访问" in page.text
    page = visit.post(page, "/platforms/revoke")
    assert "没有平台可以访问" in page.text
    with provider.sessions() as session:
        assert grants.of_account(session, person) == []


def test_the_history_says_in_words_what_was_done(visit: Visit, provider: Provider) -> None:
    person = signing_in.citizen(provider)
    visit.sign_in(person, "not the password")
    visit.sign_in(person, signing_in.PASSWORD)
    provider.audit.flush()
    page = visit.get("/account/history")
    assert "登录失败" in page.text
    assert "登录验证通过" in page.text
    assert "设置密码" in page.text


def test_the_history_is_read_page_by_page(provider: Provider, visit: Visit, person: str) -> None:
    with provider.sessions.begin() as session:
        for _ in range(60):
            audit.record(session, "session.ended", subject=person, by=SYSTEM, at=START)
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/history")
    assert page.text.count("退出登录") == 50
    older = next(each["href"] for each in page.all("a") if "before=" in each["href"])
    page = visit.get(older)
    assert 10 <= page.text.count("退出登录") < 50


def test_a_legal_representative_appoints_and_dismisses_an_agent(
    provider: Provider, visit: Visit, person: str
) -> None:
    with provider.sessions.begin() as session:
        people.add_organisation(
            session, provider.vault, uscc=samples.USCC, name=samples.BODY, by=SYSTEM, at=START,
            account_name="yaks",
        )  # fmt: skip
        agents.grant(
            session, organisation="yaks", agent=person, capacity=Capacity.LEGAL_REPRESENTATIVE,
            scope="全部事项", not_before=START, not_after=None, by=SYSTEM, at=START,
        )  # fmt: skip
        people.add_person(session, provider.vault, samples.LI, by=SYSTEM, at=START, name="li.si")
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/agents")
    until = (START + timedelta(days=30)).date().isoformat()
    wanted = {"agent-1": "li.si", "scope-1": "申领营业执照", "until-1": until}
    page = visit.post(page, "/agents/grant", **wanted)
    assert "申领营业执照" in page.text
    with provider.sessions() as session:
        (held,) = agents.acting_for(session, "li.si", at=START)
        assert held.organisation == "yaks"
    page = visit.post(page, "/agents/grant", **(wanted | {"until-1": "2020-13-01"}))
    assert [each for each in page.all("div") if each.get("role") == "alert"]
    form = next(
        each for each in page.forms
        if each["action"].endswith("/revoke") and each["fields"]["id"] == str(held.id)
    )  # fmt: skip
    visit.http.post(form["action"], data=form["fields"], headers=BROWSER)
    with provider.sessions() as session:
        assert agents.acting_for(session, "li.si", at=START) == []


def test_a_form_of_one_session_does_nothing_in_another(
    provider: Provider, visit: Visit, person: str
) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    form = visit.get("/account/sessions").form("/sessions/end-all")
    signing_in.staff(provider, "somebody.else")
    other = Visit(visit.app)
    other.sign_in("somebody.else", signing_in.PASSWORD)
    answer = other.http.post(form["action"], data=form["fields"], headers=BROWSER)
    assert answer.status_code == 403


def test_a_device_is_let_in_by_its_code(provider: Provider, visit: Visit, person: str) -> None:
    registered = add_client(
        provider, at=START, client_name="窗口自助机", grant_types=[device.GRANT_TYPE],
        redirect_uris=[], token_endpoint_auth_method="none", application_type="native",
    )  # fmt: skip
    begun = device.authorize(
        provider, {}, {"client_id": registered.client.client_id, "scope": "openid"}, at=START
    )
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get(f"/device?user_code={begun['user_code']}")
    assert page.form("/device")["fields"]["user_code"] == begun["user_code"]
    wrong = visit.post(page, "/device", user_code="BBBB-BBBB")
    assert "没有设备在使用这个代码" in wrong.text
    page = visit.post(page, "/device", user_code=begun["user_code"].lower())
    assert "窗口自助机" in page.text
    page = visit.post(page, "/device/answer", consent="yes")
    assert "已允许" in page.text
    with provider.sessions() as session:
        assert [each.client_id for each in grants.of_account(session, person)] == [
            registered.client.client_id
        ]


def test_device_codes_cannot_be_searched(provider: Provider, visit: Visit, person: str) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/device")
    seen = [visit.post(page, "/device", user_code="BBBB-BBBB").text for _ in range(25)]
    assert "没有设备在使用这个代码" in seen[0]
    assert "尝试次数过多" in seen[-1]


def test_a_body_that_is_no_form_or_too_long_is_refused(visit: Visit, person: str) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    form = visit.get("/account/sessions").form("/sessions/end-all")
    urlencoded = "application/x-www-form-urlencoded"
    for body, kind in (
        (b"{}", "application/json"), (b"a=1&a=2", urlencoded), (b"a=%ff", urlencoded),
        (b"a=" + b"x" * 300_000, urlencoded), (b"\xff", urlencoded),
        (b"--x\r\nno header\r\n", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
    ):  # fmt: skip
        headers = {**BROWSER, "Content-Type": kind}
        answer = visit.http.post(form["action"], content=body, headers=headers)
        assert answer.status_code == 422, body[:20]
