"""Applications and licences over HTTP: by token, by role, by authority."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from sso import clients, grants, tokens
from sso.models import Account
from sso.provider import Provider
from sso.tokens import UNBOUND, Authorized
from tests.regions import MARKET, example
from tests.server.conftest import Served
from trust.access import SYSTEM
from trust.audit import AuditEntry
from trust.clock import utc_now

As = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def bearer(served: Served, client: TestClient) -> As:
    """A header with an access token of an account, as the token endpoint gives it."""
    provider: Provider = served.app.state.provider
    with provider.sessions.begin() as session:
        registered = clients.add(
            session, {"client_name": "desk", "redirect_uris": ["https://desk.example.cn/cb"],
                      "scope": "openid trust"},
            by=SYSTEM, at=utc_now(),
        ).client  # fmt: skip

    def header(name: str, *, scope: str = "openid trust") -> dict[str, str]:
        with provider.sessions.begin() as session:
            granted = grants.begin_grant(
                session,
                account=name,
                client_id=registered.client_id,
                scopes=scope.split(),
                at=utc_now(),
            )
            grant_id, sub = granted.id, session.get_one(Account, name).sub
        authorized = Authorized(
            grant_id=grant_id, account=name, subject=sub, scope=scope, auth_time=utc_now(),
            acr="urn:trust:loa:2", amr=("pwd", "otp", "mfa"),
        )  # fmt: skip
        token = tokens.access_token(
            provider, registered, audience=[provider.issuer], scope=scope, bound=UNBOUND,
            at=utc_now(), authorized=authorized,
        )  # fmt: skip
        return {"Authorization": f"Bearer {token}"}

    return header


def enter(client: TestClient, bearer: As, **changes: object) -> str:
    body = {"type": "business-licence", "content": example("business-licence") | changes}
    answer = client.post("/v1/applications", json=body, headers=bearer("market.clerk"))
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def test_a_licence_goes_from_clerk_to_approver_to_holder_to_revocation(
    served: Served, client: TestClient, bearer: As
) -> None:
    key = enter(client, bearer)
    clerk, approver = bearer("market.clerk"), bearer("market.approver")
    shown = client.get(f"/v1/applications/{key}", headers=approver).json()
    assert (shown["state"], shown["authority"]) == ("entered", MARKET.code)
    assert shown["content"]
    approved = client.post(f"/v1/applications/{key}/approval", headers=approver)
    assert approved.json()["state"] == "approved"
    issued = client.post(f"/v1/applications/{key}/licence", headers=approver)
    assert issued.status_code == 201
    made = issued.json()
    pdf = client.get(issued.headers["Location"], headers=clerk)
    assert pdf.content.startswith(b"%PDF-")
    assert client.post("/v1/verifications", json={"qr": made["qr"]}).json()["outcome"] == "PASSED"
    revoked = client.post(
        f"/v1/licences/{made['identifier']}/revocation",
        json={"basis": "行政处罚法第九条", "reason": "停业"},
        headers=approver,
    )
    assert (revoked.status_code, revoked.json()["state"]) == (201, "revoked")
    report = client.post("/v1/verifications", json={"qr": made["qr"]}).json()
    assert report["outcome"] == "FAILED"


def test_a_repeat_names_the_licence_instead_of_issuing_another(
    client: TestClient, bearer: As
) -> None:
    key, approver = enter(client, bearer), bearer("market.approver")
    client.post(f"/v1/applications/{key}/approval", headers=approver)
    first = client.post(f"/v1/applications/{key}/licence", headers=approver).json()
    again = client.post(f"/v1/applications/{key}/licence", headers=approver)
    assert (again.status_code, again.json()["code"]) == (409, "already_issued")
    assert (
        first["identifier"] in again.json()["detail"] or first["number"] in again.json()["detail"]
    )


@pytest.mark.parametrize(
    ("who", "status"),
    [("market.clerk", 403), ("market.seal", 403), ("transport.approver", 403)],
)
def test_only_an_approver_of_the_authority_approves(
    client: TestClient, bearer: As, who: str, status: int
) -> None:
    key = enter(client, bearer)
    answer = client.post(f"/v1/applications/{key}/approval", headers=bearer(who))
    assert answer.status_code == status


def test_another_authority_cannot_tell_an_application_from_none(
    client: TestClient, bearer: As
) -> None:
    key = enter(client, bearer)
    other = bearer("transport.approver")
    there = client.get(f"/v1/applications/{key}", headers=other)
    nowhere = client.get("/v1/applications/00000000-0000-4000-8000-000000000000", headers=other)
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.json()["code"] == nowhere.json()["code"]


def test_a_request_without_a_token_is_told_how_to_get_one(client: TestClient) -> None:
    answer = client.post("/v1/applications", json={"type": "x", "content": {}})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_without_the_scope_does_not_open_the_interface(
    client: TestClient, bearer: As
) -> None:
    headers = bearer("market.clerk", scope="openid")
    body = {"type": "business-licence", "content": {}}
    answer = client.post("/v1/applications", json=body, headers=headers)
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_a_closed_accounts_token_is_worth_nothing(
    served: Served, client: TestClient, bearer: As
) -> None:
    headers = bearer("transport.clerk")
    provider: Provider = served.app.state.provider

    def set_active(active: bool) -> None:
        with provider.sessions.begin() as session:
            session.get_one(Account, "transport.clerk").active = active

    set_active(False)
    try:
        body = {"type": "road-transport-licence", "content": {}}
        answer = client.post("/v1/applications", json=body, headers=headers)
        assert answer.status_code in (401, 403)
    finally:
        set_active(True)


def test_every_look_at_an_application_is_audited(
    served: Served, client: TestClient, bearer: As
) -> None:
    key = enter(client, bearer)
    client.get(f"/v1/applications/{key}", headers=bearer("market.approver"))
    served.app.state.audit.flush()
    with served.region.platform.reading() as session:
        looks = [
            entry.account for entry in session.query(AuditEntry).filter_by(
                act="application.read", subject=key)
        ]  # fmt: skip
    assert looks == ["market.approver"]
