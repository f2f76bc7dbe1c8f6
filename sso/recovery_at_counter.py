"""A lost account at a counter: its holder is there, with a document that a clerk has looked at.

The clerk types what the document says, and learns only whether it is the account's. So no clerk
recovers somebody's account for the holder of another document, and none can look people up here.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime

from sso import particulars, people, recovery
from sso.models import Account
from sso.provider import Provider
from trust import audit
from trust.access import Caller, Role
from trust.errors import Forbidden


class DocumentsRefused(Forbidden):
    """The document is not that of the account, or there is no such account: one answer for both."""

    code = "documents_refused"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the document on the table says: name and number, of a body its name and USCC."""

    name: str = field(repr=False)
    number: str = field(repr=False)


def begin(provider: Provider, login: str, shown: Shown, *, by: Caller, at: datetime) -> str:
    """The token for the holder to go on with (sso.recovery); staff who are but a title have no
    document here, and their security administrator knows them.

    DocumentsRefused, which is audited; Forbidden for who is neither clerk nor security
    administrator, or not of this account (`recovery.begin_at_counter`).
    """
    if by.roles.isdisjoint({Role.CLERK, Role.SECURITY_ADMIN}):
        raise Forbidden("a clerk checks documents at a counter")
    with provider.reading() as session:
        account = people.find_by_login(session, provider.vault, login)
        fits = account is not None and _fits(provider, account, shown)
        name = account.name if account is not None else None
    if name is None or not fits:
        with provider.sessions.begin() as session:
            audit.record(session, "recovery.refused", subject=name or "unknown", by=by, at=at)
        raise DocumentsRefused("this document is not the account's")
    return recovery.begin_at_counter(provider, name, by=by, at=at)


def _fits(provider: Provider, account: Account, shown: Shown) -> bool:
    if account.particulars is None:
        return True
    known = particulars.open_particulars(provider.vault, account)
    said = f"{shown.name.strip()}\0{shown.number.strip().upper()}"
    true = f"{known.name}\0{known.key_number}"
    return hmac.compare_digest(said.encode(errors="replace"), true.encode())
