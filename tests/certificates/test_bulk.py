"""Bulk jobs: every row checked first, released by another, what the job leaves behind."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from certificates import catalogue
from certificates.applications.refusals import StepsMissing
from certificates.bulk import check as bulk_check
from certificates.bulk import jobs as bulk_jobs
from certificates.bulk import receipts as bulk_receipts
from certificates.bulk.jobs import BulkHasBadRows, BulkNotReady, OwnBulkJob, Wanted
from certificates.bulk.models import BulkForm, BulkJob, BulkRow, BulkState, RowState
from certificates.models import Application, ApplicationKind, Licence
from server.bulk_bench import open_bench, work_off
from tests.certificates.bulk_jobs import Tally, checked, entered, released, tally
from tests.certificates.bulk_rows import TYPE, as_csv, as_jsonl, contents
from tests.regions import Region
from trust.audit import AuditEntry
from trust.clock import CHINA, utc_now
from trust.crypto import hashes
from trust.errors import Forbidden, NotFound, TrustError


def job_of(region: Region, key: UUID) -> BulkJob:
    with region.platform.reading() as session:
        return session.get_one(BulkJob, key)


def faults(region: Region, key: UUID) -> list[tuple[int, str, str]]:
    with region.platform.reading() as session:
        found = bulk_receipts.faults(session, session.get_one(BulkJob, key))
    return [(row, column, code) for row, column, code, _ in found]


# --- checking ----------------------------------------------------------------------------------


def test_every_bad_row_is_named_by_row_and_column_and_none_is_issued(
    sqlite_region: Region,
) -> None:
    """Thirty-seven of seven hundred, through more than one block."""
    rows = contents(700, start=100_000)
    bad = sorted(range(3, 700, 19))[:37]
    for index in bad:
        rows[index]["KZ_CLRQ"] = "20210631"
    key = checked(sqlite_region, as_csv(rows))
    assert faults(sqlite_region, key) == [(n + 1, "KZ_CLRQ", "invalid_field") for n in bad]
    by = sqlite_region.caller("market.approver")
    with pytest.raises(BulkHasBadRows), sqlite_region.platform.sessions.begin() as session:
        bulk_jobs.release(session, key, by=by, at=utc_now())
    assert job_of(sqlite_region, key).state == BulkState.HELD
    assert tally(sqlite_region.platform, key) == Tally(0, 0, 0)
    with sqlite_region.platform.sessions.begin() as session:
        bulk_jobs.cancel(session, key, by=by, at=utc_now())


def test_the_reasons_hold_nothing_of_what_the_row_said(sqlite_region: Region) -> None:
    rows = contents(3, start=101_000)
    rows[0]["CZZTDM"] = secret = "91542521MA9QTE10XX"
    rows[1] |= {"KZ_FDDBR": "扎西" * 100}
    rows[2] |= {"KZ_ZFB": "扎西顿珠"}
    key = checked(sqlite_region, as_csv(rows))
    with sqlite_region.platform.reading() as session:
        report = bulk_receipts.report(session, session.get_one(BulkJob, key)).decode()
    assert [row for row, _, _ in faults(sqlite_region, key)] == [1, 2, 3]
    assert secret not in report
    assert "扎西" not in report


def test_the_second_of_two_equal_rows_is_bad_and_so_is_a_number_that_is_taken(
    sqlite_region: Region,
) -> None:
    there = sqlite_region.issued(CZZTDM="91542521MA9QTE10XC")
    rows = contents(2, start=102_000)
    taken = rows[0] | {"ZZBH": there.number, "CZZTDM": there.number}
    key = checked(sqlite_region, as_jsonl([rows[0], rows[0], rows[1], taken]), BulkForm.JSONL)
    assert faults(sqlite_region, key) == [(2, "", "invalid_field"), (4, "ZZBH", "number_taken")]


def test_old_stock_keeps_its_dates_and_its_paper_number(sqlite_region: Region) -> None:
    rows = [row | {"ZZBFRQ": "20190102", "paper_number": f"旧字{index}号"}
            for index, row in enumerate(contents(2, start=103_000))]  # fmt: skip
    rows.append(contents(1, start=103_500)[0] | {"ZZBFRQ": "20190102"})
    rows.append(contents(1, start=103_600)[0] | {"paper_number": "旧字9号"})
    key = released(sqlite_region, as_jsonl(rows), BulkForm.JSONL, kind=ApplicationKind.STOCK)
    assert [row[:2] for row in faults(sqlite_region, key)] == [(3, "ZZBH"), (4, "ZZBFRQ")]
    work_off(open_bench(sqlite_region.platform), key)
    with sqlite_region.platform.reading() as session:
        found = session.execute(
            select(Licence.issued_on, Licence.paper_number, Application.kind)
            .join(Application, Application.id == Licence.application)
            .join(BulkRow, BulkRow.application == Application.id)
            .where(BulkRow.job == key)
            .order_by(BulkRow.number)
        ).all()
    assert [(f"{day:%Y%m%d}", paper, kind) for day, paper, kind in found] == [
        ("20190102", "旧字0号", "stock"), ("20190102", "旧字1号", "stock"),
    ]  # fmt: skip


def test_a_checker_that_died_is_followed_by_one_that_begins_anew(sqlite_region: Region) -> None:
    data = as_csv(contents(600, start=104_000))
    key = entered(sqlite_region, data)
    bench = open_bench(sqlite_region.platform)

    class Died(Exception):
        pass

    def die(done: int) -> None:
        raise Died

    with pytest.raises(Died):
        bulk_check.check(bench, key, data, told=die)
    with pytest.raises(BulkNotReady):
        bulk_check.check(bench, key, data)  # its lease runs, and its process lives
    with bench.sessions.begin() as session:
        session.execute(update(BulkJob).where(BulkJob.id == key).values(owner="here/1/gone"))
        session.execute(update(BulkJob).where(BulkJob.id == key).values(lease_until=utc_now()))
    bulk_check.check(bench, key, data)
    assert (job_of(sqlite_region, key).rows, job_of(sqlite_region, key).state) == (600, "checked")


# --- deciding and issuing ----------------------------------------------------------------------


def test_nobody_releases_what_they_handed_in_and_no_stranger_sees_it(region: Region) -> None:
    key = checked(region, as_csv(contents(2, start=105_000)))
    clerk, stranger = region.caller("market.clerk"), region.caller("transport.approver")
    both = type(clerk)(clerk.account, clerk.authority, region.caller("market.approver").roles)
    refusals: list[tuple[Any, type[TrustError]]] = [
        (clerk, Forbidden), (both, OwnBulkJob), (stranger, NotFound),
    ]  # fmt: skip
    for by, wanted in refusals:
        with pytest.raises(wanted), region.platform.sessions.begin() as session:
            bulk_jobs.release(session, key, by=by, at=utc_now())


def test_rows_become_licences_with_receipts_and_their_contents_are_wiped(region: Region) -> None:
    data = as_csv(contents(3, start=106_000))
    key = released(region, data)
    work_off(open_bench(region.platform), key)
    assert tally(region.platform, key) == Tally(3, 3, 3)
    with region.platform.reading() as session:
        job = session.get_one(BulkJob, key)
        boxes = session.scalars(select(BulkRow.content_box).where(BulkRow.job == key)).all()
        made = bulk_receipts.write(session, job, vault=region.platform.vault)
        sealed = session.scalar(
            select(AuditEntry.details).where(
                AuditEntry.act == "bulk.finished", AuditEntry.subject == str(key)
            )
        )
    assert boxes == [None] * 3
    assert hashes.sm3(made) == job.receipts_digest
    assert json.loads(sealed or "{}")["receipts_sm3"] == hashes.sm3(made).hex()
    heading, first = (json.loads(line) for line in made.splitlines()[:2])
    from trust.crypto import jose

    digest = bulk_receipts.row_digest(
        jose.unb64url(heading["row_key"]), contents(1, start=106_000)[0], {}
    )
    assert first["digest"] == digest.hex()
    assert entered(region, data) == key  # the same file, and nothing more to do


def test_a_row_that_cannot_be_issued_is_refused_and_the_others_are_not_held_up(
    sqlite_region: Region,
) -> None:
    rows = contents(3, start=107_000)
    rows[1]["KZ_JYFW"] = "食品销售；" * 290  # allowed by the rules, and more than the page holds
    key = released(sqlite_region, as_csv(rows))
    work_off(open_bench(sqlite_region.platform), key)
    assert faults(sqlite_region, key) == [(2, "", "unprintable_licence")]
    assert tally(sqlite_region.platform, key) == Tally(2, 2, 2)
    assert job_of(sqlite_region, key).state == BulkState.DONE


def test_a_cancelled_job_issues_nothing_more_and_forgets_what_it_was_told(
    sqlite_region: Region,
) -> None:
    key = released(sqlite_region, as_csv(contents(30, start=108_000)))
    by, bench = sqlite_region.caller("market.approver"), open_bench(sqlite_region.platform)
    with bench.sessions.begin() as session:
        bulk_jobs.cancel(session, key, by=by, at=utc_now())
    work_off(bench, key)
    assert tally(sqlite_region.platform, key) == Tally(0, 0, 0)
    with bench.reading() as session:
        assert bulk_jobs.counts(session, key).dropped == 30
        kept = session.scalar(
            select(func.count()).where(BulkRow.job == key, BulkRow.content_box.is_not(None))
        )
    assert kept == 0
    assert job_of(sqlite_region, key).receipts_digest


def test_a_job_that_nobody_released_for_a_month_is_cancelled(sqlite_region: Region) -> None:
    key = checked(sqlite_region, as_csv(contents(2, start=109_000)))
    with sqlite_region.platform.sessions.begin() as session:
        assert bulk_jobs.cancel_idle(session, at=utc_now()) == 0
    with sqlite_region.platform.sessions.begin() as session:
        assert bulk_jobs.cancel_idle(session, at=utc_now() + bulk_jobs.IDLE + timedelta(days=1)) > 0
    assert job_of(sqlite_region, key).state == BulkState.CANCELLED


def test_two_workers_at_once_take_different_rows(region: Region) -> None:
    from certificates.bulk import work as bulk_work

    key = released(region, as_csv(contents(40, start=110_000)))
    with region.platform.sessions.begin() as session:
        one = bulk_work._claim(session, key, span=None, owner="a/1/1", until=utc_now())
    with region.platform.sessions.begin() as session:
        two = bulk_work._claim(session, key, span=None, owner="b/1/1", until=utc_now())
    assert {row.number for row in one} | {row.number for row in two} == set(range(1, 41))
    assert not {row.number for row in one} & {row.number for row in two}
    with region.platform.reading() as session:
        states = session.scalars(select(BulkRow.state).where(BulkRow.job == key)).all()
    assert set(states) == {RowState.WORKING}


def test_the_report_is_a_table_that_a_spreadsheet_opens(sqlite_region: Region) -> None:
    rows = contents(2, start=111_000)
    rows[1]["KZ_CLRQ"] = "20219999"
    key = checked(sqlite_region, as_csv(rows))
    with sqlite_region.platform.reading() as session:
        report = bulk_receipts.report(session, session.get_one(BulkJob, key))
    assert report.startswith(b"\xef\xbb\xbf")
    table = list(csv.reader(io.StringIO(report.decode("utf-8-sig"))))
    assert table[1][:3] == ["2", "KZ_CLRQ", "invalid_field"]


def test_a_type_that_wants_steps_is_not_issued_in_bulk_but_its_old_stock_is(
    sqlite_region: Region,
) -> None:
    permit = catalogue.find("construction-permit")
    by, platform = sqlite_region.caller("market.clerk"), sqlite_region.platform
    stepped = replace(catalogue.find(TYPE), steps=permit.steps)
    wanted = Wanted(b"rows", BulkForm.CSV, stepped)
    with pytest.raises(StepsMissing), platform.sessions.begin() as session:
        bulk_jobs.begin(session, wanted, by=by, at=utc_now(), vault=platform.vault, system="trust")
    stock = replace(wanted, kind=ApplicationKind.STOCK)
    with platform.sessions.begin() as session:
        assert bulk_jobs.begin(
            session, stock, by=by, at=utc_now(), vault=platform.vault, system="trust"
        ).id  # fmt: skip


def test_a_number_that_was_taken_since_the_check_is_not_given_twice(
    sqlite_region: Region,
) -> None:
    """Two files with the same paper, both checked before either was issued."""
    stock = {"ZZBFRQ": "20190102", "paper_number": "同号1号"}
    one, two = ([row | stock] for row in contents(2, start=112_000))
    how: dict[str, Any] = {"kind": ApplicationKind.STOCK}
    keys = [released(sqlite_region, as_jsonl(rows), BulkForm.JSONL, **how) for rows in (one, two)]
    for key in keys:
        work_off(open_bench(sqlite_region.platform), key)
    assert tally(sqlite_region.platform, keys[0]) == Tally(1, 1, 1)
    assert faults(sqlite_region, keys[1]) == [(1, "paper_number", "number_taken")]


def test_rows_that_were_checked_on_another_day_are_checked_anew(sqlite_region: Region) -> None:
    """Through the checks once more, which these rows still pass."""
    rows = contents(2, start=113_000)
    rows[0]["ZZYXQJZRQ"] = f"{utc_now().astimezone(CHINA):%Y%m%d}"
    key = released(sqlite_region, as_jsonl(rows), BulkForm.JSONL)
    bench = open_bench(sqlite_region.platform)
    with bench.sessions.begin() as session:
        long_ago = utc_now() - timedelta(days=3)
        session.execute(update(BulkJob).where(BulkJob.id == key).values(checked_at=long_ago))
    work_off(bench, key)
    assert tally(sqlite_region.platform, key) == Tally(2, 2, 2)
