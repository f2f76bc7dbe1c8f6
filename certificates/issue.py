"""Issuing a licence: reserve -> render -> seal -> look at it -> store -> record.

Two transactions. What a crash leaves behind at each step:
1. before `reserve` commits: nothing.
2. after it: a reservation (identifier, status index, log leaf, all burnt) and the application in
   ISSUING. `recovery.recover` abandons it: the application is APPROVED again, the index reads void.
3. after `store.put`: besides, a file that no licence names; the recovery removes it.
4. after `record` commits: a licence.
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from ca import signers
from certificates import application as applications
from certificates import catalogue, identifier, qr, registry
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
from seal.apply import Impression, Suites
from seal.pdf.sealing import Place
from trust import audit
from trust.access import Caller, Role
from trust.anchors import key_id
from trust.clock import CHINA
from trust.crypto import hashes, jose
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, NotFound
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
    seals: tuple[Impression, ...]
    issued: date


def issue(workshop: Workshop, key: UUID, *, by: Caller, at: datetime) -> Licence:
    """Issue the licence of an approved application.

    Raises NotFound, Forbidden, AlreadyIssued, Conflict, SealNotInForce, UnprintableLicence.
    """
    at = at.replace(microsecond=0)
    with workshop.sessions.begin() as session:
        job = _reserve(session, workshop, key, by=by, at=at)
    try:
        claim_text = _write_claim(workshop, job, at)
        pdf = _render_and_seal(workshop, job, claim_text, at)
        require_sound(pdf, claim_text, workshop.knowledge, at=at)
        workshop.store.put(str(job.known), pdf)
        with workshop.sessions.begin() as session:
            return _record(session, workshop, job, claim_text, pdf, by=by, at=at)
    except Exception:
        # The refusal is for the caller; what it leaves is put right first, in its own transaction.
        give_up(workshop.sessions, workshop.store, str(job.known), by=by, at=at)
        raise


# --- 1. reserve --------------------------------------------------------------------------------


def _reserve(session: Session, workshop: Workshop, key: UUID, *, by: Caller, at: datetime) -> _Job:
    application = _take(session, key, by=by)
    owner = session.get_one(Authority, application.authority)
    licence_type = catalogue.find(application.type_code)
    content = applications.content(application, workshop.vault)
    known = Identifier(licence_type.code, owner.code, identifier.new_serial())
    place = registry.take_status_place(session)
    metadata = _metadata(session, licence_type, content, owner, known, at)
    raw = _licence_json(metadata, workshop.region.code, workshop.suites)
    leaf = append_leaf(session, "issued", raw, at=at)
    reservation = {
        "identifier": str(known), "application": key, "state": RESERVED,
        "status_list": place.number, "status_index": place.index, "leaf_index": leaf,
        "owner": process_name(), "reserved_at": at, "lease_until": at + workshop.lease,
    }  # fmt: skip
    session.connection().execute(_RESERVE, reservation)
    seals = _seals(session, [owner], at=at)
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


def _metadata(
    session: Session, licence_type: LicenceType, content: dict[str, object], owner: Authority,
    known: Identifier, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """The content completed to the items of GB/T 36903."""
    today = at.astimezone(CHINA).date()
    issued = parse_date("ZZBFRQ", content.get("ZZBFRQ", f"{today:%Y%m%d}"))
    until = catalogue.valid_until(licence_type, content, issued=issued)
    number = content.get("ZZBH")
    if number is None:
        name = f"{licence_type.code}/{owner.division}"
        sequence = registry.next_number(session, name)
        number = catalogue.number(licence_type, content, sequence, owner.division)
    metadata: dict[str, Any] = {
        **content,
        "ZZMC": licence_type.name, "ZZLXDM": licence_type.code, "ZZBS": str(known),
        "ZZBH": number, "ZZBFJG": owner.name, "ZZBFJGDM": owner.code,
        "ZZBFRQ": f"{issued:%Y%m%d}",
        "ZZYXQQSRQ": f"{catalogue.valid_from(licence_type, content, issued=issued):%Y%m%d}",
    }  # fmt: skip
    metadata.pop("ZZYXQJZRQ", None)
    if until is not None:
        metadata["ZZYXQJZRQ"] = f"{until:%Y%m%d}"
    return metadata


def _licence_json(metadata: dict[str, Any], region: str, suites: Suites) -> bytes:
    """The attachment. The salt keeps its digest, in the log and in the QR code, unguessable."""
    return jose.canonical_json(
        {
            "version": 1, "region": region, "seals": str(suites),
            "salt": jose.b64url(secrets.token_bytes(16)), "licence": metadata,
        }
    )  # fmt: skip


def _seals(
    session: Session, owners: Sequence[Authority], *, at: datetime
) -> tuple[Impression, ...]:
    found = []
    for owner in owners:
        if owner.seal is None:
            raise Conflict(f"{owner.name} has no seal")
        found.append(seal_apply.impression(session, owner.seal, at=at))
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


def _render_and_seal(workshop: Workshop, job: _Job, claim_text: str, at: datetime) -> bytes:
    photo = job.metadata.get("KZ_ZP")
    pdf = workshop.renderer.render(
        job.licence_type, job.metadata, attachment=job.raw, qr_text=claim_text,
        verify_at=f"{workshop.region.base_url}/verify", at=at,
        photo=base64.b64decode(str(photo)) if photo else None,
    )  # fmt: skip
    places = catalogue.seal_places(job.licence_type, len(job.seals))
    placed = [
        (seal, Place(place.page, place.x_mm, place.y_mm))
        for seal, place in zip(job.seals, places, strict=True)
    ]
    return seal_apply.apply(pdf, placed, suites=workshop.suites, keys=workshop.keys, at=at)


# --- 3. record ---------------------------------------------------------------------------------


def _record(
    session: Session, workshop: Workshop, job: _Job, claim_text: str, pdf: bytes, *, by: Caller,
    at: datetime,
) -> Licence:  # fmt: skip
    name = str(job.known)
    if not registry.move(session, Reservation, name, before=RESERVED, after=DONE):
        raise Conflict(f"the reservation of {job.known} was given up meanwhile")
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
    audit.record(
        session, "licence.issued", subject=str(job.known), by=by, at=at,
        details={
            "sm3": licence.digest.hex(), "file_sha256": licence.file_digest.hex(),
            "seals": [seal.es_id for seal in job.seals], "leaf": job.leaf,
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
