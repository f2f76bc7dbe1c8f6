"""How the account page says what it found: particulars masked, browsers by name, acts in words."""

import json
from collections.abc import Mapping
from typing import Any, Final

from server.pages import identity_words
from sso import masks
from sso.particulars import USCC, Particulars
from trust.audit import AuditEntry

#: What was done a moment ago, by the word that stands in the address.
DONE: Final[dict[str, tuple[str, str]]] = {
    "raised": ("认证等级依据已增加。", "Your identity was checked."),
    "recovery-cancelled": ("找回已取消，请考虑更改密码。", "Stopped. Consider a new password."),
    "password": ("密码已更改，其他设备已退出。", "Password changed; other devices signed out."),
    "passkey": ("通行密钥已添加。", "Passkey added."),
    "certificate": ("数字证书已登记。", "Certificate registered."),
    "contact": ("联系方式已更改，并已通知原联系方式。", "Changed; the old address was told."),
    "represents": ("您已代表该单位。", "You now act for the organisation."),
    "removed": ("已移除。", "Removed."),
}

_BROWSERS: Final = (
    ("MicroMessenger", "微信 WeChat"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def particulars(known: Particulars) -> list[tuple[str, str, str]]:
    """Chinese, English, value: everything masked."""
    body = known.key_type == USCC
    number = masks.mask_code(known.key_number) if body else masks.mask_number(known.key_number)
    facts = [
        ("统一社会信用代码", "USCC", number) if body else ("证件号", "Document number", number)
    ]
    if known.mobile:
        facts.append(("手机", "Mobile", masks.mask_mobile(known.mobile)))
    if known.email:
        facts.append(("电子邮箱", "E-mail", masks.mask_email(known.email)))
    return facts


def device(user_agent: str) -> str:
    """`Chrome · Windows`: what a person recognises in what a browser says of itself."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return " · ".join(each for each in (browser, system) if each) or "未知设备 Unknown device"


def entry(row: AuditEntry, names: Mapping[str, str]) -> dict[str, Any]:
    """A line of somebody's history; acts without words are named by their code, platforms
    by the name in `names`."""
    details = json.loads(row.details)
    client = str(details.get("client", ""))
    more = [each for each in (names.get(client, client), str(details.get("purpose", ""))) if each]
    if row.account not in (row.subject, "anonymous", "system"):
        more.append(f"经办 by {row.account}")
    if isinstance(details.get("methods"), list):
        more.append(identity_words.methods(map(str, details["methods"])))
    return {
        "words": identity_words.ACTS.get(row.act, (row.act, row.act)), "at": row.at,
        "sequence": row.sequence, "more": " · ".join(more),
    }  # fmt: skip
