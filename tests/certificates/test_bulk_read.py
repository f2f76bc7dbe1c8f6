"""Files of rows read: CSV, JSON lines, Parquet; what is wrong is refused or named."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certificates import catalogue
from certificates.bulk import read as bulk_read
from certificates.bulk import receipts as bulk_receipts
from certificates.bulk.columns import BulkFileInvalid, Row, columns_of
from certificates.bulk.models import BulkForm
from tests.certificates.bulk_rows import TYPE, as_csv, contents

COLUMNS = columns_of(catalogue.find(TYPE))


def read(data: bytes, form: BulkForm = BulkForm.CSV) -> list[Row]:
    return list(bulk_read.rows(data, form, COLUMNS))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_spreadsheet_is_read_in_the_encodings_that_spreadsheets_write(encoding: str) -> None:
    rows = contents(2)
    assert [row.content for row in read(as_csv(rows, encoding=encoding))] == rows


def test_characters_of_the_newer_gb18030_table_are_not_left_in_the_private_use_area() -> None:
    (row,) = read(b"CZZT,CZZTDM\n" + bytes.fromhex("fe59a6d9") + b",1\n")
    assert row.content["CZZT"] == "\u9fb4\ufe10"


def test_columns_may_be_headed_by_their_chinese_labels() -> None:
    (row,) = read("持证主体,持证主体代码,法定代表人,办件编号\n甲,1,乙,C-1\n".encode())
    assert row.content == {"CZZT": "甲", "CZZTDM": "1", "KZ_FDDBR": "乙"}
    assert row.about == {"case_number": "C-1"}


def test_lists_in_one_cell_are_split_and_empty_cells_say_nothing() -> None:
    columns = columns_of(catalogue.find("food-business-licence"))
    data = "CZZT,KZ_JYXM,KZ_QFR\n甲,热食；冷食;饮品,\n".encode()
    (row,) = bulk_read.rows(data, BulkForm.CSV, columns)
    assert row.content == {"CZZT": "甲", "KZ_JYXM": ["热食", "冷食", "饮品"]}


def test_a_formula_in_a_cell_is_text_and_no_report_hands_it_to_a_spreadsheet() -> None:
    (row,) = read(b"CZZT\n=1+1\n")
    assert row.content == {"CZZT": "=1+1"}
    for cell in ("=1+1", "+1", "-1", "@x", "\t=1"):
        assert bulk_receipts.harmless(cell) == f"'{cell}"
    assert bulk_receipts.harmless("CZZT") == "CZZT"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"CZZT\n", b"CZZT,CZZT\n1,2\n", b"NAME\nx\n", b'CZZT\n"open\n', b"CZZT\n\x00\n",
        b"CZZT\n\xff\xff\n", b"CZZT," * 300 + b"\n1\n", b"CZZT\n" + b"x" * 200_000 + b"\n",
    ],
    ids=["nothing", "no rows", "column twice", "unknown column", "open quote", "NUL",
         "no encoding", "300 columns", "huge cell"],
)  # fmt: skip
def test_a_table_of_the_wrong_form_is_refused_whole(data: bytes) -> None:
    with pytest.raises(BulkFileInvalid):
        read(data)


def test_json_lines_name_the_row_that_is_wrong() -> None:
    lines = [b'{"CZZT":"x"}', b"{", b"[]", b'{"CZZT":1,"CZZT":2}', b'{"NAME":1}', b"\xff"]
    found = read(b"\n".join(lines), BulkForm.JSONL)
    assert [row.fault is None for row in found] == [True] + [False] * 5
    assert found[4].fault == ("#1", "该类证照没有此列 / not a column of this type")


def test_a_parquet_file_is_read_and_its_dates_are_written_as_licences_write_them(
    tmp_path: Path,
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from datetime import date

    rows = contents(3)
    for row in rows:
        row["KZ_CLRQ"] = date(2021, 6, 18)
    file = tmp_path / "rows.parquet"
    import pyarrow.parquet as parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows), file)  # type: ignore[no-untyped-call]
    assert [row.content for row in read(file.read_bytes(), BulkForm.PARQUET)] == contents(3)
    with pytest.raises(BulkFileInvalid):
        read(b"PAR1" + b"\0" * 200 + b"PAR1", BulkForm.PARQUET)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([BulkForm.CSV, BulkForm.JSONL]))
def test_garbage_is_refused_or_is_rows_and_never_anything_else(data: bytes, form: BulkForm) -> None:
    with contextlib.suppress(BulkFileInvalid):
        assert read(b"CZZT,CZZTDM\n" + data if form is BulkForm.CSV else data, form)
