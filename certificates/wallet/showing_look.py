"""The one look at a licence that its holder confirmed (亮证): for an office's program and desk."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from certificates import search
from certificates.licence_type import LicenceType
from certificates.licence_types import registry as type_registry
from certificates.search import Found
from certificates.wallet import holder_licences, licence_view, showing
from certificates.wallet.holder import NotYours
from certificates.wallet.licence_view import Row
from trust.access import Caller
from trust.db import Sessions
from trust.vault import Vault


@dataclass(frozen=True, slots=True)
class Look:
    """What an office is shown, once."""

    licence: Found
    licence_type: LicenceType
    items: dict[str, Any] = field(repr=False)
    rows: list[Row] = field(repr=False)


def take(sessions: Sessions, vault: Vault, key: UUID, *, by: Caller, at: datetime) -> Look:
    """Spend what the holder granted, and open the licence; owns its transaction.

    The spending is committed with its audit entry before anything is opened: a look that failed
    half-way is asked for anew, never given twice. NoShowing or ShowingOver.
    """
    with sessions.begin() as session:
        name, _ = showing.fetch(session, key, by=by, at=at)
    with sessions() as session:
        licence = search.one(session, name)
        if licence is None:
            raise NotYours("no such licence")
        licence_type = type_registry.of(session, licence.type_code, licence.type_version)
        items = holder_licences.items(session, vault, name)
    return Look(licence, licence_type, items, licence_view.plain(licence_type, items))
