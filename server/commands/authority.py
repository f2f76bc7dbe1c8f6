"""`trust authority add`: who issues here."""

import argparse

from certificates.licence_types import registry as type_registry
from server import provision
from server.exits import Usage
from server.platform import Platform
from server.provision import AuthorityPlan
from trust import identifiers
from trust.access import Role
from trust.clock import utc_now

_ROLES = {role.value: role for role in Role}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    authorities = commands.add_parser("authority", help="颁发机构 / issuing authorities")
    inner = authorities.add_subparsers(required=True, metavar="COMMAND")
    parser = inner.add_parser("add", help="an authority, its people and its seal")
    parser.add_argument("--code", required=True, help="its unified social credit code")
    parser.add_argument("--name", required=True)
    parser.add_argument("--division", required=True, help="GB/T 2260, six digits")
    parser.add_argument("--type", action="append", required=True, dest="types", metavar="TYPE")
    parser.add_argument(
        "--person", action="append", required=True, dest="people", metavar="ACCOUNT:NAME:ROLE"
    )
    parser.set_defaults(run=run_add)


def run_add(arguments: argparse.Namespace, platform: Platform) -> int:
    """Make the authority with a licence seal drawn from its name."""
    identifiers.check_division(arguments.division)
    people = tuple(_person(text) for text in arguments.people)
    if Role.SEAL_ADMIN not in {role for _, _, role in people}:
        raise Usage("one of the people must be a seal_admin: the seal is made by them")
    with platform.reading() as session:
        types = tuple(type_registry.current(session, key).code for key in arguments.types)
    plan = AuthorityPlan(
        code=arguments.code, name=arguments.name, division=arguments.division,
        types=types,
        seal_name=f"{arguments.name}电子证照专用章", seal_purpose="电子证照专用章", people=people,
    )  # fmt: skip
    provision.create_authority(platform, plan, at=utc_now())
    print(f"✓ {plan.name} {plan.code}: {', '.join(name for name, _, _ in people)}")
    return 0


def _person(text: str) -> tuple[str, str, Role]:
    parts = text.split(":")
    if len(parts) != 3 or parts[2] not in _ROLES:
        raise Usage(f"--person is ACCOUNT:NAME:ROLE, the role one of {', '.join(_ROLES)}")
    return parts[0], parts[1], _ROLES[parts[2]]
