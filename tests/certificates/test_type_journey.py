"""A type of one's own, from a file to licences of two versions and its end."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pypdfium2
import pytest

from certificates import catalogue, issue
from certificates.applications import verbs as applications
from certificates.licence_types import life as type_life
from certificates.licence_types import registry as type_registry
from certificates.licence_types.registry import TypeNotPublished
from certificates.models import Authority, Licence
from server import provision
from server.provision import AuthorityPlan
from tests.regions import Region, example
from trust.access import SYSTEM, Role
from trust.clock import utc_now

HOTEL = "11542500999000056Q088"
OFFICE = "115425239990002320"


def definition() -> bytes:
    data = json.loads((catalogue.TYPES / "construction-permit.json").read_bytes())
    data |= {"code": HOTEL, "slug": "works-permit", "name": "临时工程施工许可证", "steps": [],
             "definer": {"name": "阿里地区行政公署", "code": HOTEL[:18], "level": "3"}}  # fmt: skip
    return json.dumps(data).encode()


@pytest.fixture(scope="module")
def office(sqlite_region: Region) -> Iterator[Region]:
    """The region with that type in force, and an authority that issues it."""
    platform, at = sqlite_region.platform, utc_now()
    with platform.sessions.begin() as session:
        row = type_life.import_(session, definition(), by=SYSTEM, at=at)
        type_life.publish(session, HOTEL, revision=row.revision, by=SYSTEM, at=at)
    plan = AuthorityPlan(
        code=OFFICE, name="噶尔县教育局", division="542523",
        types=(HOTEL, "11100000MB03271699001", "11100000000013338W032"),
        seal_name="噶尔县教育局电子证照专用章", seal_purpose="电子证照专用章",
        people=(("gar.clerk", "甲", Role.CLERK), ("gar.approver", "乙", Role.APPROVER),
                ("gar.seals", "丙", Role.SEAL_ADMIN)),
    )  # fmt: skip
    provision.create_authority(platform, plan, at=at)
    yield sqlite_region
    with platform.sessions.begin() as session:
        session.get_one(Authority, OFFICE).types = []


def issued(office: Region, slug: str, data: dict[str, object]) -> Licence:
    platform = office.platform
    with platform.sessions.begin() as session:
        key = applications.enter(
            session, slug, data, authority=OFFICE, by=office.caller("gar.clerk"), at=utc_now(),
            vault=platform.vault,
        ).id  # fmt: skip
    with platform.sessions.begin() as session:
        applications.approve(session, key, by=office.caller("gar.approver"), at=utc_now())
    workshop, by = platform.workshop(at=utc_now()), office.caller("gar.approver")
    return issue.issue(workshop, key, by=by, at=utc_now())


def words(office: Region, licence: Licence) -> str:
    pages = pypdfium2.PdfDocument(office.file(licence))  # type: ignore[no-untyped-call]
    return re.sub(r"\s", "", pages[0].get_textpage().get_text_range())


def test_a_licence_keeps_its_version_a_new_one_follows_the_new_and_none_the_withdrawn(
    office: Region,
) -> None:
    data = example("construction-permit")
    old = issued(office, "works-permit", data)
    with office.platform.sessions.begin() as session:
        row = type_life.amend(session, HOTEL, by=SYSTEM, at=utc_now())
        found = type_registry.opened(row)
        fields = tuple(
            replace(each, zh="施工地点") if each.name == "KZ_JSDZ" else each
            for each in found.fields
        )
        saved = type_life.save_draft(
            session, replace(found, fields=fields), revision=row.revision, by=SYSTEM, at=utc_now()
        )
        type_life.publish(session, HOTEL, revision=saved.revision, by=SYSTEM, at=utc_now())
    new = issued(office, "works-permit", data)
    assert (old.type_version, new.type_version) == ("001", "002")
    assert "建设地址" in words(office, old)
    assert "施工地点" in words(office, new)
    with office.platform.reading() as session:
        label = type_registry.of(session, HOTEL, old.type_version).extension("KZ_JSDZ")
    assert label is not None
    assert label.zh == "建设地址"
    with office.platform.sessions.begin() as session:
        type_life.withdraw(session, HOTEL, reason="改用统一类型", by=SYSTEM, at=utc_now())
    with pytest.raises(TypeNotPublished):
        issued(office, "works-permit", data)


def test_numbers_of_a_day_count_from_one_and_name_the_issuing_county(office: Region) -> None:
    first = issued(office, "special-operations-certificate",
                   example("special-operations-certificate"))  # fmt: skip
    again = issued(office, "special-operations-certificate",
                   example("special-operations-certificate"))  # fmt: skip
    assert first.number.startswith("藏F04")
    assert int(again.number[-6:]) == int(first.number[-6:]) + 1
    assert issued(office, "real-estate-title", example("real-estate-title")).number.endswith(
        "噶尔县不动产权第0000001号"
    )
