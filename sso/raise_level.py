"""An account's level raised by a registry or a face: asked, recorded, refused in the open.

1. count the try, so that nobody guesses names and numbers against a registry;
2. ask, outside any transaction: it may take long;
3. record the evidence and whose the number is, or the refusal.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import case, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sso import accounts, assurance, particulars
from sso.claim_key import claim_key
from sso.models import AccountKind
from sso.particulars import CITIZEN_ID, Particulars
from sso.people_models import CheckTry
from sso.registry_checks import PICTURE_MAX, Answer, Checks
from trust import audit
from trust.access import Caller
from trust.clock import CHINA
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, Invalid, Unavailable
from trust.vault import Vault

#: Tries of one account by one method on a day (of China).
TRIES: Final = 5
_OF_KIND: Final = {
    "population_match": AccountKind.NATURAL,
    "face": AccountKind.NATURAL,
    "entity_match": AccountKind.LEGAL,
    "representative_face": AccountKind.LEGAL,
}


class CheckRefused(Forbidden):
    """The registry does not know these particulars together, or the face is another's."""

    code = "check_refused"


class CheckUnavailable(Unavailable):
    """The registry did not answer; the try does not count."""

    code = "check_unavailable"


class TooManyChecks(Conflict):
    code = "too_many_checks"


def raise_level(
    sessions: Sessions, vault: Vault, checks: Checks, account_name: str, *, method: str,
    by: Caller, at: datetime, picture: bytes = b"",
) -> str | None:  # fmt: skip
    """Check the account's particulars and add evidence; owns its transactions.

    `picture` (or the face service's token, 2 MiB at most) is for the face methods. Returns the name
    of an account that lost the number by this, if one did: its holder is to be told. Invalid,
    CheckRefused, CheckUnavailable, TooManyChecks, or KeyTaken; a refusal is audited.
    """
    if len(picture) > PICTURE_MAX:
        raise Invalid(f"a picture has at most {PICTURE_MAX} bytes")
    with sessions.begin() as session:
        account = accounts.find(session, account_name)
        if _OF_KIND.get(method) != account.kind:
            raise Invalid("no registry checks this kind of account by this method")
        known = particulars.open_particulars(vault, account)
    count_try(sessions, account_name, method, at=at)
    answer = ask(checks, method, known, picture)
    if answer is not Answer.MATCH:
        _refuse(sessions, account_name, method, answer, by=by, at=at)
    try:
        with sessions.begin() as session:
            return _record(session, vault, account_name, method, by=by, at=at)
    except Conflict:
        _audit_refusal(sessions, account_name, method, "taken", by=by, at=at)
        raise


def ask(checks: Checks, method: str, known: Particulars, picture: bytes) -> Answer:
    """What the registry of a method says of these particulars."""
    if method in ("population_match", "face") and known.key_type != CITIZEN_ID:
        return Answer.NO_MATCH  # the population base knows citizens only
    if method == "population_match":
        return checks.population.match(known.name, known.key_number)
    if method == "face":
        return checks.faces.compare(known.name, known.key_number, picture)
    entity = checks.entities.match(
        known.key_number, known.name, known.representative_name, known.representative_number
    )
    if method == "entity_match" or entity is not Answer.MATCH:
        return entity
    return checks.faces.compare(known.representative_name, known.representative_number, picture)


def _record(
    session: Session, vault: Vault, account_name: str, method: str, *, by: Caller, at: datetime
) -> str | None:
    account = accounts.find(session, account_name)
    level = assurance.METHODS[method].level or 0
    loser = claim_key(session, vault, account, level=level, by=by, at=at)
    assurance.add_evidence(session, account_name, method, by=by, at=at, source="registry")
    return loser.name if loser is not None else None


def count_try(sessions: Sessions, account_name: str, method: str, *, at: datetime) -> None:
    """Count a check of today, committed; TooManyChecks.

    One statement decides; the first try of all makes the row.
    """
    day = at.astimezone(CHINA).date().isoformat()
    row = (CheckTry.account == account_name, CheckTry.method == method)
    counted = (
        update(CheckTry)
        .where(*row, or_(CheckTry.day != day, CheckTry.tries < TRIES))
        .values(day=day, tries=case((CheckTry.day == day, CheckTry.tries + 1), else_=1))
        .returning(CheckTry.tries)
    )
    with sessions.begin() as session:
        if session.scalar(counted) is not None:
            return
    try:
        with sessions.begin() as session:
            session.add(CheckTry(account=account_name, method=method, day=day, tries=1))
    except IntegrityError as error:
        raise TooManyChecks("this check was tried too often today; try again tomorrow") from error


def _refuse(
    sessions: Sessions, account_name: str, method: str, answer: Answer, *, by: Caller, at: datetime
) -> None:
    """Audit what the registry said, then raise it."""
    if answer is Answer.UNAVAILABLE:
        with sessions.begin() as session:
            session.execute(
                update(CheckTry)
                .where(CheckTry.account == account_name, CheckTry.method == method)
                .values(tries=CheckTry.tries - 1)
            )
    _audit_refusal(sessions, account_name, method, answer, by=by, at=at)
    if answer is Answer.UNAVAILABLE:
        raise CheckUnavailable("the registry cannot be asked now; try again later")
    raise CheckRefused("the registry does not confirm these particulars")


def _audit_refusal(
    sessions: Sessions, account_name: str, method: str, why: str, *, by: Caller, at: datetime
) -> None:
    details: dict[str, audit.JSON] = {"method": method, "answer": str(why)}
    with sessions.begin() as session:
        audit.record(
            session, "assurance.refused", subject=account_name, by=by, at=at, details=details
        )
