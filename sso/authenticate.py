"""The access token of a request: found in one place only, judged, shown by whom it is bound to.

For userinfo, and for the platform's own interface: `caller` makes the acting value of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from sqlalchemy.orm import Session
from starlette.requests import Request

from sso import access_tokens, accounts, dpop, factors, machines, mutual_tls
from sso.access_tokens import AccessToken
from sso.dpop import InvalidProof
from sso.jose import InvalidToken
from sso.oauth_errors import OAuthError
from sso.policy import acr, level_of_acr
from sso.provider import Provider
from trust.access import Caller
from trust.crypto.errors import Malformed
from trust.errors import TrustError, Unauthenticated

#: The scope that opens the platform's own interface.
SCOPE: Final = "trust"
TOKEN_MAX: Final = 16 * 1024
_ALGS: Final = " ".join(sorted(dpop.ALGORITHMS))


class TokenRefused(Unauthenticated):
    """A request to our own interface without a token that opens it. `challenge` is the value of
    WWW-Authenticate (RFC 6750, 3; RFC 9449, 7.1; RFC 9470, 3)."""

    code = "token_refused"

    def __init__(self, message: str, challenge: str) -> None:
        super().__init__(message)
        self.challenge = challenge


def refused(
    error: str = "", description: str = "", *, status: int = 401, more: str = ""
) -> OAuthError:
    """A refusal in the form of RFC 6750, 3; without `error` the request carried no token."""
    said = f', error="{error}", error_description="{description}"' if error else ""
    challenges = (
        ("WWW-Authenticate", f'Bearer realm="trust"{said}{more}'),
        ("WWW-Authenticate", f'DPoP algs="{_ALGS}"{said}{more}'),
    )
    return OAuthError(error or "invalid_token", description, status=status, headers=challenges)


def of_request(
    session: Session, provider: Provider, request: Request, *, at: datetime,
    form: Mapping[str, str] | None = None,
) -> AccessToken:  # fmt: skip
    """The token of a request, good at this moment for the issuer itself; OAuthError (401 or 400).

    `form` is the body, where the token may stand too (RFC 6750, 2.2). A token that is bound to a
    DPoP key is taken by the scheme DPoP only, and one that is not by Bearer only (RFC 9449, 7.1).
    """
    scheme, token = _shown(request, form or {})
    try:
        found = access_tokens.judge(session, provider, token, at=at)
        if provider.issuer not in found.audience:
            raise InvalidToken("the token is for another audience")
        _check_binding(provider, request, found, scheme, token, at=at)
    except InvalidProof as error:
        raise refused("invalid_dpop_proof", str(error)) from error
    except (InvalidToken, Malformed) as error:
        raise refused("invalid_token", str(error)) from error
    return found


def _shown(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Scheme in lower case (RFC 9110, 11.1) and token."""
    headers = request.headers.getlist("authorization")
    places = len(headers) + ("access_token" in form)
    if places > 1:
        raise OAuthError("invalid_request", "a token stands in one place")
    if not places:
        raise refused()
    if not headers:
        return "bearer", form["access_token"][:TOKEN_MAX]
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() not in ("bearer", "dpop") or not token.strip():
        raise refused()
    return scheme.lower(), token.strip()


def _check_binding(
    provider: Provider, request: Request, found: AccessToken, scheme: str, token: str, *,
    at: datetime,
) -> None:  # fmt: skip
    bound = found.confirmation
    if ("jkt" in bound) != (scheme == "dpop"):
        raise InvalidToken("the token goes with the other authentication scheme")
    if "jkt" in bound:
        text = dpop.of_request(request.headers)
        if text is None:
            raise InvalidProof("a DPoP proof is missing")
        proof = dpop.check(
            text, method=request.method, url=provider.issuer + request.url.path, at=at,
            skew=provider.policy.skew, access_token=token,
        )  # fmt: skip
        if proof.jkt != bound["jkt"]:
            raise InvalidProof("the DPoP proof is by another key than the token's")
        dpop.REMEMBERED.spend(proof, at=at)
    if "x5t#S256" in bound:
        certificate = client_certificate(request)
        if certificate is None or mutual_tls.thumbprint(certificate) != bound["x5t#S256"]:
            raise InvalidToken("the token is bound to another certificate")


def client_certificate(request: Request) -> bytes | None:
    """The DER of the client's certificate, where the server reads one out of a proxy's header."""
    read = getattr(request.app.state, "client_certificate", None)
    return cast(bytes | None, read(request)) if read is not None else None


def caller(request: Request) -> Caller:
    """Who sent a request to the platform's own interface (`trust.dependencies.Authenticate`).

    The account's roles as they are now; a platform's own token acts as its machine account.
    TokenRefused without a good token of scope `trust`.
    """
    provider = cast(Provider, request.app.state.provider)
    at = provider.clock()
    with provider.reading() as session:
        found = _for_us(session, provider, request, at=at)
        client = found.client.client_id
        if found.live is not None:
            return replace(accounts.caller(session, found.live.account), client=client)
        machine = machines.caller(session, client)
    if machine is None:
        raise _insufficient("insufficient_scope", "the token speaks for no account")
    return machine


def caller_by(request: Request, token: str) -> Caller:
    """`caller` for a door whose requests bring their token in the body, and nowhere else."""
    provider = cast(Provider, request.app.state.provider)
    with provider.reading() as session:
        _for_us(session, provider, request, at=provider.clock(), form={"access_token": token})
    return caller(request)


def _for_us(
    session: Session, provider: Provider, request: Request, *, at: datetime,
    form: Mapping[str, str] | None = None,
) -> AccessToken:  # fmt: skip
    """Judged once a request: a DPoP proof is spent by its first judgement."""
    known = getattr(request.state, "access_token", None)
    if isinstance(known, AccessToken):
        return known
    try:
        found = of_request(session, provider, request, at=at, form=form)
    except OAuthError as error:
        both = (value for name, value in error.headers if name == "WWW-Authenticate")
        challenge = ", ".join(both) or "Bearer"
        raise TokenRefused(error.description or "an access token is needed", challenge) from error
    if SCOPE not in found.scope.split():
        raise _insufficient("insufficient_scope", "the token does not open this interface")
    request.state.access_token = found
    return found


def agent_of(request: Request, token: str, *, client: str | None) -> str | None:
    """The account of somebody who is signed in at the calling platform, by their access token;
    None for one that is no good, or another platform's. The token counts as a word only: what it
    is bound to is the platform's to prove, whose own token the request bears."""
    provider = cast(Provider, request.app.state.provider)
    with provider.reading() as session:
        try:
            found = access_tokens.judge(session, provider, token[:TOKEN_MAX], at=provider.clock())
        except (InvalidToken, Malformed):
            return None
    if found.live is None or client is None or found.client.client_id != client:
        return None
    return found.live.account


def recently(request: Request) -> None:
    """For administration: a login as old as a session may get, at most. A refresh token that is
    kept for weeks is no administrator. TokenRefused as of `demand`."""
    provider = cast(Provider, request.app.state.provider)
    demand(request, max_age=int(provider.policy.session_lifetime.total_seconds()))


def by_own_word(request: Request) -> None:
    """For acts that hand powers on: a login by something of the account's own (`factors.is_own`),
    not on the word of an upstream or a phone. TokenRefused as of `demand`."""
    found = demand(request)
    if found.live is None:
        raise _insufficient("insufficient_scope", "the token speaks for no account")
    said = found.claims.get("amr", ())
    methods = [factors.fed(0) if each == "fed" else str(each) for each in said]
    with cast(Provider, request.app.state.provider).reading() as session:
        own = factors.is_own(session, found.live.account, methods)
    if not own:
        raise _insufficient(
            "insufficient_user_authentication", "a login by one's own password or key is needed",
            ', max_age="0"',
        )  # fmt: skip


def demand(request: Request, *, level: int = 0, max_age: int | None = None) -> AccessToken:
    """Insist on a login of a level, and not older than `max_age` seconds (RFC 9470).

    TokenRefused with error="insufficient_user_authentication": the platform sends its user to log
    in again with these acr_values and max_age.
    """
    provider = cast(Provider, request.app.state.provider)
    at = provider.clock()
    with provider.reading() as session:
        found = _for_us(session, provider, request, at=at)
    reached = level_of_acr(str(found.claims.get("acr", ""))) or 0
    age = at.timestamp() - float(found.claims.get("auth_time", 0))
    if reached >= level and (max_age is None or age <= max_age):
        return found
    wanted = f', acr_values="{acr(level)}"' if reached < level else ""
    wanted += f', max_age="{max_age}"' if max_age is not None else ""
    raise _insufficient(
        "insufficient_user_authentication", "a stronger or newer login is needed", wanted
    )


def _insufficient(error: str, description: str, more: str = "") -> TrustError:
    return TokenRefused(
        description,
        f'Bearer realm="trust", error="{error}", error_description="{description}"{more}',
    )
