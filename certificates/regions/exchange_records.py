"""What was asked and answered between regions, kept at both ends so that either can prove it.

A question is written down, once, before it is sent or answered: its id is spent by the row's own
constraint. The answer and our time-stamp over both come in by one statement, once. A crash between
leaves a question without an answer, which is what happened.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certificates.regions.exchange_messages import Question, digest_of
from certificates.regions.peer_models import ExchangeRecord
from trust.crypto import jose
from trust.db import Sessions
from trust.errors import Conflict, NotFound
from trust.vault import Vault


class QuestionRepeated(Conflict):
    """That question was asked already: it is answered once."""

    code = "question_repeated"


class Direction(StrEnum):
    ASKED = "asked"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Kept:
    """A record opened: question and answer as they were signed, the stamp over both (DER)."""

    direction: Direction
    peer: str
    question_id: str
    kind: str
    account: str
    at: datetime
    question: str
    answer: str
    stamp: bytes
    outcome: str


def stamped_bytes(question: str, answer: str) -> bytes:
    """What the time-stamp is over: both messages by their digests."""
    return jose.canonical_json({"answer": digest_of(answer), "question": digest_of(question)})


def begin(
    sessions: Sessions, vault: Vault, direction: Direction, question: Question, message: str, *,
    account: str, at: datetime,
) -> None:  # fmt: skip
    """Write the question down; QuestionRepeated when its id was here before."""
    peer = question.asked if direction is Direction.ASKED else question.asker
    row = ExchangeRecord(
        direction=str(direction), peer=peer, question_id=question.id, kind=str(question.kind),
        subject=question.identifier, account=account, at=at,
        question_box=vault.seal(message.encode(), context=_context(direction, question.id)),
    )  # fmt: skip
    try:
        with sessions.begin() as session:
            session.add(row)
    except IntegrityError as error:
        raise QuestionRepeated("this question was asked already") from error


def finish(
    session: Session, vault: Vault, direction: Direction, question: Question, *, answer: str,
    stamp: bytes, outcome: str, subject: str,
) -> None:  # fmt: skip
    """Put the answer beside its question, once."""
    box = vault.seal(answer.encode(), context=_context(direction, question.id))
    peer = question.asked if direction is Direction.ASKED else question.asker
    written = session.scalar(
        update(ExchangeRecord)
        .where(
            ExchangeRecord.direction == str(direction), ExchangeRecord.peer == peer,
            ExchangeRecord.question_id == question.id, ExchangeRecord.outcome == "",
        )
        .values(answer_box=box, stamp=stamp, outcome=outcome, subject=subject[:200])
        .returning(ExchangeRecord.id)
    )  # fmt: skip
    if written is None:
        raise QuestionRepeated("this question has its answer already")


def find(session: Session, vault: Vault, question_id: str) -> list[Kept]:
    """The records of a question: what we asked, or what we were asked. NotFound."""
    rows = session.scalars(
        select(ExchangeRecord)
        .where(ExchangeRecord.question_id == question_id[:64])
        .order_by(ExchangeRecord.id)
    ).all()
    if not rows:
        raise NotFound("no exchange of that id is kept here")
    return [_kept(row, vault) for row in rows]


def _kept(row: ExchangeRecord, vault: Vault) -> Kept:
    direction = Direction(row.direction)
    context = _context(direction, row.question_id)
    answer = vault.unseal(row.answer_box, context=context).decode() if row.answer_box else ""
    return Kept(
        direction, row.peer, row.question_id, row.kind, row.account, row.at,
        vault.unseal(row.question_box, context=context).decode(), answer, row.stamp, row.outcome,
    )  # fmt: skip


def _context(direction: Direction, question_id: str) -> str:
    return f"exchange_record:{direction}:{question_id}"
