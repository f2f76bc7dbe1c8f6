"""What a bulk job leaves in the hands of those who handed it in: receipts and the report.

Receipts are JSON lines, the same bytes whenever they are made: a heading, then one line for each
row. SM3 of the file is in the audit log (`bulk.finished`), so a receipt that was changed, added or
left out shows.
"""

import csv
import hmac
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates.bulk.models import BulkJob, BulkReceipt, BulkRow, BulkState, RowState
from certificates.models import Licence
from trust.crypto import hashes, jose
from trust.errors import Conflict
from trust.vault import Vault

#: A cell that begins so is a formula to a spreadsheet.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class NoReceiptsYet(Conflict):
    """A job has receipts when its last row is done."""

    code = "bulk_no_receipts"


def row_key(job: BulkJob, vault: Vault) -> bytes:
    """The 16 bytes that the job's rows are digested under."""
    return vault.unseal(job.row_key_box, context=f"bulk/{job.id}")


def row_digest(key: bytes, content: Mapping[str, object], about: Mapping[str, str]) -> bytes:
    """HMAC-SHA256 of a row's canonical JSON (RFC 8785): a plain digest of a person's data could be
    guessed."""
    said: dict[str, Any] = {"about": dict(about), "content": dict(content)}
    return hmac.digest(key, jose.canonical_json(said), "sha256")


def write(session: Session, job: BulkJob, *, vault: Vault) -> bytes:
    """The receipts file of a job that is over; NoReceiptsYet."""
    if job.state not in (BulkState.DONE, BulkState.CANCELLED) or job.finished_at is None:
        raise NoReceiptsYet("尚未全部完成 / the rows are not all done")
    return b"".join(line + b"\n" for line in _lines(session, job, vault))


def digest(session: Session, job: BulkJob, *, vault: Vault) -> bytes:
    """SM3 of the file that `write` makes; for the transaction that closes the job."""
    return hashes.sm3(b"".join(line + b"\n" for line in _lines(session, job, vault)))


def _lines(session: Session, job: BulkJob, vault: Vault) -> Iterator[bytes]:
    heading = {
        "job": str(job.id), "file_sha256": job.digest.hex(), "type": job.type_code,
        "authority": job.authority, "kind": str(job.kind), "rows": job.rows,
        "row_key": jose.b64url(row_key(job, vault)),
    }  # fmt: skip
    yield jose.canonical_json(heading)
    found = session.execute(
        select(
            BulkRow.number, BulkRow.state, BulkRow.digest, BulkRow.field, BulkRow.code,
            BulkRow.message, BulkReceipt.licence, BulkReceipt.at, Licence.number.label("printed"),
            Licence.file_digest,
        )
        .join(
            BulkReceipt,
            (BulkReceipt.job == BulkRow.job) & (BulkReceipt.number == BulkRow.number),
            isouter=True,
        )
        .join(Licence, Licence.identifier == BulkReceipt.licence, isouter=True)
        .where(BulkRow.job == job.id)
        .order_by(BulkRow.number)
        .execution_options(yield_per=1000)
    )  # fmt: skip
    for row in found:
        yield jose.canonical_json(_receipt(row))


def _receipt(row: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "row": row.number, "state": str(row.state), "digest": row.digest.hex()
    }  # fmt: skip
    if row.state == RowState.ISSUED:
        return said | {
            "identifier": row.licence, "number": row.printed, "issued_at": stamp(row.at),
            "file_sha256": row.file_digest.hex(),
        }  # fmt: skip
    if row.code:
        said |= {"column": row.field, "code": row.code, "reason": row.message}
    return said


def stamp(at: datetime) -> str:
    """RFC 3339, UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def report(session: Session, job: BulkJob) -> bytes:
    """The rows at fault as CSV for a spreadsheet (UTF-8 with a mark), no cell a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("行 row", "列 column", "代码 code", "原因 reason"))
    for number, column, code, message in faults(session, job):
        writer.writerow((number, harmless(column), harmless(code), harmless(message)))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def faults(
    session: Session, job: BulkJob, *, after: int = 0, limit: int | None = None
) -> list[tuple[int, str, str, str]]:
    """Rows that are bad or were refused: number, column, code, reason."""
    query = (
        select(BulkRow.number, BulkRow.field, BulkRow.code, BulkRow.message)
        .where(
            BulkRow.job == job.id, BulkRow.number > after,
            BulkRow.state.in_((RowState.BAD, RowState.REFUSED)),
        )
        .order_by(BulkRow.number)
        .limit(limit)
    )  # fmt: skip
    return [(row.number, row.field, row.code, row.message) for row in session.execute(query)]


def harmless(cell: str) -> str:
    """The cell as text, whatever it begins with."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
