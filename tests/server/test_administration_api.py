"""The administrators' interface over HTTP: who may, what is told, what is in the audit log."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from sso import (
    accounts,
    agents,
    authenticate,
    clients,
    grants,
    importing,
    people,
    throttle,
    tokens,
    totp,
)
from sso.client_models import ClientRow
from sso.messages import FileMessages
from sso.models import Account
from sso.people_models import Capacity
from sso.provider import Provider
from sso.router_administration import router
from sso.tokens import UNBOUND, Authorized
from tests.server.identity_site import application, open_provider
from tests.sso import samples, signing_in
from tests.sso.front import CALLBACK
from tests.sso.front import add as add_client
from tests.sso.provider import START
from trust import audit
from trust.access import SYSTEM, Role
from trust.audit import AuditEntry
from trust.db import Sessions
from trust.keys import SoftKeyStore

DESK, OTHER = "administrators-desk", "another-platform"
ADMINS = {
    "boss": Role.SYSTEM_ADMIN, "guard": Role.SECURITY_ADMIN, "watch": Role.AUDIT_ADMIN,
    "desk": Role.CLERK,
}  # fmt: skip
PERSON = {
    "name": "李四", "key_number": samples.OTHER_NUMBER, "mobile": samples.OTHER_MOBILE,
    "user_name": "li.si",
}  # fmt: skip
Ask = Callable[..., httpx.Response]


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    made = open_provider(sqlite_sessions, soft_keys, tmp_path)
    with made.sessions.begin() as session:
        for name, role in ADMINS.items():
            session.add(
                Account(
                    name=name, display_name=name, authority=None, active=True, created_at=START,
                    roles=accounts.role_rows(frozenset({role})),
                )
            )  # fmt: skip
    signing_in.staff(made, "market.guard", Role.SECURITY_ADMIN)
    add_client(made, at=START, client_id=DESK, scope="openid trust")
    return made


@pytest.fixture
def ask(provider: Provider) -> Iterator[Ask]:
    """Requests to the application, by an account's access token."""
    app = application(provider)
    app.include_router(router)
    state = app.state
    state.sessions, state.reading, state.clock = provider.sessions, provider.reading, provider.clock
    state.audit, state.authenticate = provider.audit, authenticate.caller
    with TestClient(app) as http:

        def send(who: str, method: str, path: str, body: object = None, **more: Any) -> Any:
            headers = {"Authorization": f"Bearer {_token(provider, who)}"} if who else {}
            if body is not None:
                more["json"] = body
            answer = http.request(method, path, headers=headers | more.pop("headers", {}), **more)
            assert answer.status_code < 500, answer.text
            assert answer.headers["cache-control"] == "no-store"
            return answer

        yield send


def _token(provider: Provider, name: str, *, signed_in: datetime = START) -> str:
    client = clients.find(provider.reading, DESK)
    assert client is not None
    with provider.sessions.begin() as session:
        grant = grants.begin_grant(
            session, account=name, client_id=DESK, scopes=("openid", "trust"), at=START
        )
        authorized = Authorized(
            grant_id=grant.id, account=name, subject=session.get_one(Account, name).sub,
            scope="openid trust", auth_time=signed_in, acr="urn:trust:loa:2",
            amr=("pwd", "otp", "mfa"),
        )  # fmt: skip
    return tokens.access_token(
        provider, client, audience=[provider.issuer], scope="openid trust", bound=UNBOUND,
        at=provider.clock(), authorized=authorized,
    )  # fmt: skip


def told(provider: Provider, act: str) -> list[dict[str, Any]]:
    return [json.loads(each.details) for each in signing_in.audited(provider, act)]


@pytest.fixture
def person(provider: Provider) -> str:
    return signing_in.citizen(provider)


REASON = {"reason": "reported lost"}
OFFICES: list[tuple[str, str, dict[str, Any] | None, set[str]]] = [
    ("GET", "/v1/clients", None, {"boss", "watch"}),
    ("POST", "/v1/clients", {"metadata": {}}, {"boss"}),
    ("GET", f"/v1/clients/{OTHER}", None, {"boss", "watch"}),
    ("PUT", f"/v1/clients/{OTHER}", {"metadata": {}}, {"boss"}),
    ("POST", f"/v1/clients/{OTHER}/secret", None, {"boss"}),
    ("POST", f"/v1/clients/{OTHER}/disablement", None, {"boss"}),
    ("POST", "/v1/people/searches", {"key": "zhang.san"}, {"guard", "watch"}),
    ("GET", "/v1/people/zhang.san", None, {"guard", "watch"}),
    ("POST", "/v1/people", PERSON, {"guard"}),
    ("POST", "/v1/people/zhang.san/particulars", {"purpose": "a complaint"}, {"guard"}),
    ("POST", "/v1/people/zhang.san/suspension", REASON, {"guard"}),
    ("POST", "/v1/people/zhang.san/closure", REASON, {"guard"}),
    ("PUT", "/v1/people/zhang.san/roles", {"roles": []}, {"guard"}),
    ("POST", "/v1/people/zhang.san/unlocking", REASON, {"guard"}),
    ("POST", "/v1/people/zhang.san/sign-out", None, {"guard"}),
    ("GET", "/v1/people/zhang.san/evidence", None, {"guard", "watch"}),
    ("POST", "/v1/organisations", {"uscc": samples.USCC, "name": samples.BODY}, {"guard"}),
    ("POST", "/v1/imports/people", None, {"guard"}),
    ("GET", "/v1/audit", None, {"watch"}),
]


def test_every_act_has_its_office_and_no_other(provider: Provider, ask: Ask, person: str) -> None:
    add_client(provider, at=START, client_id=OTHER)
    for method, path, body, may in OFFICES:
        for who in {*ADMINS, person} - may:
            answer = ask(who, method, path, body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (who, path)
    for method, path, body, may in OFFICES:
        for who in sorted(may):
            assert ask(who, method, path, body).status_code != 403, (who, path)


def test_nobody_comes_in_without_a_token(ask: Ask) -> None:
    for method, path, body, _ in OFFICES:
        answer = ask("", method, path, body)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_login_of_yesterday_administers_nothing(provider: Provider, ask: Ask) -> None:
    """As a refresh token of long standing would give it."""
    old = _token(provider, "boss", signed_in=START - timedelta(hours=13))
    headers = {"Authorization": f"Bearer {old}"}
    for method, path, body, _ in OFFICES:
        answer = ask("", method, path, body, headers=headers)
        assert answer.status_code == 401, path
        challenge = answer.headers["WWW-Authenticate"]
        assert 'error="insufficient_user_authentication"' in challenge
        assert "max_age=" in challenge


HOSTILE: list[tuple[str, str, str, dict[str, Any]]] = [
    ("boss", "POST", "/v1/clients", {"metadata": {
        "client_name": "x", "redirect_uris": [CALLBACK],
        "jwks": {"keys": [{"kty": "EC", "x": float("nan")}]}}}),
    ("boss", "POST", "/v1/clients", {"metadata": {
        "client_name": "x\0", "redirect_uris": [CALLBACK]}}),
    ("boss", "POST", "/v1/clients", {"client_id": "a\0", "metadata": {
        "client_name": "x", "redirect_uris": [CALLBACK]}}),
    ("guard", "PUT", "/v1/people/zhang.san/roles", {"roles": ["clerk"], "authority": "a\0"}),
    ("guard", "PUT", "/v1/people/zhang.san/roles", {"roles": ["clerk"] * 10}),
    ("guard", "POST", "/v1/people", PERSON | {"authority": "\ud800"}),
    ("guard", "POST", "/v1/people", PERSON | {"user_name": "x\0"}),
    ("guard", "POST", "/v1/people", PERSON | {"name": "\0"}),
    ("guard", "POST", "/v1/people", PERSON | {"level": 4}),
    ("guard", "POST", "/v1/people", PERSON | {"active": True}),
    ("guard", "POST", "/v1/people/x%00/suspension", {"reason": "x"}),
    ("guard", "POST", "/v1/organisations", {"uscc": "\0" * 18, "name": "x"}),
]  # fmt: skip


def test_what_no_database_takes_is_refused_before_it(ask: Ask, person: str) -> None:
    for who, method, path, body in HOSTILE:
        answer = ask(
            who, method, path, content=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 422, (path, body, answer.text)


DATES = [
    {"not_after": "2026-12-01T00:00:00"},
    {"not_after": "9999-12-31T23:59:59-14:00"},
    {"not_after": "9999-12-31T23:59:59-14:00", "not_before": "9998-12-31T23:59:59-14:00"},
    {"not_after": "2026-12-01T00:00:00Z", "not_before": "0001-01-01T00:00:00+14:00"},
    {"not_after": "2020-01-01T00:00:00Z"},
]


def test_an_agents_dates_are_sensible(ask: Ask, person: str) -> None:
    body = {"uscc": samples.USCC, "name": samples.BODY, "user_name": "yaks"}
    ask("guard", "POST", "/v1/organisations", body)
    for dates in DATES:
        wanted = {"agent": person, "scope": "申领营业执照"} | dates
        answer = ask("yaks", "POST", "/v1/organisations/yaks/agents", wanted)
        assert answer.status_code == 422, (dates, answer.text)


def test_a_representative_cannot_search_the_nation_for_agents(provider: Provider, ask: Ask) -> None:
    body = {"uscc": samples.USCC, "name": samples.BODY, "user_name": "yaks"}
    ask("guard", "POST", "/v1/organisations", body)
    until = (START + timedelta(days=30)).isoformat()
    answers = [
        ask(
            "yaks", "POST", "/v1/organisations/yaks/agents",
            {"agent": f"139000000{n:02}", "scope": "x", "not_after": until},
        ).json()["code"]
        for n in range(22)
    ]  # fmt: skip
    assert answers[0] == "not_found"
    assert answers[-1] == "too_many_names"


def test_a_platform_is_registered_changed_switched_off_and_on(provider: Provider, ask: Ask) -> None:
    metadata = {"client_name": "不动产登记平台", "redirect_uris": [CALLBACK]}
    made = ask("boss", "POST", "/v1/clients", {"metadata": metadata})
    assert made.status_code == 201
    where, secret = made.headers["Location"], made.json()["client_secret"]
    shown = ask("watch", "GET", where).json()
    assert (shown["name"], shown["active"]) == ("不动产登记平台", True)
    assert secret not in ask("boss", "GET", where).text
    changed = shown["metadata"] | {"client_name": "新名称", "policy_uri": "https://a.example/p"}
    assert ask("boss", "PUT", where, {"metadata": changed}).json()["name"] == "新名称"
    rotated = ask("boss", "POST", f"{where}/secret")
    assert rotated.status_code == 201
    with provider.sessions() as session:
        row = session.get_one(ClientRow, made.json()["client_id"])
        client = clients.client_of(row)
    for each in (secret, rotated.json()["client_secret"]):
        assert clients.check_secret(client, each, at=START)
    assert ask("boss", "POST", f"{where}/disablement").json()["active"] is False
    assert ask("boss", "POST", f"{where}/enablement").json()["active"] is True


SLIPS: list[dict[str, Any]] = [
    {"metadata": {"client_name": "x", "redirect_uri": [CALLBACK]}},
    {"metadata": {"client_name": "x", "redirect_uris": ["https://a.example/#x"]}},
    {"metadata": {"client_name": "x", "redirect_uris": [CALLBACK]}, "secret": "x"},
    {"metadata": {f"n{n}": 1 for n in range(100)}},
    {"metadata": []},
    {},
]


def test_a_slip_in_metadata_is_told_and_registers_nothing(provider: Provider, ask: Ask) -> None:
    for body in SLIPS:
        answer = ask("boss", "POST", "/v1/clients", body)
        assert answer.status_code == 422, body
        assert answer.headers["content-type"] == "application/problem+json"
    with provider.sessions() as session:
        assert [each.client_id for each in clients.page(session)] == [DESK]


def test_platforms_are_listed_page_by_page_and_found_by_text(provider: Provider, ask: Ask) -> None:
    for n in range(7):
        add_client(provider, at=START, client_id=f"c/{n}", client_name=f"平台 {n}")
    seen, after = [], ""
    while True:
        page = ask("boss", "GET", "/v1/clients", params={"limit": 3, "after": after}).json()
        seen += [each["client_id"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == sorted([DESK, *(f"c/{n}" for n in range(7))])
    found = ask("boss", "GET", "/v1/clients", params={"q": "平台 4"}).json()["items"]
    assert [each["client_id"] for each in found] == ["c/4"]
    assert ask("boss", "GET", "/v1/clients/c%2F4").json()["client_id"] == "c/4"
    assert ask("boss", "POST", "/v1/clients/c%2F4/disablement").json()["active"] is False
    assert ask("boss", "GET", "/v1/clients", params={"after": "\0"}).json()["items"] == []


def test_a_person_is_found_by_a_whole_number_only_and_masked(
    provider: Provider, ask: Ask, person: str
) -> None:
    for key in ("张三丰", "110105", "13800", "\0", "x\0"):
        assert ask("guard", "POST", "/v1/people/searches", {"key": key}).status_code == 404
    for key in (signing_in.CITIZEN, signing_in.MOBILE, "zhang.san", "zhang@example.cn"):
        answer = ask("guard", "POST", "/v1/people/searches", {"key": key})
        assert answer.json()["account"] == person
        for secret in (signing_in.CITIZEN, signing_in.MOBILE, "张三丰", "zhang@example.cn"):
            assert secret not in answer.text
    entries = signing_in.audited(provider, "person.searched")
    assert [entry.subject for entry in entries] == ["unknown"] * 5 + [person] * 4
    assert not [entry for entry in entries if signing_in.CITIZEN in entry.details]


def test_personal_data_are_read_for_a_purpose_that_the_log_keeps(
    provider: Provider, ask: Ask, person: str
) -> None:
    path = f"/v1/people/{person}/particulars"
    for body in ({}, {"purpose": ""}, {"purpose": "x" * 201}, {"purpose": "x", "y": 1}):
        assert ask("guard", "POST", path, body).status_code == 422
    read = ask("guard", "POST", path, {"purpose": "complaint 2026-17"}).json()
    assert (read["name"], read["key_number"]) == ("张三丰", signing_in.CITIZEN)
    (entry,) = signing_in.audited(provider, "particulars.read")
    assert (entry.account, entry.subject) == ("guard", person)
    assert json.loads(entry.details) == {"client": DESK, "purpose": "complaint 2026-17"}


def test_an_administrator_of_one_authority_stays_within_it(
    provider: Provider, ask: Ask, person: str
) -> None:
    who, own, other = "market.guard", samples.MARKET, "11542500999000072E"
    staff = {"roles": ["clerk"], "authority": own}
    for method, path, body in (
        ("POST", f"/v1/people/{person}/particulars", {"purpose": "curiosity"}),
        ("POST", f"/v1/people/{person}/suspension", REASON),
        ("POST", "/v1/people", PERSON),
        ("POST", "/v1/people", PERSON | {"authority": other, "roles": ["clerk"]}),
        ("POST", "/v1/organisations", {"uscc": samples.USCC, "name": samples.BODY}),
        ("PUT", f"/v1/people/{person}/roles", staff | {"authority": other}),
        ("PUT", f"/v1/people/{person}/roles", staff | {"roles": ["system_admin"]}),
        ("PUT", f"/v1/people/{person}/roles", staff | {"roles": ["ca_admin"]}),
    ):
        answer = ask(who, method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "may_not_grant"), path
    assert ask(who, "PUT", f"/v1/people/{person}/roles", staff).json()["roles"] == ["clerk"]
    assert ask(who, "POST", f"/v1/people/{person}/suspension", REASON).status_code == 200
    table = f"name,key_number,authority,organisation,scope,capacity\n李四,{samples.OTHER_NUMBER}"
    csv = {"content": f"{table},{own},{samples.USCC},全部,legal_representative\n".encode()}
    report = ask(who, "POST", "/v1/imports/people", **csv, headers={"Content-Type": "text/csv"})
    assert "appointed by the platform's administrator only" in report.text


def test_nobody_gives_roles_to_themselves_and_the_three_offices_stay_apart(
    ask: Ask, person: str
) -> None:
    own = ask("guard", "PUT", "/v1/people/guard/roles", {"roles": ["security_admin", "clerk"]})
    assert own.json()["code"] == "may_not_grant"
    for act in ("suspension", "closure", "resumption", "unlocking", "factor-reset"):
        assert ask("guard", "POST", f"/v1/people/guard/{act}", REASON).status_code == 403
    three = {"roles": ["system_admin", "audit_admin"]}
    assert ask("guard", "PUT", f"/v1/people/{person}/roles", three).status_code == 422
    assert ask("guard", "PUT", f"/v1/people/{person}/roles", {"roles": ["king"]}).status_code == 422
    one = ask("guard", "PUT", f"/v1/people/{person}/roles", {"roles": ["audit_admin"]})
    assert one.json()["roles"] == ["audit_admin"]


def test_an_account_is_made_suspended_resumed_and_closed_for_good(
    provider: Provider, ask: Ask
) -> None:
    made = ask("guard", "POST", "/v1/people", PERSON | {"level": 1})
    assert (made.status_code, made.json()["level"]) == (201, 1)
    again = ask("guard", "POST", "/v1/people", PERSON | {"user_name": "li.si2"})
    assert (again.status_code, again.json()["code"]) == (409, "account_taken")
    where = made.headers["Location"]
    assert ask("guard", "POST", f"{where}/suspension", REASON).json()["active"] is False
    found = ask("guard", "POST", "/v1/people/searches", {"key": samples.OTHER_NUMBER})
    assert found.json()["account"] == "li.si"
    assert ask("guard", "POST", f"{where}/resumption", REASON).json()["active"] is True
    for body in ({}, {"reason": ""}, {"reason": "x" * 201}):
        assert ask("guard", "POST", f"{where}/closure", body).status_code == 422
    closed = ask("guard", "POST", f"{where}/closure", REASON).json()
    assert (closed["active"], closed["key_number"], closed["mobile"]) == (False, None, None)
    back = ask("guard", "POST", f"{where}/resumption", REASON)
    assert (back.status_code, back.json()["code"]) == (409, "account_not_in_that_state")
    assert ask("guard", "POST", "/v1/people", PERSON | {"user_name": "li.si2"}).status_code == 201


def test_factors_are_reset_of_staff_only_and_the_holder_is_told(
    provider: Provider, ask: Ask, person: str
) -> None:
    signing_in.with_totp(provider, person)
    path = f"/v1/people/{person}/factor-reset"
    refused = ask("guard", "POST", path, REASON)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_staff")
    roles = {"roles": ["clerk"], "authority": samples.MARKET}
    assert ask("guard", "PUT", f"/v1/people/{person}/roles", roles).json()["factors"] == ["totp"]
    assert ask("market.guard", "POST", path, REASON).json()["factors"] == []
    assert isinstance(provider.messages, FileMessages)
    assert "重置" in provider.messages.sent()[-1].text
    with provider.sessions() as session:
        assert not totp.enrolled(session, person)
    assert told(provider, "account.factors_reset") == [{"client": DESK} | REASON]


def test_evidence_is_listed_and_withdrawn_with_a_reason(provider: Provider, ask: Ask) -> None:
    where = ask("guard", "POST", "/v1/people", PERSON | {"level": 2}).headers["Location"]
    (row,) = ask("watch", "GET", f"{where}/evidence").json()
    assert (row["method"], row["level"]) == ("imported", 2)
    path = f"{where}/evidence/{row['id']}/withdrawal"
    assert ask("guard", "POST", path, {"reason": "wrong person"}).json()["level"] == 0
    assert ask("guard", "POST", path, {"reason": "wrong person"}).status_code == 404
    assert ask("guard", "POST", f"{where}/evidence/{2**40}/withdrawal", REASON).status_code == 422


def test_a_locked_account_is_unlocked(provider: Provider, ask: Ask, person: str) -> None:
    counters = throttle.password_counters(
        person, account=person, network="203.0.113.1", known_device=None
    )
    for _ in range(5):
        with provider.sessions.begin() as session:
            throttle.admit(session, counters, at=START)
    assert ask("guard", "GET", f"/v1/people/{person}").json()["locked_until"] is not None
    assert (
        ask("guard", "POST", f"/v1/people/{person}/unlocking", REASON).json()["locked_until"]
        is None
    )
    assert told(provider, "account.unlocked")[0]["reason"] == "reported lost"


def test_an_organisation_appoints_its_agents_and_no_administrator_does(
    provider: Provider, ask: Ask, person: str
) -> None:
    body = {"uscc": samples.USCC, "name": samples.BODY, "user_name": "yaks"}
    assert ask("guard", "POST", "/v1/organisations", body).json()["kind"] == "legal"
    ask("guard", "POST", "/v1/people", PERSON)
    until = (START + timedelta(days=30)).isoformat()
    wanted = {"agent": samples.OTHER_NUMBER, "scope": "申领营业执照", "not_after": until}
    path = "/v1/organisations/yaks/agents"
    assert ask("guard", "POST", path, wanted).json()["code"] == "may_not_act"
    assert ask(person, "POST", path, wanted).status_code == 404
    with provider.sessions.begin() as session:
        agents.grant(
            session, organisation="yaks", agent=person, capacity=Capacity.LEGAL_REPRESENTATIVE,
            scope="全部事项", not_before=START, not_after=None, by=SYSTEM, at=START,
        )  # fmt: skip
    made = ask(person, "POST", path, wanted)
    assert (made.status_code, made.json()["agent"]) == (201, "li.si")
    for who in (person, "guard", "watch", "yaks"):
        assert [each["capacity"] for each in ask(who, "GET", path).json()] == [
            "legal_representative", "agent",
        ]  # fmt: skip
    assert ask("li.si", "GET", path).status_code == 404, "an agent sees no colleagues"
    assert ask("desk", "GET", path).status_code == 404
    gone = f"{path}/{made.json()['id']}/revocation"
    assert ask("desk", "POST", gone).status_code == 404
    assert ask("li.si", "POST", gone).status_code == 200
    assert len(ask(person, "GET", path).json()) == 1


ROWS = f"name,key_number,mobile\n李四,{samples.OTHER_NUMBER},{samples.OTHER_MOBILE}\n"
CSV = {"Content-Type": "text/csv; charset=utf-8"}


def test_an_import_is_reported_first_and_then_run(provider: Provider, ask: Ask) -> None:
    path = "/v1/imports/people"
    report = ask("guard", "POST", path, content=ROWS.encode(), headers=CSV).json()
    assert (report["done"], report["rows"], report["new"]) == (False, 1, 1)
    assert told(provider, "people.import_checked") == [{"client": DESK, "present": 0, "rows": 1}]
    run = f"{path}?check=false"
    done = ask("guard", "POST", run, content=ROWS.encode(), headers=CSV).json()
    assert (done["done"], done["new"]) == (True, 1)
    lines = json.dumps({"name": "李四", "key_number": samples.OTHER_NUMBER}).encode()
    jsonl = {"Content-Type": "application/jsonl"}
    again = ask("guard", "POST", run, content=lines, headers=jsonl).json()
    assert (again["new"], again["present"]) == (0, 1)
    body = f"uscc,name\n{samples.USCC},{samples.BODY}\n".encode()
    made = ask("guard", "POST", "/v1/imports/organisations?check=false", content=body, headers=CSV)
    assert made.json()["new"] == 1


def test_a_faulty_import_says_where_and_imports_nothing(provider: Provider, ask: Ask) -> None:
    faulty = ROWS + "王五,123,\n"
    report = ask("guard", "POST", "/v1/imports/people", content=faulty.encode(), headers=CSV)
    (fault,) = report.json()["problems"]
    assert (fault["line"], fault["column"]) == (3, "key_number")
    assert "123" not in report.text
    run = ask(
        "guard", "POST", "/v1/imports/people?check=false", content=faulty.encode(), headers=CSV
    )
    assert (run.status_code, run.json()["code"]) == (422, importing.ImportRefused.code)
    for content, headers in (
        (b"\xff\xfe", CSV), (b"what,is,this\n", CSV), (ROWS.encode(), {"Content-Type": "text/x"}),
    ):  # fmt: skip
        answer = ask("guard", "POST", "/v1/imports/people", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_import")
    with provider.sessions() as session:
        assert people.find_by_login(session, provider.vault, samples.OTHER_NUMBER) is None


def test_the_audit_log_is_read_in_order_by_stretches(
    provider: Provider, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sso.audit_reading.STRETCH", 8)
    with provider.sessions.begin() as session:
        for n in range(30):
            act = "session.ended" if n % 10 == 0 else "sign_in.proved"
            audit.record(session, act, subject=f"p{n}", by=SYSTEM, at=START)
        highest = session.scalars(select(AuditEntry.sequence)).all()[-1]
    seen, after, asked = [], -1, 0
    while after is not None and after < highest:
        answer = ask(
            "watch", "GET", "/v1/audit",
            params={"after": after, "act": "session.ended", "limit": 2},
        )  # fmt: skip
        page, asked = answer.json(), asked + 1
        seen += [each["subject"] for each in page["items"]]
        after = page["next"]
    assert seen == ["p0", "p10", "p20"]
    assert asked > 3
    everything = ask("watch", "GET", "/v1/audit", params={"limit": 5}).json()
    assert [each["sequence"] for each in everything["items"]] == [0, 1, 2, 3, 4]
    assert everything["next"] == 4
    beyond = ask("watch", "GET", "/v1/audit", params={"after": 2**53 - 1}).json()
    assert (beyond["items"], beyond["next"]) == ([], None)
    assert ask("watch", "GET", "/v1/audit", params={"act": "\0"}).json()["items"] == []
    assert told(provider, "audit.read")


def test_every_operation_says_what_it_does_in_both_languages_and_asks_for_a_token() -> None:
    app = FastAPI(generate_unique_id_function=lambda route: route.name)
    app.include_router(router)
    paths = app.openapi()["paths"]
    own = [operation for methods in paths.values() for operation in methods.values()]
    assert len(own) > 25
    assert len({operation["operationId"] for operation in own}) == len(own)
    for operation in own:
        assert " / " in operation["summary"]
        assert operation["security"] == [{"oauth": ["trust"]}]
        assert len(operation["tags"]) == 1
