"""What every module of the certification suite checks on the way, as assertions.

Nothing here knows the platform's code: standards in, AssertionError out.
"""

import base64
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import httpx
from joserfc import jwk, jwt

from tests.conformance.person import Arrival, Page

#: RFC 6749, 10.10 asks for 128 bits; measured entropy of a random text is a little lower.
ENTROPY_MIN: Final = 96
#: RFC 6749, 4.1.2.1 and 5.2.
_DESCRIPTION: Final = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")
#: RFC 6749, A.11, A.12 and A.17.
_VISIBLE: Final = re.compile(r"[\x20-\x7e]+")
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
#: In the code flow these belong to userinfo (OIDC Core 1.0, 5.4).
_OF_USERINFO: Final = frozenset({
    "name", "given_name", "family_name", "preferred_username", "gender", "birthdate", "email",
    "email_verified", "phone_number", "phone_number_verified", "address", "updated_at",
})  # fmt: skip
_YEAR: Final = 365 * 24 * 3600
_HASHES: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


def check_jwks(response: httpx.Response) -> dict[str, Any]:
    """A JWK set without private parts, every key with a kid of its own (Core, 10.1)."""
    assert response.status_code == 200
    keys = response.json()["keys"]
    assert keys
    kids = [key["kid"] for key in keys]
    assert all(isinstance(kid, str) and kid for kid in kids)
    assert len(set(kids)) == len(kids), "two keys share a kid (RFC 7517, 4.5)"
    for key in keys:
        assert key["kty"] in ("RSA", "EC", "OKP")
        assert not _PRIVATE & key.keys(), "a private or symmetric key is published"
    found: dict[str, Any] = response.json()
    return found


def check_code(found: Arrival | Page, asked: Mapping[str, str], *, issuer: str) -> str:
    """A successful authorization response; its code."""
    arrival = _check_response(found, asked, issuer=issuer)
    assert "error" not in arrival.parameters, arrival.parameters
    code = arrival.parameters["code"]
    check_entropy(code)
    return code


def check_error(found: Arrival | Page, asked: Mapping[str, str], *, issuer: str) -> str:
    """An error response (RFC 6749, 4.1.2.1); its code."""
    arrival = _check_response(found, asked, issuer=issuer)
    assert "code" not in arrival.parameters
    assert set(arrival.parameters) <= {"error", "error_description", "error_uri", "state", "iss"}
    assert _DESCRIPTION.fullmatch(arrival.parameters.get("error_description", ""))
    return arrival.parameters["error"]


def _check_response(found: Arrival | Page, asked: Mapping[str, str], *, issuer: str) -> Arrival:
    """By the method of the response mode, each parameter once, state and iss right."""
    assert isinstance(found, Arrival), f"a page instead of a response: {_shown(found)}"
    if asked.get("response_mode") == "form_post":
        assert found.method == "POST"
        assert found.content_type == "application/x-www-form-urlencoded"
        assert "?" not in found.url
    else:
        assert found.method == "GET"
    assert "#" not in found.url, "nothing goes into the fragment in the code flow"
    assert found.url.startswith(asked["redirect_uri"])
    assert len(found.pairs) == len(found.parameters), "a parameter stands twice"
    assert found.parameters.get("state") == asked.get("state")
    assert found.parameters.get("iss", issuer) == issuer, "RFC 9207, 2"
    return found


def _shown(found: Arrival | Page) -> str:
    return found.html[:2000] if isinstance(found, Page) else found.url


def check_page(found: Arrival | Page) -> Page:
    """The error was shown to the person, and no relying party was told."""
    assert isinstance(found, Page), f"sent on to {found.url}"
    assert 400 <= found.status < 500
    return found


def check_tokens(response: httpx.Response) -> dict[str, Any]:
    """A token response (RFC 6749, 5.1)."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    tokens: dict[str, Any] = response.json()
    assert _VISIBLE.fullmatch(tokens["access_token"])
    check_entropy(tokens["access_token"])
    assert tokens["token_type"].lower() in ("bearer", "dpop")
    expires_in = tokens["expires_in"]
    assert isinstance(expires_in, int)
    assert not isinstance(expires_in, bool)
    assert expires_in > 0
    if "refresh_token" in tokens:
        assert _VISIBLE.fullmatch(tokens["refresh_token"])
        check_entropy(tokens["refresh_token"])
    return tokens


def check_token_error(response: httpx.Response, *errors: str) -> None:
    """An error of the token endpoint in the form of RFC 6749, 5.2, one of `errors`."""
    body = response.json()
    assert body.get("error") in errors, body
    assert response.status_code == (401 if body["error"] == "invalid_client" else 400)
    assert response.headers["content-type"].partition(";")[0] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert _DESCRIPTION.fullmatch(body.get("error_description", ""))
    assert not {"access_token", "id_token", "refresh_token"} & body.keys()


def check_entropy(text: str) -> None:
    """By Shannon's measure over the characters, as the suite does."""
    counts = Counter(text)
    per_character = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    assert per_character * len(text) >= ENTROPY_MIN


def verified(token: str, jwks: Mapping[str, Any], *, alg: str) -> dict[str, Any]:
    """The claims of a JWT signed by the published key that its kid names, with this algorithm."""
    header = json.loads(_decoded(token.partition(".")[0]))
    assert header["alg"] == alg
    named = [key for key in jwks["keys"] if key["kid"] == header["kid"]]
    assert len(named) == 1, "the kid names one published key"
    assert named[0].get("alg", alg) == alg
    key = jwk.import_key({name: value for name, value in named[0].items() if name != "alg"})
    return dict(jwt.decode(token, key, algorithms=[alg]).claims)


def check_id_token(
    claims: Mapping[str, Any], *, issuer: str, client_id: str, asked: Mapping[str, str],
    access_token: str, alg: str, at: datetime,
) -> None:  # fmt: skip
    """The claims of an ID token from the token endpoint (Core, 2 and 3.1.3.7)."""
    now = at.timestamp()
    assert claims["iss"] == issuer
    aud = claims["aud"]
    assert aud == client_id or (isinstance(aud, list) and client_id in aud)
    assert claims.get("azp", client_id) == client_id
    assert _is_number(claims["exp"])
    assert now < claims["exp"] < now + 50 * _YEAR
    assert _is_number(claims["iat"])
    assert abs(claims["iat"] - now) <= 5 * 60
    if "auth_time" in claims:
        assert _is_number(claims["auth_time"])
        assert now - _YEAR < claims["auth_time"] <= now + 1
    assert claims.get("acr", "present") != ""
    assert claims.get("nonce") == asked.get("nonce")
    _check_subject(claims["sub"])
    if "at_hash" in claims:
        assert claims["at_hash"] == half_hash(access_token, alg=alg)
    check_claim_types(claims)
    _check_requested(claims, asked)


def _check_requested(claims: Mapping[str, Any], asked: Mapping[str, str]) -> None:
    """The acr is one that an essential claim asked for (Core, 5.5.1.1); what belongs to userinfo
    is not in the ID token unless it was asked for there (5.4)."""
    wanted = json.loads(asked.get("claims", "{}")).get("id_token") or {}
    acr = wanted.get("acr") or {}
    if acr.get("essential"):
        assert claims["acr"] in acr.get("values", [acr.get("value")])
    assert not (_OF_USERINFO & claims.keys()) - wanted.keys()


def _check_subject(sub: object) -> None:
    assert isinstance(sub, str)
    assert 0 < len(sub) <= 255
    assert sub.isascii()


def check_userinfo(claims: Mapping[str, Any], *, sub: str) -> None:
    """Core, 5.3.2: the same subject, every standard claim of its type, nothing empty."""
    assert claims["sub"] == sub
    check_claim_types(claims)
    assert all(value not in (None, "") for value in claims.values())


def check_claim_types(claims: Mapping[str, Any]) -> None:
    """Standard claims have the JSON types of Core, 5.1."""
    for name in ("email_verified", "phone_number_verified"):
        assert isinstance(claims.get(name, False), bool)
    assert _is_number(claims.get("updated_at", 0))
    address = claims.get("address", {})
    assert isinstance(address, dict)
    assert all(isinstance(value, str) for value in address.values())
    texts = (_OF_USERINFO | {"zoneinfo", "locale", "picture"}) - {
        "email_verified", "phone_number_verified", "updated_at", "address",
    }  # fmt: skip
    for name in texts & claims.keys():
        assert isinstance(claims[name], str)


def half_hash(text: str, *, alg: str) -> str:
    """`at_hash`: the left half of the digest that goes with the signature (Core, 3.1.3.6)."""
    found = _HASHES[alg[-3:]](text.encode("ascii")).digest()
    return base64.urlsafe_b64encode(found[: len(found) // 2]).rstrip(b"=").decode()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
