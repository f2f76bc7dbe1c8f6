"""Devices without a browser (RFC 8628): they show a short code, their user types it elsewhere."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sso import client_authentication, factors, grant_state, grants, resources, scopes, steps
from sso.client import Client
from sso.credential_models import BrowserSession
from sso.oauth_errors import OAuthError
from sso.policy import Policy, acr
from sso.provider import Provider
from sso.token_models import DeviceCode
from sso.token_request import Granted, TokenRequest, grant, told
from trust import audit
from trust.access import Caller
from trust.crypto.hashes import sha256
from trust.errors import NotFound
from trust.vault import Vault

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
PATH: Final = "/oauth2/device_authorization"
#: RFC 8628, 6.1: no vowels, so no words; 20 to the 8th are 34 bits.
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH: Final = 8
INTERVAL: Final = 5
_CODE_LENGTH: Final = 43


class NoSuchCode(NotFound):
    """No device waits under this code: mistyped, used, or too late."""

    code = "no_such_code"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that waits for its user, as a page shows it. `id` is for `approve` and `deny`."""

    id: bytes
    client_id: str
    scopes: tuple[str, ...]
    expires_at: datetime


def authorize(
    provider: Provider, headers: Mapping[str, str], form: Mapping[str, str], *, at: datetime,
    certificate: bytes | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The response of the device authorization endpoint (RFC 8628, 3.2); OAuthError."""
    client = client_authentication.authenticate(
        provider, headers, form, at=at, endpoint=provider.issuer + PATH, certificate=certificate
    )
    if GRANT_TYPE not in client.grant_types:
        raise OAuthError("unauthorized_client", "this client may not use the device grant")
    wanted = tuple(dict.fromkeys(form.get("scope", scopes.OPENID).split()))
    if not set(wanted) <= client.scopes:
        raise OAuthError("invalid_scope", "a scope this client may not have")
    resource = resources.audience(provider, form, granted=client.resources, default="")
    code, user_code = secrets.token_urlsafe(32), _user_code()
    with provider.sessions.begin() as session:
        session.add(
            DeviceCode(
                digest=_digest(code), user_code=_index(provider.vault, user_code),
                client_id=client.client_id, scope=" ".join(wanted),
                resource=[each for each in resource if each], created_at=at,
                expires_at=at + provider.policy.device_code_lifetime, interval=INTERVAL,
            )
        )  # fmt: skip
    shown, page = f"{user_code[:4]}-{user_code[4:]}", f"{provider.issuer}/device"
    return {
        "device_code": code, "user_code": shown, "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={shown}",
        "expires_in": int(provider.policy.device_code_lifetime.total_seconds()),
        "interval": INTERVAL,
    }  # fmt: skip


def _user_code() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def find_by_user_code(session: Session, vault: Vault, text: str, *, at: datetime) -> Waiting:
    """The device that shows this code, however it was typed; NoSuchCode. The page limits tries."""
    letters = "".join(text[:40].upper().replace("-", " ").split())
    if len(letters) != LENGTH or not set(letters) <= set(LETTERS):
        raise NoSuchCode("no device shows this code")
    row = session.scalar(select(DeviceCode).where(DeviceCode.user_code == _index(vault, letters)))
    if row is None or row.expires_at <= at or row.approved_at or row.denied_at:
        raise NoSuchCode("no device shows this code")
    return Waiting(row.digest, row.client_id, tuple(row.scope.split()), row.expires_at)


def approve(
    session: Session, waiting: Waiting, by: BrowserSession, *, policy: Policy, at: datetime
) -> None:
    """The person of this browser session lets the device in: the grant is made, in the caller's
    transaction. NoSuchCode when it was decided or too late."""
    session_id, account = by.id, by.account
    level = steps.reached(session, account, by.methods, policy=policy, at=at)
    resource = session.scalar(select(DeviceCode.resource).where(DeviceCode.digest == waiting.id))
    made = grants.begin_grant(
        session, account=account, client_id=waiting.client_id, scopes=waiting.scopes, at=at,
        session_id=session_id, resources=resource or (), acting_for=by.acting_for,
    )  # fmt: skip
    approval = {
        "auth_time": int(by.auth_time.timestamp()), "acr": acr(level),
        "amr": factors.told(by.methods), "sid": session_id,
    }  # fmt: skip
    _decide(
        session, waiting, at=at, grant_id=made.id, account=account, approval=approval,
        approved_at=at,
    )  # fmt: skip
    details: dict[str, audit.JSON] = {"client": waiting.client_id, "grant": made.id}
    _record(session, "device.approved", account, details, at=at)


def deny(session: Session, waiting: Waiting, by: BrowserSession, *, at: datetime) -> None:
    """The person does not let the device in; NoSuchCode as `approve`."""
    _decide(session, waiting, at=at, account=by.account, denied_at=at)
    details: dict[str, audit.JSON] = {"client": waiting.client_id}
    _record(session, "device.denied", by.account, details, at=at)


def _decide(session: Session, waiting: Waiting, *, at: datetime, **values: object) -> None:
    """One statement: a device is decided about once."""
    found = session.scalar(
        update(DeviceCode)
        .where(
            DeviceCode.digest == waiting.id,
            DeviceCode.approved_at.is_(None),
            DeviceCode.denied_at.is_(None),
            DeviceCode.expires_at > at,
        )
        .values(**values)
        .returning(DeviceCode.digest),
        execution_options={"synchronize_session": False},
    )
    if found is None:
        raise NoSuchCode("this device was decided about already, or it is too late")


def _record(
    session: Session, act: str, account: str, details: dict[str, audit.JSON], *, at: datetime
) -> None:
    by = Caller(account=account, authority=None, roles=frozenset())
    audit.record(session, act, subject=account, by=by, at=at, details=details)


def exchange(request: TokenRequest) -> dict[str, Any]:
    """The token endpoint's part (RFC 8628, 3.4 and 3.5)."""
    code = request.form.get("device_code")
    if code is None:
        raise OAuthError("invalid_request", "device_code is missing")
    with request.provider.sessions.begin() as session:
        request.spend_proof(session)
        outcome = _poll(session, request, code)
    return told(request, outcome)


def _poll(session: Session, request: TokenRequest, code: str) -> Granted | OAuthError:
    """What the device is told now; the caller commits that it has asked."""
    client, at = request.client, request.at
    row = session.scalar(
        select(DeviceCode).where(DeviceCode.digest == _digest(code)).with_for_update()
    )
    if row is None or row.client_id != client.client_id or row.used_at is not None:
        return OAuthError("invalid_grant", "the device code is not good, or not any more")
    if row.denied_at is not None:
        return OAuthError("access_denied", "the person did not let this device in")
    if row.expires_at <= at:
        return OAuthError("expired_token", "nobody has let this device in in time")
    if row.polled_at is not None and at < row.polled_at + timedelta(seconds=row.interval):
        row.interval, row.polled_at = min(row.interval + 5, 60), at
        return OAuthError("slow_down", "asked again too soon")
    row.polled_at = at
    if row.approved_at is None:
        return OAuthError("authorization_pending", "the person has not decided yet")
    return _redeem(session, request, client, row)


def _redeem(
    session: Session, request: TokenRequest, client: Client, row: DeviceCode
) -> Granted | OAuthError:
    spent = session.scalar(
        update(DeviceCode)
        .where(DeviceCode.digest == row.digest, DeviceCode.used_at.is_(None))
        .values(used_at=request.at)
        .returning(DeviceCode.digest),
        execution_options={"synchronize_session": False},
    )
    state = grant_state.find(session, row.grant_id or "")
    if spent is None or state is None or row.approval is None:
        return OAuthError("invalid_grant", "the access was taken back")
    known = row.approval
    authorized = grant_state.authorized(
        session, request.provider, client, state, scope=row.scope,
        auth_time=datetime.fromtimestamp(known["auth_time"], request.at.tzinfo), acr=known["acr"],
        amr=known["amr"], sid=known["sid"], nonce=None, at=request.at,
    )  # fmt: skip
    audience = tuple(row.resource) or (request.provider.issuer,)
    return grant(session, request, authorized, resource=tuple(row.resource), audience=audience)


def _digest(code: str) -> bytes:
    return sha256(code[: _CODE_LENGTH + 1].encode("utf-8", "replace"))


def _index(vault: Vault, letters: str) -> bytes:
    return vault.index(letters, column="device_code.user_code")
