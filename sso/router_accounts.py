"""Acts on somebody's account over HTTP, by security administrators; nobody's on their own."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from sqlalchemy.orm import Session

from sso import accounts, assurance, closing, contact, logout, people, throttle
from sso.authenticate import recently
from sso.factor_reset import reset_factors
from sso.models import Account
from sso.provider import Provider
from sso.router_people import Name, Opened, authority_of, find, read
from sso.schemas import EvidenceOut, PersonOut, ReasonIn, RolesIn
from trust import audit
from trust.access import Caller
from trust.dependencies import SecurityAdmin, SecurityReader, no_store

router = APIRouter(tags=["人员管理 people"], dependencies=[Depends(no_store), Depends(recently)])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
EvidenceId = Annotated[int, Path(ge=1, le=2**31 - 1, description="编号 / The evidence")]

_Act = Callable[[Session, Account, datetime], None]


def _change(provider: Provider, name: str, caller: Caller, act: _Act) -> PersonOut:
    """One act on somebody else's account, in a transaction of its own, and how it stands then."""
    at = provider.clock()
    with provider.sessions.begin() as session:
        account = find(session, name)
        accounts.check_may_grant(caller, to=name, authority=account.authority)
        act(session, account, at)
    return read(provider, name, caller, at)


@router.post(
    "/v1/people/{name}/suspension", summary="暂停账户 / Suspend an account",
    openapi_extra=_SECURITY,
)  # fmt: skip
def suspend_account(
    name: Name, body: ReasonIn, caller: SecurityAdmin, provider: Opened
) -> PersonOut:
    """不能登录，登录和授权都结束，直到恢复。/ Nobody logs in, sessions and grants end."""

    def act(session: Session, account: Account, at: datetime) -> None:
        closing.suspend(session, account, reason=body.reason, by=caller, at=at)

    return _change(provider, name, caller, act)


@router.post(
    "/v1/people/{name}/resumption", summary="恢复账户 / Let an account act again",
    openapi_extra=_SECURITY,
)  # fmt: skip
def resume_account(
    name: Name, body: ReasonIn, caller: SecurityAdmin, provider: Opened
) -> PersonOut:
    """暂停的账户可以再次登录；注销的不能。/ A suspended account, never a closed one."""

    def act(session: Session, account: Account, at: datetime) -> None:
        closing.resume(session, account, reason=body.reason, by=caller, at=at)

    return _change(provider, name, caller, act)


@router.post(
    "/v1/people/{name}/closure", summary="注销账户 / Close an account", openapi_extra=_SECURITY
)
def close_account(name: Name, body: ReasonIn, caller: SecurityAdmin, provider: Opened) -> PersonOut:
    """不可恢复：个人信息和登录方式都删除。/ For good: personal data and credentials are deleted."""

    def act(session: Session, account: Account, at: datetime) -> None:
        closing.close(session, account, reason=body.reason, by=caller, at=at)

    return _change(provider, name, caller, act)


@router.put("/v1/people/{name}/roles", summary="设置角色 / Set roles", openapi_extra=_SECURITY)
def set_account_roles(
    name: Name, body: RolesIn, caller: SecurityAdmin, provider: Opened
) -> PersonOut:
    """替换全部角色；不能给自己，三员不能兼任。登录和授权都结束。

    All roles at once. Nobody's own, and never two of the three administrators. Access ends.
    """
    at = provider.clock()
    with provider.sessions.begin() as session:
        people.set_roles(
            session, find(session, name), body.roles, authority=authority_of(body.authority),
            by=caller, at=at,
        )  # fmt: skip
    return read(provider, name, caller, at)


@router.post("/v1/people/{name}/unlocking", summary="解除锁定 / Unlock", openapi_extra=_SECURITY)
def unlock_account(
    name: Name, body: ReasonIn, caller: SecurityAdmin, provider: Opened
) -> PersonOut:
    """忘掉失败次数。/ Failed tries are forgotten."""

    def act(session: Session, account: Account, at: datetime) -> None:
        details: dict[str, audit.JSON] = {
            "reason": body.reason, "counters": throttle.unlock(session, account.name),
        }  # fmt: skip
        audit.record(
            session, "account.unlocked", subject=account.name, by=caller, at=at, details=details
        )

    return _change(provider, name, caller, act)


@router.post(
    "/v1/people/{name}/sign-out", summary="结束全部登录 / End all sessions",
    openapi_extra=_SECURITY,
)  # fmt: skip
def sign_account_out(name: Name, caller: SecurityAdmin, provider: Opened) -> PersonOut:
    """平台也会收到通知。/ The platforms are told as well."""

    def act(session: Session, account: Account, at: datetime) -> None:
        logout.end_all(session, provider, account.name, by=caller, at=at)

    return _change(provider, name, caller, act)


@router.post(
    "/v1/people/{name}/factor-reset", summary="重置第二因素 / Reset second factors",
    openapi_extra=_SECURITY,
)  # fmt: skip
def reset_account_factors(
    name: Name, body: ReasonIn, caller: SecurityAdmin, provider: Opened
) -> PersonOut:
    """仅限工作人员，当面办理；群众须找回账户。本人会收到通知。

    Of staff only, in person; citizens recover their account. The holder is told.
    """

    def act(session: Session, account: Account, at: datetime) -> None:
        reset_factors(session, account, reason=body.reason, by=caller, at=at)

    shown = _change(provider, name, caller, act)
    contact.tell_reset(provider, name)
    return shown


@router.get(
    "/v1/people/{name}/evidence", summary="认证依据 / Evidence in force", openapi_extra=_SECURITY
)
def list_evidence(name: Name, _caller: SecurityReader, provider: Opened) -> list[EvidenceOut]:
    """现行有效的，等级高的在前。/ What the level rests on now, the highest first."""
    with provider.reading() as session:
        find(session, name)
        rows = assurance.evidence(session, name, provider.clock())
        return [
            EvidenceOut(
                id=row.id, method=row.method, level=row.level, source=row.source,
                obtained_at=row.obtained_at, expires_at=row.expires_at,
            )
            for row in rows
        ]  # fmt: skip


@router.post(
    "/v1/people/{name}/evidence/{evidence_id}/withdrawal", summary="撤回依据 / Withdraw evidence",
    openapi_extra=_SECURITY,
)  # fmt: skip
def withdraw_evidence(
    name: Name, evidence_id: EvidenceId, body: ReasonIn, caller: SecurityAdmin, provider: Opened
) -> PersonOut:
    """证实有误的依据不再计入等级。/ What proved wrong counts no more."""

    def act(session: Session, account: Account, at: datetime) -> None:
        assurance.withdraw(session, account.name, evidence_id, reason=body.reason, by=caller, at=at)

    return _change(provider, name, caller, act)
