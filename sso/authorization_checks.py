"""The checks right of the redirect URI: whatever they refuse, the platform is told by redirect.

Each is a small function of what was asked; `CHECKS` is their order. After them `build` reads the
parameters that have a form of their own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sso import requested_claims, scopes
from sso.authorization_request import AuthorizationRequest, Parameters
from sso.authorization_responses import RESPONSE_MODES
from sso.client import Client
from sso.oauth_errors import OAuthError
from sso.policy import level_of_acr

#: Longest value taken of each parameter, in characters; others may be as long as they like.
LONGEST: Final[Mapping[str, int]] = {
    "state": 2048, "nonce": 512, "scope": 1000, "response_type": 100, "response_mode": 50,
    "prompt": 100, "max_age": 10, "acr_values": 500, "claims": 8192, "login_hint": 200,
    "id_token_hint": 8192, "ui_locales": 200, "claims_locales": 200, "display": 50,
    "code_challenge": 128, "code_challenge_method": 20, "resource": 4000, "dpop_jkt": 43,
}  # fmt: skip
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
#: RFC 6749, A.5: state is printable ASCII.
_VISIBLE: Final = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose client and redirect URI are good. `pushed`, `signed`: how it came."""

    client: Client
    parameters: Parameters
    pushed: bool
    signed: bool
    issuer: str

    def text(self, name: str) -> str | None:
        return self.parameters.text(name)


def refuse_repeated(asked: Asked) -> None:
    if asked.parameters.repeated:
        raise OAuthError("invalid_request", "a parameter stands twice")


def refuse_oversized(asked: Asked) -> None:
    for name, longest in LONGEST.items():
        value = asked.text(name)
        if value is not None and len(value) > longest:
            raise OAuthError("invalid_request", f"{name} has at most {longest} characters")
        if value is not None and "\0" in value:
            raise OAuthError("invalid_request", f"{name} holds a character that has no place there")


def check_transport(asked: Asked) -> None:
    """RFC 9126, 5 and RFC 9101, 10.5: a client may have bound itself to PAR or signed requests."""
    if asked.client.require_par and not asked.pushed:
        raise OAuthError("invalid_request", "this client must push its requests (PAR)")
    if asked.client.require_signed_request and not asked.signed:
        raise OAuthError("invalid_request", "this client must sign its requests (JAR)")


def check_response_type(asked: Asked) -> None:
    response_type = asked.text("response_type")
    if response_type is None:
        raise OAuthError("invalid_request", "response_type is missing")
    if response_type != "code":
        raise OAuthError("unsupported_response_type", "only the code flow is offered")
    if "authorization_code" not in asked.client.grant_types:
        raise OAuthError("unauthorized_client", "this client is not registered for the code flow")


def check_response_mode(asked: Asked) -> None:
    if asked.text("response_mode") not in (None, *RESPONSE_MODES):
        raise OAuthError("invalid_request", "response_mode is query or form_post")


def refuse_registration(asked: Asked) -> None:
    if asked.text("registration") is not None:
        raise OAuthError("registration_not_supported", "clients are registered beforehand")


def check_state(asked: Asked) -> None:
    if not _VISIBLE.fullmatch(asked.text("state") or ""):
        raise OAuthError("invalid_request", "state is printable ASCII")


def check_pkce(asked: Asked) -> None:
    """RFC 7636 with S256 only (RFC 9700, 2.1.1)."""
    challenge, method = asked.text("code_challenge"), asked.text("code_challenge_method")
    if challenge is None:
        if method is not None or asked.client.require_pkce:
            raise OAuthError("invalid_request", "code_challenge is missing (PKCE, S256)")
        return
    if method != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge is 43 characters of base64url")


def check_prompt(asked: Asked) -> None:
    wanted = set((asked.text("prompt") or "").split())
    if not wanted <= _PROMPTS:
        raise OAuthError("invalid_request", "an unknown prompt")
    if "none" in wanted and len(wanted) > 1:
        raise OAuthError("invalid_request", "prompt none stands alone")


def check_max_age(asked: Asked) -> None:
    value = asked.text("max_age")
    if value is not None and not (value.isascii() and value.isdigit()):
        raise OAuthError("invalid_request", "max_age is a number of seconds")


def _may_ask_for(asked: Asked, resource: str) -> bool:
    """The issuer's own interface may always be named: a token for it is what one gets unnamed."""
    return resource in asked.client.resources or resource == asked.issuer


def check_resource(asked: Asked) -> None:
    """RFC 8707, 2: absolute, no fragment, and one the client may ask for."""
    for each in (asked.text("resource") or "").split():
        try:
            parts = urlsplit(each)
        except ValueError as error:
            raise OAuthError("invalid_target", "resource is no URI") from error
        if not parts.scheme or "#" in each or not _may_ask_for(asked, each):
            raise OAuthError("invalid_target", "a resource this client may not ask for")


def check_dpop_jkt(asked: Asked) -> None:
    value = asked.text("dpop_jkt")
    if value is not None and not _CHALLENGE.fullmatch(value):
        raise OAuthError("invalid_request", "dpop_jkt is 43 characters of base64url")


CHECKS: Final[tuple[Callable[[Asked], None], ...]] = (
    refuse_repeated, refuse_oversized, check_transport, check_response_type, check_response_mode,
    refuse_registration, check_state, check_pkce, check_prompt, check_max_age, check_resource,
    check_dpop_jkt,
)  # fmt: skip


def build(asked: Asked, *, redirect_uri: str) -> AuthorizationRequest:
    """The request as a value, after every check; OAuthError for scopes and claims."""
    client, claims = asked.client, requested_claims.parse(asked.text("claims"))
    essential, voluntary = requested_claims.acr(claims)
    known_levels = tuple(each for each in essential if level_of_acr(each) is not None)
    if essential and not known_levels:
        raise OAuthError("unmet_authentication_requirements", "none of these acr is known here")
    named = (asked.text("acr_values") or "").split() or list(client.default_acr_values)
    max_age = asked.text("max_age")
    return AuthorizationRequest(
        client_id=client.client_id, redirect_uri=redirect_uri,
        response_mode=asked.text("response_mode") or "query",
        scope=granted_scopes(client, asked.text("scope")), state=asked.text("state"),
        nonce=asked.text("nonce"), code_challenge=asked.text("code_challenge"),
        prompt=frozenset((asked.text("prompt") or "").split()),
        max_age=int(max_age) if max_age is not None else client.default_max_age,
        acr_values=tuple(x for x in (*named, *voluntary) if level_of_acr(x) is not None),
        essential_acr=known_levels, claims=claims, login_hint=asked.text("login_hint"),
        id_token_hint_sub=requested_claims.subject(claims), ui_locales=asked.text("ui_locales"),
        display=_display(asked.text("display")),
        resource=tuple(dict.fromkeys((asked.text("resource") or "").split())),
        dpop_jkt=asked.text("dpop_jkt"),
    )  # fmt: skip


def granted_scopes(client: Client, text: str | None) -> tuple[str, ...]:
    """The scopes asked for that exist, in order, once each; OAuthError invalid_scope.

    What nobody knows is ignored (Core, 3.1.2.1), and so is offline_access where the client cannot
    refresh (Core, 11); a scope that exists and is not the client's is refused by name.
    """
    asked = dict.fromkeys((text or "").split())
    known = [each for each in asked if each in scopes.SUPPORTED or each in client.scopes]
    if "refresh_token" not in client.grant_types or scopes.OFFLINE not in client.scopes:
        known = [each for each in known if each != scopes.OFFLINE]
    if not known:
        raise OAuthError("invalid_scope", "no scope that is known here")
    for each in known:
        if each not in client.scopes:
            raise OAuthError("invalid_scope", f"this client may not ask for {each}")
    return tuple(known)


def _display(value: str | None) -> str:
    """Core, 3.1.2.1; a value nobody knows is no reason to refuse."""
    return value if value in ("page", "popup", "touch", "wap") else "page"


def safe_state(parameters: Parameters) -> str | None:
    """The state an error response may carry back: not one that itself is the fault."""
    state: Any = parameters.text("state")
    if state is None or "state" in parameters.repeated or len(state) > LONGEST["state"]:
        return None
    return state if _VISIBLE.fullmatch(state) else None
