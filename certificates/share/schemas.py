"""The shapes of the share interface (docs/share.md)."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from certificates.purpose import (
    CAUSE_MAX,
    ITEM_MAX,
    MATTER_MAX,
    SYSTEM_MAX,
    Purpose,
    purpose,
)
from certificates.search import Found
from certificates.share.admission import Way
from certificates.share.verbs import MAKER_MAX, PAGE_MAX
from certificates.share.verify import FACTS_MAX

_ID_MAX = 200
_TOKEN_MAX = 16 * 1024
#: Base64 in a JSON body of a megabyte.
_FILE_MAX = 1024 * 1024


class Strict(BaseModel):
    """What is handed in: a name that is not known is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")


class SharePurposeIn(Strict):
    """用途 / What the licence is wanted for (GB/T 36906, useCause)."""

    cause: str = Field(
        min_length=1, max_length=CAUSE_MAX, description="用途，不含个人号码 / In words"
    )
    category: Literal["", "0", "1"] = Field(
        "", description="0 办理事项，1 其他 / 0 for a service item, 1 otherwise"
    )
    item_code: str = Field("", max_length=ITEM_MAX, description="事项编码 / The item's code")
    matter: str = Field("", max_length=MATTER_MAX, description="事项名称 / The matter's name")
    system: str = Field("", max_length=SYSTEM_MAX, description="系统名称 / The system's name")

    def value(self) -> Purpose:
        return purpose(
            self.cause, system=self.system, category=self.category, item_code=self.item_code,
            matter=self.matter,
        )  # fmt: skip


class AskingIn(Strict):
    """每次调用都说明的内容 / What every call says."""

    purpose: SharePurposeIn | None = Field(None, description="用途 / Purpose")
    case_number: str = Field("", max_length=64, description="办件编号 / Number of the case")
    way: Way = Field(
        Way.DUTY, description="依职能 duty，依授权 grant，委托 entrusted / On what the call relies"
    )
    credential: str | None = Field(
        None, max_length=_TOKEN_MAX, repr=False,
        description="委托：代理人在本平台的访问令牌 / Of the agent, for entrusted",
    )  # fmt: skip


class ShareSearchIn(AskingIn):
    """检索 / Search by exactly one of the three."""

    holder_code: str = Field("", max_length=_ID_MAX, description="持证主体代码 / Holder's code")
    number: str = Field("", max_length=_ID_MAX, description="证照编号 / Licence number")
    licence: str = Field("", max_length=_ID_MAX, description="电子证照标识 / Identifier")
    type: str = Field("", max_length=21, description="证照类型代码 / Type code")
    limit: int = Field(50, ge=1, le=PAGE_MAX, description="每页条数 / How many")
    after: str = Field("", max_length=_ID_MAX, description="上一页的 next / From a page")


class ShareReadIn(AskingIn):
    """信息获取 / Read one licence's items."""

    licence: str = Field(max_length=_ID_MAX, description="电子证照标识 / Identifier")
    encrypt: Literal["", "sm2"] = Field(
        "", description="sm2：以登记的公钥加密 / Encrypted to the registered public key"
    )


class ShareFileIn(AskingIn):
    """文件或地址获取 / A file, or a link to it."""

    licence: str = Field(max_length=_ID_MAX, description="电子证照标识 / Identifier")
    maker: str = Field(
        min_length=1, max_length=MAKER_MAX, description="加注件制作单位 / For whom the copy is made"
    )
    until: AwareDatetime | None = Field(
        None, description="加注件有效至，最长 30 天 / The copy's end, 30 days at most"
    )


class DataVerificationIn(AskingIn):
    """信息验证 / Facts to compare with the register."""

    type: str = Field(max_length=21, description="证照类型代码 / Type code")
    licence: str = Field("", max_length=_ID_MAX, description="电子证照标识 / Identifier")
    number: str = Field("", max_length=_ID_MAX, description="证照编号 / Licence number")
    holder: str = Field("", max_length=_ID_MAX, description="持证主体 / Holder")
    holder_code: str = Field("", max_length=_ID_MAX, description="持证主体代码 / Holder's code")
    items: dict[str, str] = Field(
        default_factory=dict, max_length=FACTS_MAX, description="其他信息项 / Further items"
    )


class FileVerificationIn(AskingIn):
    """文件验证 / A file to verify."""

    type: str = Field(max_length=21, description="证照类型代码 / Type code")
    content: str = Field(
        min_length=1, max_length=_FILE_MAX, repr=False,
        description="PDF 的 Base64 / The PDF in base64",
    )  # fmt: skip


class FoundOut(BaseModel):
    """一份证照，持证主体已脱敏 / A licence; its holder as everyone may see it."""

    identifier: str = Field(description="电子证照标识 / Identifier")
    type: str = Field(description="证照类型代码 / Type code")
    type_version: str = Field(description="类型版本 / Version of the type")
    number: str = Field(description="证照编号 / Licence number")
    holder: str = Field(description="持证主体（脱敏） / Holder, masked")
    authority: str = Field(description="颁发机构代码 / The authority's USCC")
    state: str = Field(description="状态 / State")
    issued_on: date = Field(description="颁发日期 / Issued on")
    valid_from: date = Field(description="有效期起 / Valid from")
    valid_until: date | None = Field(description="有效期止，空为长期 / Last day; null for no end")


class ShareSearchOut(BaseModel):
    """一页检索结果 / A page of what was found."""

    items: list[FoundOut] = Field(description="按标识排序 / In the order of identifiers")
    next: str | None = Field(description="下一页的 after / `after` of the next page")


class MetadataOut(BaseModel):
    """证照信息 / A licence's items; exactly one of items and encrypted."""

    licence: FoundOut = Field(description="证照 / The licence")
    items: dict[str, Any] | None = Field(
        None, description="GB/T 36903 信息项 / Items by their short names"
    )
    encrypted: str | None = Field(
        None, description="信息项 JSON 的 SM2 密文（十六进制，04‖C1‖C3‖C2） / Items as ciphertext"
    )


class FileOut(BaseModel):
    """文件 / A file."""

    licence: str = Field(description="电子证照标识 / Identifier")
    copy_number: str | None = Field(
        None, description="加注件编号，空为原件 / The copy's number; null for the original"
    )
    content_type: Literal["base64"] = Field("base64", description="内容形式 / Form of the content")
    content: str = Field(description="PDF 的 Base64 / The PDF in base64")


class LinkOut(BaseModel):
    """一次性地址 / A link that works once."""

    url: str = Field(description="十分钟内下载一次 / Gives the file once, within ten minutes")
    expires_at: datetime = Field(description="失效时间 / Its end")


class DataVerificationOut(BaseModel):
    """信息验证结果 / The answer about data."""

    result: int = Field(ge=0, le=6, description="0–6，见 docs/share.md / Of the standard")


class FileVerificationOut(BaseModel):
    """文件验证结果 / The answer about a file."""

    result: int = Field(ge=0, le=2, description="0 通过，1 印章不通过，2 文件不通过")
    report: dict[str, Any] = Field(description="核验报告 / The report (docs/report.md)")


def shown(row: Found) -> FoundOut:
    return FoundOut(
        identifier=row.identifier, type=row.type_code, type_version=row.type_version,
        number=row.number, holder=row.holder_public, authority=row.authority,
        state=str(row.state), issued_on=row.issued_on, valid_from=row.valid_from,
        valid_until=row.valid_until,
    )  # fmt: skip
