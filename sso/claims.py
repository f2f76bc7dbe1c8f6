"""What a platform is told of a person: by scope (OIDC Core, 5.4) and by the claims parameter (5.5).

Everything here but `sub` is read for one answer, and each reading is audited (in batches). Nothing
is in an ID token that was not asked for there by the claims parameter.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from sso import agents, assurance, masks, particulars, subjects
from sso.agents import MayNotAct
from sso.client import Client
from sso.live_grant import LiveGrant
from sso.models import Account, AccountKind
from sso.particulars import NoParticulars, Particulars
from sso.provider import Provider
from sso.tally import of_client

#: Claims by scope. `id_number` is a scope of its own: a platform that may know who somebody is need
#: not know their document's number.
BY_SCOPE: Final[Mapping[str, tuple[str, ...]]] = {
    "profile": (
        "name", "preferred_username", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    ),
    "email": ("email", "email_verified"),
    "phone": ("phone_number", "phone_number_verified"),
    "address": ("address",),
    "identity": ("id_type", "id_number_masked"),
    "id_number": ("id_type", "id_number"),
    "organisation": ("organisation",),
    "level": ("level", "level_evidence"),
}  # fmt: skip
#: All there are, for the discovery document.
SUPPORTED: Final = tuple(dict.fromkeys(name for names in BY_SCOPE.values() for name in names))
#: Claims of an ID token that speak of the login; the claims parameter cannot change them.
OF_THE_LOGIN: Final = frozenset({
    "sub", "iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "auth_time", "acr", "amr",
    "at_hash", "c_hash", "sid",
})  # fmt: skip
_OF_PARTICULARS: Final = frozenset(SUPPORTED) - {
    "preferred_username", "zoneinfo", "locale", "updated_at", "organisation", "level",
    "level_evidence",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """One reading of one person for one platform."""

    session: Session
    provider: Provider
    client: Client
    account: Account
    known: Particulars | None
    acting_for: str | None
    at: datetime


def userinfo(
    session: Session, provider: Provider, client: Client, live: LiveGrant, *, scope: str,
    at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """The claims of a userinfo response (OIDC Core, 5.3.2)."""
    names = [name for each in scope.split() for name in BY_SCOPE.get(each, ())]
    names += _requested(client, live.claims.get("userinfo"))
    found = {"sub": subjects.subject(client, live.sub, provider.vault)}
    return found | _read(session, provider, client, live, names, at=at)


def for_id_token(
    session: Session, provider: Provider, client: Client, live: LiveGrant, *, at: datetime
) -> dict[str, Any]:
    """What the claims parameter put into the ID token; nearly always nothing."""
    names = _requested(client, live.claims.get("id_token"))
    return _read(session, provider, client, live, names, at=at) if names else {}


def _requested(client: Client, asked: Mapping[str, Any] | None) -> list[str]:
    """The claims named one by one, of those that the platform's scopes could show."""
    allowed = {name for each in client.scopes for name in BY_SCOPE.get(each, ())}
    return [name for name in asked or () if name in allowed and name not in OF_THE_LOGIN]


def _read(
    session: Session, provider: Provider, client: Client, live: LiveGrant, names: Iterable[str],
    *, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    wanted = dict.fromkeys(names)
    if not wanted:
        return {}
    account = session.get_one(Account, live.account)
    known: Particulars | None = None
    if not _OF_PARTICULARS.isdisjoint(wanted):
        known = _particulars(session, provider, client, account, at)
    asked = _Asked(session, provider, client, account, known, live.acting_for, at)
    found = {name: _CLAIMS[name](asked) for name in wanted}
    # A claim that is not known is left out (OIDC Core, 5.3.2).
    return {name: value for name, value in found.items() if value not in (None, "")}


def _particulars(
    session: Session, provider: Provider, client: Client, account: Account, at: datetime
) -> Particulars | None:
    try:
        return particulars.read(
            session, provider.vault, provider.audit, account, at=at,
            purpose=f"claims for {client.client_id}", by=of_client(client.client_id),
        )  # fmt: skip
    except NoParticulars:
        return None


def _name(asked: _Asked) -> str:
    return asked.known.name if asked.known else asked.account.display_name


def _user_name(asked: _Asked) -> str | None:
    """Not for a pairwise platform: it is one name for all, by which two of them could put their
    users side by side after all (OIDC Core, 8.1)."""
    return None if asked.client.subject_type == "pairwise" else asked.account.name


def _phone(asked: _Asked) -> str | None:
    """E.164, as OIDC Core, 5.1, recommends."""
    number = asked.known.mobile if asked.known else ""
    return f"+86{number}" if number and not number.startswith("+") else number


def _phone_verified(asked: _Asked) -> bool | None:
    """A mobile that names an account has answered a code."""
    return asked.account.mobile_index is not None if _phone(asked) else None


def _email_verified(asked: _Asked) -> bool | None:
    """Never said of an address: nothing records that it answered, and platforms join accounts by
    what they believe here."""
    return False if asked.known and asked.known.email else None


def _masked(asked: _Asked) -> str | None:
    if asked.known is None:
        return None
    legal = asked.account.kind == AccountKind.LEGAL
    mask = masks.mask_code if legal else masks.mask_number
    return mask(asked.known.key_number)


def _address(asked: _Asked) -> dict[str, str] | None:
    text = asked.known.address if asked.known else ""
    return {"formatted": text, "country": "CN"} if text else None


def _organisation(asked: _Asked) -> dict[str, Any] | None:
    """The body in whose name the person acts in this login, if that right still stands."""
    if asked.acting_for is None:
        return None
    try:
        agency = agents.may_act(asked.session, asked.account.name, asked.acting_for, at=asked.at)
    except MayNotAct:
        return None
    body = asked.session.get_one(Account, asked.acting_for)
    known = particulars.open_particulars(asked.provider.vault, body)
    return {
        "sub": subjects.subject(asked.client, body.sub, asked.provider.vault),
        "uscc": known.key_number, "name": known.name, "capacity": agency.capacity,
        "scope": agency.scope,
        "until": int(agency.not_after.timestamp()) if agency.not_after else None,
    }  # fmt: skip


def _level(asked: _Asked) -> int:
    return assurance.level(asked.session, asked.account.name, at=asked.at)


def _level_evidence(asked: _Asked) -> list[dict[str, Any]]:
    rows = assurance.evidence(asked.session, asked.account.name, asked.at)
    return [
        {
            "method": row.method, "level": row.level,
            "obtained_at": int(row.obtained_at.timestamp()),
            "expires_at": int(row.expires_at.timestamp()) if row.expires_at else None,
        }
        for row in rows
    ]  # fmt: skip


def _updated_at(asked: _Asked) -> int:
    return int((asked.account.updated_at or asked.account.created_at).timestamp())


def _of(item: str) -> Callable[[_Asked], str | None]:
    """A claim that is an item of the particulars as it is."""

    def read(asked: _Asked) -> str | None:
        value: str | None = getattr(asked.known, item) if asked.known else None
        return value

    return read


_CLAIMS: Final[Mapping[str, Callable[[_Asked], Any]]] = {
    "name": _name,
    "preferred_username": _user_name,
    "gender": _of("gender"),
    "birthdate": _of("birthdate"),
    "zoneinfo": lambda _asked: "Asia/Shanghai",
    "locale": lambda _asked: "zh-CN",
    "updated_at": _updated_at,
    "email": _of("email"),
    "email_verified": _email_verified,
    "phone_number": _phone,
    "phone_number_verified": _phone_verified,
    "address": _address,
    "id_type": _of("key_type"),
    "id_number": _of("key_number"),
    "id_number_masked": _masked,
    "organisation": _organisation,
    "level": _level,
    "level_evidence": _level_evidence,
}
