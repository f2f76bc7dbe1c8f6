"""Other identity systems connected here, and taken away again."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from sso.policy import LEVELS, acr
from sso.upstream_models import Upstream, UpstreamLink
from trust import audit
from trust.access import Caller
from trust.errors import Conflict, Invalid, NotFound
from trust.vault import Vault

#: Level 3 takes a cryptographic factor that is shown here.
LEVEL_CAP: Final = 2
SCOPE: Final = "openid profile id_number level"
_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{1,31}")
_ACRS_MAX: Final = 20


def add(
    session: Session, vault: Vault, slug: str, *, name: str, issuer: str, client_id: str,
    secret: str, levels: Mapping[str, int], level_cap: int, by: Caller, at: datetime,
    scope: str = SCOPE, creates: bool = True,
) -> Upstream:  # fmt: skip
    """Connect an OpenID Provider under a short name; Invalid, or Conflict for a name or issuer
    that is connected already. What its acr values are worth is said here, not by it."""
    if not _SLUG.fullmatch(slug):
        raise Invalid("an identity system's short name is 2 to 32 of a-z, 0-9 and -")
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise Invalid("an identity system's name is 1 to 100 printable characters")
    _check_issuer(issuer)
    _check_levels(levels, level_cap)
    if not 0 < len(client_id) <= 200 or not 0 < len(secret) <= 500:
        raise Invalid("the client id and secret that it gave this platform are needed")
    taken = select(Upstream.slug).where((Upstream.slug == slug) | (Upstream.issuer == issuer))
    if session.scalar(taken) is not None:
        raise Conflict("an identity system of this short name or issuer is connected already")
    row = Upstream(
        slug=slug, name=name, issuer=issuer, client_id=client_id, scope=scope,
        secret=vault.seal(secret.encode(), context=f"upstream.secret:{slug}"),
        levels=dict(levels), level_cap=level_cap, creates=creates, active=True, created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    details: dict[str, audit.JSON] = {"issuer": issuer, "level_cap": level_cap}
    audit.record(session, "upstream.added", subject=slug, by=by, at=at, details=details)
    return row


def put_by_key(
    session: Session, slug: str, *, name: str, issuer: str, client_id: str, level_min: int,
    by: Caller, at: datetime,
) -> Upstream:  # fmt: skip
    """Connect another deployment of this platform, or change what is said of it: it knows us by our
    published keys, so there is no secret. Invalid."""
    _check_issuer(issuer)
    row = session.get(Upstream, slug)
    if row is None:
        row = Upstream(slug=slug, secret=b"", created_at=at)
        session.add(row)
    elif row.issuer != issuer:
        # The same subject of another issuer may be somebody else: people are found by their key.
        session.execute(delete(UpstreamLink).where(UpstreamLink.upstream == slug))
    row.name, row.issuer, row.client_id = name, issuer, client_id
    row.scope, row.level_cap, row.level_min = SCOPE, LEVEL_CAP, level_min
    row.levels = {acr(level): level for level in LEVELS}
    row.by_key = row.creates = row.active = True
    session.flush()
    details: dict[str, audit.JSON] = {"issuer": issuer, "level_min": level_min}
    audit.record(session, "upstream.connected", subject=slug, by=by, at=at, details=details)
    return row


def disable(session: Session, slug: str, *, by: Caller, at: datetime) -> None:
    """No login through it from now on; NotFound."""
    found = session.scalar(
        update(Upstream)
        .where(Upstream.slug == slug, Upstream.active)
        .values(active=False)
        .returning(Upstream.slug)
    )
    if found is None:
        raise NotFound("no such identity system in use")
    audit.record(session, "upstream.disabled", subject=slug, by=by, at=at)


def _check_issuer(issuer: str) -> None:
    parts = urlsplit(issuer) if len(issuer) <= 200 else urlsplit("")
    host = parts.hostname or ""
    local = host in ("localhost", "127.0.0.1") or host.endswith(".localhost")  # RFC 6761, 6.3
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise Invalid("an issuer is an https URL (Discovery 1.0, 3)")
    if not parts.netloc or parts.query or parts.fragment or issuer.endswith("/"):
        raise Invalid("an issuer has neither query nor fragment, and no slash at its end")


def _check_levels(levels: Mapping[str, int], level_cap: int) -> None:
    if len(levels) > _ACRS_MAX or level_cap not in LEVELS:
        raise Invalid(f"at most {_ACRS_MAX} acr values, and a cap of 0 to 3")
    if any(level not in LEVELS or not 0 < len(acr) <= 200 for acr, level in levels.items()):
        raise Invalid("an acr value is worth 0 to 3")
