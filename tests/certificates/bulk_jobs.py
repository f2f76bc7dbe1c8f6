"""Bulk jobs of a test region, and what there is after them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from certificates import catalogue
from certificates.bulk import check as bulk_check
from certificates.bulk import jobs as bulk_jobs
from certificates.bulk.jobs import Wanted
from certificates.bulk.models import BulkForm, BulkReceipt, BulkRow
from certificates.models import ApplicationKind, Licence
from seal.ledger_models import SealUse, UseResult
from server.bulk_bench import open_bench
from server.platform import Platform
from tests.certificates.bulk_rows import TYPE
from tests.regions import Region
from trust.clock import utc_now


@dataclass(frozen=True)
class Tally:
    """Counted in the tables, not while working."""

    licences: int
    receipts: int
    ledger: int


def entered(
    region: Region, data: bytes, form: BulkForm = BulkForm.CSV, *, slug: str = TYPE,
    kind: ApplicationKind = ApplicationKind.NEW, by: str = "market.clerk",
) -> UUID:  # fmt: skip
    """A job handed in by the market's clerk, its rows not yet read."""
    wanted = Wanted(data, form, catalogue.find(slug), kind)
    with region.platform.sessions.begin() as session:
        return bulk_jobs.begin(
            session, wanted, by=region.caller(by), at=utc_now(), vault=region.platform.vault,
            system="trust",
        ).id  # fmt: skip


def checked(region: Region, data: bytes, form: BulkForm = BulkForm.CSV, **how: object) -> UUID:
    key = entered(region, data, form, **how)  # type: ignore[arg-type]
    bulk_check.check(open_bench(region.platform), key, data)
    return key


def released(region: Region, data: bytes, form: BulkForm = BulkForm.CSV, **how: object) -> UUID:
    key = checked(region, data, form, **how)
    with region.platform.sessions.begin() as session:
        bulk_jobs.release_good(session, key, by=region.caller("market.approver"), at=utc_now())
    return key


def tally(platform: Platform, key: UUID) -> Tally:
    """Licences, receipts and uses of the seal that came of one job, each counted where it lies."""
    with platform.reading() as session:
        keys = list(session.scalars(select(BulkRow.application).where(BulkRow.job == key)))
        licences = session.scalar(
            select(func.count()).select_from(Licence).where(Licence.application.in_(keys))
        )
        used = session.scalar(
            select(func.count())
            .select_from(SealUse)
            .where(SealUse.result == UseResult.USED, SealUse.case.in_([str(each) for each in keys]))
        )
        receipts = session.scalar(
            select(func.count()).select_from(BulkReceipt).where(BulkReceipt.job == key)
        )
    return Tally(licences or 0, receipts or 0, used or 0)
