"""`trust upstream`: other identity systems through which people log in here."""

import argparse
from pathlib import Path

from pydantic import SecretStr

from server.exits import CannotOpen, Usage
from server.platform import Platform
from sso import upstreams
from sso.policy import ACR_PREFIX
from trust.access import SYSTEM
from trust.clock import utc_now

#: What another deployment of this platform sends.
OWN = [f"{ACR_PREFIX}{level}={level}" for level in range(4)]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("upstream", help="上级身份源 / other identity systems")
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    parser = inner.add_parser("add", help="an OpenID Provider that proves who people are")
    parser.add_argument("slug", metavar="NAME", help="short: 2 to 32 of a-z, 0-9, -")
    parser.add_argument("--name", required=True, help="as people read it")
    parser.add_argument("--issuer", required=True, metavar="URL")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--secret-file", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--acr", action="append", metavar="VALUE=LEVEL", help="what its acr is worth"
    )
    parser.add_argument("--level-cap", type=int, choices=(0, 1, 2, 3), default=2)
    parser.add_argument("--scope", default=upstreams.SCOPE)
    parser.add_argument("--known-only", action="store_true", help="make no new accounts")
    parser.set_defaults(run=run_add)
    parser = inner.add_parser("disable", help="no login through it from now on")
    parser.add_argument("slug", metavar="NAME")
    parser.set_defaults(run=run_disable)


def run_add(arguments: argparse.Namespace, platform: Platform) -> int:
    secret = _read(arguments.secret_file)
    with platform.sessions.begin() as session:
        made = upstreams.add(
            session, platform.vault, arguments.slug, name=arguments.name, issuer=arguments.issuer,
            client_id=arguments.client_id, secret=secret.get_secret_value(),
            levels=dict(_worth(word) for word in arguments.acr or OWN),
            level_cap=arguments.level_cap, scope=arguments.scope,
            creates=not arguments.known_only, by=SYSTEM, at=utc_now(),
        )  # fmt: skip
        print(f"✓ {made.name} {made.issuer}")
    return 0


def _worth(word: str) -> tuple[str, int]:
    acr, _, level = word.rpartition("=")
    if not acr or level not in ("0", "1", "2", "3"):
        raise Usage("--acr is VALUE=LEVEL, the level 0 to 3")
    return acr, int(level)


def _read(path: Path) -> SecretStr:
    try:
        with path.open(encoding="ascii") as file:
            return SecretStr(file.readline(1000).strip())
    except (OSError, UnicodeDecodeError) as error:
        raise CannotOpen(f"{path} cannot be read") from error


def run_disable(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        upstreams.disable(session, arguments.slug, by=SYSTEM, at=utc_now())
    print(f"✓ 已停用 disabled {arguments.slug}")
    return 0
