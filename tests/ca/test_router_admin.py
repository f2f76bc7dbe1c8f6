"""The CA's administration over HTTP: who may, what changes, and that the CRL says so at once."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from ca import crl
from ca.router_admin import router
from server import problems
from tests.ca.requests import certify
from tests.regions import Region
from trust.access import Caller, Role
from trust.clock import utc_now
from trust.crypto import x509
from trust.errors import Unauthenticated

ISSUER = "issuing-sm2"


@pytest.fixture
def http(region: Region) -> Iterator[TestClient]:
    """The routes alone; the header `role` stands for an access token of that role."""
    app = FastAPI()
    app.include_router(router)
    problems.add_handlers(app)

    def authenticate(request: Request) -> Caller:
        role = request.headers.get("role")
        if role is None:
            raise Unauthenticated("no token")
        return Caller("c.admin", None, frozenset({Role(role)}))

    platform, state = region.platform, app.state
    state.sessions, state.reading, state.keys = platform.sessions, platform.reading, platform.keys
    state.clock, state.authenticate = utc_now, authenticate
    with TestClient(app) as client:
        client.headers["role"] = "ca_admin"
        yield client


def listed(region: Region) -> dict[int, x509.Revoked]:
    with region.platform.reading() as session:
        return dict(x509.parse_crl(crl.newest(session, ISSUER) or b"").entries)


def test_hold_release_and_revoke_are_in_the_next_crl(region: Region, http: TestClient) -> None:
    made = certify(region, "sm2")
    place = f"/v1/ca/{ISSUER}/certificates/{made.serial:x}"
    assert http.get(place).json()["state"] == "issued"
    assert http.post(f"{place}/hold").json()["state"] == "held"
    assert listed(region)[made.serial].reason == 6
    again = http.post(f"{place}/hold")
    assert (again.status_code, again.json()["code"]) == (409, "certificate_not_in_force")
    assert http.post(f"{place}/release").json()["state"] == "issued"
    assert made.serial not in listed(region)
    answer = http.post(f"{place}/revocation", json={"reason": "superseded"})
    assert (answer.status_code, answer.json()["reason"]) == (200, 4)
    assert listed(region)[made.serial].reason == 4
    assert http.post(f"{place}/release").status_code == 409


def test_authorities_and_certificates_are_listed_by_state_end_and_page(
    region: Region, http: TestClient
) -> None:
    made = certify(region, "sm2")
    names = {row["name"]: row for row in http.get("/v1/ca").json()}
    assert {"root-sm2", "root-rsa", "issuing-sm2", "issuing-rsa"} <= set(names)
    assert (names["root-sm2"]["parent"], names[ISSUER]["parent"]) == (None, "root-sm2")
    assert names[ISSUER]["signs"]
    assert not names[ISSUER]["outside"]
    place = f"/v1/ca/{ISSUER}/certificates"
    found = http.get(place, params={"state": "issued"}).json()
    assert f"{made.serial:x}" in {row["serial"] for row in found["certificates"]}
    assert found["next"] is None
    assert http.get(place, params={"ending_days": 3}).json()["certificates"] == []
    last = found["certificates"][-1]
    assert last["serial"] == f"{made.serial:x}"
    assert http.get(place, params={"after": 10**6}).json()["certificates"] == []
    assert http.get("/v1/ca/nobody/certificates").status_code == 404


def test_a_crl_is_published_on_demand(region: Region, http: TestClient) -> None:
    answer = http.post(f"/v1/ca/{ISSUER}/crl")
    assert answer.status_code == 201
    assert answer.json()["entries"] == len(listed(region))
    assert http.post("/v1/ca/nobody/crl").status_code == 404


def test_only_a_ca_administrator_changes_anything(region: Region, http: TestClient) -> None:
    made = certify(region, "sm2")
    place = f"/v1/ca/{ISSUER}/certificates/{made.serial:x}"
    acts = [f"{place}/hold", f"{place}/release", f"/v1/ca/{ISSUER}/crl"]
    for role in ("audit_admin", "security_admin", "approver", "seal_admin", "system_admin"):
        for act in acts:
            assert http.post(act, headers={"role": role}).status_code == 403
        answer = http.post(
            f"{place}/revocation", json={"reason": "superseded"}, headers={"role": role}
        )
        assert answer.status_code == 403
    for role, status in (("audit_admin", 200), ("security_admin", 200), ("clerk", 403)):
        assert http.get("/v1/ca", headers={"role": role}).status_code == status
    del http.headers["role"]
    assert http.post(acts[0]).status_code == 401
    assert http.get("/v1/ca").status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("certificates/zz/hold", None, 422),
        ("certificates/" + "a" * 41 + "/hold", None, 422),
        ("certificates/1/hold", None, 404),
        ("certificates/1/revocation", {"reason": "certificate_hold"}, 422),
        ("certificates/1/revocation", {}, 422),
        ("certificates/1/revocation", {"reason": "superseded"}, 404),
    ],
)
def test_bad_words_are_refused(
    http: TestClient, path: str, body: dict[str, str] | None, status: int
) -> None:
    assert http.post(f"/v1/ca/{ISSUER}/{path}", json=body).status_code == status
