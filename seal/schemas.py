"""The shapes of the seal interface, for its description; docs/seal-life.md says what they mean."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from seal.grant_models import UseState
from seal.ledger import DOCUMENT_MAX, TEXT_MAX
from seal.ledger_models import UseResult
from seal.life_models import RequestState
from seal.models import SealKind, SealState
from seal.picture import Rank
from trust.access import Role

Word = Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]


class SealRequestIn(BaseModel):
    """印章申请 / An application for a seal, for the caller's own authority."""

    kind: SealKind = Field(description="种类 / Kind")
    name: str = Field(min_length=2, max_length=100, description="印章名称 / What it is called")
    rank: Rank | None = Field(
        None, description="所有者级别，决定尺寸；个人名章为空 / The owner's rank; null: personal"
    )
    number: str = Field("", max_length=18, description="下弧编码 / Drawn on the lower arc")
    picture: str | None = Field(
        None, description="上传的 SVG 或 PNG，Base64；为空则绘制 / Uploaded, not drawn",
        max_length=700_000, json_schema_extra={"contentEncoding": "base64"},
    )  # fmt: skip
    width_mm: float | None = Field(None, gt=0, le=100, description="宽，毫米 / Width, mm")
    height_mm: float | None = Field(None, gt=0, le=100, description="高，毫米 / Height, mm")


class SealReasonIn(BaseModel):
    """理由 / Why."""

    reason: str = Field(min_length=1, max_length=500, description="理由 / The reason")


class SealStepOut(BaseModel):
    """生命周期的一步 / One step of a life."""

    state: str = Field(description="状态 / State")
    at: str = Field(description="时间 / When")
    by: str = Field(description="办理账号 / Whose account")
    reason: str = Field(description="理由 / Why")


class SealRequestOut(BaseModel):
    """印章申请的状态 / How an application for a seal stands."""

    id: UUID = Field(description="申请编号 / The application")
    seal: str | None = Field(description="印章编码，制作后才有 / The seal, once made")
    owner: str = Field(description="所有者代码 / The owner's code")
    kind: SealKind = Field(description="种类 / Kind")
    name: str = Field(description="印章名称 / Name")
    state: RequestState = Field(description="状态 / State")
    width_mm: float = Field(description="宽，毫米 / Width, mm")
    height_mm: float = Field(description="高，毫米 / Height, mm")
    drawn: bool = Field(description="由平台绘制 / Drawn here, not uploaded")
    applied_by: str = Field(description="申请人账号 / Who applied")
    applied_at: str = Field(description="申请时间 / When")
    decided_by: str | None = Field(description="审批人账号 / Who decided")


class SealOut(BaseModel):
    """一枚印章 / A seal."""

    seal: str = Field(description="印章编码 / Its esID (GB/T 38540)")
    owner: str = Field(description="所有者代码 / The owner's code")
    owner_name: str = Field(description="所有者 / The owner")
    kind: SealKind = Field(description="种类 / Kind")
    name: str = Field(description="印章名称 / Name")
    state: SealState = Field(description="状态 / State")
    valid_from: str = Field(description="有效期起 / Valid from")
    valid_until: str = Field(description="有效期止 / Valid until")


class SealWithStepsOut(SealOut):
    """一枚印章及其经历 / A seal with its history."""

    steps: list[SealStepOut] = Field(description="经历 / History, oldest first")


class GrantIn(BaseModel):
    """用印授权；account、role、system 至少一项 / Leave to use a seal; one of who is needed."""

    account: Word | None = Field(None, description="账号 / Account")
    role: Role | None = Field(None, description="所有者处的角色 / Role at the owner")
    system: Word | None = Field(None, description="系统 / System")
    type_code: Annotated[str, Field(max_length=21)] | None = Field(
        None, description="证照类型代码 / Licence type"
    )
    item: Word | None = Field(None, description="事项 / Matter")
    valid_from: AwareDatetime | None = Field(None, description="起 / From")
    valid_until: AwareDatetime | None = Field(None, description="止 / Until")
    ceiling: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="每日上限 / Most uses a day, in China"
    )
    second_person: bool = Field(False, description="每次须另一人确认 / Each use is confirmed")


class GrantOut(GrantIn):
    """一项授权 / A grant."""

    id: UUID = Field(description="授权编号 / The grant")
    seal: str = Field(description="印章编码 / The seal")
    granted_by: str = Field(description="授权人 / Who granted")
    revoked_at: datetime | None = Field(description="收回时间 / When it was taken back")


class UseIn(BaseModel):
    """申请一次用印 / One use asked for."""

    case: Word = Field(description="办件 / The case, such as an application's number")
    type_code: str = Field("", max_length=21, description="证照类型代码 / Licence type")
    item: str = Field("", max_length=TEXT_MAX, description="事项 / Matter")
    document: str = Field("", max_length=DOCUMENT_MAX, description="文件名 / Document")


class UseRequestOut(BaseModel):
    """一次待确认的用印 / A use that wants a second person."""

    id: UUID = Field(description="编号 / The use")
    seal: str = Field(description="印章编码 / The seal")
    case: str = Field(description="办件 / Case")
    document: str = Field(description="文件名 / Document")
    state: UseState = Field(description="状态 / State")
    asked_by: str = Field(description="申请人 / Who asked")
    confirmed_by: str | None = Field(description="确认人 / Who confirmed")


class LedgerRowOut(BaseModel):
    """台账一行 / One row of the ledger."""

    id: int = Field(description="行号 / Row")
    at: str = Field(description="时间 / When")
    seal: str = Field(description="印章编码 / The seal")
    operator: str = Field(description="用印账号 / Whose account")
    authority: str | None = Field(description="所在机构 / Their authority")
    system: str = Field(description="系统 / System")
    grant: UUID | None = Field(description="授权 / Under which grant")
    type_code: str = Field(description="证照类型代码 / Licence type")
    item: str = Field(description="事项 / Matter")
    case: str = Field(description="办件 / Case")
    document: str = Field(description="文件名 / Document")
    digest: str | None = Field(description="文件 SHA-256 / SHA-256 of the sealed file")
    page: int | None = Field(description="页 / Page")
    x_mm: float | None = Field(description="横坐标，毫米 / From the left, mm")
    y_mm: float | None = Field(description="纵坐标，毫米 / From below, mm")
    time_stamp: str | None = Field(description="时间戳序号 / Serial of the time-stamp")
    result: UseResult = Field(description="结果 / Result")
    reason: str = Field(description="拒绝代码 / Why not")


class LedgerOut(BaseModel):
    """台账一页，从新到旧 / A page of the ledger, newest first."""

    rows: list[LedgerRowOut] = Field(description="各行 / Rows")
    next: int | None = Field(description="下一页的 below；空为末页 / `below` of the next page")
