"""Machine accounts over HTTP: two administrators, each their part."""

import pytest

from sso import machines
from sso.provider import Provider
from tests.server.test_administration_api import DESK, Ask, ask, provider
from tests.sso.front import add as add_client
from tests.sso.provider import START

__all__ = ["ask", "provider"]

AUTHORITY = "11542500999000056Q"
BODY = {
    "display_name": "审批系统",
    "authority": AUTHORITY,
    "roles": ["clerk"],
    "user_name": "m.one",
}


@pytest.fixture
def system(provider: Provider) -> str:
    """A platform that may have tokens of its own."""
    add_client(
        provider, at=START, client_id="approvals", scope="trust", redirect_uris=[],
        grant_types=["client_credentials"],
    )  # fmt: skip
    return "approvals"


def test_two_administrators_make_a_machine_account_and_tie_it(
    ask: Ask, provider: Provider, system: str
) -> None:
    made = ask("guard", "POST", "/v1/machines", BODY)
    assert made.status_code == 201
    assert made.json()["roles"] == ["clerk"]
    tied = ask("boss", "PUT", f"/v1/clients/{system}/machine", {"account": "m.one"})
    assert tied.json() == {"client_id": system, "account": "m.one"}
    with provider.reading() as session:
        found = machines.caller(session, system)
    assert found is not None
    assert (found.account, found.authority) == ("m.one", AUTHORITY)
    assert ask("guard", "GET", "/v1/people/m.one").json()["kind"] == "machine"
    assert ask("boss", "DELETE", f"/v1/clients/{system}/machine").status_code == 200
    with provider.reading() as session:
        assert machines.caller(session, system) is None


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "status", "code"),
    [
        ("boss", "POST", "/v1/machines", BODY, 403, "forbidden"),
        ("guard", "PUT", "/v1/clients/approvals/machine", {"account": "boss"}, 403, "forbidden"),
        ("boss", "PUT", "/v1/clients/approvals/machine", {"account": "boss"}, 409,
         "not_a_machine_account"),
        ("boss", "PUT", "/v1/clients/approvals/machine", {"account": "nobody"}, 404, "not_found"),
        ("boss", "PUT", f"/v1/clients/{DESK}/machine", {"account": "boss"}, 409,
         "client_not_for_machines"),
        ("boss", "DELETE", "/v1/clients/approvals/machine", None, 404, "not_found"),
        ("guard", "POST", "/v1/machines", BODY | {"roles": ["system_admin"]}, 422, "invalid"),
        ("guard", "POST", "/v1/machines", BODY | {"authority": "1"}, 422, "invalid_identifier"),
    ],
    ids=range(8),
)  # fmt: skip
def test_each_refusal_is_told(
    ask: Ask, system: str, who: str, method: str, path: str, body: object, status: int, code: str
) -> None:
    answer = ask(who, method, path, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
