"""The shapes of the wallet's interface (docs/wallet.md)."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from certificates import purpose
from certificates.wallet import disputes


class CopyPurposeIn(BaseModel):
    """用证目的 / What a licence is wanted for."""

    cause: str = Field(
        min_length=1, max_length=purpose.CAUSE_MAX,
        description="事由，不得填写证件号和手机号 / In words; no identity or mobile numbers",
        examples=["办理食品经营许可"],
    )  # fmt: skip
    item_code: str = Field("", max_length=purpose.ITEM_MAX, description="事项编码 / Item code")
    matter: str = Field("", max_length=purpose.MATTER_MAX, description="事项名称 / Matter")
    system: str = Field("", max_length=purpose.SYSTEM_MAX, description="系统名称 / System")

    def checked(self) -> purpose.Purpose:
        """BadPurpose."""
        return purpose.purpose(
            self.cause, system=self.system, item_code=self.item_code, matter=self.matter
        )


class CardOut(BaseModel):
    """一张证照，未打开 / A licence, not opened."""

    identifier: str = Field(description="电子证照标识 / Licence identifier")
    type: str = Field(description="证照类型 / Type")
    type_code: str = Field(description="证照类型代码 / Type code")
    number: str = Field(description="证照编号 / Number")
    holder: str = Field(description="持证主体（脱敏） / Holder, masked")
    state: str = Field(description="状态 / State")
    valid_from: str = Field(description="有效期起 / First day")
    valid_until: str | None = Field(None, description="有效期止，空为长期 / Last day")
    whose: Literal["own", "company", "entrusted"] = Field(
        description="本人、所代表单位或受托 / One's own, a body's, or entrusted"
    )
    disposes: bool = Field(description="可否授权、委托、异议 / May authorise, entrust, complain")


class ItemOut(BaseModel):
    """一项内容 / One item."""

    name: str = Field(description="短名 GB/T 36903 / Short name")
    zh: str = Field(description="中文名称 / Chinese label")
    en: str = Field(description="英文名称 / English label")
    text: str = Field(description="内容 / Text")


class LicenceViewOut(CardOut):
    """打开的证照 / A licence opened by whoever may use it."""

    items: list[ItemOut] = Field(description="各项内容 / Its items")


class CodeOut(BaseModel):
    """亮证码 / A one-time code, good for a minute."""

    text: str = Field(description="二维码文本 / For the QR symbol")
    typed: str = Field(description="供人工输入 / For typing", examples=["7KX2M-9PQ4D"])
    good_until: datetime = Field(description="失效时间 / When it ends")


class ShowingIn(BaseModel):
    """用证单位扫描亮证码 / An office's request by a code."""

    code: str = Field(min_length=1, max_length=40, description="亮证码 / The code")
    purpose: CopyPurposeIn = Field(description="用证目的 / What for")


class ShowingOut(BaseModel):
    """亮证请求的状态 / How a request stands; nothing of the licence."""

    id: UUID = Field(description="请求编号 / The request")
    state: Literal["waiting", "granted", "refused", "shown", "expired"] = Field(
        description="状态 / State"
    )
    office: str = Field(description="用证单位代码 / The office's code")
    office_name: str = Field(description="用证单位 / The office")
    account: str = Field(description="经办人账号 / Who asked")
    purpose: str = Field(description="用证目的 / What for")
    asked_at: datetime = Field(description="请求时间 / When")
    good_until: datetime = Field(description="等待或取证的截止时间 / Until when")


class AskedOut(ShowingOut):
    """等待持证人确认的请求 / A request that waits for its holder."""

    licence: CardOut = Field(description="所亮证照 / The licence")


class ShownOut(BaseModel):
    """持证人确认后一次性给出的内容 / What the office sees, once."""

    identifier: str = Field(description="电子证照标识 / Licence identifier")
    type: str = Field(description="证照类型 / Type")
    state: str = Field(description="当前状态 / State now")
    in_force: bool = Field(description="现行有效且在有效期内 / In force today")
    items: list[ItemOut] = Field(description="各项内容 / Its items")
    licence: dict[str, Any] = Field(description="GB/T 36903 各项 / The items by short name")


class AuthorisationIn(BaseModel):
    """授权一个单位 / Leave for one office."""

    office: str = Field(min_length=18, max_length=18, description="单位统一社会信用代码 / USCC")
    purpose: CopyPurposeIn = Field(description="用证目的 / What for")
    until: AwareDatetime = Field(description="截止时间，带时区 / Until when, with its zone")


class AuthorisationOut(BaseModel):
    """一项授权 / One leave."""

    id: UUID = Field(description="授权编号 / The leave")
    office: str = Field(description="单位代码 / The office's code")
    purpose: str = Field(description="用证目的 / What for")
    item_code: str = Field(description="事项编码 / Item code")
    until: datetime = Field(description="截止时间 / Until when")
    revoked_at: datetime | None = Field(None, description="收回时间 / When taken back")


class CopyIn(BaseModel):
    """制作加注件 / A purpose-marked copy wanted."""

    purpose: CopyPurposeIn = Field(description="用证目的 / What for")
    maker: str = Field(min_length=1, max_length=200, description="制作者 / Made for whom")
    until: AwareDatetime = Field(description="有效期截止，带时区 / Until when, with its zone")


class CopyOut(BaseModel):
    """一份加注件 / One copy."""

    number: str = Field(description="加注件编号 / Its number")
    purpose: str = Field(description="制作事由 / What for")
    maker: str = Field(description="制作者 / Made for whom")
    made_at: datetime = Field(description="制作时间 / When")
    until: datetime = Field(description="有效期截止 / Until when")
    qr: str = Field(description="二维码文本 / Its QR code's text")
    file: str = Field(description="文件地址 / Where the file is")


class EntrustmentIn(BaseModel):
    """委托他人使用证照 / Somebody is to use licences for a holder."""

    agent: str = Field(min_length=1, max_length=254, description="受托人登录名 / Agent's login")
    holder: str | None = Field(
        None, max_length=32, description="所代表单位的代码，空为本人 / A body's code; null: oneself"
    )
    licence: str | None = Field(None, max_length=200, description="仅此证照 / This licence only")
    type_code: str | None = Field(None, max_length=21, description="仅此类型 / This type only")
    matter: str = Field(min_length=1, max_length=200, description="委托事项 / For what")
    until: AwareDatetime = Field(description="截止时间，带时区 / Until when, with its zone")


class EntrustmentOut(BaseModel):
    """一项委托 / One entrustment."""

    id: UUID = Field(description="委托编号 / The entrustment")
    principal: str = Field(description="委托人（脱敏） / Whose licences, masked")
    agent: str = Field(description="受托人账号 / Who may use them")
    licence: str | None = Field(None, description="仅此证照 / This licence only")
    type_code: str | None = Field(None, description="仅此类型 / This type only")
    matter: str = Field(description="委托事项 / For what")
    until: datetime = Field(description="截止时间 / Until when")
    revoked_at: datetime | None = Field(None, description="收回时间 / When taken back")


class LookOut(BaseModel):
    """一次查看 / One look."""

    sequence: int = Field(description="审计序号 / The audit entry")
    at: datetime = Field(description="时间 / When")
    how: str = Field(description="途径 / By which way")
    account: str = Field(description="账号 / Who")
    office: str = Field(description="单位代码 / For which office")
    purpose: str = Field(description="用证目的 / What for")
    item_code: str = Field(description="事项编码 / Item code")
    outcome: str = Field(description="核验结论 / Of a verification: what came of it")


class DisputeIn(BaseModel):
    """异议 / What is wrong with a licence."""

    words: str = Field(min_length=1, max_length=disputes.WORDS_MAX, description="说明 / In words")


class DisputeOut(BaseModel):
    """一件异议 / A complaint and its answer."""

    id: UUID = Field(description="异议编号 / The complaint")
    licence: str = Field(description="电子证照标识 / Licence identifier")
    authority: str = Field(description="颁发机构代码 / Issuer's code")
    state: Literal["open", "accepted", "refused", "resolved"] = Field(description="状态 / State")
    words: str = Field(description="说明 / The holder's words")
    answer: str = Field(description="答复 / The issuer's answer")
    raised_at: datetime = Field(description="提出时间 / When raised")
    decided_at: datetime | None = Field(None, description="答复时间 / When answered")
    resolved_at: datetime | None = Field(None, description="办结时间 / When put right")
    resolved_by_licence: str | None = Field(None, description="更正后的证照 / The re-issue")


class DecisionIn(BaseModel):
    """对异议的答复 / An answer to a complaint."""

    decision: Literal["accepted", "refused"] = Field(description="决定 / Decision")
    answer: str = Field(min_length=1, max_length=disputes.WORDS_MAX, description="答复 / Answer")


class ResolutionIn(BaseModel):
    """以换发办结异议 / The re-issue that put it right."""

    licence: str = Field(min_length=1, max_length=200, description="新证照标识 / Its identifier")
