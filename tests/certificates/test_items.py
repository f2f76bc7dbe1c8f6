"""Items, organisations and bindings: from files, row by row, and by the day."""

import contextlib
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certificates.models  # noqa: F401 - tables
from certificates.licence_types import item_files, item_imports, items
from certificates.licence_types import life as type_life
from certificates.licence_types.item_files import RowsRefused, UnreadableFile
from certificates.licence_types.item_models import Organisation, ServiceItem
from certificates.licence_types.items import AlreadyBound, NotBound
from certificates.licence_types.registry import TypeNotPublished
from trust.access import Caller, Role
from trust.db import Sessions
from trust.errors import Forbidden, Invalid, NotFound

AT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
TODAY = date(2026, 3, 1)
ADMIN = Caller("types.admin", None, frozenset({Role.SYSTEM_ADMIN}))
CLERK = Caller("clerk", "1154252199900011XY", frozenset({Role.CLERK}))
BUSINESS, FOOD = "11100000MB0143028R001", "11542500999000056Q001"
BUREAU, OFFICE = "1154252199900011XY", "115425239990002245"
ORGANISATIONS = f"""code,name,division,parent
{BUREAU},噶尔县市场监督管理局,542523,
{OFFICE},噶尔县不动产登记中心,542523,{BUREAU}
"""
ITEM = "542523-XK-00117"
ITEMS = f"""事项代码,事项名称,实施机构代码,事项类型
{ITEM},食品经营许可,{BUREAU},行政许可
542523-GG-00001,"不动产登记资料查询",{OFFICE},公共服务
"""


def test_organisations_and_items_come_from_files_and_the_same_file_changes_nothing(
    sessions: Sessions,
) -> None:
    with sessions.begin() as session:
        done = item_imports.import_organisations(session, ORGANISATIONS.encode(), by=ADMIN, at=AT)
        assert (done.rows, done.added) == (2, 2)
        item_imports.import_items(session, b"\xef\xbb\xbf" + ITEMS.encode(), by=ADMIN, at=AT)
    with sessions.begin() as session:
        again = item_imports.import_items(session, ITEMS.encode(), by=ADMIN, at=AT)
        assert (again.unchanged, again.added, again.changed) == (2, 0, 0)
        renamed = ITEMS.replace("食品经营许可,", "食品经营许可（新办）,")
        assert item_imports.import_items(session, renamed.encode(), by=ADMIN, at=AT).changed == 1
        found = session.get(ServiceItem, ITEM)
        assert found is not None
        assert found.name == "食品经营许可（新办）"


def test_json_lists_are_read_like_csv(sessions: Sessions) -> None:
    rows = [{"code": BUREAU, "name": "市监局", "division": "542523", "parent": None}]
    with sessions.begin() as session:
        done = item_imports.import_organisations(
            session, json.dumps(rows).encode(), by=ADMIN, at=AT
        )
        assert done.added == 1


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("1154252199900011XZ,甲局,542523,", "code"),
        (f"{BUREAU},,542523,", "name"),
        (f"{BUREAU},甲局,999999,", "division"),
        (f"{BUREAU},甲局,542523,115425239990002320", "parent"),
        (f"{BUREAU},甲局,542523,{BUREAU}", "parent"),
        (f"{BUREAU},{'长' * 201},542523,", "name"),
        (f"{BUREAU},甲局,542523,,多余", "?"),
    ],
    ids=["check character", "no name", "no such division", "unknown parent", "its own parent",
         "too long", "one cell too many"],
)  # fmt: skip
def test_a_wrong_row_is_named_by_row_and_column_and_nothing_is_kept(
    sessions: Sessions, row: str, column: str
) -> None:
    raw = f"code,name,division,parent\n{OFFICE},乙局,542523,\n{row}\n"
    with pytest.raises(RowsRefused) as caught, sessions.begin() as session:
        item_imports.import_organisations(session, raw.encode(), by=ADMIN, at=AT)
    assert [(each.row, each.column) for each in caught.value.errors] == [(2, column)]
    with sessions() as session:
        assert session.get(Organisation, OFFICE) is None


def test_of_many_wrong_rows_each_is_named(sessions: Sessions) -> None:
    wrong = {3, 17, 40}
    lines = [
        f"X-{at:05d},事项{at},{'nobody' if at in wrong else BUREAU},行政许可" for at in range(1, 51)
    ]
    raw = "\n".join(["code,name,organisation,category", *lines]).encode()
    with sessions.begin() as session:
        item_imports.import_organisations(session, ORGANISATIONS.encode(), by=ADMIN, at=AT)
    with pytest.raises(RowsRefused) as caught, sessions.begin() as session:
        item_imports.import_items(session, raw, by=ADMIN, at=AT)
    assert {each.row for each in caught.value.errors} == wrong


def test_a_row_twice_is_refused(sessions: Sessions) -> None:
    raw = f"{ORGANISATIONS}{BUREAU},再来,542523,\n"
    with pytest.raises(RowsRefused, match="第 3 行"), sessions.begin() as session:
        item_imports.import_organisations(session, raw.encode(), by=ADMIN, at=AT)


def test_organisations_above_one_another_in_a_circle_are_refused(sessions: Sessions) -> None:
    raw = f"code,name,division,parent\n{BUREAU},甲,542523,{OFFICE}\n{OFFICE},乙,542523,{BUREAU}\n"
    with pytest.raises(RowsRefused, match="成环"), sessions.begin() as session:
        item_imports.import_organisations(session, raw.encode(), by=ADMIN, at=AT)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe", b"[1]", b"{", b"[", b"code,code\n1,2", b"code,name\n", b'"unclosed',
     b"[" * 100_000],
    ids=["empty", "not utf-8", "no objects", "an object", "half", "column twice", "no rows",
         "unclosed", "deep"],
)  # fmt: skip
def test_what_is_no_table_is_refused(raw: bytes) -> None:
    with pytest.raises((UnreadableFile, RowsRefused)):
        item_files.read(raw, item_files.ITEM)


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=400) | st.text(max_size=300).map(str.encode))
def test_garbage_never_crashes_the_reader(raw: bytes) -> None:
    with contextlib.suppress(UnreadableFile, RowsRefused):
        item_files.read(raw, item_files.BINDING)


# --- bindings ----------------------------------------------------------------------------------


@pytest.fixture
def filled(sessions: Sessions) -> Sessions:
    with sessions.begin() as session:
        type_life.seed(session, at=AT)
        item_imports.import_organisations(session, ORGANISATIONS.encode(), by=ADMIN, at=AT)
        item_imports.import_items(session, ITEMS.encode(), by=ADMIN, at=AT)
    return sessions


def test_an_item_is_given_for_its_types_on_the_days_between(filled: Sessions) -> None:
    with filled.begin() as session:
        items.bind(session, ITEM, "business-licence", since=TODAY, by=ADMIN, at=AT)
        items.bind(session, ITEM, "食品经营许可证", since=date(2026, 5, 1), by=ADMIN, at=AT)
    with filled.begin() as session:
        items.unbind(session, ITEM, BUSINESS, until=date(2026, 5, 31), by=ADMIN, at=AT)
    with filled() as session:

        def on(day: date) -> tuple[str, ...]:
            return items.types_for_item(session, ITEM, on=day)

        assert on(date(2026, 2, 28)) == ()
        assert on(TODAY) == (BUSINESS,)
        assert on(date(2026, 5, 31)) == (BUSINESS, FOOD)
        assert on(date(2026, 6, 1)) == (FOOD,)
        assert items.items_for_type(session, FOOD, on=date(2026, 6, 1)) == {ITEM: "食品经营许可"}
        assert items.types_for_item(session, "no such item", on=TODAY) == ()


def test_an_item_is_bound_to_a_type_once_at_a_time(filled: Sessions) -> None:
    with filled.begin() as session:
        items.bind(session, ITEM, BUSINESS, since=TODAY, by=ADMIN, at=AT)
    with filled.begin() as session, pytest.raises(AlreadyBound):
        items.bind(session, ITEM, BUSINESS, since=date(2026, 4, 1), by=ADMIN, at=AT)
    with filled.begin() as session:
        items.unbind(session, ITEM, BUSINESS, until=date(2026, 3, 31), by=ADMIN, at=AT)
    with filled.begin() as session, pytest.raises(AlreadyBound):
        items.bind(session, ITEM, BUSINESS, since=date(2026, 3, 31), by=ADMIN, at=AT)
    with filled.begin() as session:
        items.bind(session, ITEM, BUSINESS, since=date(2026, 4, 1), by=ADMIN, at=AT)


def test_what_is_not_bound_cannot_be_unbound_nor_end_before_it_began(filled: Sessions) -> None:
    with filled.begin() as session, pytest.raises(NotBound):
        items.unbind(session, ITEM, BUSINESS, until=TODAY, by=ADMIN, at=AT)
    with filled.begin() as session:
        items.bind(session, ITEM, BUSINESS, since=TODAY, by=ADMIN, at=AT)
    with filled.begin() as session, pytest.raises(Invalid):
        items.unbind(session, ITEM, BUSINESS, until=TODAY - timedelta(days=2), by=ADMIN, at=AT)


def test_a_binding_needs_an_item_a_type_in_force_and_an_administrator(filled: Sessions) -> None:
    with filled.begin() as session, pytest.raises(NotFound):
        items.bind(session, "no such item", BUSINESS, since=TODAY, by=ADMIN, at=AT)
    with filled.begin() as session, pytest.raises(NotFound):
        items.bind(session, ITEM, "no such type", since=TODAY, by=ADMIN, at=AT)
    with filled.begin() as session, pytest.raises(Forbidden):
        items.bind(session, ITEM, BUSINESS, since=TODAY, by=CLERK, at=AT)
    with filled.begin() as session:
        type_life.withdraw(session, BUSINESS, reason="停用", by=ADMIN, at=AT)
    with filled.begin() as session, pytest.raises(TypeNotPublished):
        items.bind(session, ITEM, BUSINESS, since=TODAY, by=ADMIN, at=AT)


def test_bindings_come_from_files_and_again_are_as_they_were(filled: Sessions) -> None:
    raw = (
        f"item,type,since,until\n{ITEM},营业执照,2026-01-01,2026-12-31\n{ITEM},{FOOD},20260101,\n"
    ).encode()
    with filled.begin() as session:
        assert item_imports.import_bindings(session, raw, by=ADMIN, at=AT).added == 2
    with filled.begin() as session:
        assert item_imports.import_bindings(session, raw, by=ADMIN, at=AT).unchanged == 2
    with filled() as session:
        assert items.types_for_item(session, ITEM, on=TODAY) == (BUSINESS, FOOD)
        assert items.types_for_item(session, ITEM, on=date(2027, 1, 1)) == (FOOD,)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (f"{ITEM},hotel,2026-01-01,", "type"),
        (f"nothing,{FOOD},2026-01-01,", "item"),
        (f"{ITEM},{FOOD},2026-13-01,", "since"),
        (f"{ITEM},{FOOD},1949-10-01,", "since"),
        (f"{ITEM},{FOOD},2026-01-01,2025-01-01", "since"),
    ],
)
def test_a_wrong_binding_is_named_and_none_is_kept(filled: Sessions, row: str, column: str) -> None:
    raw = f"item,type,since,until\n{ITEM},{BUSINESS},2026-01-01,\n{row}\n".encode()
    with pytest.raises(RowsRefused) as caught, filled.begin() as session:
        item_imports.import_bindings(session, raw, by=ADMIN, at=AT)
    assert [(each.row, each.column) for each in caught.value.errors] == [(2, column)]
    with filled() as session:
        assert items.types_for_item(session, ITEM, on=TODAY) == ()
