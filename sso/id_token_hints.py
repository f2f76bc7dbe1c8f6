"""The ID token a platform shows us again as a hint of who it means (Core, 3.1.2.1)."""

from datetime import datetime

from sso import jose, signing_keys
from sso.client import Client
from sso.jose import InvalidToken
from sso.oauth_errors import OAuthError
from sso.provider import Provider


def subject(provider: Provider, client: Client, hint: str, *, at: datetime) -> str:
    """Its `sub`; OAuthError invalid_request unless we signed it, for this client.

    It may have expired long ago: it says who, not whether.
    """
    try:
        jwt = jose.parse(hint, algorithms=jose.SIGNING)
        key = signing_keys.by_kid(provider, jwt.kid, at=at)
        if key is None or key.alg != jwt.header.get("alg"):
            raise InvalidToken("not signed by a key of ours")
        jose.check(jwt, key.spki)
    except InvalidToken as error:
        raise OAuthError("invalid_request", "id_token_hint is no ID token of ours") from error
    aud = jwt.claims.get("aud")
    if client.client_id not in (aud if isinstance(aud, list) else [aud]):
        raise OAuthError("invalid_request", "id_token_hint is of another client")
    found = jwt.claims.get("sub")
    if jwt.claims.get("iss") != provider.issuer or not isinstance(found, str):
        raise OAuthError("invalid_request", "id_token_hint is no ID token of ours")
    return found
