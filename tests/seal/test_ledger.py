"""The ledger: every use and every refused use has its row; which documents did a seal touch?"""

import csv
import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from certificates import document
from certificates.models import Reservation
from certificates.press import recovery
from seal import ledger, life
from seal.covering import NotGranted
from seal.grant_models import SealGrant
from seal.ledger import Filter, Outcome, Use
from seal.ledger_models import SealUse, UseResult
from seal.pdf.sealing import Place
from tests.regions import MARKET, Region
from tests.seal import living
from trust.access import SYSTEM, Caller, Role
from trust.audit import AuditEntry
from trust.clock import utc_now
from trust.errors import Invalid, NotFound, Unavailable

BY = Caller("window.nine", MARKET.code, frozenset({Role.CLERK}))


def rows_of_case(region: Region, case: UUID) -> list[SealUse]:
    with region.platform.reading() as session:
        return list(session.scalars(
            select(SealUse).where(SealUse.case == str(case)).order_by(SealUse.id)
        ))  # fmt: skip


def test_an_issued_licence_has_one_row_that_says_everything(region: Region) -> None:
    key = region.approved()
    licence = living.issue_as(region, key, "market.approver", system="approval-desk")
    row, = rows_of_case(region, key)  # fmt: skip
    with region.platform.reading() as session:
        es_id = living.licence_seal(session)
        mine = select(SealGrant.id).where(SealGrant.seal == es_id, SealGrant.role == "approver")
        grant_of_approvers = session.scalars(mine).all()
    assert (row.seal, row.operator, row.authority) == (es_id, "market.approver", MARKET.code)
    assert (row.system, row.type_code) == ("approval-desk", licence.type_code)
    assert row.grant in grant_of_approvers
    assert row.document == f"{licence.identifier}.pdf"
    assert row.digest == hashlib.sha256(region.file(licence)).digest() == licence.file_digest
    assert row.page == 1
    assert 0 < (row.x_mm or 0) < 300
    assert 0 < (row.y_mm or 0) < 300
    assert (row.result, row.reason, row.at) == (UseResult.USED, "", licence.issued_at)


def test_a_refused_use_is_in_the_ledger_and_in_the_audit_log(region: Region) -> None:
    es_id, key = living.made(region).es_id, region.approved()
    before = living.use_as_licence_seal(region, es_id)
    try:
        with pytest.raises(NotGranted):
            living.issue_as(region, key, "market.approver")
    finally:
        living.use_as_licence_seal(region, before)
    row, = rows_of_case(region, key)  # fmt: skip
    assert (row.result, row.reason, row.seal) == (UseResult.REFUSED, "seal_not_granted", es_id)
    assert (row.operator, row.digest, row.page, row.grant) == ("market.approver", None, None, None)
    with region.platform.reading() as session:
        refused = select(AuditEntry.account).where(
            AuditEntry.act == "seal.use_refused", AuditEntry.subject == es_id
        )
        assert session.scalars(refused).all() == ["market.approver"]


def test_a_use_whose_document_never_left_is_noted_as_abandoned(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = region.approved()

    def fail(*_words: object, **_named: object) -> bytes:
        raise Unavailable("the printer is on fire")

    monkeypatch.setattr(document.Renderer, "render", fail)
    with pytest.raises(Unavailable):
        living.issue_as(region, key, "market.approver")
    row, = rows_of_case(region, key)  # fmt: skip
    assert (row.result, row.reason, row.digest) == (UseResult.ABANDONED, "unavailable", None)


def test_what_a_crash_left_is_noted_when_it_is_put_right(region: Region) -> None:
    from certificates import issue

    key, platform = region.approved(), region.platform
    at = utc_now()
    with platform.sessions.begin() as session:
        (job,) = issue.reserve(
            session, platform.workshop(at=at), [key], by=region.caller("market.approver"), at=at
        )
        assert isinstance(job, issue.Job)
        session.get_one(Reservation, str(job.known)).lease_until = at - timedelta(seconds=1)
    recovery.recover(platform.sessions, platform.store, by=SYSTEM, at=at)
    row, = rows_of_case(region, key)  # fmt: skip
    assert (row.result, row.reason) == (UseResult.ABANDONED, recovery.DIED)
    assert (row.operator, row.document) == ("system", f"{job.known}.pdf")


@pytest.fixture(scope="module")
def _written() -> dict[int, str]:
    return {}


@pytest.fixture
def es_id(region: Region, _written: dict[int, str]) -> str:
    """A seal with 25 rows: every fifth refused, two operators, a case each."""
    if id(region) in _written:
        return _written[id(region)]
    es_id, at = living.made(region).es_id, utc_now()
    with region.platform.sessions.begin() as session:
        for number in range(25):
            refused = number % 5 == 0
            by = BY if number % 2 else Caller("window.ten", MARKET.code, frozenset())
            wanted = Use(es_id, "T", f"case-{number}", f"paper-{number}.pdf", item="设立")
            outcome = Outcome(
                UseResult.REFUSED if refused else UseResult.USED,
                "seal_not_granted" if refused else "",
                digest=None if refused else bytes([number]) * 32, place=Place(1, 150.0, 40.0),
                time_stamp="0abc",
            )  # fmt: skip
            ledger.add(session, wanted, outcome, by=by, at=at + timedelta(minutes=number))
    _written[id(region)] = es_id
    return es_id


def numbers(rows: list[SealUse]) -> list[int]:
    return [int(row.case.removeprefix("case-")) for row in rows]


def test_the_documents_that_a_seal_touched_come_page_by_page(region: Region, es_id: str) -> None:
    with region.platform.reading() as session:
        found: list[int] = []
        below = None
        while rows := ledger.page(session, es_id, below=below, limit=6):
            assert len(rows) <= 6
            found += numbers(rows)
            below = rows[-1].id
    assert found == [number for number in range(24, -1, -1) if number % 5]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Filter(), 25),
        (Filter(result=UseResult.REFUSED), 5),
        (Filter(operator="window.nine"), 12),
        (Filter(operator="window.nine", result=UseResult.REFUSED), 2),
        (Filter(case="case-3"), 1),
        (Filter(document="paper-4.pdf"), 1),
        (Filter(digest=bytes([4]) * 32), 1),
        (Filter(digest=bytes(32)), 0),
        (Filter(system="trust"), 25),
        (Filter(system="another"), 0),
        (Filter(type_code="T", item="设立"), 25),
        (Filter(item="注销"), 0),
    ],
)
def test_the_ledger_is_filtered(region: Region, es_id: str, wanted: Filter, count: int) -> None:
    with region.platform.reading() as session:
        assert len(ledger.page(session, es_id, wanted)) == count


def test_a_period_has_its_first_moment_and_not_its_last(region: Region, es_id: str) -> None:
    with region.platform.reading() as session:
        rows = ledger.page(session, es_id, Filter())
        first, last = rows[-1].at, rows[-4].at
        found = ledger.page(session, es_id, Filter(since=first, before=last))
    assert numbers(found) == [2, 1, 0]


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_has_its_bounds(sqlite_region: Region, limit: int) -> None:
    with sqlite_region.platform.reading() as session, pytest.raises(Invalid):
        ledger.page(session, "x", limit=limit)


def test_the_whole_ledger_is_exported(region: Region, es_id: str) -> None:
    with region.platform.reading() as session:
        text = "".join(ledger.as_csv(ledger.every(session, es_id)))
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(text.removeprefix("\ufeff").splitlines()))
    assert len(rows) == 25
    assert tuple(rows[0]) == ledger.COLUMNS
    assert (rows[0]["case"], rows[0]["digest"]) == ("case-24", "18" * 32)
    assert (rows[0]["x_mm"], rows[0]["time_stamp"]) == ("150.0", "0abc")
    assert rows[0]["at"].endswith("+08:00")


def test_a_cell_that_a_spreadsheet_would_run_is_made_plain(sqlite_region: Region) -> None:
    with sqlite_region.platform.sessions() as session:
        wanted = Use("0", "T", "=HYPERLINK(1)", '@SUM(1),"x"', item="+1")
        ledger.add(session, wanted, Outcome(UseResult.REFUSED, "-x"), by=BY, at=utc_now())
        row = session.scalars(select(SealUse).where(SealUse.seal == "0")).one()
        text = "".join(ledger.as_csv([row]))
        session.rollback()
    cells = next(csv.DictReader(text.removeprefix("\ufeff").splitlines()))
    assert [cells[name][0] for name in ("case", "document", "item", "reason")] == ["'"] * 4


@pytest.mark.parametrize(
    "use",
    [
        Use("s", "T", "c" * 101, "d"),
        Use("s", "T", "c", "d" * 201),
        Use("s", "T" * 22, "c", "d"),
        Use("s", "T", "c\n", "d"),
        Use("s", "T", "c", "d", item="\x00"),
    ],
)
def test_what_the_ledger_cannot_hold_is_refused(use: Use) -> None:
    with pytest.raises(Invalid):
        ledger.check(use)


@pytest.mark.parametrize(
    ("name", "roles", "authority", "may"),
    [
        ("ledger.audit", {Role.AUDIT_ADMIN}, MARKET.code, True),
        ("ledger.audit.region", {Role.AUDIT_ADMIN}, None, True),
        ("ledger.seal", {Role.SEAL_ADMIN}, MARKET.code, True),
        ("ledger.seal.region", {Role.SEAL_ADMIN}, None, True),
        ("ledger.clerk", {Role.CLERK}, MARKET.code, False),
        ("ledger.other", {Role.AUDIT_ADMIN, Role.SEAL_ADMIN}, "11542500999000072E", False),
    ],
)
def test_who_may_read_the_ledger(
    sqlite_region: Region, name: str, roles: set[Role], authority: str | None, may: bool
) -> None:
    by = Caller(name, authority, frozenset(roles))
    with sqlite_region.platform.reading() as session:
        es_id = living.licence_seal(session)
        if may:
            assert life.find(session, es_id, by=by, readers=ledger.READERS).es_id == es_id
        else:
            with pytest.raises(NotFound):
                life.find(session, es_id, by=by, readers=ledger.READERS)


def test_the_rows_outlive_the_seal(sqlite_region: Region) -> None:
    es_id = living.made(sqlite_region).es_id
    with sqlite_region.platform.sessions.begin() as session:
        wanted = Use(es_id, "T", "case", "paper.pdf")
        ledger.add(session, wanted, Outcome(UseResult.USED), by=BY, at=utc_now())
    living.cancelled(sqlite_region, es_id)
    with sqlite_region.platform.reading() as session:
        count = select(func.count()).select_from(SealUse).where(SealUse.seal == es_id)
        assert session.scalar(count) == 1
        assert list(SealUse.__table__.foreign_keys) == []
