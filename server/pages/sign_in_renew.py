"""A password replaced on the way in: it is too old, or somebody else chose it."""

from typing import Any

from fastapi import APIRouter, Response

from server.pages import flow, identity_words
from server.pages.flow import Flow
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Looking
from sso import logout, passwords
from sso.change_password import own_words
from sso.interactions import Step
from sso.models import Account
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False)


def is_due(found: Flow) -> bool:
    """Whether the password that was given in this very login has to be replaced first."""
    who = found.standing
    if who is None or "pwd" not in found.interaction.methods:
        return False
    with found.provider.reading() as session:
        return passwords.is_stale(session, who.account, at=found.visitor.at)


def show(found: Flow, **values: Any) -> Response:
    name = found.standing.account if found.standing else ""
    return flow.page(found, "new_password.html", account_name=name, **values)


@router.post("/sign-in/{interaction_id}/new-password")
def replace_password(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    """Only where everything else was proved, the second factor too."""
    found = flow.posted(visitor, interaction_id, form)
    if found.step is not Step.FINISH or found.standing is None or not is_due(found):
        return flow.go_on(found)
    provider, by = found.provider, flow.caller(found)
    try:
        with provider.sessions.begin() as session:
            account = session.get_one(Account, found.standing.account)
            logout.end_all(session, provider, account.name, by=by, at=visitor.at)
            passwords.set_password(
                session, account, form.secret("password", cap=1024), hasher=provider.hasher, by=by,
                at=visitor.at, words=own_words(provider, account),
            )  # fmt: skip
    except TrustError as error:
        return show(found, trouble=identity_words.refusal(error))
    return flow.go_on(found)
