"""What a relying party of OpenID Connect does: authorization code flow with PKCE, and logout.

Nothing here knows of web pages. Where a section is named, the check is that section's.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import errors, jwt
from joserfc.jwk import KeySet

ALGORITHMS = ["RS256", "ES256"]
BACKCHANNEL = "http://schemas.openid.net/event/backchannel-logout"
#: Seconds that clocks may differ.
SKEW = 10
#: An unknown key makes the provider's keys be fetched again, but not more often than this.
_REFETCH = 30.0
_TIMEOUT = 10.0

Claims = dict[str, Any]


class Refused(Exception):
    """What came is not to be trusted, or the provider said no; the text may be shown."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this platform is registered at the provider; `base_url` is its own, without a slash."""

    issuer: str
    client_id: str
    client_secret: str
    base_url: str
    scope: str = "openid profile"

    @property
    def redirect_uri(self) -> str:
        return f"{self.base_url}/callback"

    @property
    def after_logout(self) -> str:
        return f"{self.base_url}/logged-out"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One sign-in under way: kept here, bound to the browser that began it, used once."""

    state: str
    nonce: str
    verifier: str
    return_to: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave; `expires_at` in seconds since 1970."""

    claims: Claims
    id_token: str
    access_token: str
    refresh_token: str | None
    expires_at: float


@dataclass
class RelyingParty:
    """`http` may be shared by threads. `now` is the clock, in seconds since 1970."""

    settings: Settings
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=_TIMEOUT))
    now: Callable[[], float] = time.time
    _metadata: Claims = field(default_factory=dict)
    _keys: KeySet | None = None
    _keys_at: float = 0.0
    _seen: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def metadata(self) -> Claims:
        """The discovery document (OIDC Discovery 1.0, 4.3), read once."""
        if not self._metadata:
            address = f"{self.settings.issuer}/.well-known/openid-configuration"
            said = self.http.get(address).raise_for_status().json()
            if said.get("issuer") != self.settings.issuer:
                raise Refused("the discovery document names another issuer")
            self._metadata = said
        return self._metadata

    def begin(
        self, return_to: str, *, acr_values: tuple[str, ...] = (), max_age: int | None = None
    ) -> tuple[str, Transaction]:
        """Where to send the browser, and what must be remembered until it is back."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        made = Transaction(state, nonce, verifier, return_to)
        challenge = hashlib.sha256(made.verifier.encode()).digest()
        asked = {
            "response_type": "code", "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri, "scope": self.settings.scope,
            "state": made.state, "nonce": made.nonce, "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        }  # fmt: skip
        if acr_values:
            asked["acr_values"] = " ".join(acr_values)
        if max_age is not None:
            asked["max_age"] = str(max_age)
        if "offline_access" in self.settings.scope.split():
            asked["prompt"] = "consent"  # OIDC Core, 11
        return f"{self.metadata['authorization_endpoint']}?{urlencode(asked)}", made

    def finish(self, made: Transaction, answer: Mapping[str, str]) -> Tokens:
        """Exchange the code that came back; Refused with the provider's reason or ours.

        `answer` are the parameters of the redirect; that its state is `made.state` is how the
        caller found `made`.
        """
        if "iss" in answer and answer["iss"] != self.settings.issuer:  # RFC 9207
            raise Refused("the answer comes from another provider")
        if "error" in answer:
            raise Refused(f"{answer['error']}: {answer.get('error_description', '')}")
        said = self._ask_tokens(
            {
                "grant_type": "authorization_code", "code": answer.get("code", ""),
                "redirect_uri": self.settings.redirect_uri, "code_verifier": made.verifier,
            }
        )  # fmt: skip
        claims = self._verify_id_token(said["id_token"])
        if not hmac.compare_digest(str(claims.get("nonce")), made.nonce):
            raise Refused("the ID token answers another sign-in")
        return self._tokens(said, claims, id_token=said["id_token"], refresh_token=None)

    def renew(self, old: Tokens) -> Tokens:
        """Fresh tokens by the refresh token, which is spent by this."""
        if old.refresh_token is None:
            raise Refused("there is no refresh token")
        said = self._ask_tokens({"grant_type": "refresh_token", "refresh_token": old.refresh_token})
        if "id_token" not in said:
            return self._tokens(
                said, old.claims, id_token=old.id_token, refresh_token=old.refresh_token
            )
        claims = self._verify_id_token(said["id_token"])
        if claims["sub"] != old.claims["sub"]:  # OIDC Core, 12.2
            raise Refused("the refreshed ID token is another person's")
        return self._tokens(
            said, claims, id_token=said["id_token"], refresh_token=old.refresh_token
        )

    def logout_url(self, tokens: Tokens, state: str) -> str:
        """Where the browser goes to end the session at the provider (RP-Initiated Logout, 2)."""
        asked = {
            "id_token_hint": tokens.id_token, "client_id": self.settings.client_id,
            "post_logout_redirect_uri": self.settings.after_logout, "state": state,
        }  # fmt: skip
        return f"{self.metadata['end_session_endpoint']}?{urlencode(asked)}"

    def verify_logout_token(self, token: str) -> Claims:
        """The claims of a logout token that is good, the first time (Back-Channel Logout, 2.6)."""
        header, claims = self._verify(token)
        if header.get("typ", "logout+jwt") != "logout+jwt":
            raise Refused("this is no logout token")
        self._check_addressed(claims, required=("iat", "exp", "jti", "events"))
        event = claims["events"].get(BACKCHANNEL) if isinstance(claims["events"], dict) else None
        if not isinstance(event, dict):
            raise Refused("the token tells of no logout")
        if "nonce" in claims:
            raise Refused("a logout token has no nonce")
        if not (isinstance(claims.get("sid"), str) or isinstance(claims.get("sub"), str)):
            raise Refused("the token names neither session nor person")
        self._check_first(str(claims["jti"]), float(claims["exp"]))
        return claims

    def verify_access_token(self, token: str) -> Claims:
        """A JWT access token of the provider's (RFC 9068, 4)."""
        header, claims = self._verify(token)
        if str(header.get("typ", "")).lower().removeprefix("application/") != "at+jwt":
            raise Refused("this is no access token")
        self._check_addressed(
            claims, required=("exp", "iat", "client_id"), audience=self.settings.issuer
        )
        return claims

    def _verify_id_token(self, token: str) -> Claims:
        """OIDC Core, 3.1.3.7; the nonce apart, which a refreshed token has not."""
        header, claims = self._verify(token)
        if str(header.get("typ", "JWT")).upper() != "JWT":
            raise Refused("this is no ID token")
        self._check_addressed(claims, required=("iat", "exp", "sub"))
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise Refused("the ID token was made for another platform")
        return claims

    def _check_addressed(
        self, claims: Claims, *, required: tuple[str, ...], audience: str | None = None
    ) -> None:
        """From this provider, for us, of now."""
        missing = [name for name in required if name not in claims]
        if missing:
            raise Refused(f"the token lacks {', '.join(missing)}")
        if claims.get("iss") != self.settings.issuer:
            raise Refused("the token is another provider's")
        given = claims.get("aud")
        if (audience or self.settings.client_id) not in (
            given if isinstance(given, list) else [given]
        ):
            raise Refused("the token is for somebody else")
        issued, ends = claims["iat"], claims["exp"]
        if not (isinstance(issued, int | float) and isinstance(ends, int | float)):
            raise Refused("the token's times are no numbers")
        if not issued - SKEW <= self.now() < ends + SKEW:
            raise Refused("the token is not of now")

    def _check_first(self, jti: str, expires_at: float) -> None:
        """A token is good once. What is expired is refused anyway, and forgotten."""
        now = self.now()
        with self._lock:
            self._seen = {known: end for known, end in self._seen.items() if end + SKEW > now}
            if jti in self._seen:
                raise Refused("this logout token was here before")
            self._seen[jti] = expires_at

    def _verify(self, token: str) -> tuple[Claims, Claims]:
        """Header and claims of a JWT signed by one of the provider's keys."""
        try:
            decoded = jwt.decode(token, self._key_set(), algorithms=ALGORITHMS)
        except (errors.JoseError, ValueError):
            if self.now() - self._keys_at < _REFETCH:
                raise Refused("the token's signature is not good") from None
            self._keys = None  # it may be a key made since
            return self._verify(token)
        return dict(decoded.header), dict(decoded.claims)

    def _key_set(self) -> KeySet:
        if self._keys is None:
            said = self.http.get(self.metadata["jwks_uri"]).raise_for_status().json()
            usable = [key for key in said["keys"] if key.get("alg", "RS256") in ALGORITHMS]
            self._keys, self._keys_at = KeySet.import_key_set({"keys": usable}), self.now()
        return self._keys

    def _ask_tokens(self, form: dict[str, str]) -> Claims:
        given = (self.settings.client_id, self.settings.client_secret)
        answer = self.http.post(self.metadata["token_endpoint"], data=form, auth=given)
        said: Claims = answer.json()
        if answer.status_code != 200:
            raise Refused(f"{said.get('error')}: {said.get('error_description', '')}")
        return said

    def _tokens(
        self, said: Claims, claims: Claims, *, id_token: str, refresh_token: str | None
    ) -> Tokens:
        return Tokens(
            claims, id_token, said["access_token"], said.get("refresh_token", refresh_token),
            self.now() + float(said.get("expires_in", 0)),
        )  # fmt: skip
