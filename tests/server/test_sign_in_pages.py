"""Signing in through the pages, without scripts: steps, refusals, what may not happen."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest

from server.pages import csrf
from sso import clients, passwords
from sso.clients import Registered
from sso.models import Account
from sso.policy import Policy
from sso.provider import Provider
from tests.server.identity_site import BROWSER, Page, Visit, application, open_provider
from tests.sso import signing_in
from tests.sso.front import CALLBACK, asked
from tests.sso.front import add as add_client
from tests.sso.provider import START, HandClock
from trust.access import SYSTEM, Role
from trust.db import Sessions
from trust.keys import SoftKeyStore


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return open_provider(sqlite_sessions, soft_keys, tmp_path)


@pytest.fixture
def visit(provider: Provider) -> Visit:
    return Visit(application(provider))


@pytest.fixture
def registered(provider: Provider) -> Registered:
    return add_client(provider, at=provider.clock())


def authorize(visit: Visit, registered: Registered, **more: str) -> Page:

    return visit.get(f"/oauth2/authorize?{urlencode(asked(registered.client, **more))}")


def clock_of(provider: Provider) -> HandClock:
    assert isinstance(provider.clock, HandClock)
    return provider.clock


def test_a_person_signs_in_consents_and_is_sent_back_with_a_code(
    provider: Provider, visit: Visit, registered: Registered
) -> None:
    signing_in.citizen(provider)
    page = authorize(visit, registered)
    assert visit.path.startswith("/sign-in/")
    assert {"username", "password"} <= page.form("/password")["fields"].keys()
    page = visit.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
    form = page.form("/consent")
    assert form["buttons"] == {"consent": "yes", "deny": "yes"}
    assert "查看姓名" in page.text
    visit.post(page, "/consent", consent="yes")
    went = urlsplit(visit.onward())
    assert f"{went.scheme}://{went.netloc}{went.path}" == CALLBACK
    query = parse_qs(went.query)
    assert query["state"] == ["state-1"]
    assert query["iss"] == [provider.issuer]
    assert len(query["code"][0]) == 43


def test_a_program_that_does_not_navigate_gets_a_plain_redirect(
    provider: Provider, visit: Visit, registered: Registered
) -> None:
    signing_in.citizen(provider)
    page = authorize(visit, registered)
    page = visit.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
    form = page.form("/consent")
    answer = visit.http.post(form["action"], data={**form["fields"], "consent": "yes"})
    answer = visit.http.get(answer.headers["location"])
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(CALLBACK)


def test_denying_tells_the_platform_so(
    provider: Provider, visit: Visit, registered: Registered
) -> None:
    signing_in.citizen(provider)
    page = authorize(visit, registered)
    page = visit.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
    visit.post(page, "/consent", deny="yes")
    assert parse_qs(urlsplit(visit.onward()).query)["error"] == ["access_denied"]


def test_a_wrong_password_an_unknown_name_and_a_closed_account_read_alike(
    provider: Provider, visit: Visit
) -> None:
    signing_in.citizen(provider)
    signing_in.close(provider, signing_in.staff(provider, "closed.one"))
    texts = []
    for login in ("zhang.san", "nobody.here", "closed.one"):
        page = visit.sign_in(login, "not the password")
        assert visit.answer.status_code == 200
        texts.append(page.text)
        assert 'aria-invalid="true"' in visit.answer.text
        assert "not the password" not in visit.answer.text
    assert len(set(texts)) == 1


def test_whoever_has_an_authenticator_is_asked_for_its_code(
    provider: Provider, visit: Visit
) -> None:
    name = signing_in.citizen(provider)
    generator = signing_in.with_totp(provider, name)
    page = visit.sign_in(name, signing_in.PASSWORD)
    assert set(page.form("/totp")["fields"]) == {"csrf", "otp"}
    page = visit.post(page, "/totp", otp="000000")
    assert "验证码不正确" in page.text
    page = visit.post(page, "/totp", otp=generator.at(provider.clock()))
    assert visit.path == "/account"
    assert "张**" in page.text


def test_without_the_second_step_no_session_begins(provider: Provider, visit: Visit) -> None:
    name = signing_in.citizen(provider)
    signing_in.with_totp(provider, name)
    visit.sign_in(name, signing_in.PASSWORD)
    assert "trust_session" not in visit.http.cookies
    visit.get("/account")
    assert visit.path.startswith("/sign-in/")


def test_staff_without_a_second_factor_enrol_one_before_they_go_on(
    provider: Provider, visit: Visit
) -> None:

    signing_in.staff(provider, "clerk.one", Role.CLERK)
    page = visit.sign_in("clerk.one", signing_in.PASSWORD)
    assert "开通第二因素" in page.text
    assert "trust_session" not in visit.http.cookies
    page = visit.get(f"{visit.path}/enrol/totp")
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', visit.answer.text)
    assert secret is not None
    assert page.all("img")[-1]["src"].startswith("data:image/svg+xml;base64,")
    page = visit.post(page, "/enrol/totp", otp=pyotp.TOTP(secret[1]).at(provider.clock()))
    assert "请保存恢复码" in page.text
    assert len(re.findall(r"<li>[a-z2-7-]{19}</li>", visit.answer.text)) == 10
    visit.get(next(each["href"] for each in page.all("a") if "/continue" in each["href"]))
    assert visit.path == "/account"


def test_a_seal_administrator_is_not_offered_an_authenticator(
    provider: Provider, visit: Visit
) -> None:
    signing_in.staff(provider, "seal.one", Role.SEAL_ADMIN)
    page = visit.sign_in("seal.one", signing_in.PASSWORD)
    links = {each["href"].rpartition("/")[2] for each in page.all("a")}
    assert "passkey" in links
    assert "totp" not in links
    path = visit.path
    visit.get(f"{path}/enrol/totp")
    assert visit.answer.status_code == 403


def test_a_login_of_another_browser_is_not_shown(provider: Provider, visit: Visit) -> None:
    visit.get("/sign-in")
    other = Visit(visit.app)
    page = other.get(visit.path)
    assert other.answer.status_code == 404
    assert not page.forms
    assert "此次登录已结束或过期" in page.text


def test_an_expired_login_offers_to_start_again_at_the_platform(
    provider: Provider, visit: Visit
) -> None:
    start = "https://platform.example/start"
    registered = add_client(provider, at=provider.clock(), initiate_login_uri=start)
    authorize(visit, registered)
    path = visit.path
    clock_of(provider).forward(hours=2)
    page = visit.get(path)
    assert visit.answer.status_code == 404
    links = [each["href"] for each in page.all("a")]
    assert any(link.startswith(f"{start}?iss=") for link in links)


@pytest.mark.parametrize("given", ["", "x" * 43, None])
def test_a_form_without_our_token_does_nothing(
    provider: Provider, visit: Visit, given: str | None
) -> None:
    signing_in.citizen(provider)
    page = visit.get("/sign-in")
    sent = {"username": "zhang.san", "password": signing_in.PASSWORD}
    if given is not None:
        sent["csrf"] = given
    answer = visit.http.post(page.form("/password")["action"], data=sent, headers=BROWSER)
    assert answer.status_code == 403
    assert "trust_session" not in visit.http.cookies


def test_a_form_posted_by_another_site_does_nothing(provider: Provider, visit: Visit) -> None:
    signing_in.citizen(provider)
    form = visit.get("/sign-in").form("/password")
    sent = {**form["fields"], "username": "zhang.san", "password": signing_in.PASSWORD}
    elsewhere = {**BROWSER, "Sec-Fetch-Site": "cross-site"}
    answer = visit.http.post(form["action"], data=sent, headers=elsewhere)
    assert answer.status_code == 403


def test_a_token_is_good_for_one_purpose_and_browser(provider: Provider) -> None:
    made = csrf.token(provider.vault, "browser", purpose="one")
    csrf.check(provider.vault, "browser", made, purpose="one")
    for bound_to, purpose in (("browser", "two"), ("other", "one"), ("browser\0one", "")):
        with pytest.raises(csrf.ForeignForm):
            csrf.check(provider.vault, bound_to, made, purpose=purpose)


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "x" * 600]
)
def test_a_sign_in_leads_nowhere_but_to_our_own_pages(visit: Visit, path: str) -> None:
    answer = visit.http.get("/sign-in", params={"next": path}, headers=BROWSER)
    assert answer.status_code == 422


def test_the_session_changes_its_cookie_when_more_is_proved(
    provider: Provider, visit: Visit, registered: Registered
) -> None:
    name = signing_in.citizen(provider)
    visit.sign_in(name, signing_in.PASSWORD)
    before = visit.http.cookies["trust_session"]
    page = authorize(visit, registered, prompt="login")
    visit.post(page, "/password", username=name, password=signing_in.PASSWORD)
    page = Page(visit.answer.text)
    visit.post(page, "/consent", consent="yes")
    assert visit.http.cookies["trust_session"] != before


def test_over_https_cookies_cannot_be_planted_or_overheard(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    provider = open_provider(
        sqlite_sessions, soft_keys, tmp_path, issuer="https://id.example.gov.cn"
    )
    signing_in.citizen(provider)
    visit = Visit(application(provider), "https://id.example.gov.cn")
    visit.sign_in("zhang.san", signing_in.PASSWORD)
    assert {"__Host-trust_browser", "__Host-trust_session"} == set(visit.http.cookies.keys())
    answer = visit.http.get("/sign-in", headers={"Cookie": "x=y"})
    made = answer.headers["set-cookie"]
    for part in ("__Host-trust_browser=", "HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert part in made
    assert "Domain" not in made


def test_a_level_that_was_only_wished_for_may_be_declined(
    provider: Provider, visit: Visit, registered: Registered
) -> None:
    signing_in.citizen(provider)
    page = authorize(visit, registered, acr_values="urn:trust:loa:2")
    page = visit.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
    assert "提升认证等级" in page.text
    page = visit.post(page, "/as-is")
    assert page.form("/consent")


def test_a_level_is_raised_by_the_simulated_registry_on_the_way_in(
    provider: Provider, visit: Visit, registered: Registered, tmp_path: Path
) -> None:

    rows = [{"name": "张三丰", "number": signing_in.CITIZEN, "face": "face of zhang"}]
    (tmp_path / "registries.json").write_text(
        json.dumps({"population": rows, "entities": []}), encoding="utf-8"
    )
    signing_in.citizen(provider)
    page = authorize(visit, registered, acr_values="urn:trust:loa:2")
    page = visit.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
    forms = [form for form in page.forms if form["fields"].get("method") == "face"]
    sent = {**forms[0]["fields"], "face-face": "somebody else"}
    refused = visit._land(visit.http.post(forms[0]["action"], data=sent, headers=BROWSER))
    assert "身份核验未通过" in refused.text
    sent["face-face"] = "face of zhang"
    page = visit._land(visit.http.post(forms[0]["action"], data=sent, headers=BROWSER))
    assert page.form("/consent")


def test_outside_development_no_simulated_face_is_offered(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:

    provider = open_provider(sqlite_sessions, soft_keys, tmp_path, policy=Policy())
    signing_in.citizen(provider)
    visit = Visit(application(provider))
    page = visit.sign_in("zhang.san", signing_in.PASSWORD)
    assert "模拟人脸" not in page.text
    answer = visit.post(page, "/raise", method="face", **{"face-face": "x"})
    assert "无权办理" in answer.text


def test_an_unknown_platform_gets_a_page_and_no_redirect(visit: Visit) -> None:
    page = visit.get("/oauth2/authorize?client_id=nobody&redirect_uri=https://evil.example")
    assert visit.answer.status_code == 400
    assert "没有任何信息被发送" in page.text
    assert "evil.example" not in visit.answer.text


def test_an_answer_by_form_has_a_button_and_a_page_without_form_action(
    provider: Provider, visit: Visit, registered: Registered
) -> None:
    signing_in.citizen(provider)
    page = authorize(visit, registered, response_mode="form_post")
    page = visit.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
    page = visit.post(page, "/consent", consent="yes")
    form = page.form("/callback")
    assert form["action"] == CALLBACK
    assert {"code", "state", "iss"} <= form["fields"].keys()
    assert page.all("button")
    assert "form-action" not in visit.answer.headers["content-security-policy"]
    assert "script-src 'self'" in visit.answer.headers["content-security-policy"]


def test_the_policy_of_a_login_page_names_one_platform_only(
    provider: Provider, visit: Visit, registered: Registered
) -> None:
    authorize(visit, registered)
    policies = visit.answer.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert "form-action 'self' https://platform.example;" in policies[0] + ";"
    visit.get("/sign-in")
    assert "form-action 'self'" in visit.answer.headers["content-security-policy"].split("; ")


def test_a_platform_disabled_meanwhile_gets_nothing(
    provider: Provider, visit: Visit, registered: Registered
) -> None:

    signing_in.citizen(provider)
    page = authorize(visit, registered)
    page = visit.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
    with provider.sessions.begin() as session:
        clients.disable(session, registered.client.client_id, by=SYSTEM, at=provider.clock())
    visit.post(page, "/consent", consent="yes")
    assert visit.answer.status_code == 400
    assert CALLBACK not in visit.answer.text


def test_a_password_that_somebody_else_chose_is_replaced_on_the_way_in(
    provider: Provider, visit: Visit
) -> None:
    name = signing_in.citizen(provider)
    with provider.sessions.begin() as session:
        passwords.set_password(
            session, session.get_one(Account, name), "Chosen-4-you-2", hasher=provider.hasher,
            by=signing_in.himself("clerk"), at=START,
        )  # fmt: skip
    page = visit.sign_in(name, "Chosen-4-you-2")
    assert "trust_session" not in visit.http.cookies
    again = visit.post(page, "/new-password", password="Chosen-4-you-2")
    assert [each for each in again.all("div") if each.get("role") == "alert"]
    visit.post(page, "/new-password", password="Lake-and-9-Hills")
    assert visit.path == "/account"


def test_a_wish_that_was_declined_is_not_raised_again_by_the_consent(
    provider: Provider, visit: Visit, registered: Registered
) -> None:
    """The person comes with a session: nothing is proved in this login itself."""
    signing_in.citizen(provider)
    visit.sign_in("zhang.san", signing_in.PASSWORD)
    page = authorize(visit, registered, acr_values="urn:trust:loa:2", prompt="consent")
    page = visit.post(page, "/as-is")
    visit.post(page, "/consent", consent="yes")
    assert len(parse_qs(urlsplit(visit.onward()).query)["code"][0]) == 43
