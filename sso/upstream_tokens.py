"""What an upstream answers, judged: discovery, tokens, ID token, userinfo."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from sso import client_assertions, jose, jwk, signing_keys
from sso.jwk import InvalidToken
from sso.outgoing import OutgoingFailed
from sso.provider import Provider
from sso.upstream_models import Upstream

#: Asymmetric only; what every provider signs with, and ours.
ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA"})
FRESH: Final = 600.0
#: What proves us by a key is of one use and this old at most, in seconds.
ASSERTION_LIFE: Final = 60
ASSERTION_ALG: Final = "ES256"
#: Core, 2.
SUBJECT_MAX: Final = 255
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def metadata_url(upstream: Upstream) -> str:
    """Where an upstream's discovery document is (Discovery 1.0, 4)."""
    return f"{upstream.issuer}/.well-known/openid-configuration"


def metadata(provider: Provider, upstream: Upstream) -> Mapping[str, Any]:
    """The upstream's discovery document; OutgoingFailed unless it is of this very issuer and has
    the three addresses a login needs (Discovery 1.0, 4.3)."""
    found = provider.outgoing.cached_json(metadata_url(upstream), fresh=FRESH)
    for name in _ENDPOINTS:
        address(provider, upstream, found, name)
    checked: Mapping[str, Any] = found
    return checked


def address(provider: Provider, upstream: Upstream, document: object, name: str) -> str:
    """One address of a discovery document; OutgoingFailed unless it is of this very issuer, and the
    address one that browsers and we may go to."""
    if not isinstance(document, dict) or document.get("issuer") != upstream.issuer:
        raise OutgoingFailed("the discovery document is of another issuer")
    found = document.get(name)
    plain = provider.policy.allow_private_callbacks
    if isinstance(found, str) and found.startswith(("https://", "http://")[: 1 + plain]):
        return found
    raise OutgoingFailed(f"the discovery document has no usable {name}")


def exchange(
    provider: Provider, upstream: Upstream, code: str, *, verifier: str, redirect_uri: str,
    at: datetime,
) -> Mapping[str, Any]:  # fmt: skip
    """A code for tokens, proved by our key or by the secret it gave us; InvalidToken for a refusal,
    OutgoingFailed."""
    fields = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }  # fmt: skip
    headers = {}
    if upstream.by_key:
        fields |= _assertion(provider, upstream, at=at)
    else:
        headers = {"Authorization": _basic(provider, upstream)}
    endpoint = metadata(provider, upstream)["token_endpoint"]
    found = provider.outgoing.exchange(endpoint, fields, headers=headers)
    if not isinstance(found, dict) or not isinstance(found.get("id_token"), str):
        raise InvalidToken("the upstream gave no ID token")
    return found


def _basic(provider: Provider, upstream: Upstream) -> str:
    secret = provider.vault.unseal(upstream.secret, context=f"upstream.secret:{upstream.slug}")
    pair = f"{quote(upstream.client_id, safe='')}:{quote(secret.decode(), safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _assertion(provider: Provider, upstream: Upstream, *, at: datetime) -> dict[str, str]:
    """private_key_jwt (RFC 7523, 3), by the key that signs our ID tokens: its public half stands in
    our JWK set, where the upstream finds it. No ID token of ours could be taken for one: their
    `iss` is our address, of this it is our client id there."""
    key, now = signing_keys.active(provider, ASSERTION_ALG, at=at), int(at.timestamp())
    claims = {
        "iss": upstream.client_id, "sub": upstream.client_id, "aud": upstream.issuer,
        "jti": secrets.token_urlsafe(24), "iat": now, "exp": now + ASSERTION_LIFE,
    }  # fmt: skip
    return {
        "client_assertion_type": client_assertions.TYPE, "client_id": upstream.client_id,
        "client_assertion": jose.sign_jwt(provider.keys, key, claims, typ="JWT"),
    }  # fmt: skip


def judge(
    provider: Provider, upstream: Upstream, tokens: Mapping[str, Any], *, nonce: str, at: datetime
) -> Mapping[str, Any]:
    """The claims of the ID token (Core, 3.1.3.7), completed by those of userinfo; InvalidToken."""
    found = verify(provider, upstream, tokens["id_token"], at=at)
    subject = found.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX:
        raise InvalidToken("the ID token names nobody")
    if not hmac.compare_digest(str(found.get("nonce", "")).encode(), nonce.encode()):
        raise InvalidToken("the ID token is of another login")
    access = tokens.get("access_token")
    endpoint = metadata(provider, upstream).get("userinfo_endpoint")
    if isinstance(access, str) and isinstance(endpoint, str) and "id_number" not in found:
        told = provider.outgoing.fetch_json(endpoint, headers={"Authorization": f"Bearer {access}"})
        if not isinstance(told, dict) or told.get("sub") != found["sub"]:
            raise InvalidToken("userinfo is of somebody else")
        return {**told, **found}
    return found


def verify(
    provider: Provider, upstream: Upstream, token: str, *, at: datetime, typ: str | None = None
) -> Mapping[str, Any]:
    """A JWT that the upstream signed for us: signature, iss, aud, azp, times, sub; InvalidToken."""
    keys = jwk.key_set(
        provider.outgoing.cached_json(metadata(provider, upstream)["jwks_uri"], fresh=30.0)
    )
    claims = jose.verify(token, keys, algorithms=ALGORITHMS, typ=typ).claims
    jose.check_times(claims, at=at, skew=60.0)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != upstream.issuer or upstream.client_id not in audiences:
        raise InvalidToken("the token is of another issuer, or for somebody else")
    if claims.get("azp", upstream.client_id) != upstream.client_id or (
        len(audiences) > 1 and "azp" not in claims
    ):
        raise InvalidToken("the token was made for another party")
    if "exp" not in claims or "iat" not in claims:
        raise InvalidToken("the token has no times")
    return claims


def auth_time(claims: Mapping[str, Any], *, at: datetime) -> datetime:
    """When the person logged in there; now if it does not say, never in the future."""
    said = claims.get("auth_time")
    if isinstance(said, bool) or not isinstance(said, int) or not 0 < said <= at.timestamp():
        return at
    return datetime.fromtimestamp(said, UTC)
