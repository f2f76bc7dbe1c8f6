"""A holder's licences: their own, those of bodies they act for, and what was entrusted to them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates import looks, search
from certificates.models import Licence, LicenceHolder
from certificates.search import HOLDER, Found
from certificates.wallet import entrust
from certificates.wallet.holder import Holder, MayNotDispose, NotYours, Party
from certificates.wallet.holder_models import Entrustment
from trust.vault import Vault

#: Cards of one party on a page.
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Card:
    """A licence in a wallet, nothing opened. `party` is None for one that was entrusted, then
    `principal` is its holder's name as it may be seen."""

    licence: Found
    party: Party | None
    principal: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A licence that somebody may use, not opened: `how` as in `looks`."""

    licence: Found
    party: Party | None
    how: str

    def disposing(self) -> Party:
        """The party in whose name more than using is done; MayNotDispose for an agent."""
        if self.party is None or not self.party.disposes:
            raise MayNotDispose("only the holder, or who represents it, may do this")
        return self.party


def cards(session: Session, vault: Vault, holder: Holder, *, at: datetime) -> list[Card]:
    """Everything in a wallet, a party after the other, then what was entrusted."""
    found = [
        Card(licence, party)
        for party in holder.parties
        for licence in search.by_holder(session, vault, party.code, limit=MOST)
    ]
    own = {card.licence.identifier for card in found}
    for row in entrust.held(session, holder.caller.account, at=at):
        for licence in _entrusted(session, row):
            if licence.identifier not in own:
                own.add(licence.identifier)
                found.append(Card(licence, None, row.principal_public))
    return found


def _entrusted(session: Session, row: Entrustment) -> list[Found]:
    if row.licence is not None:
        one = search.one(session, row.licence)
        return [one] if one is not None else []
    first = select(Licence.identifier).where(Licence.holder_index == row.principal_index)
    others = select(LicenceHolder.licence).where(LicenceHolder.code_index == row.principal_index)
    wanted = first.union(others)
    names = session.scalars(wanted.limit(MOST)).all()
    every = [one for name in names if (one := search.one(session, name)) is not None]
    return [one for one in every if row.type_code in (None, one.type_code)]


def find(session: Session, vault: Vault, holder: Holder, identifier: str, *, at: datetime) -> Held:
    """A licence that this holder may use; NotYours otherwise. The index says whose it is, and
    nothing is opened."""
    # PostgreSQL knows no text with a NUL.
    licence = search.one(session, identifier[:200]) if identifier.isprintable() else None
    if licence is None:
        raise NotYours("no such licence of yours")
    mine = _party(session, vault, holder, licence.identifier)
    how = looks.BY_HOLDER
    if mine is None:
        agent = holder.caller.account
        if entrust.entrusted(session, licence.identifier, agent=agent, at=at) is None:
            raise NotYours("no such licence of yours")
        how = looks.BY_ENTRUSTING
    return Held(licence, mine, how)


def items(session: Session, vault: Vault, identifier: str) -> dict[str, Any]:
    """The items of GB/T 36903 of a licence that is there; DecryptionFailed when it was changed.

    Unaudited: the caller notes the look before anything is shown.
    """
    box = session.scalar(select(Licence.content_box).where(Licence.identifier == identifier))
    if box is None:
        raise NotYours("no such licence")
    raw = vault.unseal(box, context=f"licence/{identifier}")
    found: dict[str, Any] = json.loads(raw)["licence"]
    return found


def _party(session: Session, vault: Vault, holder: Holder, identifier: str) -> Party | None:
    """The first of the holder's parties that holds this licence."""
    indexes = set(session.scalars(
        select(LicenceHolder.code_index).where(LicenceHolder.licence == identifier)
    ))  # fmt: skip
    first = session.scalar(select(Licence.holder_index).where(Licence.identifier == identifier))
    held_by = indexes | {first}
    for party in holder.parties:
        if vault.index(party.code, column=HOLDER) in held_by:
            return party
    return None
