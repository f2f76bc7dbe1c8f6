"""Reserving: who may issue, and everything that a licence needs before it can be made.

For one application or a block of them, in the caller's transaction and a dozen statements together.
An application that may not be issued is told so and leaves nothing behind; a seal that may not be
used raises, because what it undoes is the whole transaction (`seal.use.recording_refusals`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certificates import catalogue, identifier, licence_json, registry
from certificates.applications import issuing_grants, joint
from certificates.applications import verbs as applications
from certificates.applications.refusals import WrongState
from certificates.content import parse_date
from certificates.identifier import Identifier
from certificates.licence_type import LicenceType, NumberRule
from certificates.licence_types import registry as type_registry
from certificates.models import (
    Application,
    ApplicationKind,
    ApplicationState,
    Authority,
    Licence,
    LicenceState,
    Reservation,
)
from certificates.press import numbering
from certificates.press.numbering import Unnumbered
from certificates.press.recovery import RESERVED, process_name
from certificates.press.workshop import Job, Refused, Sealing, Workshop
from certificates.public_log import append_leaves
from certificates.states import LicenceNotInForce
from seal import use as seal_use
from seal.ledger import OWN_SYSTEM, Use
from seal.pdf.sealing import Place
from trust import audit
from trust.access import Caller, Role
from trust.audit import Act
from trust.errors import Conflict, Forbidden, NotFound, TrustError

_RESERVE = insert(cast(Table, Reservation.__table__))


class AlreadyIssued(Conflict):
    """The application has its licence; the message names it."""

    code = "already_issued"


@dataclass(frozen=True, slots=True)
class _Draft:
    """An application that may be issued: nothing is written yet. `number` None is to be counted."""

    application: Application
    licence_type: LicenceType
    content: dict[str, object]
    sealers: tuple[tuple[Authority, Caller], ...]
    known: Identifier
    number: str | None
    replaces: str | None
    uses: tuple[tuple[Use, Place, Caller], ...]


def reserve(
    session: Session, workshop: Workshop, keys: Sequence[UUID], *, by: Caller, at: datetime,
    system: str | None = None,
) -> list[Job | Refused]:  # fmt: skip
    """A job or a refusal for each application, in their order; none is named twice.

    1. look: may they, is the content whole  2. one statement decides who issues  3. seals
    4. status indexes, numbers, log leaves, reservations, audit. Raises the refusals of
    `seal.use.take`.
    """
    found: dict[UUID, _Draft | Refused] = {}
    begun: set[str] = set()
    for key in dict.fromkeys(keys):
        try:
            draft = _draft(session, workshop, key, by=by, at=at, system=system)
            if str(draft.known) in begun:
                raise Conflict(f"licence {draft.replaces} is being issued anew")
            begun.add(str(draft.known))
            found[key] = draft
        except TrustError as error:
            found[key] = Refused(key, error)
    drafts = _won(session, found)
    jobs = _taken(session, workshop, drafts, by=by, at=at) if drafts else []
    done: dict[UUID, Job | Refused] = {job.application: job for job in jobs}
    return [done.get(key) or cast(Refused, each) for key, each in found.items()]


def _won(session: Session, found: dict[UUID, _Draft | Refused]) -> list[_Draft]:
    """The drafts that are ours to issue; the others become refusals."""
    drafts = [each for each in found.values() if isinstance(each, _Draft)]
    if not drafts:
        return []
    keys = [draft.application.id for draft in drafts]
    won = registry.move_all(
        session, Application, keys, before=ApplicationState.APPROVED, after=ApplicationState.ISSUING
    )
    for draft in drafts:
        if draft.application.id not in won:
            found[draft.application.id] = _lost(session, draft.application)
    return [draft for draft in drafts if draft.application.id in won]


# --- 1. look -----------------------------------------------------------------------------------


def _draft(
    session: Session, workshop: Workshop, key: UUID, *, by: Caller, at: datetime, system: str | None
) -> _Draft:
    application = session.get(Application, key)
    if application is None:
        raise NotFound(f"no application {key}")
    _require_may_issue(session, application, by=by, at=at)
    licence_type = type_registry.of(session, application.type_code, application.type_version)
    content = applications.content(application, workshop.vault)
    licence_json.dates(licence_type, content, at=at)
    sealers = tuple(joint.sealers(session, application, by=by))
    replaced = _replaced(session, application)
    fresh = Identifier(licence_type.code, sealers[0][0].code, identifier.new_serial())
    known = fresh if replaced is None else _following(session, fresh, replaced.identifier)
    number = content.get("ZZBH") or (replaced.number if replaced is not None else None)
    if licence_type.number_rule is NumberRule.HOLDER_CODE:  # the register's may be veiled
        number = None
    return _Draft(
        application, licence_type, content, sealers, known,
        str(number) if number is not None else None,
        replaced.identifier if replaced is not None else None,
        _uses(application, licence_type, sealers, known, system),
    )  # fmt: skip


def _require_may_issue(
    session: Session, application: Application, *, by: Caller, at: datetime
) -> None:
    """An approver of the authority, or of the one that handled it by a grant that is in force."""
    mine = by.authority is not None and by.authority in (application.authority, application.acting)
    if not by.has(Role.APPROVER) or not mine:
        raise Forbidden("only an approver of the application's authority issues its licence")
    if by.account == application.entered_by:
        raise applications.OwnApplication("nobody issues on an application of their own")
    if by.authority != application.authority:
        issuing_grants.require(
            session, application.authority, application.type_code, acting=by.authority, at=at
        )


def _replaced(session: Session, application: Application) -> Licence | None:
    """The licence of ours that this one takes the place of; LicenceNotInForce."""
    if application.kind != ApplicationKind.REISSUE or application.previous is None:
        return None
    previous = session.get(Licence, application.previous)
    if previous is not None and previous.state != LicenceState.ACTIVE:
        raise LicenceNotInForce(f"licence {previous.number} is {previous.state}")
    return previous


def _following(session: Session, fresh: Identifier, previous: str) -> Identifier:
    """The same serial and the next version; a version that a died issue burnt is left out. Of
    another issuer or type the licence has a serial of its own, and only names the previous."""
    known = identifier.parse(previous)
    if (known.type_code, known.issuer) != (fresh.type_code, fresh.issuer):
        return fresh
    while True:
        known = known.next_version()
        begun = session.get(Reservation, str(known))
        if begun is None:
            return known
        if begun.state != registry.ABANDONED:
            raise Conflict(f"licence {previous} is being issued anew")


# --- 2. to 4. take -----------------------------------------------------------------------------


def _lost(session: Session, application: Application) -> Refused:
    """Somebody else has it."""
    session.refresh(application)
    licence = registry.licence_of(session, application)
    if licence is not None:
        said = (f"已签发证照 {licence.identifier} / "
                f"application {application.id} has licence {licence.identifier}")  # fmt: skip
        return Refused(application.id, AlreadyIssued(said))
    state = ApplicationState(application.state)
    return Refused(
        application.id,
        WrongState(f"申请未批准，不能签发 / application {application.id} is {state}"),
    )


def _taken(
    session: Session, workshop: Workshop, drafts: Sequence[_Draft], *, by: Caller, at: datetime
) -> list[Job]:
    # Before the log of licences is locked: a refusal costs nobody else a wait.
    seals = _seals(session, drafts, at=at)
    places = registry.take_status_places(session, len(drafts))
    numbers = numbering.numbers(session, [
        Unnumbered(draft.licence_type, draft.content, draft.sealers[0][0].division, draft.number)
        for draft in drafts
    ], at=at)  # fmt: skip
    written = [
        licence_json.complete(
            draft.licence_type, draft.content, [owner for owner, _ in draft.sealers], draft.known,
            number=number, previous=draft.application.previous, at=at,
        )
        for draft, number in zip(drafts, numbers, strict=True)
    ]  # fmt: skip
    raws = [licence_json.write(each, workshop.region.code, workshop.suites) for each in written]
    leaves = append_leaves(session, "issued", raws, at=at)
    jobs = [
        Job(
            application=draft.application.id, licence_type=draft.licence_type, known=draft.known,
            place=place, leaf=leaf, metadata=metadata, raw=raw, seals=sealed,
            issued=parse_date("ZZBFRQ", metadata["ZZBFRQ"]), joint=tuple(draft.application.joint),
            previous=draft.application.previous, replaces=draft.replaces,
            paper_number=draft.application.paper_number, item_code=draft.application.item_code,
        )
        for draft, place, leaf, metadata, raw, sealed in zip(
            drafts, places, leaves, written, raws, seals, strict=True
        )
    ]  # fmt: skip
    _write_reservations(session, workshop, jobs, at=at)
    audit.record_all(session, [
        Act("licence.reserved", str(job.known), by, at,
            {"application": str(job.application), "leaf": job.leaf})
        for job in jobs
    ])  # fmt: skip
    return jobs


def _write_reservations(
    session: Session, workshop: Workshop, jobs: Sequence[Job], *, at: datetime
) -> None:
    owner = process_name()
    rows = [
        {
            "identifier": str(job.known), "application": job.application, "state": RESERVED,
            "status_list": job.place.number, "status_index": job.place.index,
            "leaf_index": job.leaf, "owner": owner, "reserved_at": at,
            "lease_until": at + workshop.lease,
        }
        for job in jobs
    ]  # fmt: skip
    try:
        session.connection().execute(_RESERVE, rows)
    except IntegrityError as error:
        # The next version of one licence, wanted twice at once.
        raise Conflict("the licence is being issued anew by somebody else") from error


def _seals(
    session: Session, drafts: Sequence[_Draft], *, at: datetime
) -> list[tuple[Sealing, ...]]:
    """Each authority's seal for each licence, taken for this one use, and where it goes."""
    takers: dict[Caller, list[tuple[int, Use, Place]]] = defaultdict(list)
    for number, draft in enumerate(drafts):
        for use, place, taker in draft.uses:
            takers[taker].append((number, use, place))
    sealed: dict[tuple[int, str], Sealing] = {}
    for taker, wanted in takers.items():
        taken = seal_use.take_many(session, [use for _, use, _ in wanted], by=taker, at=at)
        for (number, use, place), each in zip(wanted, taken, strict=True):
            sealed[number, use.seal] = Sealing(each, place, taker)
    return [
        tuple(sealed[number, use.seal] for use, _, _ in draft.uses)
        for number, draft in enumerate(drafts)
    ]


def _uses(
    application: Application, licence_type: LicenceType,
    sealers: Sequence[tuple[Authority, Caller]], known: Identifier, system: str | None,
) -> tuple[tuple[Use, Place, Caller], ...]:  # fmt: skip
    """What each authority's seal is wanted for, and by whom."""
    found = []
    places = catalogue.seal_places(licence_type, len(sealers))
    for (owner, taker), place in zip(sealers, places, strict=True):
        if owner.seal is None:
            raise Conflict(f"{owner.name} has no seal")
        use = Use(
            owner.seal, application.type_code, str(application.id), f"{known}.pdf",
            item=application.item_code or "", system=system or taker.client or OWN_SYSTEM,
        )  # fmt: skip
        found.append((use, Place(place.page, place.x_mm, place.y_mm), taker))
    return tuple(found)
