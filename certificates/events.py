"""Events of licences, written in the very transaction that makes the change."""

from datetime import datetime
from typing import Final, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from certificates.event_models import LicenceEvent

#: A licence came into being; every other kind is a `LicenceState`.
ISSUED: Final = "issued"
_EVENT = insert(cast(Table, LicenceEvent.__table__))


def note(session: Session, licence: str, kind: str, *, at: datetime) -> None:
    """Tell catalogue, webhooks and counters of a change, inside the caller's transaction.

    `licence` is the identifier, whose row is there already; `kind` ISSUED or a LicenceState.
    """
    session.connection().execute(_EVENT, {"licence": licence, "kind": kind, "at": at})
