"""What happens to a licence that stands, over HTTP: sealed by three authorities, suspended and
resumed, shown, copied for a purpose, complained about and put right, moved in from elsewhere."""

import base64
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from certificates.models import Licence
from seal.pdf import document, fields
from tests import holding
from tests.certificates.offices import ITEM, bind
from tests.journeys.world import CHANGE, FOOD_TYPE, HEALTH, World
from tests.regions import MARKET, TRANSPORT, example
from tests.server.desk import Desk
from tests.server.test_desk_cases import press
from tests.server.test_office_pages import grant
from trust.access import Role
from trust.clock import utc_now

ME = "wallet.holder"
PURPOSE = {"cause": "办理道路运输经营许可"}


@pytest.fixture(scope="module")
def office(world: World) -> str:
    """The transport authority's system, which verifies by duty."""
    platform = world.system("核验系统", TRANSPORT.code, Role.OFFICE)
    bind(world.region, ITEM, FOOD_TYPE)
    grant(world.desk.visit("desk.guard"), FOOD_TYPE, to="client", grantee=platform)
    return "核验系统"


@pytest.fixture
def mine(world: World) -> dict[str, Any]:
    """A food business licence of the holder's own."""
    return world.issued(content=dict(holding.HOLDER))


def test_three_authorities_seal_one_licence_and_one_signature_locks_it(world: World) -> None:
    where = world.entered(slug="business-licence", joint=[TRANSPORT.code, HEALTH.code])
    world.done("market.approver", f"{where}/approval")
    world.done("transport.approver", f"{where}/consent")
    early = world.ask("market.approver", f"{where}/licence")
    assert (early.status_code, early.json()["code"]) == (409, "consent_missing")
    world.done("health.approver", f"{where}/consent")
    made = world.done("market.approver", f"{where}/licence")
    report = world.verified(world.file(made))
    assert report["outcome"] == "PASSED", report["checks"]
    assert len(report["signatures"]) == 4
    found = fields.signatures(document.read(world.file(made)))
    assert Counter(each.sub_filter for each in found) == {
        "GM.sm2seal": 3,
        "ETSI.CAdES.detached": 1,
    }
    assert [each.locks for each in found] == [False, False, False, True]


def test_a_suspension_and_its_end_are_seen_by_the_next_look_of_an_office(
    world: World, office: str, mine: dict[str, Any]
) -> None:
    """Two looks of two kinds, both over within a second of the act where the machine is idle; that
    the very first one sees it is what makes it so."""
    where = f"/v1/licences/{mine['identifier']}"
    facts = {"type": FOOD_TYPE, "licence": mine["identifier"], "number": mine["number"],
             "purpose": PURPOSE | {"item_code": ITEM}}  # fmt: skip

    def looks() -> tuple[str, str]:
        shared = world.done(office, "/v1/share/data-verifications", facts)
        return str(shared["result"]), str(world.verified(mine["qr"])["outcome"])

    assert looks() == ("0", "PASSED")
    for act, seen in (("suspension", ("2", "FAILED")), ("resumption", ("0", "PASSED"))):
        world.done("market.approver", f"{where}/{act}", CHANGE)
        began = time.monotonic()
        assert looks() == seen
        assert time.monotonic() - began < 10  # a busy machine; no cache lives as long
    history = world.read("market.clerk", f"{where}/history")["changes"]
    assert [row["state"] for row in history] == ["active", "suspended", "active"]
    assert all(row["by"] and row["basis"] and row["reason"] for row in history[1:])


def test_a_licence_is_shown_to_an_office_after_its_holder_confirms(
    world: World, mine: dict[str, Any]
) -> None:
    code = world.done(ME, f"/v1/wallet/licences/{mine['identifier']}/showing-codes")
    asked = world.done("wallet.office", "/v1/showings", {"code": code["text"], "purpose": PURPOSE})
    assert mine["number"] not in str(asked)
    early = world.ask("wallet.office", f"/v1/showings/{asked['id']}/licence")
    assert early.json()["code"] == "showing_over"
    world.done(ME, f"/v1/wallet/showings/{asked['id']}/confirmation")
    shown = world.done("wallet.office", f"/v1/showings/{asked['id']}/licence")
    assert (shown["identifier"], shown["in_force"]) == (mine["identifier"], True)
    looks = world.read(ME, f"/v1/wallet/licences/{mine['identifier']}/looks")
    assert looks[0]["how"] == "showing"


def test_a_purpose_copy_tells_how_its_original_stands_now(
    world: World, mine: dict[str, Any]
) -> None:
    path = f"/v1/wallet/licences/{mine['identifier']}/copies"
    until = (utc_now() + timedelta(days=30)).isoformat()
    made = world.done(ME, path, {"purpose": PURPOSE, "maker": holding.NAME, "until": until})
    pdf = world.ask(ME, made["file"], method="GET").content
    for given in (pdf, made["qr"]):
        report = world.verified(given)
        assert report["outcome"] == "PASSED", report["checks"]
        assert report["licence"]["identifier"] == mine["identifier"]
        assert report["licence"]["copy_purpose"] == PURPOSE["cause"]
    world.done("market.approver", f"/v1/licences/{mine['identifier']}/suspension", CHANGE)
    for given in (pdf, made["qr"]):
        assert world.verified(given)["outcome"] == "FAILED"
    refused = world.ask(ME, path, {"purpose": PURPOSE, "maker": holding.NAME, "until": until})
    assert (refused.status_code, refused.json()["code"]) == (409, "licence_not_copied")


def test_a_complaint_leads_to_a_correction_and_a_licence_that_follows(
    world: World, mine: dict[str, Any]
) -> None:
    one = f"/v1/wallet/licences/{mine['identifier']}"
    complaint = world.done(ME, f"{one}/disputes", {"words": "经营场所写错了，应为 8 号"})
    world.done("market.clerk", f"/v1/disputes/{complaint['id']}/decision",
               {"decision": "accepted", "answer": "属实，予以换发"})  # fmt: skip
    corrected = holding.HOLDER | {"KZ_JYCS": "西藏自治区阿里地区噶尔县狮泉河镇滨河北路8号1层"}
    following = world.issued(content=corrected, kind="reissue", previous=mine["identifier"])
    world.done("market.clerk", f"/v1/disputes/{complaint['id']}/resolution",
               {"licence": following["identifier"]})  # fmt: skip
    (told,) = world.read(ME, f"{one}/disputes")
    assert (told["state"], told["answer"]) == ("resolved", "属实，予以换发")
    assert told["resolved_by_licence"] == following["identifier"]
    mine_now = {each["identifier"]: each["state"] for each in world.read(ME, "/v1/wallet/licences")}
    assert mine_now[following["identifier"]] == "active"
    assert mine_now.get(mine["identifier"]) == "replaced"
    assert world.verified(mine["qr"])["outcome"] == "FAILED"
    assert world.verified(following["qr"])["outcome"] == "PASSED"
    items = world.read(ME, f"/v1/wallet/licences/{following['identifier']}")["items"]
    assert any("8号1层" in each["text"] for each in items)


def left(world: World) -> tuple[Licence, bytes]:
    """A licence of the other region that its approver transferred out at the desk, and its file."""
    away = world.away
    licence = away.region.issued("business-licence")
    visit = Desk(away.app, away.region).visit("market.approver")
    where = f"/desk/licences/{licence.identifier}"
    given = {"basis": "管理办法第十条", "reason": "迁往阿里", "understood": "yes"}
    told = press(visit, where, "transfer_out", **given)
    assert "管理办法第十条" in told.text
    return licence, away.region.file(licence)


def test_a_licence_that_left_another_region_is_issued_here_and_only_once(world: World) -> None:
    licence, pdf = left(world)
    given = {"kind": "transfer_in", "previous": licence.identifier,
             "transfer": {"file": base64.b64encode(pdf).decode()}}  # fmt: skip
    made = world.issued("business-licence", **given)
    shown = world.read("market.clerk", f"/v1/licences/{made['identifier']}")
    assert (shown["previous"], shown["authority"]) == (licence.identifier, MARKET.code)
    report = world.verified(world.file(made))
    assert report["outcome"] == "PASSED", report["checks"]
    body = {"type": "business-licence", "content": example("business-licence")}
    again = world.ask("market.clerk", "/v1/applications", body | given)
    assert (again.status_code, again.json()["code"]) == (409, "already_transferred")
    assert world.verified(licence.claim)["outcome"] == "FAILED"
