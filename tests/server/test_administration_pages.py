"""The administrators' pages: platforms, people, roles, notices; who may look and who may act."""

import re
from pathlib import Path

import pytest

from sso import clients, people, token_models
from sso.provider import Provider
from tests.server.identity_site import Page, Visit, application, open_provider
from tests.sso import signing_in
from tests.sso.front import CALLBACK
from tests.sso.front import add as add_client
from tests.sso.provider import START
from trust.access import Role
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
