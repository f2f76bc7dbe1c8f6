"""This deployment's registry as verifications ask it: columns, not objects, reading only."""

from datetime import datetime

from sqlalchemy import select

from certificates import registry
from certificates.evidence import Record
from certificates.models import Authority, Licence, LicenceState
from seal.models import Seal, SealState
from trust.db import Sessions


class OwnRegistry:
    """Implements `evidence.Registry`."""

    def __init__(self, sessions: Sessions, region: str) -> None:
        self._sessions, self.region = sessions, region

    def record(self, identifier: str, *, at: datetime) -> Record | None:
        """The licence as it stood at `at`; its state is None before it was issued."""
        with self._sessions() as session:
            row = session.execute(
                select(
                    Licence.digest,
                    Licence.file_digest,
                    Licence.state,
                    Licence.state_at,
                    Licence.number,
                    Authority.name,
                )
                .join(Authority, Authority.code == Licence.authority)
                .where(Licence.identifier == identifier)
            ).one_or_none()
            if row is None:
                return None
            state: LicenceState | None = LicenceState(row.state)
            if row.state_at > at:
                state = registry.state_at(session, identifier, at)
            return Record(row.digest, row.file_digest, state, row.number, row.name)

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
