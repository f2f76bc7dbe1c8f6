"""Webhooks over HTTP: who hears of licences' changes.

Receivers are set up by system administrators; audit administrators may look.
"""

from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from certificates.feeds import webhooks, webhooks_replay
from certificates.feeds.webhooks import Wanted
from certificates.feeds.webhooks_models import WebhookDelivery, WebhookSubscription
from certificates.feeds.webhooks_signature import SignatureKind
from trust.dependencies import DbSession, Now, Reading, SystemAdmin, SystemReader, no_store
from trust.vault import Vault

router = APIRouter(tags=["事件 events"], dependencies=[Depends(no_store)])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
_PAGE = 200


def _vault(request: Request) -> Vault:
    return cast(Vault, request.app.state.vault)


def _allow_private(request: Request) -> bool:
    return bool(request.app.state.allow_private_callbacks)


Vaults = Annotated[Vault, Depends(_vault)]
AllowPrivate = Annotated[bool, Depends(_allow_private)]
Key = Annotated[str, Path(max_length=32, description="订阅编号 / The receiver's id")]


class WebhookIn(BaseModel):
    """一个推送订阅 / A receiver; `kinds` and `types` empty: everything."""

    name: str = Field(min_length=1, max_length=100, description="名称 / Name")
    url: str = Field(max_length=2000, description="https 地址 / An https address")
    kinds: list[str] = Field(
        default_factory=list, max_length=20, description="事件 / issued, or a state's name"
    )
    types: list[str] = Field(
        default_factory=list, max_length=200, description="证照类型代码 / Codes of licence types"
    )
    signature: SignatureKind = Field(
        default=SignatureKind.SHA256, description="签名算法 / HMAC by SHA-256 or by SM3"
    )

    def wanted(self) -> Wanted:
        return Wanted(self.name, self.url, tuple(self.kinds), tuple(self.types), self.signature)


class WebhookOut(WebhookIn):
    """订阅及其状态 / A receiver as it stands, without its secret."""

    id: str = Field(description="编号 / Id")
    active: bool = Field(description="是否推送 / Whether anything is sent")
    next_at: datetime | None = Field(None, description="下次推送 / When it is tried next")


class WebhookSecretOut(BaseModel):
    """密钥，仅显示一次 / The secret, shown once."""

    id: str
    secret: str = Field(description="whsec_ 及其 base64 / whsec_ and base64 of 32 bytes")


class DeliveryOut(BaseModel):
    """一条消息 / One message of a receiver's queue."""

    id: int
    message: str = Field(description="webhook-id")
    event: int = Field(description="事件序号 / The event's sequence")
    state: str = Field(description="waiting, delivered 或 dead / or dead (given up)")
    tried: int = Field(description="已试次数 / Tries so far")
    last_at: datetime | None = None
    last_error: str | None = None


class ReplayIn(BaseModel):
    """从哪个事件起重发 / From which event on everything is told again."""

    first: int = Field(ge=1, le=2**53 - 1, description="事件序号 / An event's sequence")


class CountOut(BaseModel):
    """条数 / How many messages."""

    messages: int


def _shown(row: WebhookSubscription) -> WebhookOut:
    return WebhookOut(
        id=row.id, name=row.name, url=row.url, kinds=row.kinds, types=row.types,
        signature=SignatureKind(row.signature), active=row.active, next_at=row.next_at,
    )  # fmt: skip


@router.get("/v1/webhooks", summary="推送订阅 / All receivers", openapi_extra=_SECURITY)
def list_webhooks(caller: SystemReader, session: Reading) -> list[WebhookOut]:
    """全部订阅，不含密钥。

    All receivers, without their secrets.
    """
    return [_shown(row) for row in webhooks.every(session)]


@router.post(
    "/v1/webhooks", status_code=201, summary="登记订阅 / Add a receiver", openapi_extra=_SECURITY
)
def create_webhook(
    body: WebhookIn, caller: SystemAdmin, session: DbSession, now: Now, vault: Vaults,
    allow_private: AllowPrivate,
) -> WebhookSecretOut:  # fmt: skip
    """从现在起的事件按序推送到该地址；密钥仅此一次显示。

    Events from now on are sent to the address, in order. The secret is shown this once.
    """
    with session.begin():
        made = webhooks.subscribe(
            session, body.wanted(), vault=vault, by=caller, at=now(), allow_private=allow_private
        )
    return WebhookSecretOut(id=made.id, secret=made.secret)


@router.put("/v1/webhooks/{key}", summary="修改订阅 / Change a receiver", openapi_extra=_SECURITY)
def change_webhook(
    key: Key, body: WebhookIn, caller: SystemAdmin, session: DbSession, now: Now,
    allow_private: AllowPrivate,
) -> WebhookOut:  # fmt: skip
    """改变地址、事件或类型；排队中的消息发往新地址。

    Another address, other kinds or types; what is queued goes to the new address.
    """
    with session.begin():
        return _shown(
            webhooks.change(
                session, key, body.wanted(), by=caller, at=now(), allow_private=allow_private
            )
        )


@router.delete(
    "/v1/webhooks/{key}", status_code=204, summary="删除订阅 / Remove a receiver",
    openapi_extra=_SECURITY,
)  # fmt: skip
def remove_webhook(key: Key, caller: SystemAdmin, session: DbSession, now: Now) -> None:
    """删除订阅及其队列。

    The receiver and its queue, for good.
    """
    with session.begin():
        webhooks.remove(session, key, by=caller, at=now())


@router.post(
    "/v1/webhooks/{key}/secret", status_code=201, summary="更换密钥 / A new secret",
    openapi_extra=_SECURITY,
)  # fmt: skip
def rotate_webhook(
    key: Key, caller: SystemAdmin, session: DbSession, now: Now, vault: Vaults
) -> WebhookSecretOut:
    """新密钥立即生效，旧密钥 24 小时内同时签名。

    For 24 hours every message is signed with the old secret too.
    """
    with session.begin():
        made = webhooks.rotate(session, key, vault=vault, by=caller, at=now())
    return WebhookSecretOut(id=made.id, secret=made.secret)


@router.post(
    "/v1/webhooks/{key}/pause", status_code=204, summary="暂停 / Pause", openapi_extra=_SECURITY
)
def pause_webhook(key: Key, caller: SystemAdmin, session: DbSession, now: Now) -> None:
    """不再推送；已排队的消息保留。

    Nothing is sent any more; what is queued waits.
    """
    with session.begin():
        webhooks.pause(session, key, by=caller, at=now())


@router.post(
    "/v1/webhooks/{key}/resume", status_code=204, summary="恢复 / Resume", openapi_extra=_SECURITY
)
def resume_webhook(key: Key, caller: SystemAdmin, session: DbSession, now: Now) -> None:
    """恢复推送。

    Sends again, at once what is queued.
    """
    with session.begin():
        webhooks.resume(session, key, by=caller, at=now())


@router.get(
    "/v1/webhooks/{key}/deliveries", summary="消息 / A receiver's messages", openapi_extra=_SECURITY
)
def list_deliveries(
    key: Key, caller: SystemReader, session: Reading,
    state: Annotated[str, Query(pattern="^(|waiting|delivered|dead)$")] = "",
    before: Annotated[int, Query(ge=1, le=2**53 - 1)] = 2**53 - 1,
) -> list[DeliveryOut]:  # fmt: skip
    """最新的在前，每次至多 200 条；`before` 取更早的。

    The newest first, at most 200; `before` takes older ones.
    """
    webhooks.find(session, key)
    return [_delivery(row) for row in webhooks.deliveries(session, key, state=state, before=before)]


def _delivery(row: WebhookDelivery) -> DeliveryOut:
    return DeliveryOut(
        id=row.id, message=row.message, event=row.event, state=row.state, tried=row.tried,
        last_at=row.last_at, last_error=row.last_error,
    )  # fmt: skip


@router.post(
    "/v1/webhooks/{key}/retry", summary="重试未送达的 / Try dead letters again",
    openapi_extra=_SECURITY,
)  # fmt: skip
def retry_webhook(key: Key, caller: SystemAdmin, session: DbSession, now: Now) -> CountOut:
    """把已放弃的消息全部重新排队，编号不变。

    Every message that was given up is queued again, under its id.
    """
    with session.begin():
        return CountOut(messages=webhooks.retry_all(session, key, by=caller, at=now()))


@router.post(
    "/v1/webhooks/{key}/replay", summary="重发 / Tell again from an event on",
    openapi_extra=_SECURITY,
)  # fmt: skip
def replay_webhook(
    key: Key, body: ReplayIn, caller: SystemAdmin, session: DbSession, now: Now
) -> CountOut:
    """从某事件起重发，至多一万条；发过的消息编号不变。

    At most 10,000 events; what was sent before keeps its webhook-id.
    """
    with session.begin():
        told = webhooks_replay.replay(session, key, first=body.first, by=caller, at=now())
        return CountOut(messages=told)
