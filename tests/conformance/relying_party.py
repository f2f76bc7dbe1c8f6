"""A relying party that knows the standards and nothing of the platform's code.

It builds every request itself and verifies every response: state and iss, the ID token against the
published keys, claim by claim.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote_plus

import httpx
from joserfc import jwk, jwt

from tests.conformance import responses
from tests.conformance.person import Arrival, Page, Person

Key = jwk.RSAKey | jwk.ECKey | jwk.OKPKey
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
WELL_KNOWN: Final = "/.well-known/openid-configuration"


def b64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def b64decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@dataclass(frozen=True)
class Pkce:
    """A verifier and its S256 challenge (RFC 7636, 4)."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        return b64url(hashlib.sha256(self.verifier.encode("ascii")).digest())

    @property
    def parameters(self) -> dict[str, str]:
        return {"code_challenge": self.challenge, "code_challenge_method": "S256"}


@dataclass(frozen=True)
class Dpop:
    """A key that tokens are bound to, and proofs of having it (RFC 9449, 4.2)."""

    key: jwk.ECKey = field(default_factory=lambda: jwk.ECKey.generate_key("P-256"))

    @property
    def jkt(self) -> str:
        return self.key.thumbprint()

    def proof(
        self, method: str, url: str, *, at: datetime, access_token: str | None = None,
        nonce: str | None = None, **claims: object,
    ) -> str:  # fmt: skip
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}
        said: dict[str, object] = {
            "jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(at.timestamp()),
        }  # fmt: skip
        if access_token is not None:
            said["ath"] = b64url(hashlib.sha256(access_token.encode("ascii")).digest())
        if nonce is not None:
            said["nonce"] = nonce
        return jwt.encode(header, {**said, **claims}, self.key, algorithms=["ES256"])


@dataclass(frozen=True)
class Login:
    """A login that was checked in every step: what was asked, what came of it."""

    asked: dict[str, str]
    arrival: Arrival
    code: str
    tokens: dict[str, Any]
    claims: dict[str, Any]

    @property
    def access_token(self) -> str:
        return str(self.tokens["access_token"])

    @property
    def id_token(self) -> str:
        return str(self.tokens["id_token"])


@dataclass
class RelyingParty:
    """One registered client. `http` reaches the identity provider, without any cookie.

    `registration` is the response of RFC 7591, 3.2.1; `key` signs assertions and request objects
    with `key_alg`; `aud` is what its assertions name as audience, the issuer when None; with `pkce`
    every request has a challenge; with `dpop` every token is bound.
    """

    http: httpx.Client
    clock: Callable[[], datetime]
    metadata: Mapping[str, Any]
    registration: Mapping[str, Any]
    redirect_uri: str
    scope: str = "openid"
    key: Key | None = None
    key_alg: str = "RS256"
    aud: str | None = None
    pkce: Pkce | None = None
    dpop: Dpop | None = None

    @property
    def client_id(self) -> str:
        return str(self.registration["client_id"])

    @property
    def issuer(self) -> str:
        return str(self.metadata["issuer"])

    @property
    def auth_method(self) -> str:
        return str(self.registration.get("token_endpoint_auth_method", "client_secret_basic"))

    @property
    def id_token_alg(self) -> str:
        """RS256 unless it registered another (OIDC Registration 1.0, 2)."""
        return str(self.registration.get("id_token_signed_response_alg", "RS256"))

    def request(self, **changes: str | None) -> dict[str, str]:
        """An authorization request's parameters; None takes one away."""
        asked: dict[str, str | None] = {
            "client_id": self.client_id, "redirect_uri": self.redirect_uri,
            "response_type": "code", "scope": self.scope, "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            **(self.pkce.parameters if self.pkce else {}), **changes,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value is not None}

    def send(self, person: Person, asked: Mapping[str, str]) -> Arrival | Page:
        """Send the person to the authorization endpoint."""
        return person.open(str(self.metadata["authorization_endpoint"]), asked)

    def log_in(self, person: Person, **changes: str | None) -> Login:
        """The whole flow, everything checked on the way."""
        asked = self.request(**changes)
        return self.finish(self.send(person, asked), asked)

    def finish(self, found: Arrival | Page, asked: Mapping[str, str]) -> Login:
        """From an authorization response to verified tokens."""
        code = responses.check_code(found, asked, issuer=self.issuer)
        assert isinstance(found, Arrival)
        tokens = responses.check_tokens(self.redeem(code, redirect_uri=asked["redirect_uri"]))
        assert tokens["token_type"] == ("DPoP" if self.dpop else "Bearer")
        claims = self.verify_id_token(tokens, asked)
        return Login(dict(asked), found, code, tokens, claims)

    def verify_id_token(
        self, tokens: Mapping[str, Any], asked: Mapping[str, str]
    ) -> dict[str, Any]:
        """The ID token's claims, its signature checked against the keys published now."""
        claims = responses.verified(tokens["id_token"], self.jwks(), alg=self.id_token_alg)
        responses.check_id_token(
            claims, issuer=self.issuer, client_id=self.client_id, asked=asked,
            access_token=tokens["access_token"], alg=self.id_token_alg, at=self.clock(),
        )  # fmt: skip
        return claims

    def jwks(self) -> dict[str, Any]:
        return responses.check_jwks(self.http.get(str(self.metadata["jwks_uri"])))

    def redeem(self, code: str, **changes: str | None) -> httpx.Response:
        """Send a code to the token endpoint."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri,
            "code_verifier": self.pkce.verifier if self.pkce else None, **changes,
        }  # fmt: skip
        return self.call("token_endpoint", form)

    def refresh(self, refresh_token: str, **changes: str | None) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **changes}
        return self.call("token_endpoint", form)

    def call(self, endpoint: str, form: Mapping[str, str | None]) -> httpx.Response:
        """Post a form to an endpoint of the metadata, authenticated as registered."""
        url = str(self.metadata[endpoint])
        fields, headers = self.authenticated(form)
        if self.dpop is not None and endpoint == "token_endpoint":
            headers["DPoP"] = self.dpop.proof("POST", url, at=self.clock())
        return self.http.post(url, data=fields, headers=headers)

    def authenticated(
        self, form: Mapping[str, str | None]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The form's fields and the headers, with this client's authentication added."""
        fields = {name: value for name, value in form.items() if value is not None}
        if "client_assertion" in fields:
            return fields, {}
        secret = str(self.registration.get("client_secret", ""))
        if self.auth_method == "client_secret_basic":
            # Each part form-encoded before they are joined (RFC 6749, 2.3.1).
            pair = f"{quote_plus(self.client_id)}:{quote_plus(secret)}".encode()
            return fields, {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        if self.auth_method == "client_secret_post":
            return {**fields, "client_id": self.client_id, "client_secret": secret}, {}
        if self.auth_method == "private_key_jwt":
            return {**fields, **self.assertion()}, {}
        return {**fields, "client_id": self.client_id}, {}

    def assertion(self, **claims: object) -> dict[str, str]:
        """The two fields of private_key_jwt (RFC 7523, 2.2); a claim given as None is left out."""
        now = int(self.clock().timestamp())
        said: dict[str, object] = {
            "iss": self.client_id, "sub": self.client_id, "aud": self.aud or self.issuer,
            "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(16), **claims,
        }  # fmt: skip
        return {"client_assertion_type": ASSERTION, "client_assertion": self.signed(said)}

    def request_object(self, asked: Mapping[str, object], **claims: object) -> str:
        """A signed request object (RFC 9101, 4); a claim given as None is left out."""
        now = int(self.clock().timestamp())
        said: dict[str, object] = {
            "iss": self.client_id, "aud": self.issuer, "iat": now, "nbf": now, "exp": now + 300,
            **asked, **claims,
        }  # fmt: skip
        return self.signed(said, typ="oauth-authz-req+jwt")

    def signed(
        self, claims: Mapping[str, object], *, typ: str = "JWT", alg: str | None = None,
        key: Key | None = None,
    ) -> str:  # fmt: skip
        used, chosen = key or self.key, alg or self.key_alg
        assert used is not None, "this relying party has no key"
        header = {"alg": chosen, "typ": typ}
        if used.get("kid"):
            header["kid"] = str(used["kid"])
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, said, used, algorithms=[chosen])

    def userinfo(
        self, access_token: str, *, method: str = "GET", in_body: bool = False
    ) -> httpx.Response:
        """Ask for userinfo with the token in the header, or in the form (RFC 6750, 2.2)."""
        url = str(self.metadata["userinfo_endpoint"])
        if in_body:
            return self.http.post(url, data={"access_token": access_token})
        headers = {"Authorization": f"Bearer {access_token}"}
        if self.dpop is not None:
            proof = self.dpop.proof(method, url, at=self.clock(), access_token=access_token)
            headers = {"Authorization": f"DPoP {access_token}", "DPoP": proof}
        return self.http.request(method, url, headers=headers)

    def about(self, login: Login) -> dict[str, Any]:
        """The userinfo claims of a login, checked."""
        response = self.userinfo(login.access_token)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].partition(";")[0] == "application/json"
        found: dict[str, Any] = response.json()
        responses.check_userinfo(found, sub=login.claims["sub"])
        return found


def unsigned(claims: Mapping[str, object]) -> str:
    """A JWT with alg none (RFC 7519, 6)."""
    header = b64url(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    return f"{header}.{b64url(json.dumps(dict(claims)).encode())}."


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says, nothing verified."""
    found: dict[str, Any] = json.loads(b64decoded(token.split(".")[1]))
    return found
