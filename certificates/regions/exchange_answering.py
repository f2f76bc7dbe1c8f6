"""Answering another region's question, from our own register and nobody else's: no question that we
are asked makes us ask anybody, so there is no loop and no fan-out.

1 form  2 addressed to us  3 signed by the asker's exchange signer, as its list grants  4 of now
5 written down, its id spent  6 looked up and signed  7 time-stamped and put beside it
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates import log_proof
from certificates.models import Licence
from certificates.regions import exchange_messages, exchange_parties, exchange_records
from certificates.regions.exchange_messages import Answer, Kind, Question, Told, digest_of
from certificates.regions.exchange_parties import SKEW
from certificates.regions.exchange_records import Direction
from certificates.regions.peers import Peers
from trust import audit
from trust.access import Caller
from trust.db import Sessions
from trust.errors import Invalid, NotFound
from trust.keys import KeyStore
from trust.vault import Vault

#: A question lives no longer than this, whatever it says.
LIFE_MAX: Final = timedelta(seconds=120)
FOUND, NOT_FOUND = "found", "not_found"


class NotForUs(Invalid):
    code = "question_not_for_us"


class QuestionNotOfNow(Invalid):
    """Its times are over, in the future, or further apart than a question lives."""

    code = "question_not_of_now"


class Answering:
    """`stamp` gives our time-stamp over bytes (DER), `checkpoint` the newest of the public log."""

    def __init__(
        self, sessions: Sessions, reading: Sessions, *, keys: KeyStore, vault: Vault, peers: Peers,
        stamp: Callable[[bytes], bytes], checkpoint: Callable[[datetime], str],
    ) -> None:  # fmt: skip
        self._sessions, self._reading, self._keys, self._vault = sessions, reading, keys, vault
        self._peers, self._stamp, self._checkpoint = peers, stamp, checkpoint

    def answer(self, message: str, *, at: datetime) -> str:
        """The signed answer to a signed question; BadExchange, NotForUs, NotAParty,
        QuestionNotOfNow, QuestionRepeated."""
        question, jws = exchange_messages.read_question(message)
        if question.asked != self._peers.own_region:
            raise NotForUs(f"the question is for region {question.asked}")
        asker = exchange_parties.party(self._peers, question.asker, at=at)
        exchange_parties.check_signature(self._peers, asker, jws, at=at)
        _check_time(question, at=at)
        by = Caller(account=f"region.{question.asker}", authority=None, roles=frozenset())
        exchange_records.begin(
            self._sessions, self._vault, Direction.ANSWERED, question, message,
            account=by.account, at=at,
        )  # fmt: skip
        answer = self._made(question, message, at=at)
        self._finish(question, message, answer, by=by, at=at)
        return answer

    def _made(self, question: Question, message: str, *, at: datetime) -> str:
        note = self._checkpoint(at) if question.kind is Kind.LOG else ""
        with self._reading() as session:
            rows = _find(session, question)
            proof = _proof(session, rows, note) if question.kind is Kind.LOG else None
            signer = exchange_parties.own_signer(session, self._keys, at=at)
            told = tuple(_told(row) for row in rows)
        answer = Answer(
            question.id, digest_of(message), self._peers.own_region, question.asker,
            question.kind, at, told, proof,
        )  # fmt: skip
        return exchange_messages.write_answer(answer, signer)

    def _finish(
        self, question: Question, message: str, answer: str, *, by: Caller, at: datetime
    ) -> None:
        """What is not on our record does not leave; the stamp is made outside the transaction."""
        stamp = self._stamp(exchange_records.stamped_bytes(message, answer))
        told = exchange_messages.read_answer(answer)[0].licences
        subject = told[0].identifier if told else question.identifier
        outcome = FOUND if told else NOT_FOUND
        with self._sessions.begin() as session:
            exchange_records.finish(
                session, self._vault, Direction.ANSWERED, question, answer=answer, stamp=stamp,
                outcome=outcome, subject=subject,
            )  # fmt: skip
            audit.record(
                session, "exchange.answered", subject=subject or "unknown", by=by, at=at,
                details={"id": question.id, "kind": str(question.kind), "outcome": outcome,
                         "region": question.asker, "purpose": question.purpose},
            )  # fmt: skip


def _check_time(question: Question, *, at: datetime) -> None:
    life = question.expires_at - question.asked_at
    if not timedelta() < life <= LIFE_MAX:
        raise QuestionNotOfNow("a question lives two minutes at most")
    if question.asked_at > at + SKEW or question.expires_at + SKEW < at:
        raise QuestionNotOfNow("the question is not of now: compare the clocks")


def _find(session: Session, question: Question) -> list[Licence]:
    wanted = select(Licence).order_by(Licence.issued_at.desc(), Licence.leaf_index.desc())
    if question.kind is Kind.NUMBER:
        wanted = wanted.where(
            Licence.number == question.number, Licence.type_code == question.type_code
        )
    else:
        wanted = wanted.where(Licence.identifier == question.identifier)
    return list(session.scalars(wanted.limit(exchange_messages.LICENCES_MAX)))


def _told(row: Licence) -> Told:
    return Told(
        identifier=row.identifier, type_code=row.type_code, number=row.number,
        authority=row.authority, holder=row.holder_public, issued=row.issued_on.isoformat(),
        valid_from=row.valid_from.isoformat(),
        valid_until=row.valid_until.isoformat() if row.valid_until else None,
        state=str(row.state), state_at=row.state_at, status_list=row.status_list,
        status_index=row.status_index, digest=row.digest, file_digest=row.file_digest,
    )  # fmt: skip


def _proof(session: Session, rows: list[Licence], note: str) -> dict[str, Any] | None:
    if not rows:
        return None
    try:
        return log_proof.prove(session, rows[0].digest, note).as_json()
    except NotFound:
        return None  # the next checkpoint will cover it
