"""The share interface over plain REST, for platforms with a machine account of role `office`.

Everything is in bodies: holders' codes and purposes do not stand in addresses, which are logged on
the way. The other door to the same verbs is `router_gbt36906`.
"""

import base64
import binascii
import json
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Request, Response

from certificates.share import cipher, links, verbs, verify
from certificates.share.admission import Asking, Way, check_case
from certificates.share.library import Library, Query
from certificates.share.refusals import BadQuery, NotEntrusted
from certificates.share.schemas import (
    AskingIn,
    DataVerificationIn,
    DataVerificationOut,
    FileOut,
    FileVerificationIn,
    FileVerificationOut,
    LinkOut,
    MetadataOut,
    ShareFileIn,
    ShareReadIn,
    ShareSearchIn,
    ShareSearchOut,
    shown,
)
from certificates.share.verify import Said
from sso import authenticate
from trust.access import Caller, Role
from trust.dependencies import Audit, Now, having, no_store

router = APIRouter(tags=["共享 share"], dependencies=[Depends(no_store)])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


#: Whoever has a link has the file; who asked for it is in the details.
LINK = Caller(account="anonymous", authority=None, roles=frozenset())


def library_of(request: Request) -> Library:
    return cast(Library, request.app.state.share_library)


Offices = Annotated[Caller, Depends(having(Role.OFFICE))]
Libraries = Annotated[Library, Depends(library_of)]
Token = Annotated[str, Path(min_length=32, max_length=32, description="一次性编号 / The link")]


def asking_of(request: Request, by: Caller, body: AskingIn, now: Now) -> Asking:
    """What a body says of its call; BadPurpose, BadQuery, NotEntrusted, BadRequestSignature."""
    with library_of(request).reading() as session:
        # Nothing is signed at this door: whoever is registered to sign is heard at the other.
        cipher.check_request(session, by.client, None, token="", data={})
    agent = None
    if body.way is Way.ENTRUSTED:
        agent = authenticate.agent_of(request, body.credential or "", client=by.client)
        if agent is None:
            raise NotEntrusted("the agent's credential is not good here")
    return Asking(
        by, address_of(request), now(), purpose=body.purpose.value() if body.purpose else None,
        way=body.way, agent=agent, case=check_case(body.case_number),
    )  # fmt: skip


def address_of(request: Request) -> str:
    """The address a request came from, as the server decided that proxies may say it."""
    return request.client.host if request.client else ""


@router.post("/v1/share/searches", summary="检索 / Search", openapi_extra=_SECURITY)
def search_shared_licences(
    body: ShareSearchIn, request: Request, caller: Offices, library: Libraries, now: Now
) -> ShareSearchOut:
    """按持证主体代码、证照编号或标识检索；只找得到有权的类型，依职能时限于事项绑定的类型。

    By holder code, number or identifier. Only types the caller has a right to are found, and by
    duty only those bound to the service item.
    """
    asking = asking_of(request, caller, body, now)
    query = Query(
        holder_code=body.holder_code, number=body.number, licence=body.licence,
        type_code=body.type,
    )  # fmt: skip
    page = verbs.find(library, asking, query, limit=body.limit, after=body.after)
    return ShareSearchOut(items=[shown(row) for row in page.rows], next=page.next)


@router.post("/v1/share/metadata", summary="信息获取 / Read items", openapi_extra=_SECURITY)
def read_shared_items(
    body: ShareReadIn, request: Request, caller: Offices, library: Libraries, now: Now
) -> MetadataOut:
    """权限范围内的信息项；encrypt 为 sm2 时加密后返回。

    The items that the right covers, on request as SM2 ciphertext for the caller's key.
    """
    asking = asking_of(request, caller, body, now)
    if body.encrypt:
        with library.reading() as session:  # no key: refused before anything is opened
            cipher.require_key(session, caller.client)
    found = verbs.read(library, asking, body.licence)
    licence, items = shown(found.licence), dict(found.items)
    if not body.encrypt:
        return MetadataOut(licence=licence, items=items, encrypted=None)
    plain = json.dumps(items, ensure_ascii=False).encode()
    with library.reading() as session:
        sealed = cipher.encrypt(session, caller.client, plain)
    return MetadataOut(licence=licence, items=None, encrypted=sealed)


@router.post("/v1/share/files", summary="文件获取 / Get a file", openapi_extra=_SECURITY)
def share_licence_file(
    body: ShareFileIn, request: Request, caller: Offices, library: Libraries, now: Now
) -> FileOut:
    """说明用途的，制作并返回加注件；有原件权限且不说明用途的，返回原件。

    With a purpose a copy marked with it is made and returned; the original without one, to callers
    with a right to originals.
    """
    asking = asking_of(request, caller, body, now)
    given = verbs.give(library, asking, body.licence, maker=body.maker, until=body.until)
    return FileOut(
        licence=given.licence, copy_number=given.copy, content_type="base64",
        content=base64.b64encode(given.pdf).decode(),
    )  # fmt: skip


@router.post(
    "/v1/share/links", status_code=201, summary="地址获取 / Get a link", openapi_extra=_SECURITY
)
def share_licence_link(
    body: ShareFileIn, request: Request, caller: Offices, library: Libraries, now: Now
) -> LinkOut:
    """同一文件的一次性下载地址，十分钟内有效。/ A link to the same file, once, for ten minutes."""
    asking = asking_of(request, caller, body, now)
    token = verbs.link(library, asking, body.licence, maker=body.maker, until=body.until)
    return LinkOut(url=url_of(request, token), expires_at=asking.at + links.LIFE)


def url_of(request: Request, token: str) -> str:
    return f"{request.app.state.base_url}/v1/share/files/{token}"


@router.get(
    "/v1/share/files/{token}", summary="下载 / Fetch a link's file", response_class=Response,
    responses=_PDF,
)  # fmt: skip
def fetch_shared_file(token: Token, library: Libraries, audit: Audit, now: Now) -> Response:
    """只能下载一次；传输中断须重新获取地址。

    Once. A transfer that breaks off has used the link up: ask for another.
    """
    at = now()
    with library.sessions.begin() as session:
        spent = links.spend(session, token, at=at)
    audit.record(
        "share.downloaded", subject=spent.licence, by=LINK, at=at,
        details={"for": spent.made_for, "file": spent.stored_as},
    )  # fmt: skip
    headers = {
        "Content-Disposition": 'attachment; filename="licence.pdf"', "Cache-Control": "no-store",
    }  # fmt: skip
    return Response(
        library.store.get(spent.stored_as), media_type="application/pdf", headers=headers
    )


@router.head("/v1/share/files/{token}", include_in_schema=False)
def probe_shared_file(token: Token, library: Libraries, now: Now) -> Response:
    """Programs that look at a link before they fetch it do not use it up."""
    with library.reading() as session:
        links.check(session, token, at=now())
    return Response(media_type="application/pdf", headers={"Cache-Control": "no-store"})


@router.post(
    "/v1/share/data-verifications", summary="信息验证 / Verify data", openapi_extra=_SECURITY
)
def verify_shared_data(
    body: DataVerificationIn, request: Request, caller: Offices, library: Libraries, now: Now
) -> DataVerificationOut:
    """0 一致有效，1 未生效，2 暂时无效，3 已失效，4 条件不足，5 无此证照，6 不一致。

    0 correct and valid, 1 not yet, 2 suspended, 3 no longer valid, 4 too little to decide, 5 no
    such record, 6 wrong.
    """
    asking = asking_of(request, caller, body, now)
    said = Said(
        body.type, licence=body.licence, number=body.number, holder=body.holder,
        holder_code=body.holder_code, items=body.items,
    )  # fmt: skip
    return DataVerificationOut(result=int(verify.data(library, asking, said)))


@router.post(
    "/v1/share/file-verifications", summary="文件验证 / Verify a file", openapi_extra=_SECURITY
)
def verify_shared_file(
    body: FileVerificationIn, request: Request, caller: Offices, library: Libraries, now: Now
) -> FileVerificationOut:
    """0 通过，1 印章验证不通过，2 文件验证不通过；附完整的核验报告。

    0 passed, 1 a seal fails, 2 the file fails; the whole report beside it.
    """
    asking = asking_of(request, caller, body, now)
    found = verify.file(library, asking, body.type, decoded(body.content))
    return FileVerificationOut(result=int(found.result), report=found.report.as_json())


def decoded(text: str) -> bytes:
    """A file in base64; BadQuery for what is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadQuery("the content is base64") from error
