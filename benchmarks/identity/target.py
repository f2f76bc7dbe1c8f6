"""One provider under load: where its endpoints are, and what its client may ask."""

import base64
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from tests.clients.person import Browser, Person, sign_in

#: RFC 7636, appendix B: the same pair for every flow, so that no time goes into making one.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@dataclass(frozen=True, slots=True)
class Client:
    client_id: str
    secret: str
    redirect_uri: str

    @property
    def basic(self) -> dict[str, str]:
        both = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return {"authorization": f"Basic {both}"}


@dataclass(frozen=True, slots=True)
class Target:
    """Paths are those of its discovery document; `pid` is the process whose CPU time counts.

    `scope_of_refresh` is what brings a refresh token, `prompt_of_refresh` how it must be asked.
    """

    name: str
    issuer: str
    pid: int
    client: Client
    person: Person
    paths: dict[str, str]
    scope_of_refresh: str
    prompt_of_refresh: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.issuer).netloc

    @property
    def port(self) -> int:
        return urlsplit(self.issuer).port or 80

    def authorization(self, scope: str, *, prompt: str = "") -> dict[str, str]:
        asked = {
            "client_id": self.client.client_id, "redirect_uri": self.client.redirect_uri,
            "response_type": "code", "scope": scope, "state": "s", "nonce": "n",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }  # fmt: skip
        return {**asked, "prompt": prompt} if prompt else asked


def discover(issuer: str) -> dict[str, str]:
    """Endpoint names to paths, `_endpoint` left off; and `discovery` itself."""
    path = "/.well-known/openid-configuration"
    said = httpx.get(issuer + path, trust_env=False).raise_for_status().json()
    ends = {key: value for key, value in said.items() if key.endswith("_endpoint")}
    return {
        "discovery": path,
        **{key.removesuffix("_endpoint"): urlsplit(value).path for key, value in ends.items()},
    }


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The Cookie header of a session that the provider knows, and a code fresh from its making."""

    cookie: str
    code: str


def sign_person_in(target: Target) -> SignedIn:
    """Through the provider's own pages, with consent to the scope that brings refresh tokens."""
    asked = target.authorization(target.scope_of_refresh, prompt=target.prompt_of_refresh)
    url = httpx.URL(target.issuer + target.paths["authorization"], params=asked)
    with Browser(target.issuer) as browser:
        arrival = sign_in(browser, target.person, str(url))
        answered = httpx.URL(arrival.url).params
        if "code" not in answered:
            raise AssertionError(f"{target.name} did not sign the person in: {arrival}")
        cookie = browser.http.build_request("GET", url).headers["cookie"]
    return SignedIn(cookie, answered["code"])
