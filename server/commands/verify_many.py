"""`trust verify --many`: a file of QR codes' texts, a line each, judged together."""

import csv
import sys
from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, TextIO

from certificates import qr
from certificates.evidence import Knowledge
from certificates.verify_claim import Verification
from certificates.verify_many import verify_claims
from server.exits import OUTCOMES, CannotOpen
from trust.report import Outcome

_COLUMNS = ("line", "outcome", "codes", "identifier", "valid_until")
_LINE_MAX = qr.READ_MAX + 2
_WORST_FIRST = (Outcome.FAILED, Outcome.INDETERMINATE, Outcome.PASSED)


def run(
    path: Path, knowledge: Knowledge, *, at: datetime, out: TextIO, as_json: bool = False
) -> int:
    """Write a row for each line that is not empty, as CSV or as JSON lines, and the counts to the
    standard error output; the exit code of the worst outcome, 2 when there was no line at all.

    CannotOpen. The file may be longer than memory.
    """
    counts: Counter[Outcome] = Counter()
    try:
        file = path.open("rb")
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error
    with file:
        places: deque[int] = deque()
        reports = verify_claims(_texts(file, places), knowledge, at=at)
        write = _write_json if as_json else _write_csv
        counts.update(write(reports, places, out))
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
    print(f"{counts.total()} 个二维码 codes: {told}", file=sys.stderr)
    worst = next((one for one in _WORST_FIRST if counts[one]), Outcome.INDETERMINATE)
    return OUTCOMES[worst]


def _texts(file: IO[bytes], places: "deque[int]") -> Iterator[str]:
    """Each line that is not empty; its number goes to `places`. Of a line that is longer than any
    code only so much is kept as shows that."""
    number = 0
    while line := file.readline(_LINE_MAX):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(_LINE_MAX)
        text = line.decode("ascii", "replace").strip()
        if text:
            places.append(number)
            yield text


def _write_csv(
    reports: Iterator[Verification], places: "deque[int]", out: TextIO
) -> Iterator[Outcome]:
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for report in reports:
        licence = report.licence or {}
        codes = " ".join(
            check.code for check in report.checks if check.outcome is not Outcome.PASSED
        )
        told = [licence.get("identifier", ""), licence.get("valid_until") or ""]
        rows.writerow([places.popleft(), str(report.outcome), codes, *told])
        yield report.outcome


def _write_json(
    reports: Iterator[Verification], places: "deque[int]", out: TextIO
) -> Iterator[Outcome]:
    for report in reports:
        out.write(f'{{"line":{places.popleft()},{report.as_json_text()[1:]}\n')
        yield report.outcome
