"""Whose a document's number is: it names the account that proved it best.

What somebody merely says names nobody, so that nobody can block another person's number by being
first. An account that proves a number at a higher level takes it from one that held it at a lower.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sso import particulars, people
from sso.assurance import level_in_force
from sso.end_access import end_access
from sso.models import Account
from sso.people_models import Evidence
from trust import audit
from trust.access import Caller
from trust.errors import Conflict
from trust.vault import Vault


class KeyTaken(Conflict):
    """Another account proved this number, as well or better."""

    code = "key_taken"


def claim_key(
    session: Session, vault: Vault, account: Account, *, level: int, by: Caller, at: datetime
) -> Account | None:
    """The account's number names it from now on; the account that lost it, if one did.

    `level` is that of the proof. The loser's evidence is withdrawn and its access ends: it is not
    who it said. KeyTaken, or AccountTaken when two claim at once.
    """
    known = particulars.open_particulars(vault, account)
    index = particulars.key_index(vault, known.key_type, known.key_number)
    holder = session.scalar(select(Account).where(Account.key_index == index).with_for_update())
    if holder is account:
        return None
    if holder is not None:
        if level_in_force(session, holder.name, at=at) >= level:
            raise KeyTaken("this number is confirmed for another account")
        _dispossess(session, holder, at=at)
    account.key_index, account.updated_at = index, at
    people.flush(session)
    if holder is not None:
        audit.record(session, "account.key_lost", subject=holder.name, by=by, at=at)
    return holder


def _dispossess(session: Session, holder: Account, *, at: datetime) -> None:
    holder.key_index, holder.updated_at = None, at
    session.flush()  # before the index goes to its new account: it is unique
    session.execute(
        update(Evidence)
        .where(Evidence.account == holder.name, Evidence.withdrawn_at.is_(None))
        .values(withdrawn_at=at)
    )
    end_access(session, holder.name, reason="identity lost", at=at)
