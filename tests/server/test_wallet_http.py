"""The wallet over HTTP: a holder's acts one after the other, and the office on the other side."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from certificates.models import Licence
from tests import holding
from tests.server.conftest import Served
from tests.server.test_applications import As, bearer  # noqa: F401 - a fixture
from trust.clock import utc_now

PURPOSE = {"cause": "办理道路运输经营许可", "item_code": "11542500-YS-001"}


@pytest.fixture(scope="module")
def licence(served: Served) -> Licence:
    holding.holder(served.region)
    holding.stranger(served.region)
    holding.office(served.region)
    return holding.personal_licence(served.region)


@pytest.fixture
def me(licence: Licence, bearer: As) -> dict[str, str]:  # noqa: F811
    return bearer("wallet.holder")


def later(**span: float) -> str:
    return (utc_now() + timedelta(**span)).isoformat()


def ask(client: TestClient, licence: Licence, me: dict[str, str], office: dict[str, str]) -> Any:
    code = client.post(f"/v1/wallet/licences/{licence.identifier}/showing-codes", headers=me).json()
    answer = client.post(
        "/v1/showings", json={"code": code["text"], "purpose": PURPOSE}, headers=office
    )
    return code, answer


def test_a_licence_is_shown_once_and_only_after_its_holder_said_yes(
    client: TestClient,
    licence: Licence,
    me: dict[str, str],
    bearer: As,  # noqa: F811
) -> None:
    office = bearer("wallet.office")
    code, asked = ask(client, licence, me, office)
    assert asked.status_code == 201, asked.text
    key = asked.json()["id"]
    assert asked.json()["state"] == "waiting"
    assert holding.NAME not in asked.text
    assert licence.number not in asked.text
    early = client.post(f"/v1/showings/{key}/licence", headers=office)
    assert (early.status_code, early.json()["type"]) == (409, "/problems/showing_over")
    (waiting,) = client.get("/v1/wallet/showings", headers=me).json()
    assert (waiting["id"], waiting["purpose"]) == (key, PURPOSE["cause"])
    assert client.post(f"/v1/wallet/showings/{key}/confirmation", headers=me).status_code == 204
    assert client.get(f"/v1/showings/{key}", headers=office).json()["state"] == "granted"
    shown = client.post(f"/v1/showings/{key}/licence", headers=office)
    assert shown.json()["licence"]["CZZT"] == holding.NAME
    assert shown.json()["in_force"] is True
    again = client.post(f"/v1/showings/{key}/licence", headers=office)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/showing_over")
    replayed = client.post(
        "/v1/showings", json={"code": code["typed"], "purpose": PURPOSE}, headers=office
    )
    assert (replayed.status_code, replayed.json()["type"]) == (
        404, "/problems/showing_code_refused",
    )  # fmt: skip
    seen = client.get(f"/v1/wallet/licences/{licence.identifier}/looks", headers=me).json()
    assert seen[0]["how"] == "showing"
    assert seen[0]["purpose"] == PURPOSE["cause"]


def test_a_refused_showing_shows_nothing(
    client: TestClient,
    licence: Licence,
    me: dict[str, str],
    bearer: As,  # noqa: F811
) -> None:
    office = bearer("wallet.office")
    _, asked = ask(client, licence, me, office)
    key = asked.json()["id"]
    assert client.post(f"/v1/wallet/showings/{key}/refusal", headers=me).status_code == 204
    assert client.get(f"/v1/showings/{key}", headers=office).json()["state"] == "refused"
    assert client.post(f"/v1/showings/{key}/licence", headers=office).status_code == 409
    late = client.post(f"/v1/wallet/showings/{key}/confirmation", headers=me)
    assert late.json()["type"] == "/problems/showing_over"


def test_a_stranger_finds_nobody_elses_licence_or_request(
    client: TestClient,
    licence: Licence,
    me: dict[str, str],
    bearer: As,  # noqa: F811
) -> None:
    stranger, office = bearer("wallet.stranger"), bearer("wallet.office")
    _, asked = ask(client, licence, me, office)
    key, path = asked.json()["id"], f"/v1/wallet/licences/{licence.identifier}"
    for method, url, body in (
        ("GET", path, None), ("GET", path + "/file", None), ("GET", path + "/looks", None),
        ("POST", path + "/showing-codes", None), ("GET", path + "/copies", None),
        ("POST", path + "/disputes", {"words": "错"}),
        ("POST", f"/v1/wallet/showings/{key}/confirmation", None),
        ("POST", f"/v1/wallet/showings/{key}/refusal", None),
        ("GET", f"/v1/showings/{key}", None), ("POST", f"/v1/showings/{key}/licence", None),
    ):  # fmt: skip
        answer = client.request(method, url, json=body, headers=stranger)
        assert answer.status_code == 404, url
        assert holding.NAME not in answer.text
    assert licence.identifier not in client.get("/v1/wallet/licences", headers=stranger).text
    assert client.get(path).status_code == 401


def test_a_copy_is_made_fetched_and_verified(
    client: TestClient, licence: Licence, me: dict[str, str]
) -> None:
    path = f"/v1/wallet/licences/{licence.identifier}/copies"
    made = client.post(
        path, headers=me,
        json={"purpose": PURPOSE, "maker": holding.NAME, "until": later(days=30)},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    pdf = client.get(made.json()["file"], headers=me)
    assert pdf.headers["content-type"] == "application/pdf"
    report = client.post(
        "/v1/verifications", files={"file": ("copy.pdf", pdf.content, "application/pdf")}
    ).json()
    assert report["outcome"] == "PASSED"
    assert report["licence"]["copy_purpose"] == PURPOSE["cause"]
    assert report["licence"]["identifier"] == licence.identifier
    told = client.post("/v1/verifications", json={"qr": made.json()["qr"]}).json()
    assert told["outcome"] == "PASSED"
    assert {check["name"] for check in told["checks"]} >= {"copy", "original", "state"}
    assert made.json()["number"] in {one["number"] for one in client.get(path, headers=me).json()}


def test_leave_is_given_listed_and_taken_back(
    client: TestClient, licence: Licence, me: dict[str, str]
) -> None:
    path = f"/v1/wallet/licences/{licence.identifier}/authorisations"
    body = {"office": "11542500999000072E", "purpose": PURPOSE, "until": later(days=3)}
    given = client.post(path, json=body, headers=me)
    assert given.status_code == 201, given.text
    key = given.json()["id"]
    assert client.post(f"{path}/{key}/revocation", headers=me).status_code == 204
    assert client.post(f"{path}/{key}/revocation", headers=me).status_code == 404
    (listed,) = [one for one in client.get(path, headers=me).json() if one["id"] == key]
    assert listed["revoked_at"]


def test_who_is_entrusted_uses_the_licence_until_that_ends(
    served: Served, client: TestClient, licence: Licence, me: dict[str, str],
    bearer: As,  # noqa: F811
) -> None:  # fmt: skip
    agent = bearer(holding.agent(served.region))
    path = f"/v1/wallet/licences/{licence.identifier}"
    assert client.get(path, headers=agent).status_code == 404
    body = {
        "agent": "wallet.agent", "licence": licence.identifier, "matter": "代办许可",
        "until": later(days=1),
    }  # fmt: skip
    given = client.post("/v1/wallet/entrustments", json=body, headers=me)
    assert given.status_code == 201, given.text
    assert client.get(path, headers=agent).status_code == 200
    assert client.post(path + "/disputes", json={"words": "错"}, headers=agent).status_code == 403
    assert client.get(path + "/looks", headers=agent).status_code == 403
    key = given.json()["id"]
    assert client.post(f"/v1/wallet/entrustments/{key}/revocation", headers=me).status_code == 204
    assert client.get(path, headers=agent).status_code == 404


def test_a_complaint_goes_to_the_issuer_and_its_answer_comes_back(
    client: TestClient,
    licence: Licence,
    me: dict[str, str],
    bearer: As,  # noqa: F811
) -> None:
    path = f"/v1/wallet/licences/{licence.identifier}/disputes"
    raised = client.post(path, json={"words": "经营场所写错了"}, headers=me)
    assert raised.status_code == 201, raised.text
    key, clerk = raised.json()["id"], bearer("market.clerk")
    assert key in {one["id"] for one in client.get("/v1/disputes", headers=clerk).json()}
    other = bearer("transport.clerk")
    answer = {"decision": "accepted", "answer": "属实，将换发"}
    assert (
        client.post(f"/v1/disputes/{key}/decision", json=answer, headers=other).status_code == 404
    )
    assert (
        client.post(f"/v1/disputes/{key}/decision", json=answer, headers=clerk).status_code == 204
    )
    twice = client.post(f"/v1/disputes/{key}/decision", json=answer, headers=clerk)
    assert twice.json()["type"] == "/problems/dispute_decided"
    (told,) = [one for one in client.get(path, headers=me).json() if one["id"] == key]
    assert (told["state"], told["answer"]) == ("accepted", answer["answer"])
    wrong = client.post(
        f"/v1/disputes/{key}/resolution", json={"licence": licence.identifier}, headers=clerk
    )
    assert wrong.json()["type"] == "/problems/not_its_reissue"


def test_an_account_whose_number_nobody_proved_has_no_wallet(
    client: TestClient,
    licence: Licence,
    bearer: As,  # noqa: F811
) -> None:
    answer = client.get("/v1/wallet/licences", headers=bearer("market.clerk"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/level_too_low")
