"""A platform that keeps to FAPI 2.0 (Security Profile, Message Signing), or breaks one rule of it.

Every part of a request can be changed by the test that calls: claims are given by name to change or
add them, names in `without` are left out.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import httpx

from tests.conformance.fapi_keys import JSON, Key, b64url
from tests.conformance.person import Arrival, Page, Person
from tests.conformance.responses import check_code, check_jwks, check_tokens
from tests.conformance.responses import check_token_error as refused

if TYPE_CHECKING:  # conftest imports the fixtures, which import this
    from tests.conformance.conftest import IdentityProvider

__all__ = ["Ask", "Platform", "chosen", "refused"]

#: In which the proxy that ends TLS hands over the client's certificate (RFC 9440).
CERTIFICATE_HEADER = "Client-Cert"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def chosen(claims: Mapping[str, Any], without: Collection[str], changes: JSON) -> JSON:
    return {name: value for name, value in {**claims, **changes}.items() if name not in without}


def certificate_header(der: bytes) -> dict[str, str]:
    """As the proxy hands it over (RFC 9440)."""
    return {CERTIFICATE_HEADER: f":{base64.b64encode(der).decode()}:"}


@dataclass(frozen=True)
class Ask:
    """The parameters of an authorization request, and the verifier behind its code_challenge."""

    parameters: dict[str, str]
    verifier: str

    def but(self, *without: str, **changes: str) -> Self:
        return replace(self, parameters=chosen(self.parameters, without, changes))


@dataclass(frozen=True)
class Platform:
    """A registered platform, and somebody whose browser has a session at the provider.

    `signs`: it wraps its requests in request objects, as Message Signing asks. `certificate` (DER):
    its tokens are bound to it (RFC 8705), else to `proof_key`.
    """

    op: "IdentityProvider"
    person: Person
    client_id: str
    key: Key
    proof_key: Key
    redirect_uri: str
    scope: str = "openid profile"
    signs: bool = False
    certificate: bytes | None = field(default=None, repr=False)

    @property
    def now(self) -> int:
        return int(self.op.clock().timestamp())

    def endpoint(self, name: str) -> str:
        """Its URL: authorization, pushed_authorization_request, token, userinfo, introspection."""
        found: str = self.op.metadata[f"{name}_endpoint"]
        return found

    def keys(self) -> JSON:
        """The provider's own."""
        return check_jwks(self.op.http.get(self.op.metadata["jwks_uri"]))

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Response:
        found: httpx.Response = self.op.http.post(url, data=dict(form), headers=dict(headers))
        return found

    # What it says.

    def ask(self, *without: str, **changes: str) -> Ask:
        """A sound authorization request (FAPI 2.0, 5.3.3.2)."""
        verifier = secrets.token_urlsafe(48)
        challenge = b64url(hashlib.sha256(verifier.encode()).digest())
        said = {
            "client_id": self.client_id, "response_type": "code", "scope": self.scope,
            "redirect_uri": self.redirect_uri, "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16), "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        return Ask(chosen(said, without, changes), verifier)

    def request_object(
        self, ask: Ask, *, key: Key | None = None, alg: str | None = None,
        without: Collection[str] = (), **changes: Any,
    ) -> str:  # fmt: skip
        """RFC 9101, by FAPI 2.0 Message Signing, 5.3.2."""
        signer, now = key or self.key, self.now
        said: JSON = dict(ask.parameters)
        if "claims" in said:  # an object, not its text (RFC 9101, 4)
            said["claims"] = json.loads(said["claims"])
        claims = chosen(
            {**said, "iss": self.client_id, "aud": self.op.issuer, "nbf": now,
             "exp": now + 300}, without, changes,
        )  # fmt: skip
        header = {"alg": alg or signer.alg, "kid": signer.kid, "typ": "oauth-authz-req+jwt"}
        return signer.sign(header, claims)

    def assertion(
        self, *, key: Key | None = None, alg: str | None = None, without: Collection[str] = (),
        **changes: Any,
    ) -> str:  # fmt: skip
        """private_key_jwt (RFC 7523; FAPI 2.0, 5.3.3.1, point 4: the issuer as audience)."""
        signer, now = key or self.key, self.now
        claims = chosen(
            {"iss": self.client_id, "sub": self.client_id, "aud": self.op.issuer, "iat": now,
             "exp": now + 60, "jti": secrets.token_urlsafe(16)}, without, changes,
        )  # fmt: skip
        return signer.sign({"alg": alg or signer.alg, "kid": signer.kid}, claims)

    def authentication(self, assertion: str | None = None) -> dict[str, str]:
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
        }

    def proof(
        self, url: str, *, method: str = "POST", token: str | None = None, key: Key | None = None,
        header: JSON | None = None, without: Collection[str] = (), **changes: Any,
    ) -> str:  # fmt: skip
        """A DPoP proof (RFC 9449, 4.2); `without` and `header` reach its header too."""
        signer = key or self.proof_key
        claims: JSON = {
            "htm": method, "htu": url, "iat": self.now, "jti": secrets.token_urlsafe(16),
        }  # fmt: skip
        if token is not None:
            claims["ath"] = b64url(hashlib.sha256(token.encode()).digest())
        said = {"typ": "dpop+jwt", "alg": signer.alg, "jwk": signer.public}
        return signer.sign(
            chosen(said, without, header or {}), chosen(claims, without, changes)
        )  # fmt: skip

    def headers(self, proof: str | None) -> dict[str, str]:
        """What shows that it holds its key: a proof, or the certificate as the proxy gives it."""
        if self.certificate is not None:
            return certificate_header(self.certificate)
        return {} if proof is None else {"DPoP": proof}

    # What it does.

    def push(
        self, ask: Ask, *, request: str | None = None, assertion: str | None = None,
        proof: str | None = None, **form: str,
    ) -> httpx.Response:  # fmt: skip
        """RFC 9126. `request`: a request object of the test's own."""
        sent = dict(ask.parameters)
        if self.signs or request is not None:
            sent = {"client_id": self.client_id, "request": request or self.request_object(ask)}
        return self.post(
            self.endpoint("pushed_authorization_request"),
            {**sent, **self.authentication(assertion), **form}, self.headers(proof),
        )  # fmt: skip

    def push_unsigned(self, ask: Ask) -> httpx.Response:
        """What a platform that signs must not do."""
        return replace(self, signs=False).push(ask)

    def pushed(self, ask: Ask, **options: Any) -> str:
        """The request_uri, after everything that is asserted of a good answer of the endpoint."""
        response = self.push(ask, **options)
        assert response.status_code == 201, response.text
        assert response.headers["content-type"].startswith("application/json")
        assert "no-store" in response.headers["cache-control"]
        said = response.json()
        assert set(said) == {"request_uri", "expires_in"}
        # 128 bits after the prefix, and a life under ten minutes (FAPI 2.0, 5.3.2.2, point 12).
        assert len(said["request_uri"].rpartition(":")[2]) >= 22
        assert 5 <= said["expires_in"] < 600
        uri: str = said["request_uri"]
        return uri

    def address(self, request_uri: str, **more: str) -> str:
        """Where it sends the browser."""
        query = urlencode({"client_id": self.client_id, "request_uri": request_uri, **more})
        return f"{self.endpoint('authorization')}?{query}"

    def visit(self, request_uri: str, **more: str) -> Arrival | Page:
        """The authorization endpoint, in the browser of a person who is signed in."""
        return self.person.open(self.address(request_uri, **more))

    def arrived(self, found: Arrival | Page, ask: Ask) -> str:
        """The code of a login that went well; `iss` is needed here (FAPI 2.0, 5.3.2.2, point 7)."""
        code = check_code(found, ask.parameters, issuer=self.op.issuer)
        assert isinstance(found, Arrival)
        assert found.parameters["iss"] == self.op.issuer
        return code

    def code(self, ask: Ask, **more: str) -> str:
        return self.arrived(self.visit(self.pushed(ask), **more), ask)

    def exchange(
        self, code: str, ask: Ask, *, assertion: str | None = None, proof: str | None = None,
        bare: bool = False, without: Collection[str] = (), **changes: Any,
    ) -> httpx.Response:  # fmt: skip
        """The token request (RFC 6749, 4.1.3); `bare`: without showing any key for the token."""
        form = {
            "grant_type": "authorization_code", "code": code, "code_verifier": ask.verifier,
            "redirect_uri": ask.parameters.get("redirect_uri", self.redirect_uri),
            **self.authentication(assertion),
        }  # fmt: skip
        return self.token_request(
            chosen(form, without, changes), proof=proof, bare=bare
        )  # fmt: skip

    def refresh(self, token: str, *, bare: bool = False, **changes: Any) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token, **self.authentication()}
        return self.token_request({**form, **changes}, bare=bare)

    def token_request(
        self, form: Mapping[str, str], *, proof: str | None = None, bare: bool = False
    ) -> httpx.Response:
        url = self.endpoint("token")
        shown = {} if bare else self.headers(proof or self.proof(url))
        return self.post(url, form, shown)

    def tokens(self, ask: Ask | None = None) -> JSON:
        """The token response of a whole login."""
        asked = ask or self.ask()
        response = self.exchange(self.code(asked), asked)
        return check_tokens(response)

    def userinfo(
        self, token: str, *, proof: str | None = None, scheme: str = "",
        more: Mapping[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """The protected resource of the modules: the userinfo endpoint."""
        url = self.endpoint("userinfo")
        bound = self.certificate is not None
        shown = self.headers(proof or self.proof(url, method="GET", token=token))
        used = scheme or ("Bearer" if bound else "DPoP")
        found: httpx.Response = self.op.http.get(
            url, headers={"Authorization": f"{used} {token}", **shown, **(more or {})}
        )
        return found
