"""What changes an account for good: contact, certificates, organisations, its end; the desk."""

import base64
import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from sso import (
    agents,
    assurance,
    browser_session,
    certificate_login,
    grants,
    passwords,
    people,
    recovery,
)
from sso.messages import FileMessages
from sso.models import Account
from sso.provider import Provider
from tests.server.identity_site import Page, Visit, application, open_provider
from tests.server.test_administration_pages import administrator
from tests.server.test_sign_in_ways_pages import clock_of, judge
from tests.sso import samples, signing_in
from tests.sso.front import add as add_client
from tests.sso.provider import START
from tests.sso.test_certificate_login import certificate
from trust.access import SYSTEM, Role
from trust.crypto import private_keys
from trust.crypto.algorithms import DEFAULT, KeyKind
from trust.crypto.private_keys import PrivateKey
from trust.db import Sessions
from trust.keys import SoftKeyStore

NEW = "13900000009"
PASSWORD = "Lake-and-9-Hills"


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    made = open_provider(sqlite_sessions, soft_keys, tmp_path)
    return replace(made, judge=judge, checks=samples.registries(tmp_path))


@pytest.fixture
def visit(provider: Provider) -> Visit:
    return Visit(application(provider))


@pytest.fixture
def person(provider: Provider) -> str:
    return signing_in.citizen(provider)


def sent(provider: Provider) -> list[tuple[str, str]]:
    assert isinstance(provider.messages, FileMessages)
    return [(each.to, each.text) for each in provider.messages.sent()]


def code(provider: Provider) -> str:
    found = re.search(r"\d{6}", sent(provider)[-1][1])
    assert found is not None
    return found[0]


def refused(page: Page) -> bool:
    return any(each.get("role") == "alert" for each in page.all("div"))


def contact_form(visit: Visit, kind: str, to: str) -> Page:
    """Send a code to a new address; the page that asks for it."""
    page = visit.get("/account/contact")
    form = next(each for each in page.forms if each["fields"].get("kind") == kind)
    page.forms = [form]
    return visit.post(page, "/contact", to=to)


@pytest.mark.parametrize(("kind", "to"), [("sms", NEW), ("email", "new@example.cn")])
def test_a_new_address_is_proved_by_a_code_and_told_to_the_old_one(
    provider: Provider, visit: Visit, person: str, kind: str, to: str
) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    page = contact_form(visit, kind, to)
    assert sent(provider)[-1][0] == to
    wrong = visit.post(page, "/confirm", code="000000")
    assert refused(wrong)
    page = visit.post(wrong, "/confirm", code=code(provider))
    assert "已通知原联系方式" in page.text
    told = {address for address, text in sent(provider) if "联系方式已更改" in text}
    assert told == {signing_in.MOBILE, "zhang@example.cn"}
    with provider.sessions() as session:
        found = people.find_by_login(session, provider.vault, to)
        assert found is not None
        assert found.name == person


def test_anothers_mobile_cannot_be_taken_nor_a_code_used_for_another_address(
    provider: Provider, visit: Visit, person: str
) -> None:
    with provider.sessions.begin() as session:
        people.add_person(session, provider.vault, samples.LI, by=SYSTEM, at=START, name="li.si")
    visit.sign_in(person, signing_in.PASSWORD)
    page = contact_form(visit, "sms", samples.OTHER_MOBILE)
    assert refused(visit.post(page, "/confirm", code=code(provider)))
    page = contact_form(visit, "sms", NEW)
    assert refused(visit.post(page, "/confirm", code=code(provider), to="13900000008"))
    with provider.sessions() as session:
        found = people.find_by_login(session, provider.vault, samples.OTHER_MOBILE)
        assert found is not None
        assert found.name == "li.si"


def test_codes_do_not_go_to_one_stranger_after_another(
    provider: Provider, visit: Visit, person: str
) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    for n in range(30):
        page = contact_form(visit, "sms", f"139000001{n:02}")
    assert refused(page)
    assert len(sent(provider)) == 20


@pytest.mark.parametrize(
    "path", ["/account/contact", "/account/close", "/account/certificates/new"]
)
def test_what_matters_takes_a_fresh_sign_in(
    provider: Provider, visit: Visit, person: str, path: str
) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    visit.get(path)
    assert visit.answer.status_code == 200
    for _ in range(2):
        clock_of(provider).forward(minutes=20)
        visit.get("/account")
    visit.get(path)
    assert visit.answer.status_code == 403


def filled(page: Page, text: str, key: PrivateKey, leaf: bytes) -> dict[str, str]:
    shown = re.search(r'id="challenge">([^<]+)<', text)
    assert shown is not None
    message = base64.b64decode(html.unescape(shown[1]))
    pem = base64.encodebytes(leaf).decode()
    return {
        "signature": base64.b64encode(key.sign(DEFAULT[key.kind], message)).decode(),
        "certificate": f"-----BEGIN CERTIFICATE-----\n{pem}-----END CERTIFICATE-----\n",
    }


def test_a_certificate_is_registered_by_its_signature_and_signs_in(
    provider: Provider, visit: Visit, person: str
) -> None:
    key = private_keys.generate(KeyKind.SM2)
    leaf = certificate(key)
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/certificates/new")
    answers = filled(page, visit.answer.text, key, leaf)
    other = filled(page, visit.answer.text, private_keys.generate(KeyKind.SM2), leaf)
    wrong = visit.post(page, "/certificates", **other)
    assert refused(wrong)
    assert refused(visit.post(page, "/certificates", **answers)), "a wrong answer spends it too"
    page = visit.get("/account/certificates/new")
    page = visit.post(page, "/certificates", **filled(page, visit.answer.text, key, leaf))
    assert "数字证书已登记" in page.text
    with provider.sessions() as session:
        assert len(certificate_login.of_account(session, person)) == 1
    fresh = Visit(visit.app)
    fresh.get("/sign-in")
    page = fresh.get(f"{fresh.path}?way=certificate")
    fresh.post(page, "/certificate", **filled(page, fresh.answer.text, key, leaf))
    assert fresh.path == "/account"


def test_a_challenge_to_sign_in_with_registers_nothing(
    provider: Provider, visit: Visit, person: str
) -> None:
    key = private_keys.generate(KeyKind.SM2)
    visit.sign_in(person, signing_in.PASSWORD)
    other = Visit(visit.app)
    other.get("/sign-in")
    signing = other.get(f"{other.path}?way=certificate")
    answers = filled(signing, other.answer.text, key, certificate(key))
    challenge = signing.form("/certificate")["fields"]["challenge"]
    page = visit.get("/account/certificates/new")
    assert refused(visit.post(page, "/certificates", challenge=challenge, **answers))
    with provider.sessions() as session:
        assert certificate_login.of_account(session, person) == []


def test_a_legal_representative_brings_their_organisation(
    provider: Provider, visit: Visit, person: str
) -> None:
    visit.sign_in(person, signing_in.PASSWORD)
    page = visit.get("/account/agents")
    low = visit.post(page, "/represent", uscc=samples.USCC, body=samples.BODY)
    assert "等级提升到 2" in low.text
    with provider.sessions.begin() as session:
        assurance.add_evidence(session, person, "face", by=SYSTEM, at=START)
    wrong = visit.post(page, "/represent", uscc=samples.MARKET, body=samples.BODY)
    assert refused(wrong)
    page = visit.post(page, "/represent", uscc=samples.USCC.lower(), body=samples.BODY)
    assert "您已代表该单位" in page.text
    assert samples.BODY in page.text
    assert "授权经办人" in page.text
    with provider.sessions() as session:
        (held,) = agents.acting_for(session, person, at=START)
        assert held.capacity == "legal_representative"


def test_somebody_closes_their_account_knowing_what_follows(
    provider: Provider, visit: Visit, person: str
) -> None:
    front = "https://platform.example/front"
    client = add_client(provider, at=START, frontchannel_logout_uri=front).client
    visit.sign_in(person, signing_in.PASSWORD)
    with provider.sessions.begin() as session:
        row = browser_session_of(provider, person)
        grants.begin_grant(
            session, account=person, client_id=client.client_id, scopes=("openid",), at=START,
            session_id=row,
        )  # fmt: skip
    page = visit.get("/account/close")
    assert "1 个平台" in page.text
    assert refused(visit.post(page, "/account/close", account="somebody.else"))
    page = visit.post(page, "/account/close", account=person)
    assert "已退出登录" in page.text
    (frame,) = page.all("iframe")
    assert frame["src"].startswith(front)
    assert "frame-src https://platform.example" in visit.answer.headers["content-security-policy"]
    assert "已按您的申请注销" in sent(provider)[-1][1]
    with provider.sessions() as session:
        account = session.get_one(Account, person)
        assert (account.active, account.particulars, account.key_index) == (False, None, None)
    visit.sign_in(person, signing_in.PASSWORD)
    assert visit.path.startswith("/sign-in/")


def browser_session_of(provider: Provider, name: str) -> str:
    with provider.sessions() as session:
        (row,) = browser_session.of_account(session, name, at=START, policy=provider.policy)
        return row.id


def test_staff_do_not_close_their_account_themselves(provider: Provider, visit: Visit) -> None:
    administrator(visit, provider, "guard", Role.SECURITY_ADMIN)
    assert "/account/close" not in visit.answer.text
    page = visit.get("/account/close")
    assert refused(visit.post(page, "/account/close", account="guard"))
    with provider.sessions() as session:
        assert session.get_one(Account, "guard").active


def test_who_loses_a_number_to_a_better_proof_is_told(provider: Provider, visit: Visit) -> None:
    """Somebody registered with another's number and proved nothing but name and number."""
    with provider.sessions.begin() as session:
        known = replace(samples.ZHANG, mobile=NEW, email="")
        people.add_person(session, provider.vault, known, by=SYSTEM, at=START, name="thief")
        assurance.add_evidence(session, "thief", "population_match", by=SYSTEM, at=START)
        account = people.add_person(
            session, provider.vault, samples.ZHANG, by=SYSTEM, at=START, name="zhang.san",
            key_checked=False,
        )  # fmt: skip
        passwords.set_password(
            session, account, signing_in.PASSWORD, hasher=provider.hasher,
            by=signing_in.himself("zhang.san"), at=START,
        )  # fmt: skip
    page = visit.sign_in("zhang.san", signing_in.PASSWORD)
    forms = [each for each in page.forms if each["fields"].get("method") == "face"]
    page.forms = forms
    visit.post(page, "/raise", **{"face-face": "face of Zhang"})
    assert [to for to, text in sent(provider) if "另一账户以更高等级核验" in text] == [NEW]


def desk(visit: Visit, provider: Provider, role: Role = Role.CLERK) -> Page:
    administrator(visit, provider, "desk", role)
    return visit.get("/desk/recovery")


SEEN = {"login": "zhang.san", "name": "张三丰", "id_number": signing_in.CITIZEN, "seen": "yes"}


def test_a_clerk_begins_a_recovery_for_the_holder_of_the_document(
    provider: Provider, visit: Visit, person: str
) -> None:
    page = visit.post(desk(visit, provider), "/desk/recovery", **SEEN)
    token = re.search(r'id="recovery-token">([^<]{43})<', visit.answer.text)
    assert token is not None
    told = {to for to, text in sent(provider) if "/recover/cancel/" in text}
    assert told == {signing_in.MOBILE, "zhang@example.cn"}
    with provider.sessions() as session:
        found = recovery.standing(session, token[1], at=provider.clock())
    assert (found.proved_by, found.proved_level) == ("counter", 3)
    clock_of(provider).forward(hours=25)
    theirs = Visit(visit.app)
    page = theirs.post(theirs.get("/recover"), "/recover/resume", token=token[1])
    page = theirs.post(page, "/recover/complete", password=PASSWORD)
    assert "新密码已设置" in page.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"id_number": samples.OTHER_NUMBER}, {"name": "李四"}, {"login": "nobody.here"},
        {"name": "", "id_number": ""}, {"seen": ""},
    ],
)  # fmt: skip
def test_a_document_that_is_not_the_accounts_begins_nothing_and_is_recorded(
    provider: Provider, visit: Visit, person: str, wrong: dict[str, str]
) -> None:
    page = visit.post(desk(visit, provider), "/desk/recovery", **(SEEN | wrong))
    assert refused(page)
    assert sent(provider) == []
    with provider.sessions() as session:
        assert recovery.pending(session, person, at=provider.clock()) == []
    entries = signing_in.audited(provider, "recovery.refused")
    assert len(entries) == (0 if wrong == {"seen": ""} else 1)
    for entry in entries:
        assert entry.account == "desk"
        assert "张三丰" not in entry.details


def test_the_desk_is_for_clerks_and_staff_are_their_security_administrators(
    provider: Provider, visit: Visit, person: str
) -> None:
    signing_in.staff(provider, "colleague", Role.APPROVER)
    page = desk(visit, provider)
    assert refused(visit.post(page, "/desk/recovery", **(SEEN | {"login": "colleague"})))
    assert refused(visit.post(page, "/desk/recovery", **(SEEN | {"login": "desk"})))
    guard = Visit(visit.app)
    administrator(guard, provider, "guard", Role.SECURITY_ADMIN)
    page = guard.get("/desk/recovery")
    assert refused(guard.post(page, "/desk/recovery", **SEEN)), "citizens are the clerks' matter"
    guard.post(page, "/desk/recovery", **(SEEN | {"login": "colleague"}))
    assert 'id="recovery-token"' in guard.answer.text
    outsider = Visit(visit.app)
    outsider.sign_in(person, signing_in.PASSWORD)
    outsider.get("/desk/recovery")
    assert outsider.answer.status_code == 403
    answer = outsider.http.post("/desk/recovery", data=SEEN)
    assert answer.status_code == 403
