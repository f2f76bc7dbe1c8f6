"""The share interface in the envelope of GB/T 36906 (`gbt36906`): a second door to the same verbs.

The caller is a platform with a machine account. `token` gives its access token for its secret; a
platform that proves itself by a key or certificate gets one at /oauth2/token and shows it here.
"""

import base64
import json
from datetime import datetime, time
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from certificates.content import parse_date
from certificates.search import Found
from certificates.share import cipher, gbt36906, verbs, verify
from certificates.share.admission import Asking, Way, check_case
from certificates.share.gbt36906 import OPERATIONS, BadEnvelope, Dialect, Envelope
from certificates.share.library import Library, Query
from certificates.share.refusals import NotEntrusted
from certificates.share.router import Libraries, address_of, decoded, url_of
from certificates.share.verify import Said
from certificates.share.words import WORDS
from sso import authenticate, clients, token_endpoint
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from trust.access import Caller, Role
from trust.clock import CHINA
from trust.dependencies import Now, no_store
from trust.errors import Forbidden, TrustError, Unauthenticated

router = APIRouter(tags=["共享 share"], dependencies=[Depends(no_store)])

BODY_MAX: Final = 1024 * 1024
_LAST: Final = time(23, 59, 59)
_ENVELOPE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object", "required": ["head", "data"],
                    "properties": {
                        "head": {
                            "type": "object",
                            "properties": {
                                "accessId": {"type": "string"},
                                "accessToken": {"type": "string"},
                                "sign": {"type": "string"},
                            },
                        },
                        "data": {"type": "object"},
                    },
                }
            }
        },
    }
}  # fmt: skip
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "head.status 为 0 即成功 / 0 in head.status is success",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object", "required": ["head", "data"],
                    "properties": {
                        "head": {
                            "type": "object",
                            "properties": {
                                "status": {"type": "integer"}, "message": {"type": "string"},
                            },
                        },
                        "data": {"type": "object"},
                    },
                }
            }
        },
    }
}  # fmt: skip


async def _body(request: Request) -> bytes:
    found = bytearray()
    try:
        async for chunk in request.stream():
            found += chunk
            if len(found) > BODY_MAX:
                break  # load_json says so
    except ClientDisconnect:
        return b""
    return bytes(found)


Body = Annotated[bytes, Depends(_body)]
Operation = Annotated[str, Path(max_length=32, description="操作 / One of docs/share.md")]


@router.post(
    "/zzgx/v1/{operation}", summary="GB/T 36906 报文 / In the envelope of GB/T 36906",
    openapi_extra=_ENVELOPE, responses=_ANSWER, response_class=JSONResponse,
)  # fmt: skip
def serve_envelope(
    operation: Operation, body: Body, request: Request, library: Libraries, now: Now
) -> JSONResponse:
    """检索、文件获取、地址获取、信息获取、信息验证、文件验证和令牌；结果代码在 head.status 中。

    Search, file, URL, metadata, verify data, verify file, token. Refusals are told in head.status
    under HTTP 200, as the systems that speak this expect.
    """
    verb, dialect = OPERATIONS.get(operation, ("", gbt36906.ESTATE))
    try:
        if not verb:
            raise BadEnvelope("there is no such operation")
        envelope = gbt36906.read(body, dialect, cap=BODY_MAX)
        if verb == "token":
            data = _token(request, envelope)
        else:
            data = _Door(request, library, envelope, dialect, now()).serve(verb)
    except TrustError as error:
        zh, en = WORDS.get(error.code, ("", ""))
        said = f"{zh} {en}".strip() or "拒绝 refused"
        return _told(gbt36906.answer(dialect.status(error), f"{error.code}: {said}"))
    return _told(gbt36906.answer(0, "成功 success", data))


def _told(content: dict[str, Any]) -> JSONResponse:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _token(request: Request, envelope: Envelope) -> dict[str, Any]:
    """An access token for a platform's id and secret, exactly as the token endpoint gives it."""
    provider = cast(Provider, request.app.state.provider)
    secret = envelope.text("accessSecret", most=512)
    form = {
        "grant_type": "client_credentials", "scope": authenticate.SCOPE,
        "client_id": envelope.access_id[:100],
    }  # fmt: skip
    headers: dict[str, str] = {}
    known = clients.find(provider.reading, envelope.access_id)
    if known is not None and known.auth_method == "client_secret_basic":
        pair = f"{envelope.access_id}:{secret}".encode()
        headers["authorization"] = "Basic " + base64.b64encode(pair).decode()
    elif secret:
        form["client_secret"] = secret
    try:
        found = token_endpoint.answer(
            provider, headers, form, proofs=Headers(), at=provider.clock(),
            certificate=authenticate.client_certificate(request),
        )  # fmt: skip
    except OAuthError as error:
        raise Unauthenticated("the platform is not known by this") from error
    return {"accessToken": found["access_token"], "expiresIn": found["expires_in"]}


class _Door:
    """One request: its caller found, its signature checked, then the verb."""

    def __init__(
        self, request: Request, library: Library, envelope: Envelope, dialect: Dialect,
        at: datetime,
    ) -> None:  # fmt: skip
        self._request, self._library = request, library
        self._envelope, self._names = envelope, dialect.names
        self._caller = self._authenticated()
        self._at = at

    def _authenticated(self) -> Caller:
        envelope = self._envelope
        if not envelope.access_token:
            raise Unauthenticated("accessToken is missing")
        caller = authenticate.caller_by(self._request, envelope.access_token)
        if caller.client is None or caller.client != envelope.access_id:
            raise Unauthenticated("the token is another platform's")
        if not caller.has(Role.OFFICE):
            raise Forbidden("this takes the role office")
        with self._library.reading() as session:
            cipher.check_request(
                session, caller.client, envelope.sign, token=envelope.access_token,
                data=envelope.data,
            )  # fmt: skip
        return caller

    def serve(self, verb: str) -> dict[str, Any]:
        served = {
            "search": self._search, "metadata": self._metadata, "file": self._file,
            "url": self._url, "verify_data": self._verify_data, "verify_file": self._verify_file,
        }  # fmt: skip
        return served[verb]()

    def _asking(self) -> Asking:
        envelope, way, agent = self._envelope, self._envelope.way(), None
        if way is Way.ENTRUSTED:
            credential = envelope.text("credential", most=authenticate.TOKEN_MAX)
            agent = authenticate.agent_of(self._request, credential, client=self._caller.client)
            if agent is None:
                raise NotEntrusted("the agent's credential is not good here")
        return Asking(
            self._caller, address_of(self._request), self._at, purpose=envelope.purpose(), way=way,
            agent=agent, case=check_case(envelope.text("bizNum")),
        )  # fmt: skip

    def _text(self, name: str) -> str:
        return self._envelope.text(self._names[name])

    def _required(self, name: str) -> str:
        return self._envelope.required(self._names[name])

    def _search(self) -> dict[str, Any]:
        query = Query(
            holder_code=self._text("holder_code"), number=self._text("number"),
            licence=self._text("licence"), type_code=self._text("type"),
        )  # fmt: skip
        page = verbs.find(
            self._library, self._asking(), query, limit=self._envelope.page_size(),
            after=self._envelope.text("after"),
        )  # fmt: skip
        return {"certs": [self._row(row) for row in page.rows], "next": page.next or ""}

    def _row(self, row: Found) -> dict[str, Any]:
        names = self._names
        return {
            names["licence"]: row.identifier, names["type"]: row.type_code,
            names["number"]: row.number, names["holder"]: row.holder_public,
            "state": str(row.state), "authority": row.authority,
            "validFrom": f"{row.valid_from:%Y%m%d}",
            "validUntil": f"{row.valid_until:%Y%m%d}" if row.valid_until else "",
        }  # fmt: skip

    def _metadata(self) -> dict[str, Any]:
        encrypt, client = self._envelope.text("encrypt", most=8), self._caller.client
        if encrypt not in ("", "sm2"):
            raise BadEnvelope("encrypt is sm2, or left out")
        if encrypt:
            with self._library.reading() as session:
                cipher.require_key(session, client)
        found = verbs.read(self._library, self._asking(), self._required("licence"))
        answer: dict[str, Any] = {self._names["licence"]: found.licence.identifier}
        if not encrypt:
            return answer | {"certInfo": dict(found.items)}
        plain = json.dumps(dict(found.items), ensure_ascii=False).encode()
        with self._library.reading() as session:
            return answer | {"encrypted": cipher.encrypt(session, client, plain)}

    def _copy(self) -> tuple[str, datetime | None]:
        """For whom the copy is made, and its last day."""
        maker = self._text("maker") or self._caller.client or self._caller.account
        text = self._text("until")
        if not text:
            return maker, None
        return maker, datetime.combine(parse_date(self._names["until"], text), _LAST, CHINA)

    def _file(self) -> dict[str, Any]:
        maker, until = self._copy()
        given = verbs.give(
            self._library, self._asking(), self._required("licence"), maker=maker, until=until
        )
        return {
            "contentType": "base64", "content": base64.b64encode(given.pdf).decode(),
            self._names["licence"]: given.licence, "copyNumber": given.copy or "",
        }  # fmt: skip

    def _url(self) -> dict[str, Any]:
        maker, until = self._copy()
        licence = self._required("licence")
        token = verbs.link(self._library, self._asking(), licence, maker=maker, until=until)
        return {
            "contentType": "http", "content": url_of(self._request, token),
            self._names["licence"]: licence,
        }  # fmt: skip

    def _verify_data(self) -> dict[str, Any]:
        """`data` holds what is said: the family's own names, and items by their short names."""
        nested = self._envelope.data.get("data")
        if not isinstance(nested, dict) or not all(isinstance(v, str) for v in nested.values()):
            raise BadEnvelope("data is an object of texts")
        theirs = {name: ours for ours, name in self._names.items()}
        ours = {theirs[name]: value for name, value in nested.items() if name in theirs}
        items = {name: value for name, value in nested.items() if name not in theirs}
        said = Said(
            self._required("type"), licence=ours.get("licence", ""),
            number=ours.get("number", ""), holder=ours.get("holder", ""),
            holder_code=ours.get("holder_code", ""), items=items,
        )  # fmt: skip
        return {"result": int(verify.data(self._library, self._asking(), said))}

    def _verify_file(self) -> dict[str, Any]:
        envelope = self._envelope
        if envelope.required("contentType", most=16) != "base64":
            raise BadEnvelope("contentType is base64")
        content = decoded(envelope.required("content", most=BODY_MAX))
        found = verify.file(self._library, self._asking(), self._required("type"), content)
        return {"result": int(found.result), "outcome": str(found.report.outcome)}
