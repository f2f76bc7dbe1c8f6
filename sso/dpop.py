"""Proof of possession by DPoP (RFC 9449): the proof a request carries, and that it counts once.

At the token endpoint, and where an authorization request is pushed, a used proof is a row, in the
transaction of the request. Where resources are read nothing is written: each process remembers the
proofs it has seen for as long as they could be taken (at most a minute).
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast
from urllib.parse import unquote, urlsplit

from sqlalchemy import Executable, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from sso import jose
from sso.jose import InvalidToken
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from sso.token_models import UsedProof
from trust.crypto.hashes import sha256
from trust.crypto.jose import b64url
from trust.errors import Unauthenticated

#: What FAPI 2.0, 5.4, allows is enough for everybody.
ALGORITHMS: Final = jose.FAPI_SIGNING
PROOF_MAX: Final = 4096
JTI_MAX: Final = 256
#: A proof may be so old: slow networks, and clocks that are late by as much as `skew`.
AGE: Final = timedelta(seconds=30)
#: Proofs remembered in one process: 5,000 a second for as long as they live.
ROOM: Final = 200_000
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")
_TABLE: Final = cast(Table, UsedProof.__table__)
_ADD: Final[dict[str, Executable]] = {
    "sqlite": sqlite_insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.digest),
    "postgresql": postgresql_insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.digest),
}


class InvalidProof(Unauthenticated):
    """A DPoP proof that does not fit the request, is out of time, or was shown before."""

    code = "invalid_dpop_proof"


class Headers(Protocol):
    """What both a Starlette request and a test have."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is good, but not yet spent. `jkt` is the thumbprint of its key."""

    jkt: str
    digest: bytes
    expires_at: datetime


def of_request(headers: Headers) -> str | None:
    """The one DPoP header; InvalidProof for several (RFC 9449, 4.3, point 1)."""
    found = headers.getlist("dpop")
    if len(found) > 1:
        raise InvalidProof("a request carries one DPoP proof")
    return found[0] if found else None


def check(
    proof: str, *, method: str, url: str, at: datetime, skew: timedelta,
    access_token: str | None = None,
) -> Proof:  # fmt: skip
    """Judge a proof for a request (RFC 9449, 4.3); InvalidProof. It is not spent by this.

    `url` is that of the endpoint as the platform knows it: issuer and path. With an access token
    the proof must name it (`ath`).
    """
    try:
        jwt = jose.parse(proof, algorithms=ALGORITHMS, typ="dpop+jwt", cap=PROOF_MAX)
        jwk = jwt.header.get("jwk")
        if not isinstance(jwk, Mapping):
            raise InvalidProof("a DPoP proof carries its public key")
        jose.check(jwt, jose.spki_of(jwk))
        _check_times(jwt.claims, at, skew)
        jkt = jose.thumbprint(jwk)
    except InvalidToken as error:
        raise InvalidProof(f"the DPoP proof is not good: {error}") from error
    jti = jwt.claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= JTI_MAX:
        raise InvalidProof(f"the jti of a DPoP proof is 1 to {JTI_MAX} characters")
    _check_target(jwt.claims, method, url)
    if access_token is not None and jwt.claims.get("ath") != ath(access_token):
        raise InvalidProof("the DPoP proof is not for this access token")
    return Proof(jkt, sha256(f"{jkt}\0{jti}".encode()), at + AGE + 2 * skew)


def ath(access_token: str) -> str:
    """What a proof says of the access token it goes with (RFC 9449, 4.2)."""
    return b64url(sha256(access_token.encode("utf-8", "replace")))


def _check_times(claims: Mapping[str, Any], at: datetime, skew: timedelta) -> None:
    if "iat" not in claims:
        raise InvalidProof("a DPoP proof says when it was made")
    # Whole seconds: a client that is ahead by just the skew must not fail by a fraction.
    jose.check_times(claims, at=at, skew=skew.total_seconds() + 1)
    if claims["iat"] < (at - AGE).timestamp():
        raise InvalidProof("the DPoP proof is too old")


def _check_target(claims: Mapping[str, Any], method: str, url: str) -> None:
    if claims.get("htm") != method:
        raise InvalidProof("the DPoP proof is for another method")
    htu = claims.get("htu")
    if not isinstance(htu, str) or len(htu) > 2000 or _normal(htu) != _normal(url):
        raise InvalidProof("the DPoP proof is for another address")


def _normal(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path as RFC 3986, 6.2.2 and 6.2.3 make them equal; query and fragment
    do not count."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError as error:
        raise InvalidProof("the DPoP proof is for no address") from error
    return parts.scheme, parts.hostname or "", port, _ESCAPE.sub(_unescaped, parts.path or "/")


def _unescaped(found: re.Match[str]) -> str:
    plain = unquote(found[0])
    return plain if _UNRESERVED.fullmatch(plain) else found[0].upper()


def spend(session: Session, proof: Proof) -> None:
    """Use a proof up, in the caller's transaction; InvalidProof when it was shown before."""
    values = {"digest": proof.digest, "expires_at": proof.expires_at}
    add = _ADD[session.get_bind().dialect.name]
    if session.connection().execute(add, values).first() is None:
        raise InvalidProof("the DPoP proof was shown before")


def of_token_request(
    provider: Provider, headers: Headers, *, endpoint: str, at: datetime
) -> Proof | None:
    """The proof of a POST to one of our OAuth endpoints ("/oauth2/token"), or None without one.

    OAuthError invalid_dpop_proof (RFC 9449, 5).
    """
    try:
        text = of_request(headers)
        if text is None:
            return None
        url, skew = provider.issuer + endpoint, provider.policy.skew
        return check(text, method="POST", url=url, at=at, skew=skew)
    except InvalidProof as error:
        raise refusal(error) from error


def refusal(error: InvalidProof) -> OAuthError:
    """As a token endpoint says it."""
    return OAuthError("invalid_dpop_proof", str(error))


class Remembered:
    """The proofs that one process has seen."""

    def __init__(self) -> None:
        self._seen: dict[bytes, datetime] = {}
        self._held = threading.Lock()

    def spend(self, proof: Proof, *, at: datetime) -> None:
        """Use a proof up; InvalidProof when it was shown before, or none can be remembered."""
        with self._held:
            if len(self._seen) >= ROOM:
                self._seen = {key: end for key, end in self._seen.items() if end > at}
            if proof.digest in self._seen or len(self._seen) >= ROOM:
                raise InvalidProof("the DPoP proof was shown before")
            self._seen[proof.digest] = proof.expires_at


#: One memory a process: a proof counts once, whichever endpoint it was shown at.
REMEMBERED: Final = Remembered()
