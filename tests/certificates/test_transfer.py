"""A licence that comes from another region: verified, followed once, its holder the same."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from certificates import evidence, states
from certificates.applications import transfer
from certificates.applications.refusals import HolderDiffers, ReasonNeeded
from certificates.applications.transfer import (
    AlreadyTransferred,
    Judged,
    TransferNotSettled,
    TransferRefused,
)
from certificates.evidence import Knowledge
from certificates.models import ApplicationKind, Licence
from certificates.purpose import purpose
from certificates.wallet import copies
from server.holders import copy_workshop
from server.provision import RegionPlan
from tests.certificates.office import Office, open_office
from tests.certificates.test_life import offline
from tests.regions import Region, build, example
from trust import anchors
from trust.anchors import Anchors
from trust.clock import utc_now
from trust.errors import Invalid
from trust.report import Outcome

HERE = "542500"


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    found = build(tmp_path_factory.mktemp("dingxi"), plan=RegionPlan("621100", "定西市"))
    yield found
    found.platform.engine.dispose()


@pytest.fixture
def office(sqlite_region: Region) -> Office:
    return open_office(sqlite_region)


def judged(
    away: Region, licence: Licence, known: Knowledge, *, how: str = "file", **given: Any
) -> Judged:
    file = away.file(licence) if how == "file" else None
    text = licence.claim if how == "qr" else None
    return transfer.judge(
        given.get("named", licence.identifier), file=file, qr_text=text, knowledge=known,
        region=given.get("region", HERE), at=utc_now(),
    )  # fmt: skip


def leave(away: Region, licence: Licence, act: str = "transfer_out") -> None:
    with away.platform.sessions.begin() as session:
        getattr(states, act)(
            session, licence.identifier, basis="办法第十条", reason="迁往外地", at=utc_now(),
            by=away.caller("market.approver"), vault=away.platform.vault,
        )  # fmt: skip


def enter(office: Office, found: Judged, **given: Any) -> Any:
    return office.enter(
        kind=ApplicationKind.TRANSFER_IN, previous=found.licence, judged=found, **given
    )


@pytest.mark.parametrize("how", ["file", "qr"])
def test_a_licence_that_left_its_region_is_followed_once(
    office: Office, away: Region, tmp_path: Path, how: str
) -> None:
    licence = away.issued()
    leave(away, licence)
    found = judged(away, licence, offline(away, tmp_path), how=how)
    assert (found.outcome, found.findings, found.region) == (
        Outcome.PASSED, ("other_state",), "621100",
    )  # fmt: skip
    key = enter(office, found)
    with pytest.raises(AlreadyTransferred):
        enter(office, found)
    office.do("approve", key)
    made = office.issue(key)
    assert made.previous == licence.identifier
    assert made.identifier != licence.identifier
    with pytest.raises(AlreadyTransferred):
        enter(office, found)


def test_a_withdrawn_application_lets_the_licence_go(
    office: Office, away: Region, tmp_path: Path
) -> None:
    licence = away.issued()
    found = judged(away, licence, offline(away, tmp_path))
    office.do("withdraw", enter(office, found), reason="不再迁入")
    enter(office, found)


def test_what_a_check_leaves_open_waits_for_a_reviewers_reason(
    office: Office, away: Region, tmp_path: Path
) -> None:
    licence = away.issued()
    offline(away, tmp_path)
    roots = Anchors(anchors.load(tmp_path).roots)
    found = judged(away, licence, evidence.offline(roots, evidence.store_of(roots)))
    assert found.outcome is Outcome.INDETERMINATE
    key = enter(office, found)
    with pytest.raises(TransferNotSettled):
        office.do("approve", key)
    with pytest.raises(ReasonNeeded):
        office.do("review", key, by="checker")
    office.do("review", key, by="checker", note="已电话核实")
    office.do("approve", key)
    with office.region.platform.reading() as session:
        kept = transfer.of(session, key)
    assert kept is not None
    assert (kept.reason, kept.settled_by) == ("已电话核实", "market.checker")


def test_a_copy_made_for_one_purpose_serves_no_transfer(away: Region, tmp_path: Path) -> None:
    """Offices and agents have copies of licences; only who has the original moves with it."""
    licence, at = away.issued(), utc_now()
    made = copies.make(
        copy_workshop(away.platform, at=at), licence.identifier, purpose=purpose("租房"),
        maker="某某中介", until=at + timedelta(days=9), by=away.caller("market.clerk"), at=at,
    )  # fmt: skip
    with pytest.raises(TransferRefused, match="copy_claim"):
        transfer.judge(
            licence.identifier, file=made.pdf, qr_text=None, knowledge=offline(away, tmp_path),
            region=HERE, at=utc_now(),
        )  # fmt: skip


@pytest.mark.parametrize("act", ["revoke", "suspend", "cancel"])
def test_a_licence_that_is_void_or_suspended_there_does_not_come_over(
    away: Region, tmp_path: Path, act: str
) -> None:
    licence = away.issued("food-business-licence")
    leave(away, licence, act)
    with pytest.raises(TransferRefused):
        judged(away, licence, offline(away, tmp_path))


def test_a_changed_file_another_number_or_our_own_licence_is_refused(
    office: Office, away: Region, tmp_path: Path
) -> None:
    licence, known = away.issued(), offline(away, tmp_path)
    with pytest.raises(TransferRefused, match="identifier_wrong"):
        judged(away, licence, known, named="1.2.3")
    with pytest.raises(TransferRefused, match="same_region"):
        judged(away, licence, known, region="621100")
    changed = bytearray(away.file(licence))
    changed[changed.index(b"stream") + 50] ^= 1
    with pytest.raises(TransferRefused):
        transfer.judge(
            licence.identifier, file=bytes(changed), qr_text=None, knowledge=known, region=HERE,
            at=utc_now(),
        )  # fmt: skip
    for file, text in ((None, None), (b"%PDF-", "x")):
        with pytest.raises(Invalid):
            transfer.judge(
                licence.identifier, file=file, qr_text=text, knowledge=known, region=HERE,
                at=utc_now(),
            )  # fmt: skip


def test_another_holder_or_another_type_does_not_follow_it(
    office: Office, away: Region, tmp_path: Path
) -> None:
    licence, known = away.issued("food-business-licence"), offline(away, tmp_path)
    for how in ("file", "qr"):
        found = judged(away, licence, known, how=how)
        with pytest.raises(HolderDiffers):
            enter(office, found, slug="food-business-licence", content=_somebody_else())
        with pytest.raises(TransferRefused, match="other_type"):
            enter(office, found)


def _somebody_else() -> dict[str, Any]:
    return example("food-business-licence") | {
        "CZZT": example("business-licence")["CZZT"],
        "CZZTDM": example("business-licence")["CZZTDM"],
    }


def test_a_name_that_is_only_seen_masked_is_not_known_to_be_the_same(
    office: Office, away: Region, tmp_path: Path
) -> None:
    person = {"CZZT": "扎西多吉", "CZZTDM": "11010519491231002X", "CZZTDMLX": "公民身份号码"}
    licence = away.issued("food-business-licence", **person)
    found = judged(away, licence, offline(away, tmp_path), how="qr")
    assert found.outcome is Outcome.PASSED
    content = example("food-business-licence") | person
    key = enter(office, found, slug="food-business-licence", content=content)
    with office.region.platform.reading() as session:
        kept = transfer.of(session, key)
    assert kept is not None
    assert (kept.outcome, kept.findings) == ("INDETERMINATE", [transfer.MASKED])
    with pytest.raises(TransferNotSettled):
        office.do("approve", key)
