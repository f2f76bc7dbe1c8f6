"""Is this process alive, and can it do its work: `/healthz` and `/readyz`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from ca.models import Crl, Issuer
from certificates import registry, status_list
from server.platform import Platform
from trust.dependencies import Now
from trust.errors import TrustError

router = APIRouter(tags=["运行 operation"])

#: What ends sooner is near its end: an operator has so long to notice.
CRL_MARGIN = timedelta(hours=24)
#: Status lists are signed again every hour while this process serves.
LIST_MARGIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Leg:
    """One thing that has to work; `problem` is empty when it does."""

    name: str
    problem: str

    def as_json(self) -> dict[str, str | bool]:
        return {"name": self.name, "ready": not self.problem, "problem": self.problem}


@router.get("/healthz", summary="存活检查 / Alive")
def read_health() -> dict[str, str]:
    """进程存活即返回 200。

    200 whenever this process answers at all.
    """
    return {"status": "alive"}


@router.get(
    "/readyz",
    summary="就绪检查 / Ready",
    responses={503: {"description": "有检查项未就绪 / A leg is not ready"}},
)
def read_readiness(request: Request, now: Now) -> JSONResponse:
    """逐项检查数据库、密钥库、吊销列表与状态列表；任一项未就绪则返回 503。

    Database, key store, CRLs and status lists, each a leg; 503 when any is not ready.
    """
    platform = cast(Platform, request.app.state.platform)
    legs = [*_legs(platform, now())]
    ready = not any(leg.problem for leg in legs)
    body = {"ready": ready, "legs": [leg.as_json() for leg in legs]}
    return JSONResponse(body, 200 if ready else 503, {"Cache-Control": "no-store"})


def _legs(platform: Platform, at: datetime) -> Iterator[Leg]:
    yield _leg("database", lambda: _ask(platform))
    yield _leg("keys", lambda: _open_keys(platform))
    yield _leg("crls", lambda: _check_crls(platform, at))
    yield _leg("status_lists", lambda: _check_lists(platform, at))


def _leg(name: str, check: Callable[[], str]) -> Leg:
    try:
        return Leg(name, check())
    except TrustError as error:
        return Leg(name, error.code)
    except SQLAlchemyError:
        return Leg(name, "database unreachable")


def _ask(platform: Platform) -> str:
    with platform.reading() as session:
        session.execute(text("SELECT 1"))
    return ""


def _open_keys(platform: Platform) -> str:
    return "" if platform.keys.ids() else "no keys"


def _check_crls(platform: Platform, at: datetime) -> str:
    with platform.reading() as session:
        rows = session.execute(
            select(Issuer.name, func.max(Crl.next_update))
            .outerjoin(Crl, Crl.issuer == Issuer.name)
            .group_by(Issuer.name)
            .order_by(Issuer.name)
        ).all()
    late = [name for name, until in rows if until is None or until < at + CRL_MARGIN]
    return f"near their end: {', '.join(late)}" if late else ""


def _check_lists(platform: Platform, at: datetime) -> str:
    with platform.reading() as session:
        numbers = registry.list_numbers(session)
    late = []
    for number in numbers:
        listed = status_list.parse(platform.status_publisher.token(number, at=at))
        if listed.expires_at < at + LIST_MARGIN:
            late.append(str(number))
    return f"near their end: {', '.join(late)}" if late else ""
