"""Attacks on the identity pages by a browser: each was possible once, and must not be again."""

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from server.pages import csrf
from sso import (
    agents,
    assurance,
    authenticate,
    browser_session,
    claims,
    grant_state,
    grants,
    people,
    qr_login,
    steps,
    tokens,
)
from sso.client import Client
from sso.credential_models import BrowserSession, Passkey, Totp
from sso.people_models import Agency, Capacity
from sso.provider import Provider
from sso.router_organisations import router as organisations_router
from tests.server.identity_site import Visit, application, open_provider
from tests.sso import samples, signing_in
from tests.sso.front import add as add_client
from tests.sso.front import asked
from tests.sso.provider import START
from trust.access import SYSTEM, Role
from trust.db import Sessions
from trust.keys import SoftKeyStore


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return open_provider(sqlite_sessions, soft_keys, tmp_path)


@pytest.fixture
def visit(provider: Provider) -> Visit:
    return Visit(application(provider))


def request(client: Client, **more: str) -> str:
    return f"/oauth2/authorize?{urlencode(asked(client, **more))}"


@pytest.fixture
def person(provider: Provider) -> str:
    return signing_in.citizen(provider)


def let_in(provider: Provider, visit: Visit, account: str, *methods: str) -> BrowserSession:
    """This browser has a session that rests on these methods."""
    with provider.sessions.begin() as session:
        token, row = browser_session.begin(
            session, account, methods=methods, at=START, policy=provider.policy, user_agent="x",
            staff=False,
        )  # fmt: skip
    visit.http.cookies.set("trust_session", token)
    return row


WEAK = [("fed:1",), ("mca", "pwd"), ("mca", "sms"), ("sms",)]


@pytest.mark.parametrize("methods", WEAK, ids="+".join)
@pytest.mark.parametrize("what", ["passkeys", "totp"])
def test_who_got_in_by_somebody_elses_word_makes_no_key_of_their_own(
    provider: Provider, visit: Visit, person: str, methods: tuple[str, ...], what: str
) -> None:
    let_in(provider, visit, person, *methods)
    visit.get(f"/account/{what}/new")
    assert (visit.answer.status_code, "sign_in_too_old" in visit.answer.text) == (403, True)
    with provider.sessions() as session:
        assert session.get(Totp, person) is None
        assert session.query(Passkey).count() == 0


def test_who_has_no_password_yet_may_set_up_a_key_after_a_text_message(
    provider: Provider, visit: Visit
) -> None:
    with provider.sessions.begin() as session:
        people.add_person(session, provider.vault, samples.LI, by=SYSTEM, at=START, name="imported")
    let_in(provider, visit, "imported", "sms")
    visit.get("/account/totp/new")
    assert visit.answer.status_code == 200


def test_a_lost_authenticator_is_replaced_after_a_recovery_code(
    provider: Provider, visit: Visit, person: str
) -> None:
    signing_in.with_totp(provider, person)
    let_in(provider, visit, person, "pwd", "recovery", "mfa")
    visit.get("/account/totp/new")
    assert visit.answer.status_code == 200


@pytest.mark.parametrize("methods", WEAK, ids="+".join)
def test_a_level_asked_for_is_not_reached_by_a_key_made_on_the_way_in(
    provider: Provider, visit: Visit, person: str, methods: tuple[str, ...]
) -> None:
    with provider.sessions.begin() as session:
        assurance.add_evidence(session, person, "counter", by=SYSTEM, at=START)
    client = add_client(provider, at=START).client
    let_in(provider, visit, person, *methods)
    essential = {"id_token": {"acr": {"essential": True, "value": "urn:trust:loa:3"}}}
    page = visit.get(request(client, claims=json.dumps(essential)))
    assert visit.path.startswith("/sign-in/")
    assert not [each for each in page.all("a") if "/enrol/" in each.get("href", "")]
    visit.get(f"{visit.path}/enrol/totp")
    assert visit.answer.status_code == 403


@pytest.mark.parametrize("methods", WEAK, ids="+".join)
def test_staff_make_their_first_key_after_their_password_only(
    provider: Provider, visit: Visit, methods: tuple[str, ...]
) -> None:
    name = signing_in.staff(provider, "boss", Role.SYSTEM_ADMIN)
    let_in(provider, visit, name, *methods)
    visit.get("/account/totp/new")
    assert visit.answer.status_code == 403


def test_an_audit_administrator_ends_nobodys_sessions(
    provider: Provider, visit: Visit, person: str
) -> None:
    row = let_in(provider, Visit(visit.app), person, "pwd")
    signing_in.staff(provider, "auditor", Role.AUDIT_ADMIN)
    let_in(provider, visit, "auditor", "pwd", "otp", "mfa")
    form = visit.get("/admin/people").form("/admin/people")
    sent = {"csrf": form["fields"]["csrf"], "account": person}
    answer = visit.http.post("/admin/people/sessions/end", data=sent)
    assert answer.status_code == 403
    with provider.sessions() as session:
        assert session.get_one(BrowserSession, row.id).ended_at is None


def test_an_administrator_of_one_authority_ends_no_sessions_of_anothers_people(
    provider: Provider, visit: Visit, person: str
) -> None:
    row = let_in(provider, Visit(visit.app), person, "pwd")
    signing_in.staff(provider, "security", Role.SECURITY_ADMIN)
    let_in(provider, visit, "security", "pwd", "otp", "mfa")
    form = visit.get("/admin/people").form("/admin/people")
    sent = {"csrf": form["fields"]["csrf"], "account": person}
    assert visit.http.post("/admin/people/sessions/end", data=sent).status_code == 403
    with provider.sessions() as session:
        assert session.get_one(BrowserSession, row.id).ended_at is None


def test_nobody_learns_who_has_an_account_by_appointing_them(
    provider: Provider, visit: Visit, person: str
) -> None:
    """Any signed-in person could ask about any number of the nation, without a limit."""
    with provider.sessions.begin() as session:
        body = people.add_organisation(
            session, provider.vault, uscc=samples.USCC, name="某公司", by=SYSTEM, at=START
        ).name
    stranger = signing_in.staff(provider, "stranger")
    let_in(provider, visit, stranger, "pwd")
    said = []
    for login in (signing_in.CITIZEN, "110101199003077475"):
        answer = visit.http.post(
            "/account/agents/grant",
            data={
                "csrf": _token(provider, visit), "organisation": body, "n": "1",
                "agent-1": login, "scope-1": "x", "until-1": "2027-01-01",
            },
        )  # fmt: skip
        said.append((answer.status_code, answer.text.replace(login, "")))
    assert said[0] == said[1]


def _token(provider: Provider, visit: Visit) -> str:
    return csrf.token(provider.vault, visit.http.cookies["trust_session"], purpose="account")


@pytest.mark.parametrize("methods", [("fed:1",), ("mca", "pwd")], ids="+".join)
def test_who_got_in_by_somebody_elses_word_appoints_nobody(
    provider: Provider, visit: Visit, person: str, methods: tuple[str, ...]
) -> None:
    with provider.sessions.begin() as session:
        body = people.add_organisation(
            session, provider.vault, uscc=samples.USCC, name="某公司", by=SYSTEM, at=START
        ).name
        agents.grant(
            session, organisation=body, agent=person, capacity=Capacity.LEGAL_REPRESENTATIVE,
            scope="全部事项", not_before=START, not_after=None, by=SYSTEM, at=START,
        )  # fmt: skip
        people.add_person(
            session, provider.vault, samples.LI, by=SYSTEM, at=START, name="accomplice"
        )
    let_in(provider, visit, person, *methods)
    visit.http.post(
        "/account/agents/grant",
        data={
            "csrf": _token(provider, visit), "organisation": body, "n": "1",
            "agent-1": "accomplice", "scope-1": "全部", "until-1": "2027-01-01",
        },
    )  # fmt: skip
    with provider.sessions() as session:
        assert session.query(Agency).filter_by(agent="accomplice").count() == 0


def test_the_consent_of_one_person_is_not_anothers(
    provider: Provider, visit: Visit, person: str
) -> None:
    """On a shared computer: one agrees and stops before the end; another signs in."""
    client = add_client(provider, at=START).client
    with provider.sessions.begin() as session:
        people.add_person(session, provider.vault, samples.LI, by=SYSTEM, at=START, name="victim")
    let_in(provider, visit, person, "pwd")
    page = visit.get(request(client))
    form = page.form("/consent")
    login = form["action"].removesuffix("/consent")
    visit.http.post(form["action"], data={**form["fields"], "consent": "yes"})  # and no further
    let_in(provider, visit, "victim", "pwd")
    visit.get(f"{login}/continue")
    assert "code=" not in visit.answer.text + visit.answer.headers.get("location", "")
    assert visit.path == login


def test_a_phone_hands_on_how_little_its_own_login_is_believed(
    provider: Provider, visit: Visit, person: str
) -> None:
    with provider.sessions.begin() as session:
        assurance.add_evidence(session, person, "counter", by=SYSTEM, at=START)
    phone = let_in(provider, visit, person, "fed:1")
    with provider.sessions.begin() as session:
        shown = qr_login.begin(session, interaction="i", desktop="x", at=START)
    qr_login.approve(provider.sessions, shown.id, shown.number, phone=phone, at=START)
    with provider.sessions.begin() as session:
        found = qr_login.collect(session, shown.id, interaction="i", at=START)
        assert found is not None
        level = steps.reached(session, person, found.methods, policy=provider.policy, at=START)
    assert level == 1


def test_pairwise_platforms_get_no_name_that_others_get_too(
    provider: Provider, person: str
) -> None:
    found = []
    for number in range(2):
        client = add_client(
            provider, at=START, subject_type="pairwise",
            redirect_uris=[f"https://platform-{number}.example/callback"],
        ).client  # fmt: skip
        with provider.sessions.begin() as session:
            grant = grants.begin_grant(
                session, account=person, client_id=client.client_id, scopes=["openid", "profile"],
                at=START,
            )  # fmt: skip
        with provider.sessions() as session:
            live = grant_state.find(session, grant.id)
            assert live is not None
            found.append(
                claims.userinfo(session, provider, client, live, scope="openid profile", at=START)
            )
    assert found[0]["sub"] != found[1]["sub"]
    assert "preferred_username" not in found[0]


@pytest.mark.parametrize(
    ("amr", "status"),
    [(("fed",), 401), (("mca", "pwd", "mfa"), 401), (("sms",), 401), (("pwd",), 201)],
)
def test_a_token_of_such_a_login_appoints_nobody_either(
    provider: Provider, person: str, amr: tuple[str, ...], status: int
) -> None:
    client = add_client(provider, at=START, scope="openid trust").client
    with provider.sessions.begin() as session:
        body = people.add_organisation(
            session, provider.vault, uscc=samples.USCC, name="某公司", by=SYSTEM, at=START
        ).name
        agents.grant(
            session, organisation=body, agent=person, capacity=Capacity.LEGAL_REPRESENTATIVE,
            scope="全部事项", not_before=START, not_after=None, by=SYSTEM, at=START,
        )  # fmt: skip
        people.add_person(
            session, provider.vault, samples.LI, by=SYSTEM, at=START, name="accomplice"
        )
        grant = grants.begin_grant(
            session, account=person, client_id=client.client_id, scopes=["openid", "trust"],
            at=START,
        )  # fmt: skip
    authorized = tokens.Authorized(
        grant_id=grant.id, account=person, subject="s", scope="openid trust", auth_time=START,
        acr="urn:trust:loa:1", amr=amr,
    )  # fmt: skip
    token = tokens.access_token(
        provider, client, audience=[provider.issuer], scope="openid trust",
        bound=tokens.UNBOUND, at=START, authorized=authorized,
    )  # fmt: skip
    app = application(provider)
    app.include_router(organisations_router)
    app.state.authenticate, app.state.clock = authenticate.caller, provider.clock
    app.state.sessions = app.state.reading = provider.sessions
    answer = Visit(app).http.post(
        f"/v1/organisations/{body}/agents", headers={"Authorization": f"Bearer {token}"},
        json={"agent": "accomplice", "scope": "全部", "not_after": "2027-01-01T00:00:00+08:00"},
    )  # fmt: skip
    assert answer.status_code == status, answer.text
