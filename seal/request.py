"""Applying for a seal: what it is called, of which kind, and its finished picture."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from seal import life, seal_kinds, upload
from seal.life_models import RequestState, SealRequest
from seal.models import SealKind
from seal.picture import Rank
from seal.seal_kinds import Size
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Forbidden

#: Who of the owner's people may apply; `operator` is the command line's own.
APPLICANTS = frozenset({Role.CLERK, Role.APPROVER, Role.SEAL_ADMIN, Role.OPERATOR})
_TABLE = cast(Table, SealRequest.__table__)


class SealExists(Conflict):
    """The owner has this one seal already, or somebody has applied for it."""

    code = "seal_exists"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is applied for. `rank` decides size and centre (None for personal seals), `number` is
    drawn on the lower arc. With `uploaded` (SVG or PNG) nothing is drawn; `size` is then needed for
    personal seals only."""

    kind: SealKind
    name: str
    rank: Rank | None
    number: str = ""
    uploaded: bytes | None = None
    size: Size | None = None


def request(
    session: Session, wanted: Wanted, *, owner: str, owner_name: str, by: Caller, at: datetime,
    fallback: Path | None = None,
) -> SealRequest:  # fmt: skip
    """Enter an application, in the caller's transaction.

    Raises Forbidden, Invalid, NeedsEmblem, UndrawableSeal, UnusablePicture or SealExists.
    """
    if not by.roles & APPLICANTS or by.authority != owner:
        raise Forbidden("only a clerk, approver or seal administrator of the owner applies")
    picture, size = _picture(wanted, owner_name, fallback)
    key = uuid4()
    row = {
        "id": key, "owner": owner, "owner_name": owner_name, "kind": wanted.kind,
        "name": wanted.name, "picture": picture, "drawn": wanted.uploaded is None,
        "width_mm": size.width, "height_mm": size.height,
        "slot": seal_kinds.slot(wanted.kind, wanted.name, owner=owner),
        "state": RequestState.APPLIED, "applied_by": by.account, "applied_at": at,
    }  # fmt: skip
    if not _take_slot(session, row):
        raise SealExists(f"{owner_name} has this {wanted.kind} seal, or has applied for it")
    life.step(session, RequestState.APPLIED, request=key, by=by, at=at)
    details: dict[str, audit.JSON] = {"owner": owner, "kind": str(wanted.kind)}
    audit.record(session, "seal.applied", subject=str(key), by=by, at=at, details=details)
    return session.get_one(SealRequest, key)


def _picture(wanted: Wanted, owner_name: str, fallback: Path | None) -> tuple[bytes, Size]:
    if wanted.uploaded is None:
        return seal_kinds.draw(
            wanted.kind, wanted.name, owner_name=owner_name, rank=wanted.rank,
            number=wanted.number, fallback=fallback,
        )  # fmt: skip
    seal_kinds.check_name(wanted.kind, wanted.name, owner_name=owner_name)
    size = wanted.size or seal_kinds.size_of(wanted.kind, wanted.rank)
    seal_kinds.check_size(wanted.kind, wanted.rank, size)
    return upload.read(wanted.uploaded, size), size


def _take_slot(session: Session, row: dict[str, Any]) -> bool:
    """Of two who apply for the same one seal the constraint lets one in."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    put = insert(_TABLE).values(**row).on_conflict_do_nothing(index_elements=[_TABLE.c.slot])
    return session.connection().execute(put.returning(_TABLE.c.id)).first() is not None
