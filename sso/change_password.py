"""A password changed by its holder."""

from collections.abc import Iterable
from datetime import datetime

from sso import particulars, passwords, sign_in
from sso.end_access import end_access
from sso.models import Account
from sso.provider import Provider
from trust.access import Caller


def change_password(
    provider: Provider, account_name: str, present: str, new: str, *, network: str,
    device: str = "", keep_session: str | None, by: Caller, at: datetime,
) -> list[str]:  # fmt: skip
    """Replace a password after the present one was shown; other sessions and their grants end.

    The try counts like a sign-in. SignInFailed for a wrong present password, WeakPassword for the
    new one. Returns the ids of the sessions that ended, for the platforms to be told.
    """
    sign_in.by_password(provider, account_name, present, network=network, device=device, at=at)
    with provider.sessions.begin() as session:
        account = session.get_one(Account, account_name)
        ended = end_access(
            session, account_name, reason="password_changed", at=at, except_id=keep_session
        )
        passwords.set_password(
            session, account, new, hasher=provider.hasher, by=by, at=at,
            words=own_words(provider, account),
        )  # fmt: skip
    return ended


def own_words(provider: Provider, account: Account) -> Iterable[str]:
    """What belongs to a holder and must not be in the password."""
    try:
        known = particulars.open_particulars(provider.vault, account)
    except particulars.NoParticulars:
        return ()
    return (known.name, known.key_number, known.mobile, known.email)
