"""`trust issue` and `trust revoke`: acts on licences by command, with a named actor."""

import argparse
import json
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates import issue, publish, revoke
from certificates.applications import verbs as applications
from certificates.licence_types import registry as type_registry
from certificates.models import Authority, Licence
from server import provision
from server.commands import batch
from server.exits import CannotOpen, CannotWrite, Usage
from server.platform import Platform
from sso import accounts
from sso.models import Account, AccountRole
from trust.access import Caller, Role
from trust.clock import utc_now
from trust.crypto import jose
from trust.crypto.errors import Malformed
from trust.errors import Forbidden, Invalid, NotFound

DATA_MAX = 2 * 1024 * 1024


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("issue", help="签发一份证照 / issue a licence")
    parser.add_argument("--type", required=True, help="code, slug or Chinese name")
    parser.add_argument("--data", type=Path, metavar="FILE.json")
    parser.add_argument("--out", type=Path, metavar="FILE.pdf")
    parser.add_argument("--as", dest="actor", metavar="ACCOUNT", help="who approves")
    parser.add_argument("--json", action="store_true")
    batch.add(parser)
    parser.set_defaults(run=run_issue)
    parser = commands.add_parser("revoke", help="吊销一份证照 / revoke a licence")
    parser.add_argument("identifier", metavar="ID")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--basis", default=revoke.UNSTATED, help="legal basis")
    parser.add_argument("--as", dest="actor", metavar="ACCOUNT", help="who revokes")
    parser.set_defaults(run=run_revoke)


def run_issue(arguments: argparse.Namespace, platform: Platform) -> int:
    """Enter as the local operator, approve and issue as `--as`, write the sealed file."""
    if arguments.batch is not None:
        return batch.run(arguments, platform, approver=_approver)
    if arguments.data is None or arguments.out is None:
        raise Usage("give --data and --out for one licence, or --batch for many")
    data = read_data(arguments.data)
    _require_writable(arguments.out)
    at = utc_now()
    provision.recover(platform, at=at)
    licence = issue_one(platform, arguments.type, data, actor=arguments.actor, at=at)
    try:
        arguments.out.write_bytes(platform.store.get(licence.identifier))
    except OSError as error:
        raise CannotWrite(f"{arguments.out} cannot be written; the licence is issued: "
                          f"{licence.identifier}") from error  # fmt: skip
    if arguments.json:
        found = {"identifier": licence.identifier, "number": licence.number,
                 "qr": licence.claim, "file": str(arguments.out)}  # fmt: skip
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(f"✓ 已签发 issued {licence.identifier}\n  {arguments.out}")
    return 0


def issue_one(
    platform: Platform, type_key: str, data: dict[str, object], *, actor: str | None, at: datetime
) -> Licence:
    """The whole way of one licence for a command on this machine."""
    with platform.sessions.begin() as session:
        by = _approver(session, type_key, actor)
        operator = Caller("operator", by.authority, frozenset({Role.OPERATOR}))
        entered = applications.enter(
            session, type_key, data, authority=by.authority or "", by=operator, at=at,
            vault=platform.vault, fallback=platform.settings.fallback_font,
        )  # fmt: skip
        applications.approve(session, entered.id, by=by, at=at)
        key = entered.id
    return issue.issue(platform.workshop(at=utc_now()), key, by=by, at=at)


def _approver(session: Session, type_key: str, actor: str | None) -> Caller:
    """`--as`, or the first approver of the authority that issues the type."""
    licence_type = type_registry.current(session, type_key)
    if actor is not None:
        by = accounts.caller(session, actor)
        if by.authority is None:
            raise Forbidden(f"account {actor} acts for no authority")
        return by
    for authority in session.scalars(select(Authority).order_by(Authority.code)):
        if licence_type.code in authority.types:
            return _first_approver(session, authority.code)
    raise NotFound(f"no authority here issues {licence_type.name}")


def _first_approver(session: Session, authority: str) -> Caller:
    name = session.scalar(
        select(Account.name)
        .join(AccountRole, AccountRole.account == Account.name)
        .where(Account.authority == authority, AccountRole.role == Role.APPROVER)
        .order_by(Account.name)
        .limit(1)
    )
    if name is None:
        raise NotFound(f"authority {authority} has no approver")
    return accounts.caller(session, name)


def read_data(path: Path) -> dict[str, object]:
    """A JSON object out of a file: CannotOpen or Invalid."""
    try:
        if path.stat().st_size > DATA_MAX:
            raise Invalid(f"{path} is over {DATA_MAX} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error
    try:
        found = jose.load_json(raw.decode())
    except (UnicodeDecodeError, Malformed) as error:
        raise Invalid(f"{path} is not JSON in UTF-8") from error
    if not isinstance(found, dict):
        raise Invalid(f"{path} is not a JSON object")
    return found


def _require_writable(path: Path) -> None:
    """Before anything irreversible: can the result be put where it is wanted?"""
    there = path.exists()
    try:
        with path.open("ab"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error


def run_revoke(arguments: argparse.Namespace, platform: Platform) -> int:
    at = utc_now()
    with platform.sessions.begin() as session:
        if arguments.actor is not None:
            by = accounts.caller(session, arguments.actor)
        else:
            by = _first_approver(session, _authority_of(session, arguments.identifier))
        licence = revoke.revoke(
            session, arguments.identifier, reason=arguments.reason, by=by, at=at,
            vault=platform.vault, basis=arguments.basis,
        )  # fmt: skip
    print(f"✓ 已吊销 revoked {licence.identifier}")
    _refresh_published(platform, at)
    return 0


def _refresh_published(platform: Platform, at: datetime) -> None:
    """The folder that this home publishes, if it has one, tells of the change at once."""
    published = platform.settings.home / "anchors"
    if published.is_dir():
        publish.export_anchors(
            platform.reading, published, keys=platform.keys, at=at,
            lifetime=platform.settings.status_lifetime,
        )  # fmt: skip


def _authority_of(session: Session, identifier: str) -> str:
    authority = session.scalar(select(Licence.authority).where(Licence.identifier == identifier))
    if authority is None:
        raise NotFound(f"no licence {identifier[:200]}")
    return authority
