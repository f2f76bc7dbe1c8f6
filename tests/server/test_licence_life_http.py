"""A licence's life over HTTP: business systems and their repeats, joint issue, states, transfers;
every refusal under its own code, and written down."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select

from certificates import catalogue
from certificates.applications import idempotency
from certificates.applications.models import KeptAnswer
from certificates.models import Application, Licence
from tests.certificates.office import STRICT, Office, count, open_office
from tests.regions import MARKET, TRANSPORT, example
from tests.server.conftest import Served
from tests.server.test_applications import As, bearer
from trust.clock import utc_now

__all__ = ["bearer"]

Send = Callable[..., Any]
CHANGE = {"basis": "行政处罚法第九条", "reason": "核查"}


@pytest.fixture(scope="module")
def office(served: Served) -> Office:
    return open_office(served.region)


@pytest.fixture
def send(client: TestClient, bearer: As, office: Office) -> Send:
    def request(
        who: str, path: str, body: Any = None, *, method: str = "POST", key: str = ""
    ) -> Any:
        headers = bearer(who) | ({"Idempotency-Key": key} if key else {})
        return client.request(method, path, json=body, headers=headers)

    return request


def entry(slug: str = "business-licence", **given: Any) -> dict[str, Any]:
    return {"type": slug, "content": example(slug), **given}


def entered(send: Send, slug: str = "business-licence", **given: Any) -> str:
    answer = send("market.clerk", "/v1/applications", entry(slug, **given))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def issued(send: Send, slug: str = "business-licence", **given: Any) -> dict[str, Any]:
    where = entered(send, slug, **given)
    assert send("market.approver", f"{where}/approval").status_code == 200
    answer = send("market.approver", f"{where}/licence")
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_repeat_under_its_key_gets_the_same_answer_and_enters_nothing(
    send: Send, office: Office
) -> None:
    key, body = uuid4().hex, entry(case_number="2026-7")
    first = send("market.clerk", "/v1/applications", body, key=key)
    again = send("market.clerk", "/v1/applications", body, key=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    other = send("market.clerk", "/v1/applications", entry(), key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    stranger = send("market.second", "/v1/applications", body, key=key)
    assert stranger.json()["id"] != first.json()["id"]


def test_of_ten_repeats_at_once_one_application_is_entered(
    send: Send, served: Served, office: Office
) -> None:
    with served.region.platform.reading() as session:
        before = count(session, Application)
    key, body, answers = uuid4().hex, entry(), list[str]()

    def attempt() -> None:
        answers.append(send("market.clerk", "/v1/applications", body, key=key).json()["id"])

    threads = [threading.Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10
    assert len(set(answers)) == 1
    with served.region.platform.reading() as session:
        assert count(session, Application) == before + 1


def test_issuing_again_under_its_key_gives_the_same_licence_even_when_the_answer_was_lost(
    send: Send, served: Served
) -> None:
    where, key = entered(send), uuid4().hex
    send("market.approver", f"{where}/approval")
    first = send("market.approver", f"{where}/licence", key=key)
    assert first.status_code == 201
    assert send("market.approver", f"{where}/licence", key=key).json() == first.json()
    with served.region.platform.sessions.begin() as session:  # as after a crash
        session.execute(delete(KeptAnswer))
    again = send("market.approver", f"{where}/licence", key=key)
    assert (again.status_code, again.json()) == (201, first.json())
    plain = send("market.approver", f"{where}/licence")
    assert (plain.status_code, plain.json()["code"]) == (409, "already_issued")


def test_answers_are_forgotten_after_a_week(send: Send, served: Served) -> None:
    send("market.clerk", "/v1/applications", entry(), key=uuid4().hex)
    sessions = served.region.platform.sessions
    assert idempotency.forget(sessions, at=utc_now()) == 0
    assert idempotency.forget(sessions, at=utc_now() + timedelta(days=8)) >= 1
    with served.region.platform.reading() as session:
        assert count(session, KeptAnswer) == 0


def test_the_long_way_and_its_steps(send: Send) -> None:
    where = entered(send, STRICT)
    for who, step, said, state in (
        ("market.second", "check", {"note": "齐全"}, "checked"),
        ("market.checker", "return", {"reason": "规模有误"}, "returned"),
    ):
        answer = send(who, f"{where}/{step}", said)
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    body: Any = {"content": example(STRICT)}
    assert send("market.clerk", f"{where}/content", body, method="PUT").status_code == 200
    stale = send("market.second", f"{where}/check", {"revision": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "content_changed")
    send("market.second", f"{where}/check", {"revision": 2})
    send("market.checker", f"{where}/review")
    assert send("market.approver", f"{where}/approval", {"revision": 2}).status_code == 200
    steps = send("market.clerk", f"{where}/steps", method="GET").json()["steps"]
    assert [step["state"] for step in steps] == [
        "entered", "checked", "returned", "entered", "checked", "reviewed", "approved",
    ]  # fmt: skip
    assert all(step["by"] and step["at"] for step in steps)


def test_lists_come_in_pages_and_by_state(send: Send) -> None:
    case = uuid4().hex[:12]
    made = [entered(send, case_number=case).rpartition("/")[2] for _ in range(5)]
    found: list[str] = []
    after = ""
    while True:
        page = send(
            "market.approver", f"/v1/applications?case_number={case}&limit=2{after}", method="GET"
        ).json()
        found += [each["id"] for each in page["applications"]]
        assert all("content" not in each for each in page["applications"])
        if page["after"] is None:
            break
        after = f"&after={page['after']}"
    assert found == made[::-1]
    other = send("transport.approver", f"/v1/applications?case_number={case}", method="GET")
    assert other.json()["applications"] == []


def test_joint_authorities_find_read_and_agree(send: Send) -> None:
    where = entered(send, joint=[TRANSPORT.code])
    key = where.rpartition("/")[2]
    page = send("transport.approver", "/v1/applications?part=joint", method="GET").json()
    assert key in [each["id"] for each in page["applications"]]
    send("market.approver", f"{where}/approval")
    missing = send("market.approver", f"{where}/licence")
    assert (missing.status_code, missing.json()["code"]) == (409, "consent_missing")
    assert send("transport.approver", f"{where}/consent").status_code == 200
    shown = send("transport.approver", where, method="GET").json()
    assert [each["by"] for each in shown["consents"]] == ["transport.approver"]


def test_a_suspension_is_seen_by_a_verifying_office_at_once_and_so_is_its_end(
    send: Send, client: TestClient
) -> None:
    made = issued(send)
    where = f"/v1/licences/{made['identifier']}"

    def outcome() -> str:
        return str(client.post("/v1/verifications", json={"qr": made["qr"]}).json()["outcome"])

    assert outcome() == "PASSED"
    assert send("market.approver", f"{where}/suspension", CHANGE).status_code == 201
    assert outcome() == "FAILED"
    assert send("market.approver", f"{where}/resumption", CHANGE).json()["state"] == "active"
    assert outcome() == "PASSED"
    body = CHANGE | {"cause": "2"}
    assert send("market.approver", f"{where}/cancellation", body).json()["state"] == "cancelled"
    history = send("market.clerk", f"{where}/history", method="GET").json()["changes"]
    assert [row["state"] for row in history] == ["active", "suspended", "active", "cancelled"]
    assert history[-1]["cause"] == "2"
    assert all(row["basis"] and row["reason"] and row["by"] for row in history[1:])


def test_a_reissue_links_the_chain_both_ways(send: Send) -> None:
    first = issued(send)
    second = issued(send, kind="reissue", previous=first["identifier"])
    shown = send("market.clerk", f"/v1/licences/{second['identifier']}", method="GET").json()
    assert shown["previous"] == first["identifier"]
    old = send("market.clerk", f"/v1/licences/{first['identifier']}/history", method="GET").json()
    assert old["followed_by"] == [second["identifier"]]
    assert old["changes"][-1]["state"] == "replaced"


def test_licences_are_found_without_their_holder_in_an_address(send: Send, served: Served) -> None:
    made = issued(send, "food-business-licence")
    code = example("food-business-licence")["CZZTDM"]
    found = send("market.clerk", "/v1/licences/searches", {"holder": code, "purpose": "年审"})
    assert made["identifier"] in [each["identifier"] for each in found.json()["licences"]]
    number = send(
        "market.clerk", "/v1/licences/searches", {"number": made["number"], "purpose": "年审"}
    ).json()["licences"]
    assert [each["identifier"] for each in number] == [made["identifier"]]
    other = send("transport.clerk", "/v1/licences/searches", {"holder": code, "purpose": "年审"})
    assert other.json()["licences"] == []
    both = {"holder": code, "number": "x", "purpose": "年审"}
    assert send("market.clerk", "/v1/licences/searches", both).status_code == 422


# --- what bad input gets -----------------------------------------------------------------------


BAD: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "a field that breaks its rule": (
        "market.clerk", entry() | {"content": example("business-licence") | {"KZ_CLRQ": "2024"}},
        422, "invalid_field",
    ),
    "a field that is not there": (
        "market.clerk", entry() | {"content": example("business-licence") | {"KZ_XX": "x"}},
        422, "invalid_field",
    ),
    "a wrong social credit code": (
        "market.clerk",
        entry() | {"content": example("business-licence") | {"CZZTDM": "915425210000000000"}},
        422, "invalid_field",
    ),
    "no such type": ("market.clerk", {"type": "no-such-type", "content": {}}, 404, "not_found"),
    "a type of another authority": (
        "market.clerk", entry("road-transport-licence"), 403, "type_not_of_authority",
    ),
    "another authority without a grant": (
        "market.clerk", entry("road-transport-licence", authority=TRANSPORT.code), 403,
        "not_granted_to_act",
    ),
    "a role that enters nothing": ("market.seal", entry(), 403, "wrong_role"),
    "a re-issue of nothing": ("market.clerk", entry(kind="reissue"), 422, "previous_required"),
    "a re-issue of an unknown licence": (
        "market.clerk", entry(kind="reissue", previous="1.2.3"), 409, "previous_not_found",
    ),
    "a transfer with nothing handed in": (
        "market.clerk", entry(kind="transfer_in", previous="1.2.3"), 422, "previous_required",
    ),
    "a transfer of rubbish": (
        "market.clerk", entry(kind="transfer_in", previous="1.2.3", transfer={"qr": "x"}), 409,
        "transfer_refused",
    ),
    "joint with itself": ("market.clerk", entry(joint=[MARKET.code]), 422, "joint_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_entry_has_its_code_two_languages_an_audit_entry_and_leaves_nothing(
    send: Send, served: Served, office: Office, name: str
) -> None:
    who, body, status, code = BAD[name]
    with served.region.platform.reading() as session:
        before = count(session, Application)
    answer = send(who, "/v1/applications", body, key=uuid4().hex)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["title"]
    assert answer.json()["title_en"]
    told = office.audited(body["type"])[-1]
    assert told[0] == "act.refused"
    assert told[1]["reason"] == code
    with served.region.platform.reading() as session:
        assert count(session, Application) == before
        assert (
            count(session, KeptAnswer) == 0
            or not session.scalars(select(KeptAnswer).where(KeptAnswer.status.is_(None))).all()
        )


def test_a_bad_act_has_its_code_and_an_audit_entry_and_changes_nothing(
    send: Send, served: Served, office: Office
) -> None:
    where = entered(send)
    key = where.rpartition("/")[2]
    own = send("market.approver", "/v1/applications", entry()).headers["Location"]
    for who, path, body, status, code in (
        ("market.approver", f"{own}/approval", None, 403, "own_application"),
        ("transport.approver", f"{where}/approval", None, 403, "not_of_authority"),
        ("market.clerk", f"{where}/approval", None, 403, "wrong_role"),
        ("market.approver", f"{where}/licence", None, 409, "application_state"),
        ("market.approver", f"{where}/consent", None, 403, "not_of_authority"),
    ):
        answer = send(who, path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        told = office.audited(path.split("/")[3])[-1]
        assert (told[0], told[1]["reason"]) == ("act.refused", code)
    assert office.read(UUID(key)).state == "entered"


def test_a_bad_change_of_state_has_its_code_and_an_audit_entry(
    send: Send, served: Served, office: Office
) -> None:
    made = issued(send)
    where = f"/v1/licences/{made['identifier']}"
    for who, act, status, code in (
        ("market.approver", "resumption", 409, "licence_not_in_force"),
        ("market.clerk", "suspension", 403, "wrong_role"),
        ("transport.approver", "suspension", 403, "not_granted_to_act"),
    ):
        answer = send(who, f"{where}/{act}", CHANGE)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        told = office.audited(made["identifier"])[-1]
        assert (told[0], told[1]["reason"]) == ("act.refused", code)
    blank = send("market.approver", f"{where}/suspension", {"basis": " ", "reason": "x"})
    assert (blank.status_code, blank.json()["code"]) == (422, "reason_needed")
    assert send("market.approver", f"{where}/suspension", {"reason": "x"}).status_code == 422
    with served.region.platform.reading() as session:
        assert session.get_one(Licence, made["identifier"]).state == "active"


def test_leave_to_act_is_given_listed_and_ended_over_http(send: Send, office: Office) -> None:
    at = utc_now()
    body = {
        "authority": TRANSPORT.code, "acting": MARKET.code,
        "types": [catalogue.find("road-transport-licence").code], "since": at.isoformat(),
        "until": (at + timedelta(days=1)).isoformat(), "basis": "阿政办发〔2026〕1号",
    }  # fmt: skip
    assert send("market.approver", "/v1/issuing-grants", body).json()["code"] == "wrong_role"
    made = send("region.guard", "/v1/issuing-grants", body)
    assert made.status_code == 201, made.text
    where = entered(send, "road-transport-licence", authority=TRANSPORT.code)
    shown = send("market.clerk", where, method="GET").json()
    assert (shown["authority"], shown["acting"]) == (TRANSPORT.code, MARKET.code)
    listed = send("transport.clerk", "/v1/issuing-grants", method="GET").json()["grants"]
    assert made.json()["id"] in [each["id"] for each in listed]
    ended = send("region.guard", f"/v1/issuing-grants/{made.json()['id']}/end")
    assert ended.json()["ended_at"]
    late = send("market.approver", f"{where}/approval")
    assert late.json()["code"] == "not_granted_to_act"


@pytest.mark.parametrize("bad", ["\ud800", "\0", "x" * 3000], ids=["surrogate", "NUL", "long"])
def test_hostile_texts_are_refused_and_never_a_fault(
    client: TestClient, bearer: As, bad: str
) -> None:
    headers = bearer("market.clerk") | {"Content-Type": "application/json"}
    bodies: list[dict[str, Any]] = [
        entry() | {name: bad}
        for name in ("type", "previous", "paper_number", "item_code", "case_number", "authority")
    ]
    bodies += [entry() | {"content": example("business-licence") | {bad: "x"}}]
    bodies += [entry() | {"content": example("business-licence") | {"CZZT": bad}}]
    bodies += [entry(kind="reissue", previous=bad[:100]), entry(joint=[(bad + "x" * 18)[:18]])]
    for body in bodies:
        answer = client.post("/v1/applications", content=json.dumps(body), headers=headers)
        assert 400 <= answer.status_code < 500, body
