"""Signed status lists: whole as JWT or CWT, and what changed since a time."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from certificates import publish, registry
from certificates.publish import StatusPublisher
from certificates.status import cwt, delta, lists
from certificates.status.publish import StatusForms
from trust.dependencies import Now, Reading, described, publication

router = APIRouter(tags=["公开数据 publications"])

JWT_TYPE = f"application/{lists.TYPE}"
DELTA_TYPE = f"application/{delta.TYPE}"
MAX_AGE = int(publish.TTL.total_seconds())

Number = Annotated[
    int, Path(ge=1, le=2**31 - 1, description="列表号 / The list's number, in each claim")
]


class StatusLists(BaseModel):
    """状态列表的地址 / Where the status lists are."""

    status_lists: list[str] = Field(description="各列表的地址 / The address of each")


def _publisher(request: Request) -> StatusPublisher:
    return cast(StatusPublisher, request.app.state.status_publisher)


def _forms(request: Request) -> StatusForms:
    return cast(StatusForms, request.app.state.status_forms)


@router.get("/status", summary="全部状态列表 / All status lists")
def list_status_lists(reading: Reading, response: Response) -> StatusLists:
    """本地区全部状态列表的地址（IETF Token Status List，列表汇总）。

    The addresses of all status lists of the region (Token Status List, aggregation).
    """
    base_url = registry.region(reading).base_url
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    numbers = registry.list_numbers(reading)
    return StatusLists(status_lists=[lists.subject(base_url, each) for each in numbers])


@router.get(
    "/status/{number}",
    summary="状态列表 / A signed status list",
    response_class=Response,
    responses={
        200: {
            "content": {
                JWT_TYPE: {"schema": {"type": "string"}},
                cwt.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
            }
        },
        304: {"description": "未改变 / Not changed"},
    },
)
def read_status_list(
    request: Request,
    number: Number,
    publisher: Annotated[StatusPublisher, Depends(_publisher)],
    forms: Annotated[StatusForms, Depends(_forms)],
    now: Now,
) -> Response:
    """一批证照的当前状态，供离线核验（IETF Token Status List）；按 Accept 给出 JWT 或 CWT。

    The present states of a batch of licences, for offline use (IETF Token Status List): a JWT, or
    the shorter CWT for `Accept: application/statuslist+cwt`.
    """
    if cwt.MEDIA_TYPE in request.headers.get("accept", "")[:1000]:
        document, media_type = forms.cwt(number, at=now()), cwt.MEDIA_TYPE
    else:
        document, media_type = publisher.token(number, at=now()).encode(), JWT_TYPE
    answer = publication(request, document, media_type=media_type, max_age=MAX_AGE)
    answer.headers["Vary"] = "Accept"
    return answer


@router.get(
    "/status/{number}/delta",
    summary="状态列表的变化 / What changed in a status list",
    response_class=Response,
    responses=described(DELTA_TYPE),
)
def read_status_delta(
    request: Request,
    number: Number,
    forms: Annotated[StatusForms, Depends(_forms)],
    since: Annotated[
        int,
        Query(ge=0, le=2**53 - 1, description="起点，秒，整十分钟 / Seconds, a whole 10 minutes"),
    ],
    now: Now,
) -> Response:
    """自某时起变化的状态；没有时返回 404，请取整个列表。

    What changed since a time at or before the caller's list was signed; 404 when no delta reaches
    that far: then the whole list is fetched.
    """
    document = forms.delta(number, since, at=now())
    return publication(request, document, media_type=DELTA_TYPE, max_age=MAX_AGE)
