"""A request at the token endpoint whose client is known, and what a grant makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from sso import dpop, refresh, scopes, tally, tokens
from sso.client import Client
from sso.dpop import InvalidProof, Proof
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from sso.tokens import Authorized, Bound


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request whose client has been authenticated."""

    provider: Provider
    client: Client
    form: Mapping[str, str] = field(repr=False)  # secrets and codes
    at: datetime
    bound: Bound
    proof: Proof | None

    def spend_proof(self, session: Session) -> None:
        if self.proof is not None:
            try:
                dpop.spend(session, self.proof)
            except InvalidProof as error:
                raise dpop.refusal(error) from error


@dataclass(frozen=True, slots=True)
class Granted:
    """What the transaction of a grant has decided; the tokens are signed after its commit."""

    authorized: Authorized
    audience: tuple[str, ...]
    refresh_token: str | None = field(default=None, repr=False)


def told(request: TokenRequest, outcome: Granted | OAuthError) -> dict[str, Any]:
    """The response to a committed outcome, counted; or the refusal that it is."""
    if isinstance(outcome, OAuthError):
        raise outcome
    client_id, grant_type = request.client.client_id, request.form["grant_type"]
    tally.count(request.provider, client_id, grant_type, at=request.at)
    return tokens.response(
        request.provider, request.client, audience=outcome.audience,
        scope=outcome.authorized.scope, bound=request.bound, at=request.at,
        authorized=outcome.authorized, refresh_token=outcome.refresh_token,
    )  # fmt: skip


def grant(
    session: Session, request: TokenRequest, authorized: Authorized, *, resource: tuple[str, ...],
    audience: tuple[str, ...],
) -> Granted:  # fmt: skip
    """The tokens of a new authorization: also a refresh token where it is for the person's absence.

    For the grants that begin something: code and device.
    """
    client = request.client
    token: str | None = None
    if scopes.OFFLINE in authorized.scope.split() and "refresh_token" in client.grant_types:
        token = refresh.issue(
            session, client, authorized, resource=resource, bound=request.bound,
            policy=request.provider.policy, at=request.at,
        )  # fmt: skip
    return Granted(authorized, audience, token)
