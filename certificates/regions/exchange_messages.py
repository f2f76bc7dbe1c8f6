"""Questions and answers between regions: signed JWS over canonical JSON, in exactly one form.

A question says who asks whom for what, once and for a short time; an answer is bound to the digest
of the very question. Both carry the certificate of the region's exchange signer (`x5c`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from ca.signers import ReadySigner
from certificates.purpose import BadPurpose, purpose
from trust.anchors import key_id
from trust.crypto import hashes, jose
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.crypto.jose import Jws
from trust.errors import Invalid

T = TypeVar("T")

QUESTION_TYPE: Final = "exchange-question+jws"
ANSWER_TYPE: Final = "exchange-answer+jws"
MEDIA_TYPE: Final = "application/jose"
VERSION: Final = 1
QUESTION_MAX: Final = 16 * 1024
ANSWER_MAX: Final = 64 * 1024
#: How long a question is good for.
LIFE: Final = timedelta(seconds=60)
#: Licences of one number that an answer names; numbers are unique within a type at best.
LICENCES_MAX: Final = 5
_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_REGION: Final = re.compile(r"[0-9]{6}")
_ASKED: Final = {"version", "id", "from", "to", "purpose", "kind", "asked_at", "exp"}
_ANSWERED: Final = {
    "version", "id", "question", "from", "to", "kind", "answered_at", "licences", "log",
}  # fmt: skip
_LICENCE: Final = {
    "identifier", "type_code", "number", "authority", "holder", "issued", "valid_from",
    "valid_until", "state", "state_at", "status_list", "status_index", "digest", "file_digest",
}  # fmt: skip


class BadExchange(Invalid):
    """A question or an answer of another form."""

    code = "bad_exchange"


class Kind(StrEnum):
    """STATUS of one licence by its identifier, NUMBER finds it by number and type, LOG adds the
    proof that it stands in the public log."""

    STATUS = "status"
    NUMBER = "number"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Question:
    """Times to the second. `number` may be a person's own: it goes into no log."""

    id: str
    asker: str
    asked: str
    purpose: str
    kind: Kind
    asked_at: datetime
    expires_at: datetime
    identifier: str = ""
    number: str = ""
    type_code: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the issuing region says of one of its licences. `holder` is masked; digests are SM3 of
    licence.json and SHA-256 of the file."""

    identifier: str
    type_code: str
    number: str
    authority: str
    holder: str
    issued: str
    valid_from: str
    valid_until: str | None
    state: str
    state_at: datetime
    status_list: int
    status_index: int
    digest: bytes
    file_digest: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """`question` is the SHA-256 (hexadecimal) of the question as it was sent."""

    id: str
    question: str
    answerer: str
    asker: str
    kind: Kind
    answered_at: datetime
    licences: tuple[Told, ...]
    log: dict[str, Any] | None = None


def digest_of(message: str) -> str:
    """What an answer calls its question by."""
    return hashes.sha256(message.encode()).hex()


def write_question(question: Question, signer: ReadySigner) -> str:
    body: dict[str, Any] = {
        "version": VERSION, "id": question.id, "from": question.asker, "to": question.asked,
        "purpose": question.purpose, "kind": str(question.kind),
        "asked_at": _seconds(question.asked_at), "exp": _seconds(question.expires_at),
    }  # fmt: skip
    if question.kind is Kind.NUMBER:
        body |= {"number": question.number, "type": question.type_code}
    else:
        body |= {"identifier": question.identifier}
    return _sign(body, signer, QUESTION_TYPE)


def write_answer(answer: Answer, signer: ReadySigner) -> str:
    body = {
        "version": VERSION, "id": answer.id, "question": answer.question, "from": answer.answerer,
        "to": answer.asker, "kind": str(answer.kind), "answered_at": _seconds(answer.answered_at),
        "licences": [_licence(each) for each in answer.licences], "log": answer.log,
    }  # fmt: skip
    return _sign(body, signer, ANSWER_TYPE)


def _licence(told: Told) -> dict[str, Any]:
    found = {name: getattr(told, name) for name in _LICENCE}
    return found | {
        "state_at": _seconds(told.state_at), "digest": jose.b64url(told.digest),
        "file_digest": jose.b64url(told.file_digest),
    }  # fmt: skip


def _sign(body: dict[str, Any], signer: ReadySigner, kind: str) -> str:
    return jose.sign(
        jose.canonical_json(body), algorithm=signer.algorithm, sign=signer.sign, typ=kind,
        kid=key_id(signer.certificate.spki).hex(), x5c=(signer.certificate.der,),
    )  # fmt: skip


def read_question(message: str) -> tuple[Question, Jws]:
    """Its form only; BadExchange. The signature is the caller's to check."""
    jws, body = _parse(message, QUESTION_TYPE, QUESTION_MAX)
    return _read(lambda: _question(body)), jws


def read_answer(message: str) -> tuple[Answer, Jws]:
    """As `read_question`."""
    jws, body = _parse(message, ANSWER_TYPE, ANSWER_MAX)
    return _read(lambda: _answer(body)), jws


def _parse(message: str, kind: str, cap: int) -> tuple[Jws, dict[str, Any]]:
    if len(message) > cap:
        raise BadExchange(f"a message has at most {cap} characters")
    try:
        jws = jose.parse(message, typ=kind)
        body = jose.load_json(jws.payload, cap=cap)
    except (Malformed, UnknownAlgorithm) as error:
        raise BadExchange(f"not a signed message: {error}") from error
    if not isinstance(body, dict) or jose.canonical_json(body) != jws.payload:
        raise BadExchange("a message is canonical JSON")
    if body.get("version") != VERSION or type(body["version"]) is not int:
        raise BadExchange("a message of another version")
    return jws, body


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except (KeyError, TypeError, ValueError, OverflowError, OSError, Malformed) as error:
        raise BadExchange("a member of a wrong kind") from error


def _question(body: dict[str, Any]) -> Question:
    kind = Kind(body["kind"])
    more = {"number", "type"} if kind is Kind.NUMBER else {"identifier"}
    if set(body) != _ASKED | more:
        raise BadExchange("members missing, or unknown to this version")
    try:
        said = purpose(_text(body["purpose"], 300)).cause
    except BadPurpose as error:
        raise BadExchange(str(error)) from error
    if said != body["purpose"]:
        raise BadExchange("the purpose is not in its one form")
    return Question(
        _matching(_ID, body["id"]), _matching(_REGION, body["from"]),
        _matching(_REGION, body["to"]), said, kind, _moment(body["asked_at"]),
        _moment(body["exp"]), _optional(body, "identifier", 200), _optional(body, "number", 128),
        _optional(body, "type", 21),
    )  # fmt: skip


def _answer(body: dict[str, Any]) -> Answer:
    if set(body) != _ANSWERED or not isinstance(body["licences"], list):
        raise BadExchange("members missing, or unknown to this version")
    if len(body["licences"]) > LICENCES_MAX or not isinstance(body["log"], dict | None):
        raise BadExchange("too many licences, or no proof")
    return Answer(
        _matching(_ID, body["id"]), _matching(re.compile("[0-9a-f]{64}"), body["question"]),
        _matching(_REGION, body["from"]), _matching(_REGION, body["to"]), Kind(body["kind"]),
        _moment(body["answered_at"]), tuple(_told(each) for each in body["licences"]), body["log"],
    )  # fmt: skip


def _told(body: dict[str, Any]) -> Told:
    if set(body) != _LICENCE:
        raise BadExchange("a licence with other members")
    texts = {
        name: _text(body[name], 400)
        for name in ("identifier", "type_code", "number", "authority", "issued", "valid_from",
                     "state")
    }  # fmt: skip
    until = body["valid_until"]
    places = [body["status_list"], body["status_index"]]
    if any(type(each) is not int or each < 0 for each in places):
        raise BadExchange("a place in a status list is two numbers")
    return Told(
        **texts, holder=_text(body["holder"] or "-", 400),
        valid_until=_text(until, 10) if until is not None else None,
        state_at=_moment(body["state_at"]), status_list=places[0], status_index=places[1],
        digest=jose.unb64url(_text(body["digest"], 64)),
        file_digest=jose.unb64url(_text(body["file_digest"], 64)),
    )  # fmt: skip


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise BadExchange(f"a text has 1 to {longest} printable characters")
    return value


def _optional(body: dict[str, Any], name: str, longest: int) -> str:
    return _text(body[name], longest) if name in body else ""


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadExchange("a code of another form")
    return value


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _moment(value: Any) -> datetime:
    if type(value) is not int or value < 0:
        raise BadExchange("a time is in whole seconds since 1970")
    return datetime.fromtimestamp(value, UTC)
