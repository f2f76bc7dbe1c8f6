"""`trust reporting`: the catalogue on its way up, and the regions that report to us."""

import argparse
import json
from pathlib import Path

from certificates.feeds import reporting, reporting_counts, reporting_receive, reporting_send
from server import feeds
from server import reporting as configured
from server.commands import files
from server.exits import Usage
from server.platform import Platform
from sso import accounts
from trust.access import SYSTEM, Caller
from trust.clock import utc_now


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("reporting", help="目录上报 / report the catalogue upward")
    acts = parser.add_subparsers(required=True, metavar="ACT", parser_class=type(parser))
    one = acts.add_parser("status", help="各状态的行数与对账 / rows by state, the last comparison")
    one.add_argument("--json", action="store_true")
    one.set_defaults(run=run_status)
    one = acts.add_parser("send", help="立即上报 / make and send what waits, now")
    one.set_defaults(run=run_send)
    one = acts.add_parser("reconcile", help="对账 / compare counts with the superior's")
    one.add_argument("--as", dest="actor", metavar="ACCOUNT")
    one.set_defaults(run=run_reconcile)
    one = acts.add_parser("resend", help="重报被退回的行 / send rejected rows again")
    one.add_argument("row", metavar="ROW|all")
    one.add_argument("--as", dest="actor", metavar="ACCOUNT")
    one.set_defaults(run=run_resend)
    one = acts.add_parser("withdraw", help="撤回误报 / take a licence out of the catalogue above")
    one.add_argument("identifier", metavar="IDENTIFIER")
    one.add_argument("--reason", required=True)
    one.add_argument("--as", dest="actor", metavar="ACCOUNT")
    one.set_defaults(run=run_withdraw)
    one = acts.add_parser("answer", help="读入回执 / read in an answer that came as a file")
    one.add_argument("file", type=Path, metavar="FILE.json")
    one.set_defaults(run=run_answer)
    one = acts.add_parser("source", help="登记下级地区 / let a lower region report to us")
    one.add_argument("rid", metavar="RID")
    one.add_argument("--division", required=True)
    one.add_argument("--name", required=True)
    one.add_argument("--as", dest="actor", metavar="ACCOUNT")
    one.set_defaults(run=run_source)


def _actor(arguments: argparse.Namespace, platform: Platform) -> Caller:
    """`--as`, or the platform itself: whoever may run commands here may do all of this."""
    if arguments.actor is None:
        return SYSTEM
    with platform.reading() as session:
        return accounts.caller(session, arguments.actor)


def run_status(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.reading() as session:
        states = reporting_counts.states(session)
        counts = reporting_counts.latest(session)
    if arguments.json:
        different = [[c.division, c.type_code, c.ours, c.theirs] for c in counts]
        print(json.dumps({"rows": states, "counts": different}))
        return 0
    print("  ".join(f"{name} {total}" for name, total in states.items()))
    for each in counts:
        mark = "✓" if each.ours == each.theirs else "✗"
        print(f"{mark} {each.division} {each.type_code}  {each.ours} / {each.theirs}")
    return 0


def run_send(arguments: argparse.Namespace, platform: Platform) -> int:
    found = configured.reporter(platform, utc_now)
    if found is None:
        raise Usage("no superior: set TRUST_REPORT_URL or TRUST_REPORT_DIRECTORY")
    feeds.route_all(platform, utc_now)
    sent = reporting_send.report_due(found)
    print(f"✓ 已上报 {sent} 批 sent {sent} batches")
    return 0


def run_reconcile(arguments: argparse.Namespace, platform: Platform) -> int:
    """0 when the counts agree, 1 when they do not."""
    ask = configured.ask(platform, utc_now)
    if ask is None:
        raise Usage("no superior that can be asked: set TRUST_REPORT_URL")
    by = _actor(arguments, platform)
    found = reporting_counts.reconcile(platform.sessions, ask, by=by, at=utc_now())
    different = [each for each in found if each.ours != each.theirs]
    for each in different:
        print(f"✗ {each.division} {each.type_code}  {each.ours} / {each.theirs}")
    print(f"{len(found)} 项 counts, {len(different)} 项不符 different")
    return 1 if different else 0


def run_resend(arguments: argparse.Namespace, platform: Platform) -> int:
    by, at = _actor(arguments, platform), utc_now()
    with platform.sessions.begin() as session:
        if arguments.row == "all":
            number = reporting.resend_all(session, by=by, at=at)
        elif arguments.row.isascii() and arguments.row.isdigit() and len(arguments.row) < 16:
            reporting.resend(session, int(arguments.row), by=by, at=at)
            number = 1
        else:
            raise Usage("give a row's number, or all")
    print(f"✓ 重报 {number} 行 {number} rows will be sent again")
    return 0


def run_withdraw(arguments: argparse.Namespace, platform: Platform) -> int:
    by = _actor(arguments, platform)
    with platform.sessions.begin() as session:
        reporting.withdraw(
            session, arguments.identifier, reason=arguments.reason, by=by, at=utc_now()
        )
    print(f"✓ 将撤回 will be withdrawn {arguments.identifier}")
    return 0


def run_answer(arguments: argparse.Namespace, platform: Platform) -> int:
    data = files.read(arguments.file, most=reporting_send.ANSWER_MAX)
    with platform.sessions.begin() as session:
        batch = reporting_send.take_answer(session, data, at=utc_now())
    print(f"✓ 已读入回执 answer taken {batch}")
    return 0


def run_source(arguments: argparse.Namespace, platform: Platform) -> int:
    by = _actor(arguments, platform)
    with platform.sessions.begin() as session:
        secret = reporting_receive.add_source(
            session, arguments.rid, division=arguments.division, name=arguments.name,
            vault=platform.vault, by=by, at=utc_now(),
        )  # fmt: skip
    print(f"✓ 已登记 added {arguments.rid}\n  密钥仅此一次 secret, shown once: {secret}")
    return 0
