"""This deployment's registry as verifications ask it: columns, not objects, reading only."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Engine, bindparam, select

from certificates import registry
from certificates.evidence import CopyRecord, Record
from certificates.models import Authority, Licence, LicenceState
from certificates.quick_read import RowByKey
from certificates.wallet.copy_models import LicenceCopy
from seal.models import Seal, SealState
from trust.db import Sessions

#: Built once: this is asked for every code that anybody scans.
_RECORD = (
    select(
        Licence.digest, Licence.file_digest, Licence.state, Licence.state_at, Licence.number,
        Authority.name,
    )
    .join(Authority, Authority.code == Licence.authority)
    .where(Licence.identifier == bindparam("identifier"))
)  # fmt: skip


class OwnRegistry:
    """Implements `evidence.Registry`."""

    def __init__(self, sessions: Sessions, region: str) -> None:
        self._sessions, self.region = sessions, region
        self._engine = cast(Engine, sessions.kw["bind"])
        self._row = RowByKey(sessions, _RECORD)

    def record(self, identifier: str, *, at: datetime) -> Record | None:
        """The licence as it stood at `at`; its state is None before it was issued."""
        row = self._read(identifier)
        if row is None:
            return None
        digest, file_digest, known, state_at, number, authority_name = row
        state: LicenceState | None = LicenceState(known)
        if state_at > at:
            with self._sessions() as session:
                state = registry.state_at(session, identifier, at)
        return Record(digest, file_digest, state, number, authority_name)

    def _read(self, identifier: str) -> tuple[Any, ...] | None:
        """The row of `_RECORD`; a fault of the driver's is met once more by SQLAlchemy."""
        try:
            return self._row(identifier=identifier)
        except self._row.refusals:
            with self._engine.connect() as connection:
                found = connection.execute(_RECORD, {"identifier": identifier}).one_or_none()
            return None if found is None else tuple(found)

    def seal_problem(self, es_id: str, *, signed_at: datetime) -> str:
        with self._sessions() as session:
            row = session.execute(
                select(Seal.state, Seal.state_at).where(Seal.es_id == es_id)
            ).one_or_none()
        if row is None:
            return "unknown"
        if row.state == SealState.INVALID:
            return str(row.state)
        # Frozen or cancelled later does not touch what was sealed before.
        stopped = row.state in (SealState.FROZEN, SealState.CANCELLED)
        return str(row.state) if stopped and row.state_at <= signed_at else ""


class OwnCopies:
    """Implements `evidence.CopyRegister`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def copy(self, number: str) -> CopyRecord | None:
        """A copy that this region made, by its number."""
        wanted = select(
            LicenceCopy.licence, LicenceCopy.digest, LicenceCopy.file_digest, LicenceCopy.cause,
            LicenceCopy.maker,
        ).where(LicenceCopy.number == number)  # fmt: skip
        with self._sessions() as session:
            row = session.execute(wanted).one_or_none()
        return CopyRecord(*row) if row is not None else None
