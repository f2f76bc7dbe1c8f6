"""What an account's holder is told of a recovery, by every address known of them."""

from datetime import datetime
from typing import Final

from sso import contact
from sso.particulars import Particulars
from sso.provider import Provider
from trust.clock import CHINA

#: Beneath the issuer; the page there asks once more before it cancels, since mail programs open
#: links by themselves.
CANCEL_PATH: Final = "/recover/cancel/"

_STAFF: Final = (
    "有人申请找回您的工作账户。工作账户由本单位安全管理员当面办理。如非本人操作,请告知安全管理员。"
    " / Somebody asked to recover your staff account: that goes by your security administrator, in "
    "person. If it was not you, tell them."
)
_COMPLETED: Final = (
    "您的账户已找回:口令已重设,其他登录均已结束。如非本人操作,请立即到办事窗口核实。"
    " / Your account was recovered: it has a new password and every session ended. If it was not "
    "you, go to a service counter at once."
)


def announce(provider: Provider, known: Particulars, cancel: str, *, ready_at: datetime) -> None:
    """Tell of a recovery that began, with the link that cancels it ("": staff, who have none)."""
    if not cancel:
        contact.tell(provider, known, _STAFF)
        return
    link = f"{provider.issuer}{CANCEL_PATH}{cancel}"
    when = f"{ready_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    text = (
        f"有人申请找回您的账户,最早 {when} 可重设口令(经人脸核验可立即重设)。如非本人操作,请取消: "
        f"{link} / Somebody asked to recover your account; its password may be set anew from {when}"
        f" on, at once after a face check. If it was not you, cancel: {link}"
    )
    contact.tell(provider, known, text)


def announce_completed(provider: Provider, known: Particulars) -> None:
    """Tell the addresses as they were before: the new ones belong to whoever recovered it."""
    contact.tell(provider, known, _COMPLETED)
