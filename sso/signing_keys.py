"""The keys that sign our tokens: one active key an algorithm, made when first needed, rotated with
overlap, published as a JWK set (RFC 7517).

RSA keys here have 2048 bits: what they sign lives for minutes, they rotate, and every login waits
for one signature (3072 bits cost three times as much).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import Table, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sso import jose
from sso.jose import SigningKey
from sso.policy import Policy
from sso.provider import Provider
from sso.recent import Recent
from sso.token_models import SigningKeyRow
from trust import audit
from trust.access import SYSTEM, Caller
from trust.crypto.algorithms import by_jose
from trust.errors import Invalid, NotFound
from trust.keys import KeyStore

RSA_BITS: Final = 2048
#: Platforms may keep our JWK set so long after its last use.
MARGIN: Final = timedelta(hours=1)
#: What any platform may be served with at once; the others are made for the first that asks.
ALWAYS: Final = ("RS256", "ES256")
SM2_ALG: Final = "SM2-SM3"
_TABLE: Final = cast(Table, SigningKeyRow.__table__)
_READ: Final = (
    select(_TABLE).where(_TABLE.c.removed_at.is_(None)).order_by(_TABLE.c.created_at.desc())
).limit(200)


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys as they are now: by algorithm those that sign, by kid all that verify."""

    active: dict[str, SigningKey]
    known: dict[str, SigningKey]
    retired: dict[str, datetime]


_RINGS: Final[Recent[str, Ring]] = Recent(life=timedelta(seconds=5), room=1)


def active(provider: Provider, alg: str, *, at: datetime) -> SigningKey:
    """The key that signs by a JOSE algorithm from now on; made if there is none."""
    found = _ring(provider, at).active.get(alg)
    if found is not None:
        return found
    if alg not in jose.SIGNING:
        raise Invalid(f"tokens are not signed by {alg[:20]}")
    key = _generate(provider.keys, alg)
    try:
        with provider.sessions.begin() as session:
            _add(session, key, by=SYSTEM, at=at)
    except IntegrityError:
        pass  # another process was first; its key counts and ours is never used
    _RINGS.forget(provider.reading, "")
    return _ring(provider, at).active[alg]


def by_kid(provider: Provider, kid: str | None, *, at: datetime) -> SigningKey | None:
    """A key that verifies tokens of ours: active, or retired however long ago, but not removed."""
    return _ring(provider, at).known.get(kid or "")


def jwks(provider: Provider, *, at: datetime) -> dict[str, Any]:
    """The published JWK set: active keys, and retired ones until their last token has ended.

    Without the SM2 keys: libraries in wide use give up on a whole set when one curve in it has no
    registered name (joserfc; Nimbus, so Spring Security), and nobody could log in any more.
    """
    for alg in ALWAYS:
        active(provider, alg, at=at)
    return {"keys": [_published(key) for key in _shown(provider, at) if key.alg != SM2_ALG]}


def sm2_jwks(provider: Provider, *, at: datetime) -> dict[str, Any]:
    """The SM2 keys, for the platforms that have asked for their signatures."""
    return {"keys": [_published(key) for key in _shown(provider, at) if key.alg == SM2_ALG]}


def _shown(provider: Provider, at: datetime) -> list[SigningKey]:
    ring = _ring(provider, at)
    until = overlap(provider.policy)
    return [
        key for key in ring.known.values()
        if key.kid not in ring.retired or at < ring.retired[key.kid] + until
    ]  # fmt: skip


def overlap(policy: Policy) -> timedelta:
    """How long a retired key stays published."""
    return max(policy.id_token_lifetime, policy.access_token_lifetime) + MARGIN


def rotate(session: Session, keys: KeyStore, alg: str, *, by: Caller, at: datetime) -> SigningKey:
    """Put a new key in the place of an algorithm's active one, in the caller's transaction.

    Other processes go on signing with the old one for five seconds at most; what it signed stays
    verifiable. A crash before the commit leaves a key in the store that nothing names.
    """
    if alg not in jose.SIGNING:
        raise Invalid(f"tokens are not signed by {alg[:20]}")
    key = _generate(keys, alg)
    session.execute(
        update(SigningKeyRow)
        .where(SigningKeyRow.alg == alg, SigningKeyRow.retired_at.is_(None))
        .values(retired_at=at)
    )
    _add(session, key, by=by, at=at)
    return key


def remove(session: Session, kid: str, *, by: Caller, at: datetime) -> None:
    """Withdraw a key that was lost or stolen: from now on no token of it is good."""
    found = session.scalar(
        update(SigningKeyRow)
        .where(SigningKeyRow.kid == kid, SigningKeyRow.removed_at.is_(None))
        .values(removed_at=at, retired_at=at)
        .returning(SigningKeyRow.alg)
    )
    if found is None:
        raise NotFound("no such signing key")
    audit.record(session, "signing_key.removed", subject=kid, by=by, at=at, details={"alg": found})


def _generate(keys: KeyStore, alg: str) -> SigningKey:
    name = alg.lower().replace("_", "-")
    key_id = f"token-{name}-{secrets.token_hex(6)}"
    spki = keys.generate(key_id, by_jose(alg).row.key, bits=RSA_BITS)
    return SigningKey(jose.thumbprint(jose.jwk_of(spki)), alg, key_id, spki)


def _add(session: Session, key: SigningKey, *, by: Caller, at: datetime) -> None:
    values = {
        "kid": key.kid, "alg": key.alg, "key_id": key.key_id, "spki": key.spki, "created_at": at,
    }  # fmt: skip
    session.execute(insert(_TABLE), values)
    audit.record(
        session, "signing_key.made", subject=key.kid, by=by, at=at, details={"alg": key.alg}
    )


def _ring(provider: Provider, at: datetime) -> Ring:
    found = _RINGS.find(provider.reading, "", at=at)
    if found is not None:
        return found
    with provider.reading() as session:
        rows = session.execute(_READ).all()
    known = {row.kid: SigningKey(row.kid, row.alg, row.key_id, row.spki) for row in rows}
    retired = {row.kid: row.retired_at for row in rows if row.retired_at is not None}
    active = {key.alg: key for kid, key in known.items() if kid not in retired}
    ring = Ring(active, known, retired)
    _RINGS.keep(provider.reading, "", ring, at=at)
    return ring


def _published(key: SigningKey) -> dict[str, Any]:
    return {**jose.jwk_of(key.spki), "kid": key.kid, "alg": key.alg, "use": "sig"}
