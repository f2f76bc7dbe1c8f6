"""The end of a login: the browser's session, the grant, the code, the way back to the platform."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from sso import (
    agents,
    browser_session,
    clients,
    codes,
    factors,
    grants,
    logout,
    pushed,
    scopes,
    steps,
)
from sso.authorization_request import AuthorizationRequest
from sso.authorization_responses import Redirect, Response, refusal, respond
from sso.authorize import platform_refusal
from sso.credential_models import BrowserSession
from sso.interaction_models import Interaction, unstored
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from sso.steps import Standing, Step
from trust.access import Caller
from trust.audit import JSON
from trust.errors import Conflict
from trust.group_commit import committed

#: Where a sign-in goes that nobody said a way back for.
HOME = "/account"

_SILENT = {
    Step.SIGN_IN: "login_required",
    Step.CONSENT: "consent_required",
}


#: Built once: building a statement costs as much as running it.
_LIVING = select(BrowserSession.id).where(
    BrowserSession.id == bindparam("wanted"), BrowserSession.ended_at.is_(None)
)


class NotReady(Conflict):
    """This login is not complete yet, or was completed by another request."""

    code = "login_not_ready"


@dataclass(frozen=True, slots=True)
class Finished:
    """The way on, and the session cookie to set where one was made anew."""

    response: Response
    session_token: str | None = field(default=None, repr=False)


def complete(
    provider: Provider, session: Session, interaction: Interaction,
    current: BrowserSession | None, *, at: datetime, user_agent: str,
) -> Finished:  # fmt: skip
    """End a login that has everything it needs, once, in the caller's transaction; NotReady.

    1. every step is done, 2. the interaction ends, 3. the browser's session begins or is
    strengthened under a new cookie, 4. consent is remembered, grant and code are made.
    """
    found = steps.position(provider, session, interaction, current, at=at)
    who = found.who
    if found.step is not Step.FINISH or who is None:
        raise NotReady("this login is not complete")
    if not _end(session, interaction, at=at):
        raise NotReady("this login is over")
    if who.acting_for is not None:
        agents.may_act(session, who.account, who.acting_for, at=at)
    token, session_id = _session_after(
        provider, session, who, current, at=at, user_agent=user_agent
    )
    request = interaction.asked()
    if request is None:
        return Finished(Redirect(interaction.next_path or HOME), token)
    if not steps.is_hinted(provider, session, request, who.account):
        error = platform_refusal(request, "login_required", "another person signed in")
        return Finished(refusal(error, issuer=provider.issuer), token)
    if steps.has_agreed(interaction, who.account):
        grants.remember(
            session, who.account, request.client_id, scopes=request.scope, claims=request.claims,
            at=at,
        )  # fmt: skip
    answer = _grant(provider, session, request, who, session_id, level=found.level, at=at)
    return Finished(answer, token)


def answer_at_once(
    provider: Provider, request: AuthorizationRequest, session_token: str | None, *, at: datetime
) -> Response | None:
    """The answer to a request that the browser's session is enough for; None when the person has
    to do something. With prompt=none that is AuthorizationRefused (Core, 3.1.2.6).

    Reads first, without any lock; writes only the grant and the code.
    """
    with provider.reading() as session:
        current = (
            browser_session.find(session, session_token, at=at, policy=provider.policy)
            if session_token else None
        )  # fmt: skip
        interaction = unstored(request, at=at)
        found = steps.position(provider, session, interaction, current, at=at)
    who = found.who
    if found.step is not Step.FINISH or who is None or current is None:
        if "none" in request.prompt:
            error = _SILENT.get(found.step, "interaction_required")
            raise platform_refusal(request, error, "the person would have to be asked")
        return None
    session_id, level = current.id, found.level

    def answer(session: Session) -> Response | None:
        if not _lives_on(session, session_id):
            return None
        return _grant(provider, session, request, who, session_id, level=level, at=at)

    return committed(provider.sessions, answer)


def refuse(
    provider: Provider, session: Session, interaction: Interaction, error: str,
    description: str = "", *, at: datetime,
) -> Response:  # fmt: skip
    """End a login without success and tell the platform why (access_denied when the person said
    no); NotReady when it was over already."""
    if not _end(session, interaction, at=at):
        raise NotReady("this login is over")
    request = interaction.asked()
    if request is None:
        return Redirect("/")
    if not pushed.spend(session, request, at=at):
        raise _already_used()
    if interaction.account is not None:
        by = Caller(account=interaction.account, authority=None, roles=frozenset())
        details: dict[str, JSON] = {"client": request.client_id, "error": error}
        provider.audit.record(
            "authorization.refused", subject=interaction.account, by=by, at=at, details=details
        )
    return refusal(platform_refusal(request, error, description), issuer=provider.issuer)


def _end(session: Session, interaction: Interaction, *, at: datetime) -> bool:
    """One statement: of two requests that end a login, one does."""
    found = session.scalar(
        update(Interaction)
        .where(Interaction.digest == interaction.digest, Interaction.ended_at.is_(None))
        .values(ended_at=at)
        .returning(Interaction.digest),
        execution_options={"synchronize_session": False},
    )
    return found is not None


def _session_after(
    provider: Provider, session: Session, who: Standing, current: BrowserSession | None, *,
    at: datetime, user_agent: str,
) -> tuple[str | None, str]:  # fmt: skip
    """The cookie to set (None: as it was) and the session's id.

    The same person goes on under the same id and a new cookie; another one begins a session, and
    the one before ends like by a logout: the platforms in it are told.
    """
    # The row may have come from another transaction.
    row = session.get(BrowserSession, current.id) if current is not None else None
    if row is not None and row.ended_at is not None:
        row = None
    if row is not None and row.account == who.account:
        row.acting_for = who.acting_for
        if not who.fresh:
            return None, row.id
        return browser_session.strengthen(session, row, who.methods, at=at), row.id
    if row is not None:
        by = Caller(account=row.account, authority=None, roles=frozenset())
        logout.end_session(session, provider, row, by=by, at=at)
    token, made = browser_session.begin(
        session, who.account, methods=who.methods, at=at, policy=provider.policy,
        user_agent=user_agent, staff=factors.is_staff(session, who.account),
        acting_for=who.acting_for, auth_time=who.auth_time,
    )  # fmt: skip
    return token, made.id


def _lives_on(session: Session, session_id: str) -> bool:
    return session.connection().execute(_LIVING, {"wanted": session_id}).first() is not None


def _grant(
    provider: Provider, session: Session, request: AuthorizationRequest, who: Standing,
    session_id: str, *, level: int, at: datetime,
) -> Response:  # fmt: skip
    """Spend the pushed request, make grant and code; the redirect that carries the code."""
    if not pushed.spend(session, request, at=at):
        raise _already_used()
    client = clients.find(provider.reading, request.client_id)
    if client is None or not client.active:
        raise OAuthError("unauthorized_client", "this client is not known here", page=True)
    acting_for = who.acting_for if scopes.ORGANISATION in request.scope else None
    grant = grants.begin_grant(
        session, account=who.account, client_id=request.client_id, scopes=request.scope, at=at,
        session_id=session_id, claims=request.claims, resources=request.resource,
        acting_for=acting_for,
    )  # fmt: skip
    authorized = _authorized(request, who, grant, level)
    code = codes.issue(session, authorized, lifetime=provider.policy.code_lifetime, at=at)
    by = Caller(account=who.account, authority=None, roles=frozenset())
    provider.audit.record(
        "authorization.granted", subject=who.account, by=by, at=at,
        details={"client": request.client_id, "grant": grant.id, "acr": authorized.acr},
    )  # fmt: skip
    sent = {"code": code, "state": request.state}
    return respond(request.redirect_uri, request.response_mode, sent, issuer=provider.issuer)


def _authorized(
    request: AuthorizationRequest, who: Standing, grant: grants.Grant, level: int
) -> codes.Authorized:
    return codes.Authorized(
        client_id=request.client_id, grant_id=grant.id, account=who.account,
        redirect_uri=request.redirect_uri, auth_time=who.auth_time,
        acr=steps.acr_of(request, level), amr=factors.told(who.methods),
        scope=" ".join(request.scope),
        claims=request.claims, resource=request.resource, code_challenge=request.code_challenge,
        nonce=request.nonce, sid=grant.session_id, dpop_jkt=request.dpop_jkt,
    )  # fmt: skip


def _already_used() -> OAuthError:
    return OAuthError("invalid_request_uri", "this request was used already", page=True)
