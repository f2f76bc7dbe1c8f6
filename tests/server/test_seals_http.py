"""Seals over HTTP: by token, by role, by authority."""

import base64
import csv
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from sso import clients, grants, tokens
from sso.models import Account
from sso.provider import Provider
from sso.tokens import UNBOUND, Authorized
from tests.regions import MARKET
from tests.seal import living
from tests.server.conftest import Served
from trust.access import SYSTEM, Role
from trust.clock import utc_now

PLATFORM = "seal-desk-of-the-tests"
NAME = f"{MARKET.name}行政审批专用章"
As = Callable[[str], dict[str, str]]


@pytest.fixture(scope="module")
def bearer(served: Served, client: TestClient) -> As:
    """A header with an access token of an account, as the token endpoint gives it."""
    provider: Provider = served.app.state.provider
    with provider.sessions.begin() as session:
        clients.add(
            session, {"client_name": "desk", "redirect_uris": ["https://desk.example.cn/cb"],
                      "scope": "openid trust"},
            by=SYSTEM, at=utc_now(), client_id=PLATFORM,
        )  # fmt: skip
    registered = clients.find(provider.reading, PLATFORM)
    assert registered is not None

    def header(name: str) -> dict[str, str]:
        scope = "openid trust"
        with provider.sessions.begin() as session:
            granted = grants.begin_grant(
                session, account=name, client_id=PLATFORM, scopes=scope.split(), at=utc_now()
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

    living.person(served.region, "region.seal", Role.SEAL_ADMIN, authority=None)
    living.person(served.region, "market.audit", Role.AUDIT_ADMIN)
    return header


def applied(client: TestClient, bearer: As, **changes: object) -> str:
    body = {"kind": "special", "name": NAME, "rank": "special"} | changes
    answer = client.post("/v1/seals/requests", json=body, headers=bearer("market.clerk"))
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def made(client: TestClient, bearer: As) -> str:
    key = applied(client, bearer)
    client.post(f"/v1/seals/requests/{key}/approval", headers=bearer("market.seal"))
    answer = client.post(f"/v1/seals/requests/{key}/seal", headers=bearer("region.seal"))
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["seal"]
    return found


def test_a_seal_lives_over_http(client: TestClient, bearer: As) -> None:
    admin, region = bearer("market.seal"), bearer("region.seal")
    es_id, why = made(client, bearer), {"reason": "遗失"}
    for path, state in (("freezing", "frozen"), ("release", "active"), ("version", "active")):
        by = region if path == "version" else admin
        answer = client.post(f"/v1/seals/{es_id}/{path}", json=why, headers=by)
        assert (answer.status_code, answer.json().get("state")) == (201, state), answer.text
    picture = client.get(f"/v1/seals/{es_id}/picture", headers=admin)
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.content.startswith(b"<svg")
    cancelled = client.post(f"/v1/seals/{es_id}/cancellation", json=why, headers=admin)
    assert cancelled.json()["state"] == "cancelled"
    refused = client.post(f"/v1/seals/{es_id}/invalidation", json=why, headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    client.post(f"/v1/seals/{es_id}/invalidation", json=why, headers=region)
    shown = client.get(f"/v1/seals/{es_id}", headers=bearer("market.audit")).json()
    assert shown["state"] == "invalid"
    assert [step["state"] for step in shown["steps"]] == [
        "applied", "approved", "made", "filed", "active", "frozen", "active", "active",
        "cancelled", "invalid",
    ]  # fmt: skip


def test_applications_are_listed_for_their_authority(client: TestClient, bearer: As) -> None:
    key = applied(client, bearer)
    mine = client.get("/v1/seals/requests?state=applied", headers=bearer("market.seal")).json()
    assert key in {row["id"] for row in mine}
    theirs = client.get("/v1/seals/requests", headers=bearer("transport.seal")).json()
    assert key not in {row["id"] for row in theirs}
    everyone = client.get("/v1/seals/requests", headers=bearer("region.seal")).json()
    assert key in {row["id"] for row in everyone}
    refusal = client.post(
        f"/v1/seals/requests/{key}/refusal", json={"reason": "重复"}, headers=bearer("market.seal")
    )
    assert (refusal.status_code, refusal.json()["state"]) == (201, "refused")


def test_a_picture_is_uploaded_and_checked(client: TestClient, bearer: As) -> None:
    def svg(body: str) -> str:
        text = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">{body}</svg>'
        return base64.b64encode(text.encode()).decode()

    assert applied(client, bearer, picture=svg('<circle cx="20" cy="20" r="19"/>'))
    for picture, code in (
        (svg("<script/>"), "unusable_picture"), ("!!", "unusable_picture"),
        (base64.b64encode(b"x" * 600_001).decode(), "request_invalid"),
    ):  # fmt: skip
        body = {"kind": "special", "name": NAME, "rank": "special", "picture": picture}
        answer = client.post("/v1/seals/requests", json=body, headers=bearer("market.clerk"))
        assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("market.clerk", "/requests/{key}/approval", 403),
        ("transport.seal", "/requests/{key}/approval", 403),
        ("market.approver", "/requests/{key}/seal", 403),
        ("market.seal", "/requests/{key}/seal", 409),
        ("market.clerk", "/uses/pending", 403),
        ("market.approver", "", 403),
    ],
)
def test_each_act_takes_its_role(
    client: TestClient, bearer: As, who: str, path: str, status: int
) -> None:
    path = path.format(key=applied(client, bearer) if "{key}" in path else "")
    call = client.post if path.startswith("/requests") else client.get
    assert call(f"/v1/seals{path}", headers=bearer(who)).status_code == status


def test_a_request_without_a_token_is_refused(client: TestClient) -> None:
    assert client.get("/v1/seals").status_code == 401


def test_anothers_seal_is_not_there(client: TestClient, bearer: As) -> None:
    es_id, other = made(client, bearer), bearer("transport.seal")
    for path in ("", "/picture", "/grants", "/ledger", "/ledger.csv"):
        assert client.get(f"/v1/seals/{es_id}{path}", headers=other).status_code == 404
    for path in ("freezing", "cancellation"):
        answer = client.post(f"/v1/seals/{es_id}/{path}", json={"reason": "x"}, headers=other)
        assert answer.status_code == 404
    assert es_id not in {row["seal"] for row in client.get("/v1/seals", headers=other).json()}


def test_grants_and_confirmations_over_http(client: TestClient, bearer: As) -> None:
    es_id, admin = made(client, bearer), bearer("market.seal")
    terms = {"role": "clerk", "second_person": True, "ceiling": 3,
             "valid_until": "2099-01-01T00:00:00+08:00"}  # fmt: skip
    granted = client.post(f"/v1/seals/{es_id}/grants", json=terms, headers=admin)
    assert granted.status_code == 201, granted.text
    key = granted.json()["id"]
    use = {"case": "case-1", "document": "paper.pdf"}
    asked = client.post(f"/v1/seals/{es_id}/uses", json=use, headers=bearer("market.clerk"))
    assert (asked.status_code, asked.json()["state"]) == (201, "asked")
    pending = client.get("/v1/seals/uses/pending", headers=bearer("market.approver")).json()
    assert asked.json()["id"] in {row["id"] for row in pending}
    path = f"/v1/seals/uses/{asked.json()['id']}/confirmation"
    confirmed = client.post(path, headers=bearer("market.approver"))
    assert confirmed.json()["confirmed_by"] == "market.approver"
    assert client.post(path, headers=bearer("market.approver")).status_code == 409
    revoked = client.post(f"/v1/seals/grants/{key}/revocation", headers=admin)
    assert revoked.json()["revoked_at"] is not None
    listed = client.get(f"/v1/seals/{es_id}/grants", headers=admin).json()
    assert [row["id"] for row in listed] == [key]
    for wrong in ({}, {"role": "clerk", "ceiling": 0}, {"account": "nobody.here"}):
        answer = client.post(f"/v1/seals/{es_id}/grants", json=wrong, headers=admin)
        assert answer.status_code in (404, 422)


def test_the_ledger_over_http(served: Served, client: TestClient, bearer: As) -> None:
    with served.region.platform.reading() as session:
        es_id = living.licence_seal(session)
    reader = bearer("market.audit")
    path, document = f"/v1/seals/{es_id}/ledger", f"{served.licence.identifier}.pdf"
    page = client.get(path, params={"document": document, "result": "used"}, headers=reader).json()
    assert page["next"] is None
    row, = page["rows"]  # fmt: skip
    assert row["digest"] == served.licence.file_digest.hex()
    by_digest = client.get(path, params={"digest": row["digest"]}, headers=reader).json()["rows"]
    assert by_digest == [row]
    served.region.issued()
    first = client.get(path, params={"limit": 1}, headers=reader).json()
    second = client.get(path, params={"limit": 1, "below": first["next"]}, headers=reader).json()
    assert first["rows"][0]["id"] > second["rows"][0]["id"]
    for wrong in ({"limit": 0}, {"digest": "zz"}, {"since": "yesterday"}, {"result": "x"}):
        assert client.get(path, params=wrong, headers=reader).status_code == 422
    exported = client.get(f"{path}.csv", headers=reader)
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    lines = exported.content.decode("utf-8-sig").splitlines()
    assert document in {each["document"] for each in csv.DictReader(lines)}
