"""Is this process alive, can it do its work, and what will soon stop it: `/healthz`, `/readyz`.

503 is for what does not work now. What will not work unless somebody does something is a warning
beside it, for an alarm that may wait until the morning.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from ca import clock_order, ending, issuers, signers
from ca.models import Crl, Issuer
from certificates import registry
from certificates.status import lists as status_list
from server.platform import Platform
from trust import list_alarms
from trust.dependencies import Now
from trust.errors import NotFound, TrustError

router = APIRouter(tags=["运行 operation"])

#: What ends sooner is near its end: an operator has so long to notice.
CRL_MARGIN = timedelta(hours=24)
#: Status lists are signed again every hour while this process serves.
LIST_MARGIN = timedelta(hours=1)
#: Without one of these in force the platform cannot do what it is for.
NEEDED = ("seal-maker", "claim-signer", "status-signer", "list-signer", "log-signer", "tsa")


@dataclass(frozen=True, slots=True)
class Leg:
    """One thing that has to work; `problem` is empty when it does."""

    name: str
    problem: str

    def as_json(self) -> dict[str, str | bool]:
        return {"name": self.name, "ready": not self.problem, "problem": self.problem}


@dataclass(frozen=True, slots=True)
class Warned:
    """What will soon not work, or is doubtful. `what` names it, `code` is stable, `detail` is a
    time or a duration."""

    what: str
    code: str
    detail: str

    def as_json(self) -> dict[str, str]:
        return {"what": self.what, "code": self.code, "detail": self.detail}


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
    """逐项检查数据库、密钥库、签名密钥、吊销列表与状态列表；任一项不可用则返回 503。

    临近到期者、时钟回拨列入 warnings，不影响就绪。

    Database, key store, signers, CRLs and status lists, each a leg; 503 when any cannot be used.
    What is near its end, and a clock that was moved back, is in `warnings` and leaves it ready.
    """
    platform, at = cast(Platform, request.app.state.platform), now()
    found = [*legs(platform, at)]
    ready = not any(leg.problem for leg in found)
    body = {
        "ready": ready, "legs": [leg.as_json() for leg in found],
        "warnings": [each.as_json() for each in warnings(platform, at)],
    }  # fmt: skip
    return JSONResponse(body, 200 if ready else 503, {"Cache-Control": "no-store"})


def legs(platform: Platform, at: datetime) -> Iterator[Leg]:
    """What has to work now, here and on the page of the machine's health."""
    yield _leg("database", lambda: _ask(platform))
    yield _leg("keys", lambda: _open_keys(platform))
    yield _leg("signers", lambda: _check_signers(platform, at))
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


def _check_signers(platform: Platform, at: datetime) -> str:
    """Every purpose has a signer in force."""
    missing = []
    with platform.reading() as session:
        for purpose in NEEDED:
            try:
                signers.active(session, purpose, keys=platform.keys, at=at)
            except NotFound:
                missing.append(purpose)
    return f"none in force: {', '.join(missing)}" if missing else ""


def _check_crls(platform: Platform, at: datetime) -> str:
    late = [name for name, until in crl_ends(platform) if until is None or until <= at]
    return f"ended or missing: {', '.join(late)}" if late else ""


def crl_ends(platform: Platform) -> list[tuple[str, datetime | None]]:
    """Of each CA that signs here, and whose certificate is in force: its newest CRL's end."""
    with platform.reading() as session:
        ours = [row.name for row in issuers.ours(session) if issuers.stands(session, row)]
        rows = session.execute(
            select(Issuer.name, func.max(Crl.next_update))
            .outerjoin(Crl, Crl.issuer == Issuer.name)
            .where(Issuer.name.in_(ours))
            .group_by(Issuer.name)
            .order_by(Issuer.name)
        )
        return [(name, until) for name, until in rows]


def warnings(platform: Platform, at: datetime) -> list[Warned]:
    """What soon will not; nothing when the database cannot be asked: its own leg says so."""
    found = []
    try:
        with platform.reading() as session:
            late = clock_order.behind(session, at=at)
            if late > clock_order.TOLERANCE:
                found.append(Warned("clock", "clock_moved_back", f"{late.total_seconds():.0f} s"))
        for name, until in crl_ends(platform):
            if until is not None and at < until < at + CRL_MARGIN:
                found.append(Warned(f"crl {name}", "near_end", _text(until)))
        with platform.reading() as session:
            found += [
                Warned(f"{each.what} {each.name}", _code(each, at), _text(each.ends))
                for each in ending.soon(session, at=at)
            ]
        with platform.reading() as session:
            found += [
                Warned(f"trust_list {each.region}", each.code, _text(each.last_at))
                for each in list_alarms.open_alarms(session)
            ]
    except SQLAlchemyError:
        found.append(Warned("database", "database_unreachable", ""))
    return found


def _code(each: ending.Ending, at: datetime) -> str:
    if each.what == "outside_ca":
        return "not_told"
    return "near_end" if each.ends is None or each.ends > at else "ended"


def _text(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at is not None else ""


def _check_lists(platform: Platform, at: datetime) -> str:
    with platform.reading() as session:
        numbers = registry.list_numbers(session)
    late = []
    for number in numbers:
        listed = status_list.parse(platform.status_publisher.token(number, at=at))
        if listed.expires_at < at + LIST_MARGIN:
            late.append(str(number))
    return f"near their end: {', '.join(late)}" if late else ""
