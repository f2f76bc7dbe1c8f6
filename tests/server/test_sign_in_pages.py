"""Signing in through the pages, without scripts: steps, refusals, what may not happen."""

import base64
import html
import re
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from server.pages import csrf
from sso import clients
from sso.certificate_login import JudgedCertificate
from sso.clients import Registered
from sso.provider import Provider
from tests.server.identity_site import BROWSER, Page, Visit, application, open_provider
from tests.sso import signing_in
from tests.sso.front import CALLBACK, asked
from tests.sso.front import add as add_client
from tests.sso.provider import HandClock
from tests.tools import find_tool
from trust.access import Role
from trust.crypto import x509
from trust.crypto.hashes import sha256
from trust.db import Sessions
from trust.errors import TrustError, Unauthenticated
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
    from urllib.parse import urlencode

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


def test_a_recovery_code_stands_in_for_the_authenticator(provider: Provider, visit: Visit) -> None:
    from sso import recovery_codes

    name = signing_in.citizen(provider)
    signing_in.with_totp(provider, name)
    with provider.sessions.begin() as session:
        codes = recovery_codes.renew(
            session, provider.vault, name, by=signing_in.himself(name), at=provider.clock()
        )
    visit.sign_in(name, signing_in.PASSWORD)
    page = visit.get(f"{visit.path}?way=recovery")
    visit.post(page, "/recovery", recovery_code=codes[0])
    assert visit.path == "/account"


def test_staff_without_a_second_factor_enrol_one_before_they_go_on(
    provider: Provider, visit: Visit
) -> None:
    import pyotp

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


def test_a_code_by_text_message_signs_in(provider: Provider, visit: Visit) -> None:
    from sso.messages import FileMessages

    signing_in.citizen(provider)
    visit.get("/sign-in")
    page = visit.get(f"{visit.path}?way=sms")
    page = visit.post(page, "/sms", mobile=signing_in.MOBILE)
    assert isinstance(provider.messages, FileMessages)
    code = re.search(r"\d{6}", provider.messages.sent()[-1].text)
    assert code is not None
    wrong = visit.post(page, "/sms", code="000000")
    assert "验证码不正确" in wrong.text
    visit.post(page, "/sms", code=code[0])
    assert visit.path == "/account"


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
    import json

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
    from sso.policy import Policy

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
    from trust.access import SYSTEM

    signing_in.citizen(provider)
    page = authorize(visit, registered)
    page = visit.post(page, "/password", username="zhang.san", password=signing_in.PASSWORD)
    with provider.sessions.begin() as session:
        clients.disable(session, registered.client.client_id, by=SYSTEM, at=provider.clock())
    visit.post(page, "/consent", consent="yes")
    assert visit.answer.status_code == 400
    assert CALLBACK not in visit.answer.text


def test_qr_a_phone_that_is_signed_in_lets_a_desktop_in(provider: Provider, visit: Visit) -> None:
    name = signing_in.citizen(provider)
    phone = Visit(visit.app)
    phone.sign_in(name, signing_in.PASSWORD)
    visit.get("/sign-in")
    page = visit.get(f"{visit.path}?way=qr")
    form = page.form("/qr")
    qr_id, number = form["fields"]["qr"], form["fields"]["number"]
    state = f"{form['action']}/state?qr={qr_id}"
    assert visit.http.get(state).json() == {"state": "waiting"}
    page = visit.post(page, "/qr")
    assert "手机还没有确认" in page.text
    asked_on_phone = phone.get(f"/qr/{qr_id}")
    assert number not in asked_on_phone.text.split()
    phone.post(asked_on_phone, f"/qr/{qr_id}", approve="yes", number=number)
    assert visit.http.get(state).json() == {"state": "answered"}
    visit.post(page, "/qr")
    assert visit.path == "/account"


def test_qr_the_wrong_number_refuses_the_desktop_for_good(provider: Provider, visit: Visit) -> None:
    name = signing_in.citizen(provider)
    phone = Visit(visit.app)
    phone.sign_in(name, signing_in.PASSWORD)
    visit.get("/sign-in")
    page = visit.get(f"{visit.path}?way=qr")
    fields = page.form("/qr")["fields"]
    wrong = f"{(int(fields['number']) + 1) % 100:02}"
    asked_on_phone = phone.get(f"/qr/{fields['qr']}")
    answered = phone.post(asked_on_phone, f"/qr/{fields['qr']}", approve="yes", number=wrong)
    assert "已拒绝" in answered.text
    visit.post(page, "/qr")
    assert "trust_session" not in visit.http.cookies


def test_somebody_registers_and_signs_in(provider: Provider, visit: Visit) -> None:
    from sso.messages import FileMessages

    page = visit.get("/register")
    page = visit.post(page, "/register", mobile="13900000009")
    assert isinstance(provider.messages, FileMessages)
    code = re.search(r"\d{6}", provider.messages.sent()[-1].text)
    assert code is not None
    sent = {"name": "李四", "id_number": signing_in.CITIZEN, "password": "Weak"}
    page = visit.post(page, "/register/complete", code=code[0], **sent)
    assert [each for each in page.all("div") if each.get("role") == "alert"]
    assert 'value="李四"' in visit.answer.text
    sent["password"] = "Lake-and-9-Hills"
    visit.post(page, "/register/complete", code=code[0], **sent)
    assert visit.path.startswith("/sign-in/")
    visit.sign_in("13900000009", "Lake-and-9-Hills")
    assert visit.path == "/account"


def test_recovery_reads_alike_whether_or_not_there_is_an_account(
    provider: Provider, visit: Visit
) -> None:
    signing_in.citizen(provider)
    pages = []
    for login in ("zhang.san", "nobody.at.all"):
        page = visit.post(visit.get("/recover"), "/recover", username=login)
        token = re.search(r'id="recovery-token">([^<]+)<', visit.answer.text)
        assert token is not None
        pages.append(page.text.replace(token[1], "TOKEN"))
    assert pages[0] == pages[1]


def test_recovery_waits_a_day_and_then_takes_a_new_password(
    provider: Provider, visit: Visit
) -> None:
    from sso.messages import FileMessages

    signing_in.citizen(provider)
    page = visit.post(visit.get("/recover"), "/recover", username="zhang.san")
    page = visit.post(page, "/recover/send")
    assert isinstance(provider.messages, FileMessages)
    code = re.findall(r"(?<!\d)\d{6}(?!\d)", provider.messages.sent()[-1].text)[0]
    page = visit.post(page, "/recover/code", code=code)
    token = page.form("/recover/send")["fields"]["token"]
    assert "等待至" in page.text
    clock_of(provider).forward(hours=25)
    page = visit.post(visit.get("/recover"), "/recover/resume", token=token)
    page = visit.post(page, "/recover/complete", password="Lake-and-9-Hills")
    assert "新密码已设置" in page.text
    visit.sign_in("zhang.san", "Lake-and-9-Hills")
    assert visit.path == "/account"


def test_the_link_in_a_recovery_message_only_asks(provider: Provider, visit: Visit) -> None:
    from sso.messages import FileMessages

    signing_in.citizen(provider)
    visit.post(visit.get("/recover"), "/recover", username="zhang.san")
    assert isinstance(provider.messages, FileMessages)
    link = re.search(r"http\S+/recover/cancel/(\S+)", provider.messages.sent()[-1].text)
    assert link is not None
    page = visit.get(f"/recover/cancel/{link[1]}")
    page = visit.post(page, "/recover/cancel")
    assert "找回已取消" in page.text


def test_base64_that_is_none_is_refused_politely(provider: Provider, visit: Visit) -> None:
    visit.get("/sign-in")
    page = visit.get(f"{visit.path}?way=certificate")
    challenge = base64.b64decode(page.form("/certificate")["fields"]["challenge"])
    assert len(challenge) == 32
    page = visit.post(page, "/certificate", signature="!!", certificate="no certificate")
    assert visit.answer.status_code == 200
    assert [each for each in page.all("div") if each.get("role") == "alert"]
    assert "trust_session" not in visit.http.cookies


def openssl(directory: Path, *words: str) -> None:
    subprocess.run(
        [find_tool("openssl"), *words], cwd=directory, check=True, capture_output=True, timeout=60
    )


#: As the page says it, and how the key is made.
SIGNING = {
    "rsa": (
        ("genrsa", "-out", "key.pem", "2048"), ("-sha256",),
        ("dgst", "-sha256", "-sign", "key.pem", "-out", "login.sig", "login.bin"),
    ),
    "sm2": (
        ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-pkeyopt",
         "ec_param_enc:named_curve", "-out", "key.pem"), ("-sm3",),
        ("pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678",
         "-inkey", "key.pem", "-in", "login.bin", "-out", "login.sig"),
    ),
}  # fmt: skip


def judge(leaf: bytes, chain: tuple[bytes, ...], at: datetime) -> JudgedCertificate:
    """Takes every certificate for the one of our person: only what signs is under test here."""
    try:
        spki = x509.parse_certificate(leaf).spki
    except TrustError as error:
        raise Unauthenticated("no certificate") from error
    return JudgedCertificate(("111", signing_in.CITIZEN), "CN=张三丰", sha256(leaf), spki)


@pytest.mark.parametrize("kind", SIGNING)
@pytest.mark.parametrize("pasted", [True, False], ids=["pasted", "as files"])
def test_what_the_page_says_to_openssl_signs_in_by_a_certificate(
    provider: Provider, tmp_path: Path, kind: str, pasted: bool
) -> None:
    make, digest, sign = SIGNING[kind]
    provider = replace(provider, judge=judge)
    signing_in.citizen(provider)
    visit = Visit(application(provider))
    openssl(tmp_path, *make)
    openssl(
        tmp_path, "req", "-x509", "-new", "-key", "key.pem", *digest, "-subj", "/CN=x", "-out",
        "cert.pem",
    )  # fmt: skip
    visit.get("/sign-in")
    page = visit.get(f"{visit.path}?way=certificate")
    commands = [
        html.unescape(each) for each in re.findall(r"<code>(.*?)</code>", visit.answer.text)
    ]
    assert " ".join(("openssl", *sign)) in commands
    shown = re.search(r'id="challenge">([^<]+)<', visit.answer.text)
    assert shown is not None
    (tmp_path / "login.bin").write_bytes(base64.b64decode(shown[1]))
    openssl(tmp_path, *sign)
    signature, certificate = (tmp_path / name for name in ("login.sig", "cert.pem"))
    form = page.form("/certificate")
    if pasted:
        text = {"signature": base64.b64encode(signature.read_bytes()).decode()}
        visit.post(page, "/certificate", certificate=certificate.read_text(), **text)
    else:
        files = {
            "signature_file": signature.read_bytes(),
            "certificate_file": certificate.read_bytes(),
        }
        kept = {name: form["fields"][name] for name in ("csrf", "challenge")}
        visit._land(visit.http.post(form["action"], data=kept, files=files, headers=BROWSER))
    assert visit.path == "/account"
    # One challenge, one try.
    again = Visit(visit.app)
    again.get("/sign-in")
    page = again.get(f"{again.path}?way=certificate")
    again.post(
        page, "/certificate", certificate=certificate.read_text(),
        signature=base64.b64encode(signature.read_bytes()).decode(),
    )  # fmt: skip
    assert "trust_session" not in again.http.cookies
