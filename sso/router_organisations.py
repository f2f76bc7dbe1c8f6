"""Organisations over HTTP: made by a security administrator; their agents by themselves."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from sqlalchemy.orm import Session

from sso import accounts, agents, people
from sso.appointing import find_agent
from sso.authenticate import by_own_word, recently
from sso.models import Account, AccountKind
from sso.people_models import Agency, Capacity
from sso.provider import Provider
from sso.router_people import Name, Opened, find, read
from sso.schemas import AgencyIn, AgencyOut, OrganisationIn, PersonOut
from trust.access import Caller, Role
from trust.dependencies import SecurityAdmin, Someone, no_store
from trust.errors import Invalid, NotFound

router = APIRouter(
    tags=["法人管理 organisations"], dependencies=[Depends(no_store), Depends(recently)]
)

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
_LOOKS = frozenset({Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
AgencyId = Annotated[int, Path(ge=1, le=2**31 - 1, description="编号 / The authorisation")]


@router.post(
    "/v1/organisations", status_code=201, summary="开通法人账户 / Make an organisation's account",
    openapi_extra=_SECURITY,
)  # fmt: skip
def add_organisation(
    body: OrganisationIn, caller: SecurityAdmin, provider: Opened, response: Response
) -> PersonOut:
    """由平台的安全管理员开通，没有口令。

    By a security administrator of the platform, not of one authority; without a password.
    """
    at = provider.clock()
    accounts.check_may_grant(caller, to=body.user_name or "", authority=None)
    with provider.sessions.begin() as session:
        made = people.add_organisation(
            session, provider.vault, uscc=body.uscc.upper(), name=body.name, by=caller, at=at,
            account_name=body.user_name, representative_name=body.representative_name,
            representative_number=body.representative_number, mobile=body.mobile,
            email=body.email, level=body.level,
        )  # fmt: skip
    response.headers["Location"] = f"/v1/people/{made.name}"
    return read(provider, made.name, caller, at)


@router.get(
    "/v1/organisations/{name}/agents", summary="经办人 / Who acts for an organisation",
    openapi_extra=_SECURITY,
)  # fmt: skip
def list_agents(name: Name, caller: Someone, provider: Opened) -> list[AgencyOut]:
    """法人账户、其法定代表人，以及安全和审计管理员可以查看。

    For the organisation itself, its legal representative, security and audit administrators.
    """
    with provider.reading() as session:
        body = _visible(session, provider, name, caller)
        held = agents.agents_of(session, body.name, at=provider.clock())
        return [_shown(session, each) for each in held]


@router.post(
    "/v1/organisations/{name}/agents", status_code=201, summary="授权经办人 / Appoint an agent",
    openapi_extra=_SECURITY, dependencies=[Depends(by_own_word)],
)  # fmt: skip
def appoint_agent(name: Name, body: AgencyIn, caller: Someone, provider: Opened) -> AgencyOut:
    """由法人账户或其法定代表人授权；管理员不能代办。

    By the organisation's account or its legal representative. No administrator may: what a
    registry says comes by an import.
    """
    at = provider.clock()
    not_before = body.not_before or at
    if not_before > at + agents.LONGEST:
        raise Invalid(f"the authorisation begins within {agents.LONGEST.days} days")
    with provider.reading() as session:
        _visible(session, provider, name, caller)
    agent = find_agent(provider, name, body.agent, by=caller, at=at)
    with provider.sessions.begin() as session:
        made = agents.grant(
            session, organisation=name, agent=agent, capacity=Capacity.AGENT,
            scope=body.scope, not_before=not_before, not_after=body.not_after,
            by=caller, at=at,
        )  # fmt: skip
        return _shown(session, made)


@router.post(
    "/v1/organisations/{name}/agents/{agency_id}/revocation",
    summary="撤销经办人 / Revoke an agent", openapi_extra=_SECURITY,
)  # fmt: skip
def revoke_agent(name: Name, agency_id: AgencyId, caller: Someone, provider: Opened) -> AgencyOut:
    """法人账户、法定代表人或经办人本人。/ By the organisation, its representative or the agent."""
    with provider.sessions.begin() as session:
        held = session.get(Agency, agency_id)
        if held is None or held.organisation != name:
            raise NotFound("no such authorisation")
        return _shown(session, agents.revoke(session, agency_id, by=caller, at=provider.clock()))


def _visible(session: Session, provider: Provider, name: str, caller: Caller) -> Account:
    """The organisation, for whom it concerns; for everybody else it is not there."""
    account = session.get(Account, name)
    if account is None or account.kind != AccountKind.LEGAL:
        raise NotFound("no such organisation")
    if caller.account == name or not caller.roles.isdisjoint(_LOOKS):
        return account
    try:
        held = agents.may_act(session, caller.account, name, at=provider.clock())
    except agents.MayNotAct as error:
        raise NotFound("no such organisation") from error
    if held.capacity != Capacity.LEGAL_REPRESENTATIVE:
        raise NotFound("no such organisation")
    return account


def _shown(session: Session, row: Agency) -> AgencyOut:
    return AgencyOut(
        id=row.id, organisation=row.organisation, agent=row.agent,
        agent_name=find(session, row.agent).display_name, capacity=Capacity(row.capacity),
        scope=row.scope, not_before=row.not_before, not_after=row.not_after,
    )  # fmt: skip
