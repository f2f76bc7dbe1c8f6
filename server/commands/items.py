"""`trust items` and `trust organisations`: the catalogues that come from elsewhere, as files, and
the types that an item is given for."""

import argparse
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from certificates.licence_types import item_files, item_imports, items
from certificates.licence_types import registry as type_registry
from certificates.licence_types.item_files import Imported, RowsRefused
from server.commands import files
from server.exits import Usage
from server.platform import Platform
from sso import accounts
from trust.access import SYSTEM, Caller
from trust.clock import CHINA, utc_now
from trust.errors import Invalid
from trust.report import printable

_Import = Callable[..., Imported]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("items", help="政务服务事项 / service items")
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_import(inner, "import", "service items, from CSV or JSON", item_imports.import_items)
    _add_import(inner, "bindings", "which types they are given for", item_imports.import_bindings)
    parser = inner.add_parser("list", help="the items and their types today")
    parser.add_argument("--search", default="", metavar="TEXT")
    parser.set_defaults(run=run_list)
    for name, what, run in (
        ("bind", "an item gives a right to look at a type", run_bind),
        ("unbind", "no longer", run_unbind),
    ):
        parser = inner.add_parser(name, help=what)
        parser.add_argument("item", metavar="ITEM")
        parser.add_argument("type", metavar="TYPE")
        day = "--since" if name == "bind" else "--until"
        parser.add_argument(day, dest="day", metavar="DAY", help="2024-05-20; today by default")
        parser.add_argument("--as", dest="actor", metavar="ACCOUNT")
        parser.set_defaults(run=run)
    parser = commands.add_parser("organisations", help="机构 / organisations")
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_import(inner, "import", "from CSV or JSON", item_imports.import_organisations)
    parser = inner.add_parser("list", help="the organisations")
    parser.set_defaults(run=run_organisations)


def _add_import(
    inner: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str,
    import_file: _Import,
) -> None:  # fmt: skip
    parser = inner.add_parser(name, help=what)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--as", dest="actor", metavar="ACCOUNT")
    parser.set_defaults(run=run_import, import_file=import_file)


def run_import(arguments: argparse.Namespace, platform: Platform) -> int:
    """All rows or none; each wrong one is named."""
    raw = files.read(arguments.file, most=item_files.FILE_MAX)
    try:
        with platform.sessions.begin() as session:
            by = _caller(session, arguments.actor)
            done = arguments.import_file(session, raw, by=by, at=utc_now())
    except RowsRefused as error:
        for each in error.errors:
            print(f"✗ 第 {each.row} 行 row {each.row}, {printable(each.column)}: "
                  f"{printable(each.reason)}")  # fmt: skip
        raise
    print(f"✓ {done.rows} 行 rows: 新增 added {done.added}, 更新 changed {done.changed}, "
          f"未变 unchanged {done.unchanged}")  # fmt: skip
    return 0


def run_list(arguments: argparse.Namespace, platform: Platform) -> int:
    today = utc_now().astimezone(CHINA).date()
    with platform.reading() as session:
        after = ""
        while found := items.page(session, text=arguments.search, after=after, limit=500):
            for item in found:
                bound = ", ".join(items.types_for_item(session, item.code, on=today))
                print(f"{item.code}  {item.name}  {item.organisation}  {bound or '-'}")
            after = found[-1].code
    return 0


def run_organisations(_arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.reading() as session:
        after = ""
        while found := items.organisations(session, after=after, limit=500):
            for each in found:
                print(f"{each.code}  {each.division}  {each.name}  {each.parent or '-'}")
            after = found[-1].code
    return 0


def run_bind(arguments: argparse.Namespace, platform: Platform) -> int:
    at = utc_now()
    day = _day(arguments.day, at)
    with platform.sessions.begin() as session:
        by = _caller(session, arguments.actor)
        row = items.bind(session, arguments.item, arguments.type, since=day, by=by, at=at)
        print(f"✓ {row.item} → {row.type_code}, {row.since}")
    return 0


def run_unbind(arguments: argparse.Namespace, platform: Platform) -> int:
    at = utc_now()
    day = _day(arguments.day, at)
    with platform.sessions.begin() as session:
        by = _caller(session, arguments.actor)
        code = type_registry.code_of(session, arguments.type)
        row = items.unbind(session, arguments.item, code, until=day, by=by, at=at)
        print(f"✓ {row.item} → {row.type_code}, {row.since} – {row.until}")
    return 0


def _day(text: str | None, at: datetime) -> date:
    try:
        return at.astimezone(CHINA).date() if text is None else item_files.parse_day(text)
    except Invalid as error:
        raise Usage("a day is written 2024-05-20") from error


def _caller(session: Session, actor: str | None) -> Caller:
    """`--as`, or whoever runs this machine."""
    return SYSTEM if actor is None else accounts.caller(session, actor)
