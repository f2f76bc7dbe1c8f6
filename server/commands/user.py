"""`trust user`: people and organisations who log in here, by an operator of the machine."""

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy.orm import Session

from certificates.models import Authority
from server.commands.client import provider_of
from server.commands.user_roles import read_roles
from server.exits import CannotOpen, Usage
from server.platform import Platform
from sso import assurance, closing, import_rows, importing, passwords, people, totp
from sso.models import Account
from sso.particulars import CITIZEN_ID, Particulars
from sso.provider import Provider
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.errors import NotFound
from trust.report import printable

_READERS = {
    "people": import_rows.read_people, "organisations": import_rows.read_organisations,
}  # fmt: skip


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("user", help="用户 / people who log in here")
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    parser = inner.add_parser("add", help="a person; prints sub and user name")
    parser.add_argument("--name", required=True, help="the person's name")
    parser.add_argument("--id-number", required=True, metavar="NUMBER")
    parser.add_argument("--id-type", default=CITIZEN_ID, metavar="CODE", help="GB/T 36903, annex A")
    parser.add_argument("--username", help="made up when absent")
    parser.add_argument("--mobile", default="")
    parser.add_argument("--email", default="")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument("--password", help="others on this machine see it: better a file")
    secret.add_argument("--password-file", type=Path, metavar="FILE", help="- is standard input")
    parser.add_argument("--totp", action="store_true", help="print a TOTP secret, enrolled at once")
    parser.add_argument("--level", type=int, choices=(0, 1, 2, 3), help="seen at a counter")
    parser.add_argument("--role", action="append", default=[], metavar="ROLE[@AUTHORITY]")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run_add)
    parser = inner.add_parser("import", help="organisations and people from CSV or JSON lines")
    parser.add_argument("what", choices=("people", "organisations"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="report only, change nothing")
    parser.set_defaults(run=run_import)
    parser = inner.add_parser("close", help="for good: no login, personal data forgotten")
    parser.add_argument("username", metavar="NAME")
    parser.add_argument("--reason", required=True)
    parser.set_defaults(run=run_close)


def run_add(arguments: argparse.Namespace, platform: Platform) -> int:
    provider, at = provider_of(platform), utc_now()
    roles, authority = read_roles(arguments.role)
    person = Particulars(
        arguments.name, arguments.id_type, arguments.id_number, mobile=arguments.mobile,
        email=arguments.email,
    )  # fmt: skip
    password = _password(arguments)
    secret = ""
    with platform.sessions.begin() as session:
        if authority is not None and session.get(Authority, authority) is None:
            raise NotFound(f"no authority {authority}")
        account = people.add_person(
            session, platform.vault, person, by=SYSTEM, at=at, name=arguments.username,
            roles=roles, authority=authority,
        )  # fmt: skip
        if arguments.level is not None:
            _note_level(session, account, arguments.level, at)
        if password is not None:
            _set_password(session, provider, account, password, person, at)
        if arguments.totp:
            secret = totp.hand_out(session, platform.vault, account.name, by=SYSTEM, at=at)
        said = {"sub": account.sub, "username": account.name}
    if secret:
        said["totp_secret"] = secret
    if arguments.json:
        print(json.dumps(said, ensure_ascii=False))
    else:
        print("✓ " + "\n  ".join(f"{name} {value}" for name, value in said.items()))
    return 0


def _password(arguments: argparse.Namespace) -> SecretStr | None:
    if arguments.password is not None:
        return SecretStr(arguments.password)
    if arguments.password_file is None:
        return None
    try:
        if str(arguments.password_file) == "-":
            return SecretStr(sys.stdin.readline().rstrip("\n"))
        with arguments.password_file.open(encoding="utf-8") as file:
            return SecretStr(file.readline(2000).rstrip("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise CannotOpen(f"{arguments.password_file} cannot be read") from error


def _note_level(session: Session, account: Account, level: int, at: datetime) -> None:
    """An operator vouches for the person, as a counter does."""
    assurance.add_evidence(
        session, account.name, "imported", by=SYSTEM, at=at, source="operator", level=level
    )


def _set_password(
    session: Session, provider: Provider, account: Account, password: SecretStr,
    person: Particulars, at: datetime,
) -> None:  # fmt: skip
    """On somebody's own machine a weak password is only warned of: it is for trying things out."""
    text, hasher = password.get_secret_value(), provider.hasher
    words = (person.name, person.key_number, person.mobile)
    try:
        passwords.set_password(session, account, text, hasher=hasher, by=SYSTEM, at=at, words=words)
    except passwords.WeakPassword as error:
        if not provider.policy.development:
            raise
        print(f"trust: a weak password, refused elsewhere: {error}", file=sys.stderr)
        passwords.set_weak_password(session, account, text, hasher=hasher, by=SYSTEM, at=at)


def run_import(arguments: argparse.Namespace, platform: Platform) -> int:
    """0 when every row is in; 1 when one was refused, and then none was entered."""
    at = utc_now()
    read = _READERS[arguments.what]
    rows = read(_content(arguments.file), _form(arguments.file), at=at)
    try:
        if arguments.check:
            with platform.reading() as session:
                report = importing.check(session, platform.vault, rows, by=SYSTEM, at=at)
        else:
            report = importing.run(platform.sessions, platform.vault, rows, by=SYSTEM, at=at)
    except importing.ImportRefused as error:
        report = error.report
    for problem in report.problems:
        print(f"✗ line {problem.line}, {problem.column or 'row'}: {printable(problem.rule)}")
    print(f"{report.rows} rows: {report.new} new, {report.present} here already, "
          f"{len(report.problems)} faults")  # fmt: skip
    return 1 if report.problems else 0


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(import_rows.FILE_MAX + 1)
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error


def _form(path: Path) -> import_rows.Format:
    if path.suffix.lower() == ".csv":
        return "csv"
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    raise Usage("the file is .csv or .jsonl")


def run_close(arguments: argparse.Namespace, platform: Platform) -> int:
    with platform.sessions.begin() as session:
        account = session.get(Account, arguments.username)
        if account is None:
            raise NotFound(f"no account {arguments.username[:64]}")
        closing.close(session, account, reason=arguments.reason, by=SYSTEM, at=utc_now())
    print(f"✓ 已注销 closed {arguments.username}")
    return 0
