"""The life of a licence type's version: draft -> published -> superseded | withdrawn.

By system administrators. Each step is one statement that decides, and two indexes see to it that
a type has one draft and one version in force at most, whoever works at the same time.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certificates import catalogue
from certificates.licence_type import LicenceType
from certificates.licence_types import registry
from certificates.licence_types.models import LicenceTypeVersion, TypeState
from certificates.licence_types.registry import TypeNotPublished
from trust import audit
from trust.access import SYSTEM, Caller, Role
from trust.crypto import hashes
from trust.errors import Conflict, Forbidden, Invalid

REASON_MAX: Final = 500
VERSIONS_MAX: Final = 999


class TypeChangedMeanwhile(Conflict):
    """Somebody else saved, published or discarded the draft since it was read."""

    code = "type_changed_meanwhile"


class TypeNameTaken(Conflict):
    """Another type in force has that name or slug."""

    code = "type_name_taken"


class DraftUnfit(Conflict):
    """The draft cannot go out as it is; the message says why."""

    code = "type_draft_unfit"


def seed(session: Session, *, at: datetime) -> tuple[str, ...]:
    """Put in the packaged types that the registry has never heard of; their codes."""
    known = set(session.scalars(select(LicenceTypeVersion.code).distinct()))
    taken = {row for pair in session.execute(
        select(LicenceTypeVersion.slug, LicenceTypeVersion.name)
        .where(LicenceTypeVersion.state == TypeState.PUBLISHED)
    ) for row in pair}  # fmt: skip
    missing = [
        each for each in catalogue.load()
        if each.code not in known and not {each.slug, each.name} & taken
    ]  # fmt: skip
    for licence_type in missing:
        session.add(_row(licence_type, TypeState.PUBLISHED, by=SYSTEM, at=at, since=at))
    session.flush()
    codes = tuple(each.code for each in missing)
    if codes:
        audit.record(
            session, "licence_types.packaged", subject=f"{len(codes)} types", by=SYSTEM, at=at,
            details={"types": list(codes)},
        )  # fmt: skip
    return codes


def save_draft(
    session: Session, licence_type: LicenceType, *, revision: int | None, by: Caller, at: datetime
) -> LicenceTypeVersion:
    """Save a draft: over the one of that revision, or a new one with None.

    The version's number is ours to give. Raises Forbidden, BadType, TypeChangedMeanwhile.
    """
    _require_admin(by)
    if revision is None:
        row = _new_draft(session, licence_type, by=by, at=at)
    else:
        row = _save_over(session, licence_type, revision, by=by, at=at)
    _note(session, "saved", row, by=by, at=at)
    return row


def amend(session: Session, code: str, *, by: Caller, at: datetime) -> LicenceTypeVersion:
    """A draft of the next version, with what the newest one says; the old licences keep theirs.

    Raises NotFound, or TypeChangedMeanwhile where there is a draft already.
    """
    _require_admin(by)
    if not registry.is_registered(session, code):
        session.add(_row(catalogue.find(code), TypeState.PUBLISHED, by=SYSTEM, at=at, since=at))
        session.flush()
    newest = registry.versions(session, code)[0]
    row = _new_draft(session, registry.opened(newest), by=by, at=at)
    _note(session, "amended", row, by=by, at=at)
    return row


def publish(
    session: Session, code: str, *, revision: int, by: Caller, at: datetime
) -> LicenceTypeVersion:
    """Put a draft in force, as it was read in that revision; the version before is superseded.

    Raises Forbidden, NoDraft, TypeChangedMeanwhile, TypeNameTaken.
    """
    _require_admin(by)
    draft = registry.draft(session, code)
    catalogue.parse(draft.definition.encode(), name=draft.name)
    try:
        with session.begin_nested():  # both or neither, whatever the caller does with a refusal
            version = _put_in_force(session, code, revision, by=by, at=at)
    except IntegrityError as error:
        raise TypeNameTaken(
            f"另一生效类型已使用名称 {draft.name} 或代号 {draft.slug} / "
            "another type in force has that name or slug"
        ) from error
    row = session.get_one(LicenceTypeVersion, (code, version), populate_existing=True)
    _note(session, "published", row, by=by, at=at)
    return row


def _put_in_force(session: Session, code: str, revision: int, *, by: Caller, at: datetime) -> str:
    session.execute(
        update(LicenceTypeVersion)
        .where(LicenceTypeVersion.code == code, LicenceTypeVersion.state == TypeState.PUBLISHED)
        .values(state=TypeState.SUPERSEDED, until=at, ended_by=by.account)
    )
    won = session.execute(
        update(LicenceTypeVersion)
        .where(
            LicenceTypeVersion.code == code, LicenceTypeVersion.state == TypeState.DRAFT,
            LicenceTypeVersion.revision == revision,
        )
        .values(state=TypeState.PUBLISHED, since=at, published_by=by.account)
        .returning(LicenceTypeVersion.version)
    ).one_or_none()  # fmt: skip
    if won is None:
        raise TypeChangedMeanwhile("草稿已被他人改动 / somebody else changed the draft meanwhile")
    version: str = won.version
    return version


def withdraw(
    session: Session, code: str, *, reason: str, by: Caller, at: datetime
) -> LicenceTypeVersion:
    """Take a type out of force: nothing more is issued of it, its licences stay as they are.

    Raises Forbidden, Invalid, NotFound, TypeNotPublished.
    """
    _require_admin(by)
    if not 1 <= len(reason.strip()) <= REASON_MAX:
        raise Invalid(f"理由 1 至 {REASON_MAX} 字 / a reason of 1 to {REASON_MAX} characters")
    if not registry.is_registered(session, code):
        session.add(_row(catalogue.find(code), TypeState.PUBLISHED, by=SYSTEM, at=at, since=at))
        session.flush()
    won = session.execute(
        update(LicenceTypeVersion)
        .where(LicenceTypeVersion.code == code, LicenceTypeVersion.state == TypeState.PUBLISHED)
        .values(state=TypeState.WITHDRAWN, until=at, ended_by=by.account, reason=reason.strip())
        .returning(LicenceTypeVersion.version)
    ).one_or_none()
    if won is None:
        raise TypeNotPublished(f"{code[:21]} 没有生效的版本 / no version of it is in force")
    row = session.get_one(LicenceTypeVersion, (code, won.version), populate_existing=True)
    _note(session, "withdrawn", row, by=by, at=at)
    return row


def discard(session: Session, code: str, *, revision: int, by: Caller, at: datetime) -> None:
    """Throw a draft away, as it was read in that revision: Forbidden, TypeChangedMeanwhile."""
    _require_admin(by)
    gone = session.execute(
        delete(LicenceTypeVersion)
        .where(
            LicenceTypeVersion.code == code, LicenceTypeVersion.state == TypeState.DRAFT,
            LicenceTypeVersion.revision == revision,
        )
        .returning(LicenceTypeVersion.version)
    ).one_or_none()  # fmt: skip
    if gone is None:
        raise TypeChangedMeanwhile("草稿已被他人改动 / somebody else changed the draft meanwhile")
    audit.record(
        session, "licence_type.discarded", subject=code, by=by, at=at,
        details={"version": gone.version},
    )  # fmt: skip


def import_(session: Session, raw: bytes, *, by: Caller, at: datetime) -> LicenceTypeVersion:
    """A definition from a file, as a draft. What says the same as the newest version is that
    version, so that the same file twice is once. Raises Forbidden, BadType, TypeChangedMeanwhile.
    """
    _require_admin(by)
    licence_type = catalogue.parse(raw, name="of the file")
    if registry.is_registered(session, licence_type.code):
        newest = registry.versions(session, licence_type.code)[0]
        known = registry.opened(newest)
        if replace(licence_type, version=known.version) == known:
            return newest
    return save_draft(session, licence_type, revision=None, by=by, at=at)


def _new_draft(
    session: Session, licence_type: LicenceType, *, by: Caller, at: datetime
) -> LicenceTypeVersion:
    last = session.scalar(
        select(func.max(LicenceTypeVersion.version)).where(
            LicenceTypeVersion.code == licence_type.code
        )
    )
    number = int(last or 0) + 1
    if number > VERSIONS_MAX:
        raise DraftUnfit(f"a type has at most {VERSIONS_MAX} versions")
    row = _row(replace(licence_type, version=f"{number:03d}"), TypeState.DRAFT, by=by, at=at)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise TypeChangedMeanwhile("该类型已有草稿 / the type has a draft already") from error
    return row


def _save_over(
    session: Session, licence_type: LicenceType, revision: int, *, by: Caller, at: datetime
) -> LicenceTypeVersion:
    held = registry.draft(session, licence_type.code)
    fresh = _row(replace(licence_type, version=held.version), TypeState.DRAFT, by=by, at=at)
    won = session.execute(
        update(LicenceTypeVersion)
        .where(
            LicenceTypeVersion.code == licence_type.code,
            LicenceTypeVersion.state == TypeState.DRAFT, LicenceTypeVersion.revision == revision,
        )
        .values(
            slug=fresh.slug, name=fresh.name, definition=fresh.definition, digest=fresh.digest,
            revision=revision + 1, saved_by=by.account, saved_at=at,
        )
        .returning(LicenceTypeVersion.version)
    ).one_or_none()  # fmt: skip
    if won is None:
        raise TypeChangedMeanwhile("草稿已被他人改动 / somebody else changed the draft meanwhile")
    return session.get_one(
        LicenceTypeVersion, (licence_type.code, won.version), populate_existing=True
    )


def _row(
    licence_type: LicenceType, state: TypeState, *, by: Caller, at: datetime,
    since: datetime | None = None,
) -> LicenceTypeVersion:  # fmt: skip
    text = catalogue.write(licence_type)
    catalogue.parse(text, name=licence_type.name)  # what cannot be read again is never kept
    return LicenceTypeVersion(
        code=licence_type.code, version=licence_type.version, slug=licence_type.slug,
        name=licence_type.name, state=state, definition=text.decode(),
        digest=hashes.sha256(text), revision=1, saved_by=by.account, saved_at=at, since=since,
        published_by=None if since is None else by.account,
    )  # fmt: skip


def _require_admin(by: Caller) -> None:
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("licence types are kept by a system administrator")


def _note(
    session: Session, what: str, row: LicenceTypeVersion, *, by: Caller, at: datetime
) -> None:
    session.flush()
    audit.record(
        session, f"licence_type.{what}", subject=row.code, by=by, at=at,
        details={"version": row.version, "sha256": row.digest.hex()},
    )  # fmt: skip
