"""Bulk import: every row checked first, nothing done when one is wrong, the same again changes
nothing."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from sso import agents, assurance, import_rows, importing
from sso.import_rows import read_organisations, read_people
from sso.import_tables import FILE_MAX, UnreadableFile
from sso.importing import ImportRefused, MayNotImport, Report
from sso.models import Account
from tests.sso.samples import (
    AT,
    BODY,
    MARKET,
    MOBILE,
    NUMBER,
    OTHER_MOBILE,
    OTHER_NUMBER,
    SECURITY,
    TRANSPORT,
    USCC,
    VAULT,
    acts,
    add,
    details,
    found,
)
from trust.access import SYSTEM, Caller, Role
from trust.db import Sessions
from trust.errors import TrustError

ORGANISATIONS = f"uscc,name,representative_name,level\n{USCC},{BODY},洛桑次仁,1\n"
PEOPLE = (
    "name,key_number,mobile,level,organisation,scope,not_after,user_name\n"
    f"张三丰,{NUMBER},{MOBILE},2,{USCC},企业开办,2027-11-21,zhang.san\n"
    f"李四,{OTHER_NUMBER},{OTHER_MOBILE},,,,,\n"
)


def import_people(sessions: Sessions, text: str, *, by: Caller = SYSTEM) -> Report:
    rows = read_people(text.encode(), "csv", at=AT)
    return importing.run(sessions, VAULT, rows, by=by, at=AT)


def import_organisations(sessions: Sessions, text: str = ORGANISATIONS) -> Report:
    rows = read_organisations(text.encode(), "csv", at=AT)
    return importing.run(sessions, VAULT, rows, by=SYSTEM, at=AT)


def count(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Account)) or 0


def problems(sessions: Sessions, text: str, *, by: Caller = SYSTEM) -> list[tuple[int, str]]:
    """(line, column) of each fault that an import is refused for."""
    with pytest.raises(ImportRefused) as refused:
        import_people(sessions, text, by=by)
    return [(fault.line, fault.column) for fault in refused.value.report.problems]


def test_organisations_and_their_people_come_in(sessions: Sessions) -> None:
    assert import_organisations(sessions) == Report(1, 1, 0)
    assert import_people(sessions, PEOPLE) == Report(2, 2, 0)
    assert found(sessions, NUMBER) == "zhang.san"
    body = found(sessions, USCC)
    assert body is not None
    with sessions() as session:
        agency = agents.may_act(session, "zhang.san", body, at=AT)
        assert assurance.level(session, "zhang.san", at=AT) == 2
    assert agency.scope == "企业开办"
    assert agency.not_after is not None
    assert agency.not_after.isoformat() == "2027-11-21T15:59:59.999999+00:00"
    assert details(sessions, "people.imported") == {"new": 2, "present": 0}


def test_the_same_file_again_changes_nothing(sessions: Sessions) -> None:
    for _ in range(2):
        import_organisations(sessions)
        report = import_people(sessions, PEOPLE)
    assert report == Report(2, 0, 2)
    assert count(sessions) == 3
    assert acts(sessions).count("agency.granted") == 1


def test_json_lines_say_the_same(sqlite_sessions: Sessions) -> None:
    line = {
        "name": "张三丰",
        "key_number": NUMBER,
        "level": 1,
        "roles": "clerk",
        "authority": MARKET,
    }
    content = "\n".join(["", json.dumps(line, ensure_ascii=False)]).encode()
    rows = read_people(content, "jsonl", at=AT)
    assert [row.line for row in rows.good] == [2]
    importing.run(sqlite_sessions, VAULT, rows, by=SYSTEM, at=AT)
    with sqlite_sessions() as session:
        account = session.get_one(Account, found(sqlite_sessions, NUMBER))
        assert [row.role for row in account.roles] == ["clerk"]
        assert account.authority == MARKET


def test_every_fault_is_told_by_line_and_column_and_nothing_is_done(
    sqlite_sessions: Sessions,
) -> None:
    text = (
        "name,key_number,key_type,mobile,level,roles,organisation,capacity,scope,not_after,email\n"
        f",{NUMBER},,,,,,,,,\n"
        "张三,110105194912310021,,,,,,,,,\n"
        f"张三,{NUMBER},001,,,,,,,,\n"
        f"张三,{NUMBER},,123,,,,,,,\n"
        f"张三,{NUMBER},,,4,,,,,,\n"
        f"张三,{NUMBER},,,,emperor,,,,,\n"
        f"张三,{NUMBER},,,,system_admin audit_admin,,,,,\n"
        f"张三,{NUMBER},,,,,{USCC},agent,x,,\n"
        f"张三,{NUMBER},,,,,{USCC},agent,x,2026-02-30,\n"
        f"张三,{OTHER_NUMBER},,,,,{USCC},agent,x,2026-01-01,\n"
        f"张三,{NUMBER},,,,,{USCC},king,x,2027-01-01,\n"
        f"张三,{NUMBER},,,,,{USCC},agent,,2027-01-01,\n"
        f"张三,{NUMBER},,,,,123,agent,x,2027-01-01,\n"
        f"张三,{NUMBER},,,,,,,,,no address\n"
        f"张三,{NUMBER},,,,,,,,,\n"
        f"李四,{NUMBER},,,,,,,,,\n"
    )
    assert problems(sqlite_sessions, text) == [
        (2, "name"), (3, "key_number"), (4, "key_type"), (5, "mobile"), (6, "level"),
        (7, "roles"), (8, "roles"), (9, "not_after"), (10, "not_after"), (11, "not_after"),
        (12, "capacity"), (13, "scope"), (14, "organisation"), (15, "email"), (17, "key_number"),
    ]  # fmt: skip
    assert count(sqlite_sessions) == 0


def test_faults_never_quote_a_value(sqlite_sessions: Sessions) -> None:
    text = f"name,key_number,mobile,roles\n张三丰,{NUMBER[:-1]}1,99999999999,\n"
    with pytest.raises(ImportRefused) as refused:
        import_people(sqlite_sessions, text)
    told = str(refused.value) + str(refused.value.report)
    assert not any(word in told for word in ("张三丰", NUMBER[:-1], "99999999999"))


def test_what_is_here_already_is_a_fault_where_it_is_anothers(sqlite_sessions: Sessions) -> None:
    add(sqlite_sessions, name="zhang.san")
    text = f"name,key_number,mobile,user_name\n李四,{OTHER_NUMBER},{MOBILE},zhang.san\n"
    assert problems(sqlite_sessions, text) == [(2, "user_name"), (2, "mobile")]


def test_people_come_after_their_organisation(sqlite_sessions: Sessions) -> None:
    assert problems(sqlite_sessions, PEOPLE) == [(2, "organisation")]


def test_a_security_administrator_imports_within_their_authority(
    sqlite_sessions: Sessions,
) -> None:
    text = f"name,key_number,roles,authority\n张三丰,{NUMBER},clerk,{MARKET}\n"
    elsewhere = Caller("of.transport", TRANSPORT, frozenset({Role.SECURITY_ADMIN}))
    assert problems(sqlite_sessions, text, by=elsewhere) == [(2, "roles")]
    assert import_people(sqlite_sessions, text, by=SECURITY) == Report(1, 1, 0)


def test_nobody_else_imports(sqlite_sessions: Sessions) -> None:
    with pytest.raises(MayNotImport):
        import_people(sqlite_sessions, PEOPLE, by=Caller("x", None, frozenset({Role.SYSTEM_ADMIN})))


def test_batches_add_up(sqlite_sessions: Sessions) -> None:
    lines = [f"某人,N{number:05},414" for number in range(7)]
    text = "\n".join(["name,key_number,key_type", *lines, ""])
    rows = read_people(text.encode(), "csv", at=AT)
    report = importing.run(sqlite_sessions, VAULT, rows, by=SYSTEM, at=AT, batch=2)
    assert report == Report(7, 7, 0)
    assert count(sqlite_sessions) == 7


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", "姓名,身份证\n张三,1\n".encode(), b"name,name\na,b\n", b"name\na,b\n",
        "name,key_number\n张三,1\n".encode("gbk"), b'name,key_number\n"a,b\n',
        b"name,key_number\na,b\x00\n", b"x" * (FILE_MAX + 1),
    ],
    ids=["empty", "bytes", "other columns", "twice", "too many cells", "GBK", "open quote", "NUL",
         "too large"],
)  # fmt: skip
def test_what_is_no_table_is_refused_as_a_whole(content: bytes) -> None:
    try:
        rows = read_people(content, "csv", at=AT)
    except UnreadableFile:
        return
    assert rows.good == []
    assert rows.problems


@pytest.mark.parametrize(
    "line", ["[]", "{", '"x"', '{"nobody": 1}', '{"name": ["x"]}', "[" * 100_000]
)
def test_a_line_that_is_no_object_of_texts_is_refused(line: str) -> None:
    with pytest.raises(UnreadableFile):
        read_people(line.encode(), "jsonl", at=AT)


@given(content=st.binary(max_size=300), json_lines=st.booleans())
def test_garbage_never_crashes(content: bytes, json_lines: bool) -> None:
    for read in (read_people, read_organisations):
        try:
            rows = read(content, "jsonl" if json_lines else "csv", at=AT)
        except TrustError:
            continue
        assert rows.good == []


@given(
    cells=st.fixed_dictionaries(
        {}, optional={name: st.text(max_size=30) for name in import_rows.PERSON_COLUMNS}
    )
)
def test_no_cell_crashes(cells: Mapping[str, str]) -> None:
    content = json.dumps({"name": "张三", "key_number": NUMBER} | dict(cells)).encode()
    rows = read_people(content, "jsonl", at=AT)
    assert len(rows.good) + len(rows.problems) == 1


def test_the_documented_columns_are_those_of_the_code() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "identity-levels.md"
    text = page.read_text(encoding="utf-8")
    columns = {*import_rows.PERSON_COLUMNS, *import_rows.ORGANISATION_COLUMNS}
    assert [name for name in sorted(columns) if f"`{name}`" not in text] == []
    assert [name for name in assurance.METHODS if f"`{name}`" not in text] == []
