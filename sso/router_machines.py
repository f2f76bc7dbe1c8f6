"""Machine accounts over HTTP: a security administrator makes one with roles, a system administrator
ties a platform to it. Suspending and closing them is as with people (`/v1/people/{name}`)."""

from typing import Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from sso import clients, machines
from sso.authenticate import recently
from sso.router_clients import ClientId, Opened
from sso.router_people import Name, authority_of
from sso.schemas import Strict
from trust import identifiers
from trust.access import Role
from trust.dependencies import SecurityAdmin, SystemAdmin, no_store

router = APIRouter(tags=["平台管理 clients"], dependencies=[Depends(no_store), Depends(recently)])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}


class MachineIn(Strict):
    """一个机器账户 / A machine account to make."""

    display_name: str = Field(
        min_length=1, max_length=machines.NAME_MAX, description="系统名称 / What system it is"
    )
    authority: str = Field(max_length=18, description="所属机关 / The authority's USCC")
    roles: list[Role] = Field(
        min_length=1, max_length=3, description="clerk, approver, office 之一或多个 / One or more"
    )
    user_name: str | None = Field(
        None, max_length=64, description="空则自动生成 / Made up when null"
    )


class MachineOut(Strict):
    """机器账户，没有人用它登录 / A machine account; nobody logs in with it."""

    account: str = Field(description="用户名 / The account's name")
    display_name: str = Field(description="系统名称 / What system it is")
    authority: str = Field(description="所属机关 / The authority's USCC")
    roles: list[Role] = Field(description="角色 / Roles")


class TieIn(Strict):
    """平台以哪个机器账户办事 / The machine account a platform acts as."""

    account: Name


class TiedOut(Strict):
    """平台及其机器账户 / A platform and its machine account."""

    client_id: str = Field(description="平台标识 / The client id")
    account: str | None = Field(None, description="机器账户 / Its machine account")


@router.post(
    "/v1/machines", status_code=201, summary="开通机器账户 / Make a machine account",
    openapi_extra=_SECURITY,
)  # fmt: skip
def add_machine(
    body: MachineIn, caller: SecurityAdmin, provider: Opened, response: Response
) -> MachineOut:
    """供业务系统以自己的令牌办事；角色由安全管理员授予。

    For a business system that acts by its own token. Roles: clerk, approver, office; no other.
    """
    identifiers.check_uscc(body.authority)
    authority = authority_of(body.authority) or ""
    with provider.sessions.begin() as session:
        made = machines.add(
            session, display_name=body.display_name, authority=authority, roles=body.roles,
            by=caller, at=provider.clock(), name=body.user_name,
        )  # fmt: skip
        shown = MachineOut(
            account=made.name, display_name=made.display_name, authority=authority,
            roles=sorted(Role(row.role) for row in made.roles),
        )  # fmt: skip
    response.headers["Location"] = f"/v1/people/{shown.account}"
    return shown


@router.put(
    "/v1/clients/{client_id:path}/machine", summary="绑定机器账户 / Tie a machine account",
    openapi_extra=_SECURITY,
)  # fmt: skip
def tie_machine(client_id: ClientId, body: TieIn, caller: SystemAdmin, provider: Opened) -> TiedOut:
    """此后平台以 client_credentials、scope trust 取得的令牌代表该账户；自然人的账户不能绑定。

    Its client_credentials tokens of scope trust act as the account; never a person's.
    """
    with provider.sessions.begin() as session:
        machines.tie(session, client_id, body.account, by=caller, at=provider.clock())
    return TiedOut(client_id=client_id, account=body.account)


@router.delete(
    "/v1/clients/{client_id:path}/machine", summary="解除绑定 / Untie the machine account",
    openapi_extra=_SECURITY,
)  # fmt: skip
def untie_machine(client_id: ClientId, caller: SystemAdmin, provider: Opened) -> TiedOut:
    """立即生效。/ Its tokens act as nobody from now on."""
    with provider.sessions.begin() as session:
        machines.untie(session, client_id, by=caller, at=provider.clock())
    clients.forget(client_id)
    return TiedOut(client_id=client_id, account=None)
