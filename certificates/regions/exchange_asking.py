"""Asking another region about one of its licences, and weighing what it says.

1 written down  2 sent, within seconds and once  3 the answer is by its exchange signer, about this
very question, of now  4 held against its signed status list  5 time-stamped and put beside it
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from certificates.purpose import purpose as checked
from certificates.regions import exchange_messages, exchange_parties, exchange_records
from certificates.regions.exchange_judge import Disagreement, weigh
from certificates.regions.exchange_messages import (
    ANSWER_MAX,
    LIFE,
    MEDIA_TYPE,
    Answer,
    BadExchange,
    Kind,
    Question,
    digest_of,
)
from certificates.regions.exchange_parties import SKEW, NotAParty
from certificates.regions.exchange_records import Direction
from certificates.regions.peer_models import PeerDisagreement
from certificates.regions.peer_status import KIND as STATUS
from certificates.regions.peers import Peers
from certificates.status.lists import StatusList
from trust import audit, list_alarms
from trust.access import Caller
from trust.db import Sessions
from trust.errors import Invalid, Unavailable
from trust.fetch import BadAddress, FetchFailed
from trust.keys import KeyStore
from trust.list_store import TrustedRegion
from trust.report import Check
from trust.vault import Vault

CONTRADICTION: Final = "peer_contradicts_itself"
FOUND, NOT_FOUND = "found", "not_found"


class PeerSilent(Unavailable):
    """The region is not asked now, does not answer, or answers with a refusal."""

    code = "peer_silent"


class AnswerRefused(Invalid):
    """The answer is about another question, of another time, or not signed by the region."""

    code = "answer_refused"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted: a licence by its identifier, or by the number and type code on it."""

    region: str
    kind: Kind
    identifier: str = ""
    number: str = ""
    type_code: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """`checks` are one for each licence told of, in their order: its state as the answer and the
    status list together let one say. `id` finds the record."""

    id: str
    answer: Answer
    checks: tuple[Check, ...]


class Asking:
    """`stamp` gives our time-stamp over bytes (DER)."""

    def __init__(
        self, sessions: Sessions, reading: Sessions, *, keys: KeyStore, vault: Vault, peers: Peers,
        stamp: Callable[[bytes], bytes],
    ) -> None:  # fmt: skip
        self._sessions, self._reading, self._keys, self._vault = sessions, reading, keys, vault
        self._peers, self._stamp = peers, stamp

    def ask(self, wish: Wish, *, purpose: str, by: Caller, at: datetime) -> Answered:
        """BadPurpose, NotAParty, PeerSilent, AnswerRefused; what was asked is kept in any case."""
        region = exchange_parties.party(self._peers, wish.region, at=at)
        address = exchange_parties.address_of(region)
        if address is None:
            raise NotAParty(f"region {wish.region} answers no questions")
        question = Question(
            secrets.token_urlsafe(16), self._peers.own_region, wish.region, checked(purpose).cause,
            wish.kind, at.replace(microsecond=0), at.replace(microsecond=0) + LIFE,
            wish.identifier, wish.number, wish.type_code,
        )  # fmt: skip
        with self._reading() as session:
            signer = exchange_parties.own_signer(session, self._keys, at=at)
        message = exchange_messages.write_question(question, signer)
        exchange_messages.read_question(message)  # nothing leaves that the other end would refuse
        exchange_records.begin(
            self._sessions, self._vault, Direction.ASKED, question, message, account=by.account,
            at=at,
        )  # fmt: skip
        text = self._send(region, address, message)
        answer = self._judged(region, question, message, text, at=at)
        return self._kept(region, question, message, text, answer, by=by, at=at)

    def _send(self, region: TrustedRegion, address: str, message: str) -> str:
        try:
            body = self._peers.circuits.ask(
                region.code,
                lambda: self._peers.fetch(
                    address, body=message.encode(), media_type=MEDIA_TYPE, cap=ANSWER_MAX
                ),
            )
        except (FetchFailed, BadAddress) as error:
            raise PeerSilent(f"region {region.code} does not answer: {error}") from error
        if body is None:
            raise PeerSilent(f"region {region.code} has not answered lately and is left alone")
        return body.decode("ascii", "replace").strip()

    def _judged(
        self, region: TrustedRegion, question: Question, message: str, text: str, *, at: datetime
    ) -> Answer:
        try:
            answer, jws = exchange_messages.read_answer(text)
            exchange_parties.check_signature(self._peers, region, jws, at=at)
        except (BadExchange, NotAParty) as error:
            self._peers.circuits.blame(region.code)
            raise AnswerRefused(f"the answer of {region.code} is refused: {error}") from error
        wanted = (question.id, digest_of(message), region.code, question.asker, question.kind)
        self._peers.circuits.praise(region.code)
        given = (answer.id, answer.question, answer.answerer, answer.asker, answer.kind)
        if given != wanted or not _fits(question, answer):
            raise AnswerRefused(f"the answer of {region.code} is to another question")
        if abs(answer.answered_at - at) > SKEW:
            raise AnswerRefused(f"the answer of {region.code} is not of now: compare the clocks")
        return answer

    def _kept(
        self, region: TrustedRegion, question: Question, message: str, text: str, answer: Answer,
        *, by: Caller, at: datetime,
    ) -> Answered:  # fmt: skip
        """A contradiction is kept with both of its halves before anybody is told."""
        weighed = [
            weigh(told, self._listed(region, told.status_list, at=at), answer.answered_at, at=at,
                  region=region.code)
            for told in answer.licences
        ]  # fmt: skip
        stamp = self._stamp(exchange_records.stamped_bytes(message, text))
        subject = answer.licences[0].identifier if answer.licences else question.identifier
        outcome = FOUND if answer.licences else NOT_FOUND
        with self._sessions.begin() as session:
            exchange_records.finish(
                session, self._vault, Direction.ASKED, question, answer=text, stamp=stamp,
                outcome=outcome, subject=subject,
            )  # fmt: skip
            audit.record(
                session, "exchange.asked", subject=subject or "unknown", by=by, at=at,
                details={"id": question.id, "kind": str(question.kind), "outcome": outcome,
                         "region": region.code, "purpose": question.purpose},
            )  # fmt: skip
        for each in weighed:
            if each.disagreement is not None:
                self._accuse(region, question.id, each.disagreement, at=at)
        return Answered(question.id, answer, tuple(each.check for each in weighed))

    def _listed(self, region: TrustedRegion, number: int, *, at: datetime) -> StatusList | None:
        return self._peers.status.listed(region, number, at=at)

    def _accuse(
        self, region: TrustedRegion, record: str, found: Disagreement, *, at: datetime
    ) -> None:
        key = (region.code, STATUS, str(found.told.status_list))
        with self._sessions.begin() as session:
            session.add(
                PeerDisagreement(
                    region=region.code, record=record, licence=found.told.identifier,
                    answered=found.told.state, listed=found.listed.name.lower(),
                    status_list=self._peers.documents.document(key) or b"", at=at,
                )
            )  # fmt: skip
            session.flush()
            detail = f"{found.told.identifier}: {found.told.state}, listed {found.listed.name}"
            list_alarms.raise_(session, region.code, CONTRADICTION, detail, at=at)


def _fits(question: Question, answer: Answer) -> bool:
    """Whether what is told of is what was asked for."""
    if question.kind is Kind.NUMBER:
        wanted = (question.number, question.type_code)
        return all((each.number, each.type_code) == wanted for each in answer.licences)
    return all(each.identifier == question.identifier for each in answer.licences[:1]) and (
        len(answer.licences) <= 1
    )
