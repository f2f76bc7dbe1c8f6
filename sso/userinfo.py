"""The userinfo endpoint (OIDC Core, 5.3): reads, audits in batches, writes nothing."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request

from sso import authenticate, claims, jose, scopes, signing_keys
from sso.oauth_errors import OAuthError
from sso.provider import Provider

PATH: Final = "/oauth2/userinfo"


def answer(provider: Provider, request: Request, form: Mapping[str, str]) -> dict[str, Any] | str:
    """The claims of the token's person: JSON, or a JWT for a platform that registered an algorithm
    (OIDC Core, 5.3.2). OAuthError with its challenge for a token that does not open this."""
    at = provider.clock()
    with provider.reading() as session:
        token = authenticate.of_request(session, provider, request, at=at, form=form)
        if token.live is None or scopes.OPENID not in token.scope.split():
            raise refuse_scope()
        found = claims.userinfo(
            session, provider, token.client, token.live, scope=token.scope, at=at
        )
    alg = token.client.userinfo_alg
    if alg is None:
        return found
    found |= {"iss": provider.issuer, "aud": token.client.client_id}
    key = signing_keys.active(provider, alg, at=at)
    return jose.sign_jwt(provider.keys, key, found, typ="JWT")


def refuse_scope() -> OAuthError:
    """RFC 6750, 3.1: 403."""
    return authenticate.refused(
        "insufficient_scope", "the scope openid is needed", status=403, more=', scope="openid"'
    )
