"""`trust seal grant|ungrant|ledger|list`: who may use a seal, and what it was used for."""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from certificates.licence_types import registry as type_registry
from seal import grants, ledger, life
from seal.grants import Terms
from seal.ledger import Filter
from seal.ledger_models import UseResult
from seal.life_models import SealRequest
from seal.models import Seal
from server.exits import CannotWrite, Usage
from server.platform import Platform
from sso import accounts
from trust.access import SYSTEM, Caller, Role
from trust.clock import CHINA, utc_now
from trust.report import printable


def add(inner: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = inner.add_parser("grant", help="授权用印 / let somebody use a seal; prints the grant")
    parser.add_argument("seal", metavar="SEAL")
    parser.add_argument("--as", dest="actor", required=True, metavar="ACCOUNT")
    parser.add_argument("--account", help="this account")
    parser.add_argument("--role", choices=[role.value for role in Role], help="at the owner")
    parser.add_argument("--system", help="through this system")
    parser.add_argument("--type", help="for licences of this type")
    parser.add_argument("--item", help="for this matter (事项)")
    parser.add_argument("--from", dest="begins", metavar="TIME")
    parser.add_argument("--until", metavar="TIME")
    parser.add_argument("--ceiling", type=int, metavar="N", help="uses a day at most")
    parser.add_argument("--second-person", action="store_true", help="confirms each use")
    parser.set_defaults(run=run_grant)
    parser = inner.add_parser("ungrant", help="收回授权 / take a grant back")
    parser.add_argument("grant", metavar="GRANT")
    parser.add_argument("--as", dest="actor", required=True, metavar="ACCOUNT")
    parser.set_defaults(run=run_ungrant)
    _add_ledger(inner)
    parser = inner.add_parser("list", help="印章与申请 / seals and open applications")
    parser.add_argument("--as", dest="actor", metavar="ACCOUNT")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_list)


def _add_ledger(inner: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = inner.add_parser("ledger", help="用印台账 / what a seal was used for, newest first")
    parser.add_argument("seal", metavar="SEAL")
    parser.add_argument("--as", dest="actor", metavar="ACCOUNT")
    parser.add_argument("--result", choices=[result.value for result in UseResult])
    for name in ("operator", "system", "type", "item", "case", "document"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--since", metavar="TIME")
    parser.add_argument("--before", metavar="TIME")
    parser.add_argument("--below", type=int, metavar="ID", help="the page after this row")
    parser.add_argument("--limit", type=int, default=50, metavar="N")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="every row, - is standard output")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_ledger)


def time_of(text: str | None) -> datetime | None:
    """RFC 3339; without a zone it is China's."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Usage(
            "a time is RFC 3339, such as 2026-06-01 or 2026-06-01T08:00:00+08:00"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=CHINA)


def type_of(platform: Platform, text: str | None) -> str | None:
    if text is None:
        return None
    with platform.reading() as session:
        return type_registry.code_of(session, text)


def run_grant(arguments: argparse.Namespace, platform: Platform) -> int:
    terms = Terms(
        account=arguments.account, role=Role(arguments.role) if arguments.role else None,
        system=arguments.system, type_code=type_of(platform, arguments.type), item=arguments.item,
        valid_from=time_of(arguments.begins), valid_until=time_of(arguments.until),
        ceiling=arguments.ceiling, second_person=arguments.second_person,
    )  # fmt: skip
    with platform.sessions.begin() as session:
        by = accounts.caller(session, arguments.actor)
        made = grants.grant(session, arguments.seal, terms, by=by, at=utc_now())
    print(f"✓ 已授权 granted {made.id}")
    return 0


def run_ungrant(arguments: argparse.Namespace, platform: Platform) -> int:
    try:
        key = UUID(arguments.grant)
    except ValueError as error:
        raise Usage("a grant is named by its UUID") from error
    with platform.sessions.begin() as session:
        by = accounts.caller(session, arguments.actor)
        grants.revoke(session, key, by=by, at=utc_now())
    print(f"✓ 已收回 taken back {arguments.grant}")
    return 0


def run_ledger(arguments: argparse.Namespace, platform: Platform) -> int:
    wanted = Filter(
        result=UseResult(arguments.result) if arguments.result else None,
        operator=arguments.operator, system=arguments.system,
        type_code=type_of(platform, arguments.type),
        item=arguments.item, case=arguments.case, document=arguments.document,
        since=time_of(arguments.since), before=time_of(arguments.before),
    )  # fmt: skip
    with platform.reading() as session:
        by = SYSTEM if arguments.actor is None else accounts.caller(session, arguments.actor)
        life.find(session, arguments.seal, by=by, readers=ledger.READERS)
        if arguments.csv is not None:
            return _write(
                arguments.csv, ledger.as_csv(ledger.every(session, arguments.seal, wanted))
            )
        rows = [
            ledger.shown(row) for row in ledger.page(
                session, arguments.seal, wanted, below=arguments.below, limit=arguments.limit
            )
        ]  # fmt: skip
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        why = f" [{row['reason']}]" if row["reason"] else ""
        print(f"{row['id']}  {row['at']}  {row['result']}{why}  {row['operator']}  "
              f"{printable(row['document'])}")  # fmt: skip
    return 0


def _write(path: Path, lines: Any) -> int:
    if str(path) == "-":
        sys.stdout.writelines(lines)
        return 0
    try:
        with path.open("w", encoding="utf-8", newline="") as opened:
            opened.writelines(lines)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error
    return 0


def run_list(arguments: argparse.Namespace, platform: Platform) -> int:
    """The seals and applications of the actor's authority; of all, for the region."""
    at = utc_now()
    with platform.reading() as session:
        by = SYSTEM if arguments.actor is None else accounts.caller(session, arguments.actor)
        seals, asked = _mine(by)
        rows = [
            {"seal": row.es_id, "kind": str(row.kind), "state": str(life.present(row, at=at)),
             "until": row.valid_until.astimezone(CHINA).isoformat(timespec="seconds"),
             "owner": row.owner, "name": row.name}
            for row in session.scalars(seals)
        ]  # fmt: skip
        rows += [
            {"application": str(row.id), "kind": str(row.kind), "state": str(row.state),
             "applied_by": row.applied_by, "owner": row.owner, "name": row.name}
            for row in session.scalars(asked)
        ]  # fmt: skip
    if arguments.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    for shown in rows:
        print("  ".join(shown.values()))
    return 0


def _mine(by: Caller) -> tuple[Any, Any]:
    seals = select(Seal).order_by(Seal.made_at)
    asked = select(SealRequest).where(SealRequest.es_id.is_(None)).order_by(SealRequest.applied_at)
    if by.authority is not None:
        return seals.where(Seal.owner == by.authority), asked.where(
            SealRequest.owner == by.authority
        )
    life.require_region(by)
    return seals, asked
