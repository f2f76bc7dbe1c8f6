"""Proofs in a recovery: a code sent to the account, with name and number besides, or a face.

Every proof has few tries in one recovery, and what is asked for is the account's own particulars:
an answer tells nothing that the asker did not bring.
"""

import hmac
from datetime import datetime
from typing import Final

from sqlalchemy import update

from sso import accounts, one_time_code, particulars, recovery
from sso.accounts import ANONYMOUS
from sso.messages import Kind
from sso.models import Account, AccountKind
from sso.one_time_code import Purpose, TooManyCodes, WrongOneTimeCode
from sso.particulars import Particulars
from sso.people_models import Recovery
from sso.provider import Provider
from sso.raise_level import CheckUnavailable, ask
from sso.recovery import RecoveryGone
from sso.registry_checks import PICTURE_MAX, Answer
from trust import audit
from trust.errors import Forbidden, Invalid

#: Proofs tried in one recovery, right or wrong.
TRIES: Final = 10


class ProofRefused(Forbidden):
    """What was shown is not this account's, or there is no account: one answer for both."""

    code = "proof_refused"


def send_code(provider: Provider, token: str, *, at: datetime) -> None:
    """Send a code to the account's mobile, or its e-mail address without one.

    Whether anything was sent is not told: there may be no account, or too many codes were.
    """
    try:
        _, known = _account(provider, token, at=at)
    except RecoveryGone:
        return
    kind, to = _address(known)
    if not to:
        return
    try:
        one_time_code.send(
            provider.sessions, provider.vault, provider.messages, to=to, kind=kind,
            purpose=Purpose.RECOVER, at=at, binding=token,
        )  # fmt: skip
    except TooManyCodes:
        return


def prove_by_code(
    provider: Provider, token: str, code: str, *, at: datetime, name: str = "", number: str = ""
) -> None:
    """The code that came, and the holder's name and document number for level 1.

    ProofRefused for anything that is not right, a token without an account among it.
    """
    account_name, known = _try(provider, token, at=at)
    level = 0
    if name or number:
        said = f"{name.strip()}\0{number.strip().upper()}"
        true = f"{known.name}\0{known.key_number}"
        if not hmac.compare_digest(said.encode(errors="replace"), true.encode()):
            raise ProofRefused("this does not prove that the account is yours")
        level = 1
    _, to = _address(known)
    try:
        one_time_code.verify(
            provider.sessions, provider.vault, to=to, purpose=Purpose.RECOVER, code=code, at=at,
            binding=token,
        )  # fmt: skip
    except WrongOneTimeCode as error:
        raise ProofRefused("this does not prove that the account is yours") from error
    _record(provider, token, account_name, "code", level, at=at)


def prove_by_face(provider: Provider, token: str, picture: bytes, *, at: datetime) -> None:
    """The holder's face, or for an organisation its legal representative's: level 2.

    ProofRefused, CheckUnavailable, or Invalid for a picture of more than 2 MiB.
    """
    if len(picture) > PICTURE_MAX:
        raise Invalid(f"a picture has at most {PICTURE_MAX} bytes")
    account_name, known = _try(provider, token, at=at)
    with provider.reading() as session:
        natural = accounts.find(session, account_name).kind == AccountKind.NATURAL
    answer = ask(provider.checks, "face" if natural else "representative_face", known, picture)
    if answer is Answer.UNAVAILABLE:
        raise CheckUnavailable("the face check cannot be asked now; try again later")
    if answer is not Answer.MATCH:
        raise ProofRefused("this does not prove that the account is yours")
    _record(provider, token, account_name, "face", 2, at=at)


def _account(provider: Provider, token: str, *, at: datetime) -> tuple[str, Particulars]:
    with provider.reading() as session:
        row = recovery.find(session, token, at=at)
        account = session.get_one(Account, row.account)
        if account.particulars is None:
            raise RecoveryGone("this recovery has ended or never began; begin again")
        return account.name, particulars.open_particulars(provider.vault, account)


def _address(known: Particulars) -> tuple[Kind, str]:
    return ("sms", known.mobile) if known.mobile else ("email", known.email)


def _try(provider: Provider, token: str, *, at: datetime) -> tuple[str, Particulars]:
    """Count a try, committed before anything is judged; ProofRefused when there is none left."""
    try:
        found = _account(provider, token, at=at)
    except RecoveryGone as error:
        raise ProofRefused("this does not prove that the account is yours") from error
    with provider.sessions.begin() as session:
        row = recovery.find(session, token, at=at)
        counted = session.scalar(
            update(Recovery)
            .where(Recovery.id == row.id, Recovery.tries < TRIES)
            .values(tries=Recovery.tries + 1)
            .returning(Recovery.tries)
        )
        if counted == TRIES:
            audit.record(session, "recovery.tries_spent", subject=row.account, by=ANONYMOUS, at=at)
    if counted is None:
        raise ProofRefused("this does not prove that the account is yours")
    return found


def _record(
    provider: Provider, token: str, account_name: str, proof: str, level: int, *, at: datetime
) -> None:
    with provider.sessions.begin() as session:
        row = recovery.find(session, token, at=at)
        session.refresh(row, with_for_update=True)
        proofs = sorted({*row.proved_by.split("+"), proof} - {""})
        row.proved_by, row.proved_level = "+".join(proofs), max(row.proved_level, level)
        session.flush()
        audit.record(
            session, "recovery.proved", subject=account_name, by=ANONYMOUS, at=at,
            details={"proof": proof, "level": level},
        )  # fmt: skip
