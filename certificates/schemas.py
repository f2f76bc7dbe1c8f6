"""The shapes of answers, for the interface's description; docs/report.md says what codes mean."""

from typing import Literal

from pydantic import BaseModel, Field

from certificates.qr import READ_MAX

OutcomeText = Literal["PASSED", "FAILED", "INDETERMINATE"]
IndicationText = Literal["TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"]


class ReasonOut(BaseModel):
    """同一句话的两种文字 / One sentence in two languages."""

    zh: str = Field(description="中文 / Chinese")
    en: str = Field(description="英文 / English")


class CheckOut(BaseModel):
    """一项检查 / One check."""

    name: str = Field(description="检查项 / What was checked", examples=["signature.1"])
    outcome: OutcomeText = Field(description="结论 / Outcome")
    code: str = Field(
        description="稳定的结论代码 / The finding; stable, new ones may be added",
        examples=["signature_valid"],
    )
    reason: ReasonOut = Field(description="理由 / Why")


class LicenceOut(BaseModel):
    """证照摘要，持证主体已按证照类型脱敏 / What the public may see; the holder is masked."""

    identifier: str = Field(description="电子证照标识 GB/T 36904 / Licence identifier")
    type: str | None = Field(None, description="证照类型 / Type")
    type_code: str | None = Field(None, description="证照类型代码 / Type code (GB/T 36902)")
    region: str | None = Field(None, description="行政区划代码 / Division code (GB/T 2260)")
    region_name: str | None = Field(None, description="颁发地区 / Region")
    authority: str | None = Field(None, description="颁发机构代码 / Issuer's code")
    authority_name: str | None = Field(None, description="颁发机构 / Issuer")
    number: str | None = Field(None, description="证照编号 / Licence number")
    holder: str | None = Field(None, description="持证主体（脱敏） / Holder, masked")
    issued: str | None = Field(None, description="颁发日期 / Date of issue")
    valid_from: str | None = Field(None, description="有效期起 / First day of validity")
    valid_until: str | None = Field(None, description="有效期止，空为长期 / Last day; null: no end")
    copy_number: str | None = Field(None, description="加注件编号 / Number of a marked copy")
    copy_purpose: str | None = Field(None, description="加注件事由 / What the copy is for")
    copy_maker: str | None = Field(None, description="加注件制作者 / Made for whom")
    copy_until: str | None = Field(None, description="加注件有效期截止 / Until when")


class SignatureOut(BaseModel):
    """一枚签章 / One signature of a file."""

    number: int = Field(description="按签章先后 / In the order of sealing, from 1")
    level: Literal["B-B", "B-T", "B-LT"] = Field(
        description="ETSI EN 319 142-1 级别 / Level: with a time-stamp, with evidence"
    )
    time: str | None = Field(None, description="签章时间 / Signing time, UTC")
    time_by: Literal["claim", "time-stamp"] = Field(
        description="时间由谁说明 / Whose word the time is"
    )
    indication: IndicationText = Field(description="ETSI EN 319 102-1")
    sub_indication: str | None = Field(None, description="ETSI EN 319 102-1")


class VerificationOut(BaseModel):
    """核验报告 / The report on a file or a QR code."""

    outcome: OutcomeText = Field(description="总结论 / The whole report's outcome")
    at: str = Field(description="判定时间 / Time of judgement, UTC")
    licence: LicenceOut | None = Field(
        None, description="签名不可信时为空 / null when nothing signed could be believed"
    )
    changed_after_sealing: bool | None = Field(
        None, description="签章后是否被改动；二维码为空 / null for a QR code"
    )
    checks: list[CheckOut] = Field(description="逐项检查 / Each check")
    indication: IndicationText | None = Field(
        None, description="签名的结论 / Of the signatures alone, in the words of EN 319 102-1"
    )
    sub_indication: str | None = Field(None, description="ETSI EN 319 102-1")
    signatures: list[SignatureOut] = Field(
        default=[], description="逐枚签章；二维码为空 / Each signature; none for a QR code"
    )


class QrIn(BaseModel):
    """二维码文本 / A QR code's text."""

    qr: str = Field(
        max_length=READ_MAX,
        description="完整地址或 # 之后的部分 / The whole URL, or what follows #",
    )
