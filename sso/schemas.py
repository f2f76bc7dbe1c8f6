"""The shapes of the administrators' interface: docs/administration.md says who may ask what."""

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sso.particulars import ADDRESS_MAX, EMAIL_MAX, NAME_MAX, PURPOSE_MAX
from sso.people_models import Capacity
from trust.access import Role

#: Metadata of one platform; each value has its own limit (sso.metadata_fields).
METADATA_MAX = 64
_DOCUMENT = "证件类型 GB/T 36903 附录 A / Document code of GB/T 36903, annex A"
_USER_NAME = "用户名，空则自动生成 / User name; made up when null"


class Strict(BaseModel):
    """What is handed in: a name that is not known is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")


class ReasonIn(Strict):
    """办理的理由，写入审计日志 / Why; it goes into the audit log."""

    reason: str = Field(
        min_length=1, max_length=200,
        description="理由，不得含个人信息 / The reason, without personal data",
    )  # fmt: skip


class ClientIn(Strict):
    """登记一个平台 / A platform to register."""

    metadata: dict[str, Any] = Field(
        max_length=METADATA_MAX,
        description="RFC 7591 与 OIDC Registration 的元数据 / Metadata in the names of RFC 7591",
    )
    client_id: str | None = Field(
        None, max_length=100, description="空则自动生成 / Made up when null"
    )
    fapi: bool = Field(False, description="按 FAPI 2.0 安全规范 / FAPI 2.0 Security Profile")
    first_party: bool = Field(
        False, description="自有平台，不征求同意 / Of the same government: no consent page"
    )


class ClientChangeIn(Strict):
    """平台的全部元数据，替换原有的 / All metadata of a platform, in place of what was."""

    metadata: dict[str, Any] = Field(
        max_length=METADATA_MAX, description="RFC 7591 元数据 / Metadata in the names of RFC 7591"
    )


class ClientOut(BaseModel):
    """一个平台，不含密钥 / A platform, without its secret."""

    client_id: str = Field(description="平台标识 / The client id")
    name: str = Field(description="名称 / Name")
    active: bool = Field(description="是否启用 / Whether it may be used")
    fapi: bool = Field(description="按 FAPI 2.0 / FAPI 2.0 Security Profile")
    first_party: bool = Field(description="自有平台 / First party")
    created_at: datetime = Field(description="登记时间 / When it was registered")
    metadata: dict[str, Any] = Field(description="RFC 7591 元数据 / Metadata of RFC 7591")


class ClientAddedOut(ClientOut):
    """新登记的平台及其密钥，只给这一次 / A new platform; its secret is told this once."""

    client_secret: str | None = Field(None, description="密钥，或空 / The secret, if it has one")


class ClientPageOut(BaseModel):
    """一页平台 / A page of platforms."""

    items: list[ClientOut] = Field(description="按标识排序 / In the order of their ids")
    next: str | None = Field(
        None, description="下一页的 after，空为末页 / `after` of the next page"
    )


class SecretOut(BaseModel):
    """新密钥，只给这一次 / A new secret, told this once."""

    client_secret: str = Field(description="密钥 / The secret")
    previous_until: datetime = Field(description="旧密钥有效至 / Until when the old one is taken")


class SearchIn(Strict):
    """按完整的号码或用户名查找 / Whole numbers and names only."""

    key: str = Field(
        min_length=1, max_length=254,
        description="完整的用户名、手机号、邮箱或证件号 / User name, mobile, e-mail or number",
    )  # fmt: skip


class PersonOut(BaseModel):
    """一个账户，个人信息已脱敏 / An account; what is personal is masked."""

    account: str = Field(description="用户名 / The account's name")
    sub: str = Field(description="对平台的标识 / What platforms know it by")
    kind: str = Field(description="natural 自然人，legal 法人 / natural or legal person")
    display_name: str = Field(description="显示名，自然人已脱敏 / Name, masked of a natural person")
    key_type: str | None = Field(None, description=_DOCUMENT)
    key_number: str | None = Field(None, description="证件号（脱敏） / Number, masked")
    key_confirmed: bool = Field(description="号码是否已核验 / Whether the number was confirmed")
    mobile: str | None = Field(None, description="手机号（脱敏） / Mobile, masked")
    email: str | None = Field(None, description="邮箱（脱敏） / E-mail, masked")
    active: bool = Field(description="是否启用 / Whether it may act")
    level: int = Field(description="认证等级 0–3 / Assurance level, 0 to 3")
    roles: list[Role] = Field(description="角色 / Roles (docs/roles.md)")
    authority: str | None = Field(None, description="所属机关 / The authority's USCC")
    factors: list[str] = Field(description="已开通的第二因素 / Second factors that are enrolled")
    locked_until: datetime | None = Field(None, description="锁定至 / Locked until")
    created_at: datetime = Field(description="开通时间 / When it was made")


class PurposeIn(Strict):
    """读取个人信息的目的，写入审计日志 / Why personal data are read; it goes into the log."""

    purpose: str = Field(
        min_length=1, max_length=PURPOSE_MAX,
        description="目的，不得含个人信息 / The purpose, without personal data",
    )  # fmt: skip


class ParticularsOut(BaseModel):
    """未脱敏的个人信息，每次读取都有记录 / Personal data in clear; every reading is audited."""

    account: str = Field(description="用户名 / The account's name")
    name: str = Field(description="姓名或名称 / Name")
    key_type: str = Field(description=_DOCUMENT)
    key_number: str = Field(description="证件号 / Document number")
    mobile: str = Field(description="手机号 / Mobile number")
    email: str = Field(description="邮箱 / E-mail address")
    birthdate: str = Field(description="出生日期 / Date of birth")
    gender: str = Field(description="性别 / male, female")
    address: str = Field(description="住址 / Address")
    representative_name: str = Field(description="法定代表人 / Legal representative")
    representative_number: str = Field(description="法定代表人证件号 / Their document number")


class PersonIn(Strict):
    """开通一个自然人账户 / A natural person's account to make."""

    name: str = Field(min_length=1, max_length=NAME_MAX, description="姓名 / Name")
    key_number: str = Field(min_length=4, max_length=40, description="证件号 / Document number")
    key_type: str = Field("111", max_length=3, description=_DOCUMENT)
    user_name: str | None = Field(None, max_length=64, description=_USER_NAME)
    mobile: str = Field("", max_length=40, description="手机号 / Mobile number")
    email: str = Field("", max_length=EMAIL_MAX, description="邮箱 / E-mail address")
    birthdate: str = Field("", max_length=10, description="出生日期 / YYYY-MM-DD")
    gender: str = Field("", max_length=6, description="性别 / male, female")
    address: str = Field("", max_length=ADDRESS_MAX, description="住址 / Address")
    roles: list[Role] = Field([], max_length=9, description="角色 / Roles (docs/roles.md)")
    authority: str | None = Field(None, max_length=18, description="所属机关 / USCC")
    level: int = Field(
        0, ge=0, le=3, description="其他系统已核验的等级 / The level that another system found out"
    )


class RolesIn(Strict):
    """一个账户的全部角色 / All roles of an account."""

    roles: list[Role] = Field(max_length=9, description="角色，空为取消全部 / Roles; [] for none")
    authority: str | None = Field(
        None, max_length=18, description="所属机关 / The authority's USCC"
    )


class EvidenceOut(BaseModel):
    """一项认证依据 / Something a level rests on."""

    id: int = Field(description="编号 / The evidence")
    method: str = Field(description="方式 / How (docs/identity-levels.md)")
    level: int = Field(description="等级 / Level")
    source: str = Field(description="核验方 / Who checked")
    obtained_at: datetime = Field(description="取得时间 / When")
    expires_at: datetime | None = Field(None, description="到期时间 / Until when; null: no end")


class OrganisationIn(Strict):
    """开通一个法人账户 / A legal person's account to make."""

    uscc: str = Field(min_length=18, max_length=18, description="统一社会信用代码 / USCC")
    name: str = Field(min_length=1, max_length=NAME_MAX, description="名称 / Name")
    user_name: str | None = Field(None, max_length=64, description=_USER_NAME)
    representative_name: str = Field(
        "", max_length=NAME_MAX, description="法定代表人 / Legal representative"
    )
    representative_number: str = Field("", max_length=32, description="其证件号 / Their number")
    mobile: str = Field("", max_length=40, description="手机号 / Mobile number")
    email: str = Field("", max_length=EMAIL_MAX, description="邮箱 / E-mail address")
    level: int = Field(0, ge=0, le=3, description="已核验的等级 / The level found out elsewhere")


class AgencyIn(Strict):
    """授权一名经办人 / An agent to appoint."""

    agent: str = Field(
        min_length=1, max_length=254,
        description="经办人：用户名、手机号或证件号 / User name, mobile or document number",
    )  # fmt: skip
    scope: str = Field(min_length=1, max_length=200, description="事项 / What for")
    not_before: AwareDatetime | None = Field(None, description="自何时，空为现在 / From; null: now")
    not_after: AwareDatetime = Field(description="至何时，最长三年 / Until; three years at most")


class AgencyOut(BaseModel):
    """一项授权 / An authorisation to act."""

    id: int = Field(description="编号 / The authorisation")
    organisation: str = Field(description="法人账户 / The organisation's account")
    agent: str = Field(description="经办人账户 / The agent's account")
    agent_name: str = Field(description="姓名（脱敏） / Name, masked")
    capacity: Capacity = Field(description="身份 / In what capacity")
    scope: str = Field(description="事项 / What for")
    not_before: datetime = Field(description="自 / From")
    not_after: datetime | None = Field(None, description="至，空为长期 / Until; null: no end")


class FaultOut(BaseModel):
    """一处错误，不含所填的值 / One fault, never with the value."""

    line: int = Field(description="行号 / Line, as an editor counts")
    column: str = Field(description="列名，空为整行 / Column; empty for the row as a whole")
    rule: str = Field(description="规则 / What it breaks")


class ImportOut(BaseModel):
    """批量导入的报告 / What an import would do, or did."""

    done: bool = Field(description="是否已导入 / Whether it was run")
    rows: int = Field(description="行数 / Rows")
    new: int = Field(description="新账户 / New accounts")
    present: int = Field(description="已有账户 / Accounts that were here")
    problems: list[FaultOut] = Field(description="错误，至多一千处 / Faults, 1000 at most")


class AuditEntryOut(BaseModel):
    """审计日志的一条 / An entry of the audit log."""

    sequence: int = Field(description="序号，自 0 起 / Its place, from 0")
    at: datetime = Field(description="时间 / When")
    act: str = Field(description="行为 / What was done")
    subject: str = Field(description="对象 / To what")
    account: str = Field(description="操作者 / Who did it")
    authority: str | None = Field(None, description="操作者所属机关 / Their authority")
    details: dict[str, Any] = Field(description="细节 / Details")
    hash: str = Field(description="SM3，十六进制 / SM3 of the entry, hex")


class AuditPageOut(BaseModel):
    """一段审计日志 / A stretch of the audit log."""

    items: list[AuditEntryOut] = Field(description="按序号 / In order")
    scanned_to: int = Field(description="已查到的序号 / The last sequence that was looked at")
    next: int | None = Field(
        None, description="下一页的 after，空为末页 / `after` of the next page"
    )
