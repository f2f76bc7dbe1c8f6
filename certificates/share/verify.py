"""Verifying for offices (GB/T 36906): what somebody says of a licence, answered by 0 to 6, and a
file, answered by 0 to 2. Neither tells anything that was not asked about."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from hmac import compare_digest
from typing import Final

from sqlalchemy.orm import Session

from certificates import looks, search
from certificates.licence_types import registry as type_registry
from certificates.models import LicenceState
from certificates.search import Found
from certificates.share.admission import Asking, Right, Way, may_find, rights
from certificates.share.library import Library, note_look, recording, take
from certificates.share.refusals import BadQuery, NotCovered, PurposeMissing
from certificates.verify import verify_file
from certificates.verify_claim import Verification
from certificates.wallet import holder_licences
from trust.report import Outcome

FACTS_MAX: Final = 40
TEXT_MAX: Final = 2000
#: Licences of one number or holder that are compared.
_CANDIDATES: Final = 50
#: First words of the checks that are about seals and signatures.
_OF_SEALS: Final = frozenset({"signature", "seal", "time", "chain", "revocation", "owner"})
#: Our names of facts and the items they are compared with.
_NAMES: Final = {"number": "ZZBH", "holder": "CZZT", "holder_code": "CZZTDM"}


class DataResult(IntEnum):
    """GB/T 36906: the answer about data."""

    VALID = 0
    NOT_YET = 1
    SUSPENDED = 2
    OVER = 3
    TOO_LITTLE = 4
    NO_RECORD = 5
    WRONG = 6


class FileResult(IntEnum):
    """GB/T 36906: the answer about a file."""

    PASSED = 0
    SEAL_FAILED = 1
    FILE_FAILED = 2


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a licence; `items` are further items by their short names."""

    type_code: str
    licence: str = ""
    number: str = ""
    holder: str = field(default="", repr=False)
    holder_code: str = field(default="", repr=False)
    items: Mapping[str, str] = field(default_factory=dict, repr=False)

    def facts(self) -> dict[str, str]:
        """Item -> what was said of it."""
        own = {item: getattr(self, name) for name, item in _NAMES.items() if getattr(self, name)}
        return {**self.items, **own}


@dataclass(frozen=True, slots=True)
class FileReport:
    """The answer about a file, with the whole report that it rests on."""

    result: FileResult
    report: Verification


def data(library: Library, asking: Asking, said: Said) -> DataResult:
    """Compare with the register. Two facts at least, of which one finds the licence (identifier,
    number, holder's code); of several licences the one that agrees and stands best answers."""
    with recording(library, asking, "verify_data", type_code=said.type_code) as about:
        _check(said)
        if asking.way is not Way.DUTY and asking.purpose is None:
            raise PurposeMissing("say what the licence is wanted for")
        with library.reading() as session:
            right = rights(session, asking, {said.type_code}, needs_purpose=False)[said.type_code]
            _check_covered(session, right, said)
        take(library, asking, "verify_data", about, [right])
    if len(said.facts()) + bool(said.licence) < 2:
        return DataResult.TOO_LITTLE
    with library.reading() as session:
        candidates = _candidates(session, library, said)
        if candidates is None:
            return DataResult.TOO_LITTLE
        candidates = [row for row in candidates if may_find(session, asking, row.identifier)]
        agreeing = [row for row in candidates if _agrees(session, library, row, said)]
    for row in agreeing:
        note_verified(library, asking, row.identifier)
    if not candidates:
        return DataResult.NO_RECORD
    if not agreeing:
        return DataResult.WRONG
    return min(_standing(row, asking.day) for row in agreeing)


def file(library: Library, asking: Asking, type_code: str, content: bytes) -> FileReport:
    """Verify a file as anybody may, but counted and recorded under the caller's right."""
    with recording(library, asking, "verify_file", type_code=type_code) as about:
        with library.reading() as session:
            right = rights(session, asking, {type_code}, needs_purpose=False)[type_code]
        take(library, asking, "verify_file", about, [right])
    report = verify_file(content, library.knowledge, at=asking.at)
    looks.record(library.queue, looks.look_of(report, how="pdf"), by=asking.by)
    result = _result_of(report)
    if result is FileResult.PASSED and (report.licence or {}).get("type_code") != type_code:
        result = FileResult.FILE_FAILED
    return FileReport(result, report)


def _result_of(report: Verification) -> FileResult:
    """0 only for a file that passed whole, its state and dates among it."""
    if report.outcome is Outcome.PASSED:
        return FileResult.PASSED
    wrong = {
        check.name.partition(".")[0] for check in report.checks
        if check.outcome is not Outcome.PASSED
    }  # fmt: skip
    return FileResult.SEAL_FAILED if wrong & _OF_SEALS else FileResult.FILE_FAILED


def note_verified(library: Library, asking: Asking, licence: str) -> None:
    """The holder sees that data of theirs were compared; with a purpose, what for."""
    if asking.purpose is not None:
        note_look(library, asking, licence)
        return
    details = {"how": str(asking.way), "outcome": "data"}
    library.queue.record(
        looks.VERIFIED, subject=licence, by=asking.by, at=asking.at, details=details
    )  # fmt: skip


def _check(said: Said) -> None:
    facts = said.facts()
    if len(facts) > FACTS_MAX or any(len(value) > TEXT_MAX for value in facts.values()):
        raise BadQuery(f"at most {FACTS_MAX} facts of {TEXT_MAX} characters are compared")
    if any("\0" in value for value in (*facts.values(), said.licence)) or len(said.licence) > 200:
        raise BadQuery("a fact is printable text")


def _check_covered(session: Session, right: Right, said: Said) -> None:
    """Whoever may not read an item may not guess it either: by any version of the type."""
    for kind in type_registry.every_version(session, said.type_code) if said.items else ():
        if not all(right.covers(each) for each in kind.fields if each.name in said.items):
            raise NotCovered("the right does not cover an item that was asked about")


def _candidates(session: Session, library: Library, said: Said) -> list[Found] | None:
    """The licences that may be meant; None where nothing said could find one."""
    if said.licence:
        one = search.one(session, said.licence)
        found = [one] if one is not None and one.type_code == said.type_code else []
    elif said.number:
        found = search.by_number(session, said.number, type_code=said.type_code, limit=_CANDIDATES)
    elif said.holder_code:
        found = search.by_holder(
            session, library.vault, said.holder_code, type_codes=(said.type_code,),
            limit=_CANDIDATES,
        )  # fmt: skip
    else:
        return None
    return found


def _agrees(session: Session, library: Library, row: Found, said: Said) -> bool:
    items = holder_licences.items(session, library.vault, row.identifier)
    return all(_same(items.get(name), value) for name, value in said.facts().items())


def _same(known: object, value: str) -> bool:
    """One of several holders is enough; a list agrees when its parts do, joined by 、."""
    if isinstance(known, list):
        return any(_same(each, value) for each in known) or _same("、".join(map(str, known)), value)
    if not isinstance(known, str):
        return False
    return compare_digest(_normal(known), _normal(value))


def _normal(text: str) -> bytes:
    return unicodedata.normalize("NFKC", text).strip().upper().encode("utf-8", "replace")


def _standing(row: Found, day: date) -> DataResult:
    if row.state is LicenceState.SUSPENDED:
        return DataResult.SUSPENDED
    if row.state is not LicenceState.ACTIVE:
        return DataResult.OVER
    if day < row.valid_from:
        return DataResult.NOT_YET
    if row.valid_until is not None and day > row.valid_until:
        return DataResult.OVER
    return DataResult.VALID
