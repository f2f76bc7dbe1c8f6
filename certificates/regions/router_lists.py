"""The region's trust list in the XML form of ETSI TS 119 612, for readers of that standard."""

from datetime import datetime
from typing import Annotated, Protocol, cast

from fastapi import APIRouter, Depends, Request, Response

from trust.dependencies import Now, described, publication
from trust.errors import NotFound
from trust.lists_xml import MIME_TYPE

router = APIRouter()


class XmlLists(Protocol):
    def xml(self, *, at: datetime) -> bytes:
        """The list in force; empty where its signer has no place in XML signatures."""
        ...


def _lists(request: Request) -> XmlLists:
    return cast(XmlLists, request.app.state.trust_lists)


@router.get(
    "/trust-list.xml",
    tags=["公开数据 publications"],
    summary="信任列表（XML）/ The trust list as XML",
    response_class=Response,
    responses=described(MIME_TYPE),
)
def read_trust_list_xml(
    request: Request, lists: Annotated[XmlLists, Depends(_lists)], now: Now
) -> Response:
    """与 `/trust-list` 同一内容，ETSI TS 119 612 格式，XAdES-BES 签名。

    What `/trust-list` says, in the form of ETSI TS 119 612 with a XAdES-BES signature.
    """
    document = lists.xml(at=now())
    if not document:
        raise NotFound("the list signer's algorithm has no place in XML signatures")
    return publication(request, document, media_type=MIME_TYPE, max_age=60)
