"""`trust types`: the licence types of this region, their versions, to files and from files."""

import argparse
import json
from pathlib import Path

from sqlalchemy.orm import Session

from certificates import catalogue
from certificates.licence_types import life as type_life
from certificates.licence_types import registry as type_registry
from certificates.licence_types import schema as type_schema
from server.commands import files
from server.platform import Platform
from sso import accounts
from trust.access import SYSTEM, Caller
from trust.clock import utc_now


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    types = commands.add_parser("types", help="证照类型 / licence types")
    inner = types.add_subparsers(required=True, metavar="COMMAND")
    parser = inner.add_parser("list", help="every type: version, state, name")
    parser.add_argument("--json", action="store_true", help="as rows of GB/T 36902")
    parser.set_defaults(run=run_list)
    parser = _with_type(inner, "export", "a version as a file")
    parser.add_argument("--version", metavar="NNN", help="instead of the one in force")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    parser.set_defaults(run=run_export)
    parser = _with_type(inner, "schema", "what a content must look like (JSON Schema)")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    parser.set_defaults(run=run_schema)
    parser = inner.add_parser("import", help="definitions, as drafts")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    parser.add_argument("--publish", action="store_true", help="put them in force at once")
    parser.add_argument("--as", dest="actor", metavar="ACCOUNT")
    parser.set_defaults(run=run_import)
    for name, what, run in (
        ("amend", "a draft of the next version", run_amend),
        ("publish", "put the draft in force", run_publish),
        ("withdraw", "issue no more of it", run_withdraw),
    ):
        parser = _with_type(inner, name, what)
        if name == "withdraw":
            parser.add_argument("--reason", required=True)
        parser.add_argument("--as", dest="actor", metavar="ACCOUNT")
        parser.set_defaults(run=run)


def _with_type(
    inner: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str
) -> argparse.ArgumentParser:
    parser = inner.add_parser(name, help=what)
    parser.add_argument("type", metavar="TYPE", help="code, slug or Chinese name")
    return parser


def run_list(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.reading() as session:
        if arguments.json:
            rows = [each.catalogue_row() for each in type_registry.all_current(session)]
            print(json.dumps(rows, ensure_ascii=False))
            return 0
        kept = {row.code: row for row in type_registry.newest(session)}
        for each in catalogue.load():
            if each.code not in kept:
                print(f"{each.code}  {each.version}  packaged    {each.name}  {each.slug}")
        for row in kept.values():
            print(f"{row.code}  {row.version}  {row.state:<10}  {row.name}  {row.slug}")
    return 0


def run_export(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.reading() as session:
        code = type_registry.code_of(session, arguments.type)
        _give(type_registry.export(session, code, arguments.version), arguments.out)
    return 0


def run_schema(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.reading() as session:
        found = type_schema.schema(type_registry.current(session, arguments.type))
    _give((json.dumps(found, ensure_ascii=False, indent=2) + "\n").encode(), arguments.out)
    return 0


def _give(raw: bytes, out: Path | None) -> None:
    if out is None:
        print(raw.decode(), end="")
    else:
        files.write(out, raw)
        print(f"✓ {out}")


def run_import(arguments: argparse.Namespace, platform: Platform) -> int:
    """All the files or none."""
    raws = [files.read(path, most=catalogue.TYPE_MAX) for path in arguments.files]
    at = utc_now()
    with platform.sessions.begin() as session:
        by = _caller(session, arguments.actor)
        lines = []
        for raw in raws:
            row = type_life.import_(session, raw, by=by, at=at)
            if arguments.publish and row.state == "draft":
                row = type_life.publish(session, row.code, revision=row.revision, by=by, at=at)
            lines.append(f"✓ {row.code}  {row.version}  {row.state:<10}  {row.name}")
    print("\n".join(lines))
    return 0


def run_amend(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        by, code = _caller(session, arguments.actor), type_registry.code_of(session, arguments.type)
        row = type_life.amend(session, code, by=by, at=utc_now())
        print(f"✓ 已建草稿 draft {row.version} of {row.name}")
    return 0


def run_publish(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        by, code = _caller(session, arguments.actor), type_registry.code_of(session, arguments.type)
        revision = type_registry.draft(session, code).revision
        row = type_life.publish(session, code, revision=revision, by=by, at=utc_now())
        print(f"✓ 已发布 in force: {row.name} {row.version}")
    return 0


def run_withdraw(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        by, code = _caller(session, arguments.actor), type_registry.code_of(session, arguments.type)
        row = type_life.withdraw(session, code, reason=arguments.reason, by=by, at=utc_now())
        print(f"✓ 已停用 withdrawn: {row.name} {row.version}")
    return 0


def _caller(session: Session, actor: str | None) -> Caller:
    """`--as`, or whoever runs this machine."""
    return SYSTEM if actor is None else accounts.caller(session, actor)
