"""A person closes their own account."""

from datetime import datetime
from typing import Final

from sso import accounts, closing, contact, logout, particulars
from sso.provider import Provider
from trust.access import Caller
from trust.errors import Forbidden

_CLOSED: Final = (
    "您的账户已按您的申请注销,个人信息和登录方式已删除。如非本人操作,请立即到办事窗口核实。"
    " / Your account was closed as you asked; your personal data and credentials are deleted. If "
    "it was not you, go to a service counter at once."
)


class StaffDoNotClose(Forbidden):
    """A staff account is closed by its security administrator, or nobody might be left."""

    code = "staff_do_not_close"


def close_own(provider: Provider, *, by: Caller, at: datetime) -> tuple[str, ...]:
    """Close the caller's own account for good, and tell them at every address it had; the frames
    of the platforms they were signed in to (`logout.end_all`). StaffDoNotClose."""
    with provider.sessions.begin() as session:
        account = accounts.find(session, by.account)
        if accounts.is_staff(account):
            raise StaffDoNotClose("a staff account is closed by its security administrator")
        known = None
        if account.particulars is not None:
            known = particulars.open_particulars(provider.vault, account)
        frames = logout.end_all(session, provider, account.name, by=by, at=at)
        closing.close(session, account, reason="closed by its holder", by=by, at=at)
    if known is not None:
        contact.tell(provider, known, _CLOSED)
    return frames
