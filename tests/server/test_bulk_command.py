"""`trust issue --batch`: checked, held, gone on with, taken up again; a bar only on a terminal."""

import io
import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from certificates.bulk.columns import BulkFileInvalid
from certificates.bulk.jobs import Counts
from server.bulk_child import order
from server.bulk_dispatch import broker
from server.cli import main
from server.commands.progress import Progress
from server.exits import BAD_DATA, NO_INPUT, USAGE
from tests.certificates.bulk_rows import TYPE, as_csv, contents
from tests.regions import Region
from tests.regions import sqlite_region as sqlite_region
from trust.crypto import hashes
from trust.settings import Settings


@pytest.fixture(autouse=True)
def _environment(sqlite_region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TRUST_") and not name.startswith("TRUST_TEST"):
            monkeypatch.delenv(name)
    settings = sqlite_region.platform.settings
    monkeypatch.setenv("TRUST_HOME", str(settings.home))
    monkeypatch.setenv("TRUST_KEY_PASSPHRASE", settings.passphrase().get_secret_value())
    monkeypatch.setenv("TRUST_DEVELOPMENT", "1")
    monkeypatch.setenv("TRUST_BULK_PROCESSES", "1")


def run(*words: object) -> int:
    try:
        return main([str(word) for word in words])
    except SystemExit as error:
        return int(error.code or 0)


def test_nothing_is_issued_until_told_to_go_on_and_the_same_file_is_the_same_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = contents(3, start=90_000)
    rows[1]["KZ_CLRQ"] = "20210631"
    file, report, receipts = tmp_path / "a.csv", tmp_path / "report.csv", tmp_path / "r.jsonl"
    file.write_bytes(as_csv(rows))
    batch = ("issue", "--batch", file, "--type", TYPE)
    assert run(*batch, "--check", "--report", report) == BAD_DATA
    assert "第 2 行 row 2, KZ_CLRQ" in capsys.readouterr().out
    assert "KZ_CLRQ" in report.read_text("utf-8-sig")
    assert run(*batch) == BAD_DATA
    assert "nothing is issued" in capsys.readouterr().out
    assert run(*batch, "--go-on", "--receipts", receipts) == BAD_DATA  # a row was left out
    said = capsys.readouterr()
    assert "已签发 issued 2" in said.out
    assert "\r" not in said.err  # no terminal, no bar
    assert hashes.sm3(receipts.read_bytes()).hex() in said.out
    assert run(*batch, "--go-on", "--json") == BAD_DATA
    assert json.loads(capsys.readouterr().out)["issued"] == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--type", TYPE), USAGE),
        (("--type", TYPE, "--batch", "nowhere.csv"), NO_INPUT),
        (("--type", TYPE, "--batch", "rows.txt"), BAD_DATA),
        (("--type", TYPE, "--batch", "bad.csv"), BAD_DATA),
        (("--type", TYPE, "--batch", "bad.parquet"), BAD_DATA),
    ],
    ids=["neither", "no file", "another name", "no CSV", "no Parquet"],
)
def test_what_cannot_be_read_is_one_clear_line(
    words: tuple[str, ...], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in ("rows.txt", "bad.csv", "bad.parquet"):
        Path(name).write_bytes(b"\xff\xff")
    assert run("issue", *words) == code
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1


def test_a_worker_needs_a_broker_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("worker") == USAGE
    assert run("worker", "--broker", "redis://localhost") == USAGE
    assert "amqp" in capsys.readouterr().err


def test_a_bar_is_drawn_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    progress = Progress(("签发", "issuing"), 10)
    progress.rows(Counts(bad=0, waiting=5, working=0, issued=4, refused=1, dropped=0))
    progress.end()
    assert "5 / 10" in shown.getvalue()
    assert "█" in shown.getvalue()


def test_a_child_is_told_all_settings_through_its_pipe(sqlite_region: Region) -> None:
    settings = sqlite_region.platform.settings
    key = uuid4()
    said = json.loads(order(settings, key))
    again = Settings(**said["settings"])
    assert (again.home, again.reservation_lease) == (settings.home, settings.reservation_lease)
    assert again.passphrase() == settings.passphrase()
    assert said["job"] == str(key)
    assert broker(again) == ""


def test_a_refusal_of_a_file_does_not_quote_it() -> None:
    from certificates import catalogue
    from certificates.bulk import read as bulk_read
    from certificates.bulk.columns import columns_of
    from certificates.bulk.models import BulkForm

    data = "扎西顿珠,542521199001011234\n".encode()
    with pytest.raises(BulkFileInvalid) as refused:
        list(bulk_read.rows(data, BulkForm.CSV, columns_of(catalogue.find(TYPE))))
    assert "扎西" not in str(refused.value)
