"""Registered platforms: found, added, changed, switched off."""

import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from sso import client_metadata
from sso.client import SECRET_METHODS, Client
from sso.client_models import ClientRow
from sso.policy import Policy
from trust import audit
from trust.access import Caller, Role
from trust.crypto.hashes import sha256
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, Invalid, NotFound

#: A change is seen by every process after so many seconds.
CACHE_SECONDS: Final = 1.0
CACHE_MAX: Final = 10_000
PAGE_MAX: Final = 200
#: How long a replaced secret is still taken.
OVERLAP: Final = timedelta(days=1)
_ID: Final = re.compile(r"[\x21-\x7e]{1,100}")
_SECRET: Final = re.compile(r"[\x20-\x7e]{8,512}")

_cache: WeakKeyDictionary[Sessions, OrderedDict[str, tuple[float, Client]]] = WeakKeyDictionary()
_held = Lock()


@dataclass(frozen=True, slots=True)
class Registered:
    """A client and its secret, which nobody can ask for again."""

    client: Client
    client_secret: str | None = field(repr=False)


def find(reading: Sessions, client_id: str) -> Client | None:
    """The client of this id, at most a second old; None if there is none. It may be inactive."""
    if not _ID.fullmatch(client_id):
        return None
    now = time.monotonic()
    with _held:
        known = _cache.setdefault(reading, OrderedDict())
        hit = known.get(client_id)
        if hit is not None and hit[0] > now:
            return hit[1]
    with reading() as session:
        row = session.get(ClientRow, client_id)
        found = None if row is None else client_of(row)
    with _held:
        if found is None:
            known.pop(client_id, None)
            return None
        known[client_id] = (now + CACHE_SECONDS, found)
        known.move_to_end(client_id)
        if len(known) > CACHE_MAX:
            known.popitem(last=False)
    return found


def client_of(row: ClientRow) -> Client:
    """The value of a row; what the row holds was checked when it was written."""
    attributes = client_metadata.read(row.details, fapi=row.fapi)
    attributes |= {
        "secret_digest": row.secret_digest, "previous_secret_digest": row.previous_secret_digest,
        "previous_secret_until": row.previous_secret_until, "active": row.active,
        "machine_account": row.machine_account,
    }  # fmt: skip
    return client_metadata.client_of(
        row.client_id, attributes, at=row.created_at, fapi=row.fapi, first_party=row.first_party
    )


def add(
    session: Session, metadata: Mapping[str, object], *, by: Caller, at: datetime,
    client_id: str | None = None, client_secret: str | None = None, fapi: bool = False,
    first_party: bool = False, administered: bool = True, policy: Policy | None = None,
    registration_token: str | None = None,
) -> Registered:  # fmt: skip
    """Register a platform by its metadata (RFC 7591), in the caller's transaction.

    An id or secret that is given is kept. OAuthError for bad metadata, Conflict for an id that is
    taken, Forbidden for anyone but a system administrator. A sector_identifier_uri is fetched by
    `registering.fetch_sector` before, outside any transaction.
    """
    _check_may(by)
    if client_id is not None and not _ID.fullmatch(client_id):
        raise Invalid("a client id is 1 to 100 printable ASCII characters without a space")
    name = client_id or secrets.token_hex(12)
    client = checked(metadata, name, at=at, fapi=fapi, first_party=first_party,
                     administered=administered, policy=policy)  # fmt: skip
    if session.get(ClientRow, name) is not None:
        raise Conflict(f"client {name} exists")
    secret = _secret_for(client, client_secret)
    session.add(
        ClientRow(
            client_id=name, name=client.name, details=client_metadata.metadata_of(client),
            sector=client.sector, secret_digest=_digest(secret), fapi=fapi,
            registration_digest=_digest(registration_token), first_party=first_party, active=True,
            created_at=at, updated_at=at,
        )
    )  # fmt: skip
    session.flush()
    _audit(session, "client.added", client, by=by, at=at)
    return Registered(_with_secret(client, secret), secret)


def change(
    session: Session, client_id: str, metadata: Mapping[str, object], *, by: Caller, at: datetime,
    administered: bool = True, policy: Policy | None = None,
) -> Client:  # fmt: skip
    """Replace a platform's metadata, all of it (RFC 7592, 2.2); id, secret and switches stay."""
    _check_may(by)
    row = _row(session, client_id)
    client = checked(metadata, client_id, at=row.created_at, fapi=row.fapi,
                     first_party=row.first_party, administered=administered,
                     policy=policy)  # fmt: skip
    if client.auth_method in SECRET_METHODS and row.secret_digest is None:
        raise Conflict("this client has no secret: rotate_secret gives it one")
    row.name, row.sector, row.updated_at = client.name, client.sector, at
    row.details = client_metadata.metadata_of(client)
    session.flush()
    forget(client_id)
    _audit(session, "client.changed", client, by=by, at=at)
    return client_of(row)


def checked(
    metadata: Mapping[str, object], client_id: str, *, at: datetime, fapi: bool = False,
    first_party: bool = False, administered: bool = True, policy: Policy | None = None,
) -> Client:  # fmt: skip
    """The client that metadata describe, everything checked that can be without asking anyone."""
    attributes = client_metadata.read(metadata, fapi=fapi)
    client = client_metadata.client_of(
        client_id, attributes, at=at, fapi=fapi, first_party=first_party
    )
    development = policy is not None and policy.development
    client_metadata.check(client, development=development, administered=administered)
    return client


def disable(session: Session, client_id: str, *, by: Caller, at: datetime) -> None:
    """Switch a platform off: nobody can log in to it and it cannot use its tokens anew."""
    _switch(session, client_id, active=False, act="client.disabled", by=by, at=at)


def enable(session: Session, client_id: str, *, by: Caller, at: datetime) -> None:
    _switch(session, client_id, active=True, act="client.enabled", by=by, at=at)


def rotate_secret(
    session: Session, client_id: str, *, by: Caller, at: datetime, overlap: timedelta = OVERLAP
) -> str:
    """A new secret; the old one is taken for `overlap` more. Conflict for a client without any."""
    _check_may(by)
    row = _row(session, client_id)
    client = client_of(row)
    if client.auth_method not in SECRET_METHODS:
        raise Conflict(f"this client authenticates by {client.auth_method}")
    secret = secrets.token_urlsafe(32)
    row.previous_secret_digest, row.previous_secret_until = row.secret_digest, at + overlap
    row.secret_digest, row.updated_at = _digest(secret), at
    session.flush()
    forget(client_id)
    _audit(session, "client.secret_rotated", client, by=by, at=at)
    return secret


def page(session: Session, *, after: str = "", text: str = "", limit: int = 50) -> list[Client]:
    """Clients in the order of their ids, those after `after`, whose id or name holds `text`."""
    found = select(ClientRow).where(ClientRow.client_id > after)
    if text:
        lowered = text[:100].lower()
        found = found.where(
            or_(
                func.lower(ClientRow.name).contains(lowered, autoescape=True),
                func.lower(ClientRow.client_id).contains(lowered, autoescape=True),
            )
        )
    rows = session.scalars(found.order_by(ClientRow.client_id).limit(min(limit, PAGE_MAX)))
    return [client_of(row) for row in rows]


def check_secret(client: Client, secret: str, *, at: datetime) -> bool:
    """Whether this is the client's secret, or the one before within its overlap."""
    given = sha256(secret.encode("utf-8", "replace"))
    current = hmac.compare_digest(given, client.secret_digest or bytes(32))
    previous = hmac.compare_digest(given, client.previous_secret_digest or bytes(32))
    until = client.previous_secret_until
    return (current and client.secret_digest is not None) or (
        previous and client.previous_secret_digest is not None and until is not None and at < until
    )


def forget(client_id: str) -> None:
    """Drop a client from this process's memory: it was changed here."""
    with _held:
        for known in _cache.values():
            known.pop(client_id, None)


def _check_may(by: Caller) -> None:
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("platforms are registered by a system administrator")


def _row(session: Session, client_id: str) -> ClientRow:
    row = session.get(ClientRow, client_id) if _ID.fullmatch(client_id) else None
    if row is None:
        raise NotFound("there is no such client")
    return row


def _switch(
    session: Session, client_id: str, *, active: bool, act: str, by: Caller, at: datetime
) -> None:
    _check_may(by)
    row = _row(session, client_id)
    if row.active == active:
        return
    row.active, row.updated_at = active, at
    session.flush()
    forget(client_id)
    _audit(session, act, client_of(row), by=by, at=at)


def _secret_for(client: Client, given: str | None) -> str | None:
    if client.auth_method not in SECRET_METHODS:
        return None
    if given is not None and not _SECRET.fullmatch(given):
        raise Invalid("a client secret is 8 to 512 printable ASCII characters")
    return given or secrets.token_urlsafe(32)


def _with_secret(client: Client, secret: str | None) -> Client:
    return replace(client, secret_digest=_digest(secret))


def _digest(secret: str | None) -> bytes | None:
    return None if secret is None else sha256(secret.encode())


def _audit(session: Session, act: str, client: Client, *, by: Caller, at: datetime) -> None:
    details: dict[str, audit.JSON] = {
        "name": client.name, "auth_method": client.auth_method, "fapi": client.fapi,
        "redirect_uris": [each[:200] for each in client.redirect_uris[:5]],
        "scopes": sorted(client.scopes),
    }  # fmt: skip
    audit.record(session, act, subject=client.client_id, by=by, at=at, details=details)
