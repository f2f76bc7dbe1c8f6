"""Random bytes to be signed by a passkey or a certificate's key: one use, five minutes, and only
for what they were made for."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete
from sqlalchemy.orm import Session

from sso.credential_models import Challenge
from trust.crypto.hashes import sha256
from trust.errors import Unauthenticated

SIZE = 32
LIFETIME = timedelta(minutes=5)


class Purpose(StrEnum):
    """What a challenge may be signed for."""

    REGISTER_PASSKEY = "passkey.register"
    USE_PASSKEY = "passkey.use"
    USE_CERTIFICATE = "certificate.use"
    REGISTER_CERTIFICATE = "certificate.register"


class ChallengeGone(Unauthenticated):
    """The challenge is unknown, too old, spent, or was made for another page."""

    code = "challenge_gone"


def issue(
    session: Session, purpose: Purpose, *, bound_to: str, at: datetime, account: str | None = None
) -> bytes:
    """32 random bytes that may be signed once in the next five minutes.

    `bound_to` is what it was made for: an interaction's id, a session's; `account` whose answer
    counts, None for anybody's.
    """
    challenge = secrets.token_bytes(SIZE)
    session.add(
        Challenge(
            digest=sha256(challenge), purpose=purpose, bound_to=sha256(bound_to.encode()),
            account=account, expires_at=at + LIFETIME,
        )
    )  # fmt: skip
    session.flush()
    return challenge


def spend(
    session: Session, purpose: Purpose, challenge: bytes, *, bound_to: str, at: datetime
) -> str | None:
    """Take a challenge away; the account it was for, if one. ChallengeGone.

    Commit before the answer is judged: a wrong one spends it too.
    """
    found = session.execute(
        delete(Challenge)
        .where(
            Challenge.digest == sha256(challenge),
            Challenge.purpose == purpose,
            Challenge.bound_to == sha256(bound_to.encode()),
            Challenge.expires_at > at,
        )
        .returning(Challenge.account)
    ).one_or_none()
    if found is None:
        raise ChallengeGone("this page waited too long or was used before; load it again")
    account: str | None = found.account
    return account
