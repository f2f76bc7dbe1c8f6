"""People of one authority, and platforms with a token, ask for what is not theirs."""

from typing import Any, Final

import pytest
from fastapi.testclient import TestClient

from certificates import catalogue
from certificates.models import Licence
from certificates.share import rights
from tests.certificates.office import Office, open_office
from tests.certificates.offices import FOOD, ITEM, bind
from tests.regions import TRANSPORT, example
from tests.seal.living import person
from tests.server.conftest import Served
from tests.server.test_applications import As, bearer
from tests.server.test_share_http import USE, WHY, Door, door, key_of
from trust.access import SYSTEM, Role
from trust.clock import utc_now

__all__ = ["bearer", "door"]


@pytest.fixture(scope="module")
def office(served: Served) -> Office:
    return open_office(served.region)


@pytest.fixture(scope="module", autouse=True)
def _items(served: Served) -> None:
    bind(served.region, ITEM, FOOD)


@pytest.fixture(scope="module")
def licences(served: Served) -> list[Licence]:
    return [served.region.issued("food-business-licence") for _ in range(2)]


def test_a_clerk_learns_nothing_of_another_authoritys_licences_by_paging(
    client: TestClient, bearer: As, office: Office, served: Served, licences: list[Licence]
) -> None:
    """The cursor of a page was the identifier of whatever had been found: type and issuer stand in
    it."""
    person(served.region, "transport.clerk2", Role.CLERK, authority=TRANSPORT.code)
    body: dict[str, Any] = {
        "holder": example("food-business-licence")["CZZTDM"], "purpose": "核对", "limit": 1,
    }  # fmt: skip
    theirs = client.post("/v1/licences/searches", json=body, headers=bearer("transport.clerk2"))
    assert (theirs.status_code, theirs.json()) == (200, {"licences": [], "after": None})
    ours = client.post("/v1/licences/searches", json=body, headers=bearer("market.clerk"))
    assert len(ours.json()["licences"]) == 1
    assert ours.json()["after"]


DRIVING: Final = "driving-licence"


def granted(door: Door, *types: str, **terms: Any) -> None:
    door.office.right(*types, **terms)


def test_a_platform_registered_to_sign_is_heard_in_no_other_way(
    door: Door, licences: list[Licence]
) -> None:
    """Whoever has its token and not its key went in by the other door."""
    granted(door)
    name = licences[0].identifier
    assert door.post("metadata", licence=name, purpose=WHY).status_code == 200
    key_of(door, signed=True)
    bodies: dict[str, dict[str, Any]] = {
        "searches": {"number": licences[0].number}, "metadata": {"licence": name},
        "files": {"licence": name, "maker": "运政大厅"},
        "links": {"licence": name, "maker": "运政大厅"},
        "data-verifications": {"type": FOOD, "licence": name, "holder": "甲"},
        "file-verifications": {"type": FOOD, "content": "JVBERi0="},
    }  # fmt: skip
    for path, body in bodies.items():
        answer = door.post(path, purpose=WHY, **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "share_bad_signature"), path


def test_a_file_is_given_only_to_a_right_that_covers_all_that_stands_in_it(
    door: Door, licences: list[Licence]
) -> None:
    """A right to one item opened the whole file, licence.json and all."""
    granted(door, FOOD, fields=("ZZBH", "KZ_JYXM"))
    name = licences[0].identifier
    assert door.post("metadata", licence=name, purpose=WHY).status_code == 200
    for path in ("files", "links"):
        answer = door.post(path, licence=name, purpose=WHY, maker="运政大厅")
        assert (answer.status_code, answer.json()["code"]) == (403, "share_not_covered"), path
    data = {"zzbs": name, "useCause": USE}
    assert door.status("zzxxxz", data) == 17
    assert door.status("downloadFile", {"certIdentifier": name, "useCause": USE}) == 100
    assert door.office.calls()[-1].outcome == "share_not_covered"


def test_restricted_items_leave_by_no_door_without_a_right_that_names_them(
    door: Door, office: Office, served: Served
) -> None:
    """Not in a file, and not by asking whether a guess is right."""
    made = office.issued(DRIVING)
    kind = catalogue.find(DRIVING)
    bind(served.region, ITEM, kind.code)
    name, address = made.identifier, str(example(DRIVING)["KZ_ZZ"])
    granted(door, kind.code)
    read = door.post("metadata", licence=name, purpose=WHY).json()["items"]
    assert "KZ_ZZ" not in read
    file = door.post("files", licence=name, purpose=WHY, maker="运政大厅")
    assert (file.status_code, file.json()["code"]) == (403, "share_not_covered")

    def said(**items: str) -> Any:
        return door.post(
            "data-verifications", type=kind.code, licence=name, purpose=WHY, items=items
        )

    assert said(KZ_ZZ=address).json()["code"] == "share_not_covered"
    assert said(KZ_ZZ="别处").json()["code"] == "share_not_covered"
    every = (*(each.name for each in kind.fields), "CZZT", "CZZTDM", "ZZBH")
    with served.region.platform.sessions.begin() as session:
        rights.end(session, door.office.rights[0], reason="改", by=SYSTEM, at=utc_now())
    granted(door, kind.code, fields=every)
    assert said(KZ_ZZ=address).json() == {"result": 0}
    whole = door.post("files", licence=name, purpose=WHY, maker="运政大厅")
    assert whole.status_code == 200


def test_by_leave_nothing_is_compared_that_nobody_gave_leave_for(
    door: Door, licences: list[Licence]
) -> None:
    granted(door)
    body = {"type": FOOD, "licence": licences[0].identifier, "number": licences[0].number}
    assert door.post("data-verifications", purpose=WHY, **body).json() == {"result": 0}
    answer = door.post("data-verifications", purpose=WHY, way="grant", **body)
    assert answer.json() == {"result": 5}
    answer = door.post("data-verifications", way="grant", **body)
    assert answer.json()["code"] == "share_purpose_missing"


@pytest.mark.parametrize("purpose", ["查 110101199003074012", "找13812345678", "换\n行"])
def test_what_a_search_is_for_holds_nobodys_number(
    client: TestClient, bearer: As, office: Office, purpose: str
) -> None:
    """It goes into the audit log, where nothing is ever deleted."""
    body = {"number": "x", "purpose": purpose}
    answer = client.post("/v1/licences/searches", json=body, headers=bearer("market.clerk"))
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_purpose")
