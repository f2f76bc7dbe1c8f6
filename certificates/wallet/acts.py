"""What somebody does with the licences in their wallet, for the interface and the pages alike.

Each act asks anew whose the licence is. What opens one is noted (`looks`) before anything is given.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from certificates import looks, search
from certificates.applications.refusals import recording_refusals
from certificates.licence_type import LicenceType, Mask, masked
from certificates.licence_types import registry as type_registry
from certificates.press.store import FileStore
from certificates.press.workshop import Workshop
from certificates.purpose import Purpose
from certificates.search import HOLDER, Found
from certificates.wallet import copies, disputes, entrust, holder_grants, holder_licences, showing
from certificates.wallet.copies import Copy
from certificates.wallet.copy_models import LicenceCopy
from certificates.wallet.holder import Holder, MayNotDispose, NotYours, Party
from certificates.wallet.holder_licences import Card, Held
from certificates.wallet.holder_models import Dispute, Entrustment, HolderGrant
from certificates.wallet.showing import Code, Standing
from trust.access import Caller
from trust.audit_queue import AuditQueue
from trust.db import Sessions
from trust.errors import NotFound
from trust.vault import Vault

#: What a holder's own looks are for.
OWN: Final = Purpose("查看自己的证照 viewed by its holder")
AGENT: Final = Purpose("受托查看 viewed by an agent")


class Workshops(Protocol):
    """What copies are made with: the claim signer is the copy signer."""

    def __call__(self, *, at: datetime) -> Workshop: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A licence with its type and items, for whoever may see them."""

    held: Held
    licence_type: LicenceType
    items: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wallet:
    """One holder at one time. `find_agent` finds the account of whom is to be entrusted."""

    sessions: Sessions
    reading: Sessions
    vault: Vault
    store: FileStore
    queue: AuditQueue
    workshops: Workshops
    find_agent: Callable[[Caller, str, datetime], str]
    holder: Holder
    at: datetime

    @property
    def by(self) -> Caller:
        return self.holder.caller

    def _acting(self, act: str, subject: object) -> AbstractContextManager[None]:
        """Around an act: its refusal is written down before it is told."""
        name = f"wallet.{act}"
        return recording_refusals(self.sessions, name, subject=str(subject), by=self.by, at=self.at)

    # --- looking -----------------------------------------------------------------------------

    def cards(self) -> list[Card]:
        """Everything there is, nothing opened."""
        with self.reading() as session:
            return holder_licences.cards(session, self.vault, self.holder, at=self.at)

    def held(self, licence: str) -> Held:
        """A licence that may be used, not opened; NotYours."""
        with self.reading() as session:
            return holder_licences.find(session, self.vault, self.holder, licence, at=self.at)

    def open(self, licence: str) -> Opened:
        """The licence's items; NotYours, or ActNotRecorded."""
        held = self._note(licence)
        with self.reading() as session:
            found = held.licence
            return Opened(
                held, type_registry.of(session, found.type_code, found.type_version),
                holder_licences.items(session, self.vault, found.identifier),
            )  # fmt: skip

    def file(self, licence: str) -> bytes:
        """The sealed original; NotYours, ActNotRecorded, Unavailable."""
        return self.store.get(self._note(licence).licence.identifier)

    def _note(self, licence: str) -> Held:
        held = self.held(licence)
        purpose = OWN if held.party is not None else AGENT
        looks.note(
            self.queue, held.licence.identifier, by=self.by, how=held.how, purpose=purpose,
            at=self.at,
        )  # fmt: skip
        return held

    def looks(
        self, licence: str, *, limit: int = 50, before: int | None = None
    ) -> list[looks.Seen]:
        """Who looked at a licence, for whoever may dispose of it; NotYours or MayNotDispose."""
        self.held(licence).disposing()
        self.queue.flush()  # the looks of the last second too
        with self.reading() as session:
            return looks.of(session, licence, limit=limit, before=before)

    # --- showing -----------------------------------------------------------------------------

    def show(self, licence: str) -> Code:
        """A one-time code for a licence; NotYours."""
        held = self.held(licence)
        with self.sessions.begin() as session:
            name = held.licence.identifier
            return showing.new_code(session, self.vault, name, by=self.by, at=self.at)

    def code(self, licence: str) -> Code:
        """The same code as a moment ago, or the next one: for a page; NotYours."""
        held = self.held(licence)
        with self.sessions.begin() as session:
            name = held.licence.identifier
            return showing.same_code(session, self.vault, name, by=self.by, at=self.at)

    def asked(self) -> list[tuple[Standing, Found]]:
        """The requests that wait for this person's answer."""
        with self.reading() as session:
            waiting = showing.waiting(session, account=self.by.account, at=self.at)
            found = [(one, search.one(session, licence)) for one, licence in waiting]
        return [(one, licence) for one, licence in found if licence is not None]

    def confirm(self, key: UUID) -> None:
        """Let the office look once; NoShowing, ShowingOver, or NotYours for a licence that this
        person may use no longer."""
        with self._acting("confirm", key):
            with self.reading() as session:
                licence = showing.licence_of(session, key, account=self.by.account)
            if licence is not None:
                self.held(licence)
            with self.sessions.begin() as session:
                showing.confirm(session, key, by=self.by, at=self.at)

    def refuse(self, key: UUID) -> None:
        with self.sessions.begin() as session:
            showing.refuse(session, key, by=self.by, at=self.at)

    # --- authorising -------------------------------------------------------------------------

    def authorise(
        self, licence: str, *, office: str, purpose: Purpose, until: datetime
    ) -> HolderGrant:
        """Let an office have a licence; NotYours, MayNotDispose, Invalid."""
        with self._acting("authorise", licence):
            self.held(licence).disposing()
            with self.sessions.begin() as session:
                return holder_grants.grant(
                    session, licence, office=office, purpose=purpose, until=until, by=self.by,
                    at=self.at,
                )  # fmt: skip

    def grants(self, licence: str) -> list[HolderGrant]:
        self.held(licence).disposing()
        with self.reading() as session:
            return holder_grants.of_licence(session, licence)

    def revoke_grant(self, licence: str, key: UUID) -> None:
        self.held(licence).disposing()
        with self.sessions.begin() as session:
            holder_grants.revoke(session, key, licence=licence, by=self.by, at=self.at)

    # --- copies ------------------------------------------------------------------------------

    def copy(self, licence: str, *, purpose: Purpose, maker: str, until: datetime) -> Copy:
        """A purpose-marked copy; NotYours, and the refusals of `copies.make`."""
        with self._acting("copy", licence):
            name = self.held(licence).licence.identifier
            with self.reading() as session:
                copies.require_room(session, by=self.by, at=self.at)
                # A copy that is not made is no look either.
                copies.require_in_force(session, name, at=self.at)
            looks.note(self.queue, name, by=self.by, how=looks.BY_COPY, purpose=purpose, at=self.at)
            return copies.make(
                self.workshops(at=self.at), name, purpose=purpose, maker=maker, until=until,
                by=self.by, at=self.at,
            )  # fmt: skip

    def copies(self, licence: str) -> list[LicenceCopy]:
        """The copies of a licence: all for who disposes of it, their own for an agent."""
        held = self.held(licence)
        with self.reading() as session:
            rows = copies.of_licence(session, licence)
        all_of_them = held.party is not None and held.party.disposes
        return [row for row in rows if all_of_them or row.made_by == self.by.account]

    def copy_file(self, licence: str, number: str) -> bytes:
        """A copy's file; NotYours, or NotFound for a number that is none of this licence."""
        if number not in {row.number for row in self.copies(licence)}:
            raise NotFound("no such copy")
        self._note(licence)
        return self.store.get(number)

    # --- entrusting --------------------------------------------------------------------------

    def entrust(self, principal: Party, login: str, terms: entrust.Terms) -> Entrustment:
        """Let somebody use a party's licences; NotYours for a licence or party of another's,
        MayNotDispose, NoAgent, Invalid or TooManyEntrusted."""
        with self._acting("entrust", terms.licence or terms.type_code or "all"):
            if principal not in self.holder.parties:
                raise NotYours("you do not act for this holder")
            if not principal.disposes:
                raise MayNotDispose("only the holder, or who represents it, may entrust")
            if terms.licence is not None and self.held(terms.licence).disposing() != principal:
                raise NotYours("this licence is another holder's")
            agent = self.find_agent(self.by, login, self.at)
            with self.sessions.begin() as session:
                if terms.type_code is not None:
                    type_registry.current(session, terms.type_code)
                return entrust.entrust(
                    session, self.vault, principal, agent, terms, shown=shown_name(principal),
                    by=self.by, at=self.at,
                )  # fmt: skip

    def entrusted(self) -> list[Entrustment]:
        """What this holder, and bodies that they dispose for, have entrusted."""
        with self.reading() as session:
            return [
                row for party in self.holder.parties if party.disposes
                for row in entrust.given(session, self._index(party))
            ]  # fmt: skip

    def revoke_entrustment(self, key: UUID) -> None:
        """End what one gave, or was given; NotFound."""
        mine = {row.id: row.principal_index for row in self.entrusted()}
        with self.sessions.begin() as session:
            entrust.revoke(session, key, index=mine.get(key), by=self.by, at=self.at)

    def _index(self, party: Party) -> bytes:
        return self.vault.index(party.code, column=HOLDER)

    # --- complaining -------------------------------------------------------------------------

    def dispute(self, licence: str, words: str) -> Dispute:
        """Say that a licence is wrong; NotYours, MayNotDispose, Invalid, TooManyDisputes."""
        with self._acting("dispute", licence):
            self.held(licence).disposing()
            with self.sessions.begin() as session:
                return disputes.raise_(session, self.vault, licence, words, by=self.by, at=self.at)

    def disputes(self, licence: str) -> list[disputes.Complaint]:
        self.held(licence).disposing()
        with self.reading() as session:
            return disputes.of_licence(session, self.vault, licence)


def shown_name(party: Party) -> str:
    """A party's name as others may see it."""
    return party.name if party.is_body else masked(party.name, Mask.NAME)
