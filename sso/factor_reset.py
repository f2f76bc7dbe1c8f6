"""Second factors of staff taken away by their security administrator, after the key was lost.

Only of staff, who stand in front of somebody who knows them. A citizen's lost factor goes by the
recovery of the account (sso.recovery), which is announced, delayed and never below its level: no
administrator can shorten that.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from sso import accounts
from sso.closing import REASON_MAX
from sso.end_access import end_access, forget_second_factors
from sso.models import Account
from trust import audit
from trust.access import Caller
from trust.errors import Forbidden


class NotStaff(Forbidden):
    """A citizen's factors are reset by recovering the account, not by an administrator."""

    code = "not_staff"


def reset_factors(
    session: Session, account: Account, *, reason: str, by: Caller, at: datetime
) -> None:
    """Forget the authenticator, passkeys, certificates, recovery codes and known browsers of a
    member of staff, and end their access; the next sign-in enrols anew, by the password.

    NotStaff, or MayNotGrant. The caller tells the holder (`sso.contact.tell_reset`), after the
    commit.
    """
    accounts.check_may_grant(by, to=account.name, authority=account.authority)
    if not accounts.is_staff(account):
        raise NotStaff("a citizen's factors are reset by recovering the account")
    forget_second_factors(session, account.name)
    end_access(session, account.name, reason="factors reset", at=at)
    details: dict[str, audit.JSON] = {"reason": reason[:REASON_MAX]}
    audit.record(
        session, "account.factors_reset", subject=account.name, by=by, at=at, details=details
    )
