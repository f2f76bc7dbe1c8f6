"""Another mobile number or e-mail address: proved by a code, and told to the old one."""

import logging
from datetime import datetime
from typing import Final

from sso import accounts, one_time_code, particulars, people
from sso.messages import Kind, MessageNotSent
from sso.models import Account
from sso.one_time_code import Purpose
from sso.particulars import Particulars
from sso.provider import Provider
from trust.access import Caller

_CHANGED: Final = (
    "您账户的联系方式已更改。如非本人操作,请立即找回账户。"
    " / The contact details of your account were changed. If it was not you, recover it now."
)
_LOST: Final = (
    "您账户登记的证件号码已由另一账户以更高等级核验,您的账户不再以该号码识别,登录均已结束。"
    "如有疑问,请到办事窗口核实。"
    " / Another account proved the document number of yours at a higher level: your account no "
    "longer goes by it, and every session ended. If this is wrong, go to a service counter."
)
_RESET: Final = (
    "安全管理员已重置您工作账户的第二因素,登录均已结束,下次登录时须重新开通。如非您当面申请,请立即报告。"
    " / Your security administrator reset the second factors of your staff account; set one up "
    "when you next sign in. If you did not ask for it in person, report it at once."
)
_logger = logging.getLogger("sso.contact")


def begin_change(
    provider: Provider, account_name: str, kind: Kind, to: str, *, at: datetime
) -> None:
    """Send a code to the new address, good for this account only; InvalidParticulars, TooManyCodes,
    MessageNotSent."""
    address = _normal(kind, to)
    one_time_code.send(
        provider.sessions, provider.vault, provider.messages, to=address, kind=kind,
        purpose=Purpose.CONTACT, at=at, binding=account_name,
    )  # fmt: skip


def finish_change(
    provider: Provider, account_name: str, kind: Kind, to: str, code: str, *, by: Caller,
    at: datetime,
) -> None:  # fmt: skip
    """Change it; WrongOneTimeCode, or AccountTaken for another account's mobile."""
    address = _normal(kind, to)
    one_time_code.verify(
        provider.sessions, provider.vault, to=address, purpose=Purpose.CONTACT, code=code, at=at,
        binding=account_name,
    )  # fmt: skip
    with provider.sessions.begin() as session:
        account = accounts.find(session, account_name)
        before = people.change_contact(
            session, provider.vault, account, by=by, at=at,
            mobile=address if kind == "sms" else None, email=address if kind == "email" else None,
        )  # fmt: skip
    tell(provider, before, _CHANGED)


def tell(provider: Provider, known: Particulars, text: str) -> int:
    """Say something to a person by every address known of them; how many took it.

    An adapter that fails is logged and no reason to undo what was done.
    """
    told = 0
    for kind, to in (("sms", known.mobile), ("email", known.email)):
        if not to:
            continue
        try:
            provider.messages.send("sms" if kind == "sms" else "email", to, text)
            told += 1
        except MessageNotSent:
            _logger.warning("an account's holder could not be told by %s", kind)
    return told


def tell_lost(provider: Provider, account_name: str) -> None:
    """Say to the holder of an account that it lost its number (sso.claim_key)."""
    _tell_holder(provider, account_name, _LOST)


def tell_reset(provider: Provider, account_name: str) -> None:
    """Say to a member of staff that their second factors were reset (sso.factor_reset)."""
    _tell_holder(provider, account_name, _RESET)


def _tell_holder(provider: Provider, account_name: str, text: str) -> None:
    with provider.reading() as session:
        account = session.get_one(Account, account_name)
        if account.particulars is None:
            return
        known = particulars.open_particulars(provider.vault, account)
    tell(provider, known, text)


def _normal(kind: Kind, to: str) -> str:
    return particulars.mobile(to) if kind == "sms" else particulars.email(to)
