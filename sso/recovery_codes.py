"""Ten codes to keep on paper for the day the telephone is lost; each opens once.

80 random bits in base32, written in four groups; the table has a keyed digest of each.
"""

import base64
import re
import secrets
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from sso.credential_models import RecoveryCode
from trust import audit
from trust.access import Caller
from trust.errors import Unauthenticated
from trust.vault import Vault

COUNT = 10
_BYTES = 10
_CODE = re.compile(r"[a-z2-7]{16}")


class WrongRecoveryCode(Unauthenticated):
    """Not one of the account's codes, or one that was used."""

    code = "wrong_recovery_code"


def renew(
    session: Session, vault: Vault, account_name: str, *, by: Caller, at: datetime
) -> tuple[str, ...]:
    """Ten new codes, shown once, in place of all before: "abcd-efgh-ijkl-mnop"."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.account == account_name))
    plain = [base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower() for _ in range(COUNT)]
    for code in plain:
        digest = _digest(vault, account_name, code)
        session.add(RecoveryCode(account=account_name, digest=digest, created_at=at))
    session.flush()
    audit.record(session, "recovery_codes.made", subject=account_name, by=by, at=at)
    return tuple("-".join(re.findall("....", code)) for code in plain)


def spend(session: Session, vault: Vault, account_name: str, code: str, *, at: datetime) -> int:
    """Use a code up, or WrongRecoveryCode; how many are left. Case, blanks and dashes don't count.

    Does not count tries: callers go through `sign_in.by_recovery_code`.
    """
    plain = re.sub(r"[\s-]", "", code[:64]).lower()
    if not _CODE.fullmatch(plain):
        raise WrongRecoveryCode("a recovery code is 16 letters and digits")
    spent = session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.account == account_name,
            RecoveryCode.digest == _digest(vault, account_name, plain),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(RecoveryCode.account)
    )
    if spent is None:
        raise WrongRecoveryCode("the recovery code is wrong or was used before")
    return left(session, account_name)


def left(session: Session, account_name: str) -> int:
    """How many codes of an account are unused."""
    unused = select(func.count()).where(
        RecoveryCode.account == account_name, RecoveryCode.used_at.is_(None)
    )
    return session.scalars(unused).one()


def _digest(vault: Vault, account_name: str, code: str) -> bytes:
    return vault.index(f"{account_name}\0{code}", column="recovery_code")
