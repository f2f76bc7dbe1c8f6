"""People over HTTP, for security administrators: found, made, read; audit administrators may look.

Organisations' accounts are read here too; acts on accounts are in sso.router_accounts. Personal
numbers stand in bodies, never in addresses: addresses are logged by everything on the way.
"""

from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy.orm import Session

from sso import accounts, assurance, factors, masks, particulars, people, throttle
from sso.authenticate import recently
from sso.models import Account, AccountKind
from sso.particulars import CITIZEN_ID, USCC, Particulars
from sso.provider import Provider
from sso.schemas import ParticularsOut, PersonIn, PersonOut, PurposeIn, SearchIn
from trust import audit, identifiers
from trust.access import Caller, Role
from trust.dependencies import SecurityAdmin, SecurityReader, no_store
from trust.errors import NotFound

router = APIRouter(tags=["人员管理 people"], dependencies=[Depends(no_store), Depends(recently)])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}


def _provider(request: Request) -> Provider:
    return cast(Provider, request.app.state.provider)


Opened = Annotated[Provider, Depends(_provider)]
Name = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$", description="用户名 / The account's name")
]


@router.post("/v1/people/searches", summary="查找 / Find somebody", openapi_extra=_SECURITY)
def search_person(body: SearchIn, caller: SecurityReader, provider: Opened) -> PersonOut:
    """只按完整的用户名、号码查找；每次查找都有记录，结果脱敏。

    By a whole name or number only. Every search is audited, what is found is masked.
    """
    at = provider.clock()
    with provider.sessions.begin() as session:
        found = _search(session, provider, body.key.strip())
        details: dict[str, audit.JSON] = {"found": found is not None}
        audit.record(
            session, "person.searched", subject=found.name if found else "unknown", by=caller,
            at=at, details=details,
        )  # fmt: skip
    if found is None:
        raise NotFound("nobody here goes by that")
    return read(provider, found.name, caller, at)


def _search(session: Session, provider: Provider, key: str) -> Account | None:
    """Suspended accounts too, which nobody can sign in to."""
    found = people.find_by_login(session, provider.vault, key)
    if found is None and key.isascii() and key.isprintable():
        found = session.get(Account, key.lower())
    for key_type in (CITIZEN_ID, USCC):
        found = found or people.find_by_key(session, provider.vault, key_type, key)
    return found


@router.post(
    "/v1/people", status_code=201, summary="开通账户 / Make an account", openapi_extra=_SECURITY
)
def add_person(
    body: PersonIn, caller: SecurityAdmin, provider: Opened, response: Response
) -> PersonOut:
    """为自然人开通账户，没有口令：本人以短信登录后设置。

    For a natural person, without a password: they sign in by SMS and set one. An administrator of
    one authority makes accounts of that authority only.
    """
    at, authority = provider.clock(), authority_of(body.authority)
    given = Particulars(
        name=body.name, key_type=body.key_type, key_number=body.key_number, mobile=body.mobile,
        email=body.email, birthdate=body.birthdate, gender=body.gender, address=body.address,
    )  # fmt: skip
    accounts.check_may_grant(caller, to=body.user_name or "", authority=authority)
    with provider.sessions.begin() as session:
        made = people.add_person(
            session, provider.vault, given, by=caller, at=at, name=body.user_name,
            roles=body.roles, authority=authority, level=body.level,
        )  # fmt: skip
    response.headers["Location"] = f"/v1/people/{made.name}"
    return read(provider, made.name, caller, at)


@router.get("/v1/people/{name}", summary="查看账户 / Look at an account", openapi_extra=_SECURITY)
def read_person(name: Name, caller: SecurityReader, provider: Opened) -> PersonOut:
    """脱敏显示；每次查看都有记录。/ Masked; every look is audited."""
    return read(provider, name, caller, provider.clock())


@router.post(
    "/v1/people/{name}/particulars", summary="读取个人信息 / Read personal data",
    openapi_extra=_SECURITY,
)  # fmt: skip
def read_particulars(
    name: Name, body: PurposeIn, caller: SecurityAdmin, provider: Opened
) -> ParticularsOut:
    """未脱敏，须说明目的；目的和读取者写入审计日志。

    In clear, for a stated purpose; who read and why are in the audit log before they are told.
    """
    with provider.reading() as session:
        account = find(session, name)
        if caller.authority not in (None, account.authority):
            raise accounts.MayNotGrant("a security administrator acts within their own authority")
        known = particulars.read(
            session, provider.vault, provider.audit, account, purpose=body.purpose, by=caller,
            at=provider.clock(),
        )  # fmt: skip
    return ParticularsOut(
        account=name, name=known.name, key_type=known.key_type, key_number=known.key_number,
        mobile=known.mobile, email=known.email, birthdate=known.birthdate, gender=known.gender,
        address=known.address, representative_name=known.representative_name,
        representative_number=known.representative_number,
    )  # fmt: skip


def authority_of(code: str | None) -> str | None:
    """A USCC in capitals; InvalidIdentifier for what is none."""
    if code:
        identifiers.check_uscc(code.upper())
    return code.upper() if code else None


def find(session: Session, name: str) -> Account:
    account = session.get(Account, name)
    if account is None:
        raise NotFound("no such account")
    return account


def read(provider: Provider, name: str, caller: Caller, at: datetime) -> PersonOut:
    """An account as an administrator sees it: masked, and in the audit log."""
    with provider.reading() as session:
        account = find(session, name)
        known: Particulars | None = None
        if account.particulars is not None:
            known = particulars.read(
                session, provider.vault, provider.audit, account,
                purpose="administration, masked", by=caller, at=at,
            )  # fmt: skip
        return PersonOut(
            account=name, sub=account.sub, kind=account.kind, display_name=account.display_name,
            key_confirmed=account.key_index is not None, active=account.active,
            level=assurance.level_in_force(session, name, at=at),
            roles=sorted(Role(row.role) for row in account.roles), authority=account.authority,
            factors=sorted(factors.second_factors(session, name)),
            locked_until=throttle.locked_until(session, name, at=at),
            created_at=account.created_at, **(_masked(account, known) if known else {}),
        )  # fmt: skip


def _masked(account: Account, known: Particulars) -> dict[str, str | None]:
    mask = masks.mask_code if account.kind == AccountKind.LEGAL else masks.mask_number
    return {
        "key_type": known.key_type, "key_number": mask(known.key_number),
        "mobile": masks.mask_mobile(known.mobile) if known.mobile else None,
        "email": masks.mask_email(known.email) if known.email else None,
    }  # fmt: skip
