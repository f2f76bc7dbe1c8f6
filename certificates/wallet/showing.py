"""Showing a licence (亮证): a one-time code, an office that asks, a holder who says yes, one look.

waiting -> granted -> shown;  waiting -> refused;  waiting, granted -> expired (by the clock)

Each step is one UPDATE: a code is spent by the office that comes first, an answer is given once, a
licence is handed over once. Codes live for a minute and are kept as keyed hashes; rows of codes are
deleted an hour after their end, whenever a new one is made.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from certificates import looks
from certificates.purpose import Purpose
from certificates.wallet.showing_models import Showing, ShowingCode, ShowingState
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Forbidden, Invalid, NotFound
from trust.vault import Vault

CODE_LIFE: Final = timedelta(seconds=60)
#: How long a code still counts when the next one is on the screen: a scan takes a moment.
OVERLAP: Final = timedelta(seconds=5)
#: A page shows the next code when the present one has so long to live.
RENEW: Final = timedelta(seconds=10)
#: How long an office waits for the holder, and how long it may then fetch.
ANSWER_WITHIN: Final = timedelta(minutes=2)
FETCH_WITHIN: Final = timedelta(minutes=5)
KEEP: Final = timedelta(hours=1)
#: 50 bits without letters that are mistaken for others (Crockford's base 32).
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 10
PREFIX: Final = "LZ1."
_LOOKS_LIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_TYPED_MAX: Final = 40
#: Who asks for an office: whoever works for one.
OFFICERS: Final = frozenset({Role.OFFICE, Role.CLERK, Role.APPROVER})


class CodeRefused(NotFound):
    """No such code now: never was, used, or over. Which of these is not told."""

    code = "showing_code_refused"


class NoShowing(NotFound):
    """No such request, or not this caller's."""

    code = "no_showing"


class ShowingOver(Conflict):
    """The request is not in the state that the act wants; the message names the state."""

    code = "showing_over"


@dataclass(frozen=True, slots=True)
class Code:
    """What a screen shows: `text` for the QR symbol, `typed` for people, until when it counts."""

    text: str
    typed: str
    good_until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A request as its office and its holder may know it: not a word of the licence."""

    id: UUID
    state: ShowingState
    office: str
    asked_by: str
    purpose: Purpose
    asked_at: datetime
    good_until: datetime


def new_code(session: Session, vault: Vault, licence: str, *, by: Caller, at: datetime) -> Code:
    """A new code for a licence that `by` may show, in the caller's transaction. The one before
    counts for a moment longer."""
    _clean(session, by=by, at=at)
    soon = at + OVERLAP
    session.execute(
        update(ShowingCode)
        .where(
            ShowingCode.account == by.account, ShowingCode.licence == licence,
            ShowingCode.used_at.is_(None), ShowingCode.good_until > soon,
        )
        .values(good_until=soon)
    )  # fmt: skip
    typed = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    session.add(
        ShowingCode(
            code_box=vault.seal(typed.encode(), context=_context(by.account, licence)),
            digest=_digest(vault, typed), licence=licence, account=by.account, issued_at=at,
            good_until=at + CODE_LIFE,
        )
    )  # fmt: skip
    session.flush()
    return _code(typed, at + CODE_LIFE)


def _clean(session: Session, *, by: Caller, at: datetime) -> None:
    """Everybody's old codes go, and one's own as soon as they are over: nobody fills the table."""
    own = and_(ShowingCode.account == by.account, ShowingCode.used_at.is_(None))
    session.execute(
        delete(ShowingCode).where(
            or_(ShowingCode.good_until < at - KEEP, and_(own, ShowingCode.good_until <= at))
        )
    )


def same_code(session: Session, vault: Vault, licence: str, *, by: Caller, at: datetime) -> Code:
    """The code that is on the screen already, while it counts for a while yet, else a new one: for
    a page that is loaded again and again."""
    row = session.execute(
        select(ShowingCode.code_box, ShowingCode.good_until)
        .where(
            ShowingCode.account == by.account, ShowingCode.licence == licence,
            ShowingCode.used_at.is_(None), ShowingCode.good_until > at + RENEW,
        )
        .order_by(ShowingCode.good_until.desc())
        .limit(1)
    ).first()  # fmt: skip
    if row is None:
        return new_code(session, vault, licence, by=by, at=at)
    typed = vault.unseal(row.code_box, context=_context(by.account, licence)).decode()
    return _code(typed, row.good_until)


def _code(typed: str, good_until: datetime) -> Code:
    return Code(PREFIX + typed, f"{typed[:5]}-{typed[5:]}", good_until)


def _context(account: str, licence: str) -> str:
    return f"showing.code/{account}/{licence}"


def _digest(vault: Vault, typed: str) -> bytes:
    return vault.index(typed, column="showing.code")


def normal(typed: str) -> str:
    """A code as it was scanned or typed, in its one form; Invalid."""
    text = typed[: _TYPED_MAX + 1].strip().upper().removeprefix(PREFIX).translate(_LOOKS_LIKE)
    if len(typed) > _TYPED_MAX or len(text) != LENGTH or not set(text) <= set(ALPHABET):
        raise Invalid("a code is ten letters and digits, as the holder's screen shows them")
    return text


def begin(
    session: Session, vault: Vault, typed: str, *, purpose: Purpose, by: Caller, at: datetime
) -> UUID:
    """An office asks by a code, which is spent: the request's number. The holder is asked next.

    Invalid, Forbidden (no office's), or CodeRefused; of two offices with one code the second gets
    CodeRefused. Nothing about the licence is told.
    """
    if by.authority is None or by.roles.isdisjoint(OFFICERS):
        raise Forbidden("licences are shown to people of an office")
    spent = session.execute(
        update(ShowingCode)
        .where(
            ShowingCode.digest == _digest(vault, normal(typed)), ShowingCode.used_at.is_(None),
            ShowingCode.good_until > at,
        )
        .values(used_at=at)
        .returning(ShowingCode.licence, ShowingCode.account)
    ).one_or_none()  # fmt: skip
    if spent is None:
        raise CodeRefused("this code is not good now; ask for the one on the screen")
    key = uuid4()
    session.add(
        Showing(
            id=key, licence=spent.licence, account=spent.account, office=by.authority,
            asked_by=by.account, cause=purpose.cause, item_code=purpose.item_code,
            matter=purpose.matter, state=ShowingState.WAITING, asked_at=at,
            good_until=at + ANSWER_WITHIN,
        )
    )  # fmt: skip
    session.flush()
    audit.record(
        session, "showing.asked", subject=spent.licence, by=by, at=at,
        details={"showing": str(key), "item": purpose.item_code},
    )  # fmt: skip
    return key


def standing(session: Session, key: UUID, *, by: Caller, at: datetime) -> Standing:
    """How a request stands, for the office's person who asked; NoShowing."""
    row = session.get(Showing, key)
    if row is None or row.asked_by != by.account or row.office != by.authority:
        raise NoShowing("no such request")
    return _standing(row, at=at)


def licence_of(session: Session, key: UUID, *, account: str) -> str | None:
    """The licence that a request is about, for the account that showed it."""
    mine = select(Showing.licence).where(Showing.id == key, Showing.account == account)
    return session.scalar(mine)


def waiting(session: Session, *, account: str, at: datetime) -> list[tuple[Standing, str]]:
    """The requests that wait for a holder's answer, and the licence of each."""
    rows = session.scalars(
        select(Showing)
        .where(
            Showing.account == account, Showing.state == ShowingState.WAITING,
            Showing.good_until > at,
        )
        .order_by(Showing.asked_at)
        .limit(20)
    )  # fmt: skip
    return [(_standing(row, at=at), row.licence) for row in rows]


def past(
    session: Session, *, account: str, licence: str, at: datetime, limit: int = 20
) -> list[Standing]:
    """What became of requests for one licence that an account showed, newest first."""
    rows = session.scalars(
        select(Showing)
        .where(Showing.account == account, Showing.licence == licence)
        .order_by(Showing.asked_at.desc())
        .limit(limit)
    )
    return [_standing(row, at=at) for row in rows]


def _standing(row: Showing, *, at: datetime) -> Standing:
    open_still = row.state in (ShowingState.WAITING, ShowingState.GRANTED)
    over = open_still and row.good_until <= at
    return Standing(
        id=row.id, state=ShowingState.EXPIRED if over else ShowingState(row.state),
        office=row.office, asked_by=row.asked_by,
        purpose=Purpose(row.cause, item_code=row.item_code, matter=row.matter,
                        category="0" if row.item_code else "1"),
        asked_at=row.asked_at, good_until=row.good_until,
    )  # fmt: skip


def confirm(session: Session, key: UUID, *, by: Caller, at: datetime) -> None:
    """The holder lets the office look, once, within FETCH_WITHIN. NoShowing or ShowingOver."""
    _answer(session, key, ShowingState.GRANTED, by=by, at=at)


def refuse(session: Session, key: UUID, *, by: Caller, at: datetime) -> None:
    """The holder says no. NoShowing or ShowingOver."""
    _answer(session, key, ShowingState.REFUSED, by=by, at=at)


def _answer(session: Session, key: UUID, state: ShowingState, *, by: Caller, at: datetime) -> None:
    licence = session.scalar(
        update(Showing)
        .where(
            Showing.id == key, Showing.account == by.account,
            Showing.state == ShowingState.WAITING, Showing.good_until > at,
        )
        .values(state=state, decided_at=at, good_until=at + FETCH_WITHIN)
        .returning(Showing.licence)
    )  # fmt: skip
    if licence is None:
        row = session.get(Showing, key)
        if row is None or row.account != by.account:
            raise NoShowing("no such request")
        raise ShowingOver(f"the request is {_standing(row, at=at).state}")
    audit.record(
        session, f"showing.{state}", subject=licence, by=by, at=at, details={"showing": str(key)}
    )


def fetch(session: Session, key: UUID, *, by: Caller, at: datetime) -> tuple[str, Purpose]:
    """Take the one look that was granted: the licence's identifier, and for what.

    The caller commits this before it opens the licence: what fails after that is asked for anew.
    NoShowing, or ShowingOver unless the holder has confirmed and the time is not over.
    """
    taken = session.execute(
        update(Showing)
        .where(
            Showing.id == key, Showing.asked_by == by.account, Showing.office == by.authority,
            Showing.state == ShowingState.GRANTED, Showing.good_until > at,
        )
        .values(state=ShowingState.SHOWN, shown_at=at)
        .returning(Showing.licence)
    ).one_or_none()  # fmt: skip
    found = standing(session, key, by=by, at=at)
    if taken is None:
        raise ShowingOver(f"the request is {found.state}")
    told = looks.details_of(found.purpose, how=looks.BY_SHOWING, office=by.authority)
    audit.record(
        session, looks.LOOKED, subject=taken.licence, by=by, at=at,
        details={**told, "showing": str(key)},
    )  # fmt: skip
    return taken.licence, found.purpose
