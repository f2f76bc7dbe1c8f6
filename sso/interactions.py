"""Logins in progress: one row for each authorization request, its id in the URL, so that any number
of tabs work side by side, and one that is too old says where to start again."""

import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sso import agents, factors
from sso.authorization_request import AuthorizationRequest
from sso.authorization_responses import FormPost, Redirect
from sso.completing import Finished, NotReady, answer_at_once, complete, refuse
from sso.interaction_models import Interaction
from sso.policy import Policy
from sso.sign_in import Proof
from sso.steps import Standing, Step, Wanted, next_step, standing, wanted
from trust.crypto.hashes import sha256
from trust.errors import Invalid, NotFound

__all__ = [
    "Finished", "FormPost", "Interaction", "InteractionGone", "NotReady", "Redirect", "Standing",
    "Step", "Wanted", "agree", "answer_at_once", "begin", "choose", "complete", "decline_raise",
    "find", "next_step", "note_proof", "refuse", "standing", "wanted",
]  # fmt: skip

#: 32 bytes in base64url.
ID_LENGTH: Final = 43
NEXT_MAX: Final = 500


class InteractionGone(NotFound):
    """This login is unknown, over, too old, or of another browser. `client_id`: whose it was, so
    that the page can offer to start again there; None when that must not be told."""

    code = "interaction_gone"

    def __init__(self, message: str, client_id: str | None = None) -> None:
        super().__init__(message)
        self.client_id = client_id


def begin(
    session: Session, request: AuthorizationRequest | None, *, at: datetime, policy: Policy,
    next_path: str | None = None, device_code: str | None = None, browser: str | None = None,
) -> str:  # fmt: skip
    """A new login in progress; returns its id, which is not kept.

    `next_path` (for a sign-in to our own pages) must be a path of ours: Invalid otherwise.
    `browser` binds it at once where the cookie is there already.
    """
    if next_path is not None:
        _check_path(next_path)
    interaction_id = secrets.token_urlsafe(32)
    session.add(
        Interaction(
            digest=sha256(interaction_id.encode()), next_path=next_path, device_code=device_code,
            client_id=request.client_id if request is not None else None,
            request=request.to_json() if request is not None else None,
            browser=sha256(browser.encode()) if browser else None, methods=(), created_at=at,
            expires_at=at + policy.interaction_lifetime,
        )
    )  # fmt: skip
    session.flush()
    return interaction_id


def find(session: Session, interaction_id: str, *, browser: str, at: datetime) -> Interaction:
    """The login in progress of this browser; InteractionGone.

    The first browser that shows up has it from then on: one statement binds, so that of two only
    one can win.
    """
    if len(interaction_id) != ID_LENGTH or not interaction_id.isascii():
        raise InteractionGone("there is no such login")
    digest, mine = sha256(interaction_id.encode()), sha256(browser.encode("utf-8", "replace"))
    row = session.get(Interaction, digest)
    if row is None:
        raise InteractionGone("there is no such login")
    if row.browser is None:
        bind = update(Interaction).where(
            Interaction.digest == digest, Interaction.browser.is_(None)
        )
        session.execute(bind.values(browser=mine), execution_options={"synchronize_session": False})
        session.refresh(row)
    if row.browser != mine:
        # Nothing about the login is told to another browser.
        raise InteractionGone("this login was begun in another browser")
    if row.ended_at is not None or row.expires_at <= at:
        raise InteractionGone("this login is over or has expired", row.client_id)
    return row


def note_proof(session: Session, interaction: Interaction, proof: Proof) -> None:
    """Somebody proved something in this login.

    Proofs of one account add up; another account begins anew, and what the first one agreed to or
    chose is forgotten.
    """
    _lock(session, interaction)
    if interaction.account == proof.account:
        interaction.methods = factors.combine(interaction.methods, proof.methods)
    else:
        interaction.account, interaction.methods = proof.account, tuple(proof.methods)
        interaction.consented = interaction.declined = interaction.chosen = False
        interaction.acting_for = None
    interaction.proved_at = proof.at
    session.flush()


def agree(session: Session, interaction: Interaction, *, account: str) -> None:
    """This person consents to what the platform asked for; remembered when the login completes."""
    _lock(session, interaction)
    _speak(interaction, account)
    interaction.consented = True
    session.flush()


def _speak(interaction: Interaction, account: str) -> None:
    """What is agreed to and chosen is one account's; a session may have brought it, so that nothing
    was proved here. What another said before is forgotten."""
    if interaction.account == account:
        return
    interaction.account, interaction.methods, interaction.proved_at = account, (), None
    interaction.consented = interaction.declined = interaction.chosen = False
    interaction.acting_for = None


def decline_raise(session: Session, interaction: Interaction, *, account: str) -> None:
    """This person goes on without the level that was offered. An essential one stays asked for:
    then `refuse` with unmet_authentication_requirements is the way out."""
    _lock(session, interaction)
    _speak(interaction, account)
    interaction.declined = True
    session.flush()


def choose(
    session: Session, interaction: Interaction, organisation: str | None, *, account: str,
    at: datetime,
) -> None:  # fmt: skip
    """In whose name this login is: an organisation's account, or None for oneself; MayNotAct."""
    if organisation is not None:
        agents.may_act(session, account, organisation, at=at)
    _lock(session, interaction)
    _speak(interaction, account)
    interaction.acting_for, interaction.chosen = organisation, True
    session.flush()


def _lock(session: Session, interaction: Interaction) -> None:
    """Two tabs must not mix one account's proofs with another's."""
    session.execute(
        select(Interaction.digest)
        .where(Interaction.digest == interaction.digest)
        .with_for_update()
    )  # fmt: skip
    session.refresh(interaction)
    if interaction.ended_at is not None:
        raise InteractionGone("this login is over", interaction.client_id)


def _check_path(path: str) -> None:
    """Only to our own pages: nothing that a browser could read as another host."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or len(path) > NEXT_MAX:
        raise Invalid("a way back is a path of this platform")
    if "\\" in path or not path.isascii() or not path.isprintable():
        raise Invalid("a way back is a path of this platform")
