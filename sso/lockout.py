"""What follows when tries run out: an entry in the audit log, and word to the holder."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sso import particulars, throttle
from sso.accounts import ANONYMOUS
from sso.messages import MessageNotSent
from sso.models import Account
from sso.provider import Provider
from sso.throttle import Counter
from trust import audit

#: In the audit log, where no account is meant by what was typed.
UNKNOWN = "unknown"

_logger = logging.getLogger("sso.lockout")
_TEXTS = {
    "password": (
        "您的账户多次输错口令,已暂时限制来自该网络的登录。如非本人操作,请修改口令。"
        " / Too many wrong passwords: sign-in from that network is paused for a while."
    ),
    "totp": (
        "您的账户多次输错动态验证码,已暂时锁定。输错者已知道您的口令:如非本人操作,请立即修改口令。"
        " / Too many wrong authenticator codes: they are locked for a while. Whoever tried knew "
        "your password; if it was not you, change it now."
    ),
    "recovery": (
        "您的账户多次输错恢复码,已暂时锁定。如非本人操作,请立即修改口令。"
        " / Too many wrong recovery codes: they are locked for a while."
    ),
}


def lock_began(
    provider: Provider, account: str | None, began: Sequence[Counter], *, at: datetime
) -> None:
    """Audit the locks that a failed try began, and tell the holder (once a day of each kind).

    The lock itself stands already (`throttle.admit`); a crash here leaves it without the entry.
    """
    own = [counter for counter in began if counter.who]
    with provider.sessions.begin() as session:
        kind = own[0].kind if own else ""
        tell = account is not None and bool(own) and throttle.told(session, account, kind, at=at)
        to = _reach(provider, session.get_one(Account, account)) if tell and account else None
        details: dict[str, audit.JSON] = {
            "kinds": sorted(counter.kind for counter in began), "told": to is not None,
        }  # fmt: skip
        audit.record(
            session, "sign_in.locked", subject=account or UNKNOWN, by=ANONYMOUS, at=at,
            details=details,
        )  # fmt: skip
    if to is not None:
        _send(provider, to, _TEXTS.get(kind.partition("_")[0], _TEXTS["password"]))


def _reach(provider: Provider, account: Account) -> tuple[str, str] | None:
    """("sms", mobile) or ("email", address), or None for an account that gave neither."""
    try:
        known = particulars.open_particulars(provider.vault, account)
    except particulars.NoParticulars:
        return None
    if known.mobile:
        return "sms", known.mobile
    return ("email", known.email) if known.email else None


def _send(provider: Provider, to: tuple[str, str], text: str) -> None:
    kind, address = to
    try:
        provider.messages.send("sms" if kind == "sms" else "email", address, text)
    except MessageNotSent:
        # The lock matters more than the word about it; the account's page shows it too.
        _logger.warning("the holder of a locked account could not be told")
