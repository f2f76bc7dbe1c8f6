"""Issuing a licence: reserve -> render -> seal -> look at it -> store -> record.

Two transactions. What a crash leaves behind at each step:
1. before `reserve` commits: nothing.
2. after it: a reservation (identifier, status index, log leaf, a use counted under the seal's
   grant, all burnt) and the application in ISSUING. `recovery.recover` abandons it: the application
   is APPROVED again, the index reads void, the seal's ledger says abandoned.
3. after `store.put`: besides, a file that no licence names; the recovery removes it.
4. after `record` commits: a licence.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from ca import signers
from certificates import application as applications
from certificates import catalogue, identifier, licence_json, qr, registry
from certificates.content import parse_date
from certificates.document import Renderer
from certificates.evidence import Knowledge
from certificates.identifier import Identifier
from certificates.licence_type import LicenceType
from certificates.models import (
    Application,
    ApplicationState,
    Authority,
    Licence,
    LicenceState,
    Region,
    Reservation,
    StateChange,
)
from certificates.own_output import require_sound
from certificates.public_log import append_leaf
from certificates.recovery import RESERVED, give_up, process_name
from certificates.registry import StatusPlace
from certificates.store import FileStore
from seal import apply as seal_apply
from seal import use as seal_use
from seal.apply import Suites
from seal.ledger import OWN_SYSTEM, Use
from seal.long_term import LongTerm, Noted
from seal.pdf.sealing import Place
from seal.use import Taken
from trust import audit
from trust.access import Caller, Role
from trust.anchors import key_id
from trust.crypto import hashes
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, NotFound, TrustError
from trust.keys import KeyStore
from trust.vault import Vault

DONE = "done"
_RESERVE = insert(cast(Table, Reservation.__table__))
_CHANGE = insert(cast(Table, StateChange.__table__))


class AlreadyIssued(Conflict):
    """The application has its licence; the message names it."""

    code = "already_issued"


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
class _Job:
    """A reserved licence, not yet sealed. `raw` is licence.json to the byte."""

    application: UUID
    licence_type: LicenceType
    known: Identifier
    place: StatusPlace
    leaf: int
    metadata: dict[str, Any]
    raw: bytes
    seals: tuple[tuple[Taken, Place], ...]
    issued: date


def issue(
    workshop: Workshop, key: UUID, *, by: Caller, at: datetime, system: str = OWN_SYSTEM
) -> Licence:
    """Issue the licence of an approved application, asked for through `system`.

    Raises NotFound, Forbidden, AlreadyIssued, Conflict, UnprintableLicence, NoTimeStamp,
    NoEvidence, SealNotInForce, and the other refusals of `seal.use.take`.
    """
    at = at.replace(microsecond=0)
    with (
        seal_use.recording_refusals(workshop.sessions, by=by, at=at),
        workshop.sessions.begin() as session,
    ):
        job = _reserve(session, workshop, key, system=system, by=by, at=at)
    try:
        claim_text = _write_claim(workshop, job, at)
        pdf, stamps = _render_and_seal(workshop, job, claim_text, at)
        require_sound(pdf, claim_text, workshop.knowledge, at=at)
        workshop.store.put(str(job.known), pdf)
        with workshop.sessions.begin() as session:
            return _record(session, workshop, job, claim_text, pdf, stamps, by=by, at=at)
    except Exception as error:
        # The refusal is for the caller; what it leaves is put right first, in its own transaction.
        reason = error.code if isinstance(error, TrustError) else "fault"
        give_up(workshop.sessions, workshop.store, str(job.known), by=by, at=at, reason=reason)
        raise


# --- 1. reserve --------------------------------------------------------------------------------


def _reserve(
    session: Session, workshop: Workshop, key: UUID, *, by: Caller, at: datetime,
    system: str = OWN_SYSTEM,
) -> _Job:  # fmt: skip
    application = _take(session, key, by=by)
    owner = session.get_one(Authority, application.authority)
    licence_type = catalogue.find(application.type_code)
    content = applications.content(application, workshop.vault)
    known = Identifier(licence_type.code, owner.code, identifier.new_serial())
    # Before the log of licences is locked: a refusal costs nobody else a wait.
    seals = _seals(session, application, [owner], known, system=system, by=by, at=at)
    place = registry.take_status_place(session)
    metadata = licence_json.complete(session, licence_type, content, owner, known, at)
    raw = licence_json.write(metadata, workshop.region.code, workshop.suites)
    leaf = append_leaf(session, "issued", raw, at=at)
    reservation = {
        "identifier": str(known), "application": key, "state": RESERVED,
        "status_list": place.number, "status_index": place.index, "leaf_index": leaf,
        "owner": process_name(), "reserved_at": at, "lease_until": at + workshop.lease,
    }  # fmt: skip
    session.connection().execute(_RESERVE, reservation)
    audit.record(
        session, "licence.reserved", subject=str(known), by=by, at=at,
        details={"application": str(key), "leaf": leaf},
    )  # fmt: skip
    return _Job(
        key, licence_type, known, place, leaf, metadata, raw, seals,
        parse_date("ZZBFRQ", metadata["ZZBFRQ"]),
    )  # fmt: skip


def _take(session: Session, key: UUID, *, by: Caller) -> Application:
    """One statement decides who issues; everyone else gets a Conflict."""
    application = session.get(Application, key)
    if application is None:
        raise NotFound(f"no application {key}")
    if not by.has(Role.APPROVER) or by.authority != application.authority:
        raise Forbidden("only an approver of the application's authority issues its licence")
    if by.account == application.entered_by:
        raise applications.OwnApplication("nobody issues on an application of their own")
    won = registry.move(
        session, Application, key, before=ApplicationState.APPROVED, after=ApplicationState.ISSUING
    )
    if not won:
        session.refresh(application)
        licence = registry.licence_of(session, application)
        if licence is not None:
            raise AlreadyIssued(f"application {key} has licence {licence.identifier}")
        raise Conflict(f"application {key} is {application.state}")
    return application


def _seals(
    session: Session, application: Application, owners: Sequence[Authority], known: Identifier, *,
    system: str, by: Caller, at: datetime,
) -> tuple[tuple[Taken, Place], ...]:  # fmt: skip
    """Each authority's seal, taken for this one use, and where it goes."""
    licence_type, found = catalogue.find(application.type_code), []
    for owner, place in zip(owners, catalogue.seal_places(licence_type, len(owners)), strict=True):
        if owner.seal is None:
            raise Conflict(f"{owner.name} has no seal")
        use = Use(
            owner.seal, application.type_code, str(application.id), f"{known}.pdf", system=system
        )
        taken = seal_use.take(session, use, by=by, at=at)
        found.append((taken, Place(place.page, place.x_mm, place.y_mm)))
    return tuple(found)


# --- 2. render and seal ------------------------------------------------------------------------


def _write_claim(workshop: Workshop, job: _Job, at: datetime) -> str:
    until = job.metadata.get("ZZYXQJZRQ")
    holder_type = str(job.metadata["CZZTDMLXDM"])
    signer = workshop.claim_signer
    claim = qr.Claim(
        region=workshop.region.code, identifier=job.known,
        holder=job.licence_type.public_holder(str(job.metadata["CZZT"]), holder_type),
        made_at=at, issued=job.issued,
        valid_from=parse_date("ZZYXQQSRQ", job.metadata["ZZYXQQSRQ"]),
        valid_until=parse_date("ZZYXQJZRQ", until) if until else None,
        status_list=job.place.number, status_index=job.place.index,
        digest=hashes.sm3(job.raw)[: qr.DIGEST_LENGTH],
    )  # fmt: skip
    return qr.write(
        claim, base_url=workshop.region.base_url, algorithm=signer.algorithm,
        kid=key_id(signer.certificate.spki), sign=signer.sign,
    )  # fmt: skip


def _render_and_seal(
    workshop: Workshop, job: _Job, claim_text: str, at: datetime
) -> tuple[bytes, list[str | None]]:
    """The sealed file, and the serial number of each seal's time-stamp."""
    photo = job.metadata.get("KZ_ZP")
    pdf = workshop.renderer.render(
        job.licence_type, job.metadata, attachment=job.raw, qr_text=claim_text,
        verify_at=f"{workshop.region.base_url}/verify", at=at,
        photo=base64.b64decode(str(photo)) if photo else None,
    )  # fmt: skip
    placed = [(taken.impression, place) for taken, place in job.seals]
    long_term = workshop.long_term
    noted = Noted(long_term.stamps) if long_term is not None else None
    if long_term is not None and noted is not None:
        long_term = replace(long_term, stamps=noted)
    sealed = seal_apply.apply(
        pdf, placed, suites=workshop.suites, keys=workshop.keys, at=at, long_term=long_term
    )
    return sealed, noted.serials(len(placed)) if noted is not None else [None] * len(placed)


# --- 3. record ---------------------------------------------------------------------------------


def _record(
    session: Session, workshop: Workshop, job: _Job, claim_text: str, pdf: bytes,
    stamps: Sequence[str | None], *, by: Caller,
    at: datetime,
) -> Licence:  # fmt: skip
    name = str(job.known)
    if not registry.move(session, Reservation, name, before=RESERVED, after=DONE):
        raise Conflict(f"the reservation of {job.known} was given up meanwhile")
    for taken, _ in job.seals:
        seal_use.require_still_in_force(session, taken)
    licence = _licence(workshop, job, claim_text, pdf, by=by, at=at)
    session.add(licence)
    session.flush()
    change = {"licence": name, "state": LicenceState.ACTIVE, "at": at, "by": by.account,
              "reason": "issued"}  # fmt: skip
    session.connection().execute(_CHANGE, change)
    registry.move(
        session, Application, job.application, before=ApplicationState.ISSUING,
        after=ApplicationState.ISSUED,
    )  # fmt: skip
    for (taken, place), time_stamp in zip(job.seals, stamps, strict=True):
        seal_use.record(
            session, taken, digest=licence.file_digest, place=place, time_stamp=time_stamp, by=by,
            at=at,
        )  # fmt: skip
    audit.record(
        session, "licence.issued", subject=str(job.known), by=by, at=at,
        details={
            "sm3": licence.digest.hex(), "file_sha256": licence.file_digest.hex(),
            "seals": [taken.use.seal for taken, _ in job.seals], "leaf": job.leaf,
        },
    )  # fmt: skip
    return licence


def _licence(
    workshop: Workshop, job: _Job, claim_text: str, pdf: bytes, *, by: Caller, at: datetime
) -> Licence:
    name, until = str(job.known), job.metadata.get("ZZYXQJZRQ")
    return Licence(
        identifier=name, application=job.application, type_code=job.licence_type.code,
        number=str(job.metadata["ZZBH"]), authority=job.known.issuer,
        holder_index=workshop.vault.index(str(job.metadata["CZZTDM"]), column="holder"),
        holder_public=job.licence_type.public_holder(
            str(job.metadata["CZZT"]), str(job.metadata["CZZTDMLXDM"])
        ),
        content_box=workshop.vault.seal(job.raw, context=f"licence/{name}"),
        digest=hashes.sm3(job.raw), file_digest=hashes.sha256(pdf), claim=claim_text,
        status_list=job.place.number, status_index=job.place.index, leaf_index=job.leaf,
        issued_on=job.issued, valid_from=parse_date("ZZYXQQSRQ", job.metadata["ZZYXQQSRQ"]),
        valid_until=parse_date("ZZYXQJZRQ", until) if until else None, issued_by=by.account,
        issued_at=at, state=LicenceState.ACTIVE, state_at=at,
    )  # fmt: skip
