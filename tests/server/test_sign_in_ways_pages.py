"""The other ways in, through the pages: messages, a phone, certificates, recovery."""

import base64
import html
import re
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from sso import recovery_codes
from sso.certificate_login import JudgedCertificate
from sso.messages import FileMessages
from sso.provider import Provider
from tests.server.identity_site import BROWSER, Visit, application, open_provider
from tests.sso import signing_in
from tests.sso.provider import HandClock
from tests.tools import find_tool
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


def clock_of(provider: Provider) -> HandClock:
    assert isinstance(provider.clock, HandClock)
    return provider.clock


def test_a_recovery_code_stands_in_for_the_authenticator(provider: Provider, visit: Visit) -> None:

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


def test_a_code_by_text_message_signs_in(provider: Provider, visit: Visit) -> None:

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
