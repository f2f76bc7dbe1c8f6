"""Questions between regions: theirs to us, and those of our offices to them."""

from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from certificates.regions.exchange_answering import Answering
from certificates.regions.exchange_asking import Asking, Wish
from certificates.regions.exchange_messages import MEDIA_TYPE, QUESTION_MAX, BadExchange, Kind, Told
from certificates.schemas import CheckOut
from trust.access import Caller, Role
from trust.dependencies import Now, having, no_store
from trust.report import Check

router = APIRouter(tags=["互认 exchange"])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
_MESSAGE: dict[str, Any] = {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}


def _answering(request: Request) -> Answering:
    return cast(Answering, request.app.state.answering)


def _asking(request: Request) -> Asking:
    return cast(Asking, request.app.state.asking)


async def _message(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > QUESTION_MAX:
            raise BadExchange(f"a question has at most {QUESTION_MAX} bytes")
    return body.decode("ascii", "replace").strip()


@router.post(
    "/v1/exchange",
    summary="答复其他地区的查询 / Answer another region's question",
    response_class=Response,
    responses={200: _MESSAGE},
    openapi_extra={"requestBody": {"required": True, **_MESSAGE}},
    dependencies=[Depends(no_store)],
)
def answer_question(
    message: Annotated[str, Depends(_message)],
    answering: Annotated[Answering, Depends(_answering)],
    now: Now,
) -> Response:
    """其他地区以签名 (JWS) 提问，本地区以签名答复；双方凭信任列表中的证书互认，
    问答均留存并加盖时间戳。

    A question signed (JWS) by another region's exchange signer, answered by a JWS that is bound to
    its digest. Each side is known by its trust list; both keep question and answer, time-stamped.
    """
    return Response(answering.answer(message, at=now()), media_type=MEDIA_TYPE)


class QuestionIn(BaseModel):
    """按证照标识查询，或按编号与类型查询 / By identifier, or by number and type."""

    model_config = ConfigDict(extra="forbid")

    region: str = Field(pattern=r"^[0-9]{6}$", description="颁发地区 / The issuing region")
    kind: Literal["status", "number", "log"] = Field(
        description="状态、按编号、或连同日志证明 / State, by number, or with the log's proof"
    )
    identifier: str = Field("", max_length=200, description="电子证照标识 / Licence identifier")
    number: str = Field("", max_length=128, description="证照编号 / Number on the licence")
    type_code: str = Field("", max_length=21, description="证照类型代码 / Type code")
    purpose: str = Field(min_length=1, max_length=300, description="用途 / What it is for")

    def wish(self) -> Wish:
        """BadExchange unless exactly what the kind needs is given."""
        by_number = bool(self.number and self.type_code) and not self.identifier
        by_identifier = bool(self.identifier) and not self.number and not self.type_code
        if by_number != (self.kind == "number") or not (by_number or by_identifier):
            raise BadExchange("give the identifier, or for kind number the number and type_code")
        return Wish(
            self.region, Kind(self.kind), self.identifier, self.number, self.type_code
        )  # fmt: skip


class ForeignLicenceOut(BaseModel):
    """颁发地区所述，持证主体已脱敏 / What the issuing region says; the holder is masked."""

    identifier: str
    type_code: str
    number: str
    authority: str
    holder: str
    issued: str
    valid_from: str
    valid_until: str | None
    state: str = Field(description="颁发地区所称状态 / The state as that region calls it")
    state_at: str
    check: CheckOut = Field(description="结合其状态列表的结论 / With its status list considered")


class AnsweredOut(BaseModel):
    """一次查询的结果 / What came of a question."""

    id: str = Field(description="查询编号，可据此取证 / Finds the evidence")
    answered_at: str
    licences: list[ForeignLicenceOut]
    log: dict[str, Any] | None = Field(description="公开日志证明 / The public log's proof")


@router.post(
    "/v1/exchange/questions",
    summary="向其他地区查询证照 / Ask another region about a licence",
    openapi_extra=_SECURITY,
    dependencies=[Depends(no_store)],
)
def ask_question(
    body: QuestionIn,
    caller: Annotated[Caller, Depends(having(Role.OFFICE, Role.CLERK, Role.APPROVER))],
    asking: Annotated[Asking, Depends(_asking)],
    now: Now,
) -> AnsweredOut:
    """用证单位或工作人员向颁发地区查询一份证照，须说明用途。

    An office, or staff, asks the issuing region about one licence, for a stated purpose.
    """
    found = asking.ask(body.wish(), purpose=body.purpose, by=caller, at=now())
    return AnsweredOut(
        id=found.id, answered_at=found.answer.answered_at.isoformat(), log=found.answer.log,
        licences=[
            _shown(told, check)
            for told, check in zip(found.answer.licences, found.checks, strict=True)
        ],
    )  # fmt: skip


def _shown(told: Told, check: Check) -> ForeignLicenceOut:
    return ForeignLicenceOut(
        identifier=told.identifier, type_code=told.type_code, number=told.number,
        authority=told.authority, holder=told.holder, issued=told.issued,
        valid_from=told.valid_from, valid_until=told.valid_until, state=told.state,
        state_at=told.state_at.isoformat(), check=CheckOut.model_validate(check.as_json()),
    )  # fmt: skip
