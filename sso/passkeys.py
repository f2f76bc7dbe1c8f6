"""Passkeys (WebAuthn, level 3): registered by who is signed in, used for or after a password.

User verification is always required and always checked, so one passkey is two factors. The counter
of a credential that can be backed up means nothing (synced ones stay at 0 or go back); any other's
must rise, or there is a copy of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sso import challenges, webauthn_door
from sso.challenges import Purpose
from sso.credential_models import Passkey
from sso.models import Account
from sso.provider import Provider
from sso.webauthn_door import Answer, Asserted, PasskeyRefused, Registered
from trust import audit
from trust.access import Caller
from trust.errors import Conflict, NotFound

__all__ = [
    "CounterWentBack", "PasskeyRefused", "PasskeyTaken", "TooManyPasskeys", "assertion_options",
    "check", "of_account", "register", "registration_options", "remove",
]  # fmt: skip

MOST = 20
NAME_MAX = 60


class PasskeyTaken(Conflict):
    """This authenticator's credential is registered already."""

    code = "passkey_taken"


class TooManyPasskeys(Conflict):
    code = "too_many_passkeys"


class CounterWentBack(PasskeyRefused):
    """The signature is good and the counter is not above the last: there may be a copy."""

    code = "passkey_counter_went_back"


def registration_options(
    session: Session, account: Account, *, issuer: str, bound_to: str, at: datetime
) -> dict[str, Any]:
    """What `navigator.credentials.create` takes, as JSON, with a challenge kept for `bound_to`
    (the session's or interaction's id) and this account; TooManyPasskeys."""
    known = [row.credential_id for row in of_account(session, account.name)]
    if len(known) >= MOST:
        raise TooManyPasskeys(f"an account has at most {MOST} passkeys")
    challenge = challenges.issue(
        session, Purpose.REGISTER_PASSKEY, bound_to=bound_to, at=at, account=account.name
    )
    return webauthn_door.registration_options(
        issuer, user_id=account.sub.encode(), user_name=account.name,
        display_name=account.display_name, challenge=challenge, known=known,
    )  # fmt: skip


def register(
    provider: Provider, account_name: str, response: str, *, name: str, bound_to: str, by: Caller,
    at: datetime,
) -> Passkey:  # fmt: skip
    """Take a new passkey from RegistrationResponseJSON.

    `name` is what its holder calls it. ChallengeGone, PasskeyRefused, PasskeyTaken. Whoever calls
    has made sure that the holder proved more than a password, if the account can (sso.factors).
    """
    answer = webauthn_door.read_registration(response)
    _spend(provider, Purpose.REGISTER_PASSKEY, answer, account_name, bound_to=bound_to, at=at)
    made = webauthn_door.check_registration(answer, issuer=provider.issuer)
    row = _row(account_name, made, answer.transports, name=name, at=at)
    with provider.sessions.begin() as session:
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise PasskeyTaken("this passkey is registered already") from error
        details: dict[str, audit.JSON] = {
            "credential": made.credential_id.hex()[:64], "synced": made.backup_eligible,
            "authenticator": made.aaguid,
        }  # fmt: skip
        audit.record(
            session, "passkey.registered", subject=account_name, by=by, at=at, details=details
        )
    return row


def _row(
    account_name: str, made: Registered, transports: Sequence[str], *, name: str, at: datetime
) -> Passkey:
    shown = "".join(c for c in name.strip()[:NAME_MAX] if c.isprintable())
    return Passkey(
        credential_id=made.credential_id, account=account_name, name=shown or "passkey",
        public_key=made.public_key, sign_count=made.sign_count, aaguid=made.aaguid,
        backup_eligible=made.backup_eligible, backed_up=made.backed_up,
        transports=tuple(transports), created_at=at,
    )  # fmt: skip


def assertion_options(
    session: Session, *, issuer: str, bound_to: str, at: datetime, account_name: str | None = None
) -> dict[str, Any]:
    """What `navigator.credentials.get` takes, as JSON.

    With `account_name` (given once a password was: the list tells what the account has) only its
    passkeys answer; without, any that a browser keeps for this site.
    """
    rows = of_account(session, account_name) if account_name is not None else []
    challenge = challenges.issue(
        session, Purpose.USE_PASSKEY, bound_to=bound_to, at=at, account=account_name
    )
    allowed = [(row.credential_id, row.transports) for row in rows]
    return webauthn_door.assertion_options(issuer, challenge=challenge, allowed=allowed)


def check(provider: Provider, response: str, *, bound_to: str, at: datetime) -> Passkey:
    """The passkey that signed AuthenticationResponseJSON, its use noted.

    ChallengeGone, PasskeyRefused, or CounterWentBack. Callers go through `sign_in.by_passkey`.

    1. the challenge is spent, committed: one answer to each, right or wrong;
    2. the credential, and that it is the holder's whom the challenge and the handle name;
    3. signature, party, flags; then the counter, in one statement.
    """
    answer = webauthn_door.read_assertion(response)
    wanted = _spend(provider, Purpose.USE_PASSKEY, answer, None, bound_to=bound_to, at=at)
    with provider.sessions.begin() as session:
        row = _find(session, answer, wanted)
        used = webauthn_door.check_assertion(
            answer, issuer=provider.issuer, public_key=row.public_key, sign_count=0
        )
        if used.backup_eligible != row.backup_eligible:
            raise PasskeyRefused("a passkey does not change its kind (WebAuthn, 6.1.3)")
        _note_use(session, row, used, at=at)
        return row


def _spend(
    provider: Provider, purpose: Purpose, answer: Answer, account_name: str | None, *,
    bound_to: str, at: datetime,
) -> str | None:  # fmt: skip
    """Spend the challenge; the account it was made for. A challenge made for another account than
    `account_name` is as good as none."""
    with provider.sessions.begin() as session:
        wanted = challenges.spend(session, purpose, answer.challenge, bound_to=bound_to, at=at)
    if account_name is not None and wanted != account_name:
        raise challenges.ChallengeGone("this page was made for another account; load it again")
    return wanted


def _find(session: Session, answer: Answer, wanted: str | None) -> Passkey:
    """The stored credential. Without a name known before, the handle must say whose it is
    (WebAuthn, 7.2, step 6)."""
    found = session.execute(
        select(Passkey, Account.sub)
        .join(Account, Account.name == Passkey.account)
        .where(Passkey.credential_id == answer.credential_id, Account.active)
    ).one_or_none()
    if found is None:
        raise PasskeyRefused("the passkey's answer is not accepted")
    row, sub = found
    handle = answer.user_handle
    if (wanted is None and handle is None) or (handle is not None and handle != sub.encode()):
        raise PasskeyRefused("the passkey's answer is not accepted")
    if wanted is not None and wanted != row.account:
        raise PasskeyRefused("the passkey's answer is not accepted")
    passkey: Passkey = row
    return passkey


def _note_use(session: Session, row: Passkey, used: Asserted, *, at: datetime) -> None:
    """Keep the counter, if it rose. An authenticator without one says 0 for ever."""
    rose = or_(
        Passkey.backup_eligible,
        Passkey.sign_count < used.sign_count,
        and_(Passkey.sign_count == 0, literal(used.sign_count) == 0),
    )
    noted = session.scalar(
        update(Passkey)
        .where(Passkey.credential_id == row.credential_id, rose)
        .values(sign_count=used.sign_count, backed_up=used.backed_up, last_used_at=at)
        .returning(Passkey.account)
    )
    if noted is None:
        raise CounterWentBack("this passkey's counter went back; there may be a copy of it")


def of_account(session: Session, account_name: str) -> list[Passkey]:
    """An account's passkeys, the newest first."""
    mine = select(Passkey).where(Passkey.account == account_name)
    return list(session.scalars(mine.order_by(Passkey.created_at.desc(), Passkey.credential_id)))


def remove(
    session: Session, account_name: str, credential_id: bytes, *, by: Caller, at: datetime
) -> None:
    """The passkey proves nothing any more; NotFound for one that is not this account's."""
    row = session.get(Passkey, credential_id)
    if row is None or row.account != account_name:
        raise NotFound("no such passkey")
    session.delete(row)
    session.flush()
    details: dict[str, audit.JSON] = {"credential": credential_id.hex()[:64]}
    audit.record(session, "passkey.removed", subject=account_name, by=by, at=at, details=details)
