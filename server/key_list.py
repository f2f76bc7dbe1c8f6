"""Every key there is, what it is for and how much it was used: `trust keys list`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca.models import Issuer, KeyRequest, Signer
from seal.models import Seal
from server.platform import Platform
from sso import signing_keys
from sso.policy import Policy
from sso.token_models import SigningKeyRow
from trust.crypto import signatures, x509
from trust.keys import KeyStore
from trust.keys_models import KeyUse


@dataclass(frozen=True, slots=True)
class Named:
    """Who names a key: what for, since when, and the end of its certificate where it has one."""

    purpose: str
    created: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list; `uses` by algorithm."""

    key_id: str
    kind: str
    place: str
    named: Named
    uses: dict[str, int]
    last_use: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.key_id, "kind": self.kind, "purpose": self.named.purpose,
            "created": _text(self.named.created), "uses": sum(self.uses.values()),
            "uses_by_algorithm": self.uses, "last_use": _text(self.last_use),
            "certificate_ends": _text(self.named.ends), "place": self.place,
        }  # fmt: skip


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def keys_of(platform: Platform) -> list[Listed]:
    """The keys of the key store, by id; a key that nothing names has the purpose "unnamed"."""
    keys = platform.keys
    with platform.reading() as session:
        named = dict(_named(session))
        uses: dict[str, dict[str, int]] = {}
        last: dict[str, datetime] = {}
        for row in session.scalars(select(KeyUse).order_by(KeyUse.key_id, KeyUse.algorithm)):
            uses.setdefault(row.key_id, {})[row.algorithm] = row.uses
            last[row.key_id] = max(row.last_at, last.get(row.key_id, row.last_at))
    return [
        _listed(keys, key_id, named.get(key_id, Named("unnamed")), uses.get(key_id, {}),
                last.get(key_id))
        for key_id in keys.ids()
    ]  # fmt: skip


def _listed(
    keys: KeyStore, key_id: str, named: Named, uses: dict[str, int], last: datetime | None
) -> Listed:
    kind = signatures.kind_of(keys.public_key(key_id))
    return Listed(key_id, str(kind), keys.place(key_id), named, uses, last)


def _named(session: Session) -> Iterator[tuple[str, Named]]:
    """Later ones count: a request is of no interest once its certificate has a row of its own."""
    for request in session.scalars(select(KeyRequest)):
        told = "requested" if request.certificate is None else "certified outside"
        yield (
            request.key_id,
            Named(f"{request.purpose} ({told})", request.requested_at, _end(request.certificate)),
        )
    for seal in session.scalars(select(Seal)):
        yield seal.sm2_key, Named(f"seal {seal.es_id}", seal.made_at, _end(seal.sm2_certificate))
        yield seal.rsa_key, Named(f"seal {seal.es_id}", seal.made_at, _end(seal.rsa_certificate))
    for row in session.scalars(select(SigningKeyRow)):
        state = "removed" if row.removed_at else "retired" if row.retired_at else "active"
        yield row.key_id, Named(f"tokens by {row.alg} ({state})", row.created_at)
    for signer in session.scalars(select(Signer)):
        yield signer.key_id, Named(signer.purpose, signer.created_at, _end(signer.certificate))
    for issuer in session.scalars(select(Issuer)):
        if issuer.signs:
            told = "root CA" if issuer.parent is None else "issuing CA"
            yield issuer.key_id, Named(told, issuer.created_at, _end(issuer.certificate))


def _end(der: bytes | None) -> datetime | None:
    return x509.parse_certificate(der).not_after if der is not None else None


def token_key_in_use(session: Session, key_id: str, *, at: datetime) -> bool:
    """Whether tokens that a key signed may still be shown: it has no certificate to say so."""
    row = session.scalar(select(SigningKeyRow).where(SigningKeyRow.key_id == key_id))
    if row is None or row.removed_at is not None:
        return False
    if row.retired_at is None:
        return True
    overlap: timedelta = signing_keys.overlap(Policy())
    return at < row.retired_at + overlap
