"""`trust region`: other regions, by whose lists they are known, and what is recognised of them."""

import argparse
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from server import region_login
from server.commands import files, region_evidence
from server.exits import Usage
from server.platform import Platform
from sso import region_logins
from trust import identifiers, list_sources, recognition_policy, recognition_withdraw
from trust.access import SYSTEM
from trust.clock import CHINA, utc_now
from trust.errors import Invalid
from trust.list_store import ListStore
from trust.recognition import ANY, Conditions, Verdict
from trust.recognition_withdraw import Falls
from trust.report import printable


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("region", help="其他地区 / other regions and their recognition")
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_sources(inner)
    parser = inner.add_parser("policy", help="互认规则 / what is recognised; shows without --say")
    parser.add_argument("region", nargs="?", default=ANY, metavar="CODE", help="* is any region")
    parser.add_argument("--type", default=ANY, metavar="CODE", help="national type code; * any")
    parser.add_argument("--say", choices=[each.value for each in Verdict])
    parser.add_argument("--level", type=int, metavar="N", help="conditional: at least this level")
    parser.add_argument("--seal", action="append", default=[], metavar="KIND")
    parser.add_argument("--field", action="append", default=[], metavar="NAME")
    parser.add_argument("--since", type=_moment, metavar="TIME")
    parser.add_argument("--map-type", action="append", default=[], metavar="LOCAL=NATIONAL")
    parser.add_argument("--map-field", action="append", default=[], metavar="LOCAL=NATIONAL")
    parser.set_defaults(run=run_policy)
    parser = inner.add_parser("withdraw", help="停止互认 / no longer recognise; tells what falls")
    parser.add_argument("region", metavar="CODE")
    parser.add_argument("--issuer", default="", metavar="USCC", help="one of its issuers only")
    parser.add_argument("--basis", default="", metavar="TEXT", help="the legal basis")
    parser.add_argument("--from", dest="since", type=_moment, metavar="TIME", help="else now")
    parser.add_argument("--compromised", action="store_true", help="what is older falls too")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would fall")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_withdraw)
    region_evidence.add(inner)
    parser = inner.add_parser("restore", help="恢复互认 / recognise it again")
    parser.add_argument("region", metavar="CODE")
    parser.add_argument("--issuer", default="", metavar="USCC")
    parser.set_defaults(run=run_restore)
    parser = inner.add_parser("login", help="登录互认 / whose people log in here; in step now")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_login)


def _add_sources(inner: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = inner.add_parser("add", help="its list's address and who signs it")
    parser.add_argument("region", metavar="CODE")
    parser.add_argument("--uri", required=True, metavar="URL", help="such as https://…/trust-list")
    parser.add_argument(
        "--signer", action="append", type=Path, required=True, metavar="FILE.pem",
        help="the certificate that signs its list; had by a way that can be trusted",
    )  # fmt: skip
    parser.add_argument("--name", default="")
    parser.add_argument("--point", action="store_true", help="our own list points to it (a hub)")
    parser.set_defaults(run=run_add)
    parser = inner.add_parser("pin", help="other signers of its list from now on")
    parser.add_argument("region", metavar="CODE")
    parser.add_argument("--signer", action="append", type=Path, required=True, metavar="FILE.pem")
    parser.set_defaults(run=run_pin)
    parser = inner.add_parser("drop", help="fetch its list no more")
    parser.add_argument("region", metavar="CODE")
    parser.set_defaults(run=run_drop)
    parser = inner.add_parser("list", help="the regions that are known, and by whom")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_list)


def _moment(text: str) -> datetime:
    """A time, or a day, in China where no zone is given."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=CHINA)


def _signers(paths: list[Path]) -> tuple[bytes, ...]:
    return tuple(each.der for path in paths for each in files.read_certificates(path))


def run_add(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        made = list_sources.add(
            session, arguments.region, name=arguments.name or _name(arguments.region),
            uri=arguments.uri, signers=_signers(arguments.signer), pointed=arguments.point,
            by=SYSTEM, at=utc_now(),
        )  # fmt: skip
        print(f"✓ {made.region} {printable(made.name)} {made.uri}")
    return 0


def _name(region: str) -> str:
    try:
        return identifiers.division_name(region)
    except Invalid:
        return region


def run_pin(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        list_sources.pin(
            session, arguments.region, signers=_signers(arguments.signer), by=SYSTEM, at=utc_now()
        )
    print(f"✓ {arguments.region}")
    return 0


def run_drop(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        list_sources.drop(session, arguments.region, by=SYSTEM, at=utc_now())
    region_login.keep_in_step(platform, at=utc_now())
    print(f"✓ {arguments.region}")
    return 0


def run_list(arguments: argparse.Namespace, platform: Platform) -> int:
    at, found = utc_now(), []
    for each in ListStore(platform.reading).regions():
        found.append({
            "region": each.code, "name": each.name, "uri": each.uri, "named_by": each.parent,
            "freshness": str(each.freshness(at)), "dropped": each.dropped_at is not None,
        })  # fmt: skip
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    for row in found:
        by = row["named_by"] or "by hand"
        print(f"{row['region']}  {row['freshness']:7}  {by:7}  {row['uri']}  "
              f"{printable(str(row['name']))}")  # fmt: skip
    return 0


def run_policy(arguments: argparse.Namespace, platform: Platform) -> int:
    maps = [
        *((recognition_policy.TYPE, each) for each in arguments.map_type),
        *((recognition_policy.FIELD, each) for each in arguments.map_field),
    ]
    at = utc_now()
    if arguments.say:
        conditions = Conditions(
            arguments.level, frozenset(arguments.seal), frozenset(arguments.field)
        )
        with platform.sessions.begin() as session:
            recognition_policy.set_rule(
                session, arguments.region, arguments.type, Verdict(arguments.say),
                conditions=conditions, since=arguments.since, by=SYSTEM, at=at,
            )  # fmt: skip
    for kind, text in maps:
        local, equals, national = text.partition("=")
        if not equals:
            raise Usage("a mapping is LOCAL=NATIONAL; LOCAL= takes it back")
        with platform.sessions.begin() as session:
            recognition_policy.map_code(
                session, arguments.region, kind, local, national, by=SYSTEM, at=at
            )
    if arguments.say:
        region_login.keep_in_step(platform, at=at)
    _show_policy(arguments.region, platform)
    return 0


def _show_policy(region: str, platform: Platform) -> None:
    with platform.reading() as session:
        policy = recognition_policy.load(session)
    for rule in policy.rules:
        if region in (ANY, rule.region):
            since = "always" if rule.since.year == 1 else f"{rule.since:%Y-%m-%dT%H:%M:%SZ}"
            conditions = json.dumps(rule.conditions.as_json(), ensure_ascii=False)
            extra = f"  {conditions}" if rule.verdict is Verdict.CONDITIONAL else ""
            print(f"{rule.region:6}  {rule.type_code:24}  {rule.verdict:11}  {since}{extra}")
    for name, mapping in (("type", policy.types), ("field", policy.fields)):
        for (of, local), national in sorted(mapping.items()):
            if region in (ANY, of):
                print(f"{of:6}  {name} {local} = {national}")
    for each in policy.withdrawals:
        if region in (ANY, each.region) and each.lifted_at is None:
            print(f"{each.region:6}  withdrawn {each.issuer or 'all'} from "
                  f"{each.effective_at:%Y-%m-%dT%H:%M:%SZ}")  # fmt: skip


def run_withdraw(arguments: argparse.Namespace, platform: Platform) -> int:
    at = utc_now()
    since = arguments.since or at
    if since < at - timedelta(days=36_500):
        raise Usage("--from is a time of this century")
    if arguments.dry_run:
        with platform.reading() as session:
            found = recognition_withdraw.falls(
                session, arguments.region, issuer=arguments.issuer, effective_at=since,
                compromised=arguments.compromised,
            )  # fmt: skip
    else:
        with platform.sessions.begin() as session:
            found = recognition_withdraw.withdraw(
                session, arguments.region, issuer=arguments.issuer, effective_at=since,
                compromised=arguments.compromised, basis=arguments.basis, by=SYSTEM, at=at,
            )  # fmt: skip
        region_login.keep_in_step(platform, at=at)
    if arguments.json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
    else:
        _tell(found, "将失效 would fall" if arguments.dry_run else "✓ 已停止互认 withdrawn")
    return 0


def _tell(found: Falls, head: str) -> None:
    about: list[tuple[str, Any]] = [
        ("证照 licences seen, of them falling", f"{found.licences}, {found.falling}"),
        *((f"  {code}", count) for code, count in found.by_type),
        ("服务 services", ", ".join(f"{kind} {count}" for kind, count in found.services) or "-"),
        ("规则 rules", found.rules),
        ("下级 lists that only it names", ", ".join(found.below) or "-"),
    ]
    print(f"{head}: {found.region} {found.issuer}")
    for name, value in about:
        print(f"  {name}: {value}")


def run_restore(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        recognition_withdraw.lift(
            session, arguments.region, issuer=arguments.issuer, by=SYSTEM, at=utc_now()
        )
    region_login.keep_in_step(platform, at=utc_now())
    print(f"✓ {arguments.region} {arguments.issuer}".rstrip())
    return 0


def run_login(arguments: argparse.Namespace, platform: Platform) -> int:
    """What the service does every ten minutes, now; then every connection there is or was."""
    kept = region_login.keep_in_step(platform, at=utc_now())
    with platform.reading() as session:
        rows = [
            {"region": row.region, "name": row.name, "issuer": row.issuer,
             "level_min": row.level_min, "connected": row.ended_at is None, "reason": row.reason}
            for row in region_logins.connected(session)
        ]  # fmt: skip
    if arguments.json:
        print(json.dumps({"regions": rows, "refused": kept.refused}, ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        told = "✓" if row["connected"] else f"✗ {row['reason']}"
        print(f"{row['region']}  {told}  {row['issuer']}  {printable(str(row['name']))}")
    for region, code in kept.refused:
        print(f"! {region} {code}")
    return 0
