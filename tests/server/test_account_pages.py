"""The account's and the administrators' pages: what is shown, changed, and to whom."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from sso import agents, browser_session, clients, grants, people, token_models
from sso.people_models import Capacity
from sso.provider import Provider
from tests.server.identity_site import BROWSER, Page, Visit, application, open_provider
from tests.sso import samples, signing_in
from tests.sso.front import CALLBACK
from tests.sso.front import add as add_client
from tests.sso.provider import START, HandClock
from trust.access import SYSTEM, Role
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


def administrator(visit: Visit, provider: Provider, name: str, role: Role) -> Page:
    """Somebody of this office, signed in by two factors."""
    signing_in.staff(provider, name, role)
    generator = signing_in.with_totp(provider, name)
    page = visit.sign_in(name, signing_in.PASSWORD)
    return visit.post(page, "/totp", otp=generator.at(provider.clock()))


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
    import pyotp

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
    from trust import audit

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
    from sso import device

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


@pytest.mark.parametrize("path", ["/admin/", "/admin/clients", "/admin/people", "/admin/roles"])
def test_administration_is_for_administrators(visit: Visit, person: str, path: str) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    visit.get(path)
    assert visit.answer.status_code == 403


def test_a_system_administrator_registers_changes_and_switches_off_a_platform(
    provider: Provider, visit: Visit
) -> None:
    administrator(visit, provider, "boss", Role.SYSTEM_ADMIN)
    page = visit.get("/admin/client/new")
    page = visit.post(
        page, "/client/new", client_name="不动产登记平台",
        redirect_uris=f"{CALLBACK}\r\nhttps://platform.example/other", scope="openid profile",
    )  # fmt: skip
    shown = re.search(r'id="client-secret">([^<]{43})<', visit.answer.text)
    assert shown is not None
    with provider.sessions() as session:
        (client,) = clients.page(session)
    assert client.redirect_uris == (CALLBACK, "https://platform.example/other")
    assert clients.check_secret(client, shown[1], at=START)
    visit.get(f"/admin/client?client_id={client.client_id}")
    assert shown[1] not in visit.answer.text
    page = visit.get(f"/admin/client/edit?client_id={client.client_id}")
    page = visit.post(page, "/client/edit", client_name="新名称", redirect_uris=CALLBACK)
    page = visit.post(page, "/client/rotate")
    assert shown[1] not in visit.answer.text
    assert re.search(r'id="client-secret">([^<]{43})<', visit.answer.text)
    visit.post(page, "/client/switch")
    with provider.sessions() as session:
        (client,) = clients.page(session)
    assert (client.name, client.active, client.redirect_uris) == ("新名称", False, (CALLBACK,))


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uris": "https://platform.example/#x"}, {"jwks": "[["}, {"jwks": "[]"},
        {"policy_uri": "javascript:alert(1)"}, {"redirect_uris": ""},
    ],
)  # fmt: skip
def test_bad_metadata_is_refused_and_the_form_keeps_what_was_typed(
    provider: Provider, visit: Visit, wrong: dict[str, str]
) -> None:
    administrator(visit, provider, "boss", Role.SYSTEM_ADMIN)
    page = visit.get("/admin/client/new")
    good = {"client_name": "不动产登记平台", "redirect_uris": CALLBACK}
    page = visit.post(page, "/client/new", **(good | wrong))
    assert [each for each in page.all("div") if each.get("role") == "alert"]
    assert 'value="不动产登记平台"' in visit.answer.text
    with provider.sessions() as session:
        assert clients.page(session) == []


def test_platforms_are_searched_and_paged_in_the_database(provider: Provider, visit: Visit) -> None:
    for n in range(60):
        add_client(provider, at=START, client_id=f"client-{n:02}", client_name=f"平台 {n:02}")
    administrator(visit, provider, "boss", Role.SYSTEM_ADMIN)
    page = visit.get("/admin/clients")
    assert len(re.findall(r"client-\d\d</code>", visit.answer.text)) == 50
    visit.get(next(each["href"] for each in page.all("a") if "after=" in each["href"]))
    assert len(re.findall(r"client-\d\d</code>", visit.answer.text)) == 10
    visit.get("/admin/clients?q=平台 07")
    assert re.findall(r"client-\d\d</code>", visit.answer.text) == ["client-07</code>"]


def test_a_person_is_found_by_a_whole_number_only_masked_and_every_search_is_recorded(
    provider: Provider, visit: Visit, person: str
) -> None:
    administrator(visit, provider, "guard", Role.SECURITY_ADMIN)
    page = visit.get("/admin/people")
    for part in ("张三丰", "110105", "13800"):
        assert "没有找到" in visit.post(page, "/admin/people", key=part).text
    page = visit.post(page, "/admin/people", key=signing_in.CITIZEN)
    assert person in page.text
    assert signing_in.CITIZEN not in visit.answer.text
    assert "张三丰" not in visit.answer.text
    entries = signing_in.audited(provider, "person.searched")
    assert [entry.subject for entry in entries] == ["unknown"] * 3 + [person]
    assert not [entry for entry in entries if signing_in.CITIZEN in entry.details]


def test_a_security_administrator_gives_roles_and_never_to_themselves(
    provider: Provider, visit: Visit, person: str
) -> None:
    signing_in.staff(provider, "guard", Role.SECURITY_ADMIN)
    generator = signing_in.with_totp(provider, "guard")
    page = visit.sign_in("guard", signing_in.PASSWORD)
    visit.post(page, "/totp", otp=generator.at(provider.clock()))
    page = visit.post(visit.get("/admin/people"), "/admin/people", key=person)
    given = {"role.clerk": "yes", "authority": "11542500999000056Q"}
    page = visit.post(page, "/people/roles", **given)
    assert "角色已保存" in page.text
    with provider.sessions() as session:
        account = people.find_by_login(session, provider.vault, person)
        assert account is not None
        assert [row.role for row in account.roles] == ["clerk"]
    page = visit.post(visit.get("/admin/people"), "/admin/people", key="guard")
    visit.post(page, "/people/roles", **(given | {"role.approver": "yes"}))
    assert visit.answer.status_code == 403


def test_a_system_administrator_cannot_look_for_people(provider: Provider, visit: Visit) -> None:
    administrator(visit, provider, "boss", Role.SYSTEM_ADMIN)
    visit.get("/admin/people")
    assert visit.answer.status_code == 403


def test_an_audit_administrator_sees_and_changes_nothing(provider: Provider, visit: Visit) -> None:
    administrator(visit, provider, "auditor", Role.AUDIT_ADMIN)
    page = visit.get("/admin/client/new")
    assert visit.answer.status_code == 200
    visit.post(page, "/client/new", client_name="x", redirect_uris=CALLBACK)
    assert visit.answer.status_code == 403
    with provider.sessions() as session:
        assert clients.page(session) == []


def test_a_suspended_account_is_out_and_can_be_let_act_again(
    provider: Provider, visit: Visit, person: str
) -> None:
    theirs = Visit(visit.app)
    theirs.sign_in(person, signing_in.PASSWORD)
    signing_in.staff(provider, "guard", Role.SECURITY_ADMIN)
    with provider.sessions.begin() as session:  # one who is not bound to an authority
        account = people.find_by_login(session, provider.vault, "guard")
        assert account is not None
        account.authority = None
    generator = signing_in.with_totp(provider, "guard")
    page = visit.sign_in("guard", signing_in.PASSWORD)
    visit.post(page, "/totp", otp=generator.at(provider.clock()))
    page = visit.post(visit.get("/admin/people"), "/admin/people", key=person)
    page = visit.post(page, "/people/switch", reason="reported lost")
    theirs.get("/account")
    assert theirs.path.startswith("/sign-in/")
    page = visit.post(visit.get("/admin/people"), "/admin/people", key=person)
    visit.post(page, "/people/switch", reason="found")
    theirs.sign_in(person, signing_in.PASSWORD)
    assert theirs.path == "/account"


def test_logout_notices_and_what_became_of_them_are_listed(
    provider: Provider, visit: Visit, person: str
) -> None:
    client = add_client(provider, at=START).client
    with provider.sessions.begin() as session:
        for n, outcome in enumerate(("next_at", "delivered_at", "given_up_at")):
            session.add(
                token_models.LogoutDelivery(
                    client_id=client.client_id, account=person, sid="s" * 22, created_at=START,
                    tried=n, **{outcome: START},
                )
            )  # fmt: skip
    administrator(visit, provider, "boss", Role.SYSTEM_ADMIN)
    page = visit.get("/admin/deliveries")
    for words in ("待送", "已送达", "已放弃"):
        assert words in page.text


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
