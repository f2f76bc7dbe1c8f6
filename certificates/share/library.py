"""What sharing works with and what it gives, and how each call is recorded."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from certificates import looks
from certificates.evidence import Knowledge
from certificates.press.store import FileStore
from certificates.press.workshop import Workshop
from certificates.purpose import Purpose
from certificates.search import Found
from certificates.share.admission import GIVEN, Asking, Right, count, note_call
from trust.audit_queue import AuditQueue
from trust.db import Sessions
from trust.errors import TrustError
from trust.vault import Vault

#: What the audit log says where a right to originals made a purpose unnecessary.
NO_PURPOSE: Final = Purpose("凭调取原件的权限，未说明用途 by a right to originals")


class Workshops(Protocol):
    """What copies are made with: the claim signer is the copy signer."""

    def __call__(self, *, at: datetime) -> Workshop: ...


@dataclass(frozen=True, slots=True)
class Library:
    """What sharing works with; one for the application."""

    sessions: Sessions
    reading: Sessions
    vault: Vault
    store: FileStore
    knowledge: Knowledge
    queue: AuditQueue
    workshops: Workshops


@dataclass(frozen=True, slots=True)
class Page:
    """Licences found, nothing opened; `next` is `after` of the next page."""

    rows: tuple[Found, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """A licence's items as far as the right goes, in the short names of GB/T 36903."""

    licence: Found
    items: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Given:
    """A file. `copy` is the number of a purpose-marked copy, None for the original."""

    licence: str
    copy: str | None
    pdf: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Query:
    """By exactly one of holder's code, licence number, identifier; within a type where named."""

    holder_code: str = field(default="", repr=False)
    number: str = ""
    licence: str = ""
    type_code: str = ""


@dataclass(slots=True)
class About:
    """What a call turned out to be about, for the record of its refusal."""

    type_code: str = ""
    licence: str = ""


@contextmanager
def recording(
    library: Library, asking: Asking, verb: str, *, type_code: str = ""
) -> Iterator[About]:
    """A refusal inside is recorded, committed and audited before the caller hears of it."""
    about = About(type_code=type_code)
    try:
        yield about
    except TrustError as error:
        with library.sessions.begin() as session:
            note_call(
                session, asking, verb, outcome=error.code, licence=about.licence,
                type_code=about.type_code,
            )  # fmt: skip
        details = {"verb": verb, "code": error.code, "type": about.type_code}
        library.queue.record(
            "share.refused", subject=about.licence or looks.UNKNOWN, by=asking.by, at=asking.at,
            details=details,
        )  # fmt: skip
        raise


def take(library: Library, asking: Asking, verb: str, about: About, charged: list[Right]) -> None:
    """Count and record the call, together: committed before anything is given."""
    with library.sessions.begin() as session:
        for right in charged:
            count(session, right, day=asking.day)
        note_call(
            session, asking, verb, outcome=GIVEN, licence=about.licence,
            type_code=about.type_code, right=charged[0],
        )  # fmt: skip


def note_look(library: Library, asking: Asking, licence: str) -> None:
    """What the holder will see of this call; ActNotRecorded: then nothing is given."""
    looks.note(
        library.queue, licence, by=asking.by, how=str(asking.way),
        purpose=asking.purpose or NO_PURPOSE, at=asking.at, office=asking.by.authority,
    )  # fmt: skip
