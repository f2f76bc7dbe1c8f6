"""`trust verify --many`: a row a code, the exit code of the worst."""

import csv
import io
import json
from pathlib import Path

import pytest

from server.commands import verify_many
from server.exits import CannotOpen
from tests.certificates.test_life import end
from tests.regions import Region
from tests.server.conftest import Served
from trust.clock import utc_now


def run(region: Region, path: Path, *, as_json: bool = False) -> tuple[int, str]:
    out = io.StringIO()
    code = verify_many.run(path, region.platform.knowledge, at=utc_now(), out=out, as_json=as_json)
    return code, out.getvalue()


def test_each_line_has_its_row_and_empty_ones_none(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, gone = (served.region.issued("food-business-licence") for _ in range(2))
    end(served.region, gone)
    path = tmp_path / "codes.txt"
    path.write_bytes(
        f"{good.claim}\n\r\n  {gone.claim}  \n{'x' * 9000}\n\xff\n{good.claim}".encode("latin-1")
    )
    code, told = run(served.region, path)
    rows = list(csv.DictReader(io.StringIO(told)))
    assert [(row["line"], row["outcome"], row["codes"]) for row in rows] == [
        ("1", "PASSED", ""), ("3", "FAILED", "void"), ("4", "FAILED", "claim_malformed"),
        ("5", "FAILED", "claim_malformed"), ("6", "PASSED", ""),
    ]  # fmt: skip
    assert [row["identifier"] for row in rows[:2]] == [good.identifier, gone.identifier]
    assert code == 1
    assert "5 个二维码 codes: 2 PASSED, 3 FAILED, 0 INDETERMINATE" in capsys.readouterr().err


def test_json_lines_are_the_reports(served: Served, tmp_path: Path) -> None:
    licence = served.region.issued("food-business-licence")
    path = tmp_path / "codes.txt"
    path.write_text(licence.claim, encoding="ascii")
    code, told = run(served.region, path, as_json=True)
    (line,) = told.splitlines()
    report = json.loads(line)
    assert (code, report["line"], report["outcome"]) == (0, 1, "PASSED")
    assert report["licence"]["identifier"] == licence.identifier


def test_a_file_without_codes_proves_nothing(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "codes.txt"
    path.write_bytes(b"\n\n")
    assert run(served.region, path)[0] == 2


def test_a_file_that_is_not_there_is_named(served: Served, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="nowhere"):
        run(served.region, tmp_path / "nowhere.txt")
