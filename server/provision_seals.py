"""The seal of a new authority, through its whole life: applied for, approved, made, filed, granted.

Each step is done by another account: the authority's clerk (or the machine's operator) applies, its
seal administrator approves and grants, the platform makes and files, its approvers use.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import issuers, signers
from certificates import registry
from certificates.models import Authority
from seal import decide, file, grants, life, request
from seal.grant_models import SealGrant
from seal.grants import Terms
from seal.life_models import RequestState, SealRequest
from seal.make import Maker
from seal.models import Seal, SealKind, SealState
from seal.picture import Rank
from seal.request import Wanted
from server.platform import Platform
from sso import accounts
from trust import audit
from trust.access import SYSTEM, Caller, Role
from trust.crypto.algorithms import KeyKind
from trust.errors import Invalid, NotFound

#: Whoever approves licences uses the seal for them.
APPROVERS = Terms(role=Role.APPROVER)
_OPEN = (RequestState.APPLIED, RequestState.APPROVED, RequestState.MADE)
People = Sequence[tuple[str, str, Role]]


def seal_maker(platform: Platform, *, at: datetime) -> Maker:
    """The region's seal maker, and the newest issuing CA of each kind; NotFound before `trust
    init`. From its import on, a CA that is certified outside certifies the seals."""
    with platform.reading() as session:
        ready = signers.active(session, "seal-maker", keys=platform.keys, at=at)
        region = registry.region(session)
        sm2_issuer = issuers.active(session, KeyKind.SM2, at=at).name
        rsa_issuer = issuers.active(session, KeyKind.RSA, at=at).name
    return Maker(
        key_id=ready.key_id, certificate=ready.certificate.der,
        sm2_issuer=sm2_issuer, rsa_issuer=rsa_issuer, region=region.code, base_url=region.base_url,
    )  # fmt: skip


def owner_name(platform: Platform, code: str) -> str:
    """What an owner of seals is called; NotFound for a code that is no authority's here."""
    with platform.reading() as session:
        found = session.get(Authority, code)
    if found is None:
        raise NotFound(f"no authority {code}")
    return found.name


def create(
    platform: Platform, authority: str, *, seal_name: str, people: People, at: datetime
) -> None:
    """The authority's licence seal, granted to its approvers; another one when it has ended. Said
    again, it goes on where a crash stopped it; done, it does nothing."""
    with platform.sessions.begin() as session:
        owner = session.get_one(Authority, authority)
        if owner.seal is not None and not _has_ended(session, owner.seal):
            return
        administrator = accounts.caller(session, _administrator(people))
        key = _apply(session, owner, seal_name, people, at=at)
        if life.find_request(session, key).state == RequestState.APPLIED:
            decide.approve(session, key, by=administrator, at=at)
        es_id = life.find_request(session, key).es_id
        in_force = es_id is not None and session.get_one(Seal, es_id).state == SealState.ACTIVE
    if not in_force:
        es_id = file.make_and_file(
            platform.sessions, key, maker=seal_maker(platform, at=at), keys=platform.keys,
            by=SYSTEM, at=at,
        ).es_id  # fmt: skip
    with platform.sessions.begin() as session:
        session.get_one(Authority, authority).seal = es_id
        grants.grant(session, es_id or "", APPROVERS, by=administrator, at=at)
        audit.record(
            session, "seal.assigned", subject=es_id or "", by=administrator, at=at,
            details={"authority": authority},
        )  # fmt: skip


def _administrator(people: People) -> str:
    """Who approves the seal: rather somebody who will not use it."""
    users = _having(people, Role.APPROVER)
    found = _having(people, Role.SEAL_ADMIN)
    return next((name for name in found if name not in users), found[0])


def _having(people: People, role: Role) -> list[str]:
    return [name for name, _, has in people if has is role]


def _apply(
    session: Session, owner: Authority, seal_name: str, people: People, *, at: datetime
) -> UUID:
    """A new application, or at the first setting-up the one that a crash left; later ones may be
    anybody's, and are for people to decide on."""
    there = [] if owner.seal is not None else session.scalars(
        select(SealRequest)
        .where(
            SealRequest.owner == owner.code, SealRequest.kind == SealKind.LICENCE,
            SealRequest.name == seal_name, SealRequest.state.in_(_OPEN),
        )
        .order_by(SealRequest.applied_at)
    ).all()  # fmt: skip
    for row in there:
        if row.es_id is None or not _has_ended(session, row.es_id):
            return row.id
    wanted = Wanted(SealKind.LICENCE, seal_name, Rank.SPECIAL)
    made = request.request(
        session, wanted, owner=owner.code, owner_name=owner.name,
        by=_applicant(session, owner.code, people), at=at,
    )  # fmt: skip
    return made.id


def _applicant(session: Session, owner: str, people: People) -> Caller:
    """A clerk who neither approves the seal nor uses it; else whoever runs the command."""
    busy = {*_having(people, Role.APPROVER), _administrator(people)}
    clerk = next((name for name in _having(people, Role.CLERK) if name not in busy), None)
    if clerk is None:
        return Caller("operator", owner, frozenset({Role.OPERATOR}))
    return accounts.caller(session, clerk)


def _has_ended(session: Session, es_id: str) -> bool:
    return session.get_one(Seal, es_id).state in life.ENDED


def assign(session: Session, es_id: str, *, by: Caller, at: datetime) -> Authority:
    """Have its owner's licences sealed with this licence seal from now on: NotFound, Invalid,
    SealNotInForce. Who may use it is a grant's question."""
    row = life.find(session, es_id, by=by)
    if row.kind != SealKind.LICENCE:
        raise Invalid(f"licences are sealed with a licence seal; {es_id} is a {row.kind} seal")
    if life.present(row, at=at) is not SealState.ACTIVE:
        raise life.SealNotInForce(f"seal {es_id} is {life.present(row, at=at)}")
    owner = session.get(Authority, row.owner)
    if owner is None:
        raise NotFound(f"no authority {row.owner}")
    owner.seal = es_id
    audit.record(
        session, "seal.assigned", subject=es_id, by=by, at=at, details={"authority": owner.code}
    )
    return owner


def grant_older(platform: Platform, *, at: datetime) -> None:
    """Authorities whose seal is older than grants: their approvers get theirs, once."""
    with platform.sessions.begin() as session:
        older: Iterable[str | None] = session.scalars(
            select(Authority.seal)
            .join(Seal, Seal.es_id == Authority.seal)
            .outerjoin(SealGrant, SealGrant.seal == Authority.seal)
            .where(SealGrant.id.is_(None), Seal.state.not_in(life.ENDED))
        ).all()
        for es_id in older:
            if es_id is not None:
                grants.grant(session, es_id, APPROVERS, by=SYSTEM, at=at)
