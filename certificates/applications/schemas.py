"""The shapes of applications, licences and grants over HTTP."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from certificates.models import ApplicationKind, ApplicationState, LicenceState
from certificates.qr import READ_MAX

#: Base64 of the largest licence file that is read.
FILE_MAX = 8 * 1024 * 1024
Uscc = Annotated[str, Field(min_length=18, max_length=18)]
Reason = Annotated[
    str,
    Field(min_length=1, max_length=500, description="理由（不写个人信息） / Why"),
]


def _in_utc(value: datetime) -> datetime:
    """An instant near either end of the calendar has none in UTC."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no such instant in UTC") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
#: Field names to values; which there are, the type says.
Content = Annotated[dict[Annotated[str, Field(max_length=64)], Any], Field(max_length=200)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TransferIn(Body):
    """另一地区证照的凭据，二者之一 / The other region's licence, one of the two."""

    qr: str | None = Field(None, max_length=READ_MAX, description="二维码文本 / The QR code's text")
    file: str | None = Field(
        None, max_length=FILE_MAX, description="证照文件，base64 / The sealed PDF in base64"
    )


class ApplicationIn(Body):
    """一件申请 / An application."""

    type: str = Field(
        max_length=100, description="证照类型代码、短名或名称 / Type: code, slug, name"
    )
    content: Content = Field(description="按类型规定的内容 / Content as the type says")
    authority: Uscc | None = Field(
        None, description="颁发机构，受委托办理时填写 / Issuing authority, when acting for another"
    )
    kind: Literal["new", "reissue", "transfer_in", "stock"] = Field(
        "new", description="新办、换发、转入、存量 / Why it is applied for"
    )
    previous: str | None = Field(
        None, max_length=200, description="原证照标识（关联证照） / The licence that it follows"
    )
    transfer: TransferIn | None = Field(None, description="转入时提交 / For a transfer")
    joint: list[Uscc] = Field(
        default=[], max_length=7, description="联合颁发机构 / Who seals besides"
    )
    paper_number: str | None = Field(None, max_length=128, description="纸质证照编号 / On paper")
    item_code: str | None = Field(None, max_length=64, description="事项编码 / Service item")
    case_number: str | None = Field(None, max_length=64, description="办件编号 / Case number")


class CorrectionIn(Body):
    """补正后的内容 / The content, corrected."""

    content: Content = Field(description="完整内容 / The whole content")
    transfer: TransferIn | None = Field(None, description="转入时重新提交 / For a transfer, again")


class LookedAt(Body):
    """所看的版本 / Which revision was looked at."""

    revision: int | None = Field(
        None, ge=1, le=2**31 - 1,
        description="内容版本；已更正则拒绝 / Refused when it was corrected since",
    )  # fmt: skip


class StepIn(LookedAt):
    """审查、审核的意见 / What the check or review found."""

    note: str = Field("", max_length=500, description="意见 / Note; no personal data")


class DecisionReasonIn(Body):
    """退回、不予许可、撤回的理由 / Why."""

    reason: Reason


class StateChangeIn(Body):
    """变更证照状态的依据和理由 / Legal basis and reason of a change."""

    basis: str = Field(min_length=1, max_length=300, description="法律依据 / Legal basis")
    reason: Reason


class CancellationIn(StateChangeIn):
    """注销 / Cancellation."""

    cause: Literal["1", "2"] = Field("1", description="1 一般注销，2 错发 / 1 ordinary, 2 in error")


class ApplicationOut(BaseModel):
    """申请的状态 / How an application stands."""

    id: UUID = Field(description="申请编号 / The application")
    type: str = Field(description="证照类型 / Type")
    type_code: str = Field(description="证照类型代码 / Type code (GB/T 36902)")
    type_version: str = Field(description="类型版本 / The type's version")
    authority: str = Field(description="颁发机构代码 / The authority's code")
    acting: str | None = Field(None, description="受委托机构 / Who acts for it")
    kind: ApplicationKind = Field(description="申请种类 / Kind")
    state: ApplicationState = Field(description="状态 / State")
    case_number: str | None = Field(None, description="办件编号 / Case number")
    system: str = Field(description="来源系统 / Which system handed it in")
    entered_at: datetime = Field(description="录入时间 / When it was entered")
    decided_at: datetime | None = Field(None, description="决定时间 / When it was decided")


class ConsentOut(BaseModel):
    """联合颁发机构的意见 / A joint authority's word."""

    authority: str = Field(description="机构代码 / Its code")
    by: str | None = Field(None, description="同意人 / Who agreed")
    at: datetime | None = Field(None, description="时间 / When")


class TransferOut(BaseModel):
    """原证照核验结论 / What was found of the other region's licence."""

    region: str = Field(description="来源地区 / The region it comes from")
    outcome: str = Field(description="PASSED, INDETERMINATE")
    findings: list[str] = Field(description="结论代码，见报告代码 / Codes of the report")
    reason: str | None = Field(None, description="仍予通过的理由 / Why it passed all the same")


class ApplicationWithContentOut(ApplicationOut):
    """申请及其内容 / An application with its content."""

    revision: int = Field(description="内容版本 / The content's revision")
    content: dict[str, Any] = Field(description="检查过的内容 / The checked content")
    previous: str | None = Field(None, description="原证照标识 / The licence that it follows")
    paper_number: str | None = Field(None, description="纸质证照编号 / Number on paper")
    item_code: str | None = Field(None, description="事项编码 / Service item")
    consents: list[ConsentOut] = Field(default=[], description="联合意见 / Joint authorities")
    transfer: TransferOut | None = Field(None, description="转入核验 / Check of a transfer")
    licence: str | None = Field(None, description="已签发的证照标识 / The licence, once issued")


class ApplicationsOut(BaseModel):
    """一页申请 / A page of applications."""

    applications: list[ApplicationOut] = Field(description="新的在前 / The newest first")
    after: UUID | None = Field(None, description="下一页的游标 / For the next page")


class ApplicationStepOut(BaseModel):
    """办理的一步 / One step."""

    state: str = Field(description="到达的状态 / The state that it led to")
    by: str = Field(description="办理人 / Who")
    at: datetime = Field(description="时间 / When")
    reason: str = Field(description="意见或理由 / Note or reason")


class StepsOut(BaseModel):
    """办理过程 / An application's way."""

    steps: list[ApplicationStepOut] = Field(description="旧的在前 / The oldest first")


class IssuedOut(BaseModel):
    """已签发的证照 / A licence that was issued."""

    identifier: str = Field(description="电子证照标识 GB/T 36904 / Licence identifier")
    number: str = Field(description="证照编号 / Licence number")
    qr: str = Field(description="二维码文本 / The QR code's text")
    file: str = Field(description="文件地址 / Where the file is")


class LicenceSearchIn(Body):
    """按持证主体、证照编号或纸质编号之一查找 / By one of: holder, number, number on paper."""

    holder: str | None = Field(
        None, min_length=1, max_length=32, description="持证主体代码 / Holder's code"
    )
    number: str | None = Field(None, min_length=1, max_length=128, description="证照编号 / Number")
    paper_number: str | None = Field(
        None, min_length=1, max_length=128, description="纸质证照编号 / Number on paper"
    )
    purpose: str = Field(min_length=1, max_length=200, description="用途，记入审计 / What for")
    after: str | None = Field(None, max_length=200, description="上一页最后一个标识 / Page on")
    limit: int = Field(50, ge=1, le=200)


class LicenceShownOut(BaseModel):
    """登记簿中的证照，持证主体已脱敏 / A licence as registered; the holder is masked."""

    identifier: str = Field(description="电子证照标识 / Identifier")
    number: str = Field(description="证照编号；自然人的已脱敏 / Number; a person's is masked")
    type: str = Field(description="证照类型 / Type")
    type_code: str = Field(description="证照类型代码 / Type code")
    type_version: str = Field(description="类型版本 / The type's version")
    authority: str = Field(description="颁发机构 / Issuer's code")
    holder: str = Field(description="持证主体（脱敏） / Holder, masked")
    state: LicenceState = Field(description="状态 / State")
    state_at: datetime = Field(description="状态时间 / Since when")
    issued: str = Field(description="颁发日期 / Date of issue")
    valid_from: str = Field(description="有效期起 / First day")
    valid_until: str | None = Field(None, description="有效期止，空为长期 / Last day; null: none")
    previous: str | None = Field(None, description="原证照 / The licence that it follows")
    paper_number: str | None = Field(None, description="纸质证照编号 / Number on paper")


class LicencesOut(BaseModel):
    """一页证照 / A page of licences."""

    licences: list[LicenceShownOut]
    after: str | None = Field(None, description="下一页的游标 / For the next page")


class ChangeOut(BaseModel):
    """一次状态变更 / One change of state."""

    state: LicenceState = Field(description="变更后的状态 / The state after it")
    by: str = Field(description="办理人 / Who")
    at: datetime = Field(description="时间 / When")
    reason: str = Field(description="理由 / Why")
    basis: str = Field(description="法律依据 / Legal basis")
    cause: str = Field(description="注销原因：1 一般，2 错发 / Cause of a cancellation")


class HistoryOut(BaseModel):
    """证照的经历 / A licence's history."""

    changes: list[ChangeOut] = Field(description="旧的在前 / The oldest first")
    followed_by: list[str] = Field(description="后续证照 / Licences that followed it")


class LicenceStateOut(BaseModel):
    """变更后的状态 / The state after a change."""

    identifier: str = Field(description="电子证照标识 / Identifier")
    state: LicenceState = Field(description="状态 / State")
    at: datetime = Field(description="时间 / When")


class IssuingGrantIn(Body):
    """委托另一机构代为办理 / Leave for another authority to act."""

    authority: Uscc = Field(description="委托机构 / The issuing authority")
    acting: Uscc = Field(description="受托机构 / Who acts for it")
    types: list[Annotated[str, Field(max_length=21)]] = Field(
        min_length=1, max_length=200, description="证照类型代码 / Type codes"
    )
    since: Moment = Field(description="起 / From")
    until: Moment = Field(description="止（不含） / Until before")
    basis: str = Field(min_length=1, max_length=300, description="委托依据 / What it rests on")


class IssuingGrantOut(BaseModel):
    """一项委托 / One grant."""

    id: UUID
    authority: str = Field(description="委托机构 / The issuing authority")
    acting: str = Field(description="受托机构 / Who acts for it")
    types: list[str] = Field(description="证照类型代码 / Type codes")
    since: datetime
    until: datetime
    basis: str = Field(description="委托依据 / What it rests on")
    granted_by: str = Field(description="办理人 / Who gave it")
    ended_at: datetime | None = Field(None, description="终止时间 / When it was ended")


class IssuingGrantsOut(BaseModel):
    """委托 / Grants."""

    grants: list[IssuingGrantOut]
