"""`trust archive`: pack a licence for the archive, or judge a package without asking anybody."""

import argparse
import json
from pathlib import Path

from certificates import publish
from certificates.archive import container as archive_container
from certificates.archive import package as archive_package
from certificates.archive import verify as archive_verify
from certificates.archive.verify import ArchiveReport
from server.archiving import archivist
from server.commands import files, text
from server.exits import OUTCOMES, Usage
from server.pages import names
from server.platform import Platform
from sso import accounts
from trust import anchors
from trust.access import SYSTEM
from trust.anchors import Anchors
from trust.clock import utc_now


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "archive", help="归档包 / pack a licence for the archive, or verify"
    )
    parser.add_argument("identifier", nargs="?", metavar="IDENTIFIER")
    parser.add_argument("--out", type=Path, metavar="FILE.zip")
    parser.add_argument("--as", dest="actor", metavar="ACCOUNT", help="who packs")
    parser.add_argument("--verify", type=Path, metavar="FILE.zip", help="judge a package")
    parser.add_argument("--anchors", type=Path, metavar="DIR", help="judge by these roots alone")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, platform: Platform) -> int:
    """Pack (0), or print the report: 0 PASSED, 1 FAILED, 2 INDETERMINATE."""
    if arguments.verify is not None:
        if arguments.identifier is not None or arguments.out is not None:
            raise Usage("--verify takes a package and nothing to pack")
        return _verify(arguments, platform)
    if arguments.identifier is None or arguments.out is None:
        raise Usage("give IDENTIFIER and --out FILE.zip, or --verify FILE.zip")
    by = SYSTEM
    if arguments.actor is not None:
        with platform.reading() as session:
            by = accounts.caller(session, arguments.actor)
    made = archive_package.make(archivist(platform), arguments.identifier, by=by, at=utc_now())
    files.write(arguments.out, made)
    if arguments.json:
        print(json.dumps({"file": str(arguments.out), "bytes": len(made)}))
    else:
        print(f"✓ 已归档 archived {arguments.identifier}\n  {arguments.out}")
    return 0


def _verify(arguments: argparse.Namespace, platform: Platform) -> int:
    data = files.read(arguments.verify, most=archive_container.SIZE_MAX)
    found = archive_verify.verify(data, _given(arguments, platform), now=utc_now())
    if arguments.json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        print(_told(found))
    return OUTCOMES[found.outcome]


def _given(arguments: argparse.Namespace, platform: Platform) -> Anchors | None:
    """The verifier's roots: of the folder named, else of the region that lives here, else none."""
    if arguments.anchors is not None:
        return anchors.load(arguments.anchors)
    if not platform.has_database():
        return None
    with platform.reading() as session:
        return publish.anchors(session)


def _told(found: ArchiveReport) -> str:
    zh, en = text.WORDS[found.outcome]
    lines = [f"{text.MARKS[found.outcome]} {zh} {en}  {found.identifier}"]
    if found.archived_at is not None:
        lines.append(f"  归档时间 archived at {found.archived_at:%Y-%m-%d %H:%M:%S} UTC")
    for check in found.checks:
        reason = check.reason()
        label = names.name_of(check.name)[0]
        lines.append(f"  {text.MARKS[check.outcome]} {label}: {reason['zh']}")
        lines.append(f"      {check.name}: {reason['en']} [{check.code}]")
    return "\n".join(lines)
