"""Rights of offices and platforms to licences: granted and ended by a security administrator."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from certificates.licence_types import registry as type_registry
from certificates.models import Authority
from certificates.purpose import FOR_ITEM, OTHERWISE
from certificates.share.models import ShareKey, ShareRight
from sso.client_models import ClientRow
from trust import audit
from trust.access import SYSTEM, Caller, Role
from trust.clock import CHINA
from trust.crypto import sm2_formats
from trust.crypto.errors import Malformed
from trust.errors import Conflict, Forbidden, Invalid, NotFound

TYPES_MAX: Final = 50
FIELDS_MAX: Final = 100
NETWORKS_MAX: Final = 20
CEILING_MAX: Final = 1_000_000
REASON_MAX: Final = 200
LONGEST: Final = timedelta(days=5 * 366)
PAGE_MAX: Final = 200
_FIELD: Final = re.compile(r"[A-Z][A-Z0-9_]{1,30}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is granted; columns as of `ShareRight`. `types` are codes, slugs or names."""

    types: tuple[str, ...]
    since: date
    until: date | None
    reason: str
    fields: tuple[str, ...] | None = None
    networks: tuple[str, ...] = ()
    categories: tuple[str, ...] = (FOR_ITEM,)
    original: bool = False
    ceiling: int | None = None


def grant(
    session: Session, terms: Terms, *, by: Caller, at: datetime, client: str | None = None,
    office: str | None = None,
) -> ShareRight:  # fmt: skip
    """A right for one platform or one office, inside the caller's transaction.

    Invalid, NotFound for a platform or office that is not there, Forbidden for anyone but a
    security administrator, who, bound to an authority, grants to its office only.
    """
    _check_may(by, office=office)
    _check_grantee(session, client, office)
    types = tuple(dict.fromkeys(type_registry.current(session, key).code for key in terms.types))
    _check(terms, types, at=at)
    row = ShareRight(
        id=uuid4(), client=client, office=office, types=list(types),
        fields=None if terms.fields is None else list(dict.fromkeys(terms.fields)),
        networks=[network(each) for each in terms.networks],
        categories=sorted(set(terms.categories)), original=terms.original, ceiling=terms.ceiling,
        since=terms.since, until=terms.until, reason=terms.reason.strip(), granted_by=by.account,
        granted_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    details: dict[str, audit.JSON] = {
        "to": client or office or "", "types": list(types), "categories": row.categories,
        "original": terms.original, "ceiling": terms.ceiling, "until": str(terms.until or ""),
        "fields": None if terms.fields is None else len(terms.fields), "reason": row.reason,
    }  # fmt: skip
    audit.record(session, "share.granted", subject=str(row.id), by=by, at=at, details=details)
    return row


def end(session: Session, key: UUID, *, reason: str, by: Caller, at: datetime) -> None:
    """Take a right back, for good, from the next call on; NotFound, Conflict when it has ended."""
    row = session.get(ShareRight, key)
    if row is None:
        raise NotFound("no such right")
    _check_may(by, office=row.office)
    _check_reason(reason)
    ended = session.scalar(
        update(ShareRight)
        .where(ShareRight.id == key, ShareRight.ended_at.is_(None))
        .values(ended_at=at, ended_by=by.account)
        .returning(ShareRight.id)
    )
    if ended is None:
        raise Conflict("the right has ended already")
    audit.record(
        session, "share.ended", subject=str(key), by=by, at=at, details={"reason": reason.strip()}
    )


def page(
    session: Session, *, client: str | None = None, office: str | None = None, skip: int = 0,
    limit: int = 50,
) -> list[ShareRight]:  # fmt: skip
    """Rights, newest first; of one platform or office where it is named."""
    wanted = select(ShareRight)
    if client is not None:
        wanted = wanted.where(ShareRight.client == client)
    if office is not None:
        wanted = wanted.where(ShareRight.office == office)
    ordered = wanted.order_by(ShareRight.granted_at.desc(), ShareRight.id)
    return list(session.scalars(ordered.offset(skip).limit(min(limit, PAGE_MAX))))


def find(session: Session, key: UUID) -> ShareRight:
    """The right; NotFound."""
    row = session.get(ShareRight, key)
    if row is None:
        raise NotFound("no such right")
    return row


def register_key(
    session: Session, client: str, public_key: bytes, *, signed: bool, by: Caller, at: datetime
) -> None:
    """Keep a platform's SM2 key (64 bytes, x then y), in the place of an earlier one.

    Invalid for what is no point of the curve, NotFound, Forbidden.
    """
    _check_may(by, office=None)
    if session.get(ClientRow, client) is None:
        raise NotFound("there is no such client")
    try:
        sm2_formats.check_public_key(public_key)
    except Malformed as error:
        raise Invalid("an SM2 public key is 64 bytes, x then y, on the curve") from error
    row = session.get(ShareKey, client) or ShareKey(client=client)
    row.public_key, row.signed, row.registered_by, row.registered_at = (
        public_key, signed, by.account, at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    details: dict[str, audit.JSON] = {"signed": signed}
    audit.record(session, "share.key_registered", subject=client, by=by, at=at, details=details)


def network(text: str) -> str:
    """An address range in its one form; Invalid."""
    try:
        return str(ipaddress.ip_network(text.strip()[:64], strict=True))
    except ValueError as error:
        raise Invalid("a network is an address or a range such as 10.1.0.0/16") from error


def _check_may(by: Caller, *, office: str | None) -> None:
    if by == SYSTEM:
        return
    if not by.has(Role.SECURITY_ADMIN):
        raise Forbidden("rights are granted by a security administrator")
    if by.authority is not None and by.authority != office:
        raise Forbidden("a security administrator of one authority grants to its office only")


def _check_grantee(session: Session, client: str | None, office: str | None) -> None:
    if (client is None) == (office is None):
        raise Invalid("a right is one platform's or one office's")
    if client is not None and session.get(ClientRow, client) is None:
        raise NotFound("there is no such client")
    if office is not None and session.get(Authority, office) is None:
        raise NotFound(f"no authority {office}")


def _check(terms: Terms, types: tuple[str, ...], *, at: datetime) -> None:
    if not 1 <= len(types) <= TYPES_MAX:
        raise Invalid(f"a right has 1 to {TYPES_MAX} types")
    if terms.fields is not None and not (
        len(terms.fields) <= FIELDS_MAX and all(_FIELD.fullmatch(each) for each in terms.fields)
    ):
        raise Invalid(f"fields are at most {FIELDS_MAX} names of items, such as KZ_ZS")
    if len(terms.networks) > NETWORKS_MAX:
        raise Invalid(f"a right has at most {NETWORKS_MAX} networks")
    if not terms.categories or not set(terms.categories) <= {FOR_ITEM, OTHERWISE}:
        raise Invalid("categories are 0, 1 or both")
    if terms.ceiling is not None and not 1 <= terms.ceiling <= CEILING_MAX:
        raise Invalid(f"a daily ceiling is 1 to {CEILING_MAX}")
    last = at.astimezone(CHINA).date() + LONGEST
    if terms.until is not None and not terms.since <= terms.until <= last:
        raise Invalid("a right ends after it begins, and within five years")
    _check_reason(terms.reason)


def _check_reason(reason: str) -> None:
    if not (0 < len(reason.strip()) <= REASON_MAX and reason.strip().isprintable()):
        raise Invalid(f"a reason is 1 to {REASON_MAX} printable characters")
