"""Who a holder is, as the identity provider knows them: what the wallet is handed.

Somebody's own number counts when it was proved (evidence of level 2: a face, a counter); a body's
when an agency for it is in force. Asked anew for every request.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from ca import signers
from certificates.press.workshop import Workshop
from certificates.wallet.acts import Wallet
from certificates.wallet.holder import Holder, Party
from server.platform import Platform
from sso import accounts, agents, assurance, particulars, people, throttle
from sso.appointing import TooManyNames
from sso.models import Account
from sso.people_models import Capacity
from sso.provider import Provider
from sso.representation import LevelTooLow
from trust.access import Caller
from trust.audit_queue import AuditQueue
from trust.errors import NotFound
from trust.vault import Vault

#: The level at which a number is somebody's own beyond doubt.
NEEDED = 2


class NoAgent(NotFound):
    """Nobody here can be entrusted under that name: not told from one whose number is unproved."""

    code = "no_such_agent"


def holder_of(provider: Provider, by: Caller, at: datetime) -> Holder:
    """The holder behind an account: themselves first, then the bodies they act for.

    LevelTooLow when neither their own number is proved nor do they act for anybody.
    """
    with provider.reading() as session:
        account = accounts.find(session, by.account)
        proved = assurance.level_in_force(session, account.name, at=at) >= NEEDED
        own = _own(provider.vault, account) if proved else None
        bodies = _bodies(session, provider.vault, account.name, at=at)
    parties = (() if own is None else (own,)) + tuple(bodies)
    if not parties:
        raise LevelTooLow(NEEDED)
    return Holder(by, parties)


def _own(vault: Vault, account: Account) -> Party | None:
    """None for a title without a person's data, and for a number that was only claimed."""
    if account.particulars is None or account.key_index is None:
        return None
    known = particulars.open_particulars(vault, account)
    return Party(known.key_type, known.key_number, known.name, account.name)


def _bodies(session: Session, vault: Vault, agent: str, *, at: datetime) -> list[Party]:
    """Each body once; who represents it legally may dispose of its licences, an agent uses them."""
    found: dict[str, Party] = {}
    for agency in agents.acting_for(session, agent, at=at):
        body = session.get_one(Account, agency.organisation)
        party = _own(vault, body)
        if party is None:
            continue
        disposes = agency.capacity == Capacity.LEGAL_REPRESENTATIVE
        known = found.get(body.name)
        found[body.name] = replace(
            party, disposes=disposes or (known is not None and known.disposes)
        )
    return list(found.values())


def agent_of(provider: Provider, login: str, *, at: datetime) -> str:
    """The account that is to be entrusted, by what it is typed by; NoAgent.

    Only somebody whose number was proved, so that licences are entrusted to a person and not to
    whoever took a name.
    """
    with provider.reading() as session:
        found = people.find_by_login(session, provider.vault, login)
        proved = found is not None and found.key_index is not None
        if found is None or not proved:
            raise NoAgent("nobody here can be entrusted under this name")
        if assurance.level_in_force(session, found.name, at=at) < NEEDED:
            raise NoAgent("nobody here can be entrusted under this name")
        return found.name


def copy_workshop(platform: Platform, *, at: datetime) -> Workshop:
    """What copies are made with: as issuing, but claims are signed by the copy signer."""
    with platform.reading() as session:
        signer = signers.active(session, "copy-signer", keys=platform.keys, at=at)
    return replace(platform.workshop(at=at), claim_signer=signer)


def find_agent(provider: Provider, by: Caller, login: str, at: datetime) -> str:
    """The account that is to be entrusted, by what it is typed by; NoAgent or TooManyNames.

    Every try is counted before it is told, so that nobody searches here for who has an account.
    """
    counter = throttle.code_counter("entrust", by.account)
    with provider.sessions.begin() as session:
        admission = throttle.admit(session, (counter,), at=at)
    if admission.locked_until is not None:
        raise TooManyNames("too many people were looked for; wait a while")
    found = agent_of(provider, login, at=at)
    with provider.sessions.begin() as session:
        throttle.clear(session, (counter,), at=at)
    return found


def wallet(
    platform: Platform, provider: Provider, queue: AuditQueue, by: Caller, at: datetime
) -> Wallet:
    """The wallet of whoever calls, opened for one request; LevelTooLow."""
    return Wallet(
        sessions=platform.sessions, reading=platform.reading, vault=platform.vault,
        store=platform.store, queue=queue, workshops=partial(copy_workshop, platform),
        find_agent=partial(find_agent, provider), holder=holder_of(provider, by, at), at=at,
    )  # fmt: skip
