"""Licence types as rows: every version there ever was, since a licence keeps its own."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class TypeState(StrEnum):
    """DRAFT may still change. PUBLISHED is in force, one version of a type at most. SUPERSEDED was,
    before a later one; WITHDRAWN was, and nothing came after it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


_DRAFT = text("state = 'draft'")
_IN_FORCE = text("state = 'published'")


class LicenceTypeVersion(Base):
    """One version of a licence type. `definition` is `catalogue.write` of it, `digest` its SHA-256;
    neither changes once it is published. `revision` counts a draft's savings.
    """

    __tablename__ = "licence_type_version"
    __table_args__ = (
        # At most one draft and one version in force, whoever is at work at the same time.
        Index(
            "uq_licence_type_version_draft", "code", unique=True,
            sqlite_where=_DRAFT, postgresql_where=_DRAFT,
        ),
        Index(
            "uq_licence_type_version_in_force", "code", unique=True,
            sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE,
        ),
        Index(
            "uq_licence_type_version_slug", "slug", unique=True,
            sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE,
        ),
        Index(
            "uq_licence_type_version_name", "name", unique=True,
            sqlite_where=_IN_FORCE, postgresql_where=_IN_FORCE,
        ),
    )  # fmt: skip

    code: Mapped[str] = mapped_column(String(21), primary_key=True)
    version: Mapped[str] = mapped_column(String(3), primary_key=True)
    slug: Mapped[str] = mapped_column(String(41))
    name: Mapped[str] = mapped_column(String(256))
    state: Mapped[TypeState] = mapped_column(String(12))
    definition: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    saved_by: Mapped[str] = mapped_column(String(64))
    saved_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: In force from, and the one who published it.
    since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    published_by: Mapped[str | None] = mapped_column(String(64))
    #: No longer in force from: superseded or withdrawn.
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
