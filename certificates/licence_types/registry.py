"""The registry of licence types, read: which version is in force, and what any version said.

A published version never changes: an old licence is read by the version that it was issued under.
Types that the database has never heard of are as packaged (`catalogue.find`). Versions begin and
end in `certificates.licence_types.life`.
"""

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from certificates import catalogue
from certificates.licence_type import LicenceType
from certificates.licence_types.models import LicenceTypeVersion, TypeState
from trust.crypto import hashes
from trust.errors import Conflict, Invalid, NotFound

KEY_MAX = 256


class TypeNotPublished(Conflict):
    """There is such a type, and no version of it is in force."""

    code = "type_not_published"


class NoDraft(Conflict):
    """The type has no draft."""

    code = "no_type_draft"


def current(session: Session, key: str) -> LicenceType:
    """The version in force of the type by its code, slug or Chinese name.

    Raises NotFound, or TypeNotPublished when the type is withdrawn or only a draft.
    """
    if "\0" in key or len(key) > KEY_MAX:
        raise NotFound(f"no licence type {key[:64]!r}")
    row = session.execute(
        select(LicenceTypeVersion.code, LicenceTypeVersion.version, LicenceTypeVersion.digest)
        .where(_named(key), LicenceTypeVersion.state == TypeState.PUBLISHED)
    ).first()  # fmt: skip
    if row is not None:
        return _opened(session, row.code, row.version, row.digest)
    held = select(LicenceTypeVersion.code).where(LicenceTypeVersion.state == TypeState.PUBLISHED)
    known = session.scalar(
        select(LicenceTypeVersion.name)
        .where(_named(key), LicenceTypeVersion.code.not_in(held))
        .limit(1)
    )
    if known is not None:
        raise TypeNotPublished(f"{known} 没有生效的版本 / no version of it is in force")
    packaged = catalogue.find(key)
    if is_registered(session, packaged.code):  # found by a name that it no longer has
        raise NotFound(f"no licence type {key[:64]!r}")
    return packaged


def of(session: Session, code: str, version: str) -> LicenceType:
    """That version, whatever became of it since; NotFound for one that was never published."""
    row = session.execute(
        select(LicenceTypeVersion.digest).where(
            LicenceTypeVersion.code == code, LicenceTypeVersion.version == version,
            LicenceTypeVersion.state != TypeState.DRAFT,
        )
    ).first()  # fmt: skip
    if row is not None:
        return _opened(session, code, version, row.digest)
    packaged = catalogue.find(code)
    if packaged.version != version or packaged.code != code:
        raise NotFound(f"no version {version[:8]!r} of licence type {code[:21]!r}")
    return packaged


def all_current(session: Session) -> tuple[LicenceType, ...]:
    """Every type with a version in force, by code."""
    rows = session.execute(
        select(LicenceTypeVersion.code, LicenceTypeVersion.version, LicenceTypeVersion.digest)
        .where(LicenceTypeVersion.state == TypeState.PUBLISHED)
    ).all()  # fmt: skip
    found = {row.code: _opened(session, row.code, row.version, row.digest) for row in rows}
    known = set(session.scalars(select(LicenceTypeVersion.code).distinct()))
    found |= {each.code: each for each in catalogue.load() if each.code not in known}
    return tuple(found[code] for code in sorted(found))


def versions(session: Session, code: str) -> Sequence[LicenceTypeVersion]:
    """All versions of a type, the newest first; NotFound without any."""
    rows = session.scalars(
        select(LicenceTypeVersion)
        .where(LicenceTypeVersion.code == code)
        .order_by(LicenceTypeVersion.version.desc())
    ).all()
    if not rows:
        raise NotFound(f"no licence type {code[:21]!r} in the registry")
    return rows


def every_version(session: Session, code: str) -> tuple[LicenceType, ...]:
    """What the type has ever said since it was first published; () for no such type."""
    rows = session.execute(
        select(LicenceTypeVersion.version, LicenceTypeVersion.digest)
        .where(LicenceTypeVersion.code == code, LicenceTypeVersion.state != TypeState.DRAFT)
    ).all()  # fmt: skip
    found = tuple(_opened(session, code, row.version, row.digest) for row in rows)
    return found or tuple(each for each in catalogue.load() if each.code == code)


def newest(session: Session) -> Sequence[LicenceTypeVersion]:
    """For lists: of each type its draft, else the version that was last in force; by code."""
    last = (
        select(LicenceTypeVersion.code, func.max(LicenceTypeVersion.version).label("version"))
        .group_by(LicenceTypeVersion.code)
        .subquery()
    )
    return session.scalars(
        select(LicenceTypeVersion)
        .join(last, (LicenceTypeVersion.code == last.c.code)
              & (LicenceTypeVersion.version == last.c.version))
        .order_by(LicenceTypeVersion.code)
    ).all()  # fmt: skip


def is_registered(session: Session, code: str) -> bool:
    """Whether the registry has rows of the type; one that has none is as packaged."""
    known = select(LicenceTypeVersion.code).where(LicenceTypeVersion.code == code).limit(1)
    return session.scalar(known) is not None


def draft(session: Session, code: str) -> LicenceTypeVersion:
    """The draft of a type; NoDraft."""
    row = session.scalar(
        select(LicenceTypeVersion).where(
            LicenceTypeVersion.code == code, LicenceTypeVersion.state == TypeState.DRAFT
        )
    )
    if row is None:
        raise NoDraft(f"licence type {code[:21]} 没有草稿 / has no draft")
    return row


def opened(row: LicenceTypeVersion) -> LicenceType:
    """The type that a row defines."""
    return _parsed(row.digest, row.definition)


def code_of(session: Session, key: str) -> str:
    """The code of a type by code, slug or name, drafts and withdrawn ones included; NotFound."""
    found = session.scalar(select(LicenceTypeVersion.code).where(_named(key)).limit(1))
    return found if found is not None else catalogue.find(key).code


def export(session: Session, code: str, version: str | None = None) -> bytes:
    """A version as a file, the one in force by default; drafts by their number. NotFound,
    TypeNotPublished."""
    if version is None:
        found = current(session, code)
    else:
        rows = [row for row in versions(session, code) if row.version == version]
        if not rows:
            raise NotFound(f"no version {version[:8]!r} of licence type {code[:21]!r}")
        found = opened(rows[0])
    shown = json.loads(catalogue.write(found))
    return (json.dumps(shown, ensure_ascii=False, indent=2) + "\n").encode()


def _named(key: str) -> ColumnElement[bool]:
    return or_(
        LicenceTypeVersion.code == key,
        LicenceTypeVersion.slug == key,
        LicenceTypeVersion.name == key,
    )


_CACHE: dict[bytes, LicenceType] = {}
_CACHE_MAX = 2000


def _opened(session: Session, code: str, version: str, digest: bytes) -> LicenceType:
    """By its digest, so that no database and no rolled-back transaction can give another's."""
    found = _CACHE.get(digest)
    if found is None:
        text = session.scalar(
            select(LicenceTypeVersion.definition).where(
                LicenceTypeVersion.code == code, LicenceTypeVersion.version == version
            )
        )
        found = _parsed(digest, text or "")
    return found


def _parsed(digest: bytes, text: str) -> LicenceType:
    if hashes.sha256(text.encode()) != digest:
        raise Invalid("the definition of a licence type does not have its digest")
    found = _CACHE.get(digest)
    if found is None:
        found = catalogue.parse(text.encode(), name="of the registry")
        if len(_CACHE) >= _CACHE_MAX:
            _CACHE.clear()
        _CACHE[digest] = found
    return found
