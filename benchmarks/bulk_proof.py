"""`make bulk-proof`: two thousand licences issued by command, the command killed on the way.

A region of its own in a temporary directory. The counts of the last line come from the tables and
from the receipts file, not from the command: licences, receipts and the seals' ledger, each row of
the file once. Ends with 1 when anything is lost or twice, or it takes longer than it may.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select

from certificates.bulk.models import BulkJob, BulkReceipt, BulkRow
from certificates.models import Licence
from seal.ledger_models import SealUse, UseResult
from server import provision
from server.commands.demo import AUTHORITIES, REGION
from server.platform import Platform
from tests.certificates.bulk_rows import TYPE, contents
from trust.audit import AuditEntry
from trust.clock import utc_now
from trust.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PASSPHRASE = "a passphrase of the proof"  # noqa: S105 - of a region that is thrown away
SECONDS_MAX = 60.0


@dataclass(frozen=True)
class Found:
    """How often each row of the file is in each of the places."""

    licences: Counter[int]
    receipts: Counter[int]
    ledger: Counter[int]

    def tally(self, rows: int) -> tuple[int, int, int]:
        """(issued, lost, twice): a row is issued when it is in all three places once."""
        places = (self.licences, self.receipts, self.ledger)
        numbers = range(1, rows + 1)
        issued = sum(all(place[number] == 1 for place in places) for number in numbers)
        lost = sum(any(place[number] == 0 for place in places) for number in numbers)
        twice = sum(any(place[number] > 1 for place in places) for number in numbers)
        stray = sum(number not in numbers for place in places for number in place)
        return issued, lost, twice + stray


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=1, help="how often the command is killed")
    parser.add_argument("--seed", type=int, default=20261122)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trust-bulk-") as directory:
        home = Path(directory)
        _set_up(home)
        file = home / "rows.csv"
        _write_rows(file, arguments.rows)
        seconds = _issue(home, file, arguments)
        found = _count(home, file)
    issued, lost, twice = found.tally(arguments.rows)
    rate = arguments.rows / seconds
    print(f"{seconds:.1f} s, {rate:.0f} licences/s, killed {arguments.kills} times")
    if seconds > SECONDS_MAX:
        print(f"too slow: {seconds:.1f} s", file=sys.stderr)
    print(f"bulk: {issued} issued, {lost} lost, {twice} twice")
    right = (issued, lost, twice) == (arguments.rows, 0, 0)
    return 0 if right and seconds <= SECONDS_MAX else 1


def _open(home: Path) -> Platform:
    return Platform(Settings(home=home, key_passphrase=SecretStr(PASSPHRASE), development=True))


def _set_up(home: Path) -> None:
    platform = _open(home)
    provision.create_region(platform, REGION, clock=utc_now)
    provision.create_authority(platform, AUTHORITIES[0], at=utc_now())
    platform.engine.dispose()


def _write_rows(file: Path, count: int) -> None:
    rows = contents(count)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _issue(home: Path, file: Path, arguments: argparse.Namespace) -> float:
    """Seconds of the command: started, killed at seeded times, started again, until it is done."""
    chosen = random.Random(arguments.seed)
    begun = time.monotonic()
    for _ in range(arguments.kills):
        process = _start(home, file)
        try:
            process.wait(timeout=chosen.uniform(4, 10))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the command and its workers, mid-work
            process.wait()
    process = _start(home, file)
    if process.wait() != 0:
        raise SystemExit("trust issue --batch failed")
    return time.monotonic() - begun


def _start(home: Path, file: Path) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "TRUST_HOME": str(home), "TRUST_KEY_PASSPHRASE": PASSPHRASE, "TRUST_DEVELOPMENT": "1",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "server.cli", "issue", "--batch", str(file), "--type", TYPE,
         "--receipts", str(file.with_suffix(".jsonl"))],
        env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _count(home: Path, file: Path) -> Found:
    """From what lies there: each licence and its file, each receipt and the digest of them all in
    the audit log, each use of the seal."""
    platform = _open(home)
    receipts = file.with_suffix(".jsonl").read_bytes()
    lines = [json.loads(line) for line in receipts.splitlines()][1:]
    with platform.reading() as session:
        job = session.scalars(select(BulkJob)).one()
        row_of: dict[UUID, int] = {
            key: number
            for key, number in session.execute(select(BulkRow.application, BulkRow.number))
        }
        licences: Counter[int] = Counter()
        for key, name, digest in session.execute(
            select(Licence.application, Licence.identifier, Licence.file_digest)
        ):
            if hashlib.sha256(platform.store.get(name)).digest() == digest:
                licences[row_of.get(key, 0)] += 1
        cases = session.scalars(select(SealUse.case).where(SealUse.result == UseResult.USED))
        ledger = Counter(row_of.get(UUID(case), 0) for case in cases)
        kept = {
            tuple(row) for row in session.execute(select(BulkReceipt.number, BulkReceipt.licence))
        }
        sealed = session.scalars(
            select(AuditEntry.details).where(AuditEntry.act == "bulk.finished")
        ).one()
    platform.engine.dispose()
    given = Counter(
        line["row"] for line in lines
        if line["state"] == "issued" and (line["row"], line["identifier"]) in kept
    )  # fmt: skip
    digest_now = hashlib.new("sm3", receipts).hexdigest()
    if digest_now not in str(sealed) or job.receipts_digest != bytes.fromhex(digest_now):
        raise SystemExit("the receipts are not those of the audit log")
    return Found(licences, given, ledger)


if __name__ == "__main__":
    sys.exit(main())
