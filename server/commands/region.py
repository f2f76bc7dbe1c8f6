"""`trust init`, `trust serve`, `trust audit`, `trust anchors`."""

import argparse
import json
from pathlib import Path

from certificates import publish
from server import provision
from server.platform import Platform
from trust.clock import utc_now
from trust.crypto.algorithms import Algorithm


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("init", help="建立一个地区 / set up a region")
    parser.add_argument("--region", required=True, metavar="CODE", help="GB/T 2260, six digits")
    parser.add_argument("--name", required=True)
    parser.add_argument("--claims", choices=("SM2-SM3", "ES256"), default="SM2-SM3")
    parser.set_defaults(run=run_init)
    parser = commands.add_parser("serve", help="启动服务 / run the HTTP service")
    parser.add_argument(
        "--allow-private-callbacks",
        action="store_true",
        help="calls to clients may reach loopback and private addresses",
    )
    parser.set_defaults(run=run_serve)
    parser = commands.add_parser("anchors", help="导出离线核验所需 / write what offline needs")
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.set_defaults(run=run_anchors)
    _add_audit(commands)


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    audits = commands.add_parser("audit", help="审计日志 / the audit log")
    inner = audits.add_subparsers(required=True, metavar="COMMAND")
    parser = inner.add_parser("verify", help="查找被改动、删除、调换的记录")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_audit_verify)
    parser = inner.add_parser("checkpoint", help="sign the log as it stands")
    parser.set_defaults(run=run_audit_checkpoint)


def run_init(arguments: argparse.Namespace, platform: Platform) -> int:
    plan = provision.RegionPlan(arguments.region, arguments.name, Algorithm(arguments.claims))
    provision.create_region(platform, plan, clock=utc_now)
    print(f"✓ 地区已建立 region {plan.code} {plan.name} in {platform.settings.home}")
    return 0


def run_serve(arguments: argparse.Namespace, platform: Platform) -> int:
    from server import serve  # the web stack is only loaded by the command that needs it

    settings = platform.settings
    if arguments.allow_private_callbacks:
        settings = settings.model_copy(update={"allow_private_callbacks": True})
    serve.run(settings)
    return 0


def run_anchors(arguments: argparse.Namespace, platform: Platform) -> int:
    at = utc_now()
    publish.publish_crls(platform.sessions, keys=platform.keys, at=at)
    files = publish.export_anchors(
        platform.reading, arguments.directory, keys=platform.keys, at=at,
        lifetime=platform.settings.status_lifetime,
    )  # fmt: skip
    print(f"✓ {len(files)} files in {arguments.directory}")
    return 0


def run_audit_verify(arguments: argparse.Namespace, platform: Platform) -> int:
    """0 when the log is whole, 1 when not; each fault is named."""
    found = provision.verify_audit(platform)
    if arguments.json:
        faults = [{"sequence": f.sequence, "what": f.what} for f in found.faults]
        print(json.dumps({"entries": found.entries, "faults": faults}, ensure_ascii=False))
    elif not found.faults:
        print(f"✓ 审计日志完整 the audit log is whole: {found.entries} entries")
    for fault in () if arguments.json else found.faults:
        print(f"✗ {fault}")
    return 1 if found.faults else 0


def run_audit_checkpoint(_arguments: argparse.Namespace, platform: Platform) -> int:
    print(provision.sign_checkpoints(platform, at=utc_now()), end="")
    return 0
