"""The people and the platform of a demonstration, and the file in which their secrets lie.

They are made anew with every `trust demo`; the passwords are random, because a demonstration may be
left running, and `trust serve` prints them from the file.
"""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from server.commands.client import provider_of, register
from server.exits import CannotWrite
from server.platform import Platform
from sso import passwords, people, totp
from sso.particulars import CITIZEN_ID, Particulars
from sso.provider import Provider
from trust.access import SYSTEM, Role
from trust.errors import Invalid

FILE = "demo-accounts.json"
#: Where examples/platform listens.
PLATFORM = "http://localhost:8100"


@dataclass(frozen=True, slots=True)
class Plan:
    """One person of the demonstration. The numbers are made up and have good check digits."""

    name: str
    title: str
    person: Particulars
    level: int
    roles: frozenset[Role] = frozenset()
    at_authority: bool = False
    second_factor: bool = False


PLANS = (
    Plan(
        "zhangsan", "个人用户 a person",
        Particulars("张三", CITIZEN_ID, "11010519491231002X", mobile="13800000001"), 2,
    ),
    Plan(
        "lisi.approver", "审批员 an approver",
        Particulars("李四", CITIZEN_ID, "440524188001010014", mobile="13800000002"), 2,
        frozenset({Role.APPROVER}), at_authority=True, second_factor=True,
    ),
    Plan(
        "wangwu.admin", "系统管理员 a system administrator",
        Particulars("王五", CITIZEN_ID, "110101199003077475", mobile="13800000003"), 2,
        frozenset({Role.SYSTEM_ADMIN}), second_factor=True,
    ),
)  # fmt: skip


def make(platform: Platform, *, authority: str, at: datetime) -> dict[str, Any]:
    """Make them and write their secrets to the home's `demo-accounts.json` (0600)."""
    provider = provider_of(platform)
    accounts = [_person(platform, provider, plan, authority, at) for plan in PLANS]
    made = register(platform, provider, {
        "client_name": "示例平台 Example platform",
        "redirect_uris": [f"{PLATFORM}/callback"],
        "post_logout_redirect_uris": [f"{PLATFORM}/logged-out"],
        "backchannel_logout_uri": f"{PLATFORM}/backchannel-logout",
        "backchannel_logout_session_required": True,
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile identity level offline_access",
    })  # fmt: skip
    found = {
        "accounts": accounts,
        "client": {"client_id": made.client.client_id, "client_secret": made.client_secret,
                   "redirect_uri": f"{PLATFORM}/callback"},
    }  # fmt: skip
    _write(platform.settings.home / FILE, found)
    return found


def _person(
    platform: Platform, provider: Provider, plan: Plan, authority: str, at: datetime
) -> dict[str, str]:
    password, secret = secrets.token_urlsafe(15) + "-7Aa", ""
    with platform.sessions.begin() as session:
        account = people.add_person(
            session, platform.vault, plan.person, by=SYSTEM, at=at, name=plan.name,
            roles=plan.roles, authority=authority if plan.at_authority else None, level=plan.level,
        )  # fmt: skip
        passwords.set_password(session, account, password, hasher=provider.hasher, by=SYSTEM, at=at)
        if plan.second_factor:
            secret = totp.hand_out(session, platform.vault, account.name, by=SYSTEM, at=at)
    said = {"title": plan.title, "username": plan.name, "password": password}
    return said | ({"totp_secret": secret} if secret else {})


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)


def told(home: Path) -> list[str]:
    """What `trust serve` prints of a demonstration; nothing elsewhere."""
    path = home / FILE
    if not path.is_file():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        lines = ["演示账号 accounts of the demonstration:"]
        for each in found["accounts"]:
            code = f"  TOTP {each['totp_secret']}" if "totp_secret" in each else ""
            lines.append(f"  {each['title']}: {each['username']}  {each['password']}{code}")
        client = found["client"]
        lines.append(f"  接入平台 a client: {client['client_id']}  {client['client_secret']}  "
                     f"{client['redirect_uri']}")  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{path} was changed: run `trust demo` anew") from error
    return lines
