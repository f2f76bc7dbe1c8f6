"""What issuing works with: the workshop, a reserved licence, a made one, and what came of it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from ca import signers
from certificates.document import Renderer
from certificates.evidence import Knowledge
from certificates.identifier import Identifier
from certificates.licence_type import LicenceType
from certificates.models import Region
from certificates.press.store import FileStore
from certificates.registry import StatusPlace
from seal.apply import Suites
from seal.long_term import LongTerm
from seal.pdf.sealing import Place
from seal.use import Taken
from trust.access import Caller
from trust.db import Sessions
from trust.errors import TrustError
from trust.keys import KeyStore
from trust.vault import Vault


@dataclass(frozen=True, slots=True)
class Workshop:
    """What issuing needs besides the application; made for a request or a bulk job."""

    sessions: Sessions
    keys: KeyStore
    vault: Vault
    store: FileStore
    renderer: Renderer
    knowledge: Knowledge
    region: Region
    claim_signer: signers.ReadySigner
    lease: timedelta
    suites: Suites = Suites.DUAL
    #: Time-stamps and evidence (PAdES B-LT); None seals without, as in B-B.
    long_term: LongTerm | None = None


@dataclass(frozen=True, slots=True)
class Sealing:
    """One authority's seal, taken for this one use by somebody of theirs, and where it goes."""

    taken: Taken
    place: Place
    by: Caller


@dataclass(frozen=True, slots=True)
class Job:
    """A reserved licence, not yet sealed. `raw` is licence.json to the byte; `replaces` the licence
    of ours that ends with this one; `joint` the codes of the authorities that seal after the first.
    """

    application: UUID
    licence_type: LicenceType
    known: Identifier
    place: StatusPlace
    leaf: int
    metadata: dict[str, Any]
    raw: bytes
    seals: tuple[Sealing, ...]
    issued: date
    joint: tuple[str, ...] = ()
    previous: str | None = None
    replaces: str | None = None
    paper_number: str | None = None
    item_code: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A sealed licence whose file is stored and which the register does not know yet.

    `file_digest` is SHA-256 of the file; `stamps` the serial number of each seal's time-stamp.
    """

    job: Job
    claim: str
    file_digest: bytes
    stamps: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """What a block says of a licence that there is now. `digest` is SM3 of licence.json."""

    application: UUID
    identifier: str
    number: str
    digest: bytes
    file_digest: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """What a block says of an application that got no licence; nothing is left half-done."""

    application: UUID
    error: TrustError
