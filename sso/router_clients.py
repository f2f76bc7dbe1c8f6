"""Platforms over HTTP, for system administrators; audit administrators may look."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from sso import client_metadata, clients, registering
from sso.authenticate import recently
from sso.client import Client
from sso.metadata_fields import FIELDS
from sso.provider import Provider
from sso.schemas import (
    ClientAddedOut,
    ClientChangeIn,
    ClientIn,
    ClientOut,
    ClientPageOut,
    SecretOut,
)
from trust.dependencies import SystemAdmin, SystemReader, no_store
from trust.errors import Invalid, NotFound

router = APIRouter(tags=["平台管理 clients"], dependencies=[Depends(no_store), Depends(recently)])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
#: What answers hold besides the table's fields; a change may send it back.
_OURS: Final = frozenset({"client_id", "client_id_issued_at", "response_types"})
_KNOWN: Final = _OURS | {field.name for field in FIELDS}


class UnknownMetadata(Invalid):
    """A name in a platform's metadata that means nothing here: most likely a slip."""

    code = "unknown_client_metadata"


def _provider(request: Request) -> Provider:
    return cast(Provider, request.app.state.provider)


Opened = Annotated[Provider, Depends(_provider)]
ClientId = Annotated[str, Path(max_length=100, description="平台标识 / The client id")]


@router.get("/v1/clients", summary="平台列表 / List platforms", openapi_extra=_SECURITY)
def list_clients(
    _caller: SystemReader, provider: Opened,
    after: Annotated[str, Query(max_length=100, description="上一页的 next / From a page")] = "",
    q: Annotated[str, Query(max_length=100, description="标识或名称中的字 / Part of it")] = "",
    limit: Annotated[int, Query(ge=1, le=200, description="每页条数 / How many")] = 50,
) -> ClientPageOut:  # fmt: skip
    """按标识排序，一次一页。

    In the order of their ids, a page at a time; searched in the database.
    """
    if not (after + q).isprintable():
        return ClientPageOut(items=[], next=None)  # no platform is called so
    with provider.reading() as session:
        # One more than asked tells whether there is another page.
        found = clients.page(session, after=after, text=q.strip(), limit=min(limit + 1, 200))
    shown = found[:limit]
    more = len(found) > limit or len(found) == clients.PAGE_MAX
    return ClientPageOut(
        items=[_shown(each) for each in shown],
        next=shown[-1].client_id if more and shown else None,
    )


@router.post(
    "/v1/clients", status_code=201, summary="登记平台 / Register a platform",
    openapi_extra=_SECURITY,
)  # fmt: skip
def add_client(
    body: ClientIn, caller: SystemAdmin, provider: Opened, response: Response
) -> ClientAddedOut:
    """登记一个平台；密钥只在此回答一次。

    Register a platform by its metadata. Its secret is in this answer and nowhere else.
    """
    at = provider.clock()
    _check_known(body.metadata)
    wanted = clients.checked(
        body.metadata, "new", at=at, fapi=body.fapi, first_party=body.first_party,
        policy=provider.policy,
    )  # fmt: skip
    registering.fetch_sector(provider, wanted)
    with provider.sessions.begin() as session:
        added = clients.add(
            session, body.metadata, by=caller, at=at, client_id=body.client_id, fapi=body.fapi,
            first_party=body.first_party, policy=provider.policy,
        )  # fmt: skip
        answer = ClientAddedOut(
            **_shown(added.client).model_dump(), client_secret=added.client_secret
        )
    response.headers["Location"] = f"/v1/clients/{added.client.client_id}"
    return answer


# The routes with a word after the id come first: an id may hold a slash.
@router.post(
    "/v1/clients/{client_id:path}/secret", status_code=201,
    summary="更换密钥 / Rotate the secret", openapi_extra=_SECURITY,
)  # fmt: skip
def rotate_client_secret(client_id: ClientId, caller: SystemAdmin, provider: Opened) -> SecretOut:
    """换新密钥；旧的还可用一天。/ A new secret; the old one is taken for another day."""
    at = provider.clock()
    with provider.sessions.begin() as session:
        secret = clients.rotate_secret(session, client_id, by=caller, at=at)
    return SecretOut(client_secret=secret, previous_until=at + clients.OVERLAP)


@router.post(
    "/v1/clients/{client_id:path}/disablement", summary="停用平台 / Switch a platform off",
    openapi_extra=_SECURITY,
)  # fmt: skip
def disable_client(client_id: ClientId, caller: SystemAdmin, provider: Opened) -> ClientOut:
    """停用后不能登录，也不能换取令牌。/ Nobody logs in to it and it gets no tokens."""
    with provider.sessions.begin() as session:
        clients.disable(session, client_id, by=caller, at=provider.clock())
    return _shown(_find(provider, client_id))


@router.post(
    "/v1/clients/{client_id:path}/enablement", summary="启用平台 / Switch a platform on",
    openapi_extra=_SECURITY,
)  # fmt: skip
def enable_client(client_id: ClientId, caller: SystemAdmin, provider: Opened) -> ClientOut:
    """重新启用。/ Let it be used again."""
    with provider.sessions.begin() as session:
        clients.enable(session, client_id, by=caller, at=provider.clock())
    return _shown(_find(provider, client_id))


@router.get(
    "/v1/clients/{client_id:path}", summary="查看平台 / Read a platform", openapi_extra=_SECURITY
)
def read_platform(client_id: ClientId, _caller: SystemReader, provider: Opened) -> ClientOut:
    """元数据与状态，不含密钥。/ Metadata and state; never the secret."""
    return _shown(_find(provider, client_id))


@router.put(
    "/v1/clients/{client_id:path}", summary="替换元数据 / Replace a platform's metadata",
    openapi_extra=_SECURITY,
)  # fmt: skip
def replace_platform(
    client_id: ClientId, body: ClientChangeIn, caller: SystemAdmin, provider: Opened
) -> ClientOut:
    """全部元数据一次替换（RFC 7592, 2.2）；标识、密钥和开关不变。

    All metadata at once (RFC 7592, 2.2); what is left out is gone. Id, secret and switches stay.
    """
    at = provider.clock()
    _check_known(body.metadata)
    if body.metadata.get("client_id", client_id) != client_id:
        raise UnknownMetadata("client_id is that of another platform")
    before = _find(provider, client_id)
    wanted = clients.checked(
        body.metadata, client_id, at=at, fapi=before.fapi, first_party=before.first_party,
        policy=provider.policy,
    )  # fmt: skip
    registering.fetch_sector(provider, wanted)
    with provider.sessions.begin() as session:
        changed = clients.change(
            session, client_id, body.metadata, by=caller, at=at, policy=provider.policy
        )
        return _shown(changed)


def _check_known(metadata: Mapping[str, object]) -> None:
    """RFC 7591 ignores what it does not know; a person who types wants to be told."""
    unknown = sorted(name for name in metadata if name not in _KNOWN)
    if unknown:
        raise UnknownMetadata(f"not metadata of a platform: {', '.join(unknown)[:200]}")


def _find(provider: Provider, client_id: str) -> Client:
    # Not from the cache: an administrator sees what they have just changed.
    clients.forget(client_id)
    found = clients.find(provider.reading, client_id)
    if found is None:
        raise NotFound("there is no such client")
    return found


def _shown(client: Client) -> ClientOut:
    return ClientOut(
        client_id=client.client_id, name=client.name, active=client.active, fapi=client.fapi,
        first_party=client.first_party, created_at=client.created_at,
        metadata=client_metadata.metadata_of(client),
    )  # fmt: skip
