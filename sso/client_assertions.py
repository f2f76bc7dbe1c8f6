"""Client assertions: private_key_jwt (RFC 7523, 3; OIDC Core, 9; FAPI 2.0, 5.3.2.1)."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from sso import client_jwts
from sso.client import Client
from sso.client_metadata import CLIENT_ALGS, FAPI_ALGS
from sso.client_models import UsedAssertion
from sso.oauth_errors import OAuthError, invalid_client
from sso.provider import Provider
from trust.crypto.hashes import sha256

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_MAX: Final = 16 * 1024
#: Widely used client libraries sign for an hour; a `jti` is remembered for as long.
LIFE_MAX: Final = timedelta(hours=1)
FAPI_LIFE_MAX: Final = timedelta(minutes=5)


def subject(assertion: str) -> str:
    """The client an assertion says it is of, not verified; OAuthError invalid_client."""
    if len(assertion) > ASSERTION_MAX:
        raise invalid_client("the client assertion is too long")
    claims = client_jwts.peek(assertion)
    found = claims.get("sub") if claims is not None else None
    if not isinstance(found, str):
        raise invalid_client("the client assertion is no JWT with a sub")
    return found


def check(
    provider: Provider, client: Client, assertion: str, *, endpoint: str, at: datetime
) -> None:
    """Refuse an assertion that is not by this client, for us, now, and for the first time.

    Uses up its `jti` in a transaction of its own: a crash after it costs the client a new try.
    """
    if len(assertion) > ASSERTION_MAX:
        raise invalid_client("the client assertion is too long")
    allowed = FAPI_ALGS if client.fapi else CLIENT_ALGS
    try:
        claims = client_jwts.verified(
            provider, client, assertion, algorithms=allowed, registered=client.auth_alg
        )
    except OAuthError as error:
        raise invalid_client(error.description) from error
    if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
        raise invalid_client("iss and sub of a client assertion are the client id")
    _check_audience(provider, client, claims.get("aud"), endpoint=endpoint)
    expires = _check_times(provider, client, claims, at=at)
    _use_once(provider, client, claims.get("jti"), expires=expires)


def _check_audience(provider: Provider, client: Client, aud: object, *, endpoint: str) -> None:
    """FAPI 2.0, 5.3.2.1, point 8: the issuer as a string, nothing else; other clients may name
    the token endpoint or the one they call, as OIDC Core, 9 told them."""
    if client.fapi:
        if aud != provider.issuer:
            raise invalid_client("aud must be the issuer, as a string")
        return
    named = aud if isinstance(aud, list) else [aud]
    accepted = {provider.issuer, f"{provider.issuer}/oauth2/token", endpoint}
    if not any(isinstance(each, str) and each in accepted for each in named):
        raise invalid_client("aud must be the issuer")


def _check_times(
    provider: Provider, client: Client, claims: dict[str, Any], *, at: datetime
) -> datetime:
    """When the assertion ends; times are NumericDate, judged with the policy's skew."""
    skew = provider.policy.skew
    expires = client_jwts.moment(claims.get("exp"))
    if expires is None or expires <= at - skew:
        raise invalid_client("the client assertion has no exp, or has expired")
    longest = FAPI_LIFE_MAX if client.fapi else LIFE_MAX
    if expires > at + longest + skew:
        raise invalid_client("the client assertion lives too long")
    for name in ("nbf", "iat"):
        given = client_jwts.moment(claims.get(name))
        if (given is None and claims.get(name) is not None) or (given and given > at + skew):
            raise invalid_client(f"{name} of the client assertion lies in the future")
    return expires + skew


def _use_once(provider: Provider, client: Client, jti: object, *, expires: datetime) -> None:
    if not isinstance(jti, str) or not 0 < len(jti) <= 1024:
        raise invalid_client("a client assertion needs a jti")
    digest = sha256(f"{client.client_id}\0{jti}".encode("utf-8", "replace"))
    try:
        with provider.sessions.begin() as session:
            row = UsedAssertion(digest=digest, client_id=client.client_id, expires_at=expires)
            session.add(row)
    except IntegrityError as error:
        raise invalid_client("this client assertion was used before") from error
