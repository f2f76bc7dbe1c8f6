"""What an account could do from elsewhere ends: its sessions, its grants, its credentials.

All is part of the transaction of the act that it follows from (roles changed, account closed or
recovered), which audits it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from sso import browser_session, clients, logout_outbox
from sso.client_models import ClientRow
from sso.credential_models import (
    CertificateCredential,
    KnownDevice,
    Passkey,
    PasswordCredential,
    PasswordHistory,
    RecoveryCode,
    Totp,
)
from sso.grants import Grant

_SECOND_FACTORS: Final = (Totp, RecoveryCode, Passkey, CertificateCredential, KnownDevice)


def end_access(
    session: Session, account_name: str, *, reason: str, at: datetime, except_id: str | None = None
) -> list[str]:
    """End every session of the account, one may stay, and revoke every grant; the ended sessions.

    Tokens of a revoked grant stop within a second, and the platforms of an ended session are told
    by the outbox; what was agreed to is still remembered.
    """
    grants = update(Grant).where(Grant.account == account_name, Grant.revoked_at.is_(None))
    if except_id is not None:
        grants = grants.where(Grant.session_id.is_distinct_from(except_id))
    session.execute(
        grants.values(revoked_at=at, revoked_reason=reason),
        execution_options={"synchronize_session": False},
    )
    ended = browser_session.end_all(session, account_name, at=at, except_id=except_id)
    _tell_platforms(session, account_name, ended, at=at)
    return ended


def _tell_platforms(session: Session, account_name: str, ended: list[str], *, at: datetime) -> None:
    """A notice (Back-Channel Logout 1.0) for each platform that got a grant in a session."""
    if not ended:
        return
    pairs = session.execute(
        select(Grant.session_id, Grant.client_id).where(Grant.session_id.in_(ended)).distinct()
    ).all()
    for session_id, client_id in pairs:
        client = clients.client_of(session.get_one(ClientRow, client_id))
        if session_id is not None and client.backchannel_logout_uri is not None:
            logout_outbox.add(session, client, account=account_name, sid=session_id, at=at)
    session.flush()


def forget_second_factors(session: Session, account_name: str) -> None:
    """Whatever was enrolled beside the password, and the browsers known by it."""
    for model in _SECOND_FACTORS:
        session.execute(delete(model).where(model.account == account_name))


def forget_credentials(session: Session, account_name: str) -> None:
    """Nothing is left to sign in with."""
    forget_second_factors(session, account_name)
    for model in (PasswordCredential, PasswordHistory):
        session.execute(delete(model).where(model.account == account_name))
