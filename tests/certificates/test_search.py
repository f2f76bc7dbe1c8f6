"""Licences are found by holder, number and the number on paper, along an index: both databases."""

from typing import Any
from uuid import uuid4

import pytest

from certificates import search
from certificates.models import ApplicationKind
from tests.certificates.office import Office, open_office
from tests.regions import Region, example


@pytest.fixture
def office(region: Region) -> Office:
    return open_office(region)


def test_each_index_finds_its_licence(office: Office) -> None:
    paper = f"藏{uuid4().hex[:10]}"
    licence = office.issued("food-business-licence", paper_number=paper)
    code, vault = example("food-business-licence")["CZZTDM"], office.region.platform.vault
    with office.region.platform.reading() as session:
        held = search.by_holder(session, vault, code, limit=200)
        assert licence.identifier in [each.identifier for each in held]
        assert [each.identifier for each in held] == sorted(each.identifier for each in held)
        (found,) = search.by_number(session, licence.number, type_code=licence.type_code)
        assert (found.identifier, found.state, found.paper_number) == (
            licence.identifier, "active", paper,
        )  # fmt: skip
        assert search.by_paper_number(session, paper) == [found]
        assert search.one(session, licence.identifier) == found
        assert search.by_number(session, licence.number, type_code="x" * 21) == []
        assert search.by_holder(session, vault, "nobody") == []
        assert search.one(session, "1.2.3") is None


def test_pages_follow_each_other_without_gap_or_repeat(office: Office) -> None:
    code, vault = example("food-business-licence")["CZZTDM"], office.region.platform.vault
    for _ in range(3):
        office.issued("food-business-licence")
    with office.region.platform.reading() as session:
        whole = search.by_holder(session, vault, code, limit=200)
        paged: list[search.Found] = []
        while page := search.by_holder(
            session, vault, code, limit=2, after=paged[-1].identifier if paged else None
        ):
            paged += page
    assert paged == whole
    assert len(paged) >= 3


def test_types_narrow_a_search_and_none_of_them_finds_nothing(office: Office) -> None:
    licence = office.issued("food-business-licence")
    code, vault = example("food-business-licence")["CZZTDM"], office.region.platform.vault

    def found(types: list[str] | None) -> list[str]:
        with office.region.platform.reading() as session:
            rows = search.by_holder(session, vault, code, type_codes=types, limit=200)
        return [each.type_code for each in rows]

    assert set(found([licence.type_code, "x" * 21])) == {licence.type_code}
    assert found(["x" * 21]) == found([]) == []


def test_what_followed_a_licence_is_found(office: Office) -> None:
    first = office.issued()
    key = office.enter(kind=ApplicationKind.REISSUE, previous=first.identifier)
    office.do("approve", key)
    second = office.issue(key)
    with office.region.platform.reading() as session:
        (found,) = search.by_previous(session, first.identifier)
    assert found.identifier == second.identifier


@pytest.mark.parametrize("name", ["_BY_HOLDER", "_BY_NUMBER", "_BY_PAPER", "_BY_PREVIOUS", "_ONE"])
def test_no_search_reads_the_whole_register(sqlite_region: Region, name: str) -> None:
    with sqlite_region.platform.reading() as session:
        query = getattr(search, name).compile(session.get_bind())
        given: dict[str, Any] = {
            "holder": b"", "number": "x", "after": "", "most": 50, "identifier": "x",
        }  # fmt: skip
        values = tuple(given.get(each, 0) for each in query.positiontup)
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
    steps = [str(row[-1]) for row in plan]
    assert steps
    assert not [step for step in steps if step.startswith("SCAN")], steps
